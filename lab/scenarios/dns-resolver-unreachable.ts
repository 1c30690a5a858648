import { defineScenario } from '../scenario.ts';
import { nameServer } from '../servers/names.ts';
import { nginxSite, startNginx } from '../servers/nginx.ts';
import { nodeApp, nodeHttp } from '../servers/node.ts';

const NAME = 'quotes.svc.example';
const SITE = {
  name: 'quotes',
  server: `resolver 127.0.0.53 valid=1s ipv6=off;\nresolver_timeout 1s;\nlocation / { set $quotes ${NAME}; proxy_pass http://$quotes:4555; }`,
};

export default [
  defineScenario({
    name: 'dns-resolver-unreachable',
    title: 'The name server that nginx asks was stopped; a second one, which the system asks, knows the name',
    kind: 'fault',
    fault: 'dns-resolver-unreachable',
    setUp: async host => {
      await nameServer(host, { [NAME]: '127.0.0.1' }, { listen: '127.0.0.53', system: false });
      await host.write(
        '/etc/dnsmasq-second.conf',
        `no-resolv\nno-hosts\nport=53\nlisten-address=127.0.0.54\nbind-interfaces\nlocal=/#/\nhost-record=${NAME},127.0.0.1\n`,
      );
      await host.runService('second-names', ['dnsmasq', '--keep-in-foreground', '--conf-file=/etc/dnsmasq-second.conf', '--pid-file=/run/second.pid']);
      await host.write('/etc/resolv.conf', 'nameserver 127.0.0.54\noptions timeout:1 attempts:1\n');
      await nodeApp(host, { name: 'quotes', code: nodeHttp("response.end('quotes\\n');"), listen: '127.0.0.1:4555' });
      await nginxSite(host, { ...SITE, log: 'timed' });
      await startNginx(host);
    },
    breakIt: async host => {
      await host.systemctl('stop', 'dnsmasq');
      await host.until(
        'the remembered answer to expire',
        async () => (await host.exec(['curl', '-s', '-o', '/dev/null', '-w', '%{http_code}', 'http://127.0.0.1/'])).stdout === '502',
      );
    },
    trafficMs: 2500,
    expect: {
      verdict: 'failing',
      firstConfidence: 'confirmed',
      status: 'active',
      minShare: 0.8,
      evidence: ['127.0.0.53'],
      notFindings: ['dns-name-not-found', 'backend-down'],
    },
    fix: 'first-plan',
    repair: host => host.start('dnsmasq'),
  }),
  defineScenario({
    name: 'dns-resolver-unreachable-twin-unknown-name',
    title: 'The name server answers: there is no such name',
    kind: 'twin',
    fault: 'dns-name-not-found',
    twinOf: 'dns-resolver-unreachable',
    setUp: async host => {
      await nameServer(host, { [NAME]: '127.0.0.1' });
      await nodeApp(host, { name: 'quotes', code: nodeHttp("response.end('quotes\\n');"), listen: '127.0.0.1:4555' });
      await nginxSite(host, SITE);
      await startNginx(host);
    },
    breakIt: async host => {
      await nameServer(host, { 'other.svc.example': '127.0.0.1' });
      await host.until(
        'the remembered answer to expire',
        async () => (await host.exec(['curl', '-s', '-o', '/dev/null', '-w', '%{http_code}', 'http://127.0.0.1/'])).stdout === '502',
      );
    },
    expect: { verdict: 'failing', firstConfidence: 'confirmed', status: 'active' },
    repair: host => nameServer(host, { [NAME]: '127.0.0.1' }),
  }),
];
