import type { LabHost } from '../host.ts';
import { defineScenario } from '../scenario.ts';
import { nginxSite, startNginx } from '../servers/nginx.ts';
import { gunicorn, wsgiApp } from '../servers/python.ts';

/** `deaf`: the error log leaves out the lines that would tell by their absence. */
const site = async (host: LabHost, log: 'combined' | 'timed', deaf = false): Promise<void> => {
  await gunicorn(host, { name: 'payments', code: wsgiApp('payments'), bind: '127.0.0.1:8283', workers: 3 });
  const quiet = deaf ? 'error_log /var/log/nginx/error.log crit;\n' : '';
  await nginxSite(host, { name: 'payments', server: `${quiet}location / { proxy_pass http://127.0.0.1:8283; }`, log });
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
    title: 'Somebody answers 502: the log format does not say who, and the error log keeps no errors',
    kind: 'fault',
    fault: 'logging-not-ready',
    url: 'http://127.0.0.1/status?c=502',
    setUp: host => site(host, 'combined', true),
    healthy: well,
    traffic,
    expect: { verdict: 'inconclusive', exitCode: 3, firstConfidence: 'confirmed', status: 'active', notFindings: ['backend-down', 'app-returned-5xx'] },
  }),
  defineScenario({
    name: 'logging-not-ready-twin-one-backend',
    title: 'The format does not say who answered 502, but the error log is silent and there is one backend',
    kind: 'twin',
    fault: 'app-returned-5xx',
    twinOf: 'logging-not-ready',
    url: 'http://127.0.0.1/status?c=502',
    setUp: host => site(host, 'combined'),
    healthy: well,
    traffic,
    expect: { verdict: 'failing', status: 'active', firstConfidence: ['likely', 'confirmed'], findings: [{ fault: 'logging-not-ready', status: 'latent' }] },
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
