import { describe, expect, it } from 'vitest';
import type { Disk } from '../../model/facts/system.ts';
import type { Symptom } from '../../model/facts/topology.ts';
import { detections, symptomOf } from '../backend/testing.ts';
import fault from './disk-full.ts';

const mebibyte = 2 ** 20;
const disk = (mount: string, availableMiB: number, inodesFree = 900): Disk => ({
  mount,
  path: mount,
  totalBytes: 1000 * mebibyte,
  availableBytes: availableMiB * mebibyte,
  inodes: 1000,
  inodesFree,
});
const failed = (change: Partial<Symptom> = {}): Symptom => {
  const symptom = symptomOf('disk-full', change);
  const message = 'pwrite() "/var/lib/nginx/body/0000000001" failed';
  return { ...symptom, errorGroups: symptom.errorGroups.map(group => ({ ...group, samples: group.samples.map(sample => ({ ...sample, message })) })) };
};
const run = (disks: readonly Disk[], symptoms: readonly Symptom[], refused: readonly Disk[] = []) =>
  detections(fault, { symptoms, 'refused-disks': refused, resources: { disks, sysctl: {}, netCounters: {}, netCounterGrowth: {} } });

describe('fires', () => {
  it('where the file system of the named file is full, and not for the one above it', () => {
    expect(run([disk('/', 500), disk('/var/lib/nginx/body', 0)], [failed()])).toMatchObject([
      { confidence: 'confirmed', status: 'active', subject: { id: '/var/lib/nginx/body' } },
    ]);
  });

  it('where the file system of the named file is one that only the message gave away', () => {
    expect(run([disk('/', 500)], [failed()], [disk('/var/lib/nginx/body', 0)])).toMatchObject([
      { confidence: 'confirmed', status: 'active', subject: { id: '/var/lib/nginx/body' } },
    ]);
  });

  it('where inodes are used up', () => {
    expect(run([disk('/', 500, 0)], [failed()])).toMatchObject([{ confidence: 'confirmed', data: { what: 'inodes' } }]);
  });

  it('less surely where there is a little room again, and with doubt where there is much', () => {
    expect(run([disk('/', 60)], [failed()])).toMatchObject([{ confidence: 'likely', messageId: 'was' }]);
    expect(run([disk('/', 500)], [failed({ ongoing: false })])).toMatchObject([{ confidence: 'possible', status: 'past' }]);
  });

  it('in a pause of the failing too while the file system is full', () => {
    const paused = failed({ ongoing: false });
    expect(run([disk('/', 0)], [paused])).toMatchObject([{ confidence: 'confirmed', status: 'active' }]);
    expect(run([disk('/', 60)], [paused])).toMatchObject([{ status: 'past' }]);
    expect(run([disk('/', 0)], [{ ...paused, lastMs: paused.lastMs - 60_000 }])).toMatchObject([{ status: 'past' }]);
  });

  it('for later, where nothing could be logged', () => {
    expect(run([disk('/', 500), disk('/var', 0)], [])).toMatchObject([{ confidence: 'likely', status: 'latent', subject: { id: '/var' } }]);
  });
});

describe('is silent', () => {
  it('about a full file system that nginx has nothing on', () => {
    expect(run([disk('/', 500), disk('/var/backups', 0), disk('/var/lib', 0), disk('/var/lib/nginx', 300)], [])).toEqual([]);
  });

  it('where there is room', () => {
    expect(run([disk('/', 500)], [symptomOf('read-timeout')])).toEqual([]);
  });
});
