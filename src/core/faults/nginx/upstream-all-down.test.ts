import { describe, expect, it } from 'vitest';
import type { Fault } from '../../model/fault.ts';
import { detections, peerOf, routeOf, symptomOf } from '../backend/testing.ts';
import allDown from './upstream-all-down.ts';

const fault = allDown as unknown as Fault;
const memberOf = (line: number, down: boolean): unknown => ({
  written: `127.0.0.1:94${line}`,
  flags: { ...peerOf().flags, down },
  origin: { path: '/etc/nginx/x', line },
});
const layoutOf = (members: readonly unknown[], groupId = 'g'): unknown => ({
  groups: [{ id: 'g', instanceId: 'nginx', name: 'tours', explicit: true, members }],
  routes: [routeOf({ groupId })],
});
const turnedAway = symptomOf('no-live-upstreams', { upstream: 'tours', count: 7 });

describe('upstream-all-down fires', () => {
  it('confirmed where requests were turned away', () => {
    const found = detections(fault, { 'nginx-layout': layoutOf([memberOf(11, true), memberOf(12, true)]), symptoms: [turnedAway] });
    expect(found).toMatchObject([{ confidence: 'confirmed', status: 'active', subject: { id: 'tours' }, symptoms: [turnedAway.id] }]);
  });

  it('as likely to fail where no request came yet', () => {
    expect(detections(fault, { 'nginx-layout': layoutOf([memberOf(11, true)]) })).toMatchObject([{ confidence: 'likely', status: 'latent' }]);
  });
});

describe('upstream-all-down is silent', () => {
  it('where one server is not down', () => {
    expect(detections(fault, { 'nginx-layout': layoutOf([memberOf(11, true), memberOf(12, false)]), symptoms: [turnedAway] })).toEqual([]);
  });

  it('where nobody uses the group', () => {
    expect(detections(fault, { 'nginx-layout': layoutOf([memberOf(11, true)], 'another') })).toEqual([]);
  });
});
