import type { LabHost } from '../host.ts';
import { defineScenario } from '../scenario.ts';
import { nginxSite, startNginx } from '../servers/nginx.ts';
import { gunicorn, wsgiApp } from '../servers/python.ts';

/** A worker that meets an export it cannot make ends itself, by no signal. */
const code = wsgiApp('ledger').replace('if path == "/slow":', 'if path == "/export":\n        os._exit(7)\n    elif path == "/slow":');

async function ledger(host: LabHost): Promise<void> {
  await gunicorn(host, { name: 'ledger', code, bind: '127.0.0.1:8040', workers: 4, args: ['--graceful-timeout', '2'] });
  await nginxSite(host, { name: 'ledger', server: 'location / { proxy_pass http://127.0.0.1:8040; }', logs: 'own' });
  await startNginx(host);
}

const well = async (host: LabHost): Promise<void> => {
  const { counts } = await host.request({ urls: ['http://127.0.0.1/'] });
  if (!counts['200']) throw new Error(`no 200 but ${JSON.stringify(counts)}`);
};

const pages = ['http://127.0.0.1/', 'http://127.0.0.1/export?id=7', 'http://127.0.0.1/about', 'http://127.0.0.1/book'];

export default [
  defineScenario({
    name: 'request-specific-crash',
    title: 'One page makes its worker exit; all other pages are well',
    kind: 'fault',
    fault: 'request-specific-crash',
    url: 'http://127.0.0.1/export?id=7',
    setUp: ledger,
    healthy: well,
    traffic: { urls: pages, rps: 8 },
    trafficMs: 4000,
    expect: {
      verdict: 'failing',
      firstConfidence: 'likely',
      status: 'active',
      minShare: 0.9,
      evidence: ['/export'],
      notFindings: ['backend-crashing', 'backend-down', 'worker-killed-by-timeout'],
    },
  }),
  defineScenario({
    name: 'request-specific-crash-twin-stopped',
    title: 'The backend was stopped while one page was asked for more than others',
    kind: 'twin',
    fault: 'backend-down',
    twinOf: 'request-specific-crash',
    setUp: ledger,
    healthy: well,
    traffic: { urls: ['http://127.0.0.1/report', 'http://127.0.0.1/report', 'http://127.0.0.1/'], rps: 8 },
    breakIt: host => host.systemctl('stop', 'ledger'),
    expect: { verdict: 'failing', firstConfidence: 'confirmed', status: 'active' },
    repair: host => host.start('ledger'),
  }),
];
