import { defineScenario } from '../scenario.ts';
import { nginxSite, startNginx } from '../servers/nginx.ts';
import { gunicorn, wsgiApp } from '../servers/python.ts';
import { idleClients, logged } from './nginx-worker-connections-exhausted.ts';

export default [
  defineScenario({
    name: 'fd-limit-nginx',
    title: 'The unit gives nginx few open files; clients use them up, and no line of its configuration says so',
    kind: 'fault',
    fault: 'fd-limit-nginx',
    url: 'http://127.0.0.1:8088/',
    setUp: async host => {
      await gunicorn(host, { name: 'wiki', code: wsgiApp('wiki'), bind: 'unix:/run/wiki/wiki.sock' });
      await nginxSite(host, { name: 'wiki', listen: '8088', server: 'location / { proxy_pass http://unix:/run/wiki/wiki.sock; }', log: 'timed', logs: 'own' });
      await startNginx(host);
    },
    breakIt: async host => {
      await host.write('/etc/systemd/system/nginx.service.d/limits.conf', '[Service]\nLimitNOFILE=36\n');
      await host.systemctl('daemon-reload');
      await host.restart('nginx');
      await idleClients(host, 80, 8088);
    },
    traffic: { rps: 10, timeoutMs: 3000 },
    trafficMs: 2500,
    symptom: host => logged(host, '(24: Too many open files)', '/var/log/nginx/wiki.error.log'),
    expect: {
      verdict: 'failing',
      firstConfidence: ['confirmed', 'likely'],
      status: 'active',
      notFindings: ['worker-pool-exhausted', 'nginx-worker-connections-exhausted'],
    },
    fix: 'first-plan',
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
