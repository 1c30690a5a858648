import { describe, expect, it } from 'vitest';
import type { Hop } from '../../model/facts/hop.ts';
import { detections, eventOf, hopOf, symptomOf } from '../backend/testing.ts';
import fault from './fd-limit-backend.ts';

const closed = symptomOf('premature-close');
const answered = { ...symptomOf('premature-close'), class: 'backend-answered-5xx' as const };
const said = eventOf('too-many-open-files', 5000);
const run = (openFiles: number, change: Partial<Hop>) =>
  detections(fault, {
    hops: [hopOf({ symptoms: [closed], ...change })],
    'process-details': [
      { pid: 100, openFiles: 9, openFilesLimit: 1024 },
      { pid: 101, openFiles, openFilesLimit: 1024 },
      // Another service's process.
      { pid: 999, openFiles: 1024, openFilesLimit: 1024 },
    ],
  });

describe('fd-limit-backend', () => {
  it('fires where a process is at its limit and its log says so', () => {
    expect(run(1023, { events: [said] })).toMatchObject([{ confidence: 'confirmed', status: 'active', data: { pid: 101, open: 1023 }, symptoms: [closed.id] }]);
  });

  it('fires in a pause of the failing too while the process is at its limit', () => {
    const symptoms = [{ ...closed, ongoing: false }];
    expect(run(1023, { events: [said], symptoms })).toMatchObject([{ confidence: 'confirmed', status: 'active' }]);
    expect(run(30, { events: [said], symptoms })).toMatchObject([{ status: 'past' }]);
  });

  it('fires less surely where no log says so', () => {
    expect(run(1023, {})).toMatchObject([{ confidence: 'likely' }]);
  });

  it('doubts the message where the files are few', () => {
    expect(run(30, { events: [said] })).toMatchObject([{ confidence: 'possible', messageId: 'said' }]);
  });

  it('is silent about an old message', () => {
    expect(run(30, { events: [eventOf('too-many-open-files', 3_600_000)] })).toEqual([]);
    expect(run(30, { events: [eventOf('too-many-open-files', 600_000)] })).toEqual([]);
  });

  it('is silent where a full process answers errors and says nothing of files', () => {
    expect(run(1023, { symptoms: [answered] })).toEqual([]);
  });

  it('is silent on a full process that nobody misses', () => {
    expect(run(1023, { symptoms: [], events: [said] })).toEqual([]);
  });
});
