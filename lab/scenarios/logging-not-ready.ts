import type { LabHost } from '../host.ts';
import { defineScenario } from '../scenario.ts';
import { nginxSite, startNginx } from '../servers/nginx.ts';
import { gunicorn, wsgiApp } from '../servers/python.ts';

const site = async (host: LabHost, log: 'combined' | 'timed'): Promise<void> => {
  await gunicorn(host, { name: 'payments', code: wsgiApp('payments'), bind: '127.0.0.1:8283', workers: 3 });
  await nginxSite(host, { name: 'payments', server: 'location / { proxy_pass http://127.0.0.1:8283; }', log });
  await startNginx(host);
};

const well = async (host: LabHost): Promise<void> => {
  const { counts } = await host.request({ urls: ['http://127.0.0.1/'] });
  if (!counts['200']) throw new Error(`no 200 but ${JSON.stringify(counts)}`);
};

const traffic = { urls: ['http://127.0.0.1/', 'http://127.0.0.1/status?c=502'], rps: 8 };

export default [
  defineScenario({
    name: 'logging-not-ready',
    title: 'The application answers 502, and the log format cannot tell that it was the application',
    kind: 'fault',
    fault: 'logging-not-ready',
    url: 'http://127.0.0.1/status?c=502',
    setUp: host => site(host, 'combined'),
    healthy: well,
    traffic,
    expect: { verdict: ['failing', 'inconclusive'], notFindings: ['backend-down'] },
  }),
  defineScenario({
    name: 'logging-not-ready-twin-told',
    title: 'The same with a log format that tells',
    kind: 'twin',
    fault: 'app-returned-5xx',
    twinOf: 'logging-not-ready',
    url: 'http://127.0.0.1/status?c=502',
    setUp: host => site(host, 'timed'),
    healthy: well,
    traffic,
    expect: { verdict: 'failing', status: 'active' },
  }),
];
