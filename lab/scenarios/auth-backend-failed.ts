import { defineScenario } from '../scenario.ts';
import type { LabHost } from '../host.ts';
import { nginxSite, startNginx } from '../servers/nginx.ts';
import { nodeApp, nodeHttp } from '../servers/node.ts';

/** Two services, and a page that is shown to those whom the other one knows. */
async function setUp(host: LabHost, log: 'combined' | 'timed' = 'combined'): Promise<void> {
  const page = "const { existsSync } = require('node:fs'); response.statusCode = existsSync('/srv/pages/broken') ? 500 : 200; response.end('page');";
  await nodeApp(host, { name: 'pages', code: nodeHttp(page), listen: '127.0.0.1:5810' });
  const guard = "const { existsSync } = require('node:fs'); response.statusCode = existsSync('/srv/guard/broken') ? 503 : 204; response.end();";
  await nodeApp(host, { name: 'guard', code: nodeHttp(guard), listen: '127.0.0.1:5811' });
  await nginxSite(host, {
    name: 'members',
    log,
    server:
      'location / { auth_request /_may; proxy_pass http://127.0.0.1:5810; }\nlocation = /_may { internal; proxy_pass http://127.0.0.1:5811/check; proxy_pass_request_body off; proxy_set_header Content-Length ""; }',
  });
  await startNginx(host);
}

export default [
  defineScenario({
    name: 'auth-backend-failed',
    title: 'The service that is asked for permission answers 503, and every page becomes a 500',
    kind: 'fault',
    fault: 'auth-backend-failed',
    fails: 500,
    setUp: host => setUp(host),
    breakIt: host => host.write('/srv/guard/broken', ''),
    expect: {
      verdict: 'failing',
      firstConfidence: ['confirmed', 'likely'],
      status: 'active',
      minShare: 0.9,
      evidence: ['auth request unexpected status: 503'],
    },
    repair: async host => {
      await host.run(['rm', '-f', '/srv/guard/broken']);
    },
  }),
  defineScenario({
    name: 'auth-backend-failed-twin-stopped',
    title: 'The service that is asked for permission was stopped: that is the root',
    kind: 'twin',
    fault: 'backend-down',
    twinOf: 'app-returned-5xx',
    fails: 500,
    setUp: host => setUp(host),
    breakIt: host => host.systemctl('stop', 'guard'),
    expect: { verdict: 'failing', status: 'active', minShare: 0.9, consequences: ['auth-backend-failed'] },
    repair: host => host.start('guard'),
  }),
  defineScenario({
    name: 'auth-backend-failed-twin-page',
    title: 'Permission is given, and the page itself answers 500',
    kind: 'twin',
    fault: 'app-returned-5xx',
    twinOf: 'auth-backend-failed',
    fails: 500,
    setUp: async host => {
      await setUp(host, 'timed');
    },
    breakIt: host => host.write('/srv/pages/broken', ''),
    expect: { verdict: 'failing', firstConfidence: 'confirmed', status: 'active', minShare: 0.9, subject: { id: 'unit:pages.service' } },
    repair: async host => {
      await host.run(['rm', '-f', '/srv/pages/broken']);
    },
  }),
];
