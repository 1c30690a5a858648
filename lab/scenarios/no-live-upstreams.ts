import { defineScenario } from '../scenario.ts';
import type { LabHost } from '../host.ts';
import { nginxSite, reloadNginx, replaceIn, startNginx } from '../servers/nginx.ts';
import { gunicorn, wsgiApp } from '../servers/python.ts';

/** Two servers that are left out for long once they failed, and a page that needs none of them. */
async function setUp(host: LabHost): Promise<void> {
  for (const port of [7311, 7312]) await gunicorn(host, { name: `tickets-${port}`, code: wsgiApp('tickets'), bind: `127.0.0.1:${port}`, workers: 1 });
  // A group that nobody uses, whose servers are not there.
  await host.write('/etc/nginx/conf.d/old.conf', 'upstream tickets_old { server 127.0.0.1:7390; server 127.0.0.1:7391; }\n');
  await nginxSite(host, {
    name: 'tickets',
    http: 'upstream tickets {\n    server 127.0.0.1:7311 fail_timeout=120s;\n    server 127.0.0.1:7312 fail_timeout=120s;\n}',
    server: 'location = /alive { return 204; }\nlocation / { proxy_pass http://tickets; }',
  });
  await startNginx(host);
}

const twoPeers = async (host: LabHost): Promise<void> => {
  await Promise.all(
    [8771, 8772].map(port => gunicorn(host, { name: `match${port}`, code: wsgiApp('match'), bind: `127.0.0.1:${port}`, workers: 2, threads: 8 })),
  );
  await nginxSite(host, {
    name: 'match',
    http: 'upstream match { server 127.0.0.1:8771 fail_timeout=3s; server 127.0.0.1:8772 fail_timeout=3s; }',
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
    title: 'Both servers were restarted at once; they answer again, and nginx leaves them out for two minutes',
    kind: 'fault',
    fault: 'no-live-upstreams',
    setUp,
    breakIt: async host => {
      for (const port of [7311, 7312]) await host.systemctl('stop', `tickets-${port}`);
      await host.request({ urls: ['http://127.0.0.1/'], count: 3 });
      for (const port of [7311, 7312]) await host.start(`tickets-${port}`);
      await host.until('both to answer', async () => {
        const { counts } = await host.request({ urls: ['http://127.0.0.1:7311/', 'http://127.0.0.1:7312/'], count: 2 });
        return counts['200'] === 2;
      });
    },
    expect: {
      verdict: 'failing',
      exitCode: 1,
      firstConfidence: 'confirmed',
      status: 'active',
      minShare: 0.5,
      evidence: ['no live upstreams', 'status 200'],
      notFindings: ['backend-down'],
    },
    fix: 'first-plan',
  }),
  defineScenario({
    name: 'no-live-upstreams-slow-page',
    title: 'One slow page marks both servers as failed, and pages that work are refused too',
    kind: 'fault',
    // The root; that no server is left is its consequence, here as nearly always.
    fault: 'backend-slower-than-timeout',
    setUp: twoPeers,
    traffic: { urls: ['http://127.0.0.1/', 'http://127.0.0.1/slow?s=3', 'http://127.0.0.1/'], rps: 9 },
    trafficMs: 3000,
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
  defineScenario({
    name: 'no-live-upstreams-twin-written-down',
    title: 'The file that was loaded takes both servers out of service',
    kind: 'twin',
    fault: 'upstream-all-down',
    twinOf: 'no-live-upstreams',
    setUp: twoPeers,
    breakIt: async host => {
      for (const port of [8771, 8772]) await replaceIn(host, '/etc/nginx/sites-enabled/match.conf', `127.0.0.1:${port} `, `127.0.0.1:${port} down `);
      await reloadNginx(host);
    },
    symptom: hasNoLivePeers,
    traffic: { urls: ['http://127.0.0.1/'], rps: 8 },
    expect: { verdict: 'failing', firstConfidence: 'confirmed', status: 'active', minShare: 0.9 },
    fix: 'first-plan',
  }),
];
