import { defineScenario } from '../scenario.ts';
import type { LabHost } from '../host.ts';
import { nginxSite, startNginx } from '../servers/nginx.ts';
import { gunicorn, wsgiApp } from '../servers/python.ts';

export default [
  defineScenario({
    name: 'restart-window',
    title: 'A deployment restarts gunicorn, which needs a second until it listens',
    kind: 'fault',
    fault: 'restart-window',
    setUp,
    breakIt: deploy,
    symptom: refused,
    trafficMs: 4000,
    expect: { verdict: 'recovered', status: 'past', firstConfidence: 'confirmed', minShare: 0.9, notFindings: ['backend-down', 'backend-crash-loop'] },
  }),
  defineScenario({
    name: 'restart-window-beside-a-rule-that-counts',
    title: 'A rule that resets what comes over three connections at once met some of them yesterday; today a deployment leaves a gap',
    kind: 'fault',
    fault: 'restart-window',
    setUp: async host => {
      await setUp(host);
      await host.shell('iptables -A INPUT -p tcp --syn --dport 8460 -m connlimit --connlimit-above 3 -j REJECT --reject-with tcp-reset');
      await host.run(['bash', '-c', 'for each in 1 2 3 4 5 6; do (exec 3<>/dev/tcp/127.0.0.1/8460; sleep 0.3) 2>/dev/null & done; wait; true']);
      const rule = await host.run(['iptables', '-nvxL', 'INPUT']);
      if (!/\n\s*[1-9]\d*\s.*tcp-reset/.test(rule)) throw new Error(`the rule met nothing:\n${rule}`);
    },
    breakIt: deploy,
    symptom: refused,
    trafficMs: 4500,
    expect: { verdict: 'recovered', status: 'past', firstConfidence: 'confirmed', minShare: 0.9, notFindings: ['firewall-reject', 'backend-down'] },
  }),
  defineScenario({
    name: 'restart-window-twin-stopped-later',
    title: 'The same deployment went well some moments ago; now the service is stopped',
    kind: 'twin',
    fault: 'backend-down',
    twinOf: 'restart-window',
    setUp,
    breakIt: async host => {
      await deploy(host);
      await host.systemctl('stop', 'menu');
    },
    expect: { verdict: 'failing', status: 'active', firstConfidence: 'confirmed' },
    fix: 'first-plan',
  }),
];

async function setUp(host: LabHost): Promise<void> {
  await gunicorn(host, {
    name: 'menu',
    code: wsgiApp('menu'),
    bind: '127.0.0.1:8460',
    args: ['--graceful-timeout', '2'],
    service: { ExecStartPre: '/bin/sleep 0.6' },
  });
  await nginxSite(host, { name: 'menu', server: 'location / { proxy_pass http://127.0.0.1:8460; }', log: 'timed' });
  await startNginx(host);
}

async function refused(host: LabHost): Promise<void> {
  const log = await host.read('/var/log/nginx/error.log');
  if (!log.includes('(111: Connection refused)')) throw new Error('no request was refused');
}

async function deploy(host: LabHost): Promise<void> {
  const traffic = host.traffic({ urls: ['http://127.0.0.1/'], rps: 8, seconds: 20 });
  await host.restart('menu');
  await host.until('the new process to answer', async () => (await host.exec(['curl', '-sf', 'http://127.0.0.1:8460/'])).code === 0);
  await traffic.stop();
}
