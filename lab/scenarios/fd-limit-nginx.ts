import type { Report } from '../../src/core/model/report.ts';
import type { LabHost } from '../host.ts';
import { defineScenario } from '../scenario.ts';
import type { Scenario } from '../scenario.ts';
import { nginxSite, startNginx } from '../servers/nginx.ts';
import { gunicorn, wsgiApp } from '../servers/python.ts';
import { idleClients, logged } from './nginx-worker-connections-exhausted.ts';

/** A site of its own port whose unit of nginx gives so many files; who is served slowly is sent away when nginx ends. */
const limited = (port: number, limit: string): Pick<Scenario, 'url' | 'setUp' | 'breakIt' | 'traffic' | 'trafficMs' | 'symptom'> => ({
  url: `http://127.0.0.1:${port}/`,
  setUp: async host => {
    await gunicorn(host, { name: 'wiki', code: wsgiApp('wiki'), bind: 'unix:/run/wiki/wiki.sock' });
    const server = 'location / { proxy_pass http://unix:/run/wiki/wiki.sock; }';
    await nginxSite(host, { name: 'wiki', listen: String(port), server, log: 'timed', logs: 'own' });
    await startNginx(host);
  },
  breakIt: async host => {
    await host.write('/etc/systemd/system/nginx.service.d/limits.conf', `[Service]\nLimitNOFILE=${limit}\nExecStop=\nExecStop=/usr/sbin/nginx -s stop\n`);
    await host.systemctl('daemon-reload');
    await host.restart('nginx');
    await idleClients(host, 80, port);
  },
  traffic: { rps: 10, timeoutMs: 3000 },
  trafficMs: 2500,
  symptom: host => logged(host, '(24: Too many open files)', '/var/log/nginx/wiki.error.log'),
});

/** What the workers may open once the plan is carried out. */
async function expectFiles(host: LabHost, least: number): Promise<void> {
  await host.until(`workers of nginx that may open ${least} files`, async () => {
    const limits = await host.shell('for p in $(pgrep -f "nginx: worker process$"); do grep "open files" "/proc/$p/limits"; done');
    const soft = [...limits.matchAll(/open files +(\d+)/g)].map(match => Number(match[1]));
    return soft.length > 0 && soft.every(count => count >= least);
  });
}

export default [
  defineScenario({
    ...limited(8088, '36'),
    name: 'fd-limit-nginx',
    title: 'The unit gives nginx few open files, and it may not raise that itself: it has to be started anew',
    kind: 'fault',
    fault: 'fd-limit-nginx',
    expect: {
      verdict: 'failing',
      firstConfidence: ['confirmed', 'likely'],
      status: 'active',
      notFindings: ['worker-pool-exhausted', 'nginx-worker-connections-exhausted'],
      check: report => (commandsOf(report).includes('systemctl restart nginx.service') ? [] : ['the plan starts nginx anew']),
    },
    fix: 'first-plan',
    afterFix: host => expectFiles(host, 4096),
  }),
  defineScenario({
    ...limited(8188, '40:20000'),
    name: 'fd-limit-nginx-soft',
    title: 'The unit gives nginx few open files at first and lets it raise them: a reload is enough',
    kind: 'fault',
    fault: 'fd-limit-nginx',
    expect: {
      verdict: 'failing',
      firstConfidence: ['confirmed', 'likely'],
      status: 'active',
      check: report => (/^systemctl reload nginx\.service,kill -s QUIT [\d ]+$/.test(commandsOf(report).join()) ? [] : ['the plan reloads nginx, and no more']),
    },
    fix: 'first-plan',
    afterFix: host => expectFiles(host, 4096),
  }),
  defineScenario({
    name: 'fd-limit-nginx-twin-connections',
    title: 'The same clients, and it is the connections that run out',
    kind: 'twin',
    fault: 'nginx-worker-connections-exhausted',
    twinOf: 'fd-limit-nginx',
    setUp: async host => {
      await gunicorn(host, { name: 'wiki', code: wsgiApp('wiki'), bind: '127.0.0.1:8556' });
      await nginxSite(host, { name: 'wiki', server: 'location / { proxy_pass http://127.0.0.1:8556; }' });
      await host.shell('sed -i "s/worker_connections .*/worker_connections 30;/; s/^worker_processes .*/worker_processes 1;/" /etc/nginx/nginx.conf');
      await startNginx(host);
    },
    breakIt: host => idleClients(host, 50),
    traffic: { rps: 10, timeoutMs: 3000 },
    trafficMs: 2500,
    symptom: host => logged(host, 'worker_connections are not enough'),
    expect: { verdict: 'failing', status: 'active' },
  }),
];

function commandsOf(report: Report): readonly string[] {
  return (report.findings[0]?.fixes[0]?.steps ?? []).flatMap(step => (step.kind === 'command' ? [step.argv.join(' ')] : []));
}
