import { defineScenario, type Stage } from '../scenario.ts';
import type { LabHost } from '../host.ts';
import { nginxSite, startNginx } from '../servers/nginx.ts';
import { nodeApp, nodeHttp } from '../servers/node.ts';

export default [
  defineScenario({
    name: 'no-route',
    title: 'The application host lost its address: nobody on the wire answers for it',
    kind: 'fault',
    fault: 'no-route',
    setUp,
    breakIt: async (host, stage) => {
      await stage.other().shell('for link in $(ls /sys/class/net); do ip addr del 192.0.2.22/24 dev "$link" 2>/dev/null || true; done');
      await host.run(['ip', 'neigh', 'flush', 'all']);
    },
    traffic: { rps: 3 },
    trafficMs: 3000,
    expect: {
      verdict: 'failing',
      firstConfidence: 'confirmed',
      status: 'active',
      evidence: ['FAILED'],
      notFindings: ['backend-down', 'firewall-drop', 'network-unreachable'],
    },
  }),
  defineScenario({
    name: 'no-route-twin-no-network',
    title: 'The interface towards the application host was taken down, and its route with it',
    kind: 'twin',
    fault: 'network-unreachable',
    twinOf: 'no-route',
    setUp,
    breakIt: async host => {
      await host.shell('for link in $(ls /sys/class/net); do [ "$link" = lo ] || ip link set "$link" down; done');
    },
    expect: { verdict: 'failing', firstConfidence: 'confirmed', status: 'active', minShare: 0.9 },
  }),
];

async function setUp(host: LabHost, stage: Stage): Promise<void> {
  const far = await stage.another({ hostname: 'app4' });
  await host.link(far, '192.0.2.21', '192.0.2.22');
  await nodeApp(far, { name: 'seats', code: nodeHttp("response.end('seats\\n');"), listen: '0.0.0.0:3908' });
  await nginxSite(host, { name: 'seats', server: 'location / { proxy_pass http://192.0.2.22:3908; proxy_connect_timeout 5s; }', log: 'timed' });
  await startNginx(host);
}
