import { defineScenario } from '../scenario.ts';
import { nginxSite, startNginx } from '../servers/nginx.ts';
import { nodeApp, nodeHttp } from '../servers/node.ts';
import { gunicorn, wsgiApp } from '../servers/python.ts';

export default [
  defineScenario({
    name: 'backend-crash-loop',
    title: 'The new release imports a module that is not installed; systemd starts it again and again',
    kind: 'fault',
    fault: 'backend-crash-loop',
    setUp: async host => {
      await gunicorn(host, { name: 'rates', code: wsgiApp('rates'), bind: '127.0.0.1:8530', service: { Restart: 'always', RestartSec: '1200ms' } });
      await nginxSite(host, { name: 'rates', http: 'upstream rates { server 127.0.0.1:8530; }', server: 'location / { proxy_pass http://rates; }' });
      await startNginx(host);
    },
    breakIt: async host => {
      await host.write('/srv/rates/app.py', `import ratings_client\n${wsgiApp('rates')}`);
      await host.restart('rates');
      await host.until('the second restart', async () => Number(await host.run(['systemctl', 'show', '-p', 'NRestarts', '--value', 'rates'])) >= 2, 20_000);
    },
    expect: { verdict: 'failing', firstConfidence: 'confirmed', status: 'active', evidence: [/ratings_client/] },
    repair: async host => {
      await host.write('/srv/rates/app.py', wsgiApp('rates'));
      await host.systemctl('reset-failed', 'rates');
      await host.restart('rates');
    },
  }),
  defineScenario({
    name: 'backend-crash-loop-given-up',
    title: 'A Node service died at each start until systemd gave up',
    kind: 'fault',
    fault: 'backend-crash-loop',
    setUp: async host => {
      await nodeApp(host, { name: 'events', code: nodeHttp(), listen: '127.0.0.1:3071', service: { Restart: 'on-failure', RestartSec: '100ms' } });
      await nginxSite(host, { name: 'events', server: 'location / { proxy_pass http://127.0.0.1:3071; }', log: 'timed' });
      await startNginx(host);
    },
    breakIt: async host => {
      await host.write('/srv/events/server.cjs', "throw new Error('EVENTS_TOPIC is not set');\n");
      await host.restart('events');
      await host.until('systemd to give up', async () => (await host.exec(['systemctl', 'is-failed', 'events'])).code === 0, 20_000);
    },
    expect: { verdict: 'failing', status: 'active', evidence: [/EVENTS_TOPIC|too quickly/] },
    repair: async host => {
      await host.write('/srv/events/server.cjs', nodeHttp());
      await host.systemctl('reset-failed', 'events');
      await host.restart('events');
    },
  }),
  defineScenario({
    name: 'backend-crash-loop-twin-stopped-after-restarts',
    title: 'The service was restarted by hand a few times today and is stopped now',
    kind: 'twin',
    fault: 'backend-down',
    twinOf: 'backend-crash-loop',
    setUp: async host => {
      await gunicorn(host, { name: 'rates', code: wsgiApp('rates'), bind: '127.0.0.1:8530', service: { Restart: 'always' } });
      await nginxSite(host, { name: 'rates', server: 'location / { proxy_pass http://127.0.0.1:8530; }' });
      await startNginx(host);
      for (const attempt of [1, 2, 3]) {
        await host.restart('rates');
        await host.until(`restart ${attempt}`, async () => (await host.exec(['curl', '-sf', 'http://127.0.0.1:8530/'])).code === 0);
      }
    },
    breakIt: host => host.systemctl('stop', 'rates'),
    expect: { verdict: 'failing', status: 'active' },
    fix: 'first-plan',
    repair: host => host.start('rates'),
  }),
];
