import { defineScenario } from '../scenario.ts';
import type { LabHost } from '../host.ts';
import { nginxSite, reloadNginx, replaceIn, startNginx } from '../servers/nginx.ts';
import { gunicorn, wsgiApp } from '../servers/python.ts';

const SITE = '/etc/nginx/sites-enabled/orders.conf';

export default [
  defineScenario({
    name: 'since-a-change',
    title: 'An edit with a backup beside it mistypes the address of one of two locations',
    kind: 'fault',
    fault: 'address-mismatch',
    url: 'http://127.0.0.1/orders/7',
    setUp,
    healthy: host => ask(host, 6),
    breakIt: async host => {
      // The logs have whole seconds: what was answered must be seen to come before what fails.
      await host.shell('sleep 1.1; cp "$1" "$1.bak"', [SITE]);
      await replaceIn(host, SITE, '127.0.0.1:8312', '127.0.0.1:8321');
      await reloadNginx(host);
    },
    traffic: { urls: ['http://127.0.0.1/orders/7', 'http://127.0.0.1/about'], rps: 20 },
    trafficMs: 2500,
    expect: {
      verdict: 'failing',
      status: 'active',
      since: [/ after .*orders\.conf.* changed/, '-        proxy_pass http://127.0.0.1:8312;', '+        proxy_pass http://127.0.0.1:8321;'],
      where: /^only (?:GET )?(?:\/orders\/|below \/orders\/)/,
    },
    repair: async host => {
      await replaceIn(host, SITE, '127.0.0.1:8321', '127.0.0.1:8312');
      await reloadNginx(host);
    },
  }),
  defineScenario({
    name: 'since-a-change-twin-touched-later',
    title: 'The backend was stopped; a second after the first failure the configuration was touched',
    kind: 'fault',
    fault: 'backend-down',
    url: 'http://127.0.0.1/orders/7',
    setUp,
    healthy: host => ask(host, 6),
    breakIt: async host => {
      await host.shell('sleep 1.1');
      await host.systemctl('stop', 'orders');
      await host.shell('curl -s "$1" > /dev/null; sleep 2; touch "$2"', ['http://127.0.0.1/orders/7', SITE]);
    },
    expect: { verdict: 'failing', status: 'active', since: [/ after orders\.service stopped/], notSince: ['orders.conf'] },
    fix: 'first-plan',
  }),
];

async function setUp(host: LabHost): Promise<void> {
  await gunicorn(host, { name: 'orders', code: wsgiApp('orders'), bind: '127.0.0.1:8312' });
  await gunicorn(host, { name: 'about', code: wsgiApp('about'), bind: '127.0.0.1:8313' });
  await nginxSite(host, {
    name: 'orders',
    server: `
      location / { proxy_pass http://127.0.0.1:8313; }
      location /orders/ {
          proxy_pass http://127.0.0.1:8312;
      }`,
    log: 'timed',
  });
  await startNginx(host);
}

/** Sends requests that must be answered well. */
async function ask(host: LabHost, count: number): Promise<void> {
  for (let sent = 0; sent < count; sent += 1) {
    const { stdout } = await host.exec(['curl', '-s', '-o', '/dev/null', '-w', '%{http_code}', `http://127.0.0.1/${sent % 2 === 0 ? 'orders/7' : 'about'}`]);
    if (stdout !== '200') throw new Error(`a request was answered with ${stdout}`);
  }
}
