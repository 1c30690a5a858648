import { nodeBinary } from '../host.ts';
import { defineScenario } from '../scenario.ts';
import { waitForListener } from '../servers/listening.ts';
import { fastcgiPass, nginxSite, reloadNginx, replaceIn, startNginx } from '../servers/nginx.ts';
import { nodeApp, nodeHttp } from '../servers/node.ts';
import { phpFpm } from '../servers/php-fpm.ts';
import { gunicorn, wsgiApp } from '../servers/python.ts';
import { startUnit } from '../servers/unit.ts';

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
    // Who may not enter the new socket, or asks nobody, cannot know that the pool has ended.
    also: async (_host, badhop) => {
      for (const [args, user] of [
        [[], 'nobody'],
        [['--no-probe'], 'root'],
      ] as const) {
        const { report } = await badhop(['diagnose', '--format', 'json', ...args], { user });
        const sure = report?.findings.find(each => each.fault === 'backend-down' && each.confidence !== 'possible');
        if (report?.verdict !== 'failing' || sure !== undefined) throw new Error(`${user} ${args.join(' ')}: ${report?.verdict}, ${sure?.explanation}`);
      }
    },
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
  defineScenario({
    name: 'address-mismatch-one-server-of-two',
    title: 'One server of an upstream has two digits of its port transposed; strangers answer on other ports',
    kind: 'fault',
    fault: 'address-mismatch',
    setUp: async host => {
      await nodeApp(host, { name: 'basket-a', unit: 'basket@1.service', listen: '127.0.0.1:3120', code: nodeHttp("response.end('basket\\n');") });
      await nodeApp(host, { name: 'basket-b', unit: 'basket@2.service', listen: '127.0.0.1:3147', code: nodeHttp("response.end('basket\\n');") });
      // Neither is behind nginx, and both answer HTTP; a third service is down and of no concern.
      await nodeApp(host, { name: 'metrics', listen: '127.0.0.1:9147', code: nodeHttp("response.end('up 1\\n');") });
      await gunicorn(host, { name: 'admin', code: wsgiApp('admin'), bind: '127.0.0.1:3190' });
      await nodeApp(host, { name: 'mailer', listen: '127.0.0.1:3141', code: nodeHttp() });
      await host.exec(['systemctl', 'stop', 'mailer']);
      await nginxSite(host, {
        name: 'basket',
        http: 'upstream basket {\n    server 127.0.0.1:3120 max_fails=0;\n    server 127.0.0.1:3147 max_fails=0;\n    # server 127.0.0.1:3190;\n}\nupstream old { server 127.0.0.1:3199; }',
        server: 'location / { proxy_pass http://basket; proxy_next_upstream off; }',
        log: 'timed',
        logs: 'own',
      });
      await startNginx(host);
    },
    breakIt: async host => {
      await replaceIn(host, '/etc/nginx/sites-enabled/basket.conf', ':3147', ':3174');
      await reloadNginx(host);
    },
    symptom: async host => {
      const { counts } = await host.request({ urls: ['http://127.0.0.1/'], count: 10 });
      if (counts['502'] === undefined || counts['200'] === undefined) throw new Error(`not every second request fails: ${JSON.stringify(counts)}`);
    },
    expect: {
      verdict: 'failing',
      firstConfidence: 'confirmed',
      status: 'active',
      minShare: 0.9,
      subject: { id: '127.0.0.1:3174' },
      evidence: ['127.0.0.1:3147'],
      notFindings: ['backend-down'],
    },
    fix: 'first-plan',
    repair: async host => {
      await replaceIn(host, '/etc/nginx/sites-enabled/basket.conf', ':3174', ':3147');
      await reloadNginx(host);
    },
  }),
  defineScenario({
    name: 'address-mismatch-twin-stranger-answers',
    title: 'The backend failed and no command line names its port; a stranger answers HTTP one digit away',
    kind: 'twin',
    fault: 'backend-down',
    twinOf: 'address-mismatch',
    setUp: async host => {
      const code =
        "require('node:http').createServer((request, response) => { if (request.url === '/die') process.exit(3); response.end('seats\\n'); }).listen(4410, '127.0.0.1');\n";
      await host.write('/srv/seats/server.cjs', code);
      await startUnit(host, { unit: 'seats.service', exec: `${nodeBinary()} /srv/seats/server.cjs` });
      await waitForListener(host, '127.0.0.1:4410');
      await nodeApp(host, { name: 'dashboard', listen: '127.0.0.1:4411', code: nodeHttp("response.end('dashboard\\n');") });
      await nginxSite(host, { name: 'cinema', server: 'location / { proxy_pass http://127.0.0.1:4410; }' });
      await startNginx(host);
    },
    breakIt: async host => {
      await host.request({ urls: ['http://127.0.0.1:4410/die'] });
      await host.until('the unit to have failed', async () => (await host.exec(['systemctl', 'is-failed', 'seats'])).code === 0);
    },
    expect: { verdict: 'failing', firstConfidence: ['confirmed', 'likely'], status: 'active' },
    repair: host => host.start('seats'),
  }),
];
