import type { LabHost } from '../host.ts';
import { defineScenario } from '../scenario.ts';
import { nginxSite, startNginx } from '../servers/nginx.ts';
import { nodeApp, nodeHttp } from '../servers/node.ts';
import { gunicorn, wsgiApp } from '../servers/python.ts';
import { logged } from './nginx-worker-connections-exhausted.ts';

// A closed port is not given out again before its minute is over, as towards another host.
const fewPorts = async (host: LabHost, range: string): Promise<void> => {
  await host.run(['sysctl', '-qw', `net.ipv4.ip_local_port_range=${range}`, 'net.ipv4.tcp_tw_reuse=0']);
};
const noAddress = '(99: Cannot assign requested address)';

export default [
  defineScenario({
    name: 'ephemeral-ports-exhausted',
    title: 'HTTP/1.1 towards the backend without a keepalive: nginx closes each connection, and 24 ports are soon in TIME-WAIT',
    kind: 'fault',
    fault: 'ephemeral-ports-exhausted',
    setUp: async host => {
      await nodeApp(host, { name: 'tickets', code: nodeHttp("response.end('tickets\\n');"), listen: '127.0.0.1:3412' });
      await nodeApp(host, { name: 'intranet', code: nodeHttp("response.end('intranet\\n');"), listen: '127.0.0.1:3413' });
      await nginxSite(host, {
        name: 'tickets',
        http: 'upstream tickets { server 127.0.0.1:3412; }',
        // nginx closes towards the clients, which therefore keep no port of this host.
        server:
          'keepalive_timeout 0;\nlocation / { proxy_pass http://tickets; proxy_http_version 1.1; proxy_set_header Connection ""; }\nlocation /intranet { proxy_pass http://127.0.0.1:3413; }',
        log: 'timed',
      });
      await startNginx(host);
    },
    breakIt: host => fewPorts(host, '41000 41023'),
    traffic: { rps: 12 },
    trafficMs: 4000,
    symptom: host => logged(host, noAddress),
    expect: {
      verdict: 'failing',
      firstConfidence: 'confirmed',
      status: 'active',
      evidence: ['41000 41023', 'TIME-WAIT'],
      notFindings: ['backend-down', 'worker-pool-exhausted'],
    },
    fix: 'first-plan',
  }),
  defineScenario({
    name: 'ephemeral-ports-exhausted-many-at-once',
    title: 'Long polls hold every local port; none is in TIME-WAIT',
    kind: 'fault',
    fault: 'ephemeral-ports-exhausted',
    setUp: async host => {
      const wait = "setTimeout(() => response.end('chat\\n'), request.url.startsWith('/poll') ? 20000 : 2);";
      await nodeApp(host, { name: 'chat', code: nodeHttp(wait), listen: '[::1]:6120' });
      await nginxSite(host, { name: 'chat', listen: '8085', server: 'keepalive_timeout 0;\nlocation / { proxy_pass http://[::1]:6120; }', logs: 'own' });
      await startNginx(host);
    },
    url: 'http://127.0.0.1:8085/',
    breakIt: async host => {
      await fewPorts(host, '52000 52039');
      // The clients' own ports lie outside of the range.
      const polls = 'for n in $(seq 60); do curl -s --local-port 20001-20400 "http://127.0.0.1:8085/poll?n=$n" -o /dev/null & done; wait';
      await host.runService('visitors', ['bash', '-c', polls]);
    },
    trafficMs: 2500,
    symptom: host => logged(host, noAddress, '/var/log/nginx/chat.error.log'),
    expect: { verdict: 'failing', status: 'active', firstConfidence: ['confirmed', 'likely'], notFindings: ['backend-down'] },
  }),
  defineScenario({
    name: 'ephemeral-ports-exhausted-twin-down',
    title: 'Few local ports as well, with connections in TIME-WAIT, and the backend was stopped',
    kind: 'twin',
    fault: 'backend-down',
    twinOf: 'ephemeral-ports-exhausted',
    setUp: async host => {
      await gunicorn(host, { name: 'tickets', code: wsgiApp('tickets'), bind: '127.0.0.1:3414' });
      await nginxSite(host, { name: 'tickets', server: 'keepalive_timeout 0;\nlocation / { proxy_pass http://127.0.0.1:3414; }' });
      await startNginx(host);
      await fewPorts(host, '45000 45199');
    },
    breakIt: async host => {
      await host.shell('for n in $(seq 40); do curl -s http://127.0.0.1/ -o /dev/null; done');
      await host.systemctl('stop', 'tickets');
    },
    expect: { verdict: 'failing', status: 'active' },
    repair: host => host.start('tickets'),
  }),
];
