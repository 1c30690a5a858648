import { defineScenario } from '../scenario.ts';
import type { LabHost } from '../host.ts';
import { nginxSite, startNginx } from '../servers/nginx.ts';
import { gunicorn, wsgiApp } from '../servers/python.ts';

async function setUp(host: LabHost): Promise<void> {
  await gunicorn(host, { name: 'quiz', code: wsgiApp('quiz'), bind: '127.0.0.1:7521', workers: 2, threads: 4 });
  await nginxSite(host, { name: 'quiz', listen: '8077', server: 'location / { proxy_pass http://127.0.0.1:7521; }' });
  await startNginx(host);
}

export default [
  defineScenario({
    name: 'nginx-worker-crash',
    title: 'The workers of nginx die of memory errors again and again; the backend is well',
    kind: 'fault',
    fault: 'nginx-worker-crash',
    url: 'http://127.0.0.1:8077/',
    setUp,
    breakIt: async host => {
      await host.run(['systemd-run', '--quiet', '--unit=faulty-module', 'sh', '-c', 'while :; do pkill -SEGV -f "[n]ginx: worker"; sleep 0.4; done']);
    },
    traffic: { urls: ['http://127.0.0.1:8077/slow?s=0.5'], rps: 8 },
    symptom: async host => {
      const { counts } = await host.request({ urls: ['http://127.0.0.1:8077/slow?s=1'], count: 4 });
      if (!counts['ECONNRESET']) throw new Error(`no connection was reset: ${JSON.stringify(counts)}`);
    },
    expect: { verdict: 'failing', firstConfidence: 'confirmed', status: 'active', evidence: ['exited on signal 11'], notFindings: ['backend-crashing'] },
    repair: host => host.systemctl('stop', 'faulty-module'),
  }),
  defineScenario({
    name: 'nginx-worker-crash-twin-backend',
    title: 'The workers of the backend die of memory errors; those of nginx are well',
    kind: 'twin',
    fault: 'backend-crashing',
    twinOf: 'nginx-worker-crash',
    url: 'http://127.0.0.1:8077/die',
    setUp,
    healthy: async host => {
      await host.until('the page to be shown', async () => (await host.request({ urls: ['http://127.0.0.1:8077/'] })).counts['200'] === 1);
    },
    expect: { verdict: 'failing', status: 'active' },
  }),
];
