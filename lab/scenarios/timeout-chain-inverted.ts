import type { LabHost } from '../host.ts';
import { defineScenario } from '../scenario.ts';
import { nginxSite, startNginx } from '../servers/nginx.ts';
import { gunicorn, wsgiApp } from '../servers/python.ts';

async function reports(host: LabHost, waitSeconds: number, workers = 2): Promise<void> {
  await gunicorn(host, { name: 'reports', code: wsgiApp('reports'), bind: '127.0.0.1:8460', workers, timeoutSeconds: 90 });
  await nginxSite(host, { name: 'reports', server: `location / { proxy_pass http://127.0.0.1:8460; proxy_read_timeout ${waitSeconds}s; }`, log: 'timed' });
  await startNginx(host);
}

const well = async (host: LabHost): Promise<void> => {
  const { counts } = await host.request({ urls: ['http://127.0.0.1/'] });
  if (!counts['200']) throw new Error(`no 200 but ${JSON.stringify(counts)}`);
};

export default [
  defineScenario({
    name: 'timeout-chain-inverted',
    title: 'nginx waits 20 seconds, gunicorn lets requests run for 90; nothing fails yet',
    kind: 'fault',
    fault: 'timeout-chain-inverted',
    setUp: host => reports(host, 20),
    symptom: well,
    expect: {
      verdict: 'healthy',
      exitCode: 0,
      firstConfidence: 'confirmed',
      status: 'latent',
      evidence: ['proxy_read_timeout 20s', '90'],
      noneActive: true,
    },
  }),
  defineScenario({
    name: 'timeout-chain-inverted-twin-slow',
    title: 'The same limits, and one page is slower than nginx waits',
    kind: 'twin',
    fault: 'backend-slower-than-timeout',
    twinOf: 'timeout-chain-inverted',
    fails: 504,
    url: 'http://127.0.0.1/slow?s=2',
    setUp: host => reports(host, 1, 12),
    healthy: well,
    traffic: { urls: ['http://127.0.0.1/', 'http://127.0.0.1/slow?s=2'], rps: 3 },
    trafficMs: 3000,
    expect: { verdict: 'failing', status: 'active', findings: [{ fault: 'timeout-chain-inverted', status: 'latent' }] },
  }),
];
