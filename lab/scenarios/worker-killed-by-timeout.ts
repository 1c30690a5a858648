import { defineScenario } from '../scenario.ts';
import { fastcgiPass, nginxSite, startNginx } from '../servers/nginx.ts';
import { phpFpm } from '../servers/php-fpm.ts';
import type { FpmOptions } from '../servers/php-fpm.ts';
import { uwsgi, wsgiApp } from '../servers/python.ts';

const pool: FpmOptions = {
  pool: 'bookings',
  listen: '127.0.0.1:9408',
  root: '/var/www/bookings',
  files: { 'index.php': '<?php echo "bookings\\n";', 'export.php': '<?php usleep(is_file("/var/www/bookings/grown") ? 1500000 : 0); echo "export\\n";' },
};

const alive = async (host: { request(task: { urls: string[] }): Promise<{ counts: Readonly<Record<string, number>> }> }): Promise<void> => {
  const { counts } = await host.request({ urls: ['http://127.0.0.1/'] });
  if (!counts['200']) throw new Error(`no 200 but ${JSON.stringify(counts)}`);
};

export default [
  defineScenario({
    name: 'worker-killed-by-timeout',
    title: 'request_terminate_timeout ends an export that has come to take longer',
    kind: 'fault',
    fault: 'worker-killed-by-timeout',
    url: 'http://127.0.0.1/export.php',
    setUp: async host => {
      await phpFpm(host, { ...pool, settings: { pm: 'static', 'pm.max_children': 8, request_terminate_timeout: '1s' } });
      await nginxSite(host, { name: 'bookings', server: fastcgiPass('127.0.0.1:9408', '/var/www/bookings'), log: 'timed' });
      await startNginx(host);
    },
    breakIt: host => host.write('/var/www/bookings/grown', ''),
    traffic: { urls: ['http://127.0.0.1/', 'http://127.0.0.1/export.php'], rps: 4 },
    trafficMs: 2100,
    expect: { verdict: 'failing', status: 'active', evidence: [/execution timed out|terminat/], notFindings: ['backend-crashing', 'backend-oom-killed'] },
    fix: 'first-plan',
    looksAtOnce: 4,
    repair: host => phpFpm(host, { ...pool, settings: { pm: 'static', 'pm.max_children': 8, request_terminate_timeout: '30s' } }),
  }),
  defineScenario({
    name: 'worker-killed-by-timeout-harakiri',
    title: "uWSGI's harakiri kills the worker that needs longer",
    kind: 'fault',
    fault: 'worker-killed-by-timeout',
    url: 'http://127.0.0.1/slow?s=5',
    setUp: async host => {
      await uwsgi(host, { name: 'scores', code: wsgiApp('scores'), bind: 'unix:/run/scores/uwsgi.sock', workers: 8, settings: { harakiri: 1 } });
      await nginxSite(host, { name: 'scores', server: 'location / { include uwsgi_params; uwsgi_pass unix:/run/scores/uwsgi.sock; }' });
      await startNginx(host);
    },
    healthy: alive,
    traffic: { urls: ['http://127.0.0.1/', 'http://127.0.0.1/slow?s=5'], rps: 2 },
    trafficMs: 3000,
    expect: { verdict: 'failing', status: 'active', evidence: [/HARAKIRI/i], notFindings: ['backend-crashing'] },
  }),
  defineScenario({
    name: 'worker-killed-by-timeout-twin-crash',
    title: 'Workers die by themselves, at once, on a server that has a watchdog too',
    kind: 'twin',
    fault: 'backend-crashing',
    twinOf: 'worker-killed-by-timeout',
    url: 'http://127.0.0.1/die',
    setUp: async host => {
      await uwsgi(host, { name: 'scores', code: wsgiApp('scores'), bind: 'unix:/run/scores/uwsgi.sock', workers: 3, settings: { harakiri: 20 } });
      await nginxSite(host, { name: 'scores', server: 'location / { include uwsgi_params; uwsgi_pass unix:/run/scores/uwsgi.sock; }' });
      await startNginx(host);
    },
    healthy: alive,
    traffic: { urls: ['http://127.0.0.1/', 'http://127.0.0.1/die', 'http://127.0.0.1/'], rps: 4 },
    trafficMs: 2000,
    expect: { verdict: 'failing', status: 'active' },
  }),
];
