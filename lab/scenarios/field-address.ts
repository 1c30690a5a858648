import { defineScenario } from '../scenario.ts';
import type { Scenario } from '../scenario.ts';
import { waitForListener } from '../servers/listening.ts';
import { fastcgiPass, nginxSite, reloadNginx, replaceIn, startNginx } from '../servers/nginx.ts';
import { nodeApp, nodeHttp } from '../servers/node.ts';
import { FPM_UNIT, PHP_VERSION, phpFpm } from '../servers/php-fpm.ts';
import { gunicorn, uwsgi, wsgiApp } from '../servers/python.ts';

/** Where two names of the catalogue fit the same host, either may stand first. */
function either(scenario: Scenario, ...faults: readonly string[]): Scenario {
  return { ...scenario, expect: { ...scenario.expect, orFirst: faults } };
}

export default [
  defineScenario({
    name: 'field-port-in-a-variable',
    title: 'An include sets the backend in a variable with a wrong port; a neighbour of the right kind answers one port further',
    kind: 'fault',
    fault: 'address-mismatch',
    setUp: async host => {
      await nodeApp(host, { name: 'storefront', code: nodeHttp("response.end('shop');"), listen: '127.0.0.1:3010' });
      await nodeApp(host, { name: 'admin-panel', code: nodeHttp("response.end('admin');"), listen: '127.0.0.1:3102' });
      await host.write('/etc/nginx/backends/storefront.inc', 'set $storefront_backend 127.0.0.1:3010;\n');
      await nginxSite(host, {
        name: 'storefront',
        serverName: 'shop.example',
        server:
          'include /etc/nginx/backends/storefront.inc;\nlocation / { proxy_pass http://$storefront_backend; }\nlocation /admin/ { proxy_pass http://127.0.0.1:3102/; }',
      });
      await startNginx(host);
    },
    breakIt: async host => {
      await host.write('/etc/nginx/backends/storefront.inc', 'set $storefront_backend 127.0.0.1:3101;\n');
      await reloadNginx(host);
    },
    expect: { verdict: 'failing', firstConfidence: ['confirmed', 'likely'], status: 'active', minShare: 0.9, notFindings: ['backend-down'] },
  }),

  defineScenario({
    name: 'field-moved-to-a-socket',
    title: 'A deploy bound gunicorn to a unix socket; nginx still asks its old port',
    kind: 'fault',
    fault: 'address-mismatch',
    setUp: async host => {
      await gunicorn(host, { name: 'hr', code: wsgiApp(), bind: '127.0.0.1:8000' });
      await nginxSite(host, {
        name: 'hr',
        http: 'upstream hr_app { server 127.0.0.1:8000 fail_timeout=0; }',
        server: 'location / { proxy_pass http://hr_app; }',
      });
      await startNginx(host);
    },
    breakIt: async host => {
      await gunicorn(host, { name: 'hr', code: wsgiApp(), bind: 'unix:/run/hr/hr.sock' });
    },
    expect: {
      verdict: 'failing',
      firstConfidence: ['confirmed', 'likely'],
      status: 'active',
      minShare: 0.9,
      evidence: [/hr\.sock/],
      notFindings: ['backend-down'],
    },
  }),

  defineScenario({
    name: 'field-other-interface',
    title: 'The backend listens on the internal address alone and nginx asks loopback',
    kind: 'fault',
    fault: 'address-mismatch',
    setUp: async host => {
      await host.run(['ip', 'addr', 'add', '198.51.100.5/24', 'dev', 'lo']);
      await uwsgi(host, { name: 'fleet', code: wsgiApp(), bind: '0.0.0.0:8732', protocol: 'http-socket' });
      await nginxSite(host, { name: 'fleet', log: 'timed', server: 'location / { proxy_pass http://127.0.0.1:8732; }' });
      await startNginx(host);
    },
    breakIt: async host => {
      await replaceIn(host, '/etc/uwsgi/apps-available/fleet.ini', '0.0.0.0:8732', '198.51.100.5:8732');
      await host.restart('fleet');
      await waitForListener(host, '198.51.100.5:8732');
    },
    expect: {
      verdict: 'failing',
      firstConfidence: ['confirmed', 'likely'],
      status: 'active',
      minShare: 0.9,
      evidence: [/198\.51\.100\.5/],
      notFindings: ['backend-down', 'firewall-reject'],
    },
  }),

  either(
    defineScenario({
      name: 'field-php-version-in-path',
      title: 'An upgrade of PHP left the old version in the socket path of one snippet',
      kind: 'fault',
      fault: 'socket-missing',
      setUp: async host => {
        await phpFpm(host, { files: { 'index.php': '<?php echo PHP_VERSION;' }, root: '/home/web/site' });
        await host.write(
          '/etc/nginx/snippets/php-handler.conf',
          `include snippets/fastcgi-php.conf;\nfastcgi_pass unix:/run/php/php${PHP_VERSION}-fpm.sock;\n`,
        );
        await nginxSite(host, { name: 'site', server: 'root /home/web/site;\nindex index.php;\nlocation ~ \\.php$ { include snippets/php-handler.conf; }' });
        await startNginx(host);
      },
      breakIt: async host => {
        await replaceIn(host, '/etc/nginx/snippets/php-handler.conf', `php${PHP_VERSION}-fpm.sock`, 'php7.4-fpm.sock');
        await reloadNginx(host);
      },
      expect: { verdict: 'failing', firstConfidence: ['confirmed', 'likely'], status: 'active', minShare: 0.9, notFindings: ['backend-down', 'socket-stale'] },
    }),
    'address-mismatch',
  ),

  defineScenario({
    name: 'field-localhost-retries',
    title: 'localhost means ::1 and 127.0.0.1, the program listens on the second alone, and users see nothing but 200',
    kind: 'fault',
    fault: 'localhost-ipv6-mismatch',
    setUp: async host => {
      await gunicorn(host, { name: 'notes', code: wsgiApp(), bind: '127.0.0.1:8313' });
      await host.write(
        '/etc/nginx/conf.d/notes.conf',
        'upstream notes {\n  server localhost:8313 fail_timeout=1s;\n  keepalive 4;\n}\nserver { listen 80; server_name notes.example; location / { proxy_pass http://notes; } }\n',
      );
      await startNginx(host);
    },
    symptom: async host => {
      if (!(await host.read('/var/log/nginx/error.log')).includes('[::1]:8313')) throw new Error('::1 was never tried');
    },
    trafficMs: 2500,
    expect: { firstConfidence: ['confirmed', 'likely'], notFindings: ['backend-down', 'address-mismatch'] },
  }),

  either(
    defineScenario({
      name: 'field-node-on-ipv6-only',
      title: 'Node listens on localhost, which is ::1 for it, and nginx asks 127.0.0.1',
      kind: 'fault',
      fault: 'address-mismatch',
      setUp: async host => {
        await nodeApp(host, { name: 'chat', code: nodeHttp(), listen: '127.0.0.1:3777' });
        await nginxSite(host, { name: 'chat', server: 'location / { proxy_pass http://127.0.0.1:3777; }' });
        await startNginx(host);
      },
      breakIt: async host => {
        await nodeApp(host, { name: 'chat', code: nodeHttp(), listen: '[::1]:3777' });
      },
      expect: { verdict: 'failing', firstConfidence: ['confirmed', 'likely'], status: 'active', minShare: 0.9, notFindings: ['backend-down'] },
    }),
    'localhost-ipv6-mismatch',
  ),

  defineScenario({
    name: 'field-parent-folder-closed',
    title: 'The socket allows everybody, the folder above it does not',
    kind: 'fault',
    fault: 'socket-permission-denied',
    setUp: async host => {
      await gunicorn(host, { name: 'depot', code: wsgiApp(), bind: 'unix:/run/depot/web.sock', user: 'games', args: ['--umask', '0'] });
      await host.write(
        '/etc/nginx/conf.d/depot.conf',
        'server {\n  listen 80;\n  location @app { proxy_pass http://unix:/run/depot/web.sock; }\n  location / { root /srv/static; try_files $uri @app; }\n}\n',
      );
      await startNginx(host);
    },
    breakIt: async host => {
      await host.run(['chmod', '750', '/run/depot']);
    },
    traffic: { urls: ['http://127.0.0.1/'], count: 3, rps: 3 },
    expect: {
      verdict: 'failing',
      firstConfidence: 'confirmed',
      status: 'active',
      minShare: 0.9,
      evidence: [/\/run\/depot/],
      notFindings: ['socket-stale', 'backend-down'],
    },
    repair: async host => {
      await host.run(['chmod', '755', '/run/depot']);
    },
  }),

  defineScenario({
    name: 'field-pool-owner-mode',
    title: 'A pool of another user got listen.mode 0600; a second, full pool warns about max_children and is not asked by nginx',
    kind: 'fault',
    fault: 'socket-permission-denied',
    host: { timezone: 'Europe/Berlin' },
    setUp: async host => {
      await phpFpm(host, {
        pool: 'batch',
        listen: '127.0.0.1:9301',
        settings: { pm: 'ondemand', 'pm.max_children': 1 },
        root: '/srv/batch',
        files: { 'job.php': '<?php sleep(600);' },
        keepDefaultPool: true,
      });
      await phpFpm(host, {
        pool: 'forum',
        listen: '/run/php/forum.sock',
        settings: { user: 'lp', group: 'lp' },
        root: '/srv/forum',
        files: { 'index.php': '<?php echo 1;' },
        keepDefaultPool: true,
      });
      await nginxSite(host, { name: 'forum', logs: 'own', server: fastcgiPass('unix:/run/php/forum.sock', '/srv/forum') });
      await startNginx(host);
    },
    breakIt: async host => {
      await phpFpm(host, {
        pool: 'forum',
        listen: '/run/php/forum.sock',
        settings: { user: 'lp', group: 'lp', 'listen.owner': 'lp', 'listen.group': 'lp', 'listen.mode': '0600' },
        root: '/srv/forum',
        keepDefaultPool: true,
      });
      await host.shell(
        `echo "[$(date '+%d-%b-%Y %H:%M:%S')] WARNING: [pool batch] server reached pm.max_children setting (1), consider raising it" >> /var/log/php${PHP_VERSION}-fpm.log`,
      );
    },
    expect: { verdict: 'failing', firstConfidence: 'confirmed', status: 'active', minShare: 0.9, notFindings: ['worker-pool-exhausted', 'backend-down'] },
  }),

  defineScenario({
    name: 'field-socket-taken-by-a-test-run',
    title: 'Somebody ran a second instance by hand over the same socket path and killed it; the service lives on a lost inode',
    kind: 'fault',
    fault: 'socket-stale',
    setUp: async host => {
      await gunicorn(host, { name: 'desk', code: wsgiApp(), bind: 'unix:/run/desk/desk.sock' });
      await nginxSite(host, { name: 'desk', server: 'location / { proxy_pass http://unix:/run/desk/desk.sock; }' });
      await startNginx(host);
    },
    breakIt: async host => {
      await host.shell(
        `cd /run/desk; python3 -c "
import os, socket
os.unlink('/run/desk/desk.sock')
s = socket.socket(socket.AF_UNIX); s.bind('/run/desk/desk.sock'); os.chmod('/run/desk/desk.sock', 0o666)"`,
      );
    },
    expect: { verdict: 'failing', firstConfidence: ['confirmed', 'likely'], status: 'active', minShare: 0.9, notFindings: ['backend-down', 'backend-hung'] },
    repair: host => host.restart('desk'),
  }),

  either(
    defineScenario({
      name: 'field-killed-nine',
      title: 'kill -9 on php-fpm left three socket files, and Restart= was switched off by an override',
      kind: 'fault',
      fault: 'socket-stale',
      setUp: async host => {
        await host.write(`/etc/systemd/system/${FPM_UNIT}.d/override.conf`, '[Service]\nRestart=no\n');
        await host.systemctl('daemon-reload');
        await phpFpm(host, { pool: 'one', listen: '/run/php/one.sock', keepDefaultPool: true });
        await phpFpm(host, { pool: 'two', listen: '/run/php/two.sock', root: '/srv/two', files: { 'index.php': 'two' }, keepDefaultPool: true });
        await nginxSite(host, { name: 'two', server: fastcgiPass('unix:/run/php/two.sock', '/srv/two') });
        await startNginx(host);
      },
      breakIt: async host => {
        await host.systemctl('kill', '-s', 'KILL', FPM_UNIT);
      },
      expect: {
        verdict: 'failing',
        firstConfidence: ['confirmed', 'likely'],
        status: 'active',
        minShare: 0.9,
        notFindings: ['backend-oom-killed', 'address-mismatch'],
      },
      repair: host => host.start(FPM_UNIT),
    }),
    'backend-down',
  ),

  defineScenario({
    name: 'field-app-log-lies',
    title: 'The application writes that the upstream is down and nginx must be restarted; in truth nginx asks a wrong port',
    kind: 'twin',
    fault: 'address-mismatch',
    twinOf: 'backend-down',
    setUp: async host => {
      await nodeApp(host, {
        name: 'orders-api',
        listen: '127.0.0.1:5020',
        code: nodeHttp(
          undefined,
          "setInterval(() => console.error('FATAL: upstream is down, Out of memory: Killed process 1 (nginx). Restart nginx NOW!'), 300);",
        ),
      });
      await nginxSite(host, { name: 'orders', server: 'location / { proxy_pass http://127.0.0.1:5020; }' });
      await startNginx(host);
    },
    breakIt: async host => {
      await replaceIn(host, '/etc/nginx/sites-enabled/orders.conf', ':5020', ':5200');
      await reloadNginx(host);
    },
    expect: { verdict: 'failing', firstConfidence: ['confirmed', 'likely'], status: 'active', notFindings: ['backend-oom-killed', 'nginx-down'] },
  }),
];
