import { defineScenario } from '../scenario.ts';
import { fastcgiPass, nginxSite, startNginx } from '../servers/nginx.ts';
import { FPM_UNIT, phpFpm } from '../servers/php-fpm.ts';
import { gunicorn, wsgiApp } from '../servers/python.ts';

/** A second program has bound the path anew and ended: the file is there, and nobody listens at it. */
const REPLACE = 'import os, socket, sys\nos.unlink(sys.argv[1])\nsocket.socket(socket.AF_UNIX).bind(sys.argv[1])\nos.chmod(sys.argv[1], 0o666)\n';

export default [
  defineScenario({
    name: 'socket-stale',
    title: "A second instance took over the socket's path and ended; the first one still runs",
    kind: 'fault',
    fault: 'socket-stale',
    setUp: async host => {
      await gunicorn(host, { name: 'wishes', code: wsgiApp('wishes'), bind: 'unix:/run/wishes/gunicorn.sock' });
      await nginxSite(host, {
        name: 'wishes',
        http: 'upstream wishes { server unix:/run/wishes/gunicorn.sock; }',
        server: 'location / { proxy_pass http://wishes; }',
      });
      await startNginx(host);
    },
    breakIt: async host => {
      await host.run(['python3', '-c', REPLACE, '/run/wishes/gunicorn.sock']);
    },
    expect: { verdict: 'failing', status: 'active', minShare: 0.9, notFindings: ['backend-down', 'socket-missing'] },
    fix: 'first-plan',
    repair: host => host.restart('wishes'),
  }),
  defineScenario({
    name: 'socket-stale-after-kill',
    title: 'php-fpm was killed and has left its socket behind: the leftover is a consequence',
    kind: 'fault',
    fault: 'backend-down',
    setUp: async host => {
      await phpFpm(host, { pool: 'forum', listen: '/run/php/forum.sock', root: '/var/www/forum', files: { 'index.php': '<?php echo "forum\n";' } });
      await nginxSite(host, { name: 'forum', server: fastcgiPass('unix:/run/php/forum.sock', '/var/www/forum') });
      await startNginx(host);
    },
    breakIt: async host => {
      await host.systemctl('kill', '-s', 'KILL', FPM_UNIT);
      await host.until('the unit to have failed', async () => (await host.exec(['systemctl', 'is-failed', FPM_UNIT])).code === 0);
    },
    expect: { verdict: 'failing', firstConfidence: 'confirmed', status: 'active', consequences: ['socket-stale'] },
    fix: 'first-plan',
    repair: host => host.start(FPM_UNIT),
  }),
  defineScenario({
    name: 'socket-stale-twin-other-socket',
    title: 'A leftover of a site that is switched off lies about; the backend that is used was stopped',
    kind: 'twin',
    fault: 'backend-down',
    twinOf: 'socket-stale',
    setUp: async host => {
      await host.shell('mkdir -p /run/wishes');
      await host.run(['python3', '-c', "import socket; socket.socket(socket.AF_UNIX).bind('/run/wishes/old.sock')"]);
      await gunicorn(host, { name: 'gifts', code: wsgiApp('gifts'), bind: '127.0.0.1:7341' });
      await nginxSite(host, {
        name: 'gifts',
        http: 'upstream wishes { server unix:/run/wishes/old.sock; }\nupstream gifts { server 127.0.0.1:7341; }',
        server: 'location / { proxy_pass http://gifts; }',
      });
      await startNginx(host);
    },
    breakIt: host => host.systemctl('stop', 'gifts'),
    expect: { verdict: 'failing', firstConfidence: 'confirmed', status: 'active' },
    fix: 'first-plan',
    repair: host => host.start('gifts'),
  }),
];
