import { describe, expect, it } from 'vitest';
import type { Fault } from '../../model/fault.ts';
import crashing from './backend-crashing.ts';
import { detections, eventOf, hopOf, kernelOf, lostHop, symptomOf, unitOf } from './testing.ts';

const fault = crashing as unknown as Fault;
const cut = symptomOf('premature-close');
const segv = eventOf('worker-signal', 1500, { signal: 11, pid: 101, text: 'Worker with pid 101 was terminated due to signal 11' });
const killed = eventOf('worker-signal', 1500, { signal: 9, pid: 101 });
const found = (events: readonly ReturnType<typeof eventOf>[], kernel?: readonly ReturnType<typeof kernelOf>[]) =>
  detections(fault, { hops: [hopOf({ symptoms: [cut], events })], ...(kernel === undefined ? {} : { 'kernel-log': kernel }) });

describe('backend-crashing fires', () => {
  it("where the master tells of a worker's signal as requests break off", () => {
    expect(found([segv])).toMatchObject([
      { confidence: 'confirmed', status: 'active', symptoms: [cut.id], data: { signal: 'signal 11 (SIGSEGV)', urls: 'all 5 for GET /' } },
    ]);
  });

  it("where the kernel's record and a worker's end fall together", () => {
    expect(found([eventOf('worker-exit', 1200)], [kernelOf(1500, { kind: 'segfault', text: 'gunicorn[9]: segfault at 0' })])).toMatchObject([
      { confidence: 'confirmed', messageId: 'crash' },
    ]);
  });

  it('as likely where somebody killed the worker, and as possible where the kernel log is not known', () => {
    expect(found([killed], [])).toMatchObject([{ confidence: 'likely', messageId: 'killed' }]);
    expect(found([killed])).toMatchObject([{ confidence: 'possible', messageId: 'killed' }]);
  });

  it('where the OOM killer took a process of another unit at that time', () => {
    const facts = { hops: [hopOf({ symptoms: [cut], events: [killed] })], 'systemd-units': [unitOf(), unitOf({ name: 'batch.service' })] };
    const said = detections(fault, { ...facts, 'kernel-log': [kernelOf(1500, { cgroup: '/jobs/batch' })] });
    expect(said).toMatchObject([{ confidence: 'likely', messageId: 'killed' }]);
  });

  it('as past where the errors have stopped', () => {
    const hop = hopOf({ symptoms: [{ ...cut, ongoing: false }], events: [segv] });
    expect(detections(fault, { hops: [hop] })).toMatchObject([{ status: 'past' }]);
  });
});

describe('backend-crashing is silent', () => {
  it('where the watchdog did it', () => {
    expect(found([eventOf('request-killed', 2500, { pid: 101 }), killed], [])).toEqual([]);
    expect(found([eventOf('request-killed', 2500, { pid: 101 }), { ...segv, signal: 6 }], [])).toEqual([]);
  });

  it('where the kernel killed for lack of memory', () => {
    expect(found([killed], [kernelOf(1500)])).toEqual([]);
  });

  it('where workers were told to end', () => {
    expect(found([{ ...segv, signal: 15 }], [])).toEqual([]);
    expect(found([killed, eventOf('stopped', 1000)], [])).toEqual([]);
  });

  it('where the crash was at another time than the errors', () => {
    expect(found([{ ...segv, timeMs: segv.timeMs - 600_000 }], [])).toEqual([]);
  });

  it('where another program of the machine crashed', () => {
    expect(found([], [kernelOf(1500, { kind: 'segfault', comm: 'nginx' })])).toEqual([]);
  });

  it('where nobody listens any more', () => {
    expect(detections(fault, { hops: [lostHop({ symptoms: [cut], events: [segv] })] })).toEqual([]);
  });
});
