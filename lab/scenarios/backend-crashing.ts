import { defineScenario } from '../scenario.ts';
import { fastcgiPass, nginxSite, startNginx } from '../servers/nginx.ts';
import { phpFpm } from '../servers/php-fpm.ts';
import { gunicorn, wsgiApp } from '../servers/python.ts';

export default [
  defineScenario({
    name: 'backend-crashing',
    title: 'A page makes its php-fpm child die by SIGSEGV; the master starts another',
    kind: 'fault',
    fault: 'backend-crashing',
    url: 'http://127.0.0.1/thumbnail.php?id=8',
    setUp: async host => {
      await phpFpm(host, {
        pool: 'photos',
        listen: '/run/php/photos.sock',
        root: '/var/www/photos',
        files: {
          'index.php': '<?php echo "photos\\n";',
          'thumbnail.php': '<?php if (is_file("/var/www/photos/broken")) posix_kill(getmypid(), 11); echo "thumbnail\\n";',
        },
      });
      await nginxSite(host, { name: 'photos', server: fastcgiPass('unix:/run/php/photos.sock', '/var/www/photos'), log: 'timed' });
      await startNginx(host);
    },
    breakIt: host => host.write('/var/www/photos/broken', ''),
    traffic: { urls: ['http://127.0.0.1/', 'http://127.0.0.1/thumbnail.php?id=8', 'http://127.0.0.1/index.php'], rps: 6 },
    trafficMs: 3000,
    expect: {
      verdict: 'failing',
      firstConfidence: 'confirmed',
      status: 'active',
      evidence: [/signal 11|SIGSEGV/],
      notFindings: ['backend-oom-killed', 'worker-killed-by-timeout'],
    },
    repair: async host => {
      await host.run(['rm', '/var/www/photos/broken']);
    },
  }),
  defineScenario({
    name: 'backend-crashing-twin-watchdog',
    title: "gunicorn's own watchdog kills the worker, and its line speaks of a signal too",
    kind: 'twin',
    fault: 'worker-killed-by-timeout',
    twinOf: 'backend-crashing',
    url: 'http://127.0.0.1/slow?s=6',
    setUp: async host => {
      await gunicorn(host, { name: 'render', code: wsgiApp('render'), bind: '127.0.0.1:8611', workers: 8, timeoutSeconds: 1 });
      await nginxSite(host, { name: 'render', server: 'location / { proxy_pass http://127.0.0.1:8611; }', log: 'timed' });
      await startNginx(host);
    },
    healthy: async host => {
      const { counts } = await host.request({ urls: ['http://127.0.0.1/'] });
      if (!counts['200']) throw new Error(`no 200 but ${JSON.stringify(counts)}`);
    },
    traffic: { urls: ['http://127.0.0.1/', 'http://127.0.0.1/slow?s=6'], rps: 2 },
    trafficMs: 3000,
    expect: { verdict: 'failing', status: 'active', evidence: [/WORKER TIMEOUT/] },
  }),
];
