import { describe, expect, it } from 'vitest';
import type { Fault } from '../../model/fault.ts';
import fix from '../../fixes/open-temp-path.ts';
import type { Facts, PathPart } from '../../model/facts.ts';
import type { Symptom } from '../../model/facts/topology.ts';
import type { Finding } from '../../model/finding.ts';
import { detections, symptomOf } from '../backend/testing.ts';
import tempPath from './temp-path-permission.ts';
import { instanceOf } from './testing.ts';

const fault = tempPath as unknown as Fault;
const path = '/var/lib/nginx/body/0000000001';
const instances = [instanceOf({ workerUser: 'www-data', workerUid: 33, workerGids: [33] })];

function failing(errno: number): Symptom {
  const base = symptomOf('temp-file');
  const message = `open() "${path}" failed`;
  return { ...base, errorGroups: base.errorGroups.map(group => ({ ...group, errno, samples: group.samples.map(sample => ({ ...sample, message })) })) };
}
const folder = (name: string, mode: number, uid = 0): PathPart => ({ path: name, kind: 'directory', mode, uid, gid: 0 });
const files = (...chain: PathPart[]): unknown => [{ path, exists: false, chain: [folder('/', 0o755), ...chain] }];
const facts = { symptoms: [failing(13)], 'nginx-instances': instances };

describe('temp-path-permission fires', () => {
  it('with the folder that cannot be passed', () => {
    const rights = files(folder('/var/lib/nginx', 0o700), folder('/var/lib/nginx/body', 0o700, 33));
    expect(detections(fault, { ...facts, 'socket-files': rights })).toMatchObject([
      { confidence: 'confirmed', status: 'active', subject: { id: '/var/lib/nginx' }, fixData: { isLeaf: false } },
    ]);
  });

  it('with the folder that belongs to somebody else', () => {
    const rights = files(folder('/var/lib/nginx', 0o755), folder('/var/lib/nginx/body', 0o755));
    expect(detections(fault, { ...facts, 'socket-files': rights })).toMatchObject([
      { confidence: 'confirmed', subject: { id: '/var/lib/nginx/body' }, fixData: { isLeaf: true } },
    ]);
  });

  it('as possible where the rights are well now', () => {
    const rights = files(folder('/var/lib/nginx', 0o755), folder('/var/lib/nginx/body', 0o700, 33));
    expect(detections(fault, { ...facts, 'socket-files': rights })).toMatchObject([{ confidence: 'possible', messageId: 'seen' }]);
  });
});

it('temp-path-permission is sure of a read-only file system, whatever the rights are, and lets a person look at it', () => {
  const rights = files(folder('/var/lib/nginx', 0o700), folder('/var/lib/nginx/body', 0o700, 33));
  const [found] = detections(fault, { ...facts, symptoms: [failing(30)], 'socket-files': rights });
  expect(found).toMatchObject({ confidence: 'confirmed', messageId: 'read-only', subject: { id: '/var/lib/nginx/body' } });
  expect(fix.plan({ fixData: found?.fixData ?? {} } as unknown as Finding, {} as unknown as Facts)).toMatchObject({
    automatic: false,
    steps: [{ kind: 'manual', commands: ['findmnt -T /var/lib/nginx/body', expect.anything(), expect.anything()] }],
  });
});

describe('temp-path-permission is silent', () => {
  it('on other errors with the same files, and on a socket that nginx may not connect to', () => {
    expect(detections(fault, { ...facts, symptoms: [failing(5)] })).toEqual([]);
    expect(detections(fault, { ...facts, symptoms: [symptomOf('connect-denied')] })).toEqual([]);
  });
});
