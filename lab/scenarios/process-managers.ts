import { defineScenario } from '../scenario.ts';
import { nginxSite, startNginx } from '../servers/nginx.ts';
import { nodeHttp } from '../servers/node.ts';
import { pm2Of } from '../servers/pm2.ts';
import { waitForListener } from '../servers/listening.ts';

export default [
  defineScenario({
    name: 'backend-crash-loop-pm2-errored',
    title: 'The new release of an app under pm2 dies at its start until pm2 gives up on it',
    kind: 'fault',
    fault: 'backend-crash-loop',
    setUp: async host => {
      await host.write('/srv/orders/server.cjs', nodeHttp());
      await host.write('/srv/mail/server.cjs', nodeHttp());
      const pm2 = await pm2Of(host, { user: 'deploy' });
      await pm2('start', '/srv/mail/server.cjs', '--name', 'mail', '--', '127.0.0.1:3210');
      await pm2('start', '/srv/orders/server.cjs', '--name', 'orders', '--', '127.0.0.1:3200');
      await waitForListener(host, '127.0.0.1:3200');
      await nginxSite(host, { name: 'shop', server: 'location / { proxy_pass http://127.0.0.1:3200; }' });
      await startNginx(host);
    },
    breakIt: async host => {
      const pm2 = await pm2Of(host, { user: 'deploy' });
      await host.write('/srv/orders/server.cjs', "throw new Error('ORDERS_TOPIC is not set');\n");
      await pm2('restart', 'orders');
      await host.until('pm2 to give up', async () => (await host.read(`${pm2.home}/pm2.log`)).includes('"errored"'), 20_000);
    },
    expect: {
      verdict: 'failing',
      firstConfidence: ['confirmed', 'likely'],
      status: 'active',
      subject: { name: 'pm2 app orders' },
      evidence: [/ORDERS_TOPIC/, /too many unstable restarts/],
    },
    repair: async host => {
      const pm2 = await pm2Of(host, { user: 'deploy' });
      await host.write('/srv/orders/server.cjs', nodeHttp());
      await pm2('restart', 'orders');
      await waitForListener(host, '127.0.0.1:3200');
    },
  }),
];
