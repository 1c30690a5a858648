import { defineScenario } from '../scenario.ts';
import { fastcgiPass, nginxSite, startNginx } from '../servers/nginx.ts';
import { FPM_POOLS, FPM_UNIT, phpFpm } from '../servers/php-fpm.ts';
import { gunicorn, uwsgi, wsgiApp } from '../servers/python.ts';
import { startUnit } from '../servers/unit.ts';

/** What takes memory until the kernel ends it, beside the web server. */
const EATER = '/usr/bin/python3 -c "import time; time.sleep(0.7); a=[bytearray(b\'x\'*1048576) for _ in range(4000)]"';

export default [
  defineScenario({
    name: 'field-php-segfault-in-one-script',
    title: 'One script of the second pool ends its worker with SIGSEGV; two more pools under other users are well',
    kind: 'fault',
    fault: 'backend-crashing',
    url: 'http://127.0.0.1/export.php',
    traffic: { urls: ['http://127.0.0.1/', 'http://127.0.0.1/export.php', 'http://127.0.0.1/', 'http://127.0.0.1/index.php?page=2'], rps: 12 },
    setUp: async host => {
      await phpFpm(host, { pool: 'blog', listen: '/run/php/blog.sock', settings: { user: 'games', group: 'games' }, keepDefaultPool: true });
      await phpFpm(host, {
        pool: 'stats',
        listen: '/run/php/stats.sock',
        settings: { user: 'irc', group: 'irc', pm: 'ondemand', 'pm.max_children': 6 },
        root: '/srv/stats/public',
        files: { 'index.php': 'stats', 'export.php': '<?php if (file_exists("/srv/stats/public/bad")) posix_kill(getmypid(), 11); echo "csv";' },
        keepDefaultPool: true,
      });
      await nginxSite(host, { name: 'stats', logs: 'own', server: fastcgiPass('unix:/run/php/stats.sock', '/srv/stats/public') });
      await startNginx(host);
    },
    breakIt: host => host.write('/srv/stats/public/bad', ''),
    trafficMs: 2500,
    expect: {
      verdict: 'failing',
      firstConfidence: ['confirmed', 'likely'],
      status: 'active',
      minShare: 0.9,
      notFindings: ['backend-oom-killed', 'worker-killed-by-timeout', 'worker-pool-exhausted', 'backend-down'],
    },
    repair: async host => {
      await host.run(['rm', '/srv/stats/public/bad']);
    },
  }),

  defineScenario({
    name: 'field-uwsgi-worker-aborts',
    title: 'A uWSGI worker dies by SIGSEGV on some requests and is respawned by its master',
    kind: 'fault',
    fault: 'backend-crashing',
    url: 'http://127.0.0.1/die',
    traffic: { urls: ['http://127.0.0.1/', 'http://127.0.0.1/die', 'http://127.0.0.1/'], rps: 6 },
    healthy: async host => {
      const { counts } = await host.request({ urls: ['http://127.0.0.1/'] });
      if (!counts['200']) throw new Error(JSON.stringify(counts));
    },
    setUp: async host => {
      await uwsgi(host, { name: 'geo', code: wsgiApp(), bind: 'unix:/run/geo/uwsgi.sock', workers: 8 });
      await nginxSite(host, { name: 'geo', log: 'timed', server: 'location / { include uwsgi_params; uwsgi_pass unix:/run/geo/uwsgi.sock; }' });
      await startNginx(host);
    },
    expect: {
      verdict: 'failing',
      firstConfidence: ['confirmed', 'likely'],
      status: 'active',
      minShare: 0.9,
      notFindings: ['backend-oom-killed', 'worker-killed-by-timeout', 'backend-down'],
    },
  }),

  defineScenario({
    name: 'field-stopped-beside-oom',
    title: 'The kernel has just killed a nightly report for memory; the web application was stopped by hand',
    kind: 'twin',
    fault: 'backend-down',
    twinOf: 'backend-oom-killed',
    setUp: async host => {
      await gunicorn(host, { name: 'billing', code: wsgiApp(), bind: '127.0.0.1:8844' });
      await nginxSite(host, { name: 'billing', server: 'location / { proxy_pass http://127.0.0.1:8844; }' });
      await startNginx(host);
    },
    breakIt: async host => {
      await startUnit(host, { unit: 'nightly-report.service', exec: EATER });
      await host.limitMemory('nightly-report', 40 << 20);
      await host.until('the kill', async () => (await host.exec(['systemctl', 'is-failed', 'nightly-report'])).stdout.startsWith('failed'));
      await host.systemctl('stop', 'billing');
    },
    expect: { verdict: 'failing', firstConfidence: 'confirmed', status: 'active', minShare: 0.9 },
    repair: host => host.start('billing'),
  }),

  defineScenario({
    name: 'field-python-oom-python',
    title: 'A cron job in Python was killed for memory while the gunicorn of the site dies of its own SIGSEGV',
    kind: 'twin',
    fault: 'backend-crashing',
    twinOf: 'backend-oom-killed',
    url: 'http://127.0.0.1/die',
    healthy: async host => {
      const { counts } = await host.request({ urls: ['http://127.0.0.1/'] });
      if (!counts['200']) throw new Error(JSON.stringify(counts));
    },
    setUp: async host => {
      await gunicorn(host, { name: 'maps', code: wsgiApp(), bind: '127.0.0.1:9955' });
      await nginxSite(host, { name: 'maps', server: 'location / { proxy_pass http://127.0.0.1:9955; }' });
      await startNginx(host);
    },
    breakIt: async host => {
      await startUnit(host, { unit: 'import-tiles.service', exec: EATER });
      await host.limitMemory('import-tiles', 40 << 20);
      await host.until('the kill', async () => (await host.exec(['systemctl', 'is-failed', 'import-tiles'])).stdout.startsWith('failed'));
    },
    expect: { verdict: 'failing', status: 'active' },
  }),

  defineScenario({
    name: 'field-oom-takes-workers',
    title: 'The kernel kills the gunicorn workers that take too much; their master lives',
    kind: 'fault',
    fault: 'backend-oom-killed',
    host: { timezone: 'Pacific/Auckland' },
    url: 'http://127.0.0.1/grow?mb=300',
    traffic: { urls: ['http://127.0.0.1/', 'http://127.0.0.1/grow?mb=300'], rps: 4 },
    healthy: async host => {
      const { counts } = await host.request({ urls: ['http://127.0.0.1/'] });
      if (!counts['200']) throw new Error(JSON.stringify(counts));
    },
    setUp: async host => {
      await gunicorn(host, { name: 'render', unit: 'render-api.service', code: wsgiApp(), bind: 'unix:/run/render/api.sock', workers: 2 });
      await nginxSite(host, { name: 'render', server: 'location / { proxy_pass http://unix:/run/render/api.sock; }', logs: 'own' });
      await startNginx(host);
    },
    breakIt: host => host.limitMemory('render-api', 120 << 20),
    trafficMs: 2500,
    expect: { verdict: 'failing', firstConfidence: ['confirmed', 'likely'], status: 'active', notFindings: ['worker-killed-by-timeout'] },
  }),

  defineScenario({
    name: 'field-fpm-terminate-timeout',
    title: 'request_terminate_timeout ends the import of one pool after a second',
    kind: 'fault',
    fault: 'worker-killed-by-timeout',
    url: 'http://127.0.0.1/import.php',
    traffic: { urls: ['http://127.0.0.1/', 'http://127.0.0.1/import.php', 'http://127.0.0.1/'], rps: 6 },
    healthy: async host => {
      const { counts } = await host.request({ urls: ['http://127.0.0.1/'] });
      if (!counts['200']) throw new Error(JSON.stringify(counts));
    },
    setUp: async host => {
      await phpFpm(host, {
        pool: 'erp',
        listen: '127.0.0.1:9074',
        keepDefaultPool: true,
        settings: { request_terminate_timeout: '1s', 'pm.max_children': 12, 'pm.max_spare_servers': 4 },
        root: '/srv/erp',
        files: { 'index.php': 'erp', 'import.php': '<?php sleep(20); echo "done";' },
      });
      await nginxSite(host, { name: 'erp', server: fastcgiPass('127.0.0.1:9074', '/srv/erp') });
      await startNginx(host);
    },
    trafficMs: 4500,
    expect: {
      verdict: 'failing',
      firstConfidence: ['confirmed', 'likely'],
      status: 'active',
      notFindings: ['backend-oom-killed', 'backend-slower-than-timeout'],
    },
  }),

  defineScenario({
    name: 'field-gunicorn-watchdog',
    title: 'gunicorn --timeout 1 kills the workers of a slow report long before nginx would give up',
    kind: 'fault',
    fault: 'worker-killed-by-timeout',
    url: 'http://127.0.0.1/slow?s=30',
    traffic: { urls: ['http://127.0.0.1/', 'http://127.0.0.1/slow?s=30', 'http://127.0.0.1/', 'http://127.0.0.1/'], rps: 4 },
    healthy: async host => {
      const { counts } = await host.request({ urls: ['http://127.0.0.1/'] });
      if (!counts['200']) throw new Error(JSON.stringify(counts));
    },
    setUp: async host => {
      await gunicorn(host, { name: 'bi', code: wsgiApp(), bind: '127.0.0.1:8660', workers: 6, timeoutSeconds: 1 });
      await nginxSite(host, { name: 'bi', log: 'timed', server: 'location / { proxy_pass http://127.0.0.1:8660; proxy_read_timeout 300; }' });
      await startNginx(host);
    },
    trafficMs: 3000,
    expect: {
      verdict: 'failing',
      firstConfidence: ['confirmed', 'likely'],
      status: 'active',
      notFindings: ['backend-oom-killed', 'backend-slower-than-timeout'],
    },
  }),

  defineScenario({
    name: 'field-uwsgi-harakiri',
    title: 'uWSGI ends requests by harakiri after two seconds',
    kind: 'fault',
    fault: 'worker-killed-by-timeout',
    url: 'http://127.0.0.1/slow?s=25',
    traffic: { urls: ['http://127.0.0.1/', 'http://127.0.0.1/slow?s=25'], rps: 2 },
    healthy: async host => {
      const { counts } = await host.request({ urls: ['http://127.0.0.1/'] });
      if (!counts['200']) throw new Error(JSON.stringify(counts));
    },
    setUp: async host => {
      await uwsgi(host, { name: 'lab', unit: 'uwsgi@lab.service', code: wsgiApp(), bind: '127.0.0.1:3131', workers: 8, settings: { harakiri: 1 } });
      await nginxSite(host, { name: 'lab', http: 'upstream lab { server 127.0.0.1:3131; }', server: 'location / { include uwsgi_params; uwsgi_pass lab; }' });
      await startNginx(host);
    },
    trafficMs: 3000,
    expect: { verdict: 'failing', firstConfidence: ['confirmed', 'likely'], status: 'active', notFindings: ['backend-oom-killed', 'backend-crashing'] },
  }),

  defineScenario({
    name: 'field-one-slow-report',
    title: 'One report takes longer than its location waits; everything else is quick',
    kind: 'fault',
    fault: 'backend-slower-than-timeout',
    fails: 504,
    url: 'http://127.0.0.1/report/slow?s=2.5',
    traffic: { urls: ['http://127.0.0.1/', 'http://127.0.0.1/report/slow?s=2.5', 'http://127.0.0.1/'], rps: 6 },
    healthy: async host => {
      const { counts } = await host.request({ urls: ['http://127.0.0.1/'] });
      if (!counts['200']) throw new Error(JSON.stringify(counts));
    },
    setUp: async host => {
      await gunicorn(host, { name: 'books', code: wsgiApp(), bind: '127.0.0.1:8910', threads: 24, args: ['--access-logfile', '-'] });
      await host.write('/etc/nginx/snippets/proxy-common.conf', 'proxy_http_version 1.1;\nproxy_set_header Host $host;\nproxy_read_timeout 45s;\n');
      await nginxSite(host, {
        name: 'books',
        log: 'timed',
        server:
          'location / { include snippets/proxy-common.conf; proxy_pass http://127.0.0.1:8910; }\nlocation /report/ { proxy_http_version 1.1; proxy_read_timeout 1s; proxy_pass http://127.0.0.1:8910/; }',
      });
      await startNginx(host);
    },
    trafficMs: 4500,
    expect: {
      verdict: 'failing',
      firstConfidence: ['confirmed', 'likely', 'possible'],
      status: 'active',
      minShare: 0.9,
      notFindings: ['backend-hung', 'worker-pool-exhausted', 'worker-killed-by-timeout'],
    },
  }),

  defineScenario({
    name: 'field-oom-master-stale-socket',
    title: 'The kernel killed the whole uWSGI for memory; its socket file stays and nothing restarts it',
    kind: 'fault',
    fault: 'backend-oom-killed',
    setUp: async host => {
      await uwsgi(host, { name: 'ocr', code: wsgiApp(), bind: 'unix:/run/ocr/app.sock', workers: 1, settings: { master: 'false' } });
      await nginxSite(host, {
        name: 'ocr',
        http: 'upstream ocr { server unix:/run/ocr/app.sock max_fails=2; }',
        server: 'location / { include uwsgi_params; uwsgi_pass ocr; }',
      });
      // The folder of the socket outlives the unit, as with tmpfiles.d.
      await host.write('/etc/systemd/system/ocr.service.d/keep.conf', '[Service]\nRuntimeDirectoryPreserve=yes\n');
      await host.systemctl('daemon-reload');
      await startNginx(host);
    },
    breakIt: async host => {
      await host.limitMemory('ocr', 80 << 20);
      await host.request({ urls: ['http://127.0.0.1/grow?mb=200'], timeoutMs: 4000 });
      await host.until('the kill', async () => (await host.exec(['systemctl', 'is-failed', 'ocr'])).stdout.startsWith('failed'));
    },
    expect: { verdict: 'failing', firstConfidence: ['confirmed', 'likely'], status: 'active', minShare: 0.9 },
    repair: host => host.restart('ocr'),
  }),

  defineScenario({
    name: 'field-pool-file-renamed',
    title: 'The pool of one of three sites was renamed away before a reload of php-fpm',
    kind: 'fault',
    fault: 'socket-missing',
    traffic: { urls: ['http://127.0.0.1/', 'http://127.0.0.1:81/', 'http://127.0.0.1:82/'], rps: 9 },
    setUp: async host => {
      for (const [index, [name, user]] of [
        ['club', 'games'],
        ['choir', 'irc'],
        ['school', 'news'],
      ].entries()) {
        await phpFpm(host, {
          pool: String(name),
          listen: `/run/php/${name}.sock`,
          settings: { user: String(user), group: String(user), pm: 'ondemand' },
          root: `/var/www/${name}/htdocs`,
          files: { 'index.php': '<?php echo "hello";' },
          keepDefaultPool: true,
        });
        await nginxSite(host, {
          name: String(name),
          listen: ['80', '81', '82'][index] ?? '83',
          logs: 'own',
          server: fastcgiPass(`unix:/run/php/${name}.sock`, `/var/www/${name}/htdocs`),
        });
      }
      await startNginx(host);
    },
    breakIt: async host => {
      await host.run(['mv', `${FPM_POOLS}/club.conf`, `${FPM_POOLS}/club.conf.disabled`]);
      await host.systemctl('restart', FPM_UNIT);
    },
    expect: {
      verdict: 'failing',
      firstConfidence: ['confirmed', 'likely'],
      status: 'active',
      minShare: 0.9,
      notFindings: ['backend-down', 'address-mismatch'],
    },
  }),
];
