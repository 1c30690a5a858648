import type { LabHost } from '../host.ts';
import { defineScenario } from '../scenario.ts';
import { fastcgiPass, nginxSite, startNginx } from '../servers/nginx.ts';
import { nodeApp } from '../servers/node.ts';
import { phpFpm } from '../servers/php-fpm.ts';
import { gunicorn, uwsgi, wsgiApp } from '../servers/python.ts';
import { startUnit } from '../servers/unit.ts';
import { waitForListener } from '../servers/listening.ts';

/** nginx keeps connections to it. */
function kept(name: string, address: string): { readonly http: string; readonly server: string } {
  return {
    http: `upstream ${name} {\n    server ${address};\n    keepalive 16;\n}`,
    server: `location / {\n    proxy_pass http://${name};\n    proxy_http_version 1.1;\n    proxy_set_header Connection "";\n}`,
  };
}

const basket = { name: 'basket', code: wsgiApp('basket'), bind: '127.0.0.1:8391', workers: 1, threads: 6, args: ['--keep-alive', '75'] };

/** A Node cluster of two workers; each ends by itself after `limit` requests, without a look at those that it works on. */
function cluster(limit: number): string {
  return `const cluster = require('node:cluster');
const { createServer } = require('node:http');
const [host, port] = process.argv[2].split(':');
if (cluster.isPrimary) {
  for (let index = 0; index < 2; index++) cluster.fork();
  cluster.on('exit', () => cluster.fork());
} else {
  let served = 0;
  createServer((request, response) => {
    const end = () => {
      response.end('prices\\n');
      if (++served < ${limit}) return;
      console.log('worker ' + process.pid + ' has reached max requests (' + served + '), exiting');
      process.exit(0);
    };
    setTimeout(end, request.url.startsWith('/report') ? 400 : 1);
  }).listen(Number(port), host);
}
`;
}

const asgi = `async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain"), (b"content-length", b"4")]})
    await send({"type": "http.response.body", "body": b"geo\\n"})
`;

/** One uvicorn process that systemd starts again each time it ends. */
async function uvicorn(host: LabHost, more: string): Promise<void> {
  await host.write('/opt/geo/geo.py', asgi);
  await startUnit(host, {
    unit: 'geo-api.service',
    description: 'Geo API',
    exec: `/usr/bin/python3 -m uvicorn --host 127.0.0.1 --port 7311${more} geo:app`,
    workdir: '/opt/geo',
    service: { Restart: 'always', RestartSec: '600ms', StartLimitIntervalSec: '0' },
  });
  await waitForListener(host, '127.0.0.1:7311');
}

const has502 = (host: LabHost): Promise<void> => host.until('a lost request', async () => (await host.read('/var/log/nginx/access.log')).includes(' 502 '));
/** What is lost in one second alone may be lost by chance while a worker is slow to boot. */
const lostTwice = (host: LabHost): Promise<void> =>
  host.until('requests that are lost in two different seconds', async () => {
    const lost = (await host.read('/var/log/nginx/error.log')).split('\n').filter(line => /reset by peer|prematurely closed/.test(line));
    return new Set(lost.map(line => line.slice(0, 19))).size >= 2;
  });
const isServing = async (host: LabHost): Promise<boolean> =>
  (await host.exec(['curl', '-fsS', '--max-time', '5', '--unix-socket', '/run/catalogue/app.sock', 'http://catalogue/'])).code === 0;
const answers = async (host: LabHost, url: string): Promise<void> => {
  const { counts } = await host.request({ urls: [url] });
  if (!counts['200']) throw new Error(`no 200 but ${JSON.stringify(counts)}`);
};

export default [
  defineScenario({
    name: 'worker-recycled',
    title: 'gunicorn retires a threaded worker after 20 requests: what comes over its kept connections while it finishes is lost',
    kind: 'fault',
    fault: 'worker-recycled',
    setUp: async host => {
      await gunicorn(host, basket);
      await nginxSite(host, { name: 'basket', ...kept('basket_app', '127.0.0.1:8391'), log: 'timed' });
      await startNginx(host);
    },
    breakIt: host => gunicorn(host, { ...basket, args: [...basket.args, '--max-requests', '20'] }),
    traffic: { urls: ['http://127.0.0.1/slow?s=0.7', 'http://127.0.0.1/a', 'http://127.0.0.1/b', 'http://127.0.0.1/c'], method: 'POST', body: 'n=1', rps: 20 },
    trafficMs: 1100,
    symptom: lostTwice,
    expect: { verdict: 'failing', firstConfidence: 'confirmed', status: 'active', minShare: 0.9, evidence: [/Autorestarting worker/, /20/] },
    fix: 'first-plan',
  }),
  defineScenario({
    name: 'worker-recycled-node-cluster',
    title: 'The workers of a Node cluster end after 20 requests each, and with them the reports that they work on',
    kind: 'fault',
    fault: 'worker-recycled',
    setUp: async host => {
      await nodeApp(host, { name: 'prices', code: cluster(100_000), listen: '127.0.0.1:4173' });
      await nginxSite(host, { name: 'prices', server: 'location / { proxy_pass http://127.0.0.1:4173; }', logs: 'own', log: 'combined' });
      await startNginx(host);
    },
    breakIt: host => nodeApp(host, { name: 'prices', code: cluster(20), listen: '127.0.0.1:4173' }),
    traffic: { urls: ['http://127.0.0.1/report', 'http://127.0.0.1/report', 'http://127.0.0.1/'], rps: 24 },
    trafficMs: 3000,
    symptom: host => host.until('a lost report', async () => (await host.read('/var/log/nginx/prices.access.log')).includes(' 502 ')),
    expect: { verdict: 'failing', firstConfidence: 'confirmed', status: 'active', evidence: [/max requests/], notFindings: ['backend-crashing'] },
    repair: host => nodeApp(host, { name: 'prices', code: cluster(100_000), listen: '127.0.0.1:4173' }),
  }),
  defineScenario({
    name: 'worker-recycled-whole-process',
    title: 'uvicorn ends after 20 requests, and systemd takes more than half a second to start it again',
    kind: 'fault',
    fault: 'worker-recycled',
    setUp: async host => {
      await uvicorn(host, '');
      await nginxSite(host, { name: 'geo', server: 'location / { proxy_pass http://127.0.0.1:7311; }' });
      await startNginx(host);
    },
    breakIt: host => uvicorn(host, ' --limit-max-requests 20'),
    trafficMs: 3800,
    symptom: has502,
    expect: { verdict: 'failing', firstConfidence: 'confirmed', status: 'active', evidence: ['limit-max-requests', 'Scheduled restart job'] },
    // Without the journal it is not proven, and no crash is.
    also: async (_host, badhop) => {
      const { report } = await badhop(['diagnose', '--format', 'json'], { user: 'nobody' });
      const [first, ...rest] = report?.findings.filter(one => one.status !== 'latent') ?? [];
      if (first?.fault !== 'worker-recycled' || first.confidence !== 'likely')
        throw new Error(`for nobody it is ${first?.fault ?? 'nothing'} ${first?.confidence ?? ''}`);
      if (rest.some(one => one.fault === 'backend-crash-loop' && one.confidence === 'confirmed')) throw new Error('for nobody a crash loop is confirmed');
    },
    fix: 'first-plan',
  }),
  defineScenario({
    name: 'worker-recycled-queue',
    title: 'The only worker of gunicorn is replaced, the next one imports for more than a second, and the queue of its socket is short',
    kind: 'fault',
    fault: 'worker-recycled',
    setUp: async host => {
      await gunicorn(host, {
        name: 'catalogue',
        code: `import time\ntime.sleep(1.6)\n${wsgiApp('catalogue')}`,
        bind: 'unix:/run/catalogue/app.sock',
        workers: 1,
        args: ['--max-requests', '20', '--backlog', '2'],
      });
      await nginxSite(host, { name: 'catalogue', server: 'location / { proxy_pass http://unix:/run/catalogue/app.sock; }', log: 'timed' });
      await host.until('the worker to serve', () => isServing(host));
      await startNginx(host);
    },
    // After these requests nobody asks any more, so that the worker is there again when badhop looks.
    traffic: { rps: 8, count: 32 },
    trafficMs: 4300,
    symptom: async host => {
      await has502(host);
      await host.until('the next worker to serve', () => isServing(host));
    },
    // That the queue ran over while the worker was away follows from the seconds alone, which a loaded machine shifts.
    expect: {
      verdict: ['failing', 'recovered'],
      orFirst: ['accept-queue-overflow'],
      firstConfidence: 'likely',
      minShare: 0.9,
      check: ({ findings: [first] }) =>
        first?.fault !== 'worker-recycled' ||
        (first.consequences.includes('accept-queue-overflow') && first.evidence.some(one => one.text.includes('Autorestarting')))
          ? []
          : ['it is not proven by the line of the worker that was replaced'],
    },
  }),
  defineScenario({
    name: 'worker-recycled-twin-crash',
    title: 'uWSGI replaces its workers all the time and loses nothing by it; some requests end their worker by a signal',
    kind: 'twin',
    fault: 'backend-crashing',
    twinOf: 'worker-recycled',
    url: 'http://127.0.0.1/die',
    setUp: async host => {
      await uwsgi(host, {
        name: 'quotes',
        code: wsgiApp('quotes'),
        bind: '127.0.0.1:3391',
        workers: 3,
        settings: { 'max-requests': 8, 'min-worker-lifetime': 1 },
      });
      await nginxSite(host, { name: 'quotes', server: 'location / { include uwsgi_params; uwsgi_pass 127.0.0.1:3391; }' });
      await startNginx(host);
    },
    healthy: host => answers(host, 'http://127.0.0.1/'),
    traffic: { urls: ['http://127.0.0.1/', 'http://127.0.0.1/a', 'http://127.0.0.1/die', 'http://127.0.0.1/b'], rps: 6 },
    trafficMs: 2500,
    expect: { verdict: 'failing', status: 'active' },
  }),
  defineScenario({
    name: 'worker-recycled-twin-watchdog',
    title: 'php-fpm replaces its children after 6 requests, and its watchdog ends those that take too long',
    kind: 'twin',
    fault: 'worker-killed-by-timeout',
    twinOf: 'worker-recycled',
    url: 'http://127.0.0.1/export.php',
    setUp: async host => {
      await phpFpm(host, {
        pool: 'shop',
        listen: '/run/php/shop.sock',
        root: '/var/www/shop',
        files: { 'index.php': '<?php echo "shop\n";', 'export.php': '<?php sleep(3); echo "export\n";' },
        settings: { pm: 'static', 'pm.max_children': 6, 'pm.max_requests': 6, request_terminate_timeout: '1s' },
      });
      await nginxSite(host, { name: 'shop', server: fastcgiPass('unix:/run/php/shop.sock', '/var/www/shop'), log: 'timed' });
      await startNginx(host);
    },
    healthy: host => answers(host, 'http://127.0.0.1/'),
    traffic: { urls: ['http://127.0.0.1/', 'http://127.0.0.1/index.php', 'http://127.0.0.1/', 'http://127.0.0.1/export.php'], rps: 6 },
    trafficMs: 5000,
    expect: { verdict: 'failing', status: 'active' },
  }),
  defineScenario({
    name: 'worker-recycled-without-loss',
    title: 'gunicorn replaces its workers after 8 requests each, one after the other, and loses none',
    kind: 'healthy',
    setUp: async host => {
      await gunicorn(host, {
        name: 'menu',
        code: wsgiApp('menu'),
        bind: 'unix:/run/menu/app.sock',
        workers: 3,
        args: ['--max-requests', '8', '--max-requests-jitter', '4', '--preload'],
      });
      await nginxSite(host, { name: 'menu', server: 'location / { proxy_pass http://unix:/run/menu/app.sock; }', log: 'timed' });
      await startNginx(host);
    },
    trafficMs: 3500,
    symptom: host => host.until('a worker to be replaced', async () => (await host.run(['journalctl', '-u', 'menu', '--no-pager'])).includes('Autorestarting')),
    expect: { verdict: 'healthy' },
  }),
];
