import { defineScenario } from '../scenario.ts';
import { fastcgiPass, nginxSite, reloadNginx, replaceIn, startNginx } from '../servers/nginx.ts';
import { phpFpm } from '../servers/php-fpm.ts';
import { gunicorn, wsgiApp } from '../servers/python.ts';

const SITE = '/etc/nginx/sites-enabled/portal.conf';

export default [
  defineScenario({
    name: 'address-mismatch',
    title: 'The last digit of the port of php-fpm was lost',
    kind: 'fault',
    fault: 'address-mismatch',
    setUp: async host => {
      await phpFpm(host, { pool: 'portal', listen: '127.0.0.1:9000', root: '/srv/portal/public', files: { 'index.php': '<?php echo "portal\\n";' } });
      await nginxSite(host, { name: 'portal', server: fastcgiPass('127.0.0.1:9000', '/srv/portal/public') });
      await startNginx(host);
    },
    breakIt: async host => {
      await replaceIn(host, SITE, '127.0.0.1:9000', '127.0.0.1:900');
      await reloadNginx(host);
    },
    expect: { verdict: 'failing', firstConfidence: 'confirmed', status: 'active', minShare: 0.9, evidence: ['127.0.0.1:9000'], notFindings: ['backend-down'] },
    fix: 'first-plan',
    repair: async host => {
      await replaceIn(host, SITE, '127.0.0.1:900', '127.0.0.1:9000');
      await reloadNginx(host);
    },
  }),
  defineScenario({
    name: 'address-mismatch-tcp-for-unix',
    title: 'The pool moved to a unix socket and nginx still asks the port',
    kind: 'fault',
    fault: 'address-mismatch',
    setUp: async host => {
      await phpFpm(host, { pool: 'portal', listen: '127.0.0.1:9074', root: '/srv/portal', files: { 'index.php': '<?php echo "portal\\n";' } });
      await nginxSite(host, { name: 'portal', server: fastcgiPass('127.0.0.1:9074', '/srv/portal'), log: 'timed' });
      await startNginx(host);
    },
    breakIt: host => phpFpm(host, { pool: 'portal', listen: '/run/php/portal.sock', root: '/srv/portal' }),
    expect: { verdict: 'failing', status: 'active', evidence: ['/run/php/portal.sock'], notFindings: ['backend-down'] },
    fix: 'first-plan',
    repair: async host => {
      await replaceIn(host, SITE, '127.0.0.1:9074', 'unix:/run/php/portal.sock');
      await reloadNginx(host);
    },
  }),
  defineScenario({
    name: 'address-mismatch-other-interface',
    title: 'The backend listens on the address of another interface, nginx asks the loopback',
    kind: 'fault',
    fault: 'address-mismatch',
    setUp: async host => {
      await host.shell('ip link add lan0 type veth peer name lan1; ip addr add 192.0.2.10/24 dev lan0; ip link set lan0 up; ip link set lan1 up');
      await gunicorn(host, { name: 'portal', code: wsgiApp('portal'), bind: '0.0.0.0:8061' });
      await nginxSite(host, { name: 'portal', server: 'location / { proxy_pass http://127.0.0.1:8061; }' });
      await startNginx(host);
    },
    breakIt: host => gunicorn(host, { name: 'portal', code: wsgiApp('portal'), bind: '192.0.2.10:8061' }),
    expect: { verdict: 'failing', status: 'active', evidence: ['192.0.2.10:8061'], notFindings: ['backend-down'] },
    fix: 'first-plan',
    repair: async host => {
      await replaceIn(host, SITE, '127.0.0.1:8061', '192.0.2.10:8061');
      await reloadNginx(host);
    },
  }),
  defineScenario({
    name: 'address-mismatch-twin-stopped-with-neighbour',
    title: 'The backend was stopped; another service listens on a port one digit away',
    kind: 'twin',
    fault: 'backend-down',
    twinOf: 'address-mismatch',
    setUp: async host => {
      await gunicorn(host, { name: 'portal', code: wsgiApp('portal'), bind: '127.0.0.1:8061' });
      await gunicorn(host, { name: 'billing', code: wsgiApp('billing'), bind: '127.0.0.1:8062' });
      await nginxSite(host, {
        name: 'portal',
        server: 'location / { proxy_pass http://127.0.0.1:8061; }\nlocation /billing/ { proxy_pass http://127.0.0.1:8062; }',
      });
      await startNginx(host);
    },
    breakIt: host => host.systemctl('stop', 'portal'),
    expect: { verdict: 'failing', firstConfidence: 'confirmed', status: 'active' },
    fix: 'first-plan',
    repair: host => host.start('portal'),
  }),
];
