import { defineScenario } from '../scenario.ts';
import type { LabHost } from '../host.ts';
import { nginxSite, startNginx } from '../servers/nginx.ts';
import { nodeApp, nodeHttp } from '../servers/node.ts';
import { gunicorn, wsgiApp } from '../servers/python.ts';

/** Answers with the status that stands in a file, and with 200 where there is none. */
const switchable = nodeHttp(`
  const { readFileSync } = require('node:fs');
  let status = 200;
  try { status = Number(readFileSync('/srv/desk/status', 'utf8')); } catch {}
  response.statusCode = status;
  response.end('desk says ' + status + '\\n');`);

const say = (status: string) => (host: LabHost) => host.write('/srv/desk/status', status);
const recover = async (host: LabHost): Promise<void> => {
  await host.run(['rm', '-f', '/srv/desk/status']);
};

/** An nginx in front of another server block of the same nginx, which asks a Node service. */
async function twoHops(host: LabHost, log: 'combined' | 'timed'): Promise<void> {
  await nodeApp(host, { name: 'lessons', code: nodeHttp(), listen: '127.0.0.1:6201' });
  await nginxSite(host, {
    name: 'inner',
    listen: '127.0.0.1:6200',
    serverName: 'inner.school.example',
    server: 'location / { proxy_pass http://127.0.0.1:6201; }',
    log,
  });
  await nginxSite(host, { name: 'outer', server: 'location / { proxy_pass http://127.0.0.1:6200; proxy_set_header Host inner.school.example; }', log });
  await startNginx(host);
}

const well = async (host: { request(task: { urls: string[] }): Promise<{ counts: Readonly<Record<string, number>> }> }): Promise<void> => {
  const { counts } = await host.request({ urls: ['http://127.0.0.1/'] });
  if (!counts['200']) throw new Error(`no 200 but ${JSON.stringify(counts)}`);
};

export default [
  defineScenario({
    name: 'app-returned-5xx',
    title: 'The application answers 502 by itself, because its own supplier is away',
    kind: 'fault',
    fault: 'app-returned-5xx',
    url: 'http://127.0.0.1/status?c=502',
    setUp: async host => {
      await gunicorn(host, { name: 'gateway', code: wsgiApp('gateway'), bind: '127.0.0.1:8399', workers: 3 });
      await nginxSite(host, { name: 'gateway', server: 'location / { proxy_pass http://127.0.0.1:8399; }', log: 'timed' });
      await startNginx(host);
    },
    healthy: well,
    traffic: { urls: ['http://127.0.0.1/', 'http://127.0.0.1/status?c=502'], rps: 8 },
    expect: { verdict: 'failing', status: 'active', minShare: 0.9, notFindings: ['backend-down', 'backend-crashing'] },
  }),
  defineScenario({
    name: 'app-returned-5xx-next-hop',
    title: 'A second nginx on this host answers 502: its own backend was stopped',
    kind: 'fault',
    fault: 'backend-down',
    setUp: async host => {
      await nodeApp(host, { name: 'catalog', code: nodeHttp(), listen: '127.0.0.1:3555' });
      await nginxSite(host, { name: 'inner', listen: '127.0.0.1:8180', server: 'location / { proxy_pass http://127.0.0.1:3555; }', log: 'timed', logs: 'own' });
      await nginxSite(host, { name: 'outer', server: 'location / { proxy_pass http://127.0.0.1:8180; }', log: 'timed', logs: 'own' });
      await startNginx(host);
    },
    breakIt: host => host.systemctl('stop', 'catalog'),
    expect: { verdict: 'failing', status: 'active', consequences: ['app-returned-5xx'] },
    repair: host => host.start('catalog'),
  }),
  defineScenario({
    name: 'app-returned-5xx-own-log',
    title: 'The application answers 502 itself, and the log format tells who answered',
    kind: 'fault',
    fault: 'app-returned-5xx',
    setUp: async host => {
      await nodeApp(host, { name: 'desk', code: switchable, listen: '127.0.0.1:4410' });
      await nginxSite(host, {
        name: 'desk',
        http: 'upstream desk { server 127.0.0.1:4410; }',
        server: 'location / { proxy_pass http://desk; }',
        log: 'timed',
        logs: 'own',
      });
      await startNginx(host);
    },
    breakIt: say('502'),
    expect: {
      verdict: 'failing',
      firstConfidence: 'confirmed',
      status: 'active',
      minShare: 0.9,
      evidence: ['us=502', 'status 502'],
      notFindings: ['backend-down', 'no-live-upstreams'],
    },
    repair: recover,
  }),
  defineScenario({
    name: 'app-returned-5xx-combined',
    title: 'The application answers 503 itself on one path, and the log format says nothing of upstreams',
    kind: 'fault',
    fault: 'app-returned-5xx',
    url: 'http://127.0.0.1/desk/open',
    fails: 503,
    setUp: async host => {
      await gunicorn(host, { name: 'pages', code: wsgiApp('pages'), bind: 'unix:/run/pages/pages.sock' });
      await nodeApp(host, { name: 'desk', code: switchable, listen: '[::1]:4411' });
      await nginxSite(host, {
        name: 'site',
        server: 'location / { proxy_pass http://unix:/run/pages/pages.sock; }\nlocation /desk/ { proxy_pass http://[::1]:4411; }',
      });
      await startNginx(host);
    },
    traffic: { urls: ['http://127.0.0.1/desk/open', 'http://127.0.0.1/'], rps: 8 },
    breakIt: say('503'),
    expect: {
      verdict: 'failing',
      firstConfidence: ['confirmed', 'likely'],
      status: 'active',
      minShare: 0.9,
      evidence: [' 503 '],
      subject: { id: 'unit:desk.service' },
    },
    repair: recover,
  }),
  defineScenario({
    name: 'app-returned-5xx-twin-next-hop',
    title: 'The peer is another nginx server block, whose backend was stopped',
    kind: 'twin',
    fault: 'backend-down',
    twinOf: 'response-header-too-big',
    setUp: host => twoHops(host, 'timed'),
    breakIt: host => host.systemctl('stop', 'lessons'),
    expect: { verdict: 'failing', firstConfidence: 'confirmed', status: 'active', minShare: 0.9, consequences: ['app-returned-5xx'] },
    repair: host => host.start('lessons'),
  }),
  defineScenario({
    name: 'app-returned-5xx-twin-next-hop-combined',
    title: 'The same, with a log format that says nothing of upstreams',
    kind: 'twin',
    fault: 'backend-down',
    twinOf: 'response-header-too-big',
    setUp: host => twoHops(host, 'combined'),
    trafficMs: 3000,
    breakIt: host => host.systemctl('stop', 'lessons'),
    expect: { verdict: 'failing', firstConfidence: 'confirmed', status: 'active', minShare: 0.9 },
    repair: host => host.start('lessons'),
  }),
];
