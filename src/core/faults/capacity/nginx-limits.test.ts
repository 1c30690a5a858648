import { describe, expect, it } from 'vitest';
import type { ConfigDirective } from '../../model/facts/nginx.ts';
import type { Symptom } from '../../model/facts/topology.ts';
import { hopOf, detections, nowMs, serviceOf, symptomOf } from '../backend/testing.ts';
import { configOf, instanceOf } from '../nginx/testing.ts';
import files from './fd-limit-nginx.ts';
import connections from './nginx-worker-connections-exhausted.ts';

const instance = instanceOf({ workers: [{ pid: 7, startMs: 0, state: 'S', shuttingDown: false }] });
const directive = (name: string, value: string, block?: readonly ConfigDirective[]): ConfigDirective => ({
  name,
  args: value === '' ? [] : [{ value, quote: '', start: 0, end: 0 }],
  path: '/etc/nginx/nginx.conf',
  line: 5,
  start: name.length,
  end: 0,
  ...(block === undefined ? {} : { block }),
});
const config = {
  ...configOf('', 0),
  instanceId: instance.id,
  directives: [directive('worker_rlimit_nofile', '80'), directive('events', '', [directive('worker_connections', '64')])],
};
const detail = (openFiles: number, openFilesLimit: number) => [{ pid: 7, openFiles, openFilesLimit }];

function said(kind: 'worker-connections' | 'too-many-open-files', message: string, change: Partial<Symptom> = {}): Symptom {
  const symptom = symptomOf(kind, change);
  return {
    ...symptom,
    errorGroups: symptom.errorGroups.map(group => ({
      ...group,
      errno: kind === 'too-many-open-files' ? 24 : 0,
      samples: group.samples.map(sample => ({ ...sample, message })),
    })),
  };
}

describe('nginx-worker-connections-exhausted', () => {
  const run = (openFiles: number, symptoms: readonly Symptom[], hops = [hopOf()]) =>
    detections(connections, {
      symptoms,
      hops,
      'nginx-instances': [instance],
      'nginx-config': [config],
      'process-details': detail(openFiles, 1024),
    });
  const alert = said('worker-connections', '64 worker_connections are not enough');

  it('fires where a worker is full now', () => {
    expect(run(72, [alert])).toMatchObject([{ confidence: 'confirmed', status: 'active', data: { limit: 64 } }]);
  });

  it('fires less surely where it has room again', () => {
    expect(run(12, [{ ...alert, ongoing: false }])).toMatchObject([{ confidence: 'likely', status: 'past' }]);
  });

  it('goes on in a pause of the failing while a worker is still at its limit, whatever second it is looked at', () => {
    const paused = (agoMs: number): Symptom => ({ ...alert, ongoing: false, lastMs: nowMs - agoMs });
    expect(run(64, [paused(2_000)])).toMatchObject([{ confidence: 'confirmed', status: 'active' }]);
    expect(run(64, [paused(59_000)])).toMatchObject([{ status: 'active' }]);
    expect(run(64, [paused(61_000)])).toMatchObject([{ confidence: 'likely', status: 'past' }]);
    expect(run(63, [paused(2_000)])).toMatchObject([{ confidence: 'likely', status: 'past' }]);
  });

  it('is over where the limit was raised since, and where only a worker that a reload left behind is full', () => {
    const paused = { ...alert, ongoing: false, lastMs: nowMs - 2_000 };
    expect(run(80, [said('worker-connections', '32 worker_connections are not enough', paused)])).toMatchObject([{ status: 'past' }]);
    const left = { pid: 8, startMs: 0, state: 'S', shuttingDown: true };
    const facts = { symptoms: [paused], hops: [hopOf()], 'nginx-config': [config], 'process-details': [...detail(12, 1024), { pid: 8, openFiles: 72 }] };
    expect(detections(connections, { ...facts, 'nginx-instances': [{ ...instance, workers: [...instance.workers, left] }] })).toMatchObject([
      { status: 'past', data: { now: '. Now its busiest worker has 12 files open' } },
    ]);
  });

  it('fires with doubt where nginx passes requests to itself', () => {
    expect(run(72, [alert], [hopOf({ service: serviceOf({ kind: 'nginx' }) })])).toMatchObject([{ confidence: 'possible' }]);
  });

  it('is silent without the message, however full a worker is', () => {
    expect(run(72, [symptomOf('read-timeout')])).toEqual([]);
  });
});

describe('fd-limit-nginx', () => {
  const run = (openFiles: number, limit: number, symptoms: readonly Symptom[]) =>
    detections(files, { symptoms, 'nginx-instances': [instance], 'nginx-config': [config], 'process-details': detail(openFiles, limit) });
  const critical = said('too-many-open-files', 'accept4() failed');

  it('fires where a worker is at its limit', () => {
    expect(run(80, 80, [critical])).toMatchObject([{ confidence: 'confirmed', evidence: [{}, { source: 'proc:7' }, { text: 'worker_rlimit_nofile 80;' }] }]);
  });

  it('goes on in a pause of the failing while a worker is still at its limit', () => {
    const paused = { ...critical, ongoing: false, lastMs: nowMs - 2_000 };
    expect(run(79, 80, [paused])).toMatchObject([{ confidence: 'confirmed', status: 'active' }]);
    expect(run(60, 80, [paused])).toMatchObject([{ confidence: 'likely', status: 'past' }]);
    expect(run(79, 80, [{ ...paused, lastMs: paused.lastMs - 60_000 }])).toMatchObject([{ status: 'past' }]);
  });

  it('fires less surely where the limit is tight and a worker has room now', () => {
    expect(run(20, 80, [critical])).toMatchObject([{ confidence: 'likely' }]);
  });

  it('doubts the message where the limit is wide', () => {
    expect(run(20, 65_536, [critical])).toMatchObject([{ confidence: 'possible' }]);
  });

  it('is silent without it', () => {
    expect(run(80, 80, [symptomOf('read-timeout')])).toEqual([]);
  });
});
