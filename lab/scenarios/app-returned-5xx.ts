import { defineScenario } from '../scenario.ts';
import { nginxSite, startNginx } from '../servers/nginx.ts';
import { nodeApp, nodeHttp } from '../servers/node.ts';
import { gunicorn, wsgiApp } from '../servers/python.ts';

const well = async (host: { request(task: { urls: string[] }): Promise<{ counts: Readonly<Record<string, number>> }> }): Promise<void> => {
  const { counts } = await host.request({ urls: ['http://127.0.0.1/'] });
  if (!counts['200']) throw new Error(`no 200 but ${JSON.stringify(counts)}`);
};

export default [
  defineScenario({
    name: 'app-returned-5xx',
    title: 'The application answers 502 by itself, because its own supplier is away',
    kind: 'fault',
    fault: 'app-returned-5xx',
    url: 'http://127.0.0.1/status?c=502',
    setUp: async host => {
      await gunicorn(host, { name: 'gateway', code: wsgiApp('gateway'), bind: '127.0.0.1:8399', workers: 3 });
      await nginxSite(host, { name: 'gateway', server: 'location / { proxy_pass http://127.0.0.1:8399; }', log: 'timed' });
      await startNginx(host);
    },
    healthy: well,
    traffic: { urls: ['http://127.0.0.1/', 'http://127.0.0.1/status?c=502'], rps: 8 },
    expect: { verdict: 'failing', status: 'active', minShare: 0.9, notFindings: ['backend-down', 'backend-crashing'] },
  }),
  defineScenario({
    name: 'app-returned-5xx-next-hop',
    title: 'A second nginx on this host answers 502: its own backend was stopped',
    kind: 'fault',
    fault: 'backend-down',
    setUp: async host => {
      await nodeApp(host, { name: 'catalog', code: nodeHttp(), listen: '127.0.0.1:3555' });
      await nginxSite(host, { name: 'inner', listen: '127.0.0.1:8180', server: 'location / { proxy_pass http://127.0.0.1:3555; }', log: 'timed', logs: 'own' });
      await nginxSite(host, { name: 'outer', server: 'location / { proxy_pass http://127.0.0.1:8180; }', log: 'timed', logs: 'own' });
      await startNginx(host);
    },
    breakIt: host => host.systemctl('stop', 'catalog'),
    expect: { verdict: 'failing', status: 'active', consequences: ['app-returned-5xx'] },
    fix: 'first-plan',
    repair: host => host.start('catalog'),
  }),
];
