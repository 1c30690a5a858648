import { describe, expect, it } from 'vitest';
import type { Fault } from '../../model/fault.ts';
import { detections, kernelOf, symptomOf } from '../backend/testing.ts';
import workerCrash from './nginx-worker-crash.ts';

const fault = workerCrash as unknown as Fault;
const died = symptomOf('worker-died');
const logOf = (message: string): unknown => ({
  groups: died.errorGroups.map(group => ({ ...group, samples: group.samples.map(one => ({ ...one, message, text: `[alert] 8#8: ${message}` })) })),
});

describe('nginx-worker-crash fires', () => {
  it('where the master logged the deaths of its workers', () => {
    expect(detections(fault, { 'nginx-error-log': logOf('worker process 9 exited on signal 11'), symptoms: [died] })).toMatchObject([
      { confidence: 'confirmed', status: 'active', messageId: 'crash', data: { count: 5, signal: '11' }, symptoms: [died.id] },
    ]);
  });

  it('with the record of the kernel where it killed one', () => {
    const record = kernelOf(1000, { comm: 'nginx', pid: 9, text: 'Out of memory: Killed process 9 (nginx)' });
    const [found] = detections(fault, { 'nginx-error-log': logOf('worker process 9 exited on signal 9'), 'kernel-log': [record] });
    expect(found).toMatchObject({ status: 'past', data: { kernel: '; the kernel killed it for memory' } });
    expect(found?.evidence.at(-1)?.text).toBe(record.text);
  });

  it('where a worker gave up by itself', () => {
    expect(detections(fault, { 'nginx-error-log': logOf('worker process 9 exited with fatal code 2 and cannot be respawned') })).toMatchObject([
      { messageId: 'exit' },
    ]);
  });
});

describe('nginx-worker-crash is silent', () => {
  it('where somebody told the worker to end', () => {
    expect(detections(fault, { 'nginx-error-log': logOf('worker process 9 exited on signal 15') })).toEqual([]);
  });

  it('where another process of the host was killed', () => {
    expect(detections(fault, { 'nginx-error-log': { groups: [] }, 'kernel-log': [kernelOf(1000)] })).toEqual([]);
  });
});
