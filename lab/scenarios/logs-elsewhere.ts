import { defineScenario } from '../scenario.ts';
import type { LabHost } from '../host.ts';
import { nginxSite, startNginx } from '../servers/nginx.ts';
import { nodeApp, nodeHttp } from '../servers/node.ts';
import { gunicorn, wsgiApp } from '../servers/python.ts';

const URL = 'http://127.0.0.1/api/orders/4';

export default [
  defineScenario({
    name: 'logs-elsewhere',
    title: 'A log for each host name, errors of one location in a file of its own, and the backend of that location was stopped',
    kind: 'fault',
    fault: 'backend-down',
    url: URL,
    setUp,
    breakIt: host => host.systemctl('stop', 'tickets'),
    traffic: { urls: [URL, 'http://127.0.0.1/'], rps: 12, headers: { host: 'tickets.example' } },
    expect: {
      verdict: 'failing',
      firstConfidence: 'confirmed',
      status: 'active',
      minShare: 0.9,
      evidence: [/file:\/srv\/logs\/api-errors\.log/],
      since: [/ after tickets\.service stopped/],
      where: /^only (?:GET )?(?:\/api\/orders\/\{n\}|below \/api\/)/,
    },
    fix: 'first-plan',
  }),
  defineScenario({
    name: 'logs-elsewhere-deleted',
    title: 'Both logs were deleted to free space and nginx goes on writing to them; the login page sets cookies of nine kilobytes',
    kind: 'fault',
    fault: 'response-header-too-big',
    url: 'http://127.0.0.1/login',
    setUp: async host => {
      const code = nodeHttp(
        "if (request.url === '/login' && require('node:fs').existsSync('/srv/long')) response.setHeader('Set-Cookie', 'a='.padEnd(9000, 'x')); response.end('shop\\n');",
      );
      await nodeApp(host, { name: 'shop', listen: '127.0.0.1:3350', code });
      await nginxSite(host, { name: 'shop', server: 'location / { proxy_pass http://127.0.0.1:3350; }', log: 'timed' });
      await startNginx(host);
      await host.request({ urls: ['http://127.0.0.1/login'] });
      await host.run(['rm', '/var/log/nginx/error.log', '/var/log/nginx/access.log']);
    },
    breakIt: host => host.write('/srv/long', ''),
    traffic: { urls: ['http://127.0.0.1/', 'http://127.0.0.1/login'], rps: 8 },
    expect: {
      verdict: 'failing',
      firstConfidence: 'confirmed',
      status: 'active',
      minShare: 0.9,
      evidence: [/^\/proc\/\d+\/fd\/\d+|too big header/mu],
      notChecked: [/error\.log was deleted/u, /access\.log was deleted/u],
    },
    fix: 'first-plan',
    repair: async host => {
      await host.run(['rm', '/srv/long']);
    },
  }),
];

async function setUp(host: LabHost): Promise<void> {
  await gunicorn(host, { name: 'tickets', code: wsgiApp('tickets'), bind: '127.0.0.1:8721' });
  await gunicorn(host, { name: 'pages', code: wsgiApp('pages'), bind: '127.0.0.1:8722' });
  // nginx's workers open such logs themselves, and only where the root is there.
  await host.shell('mkdir -p /srv/logs /srv/pages && chown www-data /srv/logs && touch -d "2 days ago" "/srv/logs/old.example-access.log"');
  await nginxSite(host, {
    name: 'tickets',
    http: `log_format tries '$remote_addr [$time_local] "$request" $status $body_bytes_sent $request_time "$upstream_addr" "$upstream_status" "$upstream_header_time"';`,
    server: `
      root /srv/pages;
      access_log /srv/logs/$host-access.log tries;
      location / { proxy_pass http://127.0.0.1:8722; }
      location /api/ {
          error_log /srv/logs/api-errors.log;
          proxy_pass http://127.0.0.1:8721;
      }`,
  });
  await startNginx(host);
  await host.request({ urls: [URL, 'http://127.0.0.1/'], count: 4, rps: 8, headers: { host: 'tickets.example' } });
  await host.shell('sleep 1.1');
}
