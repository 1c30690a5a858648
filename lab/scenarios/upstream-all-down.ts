import { defineScenario } from '../scenario.ts';
import type { LabHost } from '../host.ts';
import { nginxSite, reloadNginx, replaceIn, startNginx } from '../servers/nginx.ts';
import { nodeApp, nodeHttp } from '../servers/node.ts';

const SITE = '/etc/nginx/sites-enabled/tours.conf';

async function setUp(host: LabHost): Promise<void> {
  for (const port of [9411, 9412]) await nodeApp(host, { name: `tours${port}`, code: nodeHttp(), listen: `127.0.0.1:${port}` });
  await nginxSite(host, {
    name: 'tours',
    http: 'upstream parked { server 127.0.0.1:9499 down; }\nupstream tours {\n    server 127.0.0.1:9411 max_fails=3 fail_timeout=3s;\n    server 127.0.0.1:9412 down; # being repaired\n}',
    server: 'location / { proxy_pass http://tours; }',
    log: 'timed',
  });
  await startNginx(host);
}

export default [
  defineScenario({
    name: 'upstream-all-down',
    title: 'The last server of the group was marked down in the file, and the file was loaded',
    kind: 'fault',
    fault: 'upstream-all-down',
    setUp,
    breakIt: async host => {
      await replaceIn(host, SITE, 'max_fails=3 ', 'max_fails=3 down ');
      await reloadNginx(host);
    },
    expect: {
      verdict: 'failing',
      firstConfidence: 'confirmed',
      status: 'active',
      minShare: 0.9,
      evidence: ['max_fails=3 down'],
      notFindings: ['backend-down'],
    },
    fix: 'first-plan',
  }),
  defineScenario({
    name: 'upstream-all-down-twin-stopped',
    title: 'One server is marked down, and the other one was stopped',
    kind: 'twin',
    fault: 'backend-down',
    twinOf: 'upstream-all-down',
    setUp,
    breakIt: host => host.systemctl('stop', 'tours9411'),
    expect: { verdict: 'failing', status: 'active', minShare: 0.9 },
    repair: host => host.start('tours9411'),
  }),
];
