import { defineScenario } from '../scenario.ts';
import { fastcgiPass, nginxSite, startNginx } from '../servers/nginx.ts';
import { phpFpm } from '../servers/php-fpm.ts';
import type { FpmOptions } from '../servers/php-fpm.ts';
import { gunicorn, wsgiApp } from '../servers/python.ts';

const pool: FpmOptions = { pool: 'clinic', listen: '/run/php/clinic.sock', root: '/var/www/clinic', files: { 'index.php': '<?php echo "clinic\\n";' } };

export default [
  defineScenario({
    name: 'socket-permission-denied',
    title: "The pool's socket belongs to root alone since the pool file was edited",
    kind: 'fault',
    fault: 'socket-permission-denied',
    setUp: async host => {
      await phpFpm(host, pool);
      await nginxSite(host, { name: 'clinic', server: fastcgiPass('unix:/run/php/clinic.sock', '/var/www/clinic') });
      await startNginx(host);
    },
    breakIt: host => phpFpm(host, { ...pool, settings: { 'listen.owner': 'root', 'listen.group': 'root', 'listen.mode': '0600' } }),
    expect: { verdict: 'failing', firstConfidence: 'confirmed', status: 'active', minShare: 0.9, notFindings: ['backend-down', 'socket-missing'] },
    fix: 'first-plan',
    repair: host => phpFpm(host, pool),
  }),
  defineScenario({
    name: 'socket-permission-denied-folder',
    title: 'The socket is open to all, the folder that holds it is not',
    kind: 'fault',
    fault: 'socket-permission-denied',
    setUp: async host => {
      await gunicorn(host, { name: 'ledger', user: 'games', code: wsgiApp('ledger'), bind: 'unix:/run/ledger/app.sock' });
      await nginxSite(host, { name: 'ledger', server: 'location / { proxy_pass http://unix:/run/ledger/app.sock; }', log: 'timed' });
      await startNginx(host);
    },
    breakIt: async host => {
      await host.run(['chmod', '700', '/run/ledger']);
    },
    expect: { verdict: 'failing', firstConfidence: 'confirmed', status: 'active', evidence: ['/run/ledger'] },
    repair: async host => {
      await host.run(['chmod', '755', '/run/ledger']);
    },
  }),
  defineScenario({
    name: 'socket-permission-denied-twin-stopped',
    title: 'The service was stopped; the socket of another pool is closed to nginx and of no concern',
    kind: 'twin',
    fault: 'backend-down',
    twinOf: 'socket-permission-denied',
    setUp: async host => {
      await phpFpm(host, { pool: 'cron', listen: '/run/php/cron.sock', settings: { 'listen.owner': 'root', 'listen.group': 'root', 'listen.mode': '0600' } });
      await gunicorn(host, { name: 'ledger', code: wsgiApp('ledger'), bind: 'unix:/run/ledger/app.sock' });
      await nginxSite(host, { name: 'ledger', server: 'location / { proxy_pass http://unix:/run/ledger/app.sock; }' });
      await startNginx(host);
    },
    breakIt: host => host.systemctl('stop', 'ledger'),
    expect: { verdict: 'failing', status: 'active' },
    repair: host => host.start('ledger'),
  }),
  defineScenario({
    name: 'socket-permission-denied-umask',
    title: 'A new umask of the unit keeps the group out; nginx runs as a user of its own',
    kind: 'fault',
    fault: 'socket-permission-denied',
    setUp: async host => {
      await host.shell('groupadd edge; useradd -r -g edge -G games edge; sed -i "s/^user .*/user edge;/" /etc/nginx/nginx.conf');
      await gunicorn(host, {
        name: 'stamps',
        user: 'games',
        code: wsgiApp('stamps'),
        bind: 'unix:/run/stamps/web.sock',
        service: { Group: 'games' },
        args: ['--umask', '0o7'],
      });
      await nginxSite(host, {
        name: 'stamps',
        http: 'upstream stamps { server unix:/var/run/stamps/web.sock; }',
        server: 'location / { proxy_pass http://stamps; }',
        logs: 'own',
      });
      await startNginx(host);
    },
    breakIt: host =>
      gunicorn(host, {
        name: 'stamps',
        user: 'games',
        code: wsgiApp('stamps'),
        bind: 'unix:/run/stamps/web.sock',
        service: { Group: 'games' },
        args: ['--umask', '0o77'],
      }),
    expect: { verdict: 'failing', firstConfidence: 'confirmed', status: 'active', minShare: 0.9, evidence: [/srwx------ games:games/] },
    repair: host =>
      gunicorn(host, {
        name: 'stamps',
        user: 'games',
        code: wsgiApp('stamps'),
        bind: 'unix:/run/stamps/web.sock',
        service: { Group: 'games' },
        args: ['--umask', '0o7'],
      }),
  }),
];
