import { defineScenario } from '../scenario.ts';
import type { LabHost } from '../host.ts';
import { nginxSite, reloadNginx, replaceIn, startNginx } from '../servers/nginx.ts';
import { nodeApp, nodeHttp } from '../servers/node.ts';

const SITE = '/etc/nginx/sites-enabled/forum.conf';

/** Two servers on one port by their names: the public one passes on to the other one, which is no loop. */
async function setUp(host: LabHost): Promise<void> {
  await nodeApp(host, { name: 'forum', code: nodeHttp(), listen: '127.0.0.1:7070' });
  // Few connections, so that the loop ends soon.
  await replaceIn(host, '/etc/nginx/nginx.conf', 'worker_connections 768', 'worker_connections 128');
  await nginxSite(host, { name: 'inside', listen: '8480', serverName: 'inside.forum.example', server: 'location / { proxy_pass http://127.0.0.1:7070; }' });
  await nginxSite(host, {
    name: 'forum',
    listen: '8480 default_server',
    serverName: 'forum.example',
    server: 'location / {\n    proxy_pass http://127.0.0.1:8480;\n    proxy_set_header Host inside.forum.example;\n}',
    log: 'timed',
  });
  await startNginx(host);
}

export default [
  defineScenario({
    name: 'proxy-loop',
    title: 'The Host header that led to the other server was removed, and the server asks itself',
    kind: 'fault',
    fault: 'proxy-loop',
    url: 'http://127.0.0.1:8480/',
    setUp,
    traffic: { rps: 1 },
    breakIt: async host => {
      await replaceIn(host, SITE, '    proxy_set_header Host inside.forum.example;\n', '');
      await reloadNginx(host);
    },
    symptom: async host => {
      const { counts } = await host.request({ urls: ['http://127.0.0.1:8480/'], timeoutMs: 8000 });
      if (counts['200']) throw new Error(`the page is shown: ${JSON.stringify(counts)}`);
    },
    expect: { verdict: 'failing', status: 'active', firstConfidence: 'confirmed', evidence: ['proxy_pass http://127.0.0.1:8480'] },
    repair: async host => {
      await replaceIn(host, SITE, 'proxy_pass http://127.0.0.1:8480;', 'proxy_pass http://127.0.0.1:8480; proxy_set_header Host inside.forum.example;');
      await reloadNginx(host);
    },
  }),
  defineScenario({
    name: 'proxy-loop-twin-next-hop-stopped',
    title: 'One server passes on to another one on the same port by its name, whose backend was stopped',
    kind: 'twin',
    fault: 'backend-down',
    twinOf: 'proxy-loop',
    url: 'http://127.0.0.1:8480/',
    setUp,
    breakIt: host => host.systemctl('stop', 'forum'),
    expect: { verdict: 'failing', status: 'active' },
    repair: host => host.start('forum'),
  }),
];
