import { defineScenario } from '../scenario.ts';
import { fastcgiPass, nginxSite, reloadNginx, replaceIn, startNginx } from '../servers/nginx.ts';
import { FPM_UNIT, PHP_VERSION, phpFpm } from '../servers/php-fpm.ts';
import { gunicorn, uwsgi, wsgiApp } from '../servers/python.ts';

const FPM_SOCKET = `/run/php/php${PHP_VERSION}-fpm.sock`;

export default [
  defineScenario({
    name: 'socket-missing',
    title: "A clean-up removed the socket's file; gunicorn runs and listens where nobody can find it",
    kind: 'fault',
    fault: 'socket-missing',
    setUp: async host => {
      await gunicorn(host, { name: 'tickets', code: wsgiApp('tickets'), bind: 'unix:/run/tickets/web.sock' });
      await nginxSite(host, {
        name: 'tickets',
        http: 'upstream tickets { server unix:/run/tickets/web.sock; }',
        server: 'location / { proxy_pass http://tickets; }',
      });
      await startNginx(host);
    },
    breakIt: async host => {
      await host.run(['rm', '/run/tickets/web.sock']);
    },
    expect: { verdict: 'failing', status: 'active', minShare: 0.9, notFindings: ['backend-down'] },
    fix: 'first-plan',
    repair: host => host.restart('tickets'),
  }),
  defineScenario({
    name: 'socket-missing-fpm',
    title: "The socket's file of a php-fpm pool is gone, the pool's processes are there",
    kind: 'fault',
    fault: 'socket-missing',
    setUp: async host => {
      await phpFpm(host, { pool: 'wiki', listen: '/run/php/wiki-pool.sock', root: '/var/www/wiki', files: { 'index.php': '<?php echo "wiki\\n";' } });
      await nginxSite(host, { name: 'wiki', server: fastcgiPass('unix:/run/php/wiki-pool.sock', '/var/www/wiki'), log: 'timed' });
      await startNginx(host);
    },
    breakIt: async host => {
      await host.run(['rm', '/run/php/wiki-pool.sock']);
    },
    expect: { verdict: 'failing', status: 'active', notFindings: ['backend-down'] },
    repair: host => host.restart(FPM_UNIT),
  }),
  defineScenario({
    name: 'socket-missing-twin-stopped',
    title: 'The socket is missing because its service was stopped',
    kind: 'twin',
    fault: 'backend-down',
    twinOf: 'socket-missing',
    setUp: async host => {
      await gunicorn(host, { name: 'tickets', code: wsgiApp('tickets'), bind: 'unix:/run/tickets/web.sock' });
      await nginxSite(host, { name: 'tickets', server: 'location / { proxy_pass http://unix:/run/tickets/web.sock; }' });
      await startNginx(host);
    },
    breakIt: host => host.systemctl('stop', 'tickets'),
    expect: { verdict: 'failing', firstConfidence: 'confirmed', status: 'active' },
    fix: 'first-plan',
    repair: host => host.start('tickets'),
  }),
  defineScenario({
    name: 'socket-missing-folder',
    title: 'The folder of the socket was removed while uWSGI ran; another socket of the same service is of no use',
    kind: 'fault',
    fault: 'socket-missing',
    setUp: async host => {
      await uwsgi(host, { name: 'parcels', code: wsgiApp('parcels'), bind: 'unix:/run/parcels/uwsgi.sock', settings: { stats: '127.0.0.1:1717' } });
      await nginxSite(host, {
        name: 'parcels',
        server: 'location / { include uwsgi_params; uwsgi_pass unix:/var/run/parcels/uwsgi.sock; }',
        log: 'timed',
        logs: 'own',
      });
      await startNginx(host);
    },
    breakIt: async host => {
      await host.run(['rm', '-r', '/run/parcels']);
    },
    expect: { verdict: 'failing', firstConfidence: 'confirmed', status: 'active', minShare: 0.9, notFindings: ['backend-down', 'address-mismatch'] },
    fix: 'first-plan',
    repair: host => host.restart('parcels'),
  }),
  defineScenario({
    name: 'socket-missing-old-version',
    title: 'Two sites ask for the socket of a PHP release that is gone; the pool listens on that of the next one',
    kind: 'fault',
    fault: 'socket-missing',
    setUp: async host => {
      await phpFpm(host, { root: '/srv/gallery', files: { 'index.php': '<?php echo "gallery\\n";' } });
      await nginxSite(host, { name: 'gallery', server: fastcgiPass(`unix:${FPM_SOCKET}`, '/srv/gallery') });
      await nginxSite(host, { name: 'gallery-admin', listen: '8085', server: fastcgiPass(`unix:${FPM_SOCKET}`, '/srv/gallery'), log: 'timed' });
      await startNginx(host);
    },
    breakIt: async host => {
      for (const site of ['gallery', 'gallery-admin']) await replaceIn(host, `/etc/nginx/sites-enabled/${site}.conf`, FPM_SOCKET, '/run/php/php7.4-fpm.sock');
      await reloadNginx(host);
    },
    expect: {
      verdict: 'failing',
      firstConfidence: 'confirmed',
      status: 'active',
      minShare: 0.9,
      evidence: [FPM_SOCKET],
      notFindings: ['backend-down'],
    },
    fix: 'first-plan',
  }),
];
