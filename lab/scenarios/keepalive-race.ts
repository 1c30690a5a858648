import type { LabHost } from '../host.ts';
import { defineScenario } from '../scenario.ts';
import { nginxSite, startNginx } from '../servers/nginx.ts';
import { nodeApp, nodeHttp } from '../servers/node.ts';
import { gunicorn, wsgiApp } from '../servers/python.ts';

const ORDERS = 'http://127.0.0.1/orders';
const IDLE = '/srv/orders/idle-ms';
/** Milliseconds. */
const EARLY = '850';

/**
 * A server that looks after its idle connections in between other work. Connections that are due are closed when the work is
 * done, and a request that came meanwhile is lost with its own: what happens by chance on a busy host, at a known time. The time
 * stands in a file, as a restart would be a reason of its own to lose requests.
 */
function orders(): string {
  const work = 'const end = Date.now() + 400; while (Date.now() < end);';
  return nodeHttp(
    `const { socket } = request; clearTimeout(socket.idle); request.resume();
  request.on('end', () => { response.end('ok\\n'); socket.idle = setTimeout(() => { ${work} socket.destroy(); }, Number(require('node:fs').readFileSync('${IDLE}', 'utf8'))); });`,
    'server.keepAliveTimeout = 120_000;',
  );
}

function keptUpstream(name: string, address: string, more = ''): { readonly http: string; readonly server: string } {
  return {
    http: `upstream ${name} {\n    server ${address};\n    keepalive 8;${more}\n}`,
    server: `location / {\n    proxy_pass http://${name};\n    proxy_http_version 1.1;\n    proxy_set_header Connection "";\n}`,
  };
}

/** Before connections are closed early, how far apart the orders are tells nothing. */
async function postsWork(host: LabHost): Promise<void> {
  const isEarly = (await host.read(IDLE)) === EARLY;
  const { counts, total } = await host.request({ urls: [ORDERS], method: 'POST', body: 'n=1', count: 2, ...(isEarly && { rps: 0.9 }) });
  if (counts['200'] !== total) throw new Error(JSON.stringify(counts));
}

async function losesPosts(host: LabHost): Promise<void> {
  await host.until(
    'two orders to be lost',
    async () => ((await host.read('/var/log/nginx/access.log')).match(/"POST \S+ HTTP\/1\.1" 502 /g) ?? []).length >= 2,
  );
}

export default [
  defineScenario({
    name: 'keepalive-race',
    title: 'A Node server closes connections after a second, nginx keeps them for sixty: orders are lost now and then',
    kind: 'fault',
    fault: 'keepalive-race',
    setUp: async host => {
      await host.write(IDLE, '75000');
      await nodeApp(host, { name: 'orders', code: orders(), listen: '127.0.0.1:8171' });
      await nginxSite(host, { name: 'orders', ...keptUpstream('orders_app', '127.0.0.1:8171') });
      await startNginx(host);
    },
    healthy: postsWork,
    breakIt: host => host.write(IDLE, EARLY),
    traffic: { urls: [ORDERS], method: 'POST', body: 'n=1', rps: 0.9 },
    trafficMs: 3500,
    symptom: losesPosts,
    expect: {
      verdict: 'failing',
      firstConfidence: 'confirmed',
      status: 'active',
      minShare: 0.9,
      evidence: [/idle connection closed after [12]\./],
      notFindings: ['backend-crashing'],
      maxMs: 9000,
    },
    fix: 'first-plan',
  }),
  defineScenario({
    name: 'keepalive-race-twin-crash',
    title: 'Workers that close idle connections after two seconds die of some requests: nothing races',
    kind: 'twin',
    fault: 'backend-crashing',
    twinOf: 'keepalive-race',
    url: 'http://127.0.0.1/die',
    setUp: async host => {
      await gunicorn(host, {
        name: 'stock',
        code: wsgiApp('stock'),
        bind: '127.0.0.1:8172',
        workers: 2,
        threads: 4,
        args: ['--worker-class gthread', '--keep-alive 2'],
      });
      await nginxSite(host, { name: 'stock', ...keptUpstream('stock', '127.0.0.1:8172') });
      await startNginx(host);
    },
    healthy: async host => {
      const { counts } = await host.request({ urls: ['http://127.0.0.1/'] });
      if (!counts['200']) throw new Error(JSON.stringify(counts));
    },
    traffic: { urls: ['http://127.0.0.1/', 'http://127.0.0.1/die'], rps: 3 },
    trafficMs: 3000,
    // The kernel takes its time over a process that dies.
    symptom: host => host.until('a request to fail', async () => (await host.read('/var/log/nginx/access.log')).includes(' 502 ')),
    expect: { verdict: 'failing', status: 'active' },
  }),
];
