import { defineScenario } from '../scenario.ts';
import { nodeBinary } from '../host.ts';
import { nginxSite, reloadNginx, replaceIn, startNginx } from '../servers/nginx.ts';
import { nodeApp, nodeHttp } from '../servers/node.ts';
import { FPM_UNIT, phpFpm } from '../servers/php-fpm.ts';
import { fastcgiPass } from '../servers/nginx.ts';
import { gunicorn, wsgiApp } from '../servers/python.ts';

export default [
  defineScenario({
    name: 'backend-down',
    title: 'The unit of the only gunicorn behind nginx was stopped',
    kind: 'fault',
    fault: 'backend-down',
    setUp: async host => {
      await gunicorn(host, { name: 'orders', code: wsgiApp('orders'), bind: '127.0.0.1:8017', workers: 2 });
      await nginxSite(host, {
        name: 'orders',
        http: 'upstream orders { server 127.0.0.1:8017; }',
        server: 'location / { proxy_pass http://orders; }',
      });
      await startNginx(host);
    },
    breakIt: host => host.systemctl('stop', 'orders'),
    expect: { verdict: 'failing', exitCode: 1, firstConfidence: 'confirmed', status: 'active', minShare: 0.9, notFindings: ['address-mismatch'] },
    fix: 'first-plan',
    repair: host => host.start('orders'),
  }),
  defineScenario({
    name: 'backend-down-fpm',
    title: 'php-fpm was stopped and has taken its socket file with it',
    kind: 'fault',
    fault: 'backend-down',
    setUp: async host => {
      await phpFpm(host, { pool: 'blog', listen: '/run/php/blog.sock', root: '/var/www/blog', files: { 'index.php': '<?php echo "blog\\n";' } });
      await nginxSite(host, { name: 'blog', server: fastcgiPass('unix:/run/php/blog.sock', '/var/www/blog'), log: 'timed', logs: 'own' });
      await startNginx(host);
    },
    breakIt: host => host.systemctl('stop', FPM_UNIT),
    expect: { verdict: 'failing', firstConfidence: 'confirmed', status: 'active', notFindings: ['socket-missing', 'address-mismatch'] },
    fix: 'first-plan',
    repair: host => host.start(FPM_UNIT),
  }),
  defineScenario({
    name: 'backend-down-failed',
    title: 'A Node service ended with an error and its unit does not restart it',
    kind: 'fault',
    fault: 'backend-down',
    url: 'http://127.0.0.1/cart/',
    setUp: async host => {
      await nodeApp(host, {
        name: 'cart',
        listen: '127.0.0.1:3300',
        code: nodeHttp("if (request.url === '/cart/boom') throw new Error('cannot read cart of undefined'); response.end('cart\\n');"),
      });
      await nginxSite(host, { name: 'shop', server: 'location /cart/ { proxy_pass http://127.0.0.1:3300; }' });
      await startNginx(host);
    },
    breakIt: async host => {
      await host.request({ urls: ['http://127.0.0.1/cart/boom'] });
      await host.until('the unit to have failed', async () => (await host.exec(['systemctl', 'is-failed', 'cart'])).code === 0);
    },
    expect: { verdict: 'failing', firstConfidence: 'confirmed', status: 'active' },
    repair: host => host.start('cart'),
  }),
  defineScenario({
    name: 'backend-down-port-in-a-file',
    title: 'A stopped Node service keeps its port in a file of its own; other stopped units lie about, and a second upstream is well',
    kind: 'fault',
    fault: 'backend-down',
    url: 'http://127.0.0.1:8090/loans/list',
    setUp: async host => {
      await host.write('/srv/loans/port', '4173');
      const code = nodeHttp().replaceAll('process.argv[2]', "require('node:fs').readFileSync('/srv/loans/port', 'utf8').trim()");
      await nodeApp(host, { name: 'loans', unit: 'lending-desk.service', code, listen: '127.0.0.1:4173' });
      await host.unitFile('lending-desk.service', (await host.read('/etc/systemd/system/lending-desk.service')).replace(' 127.0.0.1:4173', ''));
      await host.restart('lending-desk');
      await gunicorn(host, { name: 'catalogue', code: wsgiApp('catalogue'), bind: '127.0.0.1:8111' });
      await gunicorn(host, { name: 'newsletter', code: wsgiApp('newsletter'), bind: '127.0.0.1:8112' });
      await host.systemctl('stop', 'newsletter');
      await nginxSite(host, {
        name: 'library',
        listen: '127.0.0.1:8090',
        http: 'upstream lending { server 127.0.0.1:4173; }\nupstream unused { server 127.0.0.1:8112; }',
        server: '# proxy_pass http://127.0.0.1:9999;\nlocation /loans/ { proxy_pass http://lending; }\nlocation / { proxy_pass http://127.0.0.1:8111; }',
        log: 'timed',
        logs: 'own',
      });
      await startNginx(host);
    },
    breakIt: host => host.systemctl('stop', 'lending-desk'),
    expect: {
      verdict: 'failing',
      firstConfidence: ['confirmed', 'likely'],
      status: 'active',
      subject: { name: 'lending-desk.service' },
      minShare: 0.9,
      notFindings: ['address-mismatch'],
    },
    repair: host => host.start('lending-desk'),
  }),
  defineScenario({
    name: 'backend-down-no-unit',
    title: 'One of two servers of an upstream was started by hand and has been killed; a job unrelated to it has failed',
    kind: 'fault',
    fault: 'backend-down',
    setUp: async host => {
      await nodeApp(host, { name: 'first', code: nodeHttp(), listen: '127.0.0.1:7001' });
      await host.write('/srv/second/server.cjs', nodeHttp());
      await host.shell('setsid -f "$1" /srv/second/server.cjs 127.0.0.1:7002 </dev/null >/dev/null 2>&1', [nodeBinary()]);
      await host.until('the second server', async () => (await host.exec(['curl', '-sf', 'http://127.0.0.1:7002/'])).code === 0);
      await host.unitFile('tidy.service', '[Service]\nType=oneshot\nExecStart=/bin/false\n');
      await host.exec(['systemctl', 'start', 'tidy']);
      await nginxSite(host, {
        name: 'pair',
        http: 'upstream pair { server 127.0.0.1:7001; server 127.0.0.1:7002 max_fails=0; }',
        server: 'proxy_next_upstream off;\nlocation / { proxy_pass http://pair; }',
      });
      await startNginx(host);
    },
    breakIt: async host => {
      await host.run(['pkill', '-f', 'server.cjs 127.0.0.1:7002']);
    },
    expect: { verdict: 'failing', firstConfidence: 'confirmed', status: 'active', subject: { peers: ['127.0.0.1:7002'] } },
    repair: async host => {
      await host.shell('setsid -f "$1" /srv/second/server.cjs 127.0.0.1:7002 </dev/null >/dev/null 2>&1', [nodeBinary()]);
    },
  }),
  defineScenario({
    name: 'backend-down-twin-port-typo',
    title: 'The backend runs, and nginx was given a wrong port',
    kind: 'twin',
    fault: 'address-mismatch',
    twinOf: 'backend-down',
    setUp: async host => {
      await gunicorn(host, { name: 'orders', code: wsgiApp('orders'), bind: '127.0.0.1:8017', workers: 2 });
      await nginxSite(host, { name: 'orders', server: 'location / { proxy_pass http://127.0.0.1:8017; }' });
      await startNginx(host);
    },
    breakIt: async host => {
      await replaceIn(host, '/etc/nginx/sites-enabled/orders.conf', ':8017', ':8071');
      await reloadNginx(host);
    },
    expect: { verdict: 'failing', status: 'active' },
    repair: async host => {
      await replaceIn(host, '/etc/nginx/sites-enabled/orders.conf', ':8071', ':8017');
      await reloadNginx(host);
    },
  }),
];
