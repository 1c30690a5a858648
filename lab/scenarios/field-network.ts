import { defineScenario } from '../scenario.ts';
import type { Scenario } from '../scenario.ts';
import { nginxSite, reloadNginx, startNginx } from '../servers/nginx.ts';
import { nameServer } from '../servers/names.ts';
import { nodeApp, nodeHttp } from '../servers/node.ts';
import { gunicorn, wsgiApp } from '../servers/python.ts';

/** Where an honest observer can only guess, any guess may stand first. */
function withoutFirst(scenario: Scenario): Scenario {
  const { first: _first, ...expect } = scenario.expect;
  return { ...scenario, expect };
}

export default [
  defineScenario({
    name: 'field-reject-in-own-chain',
    title: 'A chain of its own rejects a range of ports, among rules for others',
    kind: 'fault',
    fault: 'firewall-reject',
    setUp: async host => {
      await gunicorn(host, { name: 'meter', code: wsgiApp(), bind: '0.0.0.0:8093' });
      await host.shell(
        'iptables -A INPUT -p tcp --dport 25 -j DROP; iptables -A INPUT -p tcp --dport 5432 -s 10.0.0.0/8 -j ACCEPT; iptables -A INPUT -p tcp --dport 5432 -j REJECT; iptables -N LOCAL-IN; iptables -A INPUT -j LOCAL-IN',
      );
      await nginxSite(host, { name: 'meter', server: 'location / { proxy_pass http://127.0.0.1:8093; }' });
      await startNginx(host);
    },
    breakIt: host =>
      host
        .run(['iptables', '-A', 'LOCAL-IN', '-p', 'tcp', '-m', 'multiport', '--dports', '8090:8095,9000', '-j', 'REJECT', '--reject-with', 'tcp-reset'])
        .then(() => {}),
    expect: {
      verdict: 'failing',
      firstConfidence: ['confirmed', 'likely'],
      status: 'active',
      minShare: 0.9,
      notFindings: ['backend-down', 'address-mismatch', 'firewall-drop', 'backend-hung'],
    },
    repair: async host => {
      await host.run(['iptables', '-F', 'LOCAL-IN']);
    },
  }),

  defineScenario({
    name: 'field-drop-in-a-set',
    title: 'An nft set of blocked ports got one more element',
    kind: 'fault',
    fault: 'firewall-drop',
    fails: 504,
    setUp: async host => {
      await nodeApp(host, { name: 'feeds', code: nodeHttp(), listen: '127.0.0.1:7002' });
      await host.shell('nft -f -', [], {
        input:
          'table inet guard {\n  set closed { type inet_service; elements = { 23, 3306 } }\n  chain inbound {\n    type filter hook input priority 0; policy accept;\n    ct state established,related accept\n    tcp dport @closed counter drop\n  }\n}\n',
      });
      await nginxSite(host, {
        name: 'feeds',
        log: 'timed',
        http: 'upstream feeds { server 127.0.0.1:7002; }',
        server: 'proxy_connect_timeout 1s;\nlocation / { proxy_pass http://feeds; }',
      });
      await startNginx(host);
    },
    breakIt: async host => {
      await host.run(['nft', 'add', 'element', 'inet', 'guard', 'closed', '{ 7002 }']);
    },
    trafficMs: 2500,
    expect: {
      verdict: 'failing',
      firstConfidence: ['confirmed', 'likely'],
      status: 'active',
      minShare: 0.9,
      notFindings: ['backend-hung', 'backend-down', 'accept-queue-overflow', 'worker-pool-exhausted'],
    },
    repair: async host => {
      await host.run(['nft', 'delete', 'element', 'inet', 'guard', 'closed', '{ 7002 }']);
    },
  }),

  defineScenario({
    name: 'field-rules-for-other-ports',
    title: 'REJECT and DROP rules are there, for other ports and addresses; the backend was stopped',
    kind: 'twin',
    fault: 'backend-down',
    twinOf: 'firewall-reject',
    setUp: async host => {
      await gunicorn(host, { name: 'rooms', code: wsgiApp(), bind: '127.0.0.1:8092' });
      await host.shell(
        'iptables -A INPUT -p tcp --dport 8080 -j REJECT; iptables -A INPUT -p udp --dport 8092 -j REJECT; iptables -A INPUT -d 203.0.113.9 -p tcp --dport 8092 -j DROP; iptables -A OUTPUT -p tcp --sport 8092 -d 192.0.2.0/24 -j DROP',
      );
      await nginxSite(host, { name: 'rooms', server: 'location / { proxy_pass http://127.0.0.1:8092; }' });
      await startNginx(host);
    },
    breakIt: host => host.systemctl('stop', 'rooms'),
    expect: { verdict: 'failing', firstConfidence: 'confirmed', status: 'active', minShare: 0.9, notFindings: ['firewall-drop'] },
    repair: host => host.start('rooms'),
  }),

  withoutFirst(
    defineScenario({
      name: 'field-other-host-refuses',
      title: 'Another host refuses the connection; from here nobody can see whether a rule or a dead program does it',
      kind: 'fault',
      fault: 'firewall-reject',
      setUp: async (host, stage) => {
        const other = await stage.another({ hostname: 'app7' });
        await host.link(other, '192.0.2.10', '192.0.2.70');
        await gunicorn(other, { name: 'core', code: wsgiApp(), bind: '192.0.2.70:8012' });
        await nginxSite(host, { name: 'core', server: 'location / { proxy_pass http://192.0.2.70:8012; }' });
        await startNginx(host);
      },
      breakIt: (_host, stage) =>
        stage
          .other()
          .run(['iptables', '-I', 'INPUT', '-p', 'tcp', '--dport', '8012', '-j', 'REJECT', '--reject-with', 'tcp-reset'])
          .then(() => {}),
      expect: {
        verdict: ['failing', 'inconclusive'],
        notChecked: [/192\.0\.2\.70/],
        check: report =>
          report.findings
            .filter(each => each.confidence === 'confirmed' && each.status === 'active')
            .map(each => `${each.fault} is called confirmed, and nobody here can know`),
      },
    }),
  ),

  defineScenario({
    name: 'field-other-host-prohibits',
    title: 'Another host answers with icmp-host-prohibited: 113, at once',
    kind: 'fault',
    fault: 'firewall-reject',
    // Linux sends one such answer a second and a host; the rest of the requests would time out.
    traffic: { rps: 1 },
    trafficMs: 2500,
    setUp: async (host, stage) => {
      const other = await stage.another({ hostname: 'app8' });
      await host.link(other, '198.51.100.10', '198.51.100.80');
      await nodeApp(other, { name: 'core', code: nodeHttp(), listen: '0.0.0.0:3400' });
      await nginxSite(host, {
        name: 'core',
        http: 'upstream core { server 198.51.100.80:3400; }',
        server: 'location / { proxy_pass http://core; proxy_connect_timeout 2s; }',
      });
      await startNginx(host);
    },
    breakIt: (_host, stage) =>
      stage
        .other()
        .run(['iptables', '-I', 'INPUT', '-p', 'tcp', '--dport', '3400', '-j', 'REJECT', '--reject-with', 'icmp-host-prohibited'])
        .then(() => {}),
    expect: { verdict: 'failing', firstConfidence: ['likely', 'possible', 'confirmed'], notFindings: ['backend-down'] },
  }),

  defineScenario({
    name: 'field-name-withdrawn',
    title: 'The name behind a variable is withdrawn from the internal DNS',
    kind: 'fault',
    fault: 'dns-name-not-found',
    setUp: async host => {
      await nameServer(host, { 'billing.svc.corp': '127.0.0.1' }, { listen: '127.0.0.9' });
      await gunicorn(host, { name: 'billing', code: wsgiApp(), bind: '127.0.0.1:8777' });
      await nginxSite(host, {
        name: 'gw',
        log: 'timed',
        http: 'resolver 127.0.0.9 valid=1s ipv6=off;\nresolver_timeout 2s;',
        server: 'location ~ ^/billing/(.*)$ { set $svc billing.svc.corp; proxy_pass http://$svc:8777/$1$is_args$args; }',
      });
      await startNginx(host);
    },
    url: 'http://127.0.0.1/billing/',
    breakIt: async host => {
      await host.write('/etc/dnsmasq.conf', 'no-resolv\nno-hosts\nport=53\nlisten-address=127.0.0.9\nbind-interfaces\nlocal=/#/\n');
      await host.restart('dnsmasq');
    },
    trafficMs: 2500,
    expect: {
      verdict: 'failing',
      firstConfidence: ['confirmed', 'likely'],
      status: 'active',
      minShare: 0.8,
      notFindings: ['resolver-missing', 'backend-down'],
    },
  }),

  defineScenario({
    name: 'field-name-only-in-hosts-file',
    title: 'The name stands in /etc/hosts, which the resolver of nginx never reads',
    kind: 'fault',
    fault: 'dns-name-not-found',
    setUp: async host => {
      await nameServer(host, { 'other.example': '127.0.0.1' }, { listen: '127.0.0.1', port: 5353, system: false });
      await host.shell('echo "127.0.0.1 legacy-app" >> /etc/hosts');
      await nodeApp(host, { name: 'legacy', code: nodeHttp(), listen: '127.0.0.1:5055' });
      await nginxSite(host, { name: 'legacy', server: 'location / { proxy_pass http://legacy-app:5055; }' });
      await startNginx(host);
    },
    breakIt: async host => {
      await nginxSite(host, {
        name: 'legacy',
        http: 'resolver 127.0.0.1:5353 ipv6=off;',
        server: 'set $target http://legacy-app:5055;\nlocation / { proxy_pass $target; }',
      });
      await reloadNginx(host);
    },
    expect: {
      verdict: 'failing',
      firstConfidence: ['confirmed', 'likely'],
      status: 'active',
      minShare: 0.9,
      notFindings: ['resolver-missing', 'backend-down'],
    },
  }),

  defineScenario({
    name: 'field-variable-without-resolver',
    title: 'A map chooses the backend by name and nobody defined a resolver; another server block has one',
    kind: 'fault',
    fault: 'resolver-missing',
    setUp: async host => {
      await nameServer(host, { 'blue.internal': '127.0.0.1' });
      await gunicorn(host, { name: 'blue', code: wsgiApp(), bind: '127.0.0.1:6101' });
      await nginxSite(host, { name: 'other', listen: '8081', server: 'resolver 127.0.0.53;\nlocation / { return 200 "x"; }' });
      await nginxSite(host, { name: 'blue', server: 'location / { proxy_pass http://blue.internal:6101; }' });
      await startNginx(host);
    },
    breakIt: async host => {
      await nginxSite(host, {
        name: 'blue',
        http: 'map $cookie_release $pool {\n  default blue.internal:6101;\n  green green.internal:6102;\n}',
        server: 'location / { proxy_pass http://$pool; }',
      });
      await reloadNginx(host);
    },
    expect: {
      verdict: 'failing',
      firstConfidence: ['confirmed', 'likely'],
      status: 'active',
      minShare: 0.9,
      notFindings: ['dns-name-not-found', 'backend-down'],
    },
  }),
];
