import { describe, expect, it } from 'vitest';
import type { Fault } from '../../model/fault.ts';
import type { Hop } from '../../model/facts/hop.ts';
import { address, detections, hopOf, lostHop, nowMs, peerOf, routeOf, symptomOf } from '../backend/testing.ts';
import notReloaded from './nginx-config-not-reloaded.ts';
import { configOf, instanceOf, listenerOf, serverOf, site, startedMs, topologyOf } from './testing.ts';

const fault = notReloaded as unknown as Fault;
const later = startedMs + 120_000;
const stranger: Hop = lostHop({ peer: peerOf({ onlyInLog: true, routeIds: [], listeners: [] }), routes: [] });
const facts = (change: Record<string, unknown> = {}): Record<string, unknown> => ({
  'nginx-instances': [instanceOf()],
  'nginx-config': [configOf('server {}', later)],
  hops: [stranger],
  topology: topologyOf({ routes: [routeOf({ target: 'http://127.0.0.1:8018', groupId: 'g' })], peers: [stranger.peer] }),
  listeners: [listenerOf(80, [8])],
  ...change,
});

describe('nginx-config-not-reloaded fires', () => {
  it('confirmed where the workers use an address that the newer file does not have', () => {
    expect(detections(fault, facts())).toMatchObject([
      {
        confidence: 'confirmed',
        status: 'active',
        messageId: 'newer',
        subject: { id: 'nginx', name: site, peers: ['nginx', address] },
        symptoms: [`connect-refused@${address}`],
      },
    ]);
  });

  it('as likely where no file is newer: one was removed, or moved in with its old time', () => {
    expect(detections(fault, facts({ 'nginx-config': [configOf('server {}', startedMs - 9_000_000)] }))).toMatchObject([
      { confidence: 'likely', messageId: 'unseen' },
    ]);
  });

  it('where a file says https and the workers speak http', () => {
    const symptom = symptomOf('premature-close', { errorGroups: symptomOf('premature-close').errorGroups.map(group => ({ ...group, scheme: 'http' })) });
    const hop = hopOf({ routes: [routeOf({ tls: true, target: 'https://127.0.0.1:8017' })], symptoms: [symptom] });
    expect(detections(fault, facts({ hops: [hop] }))).toMatchObject([{ confidence: 'confirmed', symptoms: [symptom.id] }]);
  });

  it('latent where a file names a port on which nobody listens, unless the file cannot be loaded at all', () => {
    const server = serverOf({
      listens: [{ address: { kind: 'tcp', host: '0.0.0.0', port: 8443 }, tls: true, defaultServer: false, origin: { kind: 'file', path: site, line: 2 } }],
    });
    const unserved = facts({ hops: [], topology: topologyOf({ servers: [server] }) });
    expect(detections(fault, unserved)).toMatchObject([{ confidence: 'confirmed', status: 'latent', symptoms: [] }]);
    expect(detections(fault, { ...unserved, 'nginx-config-test': [{ instanceId: 'nginx', ok: false, denied: false, output: [] }] })).toEqual([]);
  });
});

describe('nginx-config-not-reloaded is silent', () => {
  it('where a file was only touched', () => {
    expect(detections(fault, facts({ hops: [lostHop()] }))).toEqual([]);
  });

  it('where the file was loaded within the second in which it changed', () => {
    const server = serverOf({ listens: [] });
    expect(detections(fault, facts({ hops: [], topology: topologyOf({ servers: [server] }), 'nginx-config': [configOf('', startedMs + 900)] }))).toEqual([]);
  });

  it('where the records are those of workers from before the reload', () => {
    const old = instanceOf({ workers: [{ pid: 4, startMs: startedMs, state: 'S', shuttingDown: false }] });
    expect(detections(fault, facts({ 'nginx-instances': [old] }))).toEqual([]);
  });

  it('where the address may come out of a variable or of a name that has moved', () => {
    const dynamic = topologyOf({ routes: [routeOf({ variables: ['backend'] })], peers: [stranger.peer] });
    expect(detections(fault, facts({ topology: dynamic }))).toEqual([]);
    const named = topologyOf({
      peers: [stranger.peer, peerOf({ id: '192.0.2.9:8017', address: { kind: 'tcp', host: '192.0.2.9', port: 8017 }, hostName: 'orders.internal' })],
    });
    expect(detections(fault, facts({ topology: named }))).toEqual([]);
  });

  it('where nginx does not run', () => {
    expect(detections(fault, facts({ 'nginx-instances': [instanceOf({ running: false })] }))).toEqual([]);
    expect(nowMs).toBeGreaterThan(later);
  });
});
