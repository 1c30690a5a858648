import { defineScenario } from '../scenario.ts';
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
