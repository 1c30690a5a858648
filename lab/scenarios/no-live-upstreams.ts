import type { LabHost } from '../host.ts';
import { defineScenario } from '../scenario.ts';
import { nginxSite, startNginx } from '../servers/nginx.ts';
import { gunicorn, wsgiApp } from '../servers/python.ts';

const twoPeers = async (host: LabHost): Promise<void> => {
  for (const port of [8771, 8772]) await gunicorn(host, { name: `match${port}`, code: wsgiApp('match'), bind: `127.0.0.1:${port}`, workers: 2, threads: 8 });
  await nginxSite(host, {
    name: 'match',
    http: 'upstream match { server 127.0.0.1:8771; server 127.0.0.1:8772; }',
    server: 'location / { proxy_pass http://match; proxy_read_timeout 1s; }',
    log: 'timed',
  });
  await startNginx(host);
};

const hasNoLivePeers = async (host: LabHost): Promise<void> => {
  if (!(await host.read('/var/log/nginx/error.log')).includes('no live upstreams')) throw new Error('nginx has a live upstream');
};

export default [
  defineScenario({
    name: 'no-live-upstreams',
    title: 'One slow page marks both servers as failed, and pages that work are refused too',
    kind: 'fault',
    // The root; that no server is left is its consequence, here as nearly always.
    fault: 'backend-slower-than-timeout',
    setUp: twoPeers,
    traffic: { urls: ['http://127.0.0.1/', 'http://127.0.0.1/slow?s=3', 'http://127.0.0.1/'], rps: 9 },
    trafficMs: 5000,
    symptom: hasNoLivePeers,
    expect: {
      verdict: 'failing',
      status: 'active',
      consequences: ['no-live-upstreams'],
      notFindings: ['backend-down', 'backend-hung'],
    },
  }),
  defineScenario({
    name: 'no-live-upstreams-twin-all-stopped',
    title: 'Both servers of the upstream were stopped',
    kind: 'twin',
    fault: 'backend-down',
    twinOf: 'backend-slower-than-timeout',
    setUp: twoPeers,
    breakIt: host => host.systemctl('stop', 'match8771', 'match8772'),
    symptom: hasNoLivePeers,
    expect: { verdict: 'failing', status: 'active', consequences: ['no-live-upstreams'] },
    repair: host => host.start('match8771', 'match8772'),
  }),
];
