import type { LabHost } from '../host.ts';
import { defineScenario } from '../scenario.ts';
import { fastcgiPass, nginxSite, reloadNginx, replaceIn, startNginx } from '../servers/nginx.ts';
import { nodeApp, nodeHttp } from '../servers/node.ts';
import { phpFpm } from '../servers/php-fpm.ts';
import { gunicorn, wsgiApp } from '../servers/python.ts';
import { logged } from './nginx-worker-connections-exhausted.ts';

/** Stories that end by what the report says, of faults whose own scenarios end otherwise. */
const MEGABYTE = 1 << 20;
const HOARDER = `const kept = [];
require('node:http').createServer((request, response) => {
  if (request.url.startsWith('/import')) for (let n = 0; n < 400; n++) kept.push(Buffer.alloc(1 << 20, n));
  response.end('shelves\\n');
}).listen(3571, '127.0.0.1');
`;

async function answers(host: LabHost, url: string, count = 1): Promise<void> {
  const { counts } = await host.request({ urls: [url], count, timeoutMs: 8000 });
  if ((counts['200'] ?? 0) < count) throw new Error(`${url} answered ${JSON.stringify(counts)}`);
}

export default [
  defineScenario({
    name: 'fix-raise-read-timeout',
    title: 'One of two locations on one line inherits a second; the plan gives it alone what the page takes',
    kind: 'fault',
    fault: 'backend-slower-than-timeout',
    url: 'http://127.0.0.1:8093/search?q=maps',
    fails: 504,
    setUp: async host => {
      const handler = `const late = require('node:fs').existsSync('/srv/index/grown') && request.url.startsWith('/search');\nsetTimeout(() => response.end('index\\n'), late ? 1300 : 5);`;
      await nodeApp(host, { name: 'index', code: nodeHttp(handler), listen: '127.0.0.1:3745' });
      const lines = 'location / { proxy_pass http://127.0.0.1:3745; } location /search { proxy_pass http://127.0.0.1:3745/search; }';
      await nginxSite(host, { name: 'index', listen: '8093', server: `proxy_read_timeout 1s;\n${lines}`, log: 'timed' });
      await startNginx(host);
    },
    breakIt: host => host.write('/srv/index/grown', ''),
    traffic: { urls: ['http://127.0.0.1:8093/', 'http://127.0.0.1:8093/search?q=maps'], rps: 6 },
    trafficMs: 1600,
    expect: { verdict: 'failing', status: 'active', firstConfidence: 'confirmed' },
    fix: { plan: 'raise-read-timeout' },
    looksAtOnce: 4,
  }),
  defineScenario({
    name: 'fix-fit-service-into-memory',
    title: 'The kernel killed a service that nobody restarts; the plan starts it and says what it held',
    kind: 'fault',
    fault: 'backend-oom-killed',
    url: 'http://127.0.0.1:8094/shelves',
    setUp: async host => {
      await nodeApp(host, { name: 'shelves', code: HOARDER, listen: '127.0.0.1:3571' });
      await nginxSite(host, { name: 'shelves', listen: '8094', server: 'location / { proxy_pass http://127.0.0.1:3571; }' });
      await startNginx(host);
    },
    breakIt: async host => {
      await host.limitMemory('shelves.service', 150 * MEGABYTE);
      await host.request({ urls: ['http://127.0.0.1:8094/import'], timeoutMs: 20_000 });
      await host.until('the unit to have failed', async () => (await host.exec(['systemctl', 'is-failed', 'shelves'])).code === 0);
    },
    expect: { verdict: 'failing', status: 'active', evidence: [/Killed process/] },
    fix: { plan: 'fit-service-into-memory' },
  }),
  defineScenario({
    name: 'fix-restart-without-a-gap',
    title: 'A restart left a gap; with the plan the next deployment is a reload, and leaves none',
    kind: 'fault',
    fault: 'restart-window',
    url: 'http://127.0.0.1:8095/',
    setUp: async host => {
      await gunicorn(host, {
        name: 'tables',
        code: wsgiApp('tables'),
        bind: '127.0.0.1:8476',
        args: ['--graceful-timeout', '2'],
        service: { ExecStartPre: '/bin/sleep 1' },
      });
      await nginxSite(host, { name: 'tables', listen: '8095', server: 'location / { proxy_pass http://127.0.0.1:8476; }', log: 'timed' });
      await startNginx(host);
    },
    healthy: async host => {
      const url = 'http://127.0.0.1:8095/';
      await answers(host, url);
      if ((await host.exec(['test', '-f', '/etc/systemd/system/tables.service.d/badhop-reload.conf'])).code !== 0) return;
      const workers = async (): Promise<string> => (await host.exec(['pgrep', '-f', 'gunicorn'])).stdout;
      const before = await workers();
      const traffic = host.traffic({ urls: [url], rps: 40, seconds: 10 });
      // Before it has begun, a gap would meet nobody.
      await host.shell('sleep 0.5');
      await host.systemctl('reload', 'tables');
      await host.until('new workers', async () => (await workers()) !== before);
      await answers(host, url, 20);
      const { counts } = await traffic.stop();
      if (Object.keys(counts).join() !== '200') throw new Error(`the reload left a gap: ${JSON.stringify(counts)}`);
    },
    breakIt: async host => {
      const traffic = host.traffic({ urls: ['http://127.0.0.1:8095/'], rps: 10, seconds: 20 });
      await host.restart('tables');
      await host.until('the new process to answer', async () => (await host.exec(['curl', '-sf', 'http://127.0.0.1:8476/'])).code === 0);
      await traffic.stop();
    },
    trafficMs: 2500,
    symptom: host => logged(host, '(111: Connection refused)'),
    expect: { verdict: ['recovered', 'failing'], firstConfidence: 'confirmed' },
    fix: { plan: 'restart-without-a-gap' },
  }),
  defineScenario({
    name: 'fix-log-upstream-variables',
    title: 'Nobody can tell who answers 502; with the plan the next lines of the log say that it is the backend',
    kind: 'fault',
    fault: 'logging-not-ready',
    url: 'http://127.0.0.1:8096/status?c=502',
    setUp: async host => {
      await gunicorn(host, { name: 'letters', code: wsgiApp('letters'), bind: '127.0.0.1:8477', workers: 3 });
      const quiet = 'error_log /var/log/nginx/error.log crit;\n';
      await nginxSite(host, { name: 'letters', listen: '8096', server: `${quiet}location / { proxy_pass http://127.0.0.1:8477; }` });
      await startNginx(host);
    },
    healthy: async host => {
      await answers(host, 'http://127.0.0.1:8096/');
      if (!(await host.read('/etc/nginx/nginx.conf')).includes('with_upstream')) return;
      await host.request({ urls: ['http://127.0.0.1:8096/status?c=502'] });
      const last = (await host.run(['tail', '-n', '1', '/var/log/nginx/access.log'])).trim();
      if (!/ 502 .*us=502 ua=127\.0\.0\.1:8477 uht=0\.\d+/.test(last)) throw new Error(`the log still does not say it: ${last}`);
    },
    traffic: { urls: ['http://127.0.0.1:8096/status?c=502'], rps: 8 },
    expect: { verdict: 'inconclusive', exitCode: 3, status: 'active' },
    stillFails: [502],
    fix: { plan: 'log-upstream-variables' },
  }),
  defineScenario({
    name: 'fix-reuse-upstream-connections',
    title: 'Every request takes a local port and all are used up; with the plan a few are enough',
    kind: 'fault',
    fault: 'ephemeral-ports-exhausted',
    url: 'http://127.0.0.1:8097/',
    setUp: async host => {
      await nodeApp(host, { name: 'seats', code: nodeHttp("response.end('seats\\n');"), listen: '127.0.0.1:3746' });
      await nginxSite(host, {
        name: 'seats',
        listen: '8097',
        http: 'upstream seats {\n    server 127.0.0.1:3746;\n}',
        server:
          'keepalive_timeout 0;\nlocation / {\n    proxy_set_header Host $host;\n    proxy_http_version 1.1;\n    proxy_set_header Connection "";\n    proxy_pass http://seats;\n}',
        log: 'timed',
      });
      await startNginx(host);
    },
    healthy: async host => {
      // Those that wait come back after a minute; a few new ones show that no more are needed.
      if ((await host.read('/etc/nginx/sites-enabled/seats.conf')).includes('keepalive 32'))
        await host.run(['sysctl', '-qw', 'net.ipv4.ip_local_port_range=43000 43027']);
      // The visitors' own ports lie outside of the range.
      await host.shell('for n in $(seq 40); do curl -sf --local-port 20001-20400 http://127.0.0.1:8097/ -o /dev/null; done');
    },
    breakIt: async host => {
      await host.run(['sysctl', '-qw', 'net.ipv4.ip_local_port_range=43000 43019', 'net.ipv4.tcp_tw_reuse=0']);
    },
    traffic: { rps: 12 },
    trafficMs: 2500,
    symptom: host => logged(host, '(99: Cannot assign requested address)'),
    expect: { verdict: 'failing', status: 'active', firstConfidence: 'confirmed' },
    fix: { plan: 'reuse-upstream-connections' },
  }),
  defineScenario({
    name: 'fix-trace-worker-crash',
    title: 'One page crashes its worker; the plan names it, and how nginx answers it until the bug is repaired',
    kind: 'fault',
    fault: 'backend-crashing',
    url: 'http://127.0.0.1:8098/preview.php',
    setUp: async host => {
      await phpFpm(host, {
        pool: 'albums',
        listen: '/run/php/albums.sock',
        root: '/srv/albums',
        files: {
          'index.php': '<?php echo "albums\n";',
          'preview.php': '<?php if (is_file("/srv/albums/broken")) posix_kill(getmypid(), 11); echo "preview\n";',
        },
      });
      await nginxSite(host, { name: 'albums', listen: '8098', server: fastcgiPass('unix:/run/php/albums.sock', '/srv/albums'), log: 'timed' });
      await startNginx(host);
    },
    healthy: async host => {
      await answers(host, 'http://127.0.0.1:8098/');
      const { counts } = await host.request({ urls: ['http://127.0.0.1:8098/preview.php'] });
      if (counts['502']) throw new Error('the page still costs a worker');
    },
    breakIt: host => host.write('/srv/albums/broken', ''),
    traffic: { urls: ['http://127.0.0.1:8098/', 'http://127.0.0.1:8098/preview.php'], rps: 6 },
    trafficMs: 2500,
    expect: {
      verdict: 'failing',
      status: 'active',
      check: report =>
        JSON.stringify(report.findings[0]?.fixes).includes('location = /preview.php { return 503; }')
          ? []
          : ['the plan does not say how to keep the page away'],
    },
    stillFails: [503],
    // What the plan says, done as a person does it.
    repair: async host => {
      await replaceIn(host, '/etc/nginx/sites-enabled/albums.conf', 'index index.php;', 'index index.php;\n    location = /preview.php { return 503; }');
      await host.run(['nginx', '-t']);
      await reloadNginx(host);
    },
  }),
];
