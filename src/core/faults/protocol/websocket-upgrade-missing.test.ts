import { describe, expect, it } from 'vitest';
import nginxLayout from '../../derive/nginx-layout.ts';
import symptoms from '../../derive/symptoms.ts';
import passUpgrade from '../../fixes/pass-websocket-upgrade.ts';
import { absent, known } from '../../model/fact.ts';
import type { AccessGroup, ErrorGroup, NginxAccessLog } from '../../model/facts/logs.ts';
import type { Peer, Topology } from '../../model/facts/topology.ts';
import type { UpgradeAnswers } from '../../model/facts/upgrade.ts';
import type { Facts } from '../../model/facts.ts';
import type { Finding } from '../../model/finding.ts';
import { upgradeCandidates } from '../../model/upgrade-candidates.ts';
import type { ProbeAnswer, ProbeOutcome, ProbeResult } from '../../model/probe.ts';
import { parseNginxConf } from '../../parsers/nginx-conf.ts';
import { context, nowMs, peerOf, symptomOf } from '../backend/testing.ts';
import fault from './websocket-upgrade-missing.ts';

const path = '/etc/nginx/nginx.conf';
const address = '127.0.0.1:8017';
const headers = 'proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade";';
const buckets = { widthMs: 10_000, starts: [nowMs - 20_000, nowMs - 10_000], counts: [10, 10] };

function refused(urlTemplate: string, change: Partial<AccessGroup> = {}): AccessGroup {
  const sample = { text: `GET ${urlTemplate}`, timeMs: nowMs - 1000, source: { path: '/log', offset: 0, line: 7 }, uri: urlTemplate };
  return {
    path: '/log',
    status: 400,
    method: 'GET',
    urlTemplate,
    tries: 1,
    madeBy: 'backend',
    peer: address,
    count: 20,
    firstMs: nowMs - 20_000,
    lastMs: nowMs - 1000,
    buckets,
    samples: [sample],
    ...change,
  };
}

const answer = (status: number, change: Partial<ProbeAnswer> = {}): ProbeOutcome => ({
  state: 'answered',
  speaks: 'http',
  answer: { status, complete: true, head: `HTTP/1.1 ${status} x\r\n\r\n`, ...change },
});
const taken = answer(101, { upgraded: true });
const probe = (outcome: ProbeOutcome): ProbeResult => ({
  request: { kind: 'upgrade', address: { kind: 'tcp', host: '127.0.0.1', port: 8017 }, path: '/', hostHeader: 'a' },
  outcome,
  connectMs: 1,
  ms: 2,
});

interface Given {
  readonly refused?: readonly AccessGroup[];
  readonly errors?: readonly ErrorGroup[];
  readonly whole?: ProbeOutcome;
  readonly passed?: ProbeOutcome;
  readonly elsewhere?: ProbeOutcome;
  readonly access?: Partial<NginxAccessLog>;
}

/** What is found on a host with this http block and these requests and answers. */
function on(http: string, given: Given) {
  const text = `http {\n${http}\n}\n`;
  const config = { instanceId: 'nginx', mainPath: path, files: [{ path, text }], directives: parseNginxConf(text, path).directives, problems: [], unread: [] };
  const layout = nginxLayout.derive({ 'nginx-config': known([config]), 'nginx-config-dump': known([]), 'nginx-instances': absent('not asked') }, context);
  if (layout.state !== 'known') throw new Error(layout.why);
  const { servers, routes } = layout.value;
  const peers: readonly Peer[] = [peerOf({ routeIds: routes.map(route => route.id) })];
  const topology: Topology = { servers, routes, groups: [], peers };
  const groups = given.refused ?? [];
  const access: NginxAccessLog = {
    coverage: [],
    formats: [],
    total: 100,
    byStatus: {},
    failing: [],
    refused: groups,
    byTemplate: groups.map(group => ({ key: group.urlTemplate ?? '', total: group.count, failed: 0 })),
    byPeer: [],
    byMethod: [],
    byServer: [],
    buckets: { all: buckets, failed: { ...buckets, counts: [0, 0] } },
    unread: [],
    ...given.access,
  };
  const errors = given.errors ?? [];
  const candidates = upgradeCandidates({ topology, configs: [config], access, errors });
  const { whole, passed = answer(400), elsewhere = taken } = given;
  const answers: readonly UpgradeAnswers[] =
    whole === undefined
      ? []
      : candidates.map(({ taken: { route }, urlTemplate }) => ({
          routeId: route.id,
          urlTemplate,
          peerId: address,
          whole: probe(whole),
          passed: probe(passed),
          elsewhere: probe(elsewhere),
        }));
  const facts = {
    topology: known(topology),
    'nginx-config': known([config]),
    'nginx-access-log': known(access),
    'nginx-error-log': known({ coverage: [], groups: errors, unread: [] }),
    'nginx-layout': layout,
    'nginx-instances': absent('not asked'),
    'probe-results': absent('not asked'),
    'upgrade-answers': known(answers),
  } as const;
  const derived = symptoms.derive(facts, context);
  if (derived.state !== 'known') throw new Error(derived.why);
  const said = [
    ...fault.detect(
      {
        topology,
        'nginx-config': [config],
        'nginx-access-log': access,
        symptoms: derived.value,
        'nginx-error-log': facts['nginx-error-log'],
        'upgrade-answers': facts['upgrade-answers'],
      },
      context,
    ),
  ];
  const found = said.flatMap(one => ('ruledOut' in one ? [] : [one]));
  const [first] = found;
  const plan =
    first === undefined ? undefined : passUpgrade.plan({ ...first, fault: 'websocket-upgrade-missing' } as unknown as Finding, facts as unknown as Facts);
  const edited = (plan?.steps ?? []).reduce((now, step) => (step.kind === 'edit' ? now.replace(step.before, () => step.after) : now), text);
  return { found, ruledOut: said.filter(one => 'ruledOut' in one), symptoms: derived.value, candidates, plan, edited };
}

const server = (inside: string): string => `  access_log /log;\n  server {\n    listen 80;\n    server_name a.example;\n${inside}\n  }`;
const plain = server(`    location / {\n      proxy_pass http://${address};\n    }`);

describe('websocket-upgrade-missing fires', () => {
  it('confirmed where the peer takes a WebSocket on that path alone and nginx passes no upgrade on', () => {
    const { found, symptoms: seen } = on(plain, { refused: [refused('/live')], whole: taken, elsewhere: answer(404) });
    expect(found).toMatchObject([
      {
        confidence: 'confirmed',
        status: 'active',
        symptoms: [`upgrade-lost@${address}`],
        data: { count: 20, url: '/live', status: '400', location: `location / (${path}:6)` },
        subject: { kind: 'route', peers: [address] },
      },
    ]);
    expect(found[0]?.data['how']).toBe('without the header Upgrade, "Connection: upgrade" (it sends "close") and HTTP/1.1 (it speaks HTTP/1.0)');
    expect(seen).toMatchObject([{ class: 'upgrade-lost', count: 20, ongoing: true }]);
  });

  it.each([
    ['426 is the answer', { refused: [refused('/x', { status: 426 })], passed: answer(426) }],
    [
      'the answer speaks of a WebSocket',
      { refused: [refused('/x')], passed: answer(400, { head: 'HTTP/1.1 400 Bad Request\r\n\r\nExpected a WebSocket handshake' }) },
    ],
    ['the path is the name of one', { refused: [refused('/socket.io/')] }],
    ['the log says that the client asked for one', { refused: [refused('/x', { status: 200, upgrade: true })], passed: answer(200) }],
    ['they opened there before', { refused: [refused('/x')], access: { switched: [{ key: '/x', total: 4 }] } }],
  ] as const)('confirmed on a peer that takes WebSockets anywhere where %s', (_name, given) => {
    expect(on(plain, { whole: taken, ...given }).found).toMatchObject([{ confidence: 'confirmed' }]);
  });

  it('where a proxy in front of this one writes the same requests down once more', () => {
    const both = [refused('/live'), refused('/live', { peer: '127.0.0.1:8081' })];
    const access = { byTemplate: [{ key: '/live', total: 40, failed: 0 }] };
    expect(on(plain, { refused: both, whole: taken, elsewhere: answer(404), access }).found).toMatchObject([{ confidence: 'confirmed', data: { count: 20 } }]);
  });

  it('likely where only the location speaks for it', () => {
    const own = server(`    location /news { proxy_pass http://${address}; }`);
    expect(on(own, { refused: [refused('/news')], whole: taken }).found).toMatchObject([{ confidence: 'likely' }]);
    expect(on(own, { refused: [refused('/news', { count: 3 })], whole: taken }).found).toEqual([]);
    const access = { byPeer: [{ key: address, total: 20, failed: 0 }] };
    expect(on(plain, { refused: [refused('/')], whole: taken, access }).found).toMatchObject([{ confidence: 'likely' }]);
  });

  it('and says which lines are lost to a location with a header of its own', () => {
    const { found } = on(server(`    ${headers}\n    location /ws { proxy_set_header X-A b; proxy_pass http://${address}; }`), {
      refused: [refused('/ws')],
      whole: taken,
    });
    expect(found[0]?.data['how']).toBe(
      `without the header Upgrade and "Connection: upgrade" (it sends "close"): the lines at ${path}:6 that pass it on hold no more where a block has proxy_set_header lines of its own (${path}:7)`,
    );
  });

  it.each([
    [
      'a map that gives the wrong word',
      'map $http_upgrade $c { default keep-alive; }',
      'proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $c;',
    ],
    ['an Upgrade without a Connection', '', 'proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade;'],
    ['HTTP/1.0, which the peer refuses', '', 'proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade;'],
  ])('on %s', (_name, http, inside) => {
    const { found } = on(`${http}\n${server(`    location /ws { ${inside} proxy_pass http://${address}; }`)}`, { refused: [refused('/ws')], whole: taken });
    expect(found).toMatchObject([{ confidence: 'confirmed' }]);
  });

  it('where the peer closes the connection, and takes the symptom for its own', () => {
    const [group] = symptomOf('premature-close').errorGroups;
    if (group === undefined) throw new Error('a symptom has a group');
    const samples = group.samples.map(sample => ({ ...sample, uri: '/ws/room' }));
    const errors = [{ ...group, urlTemplate: '/ws/room', samples, server: 'a.example' }];
    const { found } = on(plain, { errors, whole: taken, passed: { state: 'closed', how: 'end' }, elsewhere: answer(404) });
    expect(found).toMatchObject([{ confidence: 'confirmed', symptoms: [`premature-close@${address}`], data: { status: 'premature close' } }]);
  });

  it('likely where the log does not tell which of two servers took the requests, and the other passes upgrades on', () => {
    const two = `${plain}\n${server(`    ${headers}\n    location / { proxy_pass http://${address}; }`).replace('a.example', 'b.example')}`;
    expect(on(two, { refused: [refused('/ws')], whole: taken }).found).toMatchObject([{ confidence: 'likely' }]);
    expect(on(two, { refused: [refused('/ws', { host: 'a.example' })], whole: taken }).found).toMatchObject([{ confidence: 'confirmed' }]);
    expect(on(two, { refused: [refused('/ws', { host: 'b.example' })], whole: taken }).found).toEqual([]);
  });

  it('likely where nobody was asked, and the log says that a WebSocket was', () => {
    expect(on(plain, { refused: [refused('/x', { upgrade: true })] }).found).toMatchObject([{ confidence: 'likely', messageId: 'unproven' }]);
    expect(on(plain, { refused: [refused('/ws', { status: 426 })] }).found).toMatchObject([{ confidence: 'likely' }]);
  });

  it('likely where the peer wants a login from a WebSocket and nothing else from others', () => {
    expect(on(plain, { refused: [refused('/ws', { status: 426 })], whole: answer(401), passed: answer(426) }).found).toMatchObject([{ confidence: 'likely' }]);
  });
});

describe('websocket-upgrade-missing is silent', () => {
  it.each([
    ['by a variable of a map', 'map $http_upgrade $connection_upgrade { default upgrade; "" close; }', headers.replace('"upgrade"', '$connection_upgrade')],
    ['as they came', '', 'proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $http_connection;'],
    ['by a variable that may be anything', '', 'proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $anything;'],
  ])('where the headers are passed on %s', (_name, http, inside) => {
    const { found, candidates } = on(`${http}\n${server(`    location /ws { ${inside} proxy_pass http://${address}; }`)}`, {
      refused: [refused('/ws')],
      whole: taken,
    });
    expect([found, candidates]).toEqual([[], []]);
  });

  it('and rules it out where the peer refuses a whole handshake too', () => {
    const { found, ruledOut, symptoms: seen } = on(plain, { refused: [refused('/live')], whole: answer(400) });
    expect([found, seen]).toEqual([[], []]);
    expect(ruledOut).toHaveLength(1);
  });

  it('on bad requests to the pages of a peer that takes WebSockets anywhere', () => {
    expect(on(plain, { refused: [refused('/api/orders')], whole: taken }).found).toEqual([]);
    const served = server(`    location / { proxy_pass http://${address}; }\n    location /ws { ${headers} proxy_pass http://${address}; }`);
    expect(on(served, { refused: [refused('/api/chat')], whole: taken }).found).toEqual([]);
    // Scanners ask for such names, too.
    expect(on(served, { refused: [refused('/cable', { status: 404 })], whole: taken, passed: answer(404) }).found).toEqual([]);
  });

  it('where most requests for the URL are answered well', () => {
    const access = { byTemplate: [{ key: '/live', total: 90, failed: 0 }] };
    expect(on(plain, { refused: [refused('/live')], whole: taken, elsewhere: answer(404), access }).found).toEqual([]);
  });

  it('where the page is answered well now', () => {
    expect(on(plain, { refused: [refused('/ws')], whole: taken, passed: answer(200) }).found).toEqual([]);
  });

  it('where a server takes an upgrade in HTTP/1.0, too', () => {
    const old = server(`    location /ws { proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade; proxy_pass http://${address}; }`);
    expect(on(old, { refused: [refused('/ws')], whole: taken, passed: taken }).found).toEqual([]);
  });

  it('where another location than the passing one takes the URL', () => {
    const fixed = server(`    location = /ws { return 400; }\n    location / { proxy_pass http://${address}; }`);
    expect(on(fixed, { refused: [refused('/ws')], whole: taken }).candidates).toEqual([]);
    const pattern = server(`    location ~ ^/ws { ${headers} proxy_pass http://${address}; }\n    location / { proxy_pass http://${address}; }`);
    expect(on(pattern, { refused: [refused('/ws')], whole: taken }).candidates).toEqual([]);
    const unclear = server(`    location ~ ^/(w|s)+$ { ${headers} proxy_pass http://${address}; }\n    location / { proxy_pass http://${address}; }`);
    expect(on(unclear, { refused: [refused('/ws')], whole: taken }).candidates).toEqual([]);
  });
});

describe('what is asked of the peer', () => {
  it('is the path as the location gives it on, without the session of the log', () => {
    const uriOf = (inside: string, url: string) => on(server(`    ${inside}`), { refused: [refused(url)] }).candidates.map(one => one.uri);
    expect(uriOf(`location /chat/ { proxy_pass http://${address}/; }`, '/chat/ws?x=1')).toEqual(['/ws?x=1']);
    expect(uriOf(`location /chat/ { proxy_pass http://${address}; }`, '/chat/ws')).toEqual(['/chat/ws']);
    expect(uriOf(`location /a/ { rewrite ^/a/(.*) /$1 break; proxy_pass http://${address}; }`, '/a/ws')).toEqual([]);
    expect(uriOf(`location / { try_files $uri @app; }\n    location @app { proxy_pass http://${address}; }`, '/ws')).toEqual(['/ws']);
    expect(uriOf(`location / { proxy_pass http://${address}; }`, '/socket.io/?EIO=4&transport=websocket&sid=abc')).toEqual([
      '/socket.io/?EIO=4&transport=websocket',
    ]);
    expect(uriOf(`location / { proxy_pass http://${address}; }`, '/a/../ws')).toEqual([]);
  });
});

describe('pass-websocket-upgrade', () => {
  const given: Given = { refused: [refused('/ws')], whole: taken, elsewhere: answer(404) };

  it('writes the three lines, with a variable where other requests pass, too', () => {
    const { plan, edited } = on(plain, given);
    expect(plan).toMatchObject({ automatic: true, validate: [['nginx', '-t']] });
    expect(edited).toBe(`http {
  access_log /log;
  map $http_upgrade $connection_upgrade {
      default upgrade;
      '' close;
  }

  server {
    listen 80;
    server_name a.example;
    location / {
      proxy_pass http://${address};
      proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
    }
  }
}
`);
  });

  it('keeps the headers that the location inherits', () => {
    const { edited } = on(
      server(
        `    proxy_set_header Host $host;\n    proxy_set_header X-Forwarded-For "$remote_addr, a";\n    location /ws {\n      proxy_pass http://${address};\n    }`,
      ),
      given,
    );
    expect(edited).toContain(`      proxy_pass http://${address};
      proxy_http_version 1.1;
      proxy_set_header Host $host;
      proxy_set_header X-Forwarded-For "$remote_addr, a";
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection "upgrade";
    }`);
  });

  it('corrects the lines that are there, and uses the map that is there', () => {
    const map = 'map $http_upgrade $up { default upgrade; "" ""; }';
    const { edited } = on(
      `${map}\n${server(`    location /ws {\n      proxy_set_header Connection "";\n      proxy_http_version 1.0;\n      proxy_set_header Host $host;\n      proxy_pass http://${address};\n    }`)}`,
      given,
    );
    expect(edited).toContain(`      proxy_set_header Connection $up;
      proxy_http_version 1.1;
      proxy_set_header Host $host;
      proxy_set_header Upgrade $http_upgrade;
      proxy_pass`);
  });

  it('keeps connections to the peer open where they were', () => {
    const { edited } = on(
      server(`    location / {\n      proxy_http_version 1.1;\n      proxy_set_header Connection "";\n      proxy_pass http://${address};\n    }`),
      given,
    );
    expect(edited).toContain("'' '';");
    expect(edited).toContain('proxy_set_header Connection $connection_upgrade;');
  });

  it('writes on the line of a block that stands on one', () => {
    const { edited } = on(server(`    location /ws { proxy_pass http://${address}; }`), given);
    expect(edited).toContain(
      `    location /ws { proxy_pass http://${address}; proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade"; }`,
    );
  });
});
