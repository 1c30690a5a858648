import { defineScenario } from '../scenario.ts';
import { nginxSite, startNginx } from '../servers/nginx.ts';
import { nodeApp, nodeHttp } from '../servers/node.ts';
import { gunicorn, wsgiApp } from '../servers/python.ts';

export default [
  defineScenario({
    name: 'firewall-reject',
    title: 'A new iptables rule refuses connections to the port of the backend',
    kind: 'fault',
    fault: 'firewall-reject',
    setUp: async host => {
      await gunicorn(host, { name: 'search', code: wsgiApp('search'), bind: '127.0.0.1:8023' });
      await nginxSite(host, {
        name: 'search',
        http: 'upstream search { server 127.0.0.1:8023; }',
        server: 'location / { proxy_pass http://search; }',
        log: 'timed',
      });
      await startNginx(host);
    },
    breakIt: async host => {
      await host.run(['iptables', '-A', 'INPUT', '-p', 'tcp', '--dport', '8023', '-j', 'REJECT']);
    },
    expect: { verdict: 'failing', firstConfidence: 'confirmed', status: 'active', minShare: 0.9, notFindings: ['backend-down', 'address-mismatch'] },
    repair: async host => {
      await host.run(['iptables', '-D', 'INPUT', '-p', 'tcp', '--dport', '8023', '-j', 'REJECT']);
    },
  }),
  defineScenario({
    name: 'firewall-reject-nft',
    title: 'An nftables chain rejects a range of ports with "host prohibited"',
    kind: 'fault',
    fault: 'firewall-reject',
    setUp: async host => {
      await nodeApp(host, { name: 'feed', code: nodeHttp("response.end('feed\\n');"), listen: '127.0.0.1:4102' });
      await nginxSite(host, { name: 'feed', server: 'location / { proxy_pass http://127.0.0.1:4102; }' });
      await startNginx(host);
    },
    breakIt: async host => {
      const rules = 'table inet guard { chain in { type filter hook input priority 0; tcp dport 4100-4199 reject with icmpx host-unreachable; }; }';
      await host.run(['nft', '-f', '-'], { input: rules });
    },
    expect: { verdict: 'failing', firstConfidence: 'confirmed', status: 'active', evidence: ['4100-4199'], notFindings: ['backend-down'] },
    repair: async host => {
      await host.run(['nft', 'delete', 'table', 'inet', 'guard']);
    },
  }),
  defineScenario({
    name: 'firewall-reject-twin-stopped',
    title: 'The backend was stopped on a host whose firewall rejects other ports',
    kind: 'twin',
    fault: 'backend-down',
    twinOf: 'firewall-reject',
    setUp: async host => {
      await host.shell('for port in 23 8022 8230; do iptables -A INPUT -p tcp --dport "$port" -j REJECT; done');
      await gunicorn(host, { name: 'search', code: wsgiApp('search'), bind: '127.0.0.1:8023' });
      await nginxSite(host, { name: 'search', server: 'location / { proxy_pass http://127.0.0.1:8023; }' });
      await startNginx(host);
    },
    breakIt: host => host.systemctl('stop', 'search'),
    expect: { verdict: 'failing', firstConfidence: 'confirmed', status: 'active' },
    fix: 'first-plan',
    repair: host => host.start('search'),
  }),
  defineScenario({
    name: 'firewall-reject-workers-only',
    title: "A rule refuses what nginx's own user sends; whoever tests it as root gets an answer",
    kind: 'fault',
    fault: 'firewall-reject',
    setUp: async host => {
      await gunicorn(host, { name: 'ranking', code: wsgiApp('ranking'), bind: '[::1]:8455' });
      await nginxSite(host, {
        name: 'ranking',
        http: 'upstream ranking { server [::1]:8455; }',
        server: 'location / { proxy_pass http://ranking; }',
        logs: 'own',
      });
      await startNginx(host);
      await host.run(['ip6tables', '-A', 'OUTPUT', '-p', 'tcp', '--dport', '25', '-j', 'REJECT']);
    },
    breakIt: async host => {
      await host.run([
        'ip6tables',
        '-A',
        'OUTPUT',
        '-o',
        'lo',
        '-p',
        'tcp',
        '--dport',
        '8455',
        '-m',
        'owner',
        '--uid-owner',
        'www-data',
        '-j',
        'REJECT',
        '--reject-with',
        'tcp-reset',
      ]);
    },
    expect: {
      verdict: 'failing',
      firstConfidence: 'confirmed',
      status: 'active',
      minShare: 0.9,
      evidence: ['--uid-owner', '8455'],
      notFindings: ['backend-down', 'address-mismatch'],
    },
    repair: async host => {
      await host.run(['ip6tables', '-F', 'OUTPUT']);
    },
  }),
];
