import { describe, expect, it } from 'vitest';
import type { ErrorGroup, ErrorRecord } from '../../model/facts/logs.ts';
import type { Peer, Route, Topology } from '../../model/facts/topology.ts';
import type { ProbeResult } from '../../model/probe.ts';
import { slowPages } from './slow-pages.ts';

const address = { kind: 'tcp', host: '127.0.0.1', port: 3000 } as const;
const peer: Peer = {
  id: '127.0.0.1:3000',
  address,
  groupIds: [],
  routeIds: ['all', 'reports'],
  written: '127.0.0.1:3000',
  origin: { path: '/etc/nginx/nginx.conf', line: 1 },
  flags: { down: false, backup: false, maxFails: 1, failTimeoutMs: 10_000, maxConns: 0 },
  local: true,
  listeners: [],
};
const route = (id: string, location: string, ms: number): Route => ({
  id,
  serverId: 's',
  location,
  pass: 'proxy',
  target: 'http://127.0.0.1:3000',
  tls: false,
  origin: { path: '/etc/nginx/nginx.conf', line: 1 },
  variables: [],
  settings: { read_timeout: { directive: 'proxy_read_timeout', args: [`${ms}ms`], ms, origin: { kind: 'default', version: '1' } } },
  headers: [],
});
const topology = (reportMs: number): Topology => ({
  servers: [],
  groups: [],
  peers: [peer],
  routes: [route('all', 'location /', 60_000), route('reports', 'location /reports/', reportMs)],
});
const well: ProbeResult = {
  request: { kind: 'http', address, path: '/', hostHeader: 'x' },
  outcome: { state: 'answered', speaks: 'http', answer: { complete: true } },
  connectMs: 0,
  ms: 2,
};

function late(uri: string, method = 'GET'): ErrorGroup {
  const sample: ErrorRecord = {
    timeMs: 1,
    level: 'error',
    pid: 1,
    text: '',
    message: '',
    class: 'read-timeout',
    uri,
    method,
    cut: false,
    source: { path: 'x', offset: 0 },
  };
  return {
    class: 'read-timeout',
    level: 'error',
    peer: peer.id,
    method,
    subrequest: false,
    count: 1,
    firstMs: 1,
    lastMs: 1,
    buckets: { widthMs: 1, starts: [], counts: [] },
    samples: [sample],
  };
}

describe('slowPages', () => {
  it('asks for one page that nginx gave up on, with more patience', () => {
    expect(slowPages([peer], topology(1000), [late('/reports/2026?full=1'), late('/reports/2025')], [well])).toMatchObject([
      { kind: 'http', path: '/reports/2026?full=1', timeoutMs: 3000 },
    ]);
  });

  it('asks no page twice: the first question had the same patience', () => {
    const asked: ProbeResult = { ...well, request: { kind: 'http', address, path: '/reports/2026', hostHeader: '127.0.0.1:3000' }, ms: 2400 };
    const [question] = slowPages([peer], topology(1000), [late('/reports/2026')], [well]);
    expect(question).toMatchObject({ path: '/reports/2026', hostHeader: '127.0.0.1:3000' });
    expect(slowPages([peer], topology(1000), [late('/reports/2026')], [well, asked])).toEqual([]);
  });

  it('asks no page of a peer that answers nothing in the time nginx has', () => {
    const late1 = [late('/reports/2026')];
    expect(slowPages([peer], topology(1000), late1, [{ ...well, ms: 1200 }])).toEqual([]);
    expect(slowPages([peer], topology(1000), late1, [{ ...well, ms: 1200 }, well])).toHaveLength(1);
  });

  it('leaves alone what nginx itself waits long for', () => {
    expect(slowPages([peer], topology(1000), [late('/other')], [well])).toEqual([]);
    expect(slowPages([peer], topology(10_000), [late('/reports/2026')], [well])).toEqual([]);
  });

  it('never sends a POST, nor to a peer that does not answer', () => {
    expect(slowPages([peer], topology(1000), [late('/reports/2026', 'POST')], [well])).toEqual([]);
    expect(slowPages([peer], topology(1000), [late('/reports/2026')], [])).toEqual([]);
  });

  it('takes no path that leads out of the site or breaks the line', () => {
    expect(slowPages([peer], topology(1000), [late('/reports/../../etc/passwd'), late('/reports/a b')], [well])).toEqual([]);
  });
});
