import { defineScenario } from '../scenario.ts';
import { nginxSite, startNginx } from '../servers/nginx.ts';
import { gunicorn, wsgiApp } from '../servers/python.ts';

export default [
  defineScenario({
    name: 'network-unreachable',
    title: 'The route to the network of the application host was lost',
    kind: 'fault',
    fault: 'network-unreachable',
    setUp: async (host, stage) => {
      const far = await stage.another({ hostname: 'app5' });
      await host.link(far, '192.0.2.31', '192.0.2.32');
      await far.run(['ip', 'addr', 'add', '198.51.100.5/32', 'dev', 'lo']);
      await host.run(['ip', 'route', 'add', '198.51.100.0/24', 'via', '192.0.2.32']);
      await gunicorn(far, { name: 'rates', code: wsgiApp('rates'), bind: '198.51.100.5:8140' });
      await nginxSite(host, {
        name: 'rates',
        http: 'upstream rates {\n    server 198.51.100.5:8140;\n}',
        server: 'location / { proxy_pass http://rates; }',
        logs: 'own',
      });
      await startNginx(host);
    },
    breakIt: async host => {
      await host.run(['ip', 'route', 'del', '198.51.100.0/24']);
    },
    expect: {
      verdict: 'failing',
      firstConfidence: 'confirmed',
      status: 'active',
      minShare: 0.9,
      evidence: ['Network is unreachable'],
      notFindings: ['backend-down', 'no-route'],
    },
    repair: async host => {
      await host.run(['ip', 'route', 'add', '198.51.100.0/24', 'via', '192.0.2.32']);
    },
  }),
  defineScenario({
    name: 'network-unreachable-twin-forbidden',
    title: 'A route says that the network is not to be reached',
    kind: 'twin',
    fault: 'no-route',
    twinOf: 'network-unreachable',
    setUp: async (host, stage) => {
      const far = await stage.another({ hostname: 'app6' });
      await host.link(far, '192.0.2.31', '192.0.2.32');
      await gunicorn(far, { name: 'rates', code: wsgiApp('rates'), bind: '192.0.2.32:8140' });
      await nginxSite(host, { name: 'rates', server: 'location / { proxy_pass http://192.0.2.32:8140; }' });
      await startNginx(host);
    },
    breakIt: async host => {
      await host.run(['ip', 'route', 'add', 'unreachable', '192.0.2.32/32']);
    },
    expect: { verdict: 'failing', firstConfidence: 'confirmed', status: 'active', minShare: 0.9 },
    repair: async host => {
      await host.run(['ip', 'route', 'del', 'unreachable', '192.0.2.32/32']);
    },
  }),
];
