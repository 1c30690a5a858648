import { nodeBinary } from '../host.ts';
import type { LabHost } from '../host.ts';
import { defineScenario } from '../scenario.ts';
import { waitForListener } from '../servers/listening.ts';
import { nginxSite, startNginx } from '../servers/nginx.ts';
import { nodeApp, nodeHttp } from '../servers/node.ts';
import { gunicorn } from '../servers/python.ts';
import { rawTcp } from '../servers/raw-tcp.ts';
import { startUnit } from '../servers/unit.ts';

/** Asks its store before each answer; without it, it says so in its journal and answers 500. */
const asking = nodeHttp(`const store = require('node:net').connect(6401, '127.0.0.1');
store.on('connect', () => { store.end(); if (require('node:fs').existsSync('/srv/till/ill')) response.statusCode = 500; response.end('till\\n'); });
store.on('error', error => { console.error(error); response.statusCode = 500; response.end('no store\\n'); });`);

/** Asks its store for each page, and waits for it. */
const QUERIES = `import socket


def app(environ, start_response):
    with socket.create_connection(("127.0.0.1", 6433), timeout=50) as store:
        store.sendall(b"select\\n")
        store.recv(100)
    start_response("200 OK", [("Content-Length", "6")])
    return [b"shelf\\n"]
`;

async function till(host: LabHost): Promise<void> {
  await startUnit(host, { unit: 'store.service', exec: `${nodeBinary()} -e "require('net').createServer().listen(6401,'127.0.0.1')"` });
  await waitForListener(host, '127.0.0.1:6401');
  await nodeApp(host, { name: 'till', code: asking, listen: '127.0.0.1:3920' });
  await nginxSite(host, { name: 'till', server: 'location / { proxy_pass http://127.0.0.1:3920; }', log: 'timed' });
  await startNginx(host);
}

async function shelf(host: LabHost): Promise<void> {
  await rawTcp(host, { name: 'stock', listen: '127.0.0.1:6433', behaviour: 'answer', text: 'row\n' });
  await gunicorn(host, { name: 'shelf', code: QUERIES, bind: '127.0.0.1:3941', timeoutSeconds: 60 });
  await nginxSite(host, { name: 'shelf', server: 'location / { proxy_pass http://127.0.0.1:3941; proxy_read_timeout 1s; }', log: 'timed' });
  await startNginx(host);
}

export default [
  defineScenario({
    name: 'app-dependency-down',
    title: 'The store behind a Node application was stopped, and the application answers 500',
    kind: 'fault',
    fault: 'app-dependency-down',
    fails: 500,
    setUp: till,
    breakIt: host => host.systemctl('stop', 'store'),
    expect: {
      verdict: 'failing',
      firstConfidence: ['confirmed', 'likely'],
      status: 'active',
      minShare: 0.9,
      evidence: ['ECONNREFUSED'],
      subject: { id: '127.0.0.1:6401' },
      consequences: ['app-returned-5xx'],
      notFindings: ['backend-down'],
    },
    repair: async host => {
      await host.start('store');
      await waitForListener(host, '127.0.0.1:6401');
    },
  }),
  defineScenario({
    name: 'app-dependency-down-frozen',
    title: 'The store was stopped by a signal in the middle of its work: both workers wait for it, and more of them would wait as well',
    kind: 'fault',
    fault: 'app-dependency-down',
    fails: 504,
    trafficMs: 2500,
    setUp: shelf,
    breakIt: host => host.systemctl('kill', '--signal=STOP', 'stock'),
    expect: {
      verdict: 'failing',
      firstConfidence: ['likely', 'confirmed'],
      status: 'active',
      minShare: 0.9,
      subject: { id: '127.0.0.1:6433' },
      evidence: [/state T/],
    },
    repair: host => host.systemctl('kill', '--signal=CONT', 'stock'),
  }),
  defineScenario({
    name: 'app-dependency-down-frozen-twin-somebody-elses',
    title: 'Both workers wait for a store that runs and is slow; a metrics server that others are connected to is stopped by a signal',
    kind: 'twin',
    fault: 'worker-pool-exhausted',
    twinOf: 'app-dependency-down',
    fails: 504,
    trafficMs: 2500,
    setUp: async host => {
      await shelf(host);
      await rawTcp(host, { name: 'meter', listen: '127.0.0.1:6480', behaviour: 'answer', text: 'ok\n' });
      const clients = `const net = require('net'); for (let n = 0; n < 4; n += 1) net.connect(6480, '127.0.0.1'); setInterval(() => undefined, 1000);`;
      await startUnit(host, { unit: 'scrape.service', exec: `${nodeBinary()} -e "${clients}"` });
    },
    breakIt: async host => {
      await host.systemctl('kill', '--signal=STOP', 'meter');
      await host.systemctl('stop', 'stock');
      await rawTcp(host, { name: 'depot', listen: '127.0.0.1:6433', behaviour: 'hang' });
    },
    expect: { verdict: 'failing', status: 'active', minShare: 0.9, notFindings: ['app-dependency-down', 'backend-down'] },
  }),
  defineScenario({
    name: 'app-dependency-down-twin-own-error',
    title: 'The application answers 500 by itself; its store is well',
    kind: 'twin',
    fault: 'app-returned-5xx',
    twinOf: 'app-dependency-down',
    fails: 500,
    setUp: till,
    breakIt: host => host.write('/srv/till/ill', ''),
    expect: { verdict: 'failing', firstConfidence: 'confirmed', status: 'active' },
    repair: async host => {
      await host.run(['rm', '/srv/till/ill']);
    },
  }),
];
