import { expect, it } from 'vitest';
import nginxLayout from '../derive/nginx-layout.ts';
import type { Request } from '../model/collector.ts';
import { absent, known } from '../model/fact.ts';
import type { AccessGroup, NginxAccessLog } from '../model/facts/logs.ts';
import { probeKey } from '../model/probe.ts';
import { parseNginxConf } from '../parsers/nginx-conf.ts';
import { runCollector, TEST_CONTEXT } from './testing.ts';
import collector from './upgrade-answers.ts';

const buckets = { widthMs: 10_000, starts: [], counts: [] };

function refused(uri: string, status: number, count: number): AccessGroup {
  const sample = { text: '', timeMs: 0, source: { path: '/log', offset: 0 }, uri };
  return {
    path: '/log',
    status,
    method: 'GET',
    urlTemplate: uri.split('?')[0] ?? '',
    tries: 1,
    madeBy: 'unknown',
    count,
    firstMs: 0,
    lastMs: 0,
    buckets,
    samples: [sample],
  };
}

/** The keys of what is asked on a host with these requests, and the answers. */
function asked(location: string, groups: readonly AccessGroup[], byTemplate: NginxAccessLog['byTemplate'] = [], probing = true) {
  const text = `http { access_log /log; server { listen 80; server_name a.example; ${location} } }`;
  const path = '/etc/nginx/nginx.conf';
  const config = { instanceId: 'nginx', mainPath: path, files: [{ path, text }], directives: parseNginxConf(text, path).directives, problems: [], unread: [] };
  const context = { ...TEST_CONTEXT, probing };
  const layout = nginxLayout.derive({ 'nginx-config': known([config]), 'nginx-config-dump': known([]), 'nginx-instances': absent('') }, context);
  if (layout.state !== 'known') throw new Error(layout.why);
  const { servers, routes } = layout.value;
  const peer = {
    id: '10.0.0.9:8080',
    address: { kind: 'tcp', host: '10.0.0.9', port: 8080 },
    groupIds: [],
    routeIds: routes.map(route => route.id),
    written: '',
    origin: { path, line: 1 },
    flags: { down: false, backup: false, maxFails: 1, failTimeoutMs: 10_000, maxConns: 0 },
    local: false,
    listeners: [],
  } as const;
  const access: NginxAccessLog = {
    coverage: [],
    formats: [],
    total: 100,
    byStatus: {},
    failing: [],
    refused: groups,
    byTemplate,
    byPeer: [],
    byMethod: [],
    byServer: [],
    buckets: { all: buckets, failed: buckets },
    unread: [],
  };
  const answer = (request: Request) =>
    request.kind === 'probe' ? known({ request: request.request, outcome: { state: 'no-answer' }, connectMs: 0, ms: 1 }) : undefined;
  const facts = {
    topology: known({ servers, routes, groups: [], peers: [peer] }),
    'nginx-config': known([config]),
    'nginx-access-log': known(access),
    'nginx-error-log': absent(''),
  };
  const { fact, asked: requests } = runCollector(collector, facts, { answer }, context);
  return { fact, keys: requests.flatMap(request => (request.kind === 'probe' ? [probeKey(request.request)] : [])) };
}

it('asks once whole, once as nginx passes it on, and once where nobody is', () => {
  const { fact, keys } = asked('location /app/ { proxy_set_header Host $host; proxy_pass http://10.0.0.9:8080/; }', [refused('/app/ws?room=1', 426, 1)]);
  expect(keys).toEqual([
    'upgrade tcp:10.0.0.9:8080 a.example /ws?room=1',
    'upgrade tcp:10.0.0.9:8080 a.example /ws?room=1 as {"version":"1.0","connection":"close"}',
    'upgrade tcp:10.0.0.9:8080 a.example /badhop-asks-for-no-socket',
  ]);
  expect(fact).toMatchObject({ state: 'known', value: [{ urlTemplate: '/app/ws', peerId: '10.0.0.9:8080' }] });
});

it('asks nothing for the bad requests that every page gets, and no more than a few', () => {
  const location = 'location / { proxy_pass http://10.0.0.9:8080; }';
  expect(asked(location, [refused('/orders', 400, 2)]).keys).toEqual([]);
  expect(asked(location, [refused('/orders', 400, 9)], [{ key: '/orders', total: 90, failed: 0 }]).keys).toEqual([]);
  expect(asked(location, []).keys).toEqual([]);
  expect(
    asked(
      location,
      Array.from({ length: 50 }, (_, index) => refused(`/page${String.fromCodePoint(97 + index)}`, 426, 9)),
    ).keys,
  ).toHaveLength(18);
});

it('asks nothing where probing is switched off', () => {
  const { fact, keys } = asked('location / { proxy_pass http://10.0.0.9:8080; }', [refused('/ws', 426, 9)], [], false);
  expect([fact.state, keys]).toEqual(['absent', []]);
});
