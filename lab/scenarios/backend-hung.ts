import { defineScenario } from '../scenario.ts';
import { fastcgiPass, nginxSite, startNginx } from '../servers/nginx.ts';
import { FPM_UNIT, phpFpm } from '../servers/php-fpm.ts';
import { gunicorn, wsgiApp } from '../servers/python.ts';

export default [
  defineScenario({
    name: 'backend-hung',
    title: 'All processes of the gunicorn service were stopped by a signal and never continued',
    kind: 'fault',
    fault: 'backend-hung',
    fails: 504,
    setUp: async host => {
      await gunicorn(host, { name: 'invoices', code: wsgiApp('invoices'), bind: '127.0.0.1:8440' });
      await nginxSite(host, { name: 'invoices', server: 'location / { proxy_pass http://127.0.0.1:8440; proxy_read_timeout 1s; }', log: 'timed' });
      await startNginx(host);
    },
    breakIt: host => host.systemctl('kill', '-s', 'STOP', 'invoices'),
    trafficMs: 2000,
    expect: { verdict: 'failing', firstConfidence: 'confirmed', status: 'active', minShare: 0.9, notFindings: ['worker-pool-exhausted', 'backend-down'] },
    fix: 'first-plan',
    repair: host => host.systemctl('kill', '-s', 'CONT', 'invoices'),
  }),
  defineScenario({
    name: 'backend-hung-deadlock',
    title: 'Every php-fpm child waits for a lock that nobody gives back',
    kind: 'fault',
    fault: 'backend-hung',
    fails: 504,
    setUp: async host => {
      const code = '<?php $lock = fopen("/tmp/shared.lock", "c"); flock($lock, LOCK_EX); echo "archive\\n";';
      await phpFpm(host, {
        pool: 'archive',
        listen: '127.0.0.1:9311',
        settings: { pm: 'static', 'pm.max_children': 2 },
        root: '/var/www/archive',
        files: { 'index.php': code },
      });
      await nginxSite(host, { name: 'archive', server: `fastcgi_read_timeout 1s;\n${fastcgiPass('127.0.0.1:9311', '/var/www/archive')}` });
      await startNginx(host);
    },
    breakIt: async host => {
      await host.runService('backup', ['flock', '/tmp/shared.lock', 'sleep', '300']);
      await host.until('the lock to be taken', async () => (await host.exec(['flock', '-n', '/tmp/shared.lock', 'true'])).code !== 0);
    },
    trafficMs: 2000,
    // Busy without end and hung look the same where no stack can be read: both are said.
    expect: { verdict: 'failing', first: 'backend-hung', status: 'active' },
    repair: async host => {
      await host.systemctl('stop', 'backup');
      await host.restart(FPM_UNIT);
    },
  }),
  defineScenario({
    name: 'backend-hung-twin-slow',
    title: 'Every page takes longer than nginx waits, and is answered in the end',
    kind: 'twin',
    fault: 'backend-slower-than-timeout',
    twinOf: 'backend-hung',
    url: 'http://127.0.0.1/slow?s=1.6',
    fails: 504,
    setUp: async host => {
      await gunicorn(host, { name: 'invoices', code: wsgiApp('invoices'), bind: '127.0.0.1:8440', workers: 2, threads: 24 });
      await nginxSite(host, { name: 'invoices', server: 'location / { proxy_pass http://127.0.0.1:8440; proxy_read_timeout 1s; }', log: 'timed' });
      await startNginx(host);
    },
    healthy: async host => {
      const { counts } = await host.request({ urls: ['http://127.0.0.1/'] });
      if (!counts['200']) throw new Error(`no 200 but ${JSON.stringify(counts)}`);
    },
    trafficMs: 2500,
    expect: { verdict: 'failing', status: 'active' },
  }),
];
