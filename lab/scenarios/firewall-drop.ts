import { defineScenario } from '../scenario.ts';
import { nginxSite, startNginx } from '../servers/nginx.ts';
import { gunicorn, wsgiApp } from '../servers/python.ts';
import { rawTcp } from '../servers/raw-tcp.ts';

const RULE = ['INPUT', '-p', 'tcp', '--dport', '8230', '-j', 'DROP'];

export default [
  defineScenario({
    name: 'firewall-drop',
    title: 'An iptables rule drops what is sent to the port of the backend',
    kind: 'fault',
    fault: 'firewall-drop',
    fails: 504,
    setUp: async host => {
      await gunicorn(host, { name: 'weather', code: wsgiApp('weather'), bind: '127.0.0.1:8230' });
      await nginxSite(host, { name: 'weather', server: 'location / { proxy_pass http://127.0.0.1:8230; proxy_connect_timeout 1s; }', log: 'timed' });
      await startNginx(host);
    },
    breakIt: async host => {
      await host.run(['iptables', '-I', ...RULE]);
    },
    trafficMs: 2000,
    expect: { verdict: 'failing', firstConfidence: 'confirmed', status: 'active', evidence: ['8230'], notFindings: ['backend-hung', 'backend-down'] },
    repair: async host => {
      await host.run(['iptables', '-D', ...RULE]);
    },
  }),
  defineScenario({
    name: 'firewall-drop-other-host',
    title: 'The firewall of the application host drops what comes from the web server',
    kind: 'fault',
    fault: 'firewall-drop',
    fails: 504,
    setUp: async (host, stage) => {
      const far = await stage.another({ hostname: 'app1' });
      await host.link(far, '192.0.2.11', '192.0.2.12');
      await gunicorn(far, { name: 'weather', code: wsgiApp('weather'), bind: '192.0.2.12:8230' });
      await nginxSite(host, { name: 'weather', server: 'location / { proxy_pass http://192.0.2.12:8230; proxy_connect_timeout 1s; }', log: 'timed' });
      await startNginx(host);
    },
    breakIt: async (_, stage) => {
      await stage.other().run(['iptables', '-I', ...RULE]);
    },
    trafficMs: 2000,
    // Seen from here alone, packets vanish: where they do cannot be proven.
    expect: { verdict: 'failing', firstConfidence: ['likely', 'possible'], status: 'active', notFindings: ['backend-down', 'backend-hung'] },
    repair: async (_, stage) => {
      await stage.other().run(['iptables', '-D', ...RULE]);
    },
  }),
  defineScenario({
    name: 'firewall-drop-twin-silent-backend',
    title: 'The backend takes every connection and never answers; the firewall drops other ports',
    kind: 'twin',
    fault: 'backend-hung',
    twinOf: 'firewall-drop',
    fails: 504,
    setUp: async host => {
      await host.run(['iptables', '-A', 'INPUT', '-p', 'tcp', '--dport', '8231', '-j', 'DROP']);
      await gunicorn(host, { name: 'weather', code: wsgiApp('weather'), bind: '127.0.0.1:8230' });
      await nginxSite(host, { name: 'weather', server: 'location / { proxy_pass http://127.0.0.1:8230; proxy_read_timeout 1s; }' });
      await startNginx(host);
    },
    breakIt: async host => {
      await host.systemctl('stop', 'weather');
      await rawTcp(host, { name: 'weather', listen: '127.0.0.1:8230', behaviour: 'hang' });
    },
    trafficMs: 2000,
    expect: { verdict: 'failing', status: 'active' },
  }),
  defineScenario({
    name: 'firewall-drop-policy',
    title: 'The policy of the output chain became drop, and the exceptions forgot one port',
    kind: 'fault',
    fault: 'firewall-drop',
    fails: 504,
    setUp: async host => {
      await gunicorn(host, { name: 'seeds', code: wsgiApp('seeds'), bind: '127.0.0.1:9417' });
      await nginxSite(host, {
        name: 'seeds',
        http: 'upstream seeds { server 127.0.0.1:9417; }',
        server: 'location / { proxy_pass http://seeds; proxy_connect_timeout 1s; }',
        logs: 'own',
      });
      await startNginx(host);
    },
    breakIt: async host => {
      const rules =
        'table ip out { chain output { type filter hook output priority 0; policy drop; ct state established,related accept; tcp dport { 22, 80, 443, 5432 } accept; udp dport 53 accept; }; }';
      await host.run(['nft', '-f', '-'], { input: rules });
    },
    trafficMs: 2000,
    expect: {
      verdict: 'failing',
      firstConfidence: 'confirmed',
      status: 'active',
      minShare: 0.9,
      evidence: ['policy drop'],
      notFindings: ['backend-hung', 'backend-down'],
    },
    repair: async host => {
      await host.run(['nft', 'delete', 'table', 'ip', 'out']);
    },
  }),
];
