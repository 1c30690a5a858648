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

it('judges a handshake without a name by the name that nginx expects, as it does itself', () => {
  const request = { kind: 'tls', address, version: 'TLSv1.2', caFile: '/ca.crt', verifyName: 'pay.test', path: '/', hostHeader: 'x' } as const;
  const answer = { complete: true, tls: { handshake: 'done', verify: 'HOSTNAME_MISMATCH' } as const };
  const own: ProbeResult = { request, outcome: { state: 'answered', speaks: 'tls', answer }, connectMs: 1, ms: 4 };
  const settings = { ssl_name: { directive: 'proxy_ssl_name', args: ['pay.test'] } };
  const secure = {
    ...topology,
    routes: topology.routes.map(route => ({ ...route, target: 'https://127.0.0.1:8123', tls: true, settings })),
  } as unknown as Topology;
  const asked = furtherQuestions(0, [own], [], secure, []).flatMap(one => (one.kind === 'tls' ? [one] : []));
  expect(asked.some(one => one.serverName === 'pay.test')).toBe(true);
  for (const one of asked) expect(one.serverName ?? one.verifyName).toBe('pay.test');
});
