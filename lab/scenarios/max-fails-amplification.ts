import type { LabHost } from '../host.ts';
import { defineScenario } from '../scenario.ts';
import { waitForListener } from '../servers/listening.ts';
import { nginxSite, reloadNginx, startNginx } from '../servers/nginx.ts';
import { gunicorn, wsgiApp } from '../servers/python.ts';

async function pair(host: LabHost): Promise<void> {
  await Promise.all([7841, 7842].map(port => gunicorn(host, { name: `desk-${port}`, code: wsgiApp('desk'), bind: `127.0.0.1:${port}`, threads: 8 })));
  await nginxSite(host, {
    name: 'desk',
    http: 'upstream desk {\n    zone desk 64k;\n    server 127.0.0.1:7841 fail_timeout=90s;\n    server 127.0.0.1:7842 fail_timeout=90s;\n}',
    server: 'location / { proxy_pass http://desk; proxy_read_timeout 500ms; }',
    log: 'timed',
  });
  await startNginx(host);
}

const turnsAway = async (host: LabHost): Promise<void> => {
  if (!(await host.read('/var/log/nginx/error.log')).includes('no live upstreams')) throw new Error('nginx has a live upstream');
};
const others = { urls: ['http://127.0.0.1/', 'http://127.0.0.1/tickets'], rps: 10 };

export default [
  defineScenario({
    name: 'max-fails-amplification',
    title: 'Somebody asked for one slow page; since then nginx turns everybody away, though both servers are well',
    kind: 'fault',
    fault: 'max-fails-amplification',
    setUp: pair,
    breakIt: async host => {
      await host.request({ urls: ['http://127.0.0.1/slow?s=1'], count: 2 });
    },
    traffic: others,
    // So long that nobody seems to ask for the slow page any more.
    trafficMs: 4500,
    symptom: turnsAway,
    expect: {
      verdict: 'failing',
      firstConfidence: 'confirmed',
      status: 'active',
      minShare: 0.9,
      evidence: ['no live upstreams', '/slow'],
      consequences: ['no-live-upstreams'],
      notFindings: ['backend-down', 'backend-hung'],
    },
    fix: 'first-plan',
  }),
  defineScenario({
    name: 'max-fails-amplification-twin-stopped',
    title: 'Both servers were stopped: nginx turns everybody away, and no page is at fault',
    kind: 'twin',
    fault: 'backend-down',
    twinOf: 'max-fails-amplification',
    setUp: pair,
    breakIt: host => host.systemctl('stop', 'desk-7841', 'desk-7842'),
    traffic: others,
    symptom: turnsAway,
    expect: { verdict: 'failing', firstConfidence: 'confirmed', status: 'active' },
    repair: async host => {
      await host.start('desk-7841', 'desk-7842');
      for (const port of [7841, 7842]) await waitForListener(host, `127.0.0.1:${port}`);
      await reloadNginx(host);
    },
  }),
];
