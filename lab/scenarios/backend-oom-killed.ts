import { defineScenario } from '../scenario.ts';
import { nginxSite, startNginx } from '../servers/nginx.ts';
import { nodeApp } from '../servers/node.ts';
import { gunicorn, wsgiApp } from '../servers/python.ts';
import { startUnit } from '../servers/unit.ts';

const MEGABYTE = 1 << 20;

/** Keeps what it is sent until there is no memory left. */
const HOARDER = `const { createServer } = require('node:http');
const kept = [];
createServer((request, response) => {
  if (request.url.startsWith('/import')) for (let n = 0; n < 400; n++) kept.push(Buffer.alloc(1 << 20, n));
  response.end('stock\\n');
}).listen(Number(process.argv[2].split(':')[1]), '127.0.0.1');
`;

export default [
  defineScenario({
    name: 'backend-oom-killed',
    title: 'Exports take more memory than the service may have, and the kernel kills the worker each time',
    kind: 'fault',
    fault: 'backend-oom-killed',
    url: 'http://127.0.0.1/grow?mb=300',
    setUp: async host => {
      // systemd's default: it stops what the kernel killed a process of, and a master that must wait for its workers takes ten seconds for that.
      const service = { KillMode: 'control-group' };
      await gunicorn(host, { name: 'exports', code: wsgiApp('exports'), bind: '127.0.0.1:8044', workers: 2, service });
      await nginxSite(host, { name: 'exports', server: 'location / { proxy_pass http://127.0.0.1:8044; }', log: 'timed' });
      await startNginx(host);
    },
    healthy: async host => {
      const { counts } = await host.request({ urls: ['http://127.0.0.1/'] });
      if (!counts['200']) throw new Error(`no 200 but ${JSON.stringify(counts)}`);
    },
    breakIt: host => host.limitMemory('exports.service', 160 * MEGABYTE),
    traffic: { urls: ['http://127.0.0.1/', 'http://127.0.0.1/grow?mb=300', 'http://127.0.0.1/'], rps: 3 },
    trafficMs: 5000,
    symptom: async host => {
      const { counts } = await host.request({ urls: ['http://127.0.0.1/grow?mb=300'], timeoutMs: 30_000 });
      if (!counts['502']) throw new Error(`no 502 but ${JSON.stringify(counts)}`);
      await host.until("the kernel's line", async () =>
        /Killed process \d+ \(gunicorn\)/.test(await host.run(['journalctl', '-k', '--no-pager', '-o', 'cat'])),
      );
    },
    expect: { verdict: 'failing', status: 'active', evidence: [/Killed process/], notFindings: ['backend-crashing', 'worker-killed-by-timeout'] },
    repair: host => host.limitMemory('exports.service', 4096 * MEGABYTE),
  }),
  defineScenario({
    name: 'backend-oom-killed-stays-down',
    title: 'The kernel killed a Node service that nobody restarts',
    kind: 'fault',
    fault: 'backend-oom-killed',
    url: 'http://127.0.0.1/stock',
    setUp: async host => {
      await nodeApp(host, { name: 'stock', code: HOARDER, listen: '127.0.0.1:3560' });
      await nginxSite(host, { name: 'stock', http: 'upstream stock { server 127.0.0.1:3560; }', server: 'location / { proxy_pass http://stock; }' });
      await startNginx(host);
    },
    breakIt: async host => {
      await host.limitMemory('stock.service', 150 * MEGABYTE);
      await host.request({ urls: ['http://127.0.0.1/import'], timeoutMs: 30_000 });
      await host.until('the unit to have failed', async () => (await host.exec(['systemctl', 'is-failed', 'stock'])).code === 0);
    },
    expect: { verdict: 'failing', status: 'active', evidence: [/Killed process/], consequences: ['backend-down'] },
    repair: host => host.start('stock'),
  }),
  defineScenario({
    name: 'backend-oom-killed-twin-other-process',
    title: 'The kernel killed a nightly job; the backend was stopped by hand',
    kind: 'twin',
    fault: 'backend-down',
    twinOf: 'backend-oom-killed',
    setUp: async host => {
      await gunicorn(host, { name: 'intranet', code: wsgiApp('intranet'), bind: '127.0.0.1:8112' });
      await nginxSite(host, { name: 'intranet', server: 'location / { proxy_pass http://127.0.0.1:8112; }' });
      await startNginx(host);
      const code = 'import time\ntime.sleep(1)\nkept = [b"x" * (1 << 20) for _ in range(600)]\nfor n in range(10**6): kept.append(bytearray(1 << 20))\n';
      await host.write('/srv/nightly/job.py', code);
      await startUnit(host, { unit: 'nightly.service', exec: '/usr/bin/python3 /srv/nightly/job.py' });
      await host.limitMemory('nightly.service', 100 * MEGABYTE);
      await host.until('the job to be killed', async () => (await host.exec(['systemctl', 'is-failed', 'nightly'])).code === 0);
    },
    breakIt: host => host.systemctl('stop', 'intranet'),
    expect: { verdict: 'failing', firstConfidence: 'confirmed', status: 'active' },
    fix: 'first-plan',
    repair: host => host.start('intranet'),
  }),
];
