import { expect, it } from 'vitest';
import type { Service } from '../../model/facts/backend.ts';
import type { Topology } from '../../model/facts/topology.ts';
import type { ProbeResult } from '../../model/probe.ts';
import { furtherQuestions } from './further-questions.ts';

const address = { kind: 'tcp', host: '127.0.0.1', port: 8123 } as const;
const topology = {
  servers: [],
  groups: [],
  routes: [{ id: 'r', serverId: 's', pass: 'proxy', target: 'http://127.0.0.1:8123', tls: false, settings: {}, headers: [] }],
  peers: [{ id: '127.0.0.1:8123', address, routeIds: ['r'], serviceId: 'api' }],
} as unknown as Topology;
const silent: ProbeResult = { request: { kind: 'http', address, path: '/', hostHeader: 'x' }, outcome: { state: 'no-answer' }, connectMs: 1, ms: 3000 };
const service = { id: 'api', kind: 'gunicorn', speaks: 'http' } as unknown as Service;

it('asks a silent peer nothing more when its processes tell what it speaks', () => {
  expect(furtherQuestions(0, [silent], [], topology, [], [service])).toEqual([]);
});

it('asks in other protocols where the processes tell nothing, or something else', () => {
  expect(furtherQuestions(0, [silent], [], topology, [], []).length).toBeGreaterThan(0);
  expect(furtherQuestions(0, [silent], [], topology, [], [{ ...service, kind: 'php-fpm', speaks: 'fastcgi' }]).length).toBeGreaterThan(0);
  expect(furtherQuestions(0, [silent], [], topology, [], [{ ...service, kind: 'other' }]).length).toBeGreaterThan(0);
});

it('asks one that closes the connection, whatever its processes tell', () => {
  const closed: ProbeResult = { ...silent, outcome: { state: 'closed', how: 'end' } };
  expect(furtherQuestions(0, [closed], [], topology, [], [service]).length).toBeGreaterThan(0);
});
