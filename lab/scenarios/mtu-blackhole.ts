import { defineScenario, type Stage } from '../scenario.ts';
import type { LabHost } from '../host.ts';
import { fastcgiPass, nginxSite, startNginx } from '../servers/nginx.ts';
import { nodeApp, nodeHttp } from '../servers/node.ts';
import { phpFpm } from '../servers/php-fpm.ts';
import { gunicorn, wsgiApp } from '../servers/python.ts';
import { narrow, routed } from '../servers/routers.ts';

/** `/report` is large, an upload is counted, and all else is small. */
const REPORTS = `let taken = 0;
  request.on('data', part => { taken += part.length; });
  request.on('end', () => {
    if (request.url === '/stuck') return;
    const wait = request.url === '/slow-report' ? 2000 : 0;
    setTimeout(() => response.end(request.method === 'POST' ? taken + '\\n' : request.url.endsWith('report') ? 'x'.repeat(30000) : 'ok\\n'), wait);
  });`;

/** `/list` is large, all else is small. */
const LISTS = `def app(environ, start_response):
    body = b"line of a list\\n" * (3000 if environ["PATH_INFO"] == "/list" else 1)
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
`;

const UPLOAD = 'x'.repeat(60_000);
const limits = 'proxy_connect_timeout 1s; proxy_read_timeout 1s; proxy_send_timeout 1s;';

export default [
  defineScenario({
    name: 'mtu-blackhole',
    title: 'The tunnel to the application host became narrower, and its routers send no ICMP',
    kind: 'fault',
    fault: 'mtu-blackhole',
    url: 'http://127.0.0.1/report',
    fails: 504,
    setUp: (host, stage) => setUp(host, stage, 3908),
    breakIt: (_, stage) => narrow(stage.other(), 1280, true),
    traffic: { rps: 3 },
    trafficMs: 1200,
    expect: {
      verdict: 'failing',
      firstConfidence: 'confirmed',
      status: 'active',
      minShare: 0.9,
      evidence: ['mtu 1500', 'a request of 1228 bytes', 'no byte'],
      notFindings: ['backend-down', 'firewall-drop'],
    },
    repair: async host => {
      const route = await host.run(['ip', 'route', 'get', '198.51.100.12']);
      const [, via = '', dev = ''] = /via (\S+) dev (\S+)/.exec(route) ?? [];
      await host.run(['ip', 'route', 'add', '198.51.100.12', 'via', via, 'dev', dev, 'mtu', '1280']);
    },
  }),
  defineScenario({
    name: 'mtu-blackhole-uploads',
    title: 'A VPN of 1420 bytes lies before the application host: uploads hang, pages are small and pass',
    kind: 'fault',
    fault: 'mtu-blackhole',
    url: 'http://127.0.0.1:8080/files',
    setUp: async (host, stage) => {
      const far = await stage.another({ hostname: 'files' });
      await routed(host, far, { address: '192.0.2.31', otherAddress: '198.51.100.32' });
      await nodeApp(far, { name: 'files', code: nodeHttp(REPORTS), listen: '0.0.0.0:7070' });
      await nginxSite(host, {
        name: 'files',
        listen: '8080',
        http: 'upstream files { server 198.51.100.32:7070; }',
        server: `location / { proxy_pass http://files; ${limits} }`,
        logs: 'own',
      });
      await startNginx(host);
    },
    breakIt: (_, stage) => narrow(stage.other(), 1420, true),
    traffic: { rps: 3, method: 'POST', body: UPLOAD },
    trafficMs: 1200,
    symptom: async host => {
      const { counts } = await host.request({ urls: ['http://127.0.0.1:8080/files'], method: 'POST', body: UPLOAD });
      if (counts['504'] !== 1) throw new Error(`an upload got ${JSON.stringify(counts)}`);
    },
    expect: { verdict: 'failing', firstConfidence: 'confirmed', status: 'active', evidence: ['a request of 1368 bytes'] },
  }),
  defineScenario({
    name: 'mtu-blackhole-answers',
    title: 'The routers tell the size, and the firewall of the application host drops all ICMP: its large answers hang',
    kind: 'fault',
    fault: 'mtu-blackhole',
    url: 'http://127.0.0.1/report',
    fails: 504,
    setUp: (host, stage) => setUp(host, stage, 3909),
    breakIt: async (_, stage) => {
      await stage.other().run(['iptables', '-I', 'INPUT', '-p', 'icmp', '-j', 'DROP']);
      await narrow(stage.other(), 1400, false);
    },
    traffic: { rps: 3 },
    trafficMs: 1200,
    // Packets of the other host that vanish are not seen from here: only what becomes of the page is.
    expect: { verdict: 'failing', firstConfidence: ['likely'], status: 'active', evidence: ['mtu 1400'] },
  }),
  defineScenario({
    name: 'mtu-blackhole-one-worker',
    title: 'A GRE tunnel before a gunicorn with one worker, which a question without an end must not keep busy',
    kind: 'fault',
    fault: 'mtu-blackhole',
    url: 'http://127.0.0.1/list',
    // The header is a small packet of its own and passes, so that nginx has begun to answer when it gives up.
    symptom: (host, { url }) => cutShort(host, url),
    setUp: async (host, stage) => {
      const far = await stage.another({ hostname: 'lists' });
      await routed(host, far, { address: '192.0.2.51', otherAddress: '198.51.100.52' });
      await gunicorn(far, { name: 'lists', code: LISTS, bind: '198.51.100.52:8240', workers: 1 });
      await nginxSite(host, { name: 'lists', server: `location / { proxy_pass http://198.51.100.52:8240; ${limits} }` });
      await startNginx(host);
    },
    breakIt: (_, stage) => narrow(stage.other(), 1476, true),
    traffic: { rps: 2 },
    trafficMs: 1200,
    expect: { verdict: 'failing', firstConfidence: 'confirmed', status: 'active', evidence: ['a request of 1424 bytes'] },
  }),
  defineScenario({
    name: 'mtu-blackhole-fastcgi',
    title: 'php-fpm runs on another host behind a narrow tunnel, and its long pages hang',
    kind: 'fault',
    fault: 'mtu-blackhole',
    url: 'http://127.0.0.1/long.php',
    symptom: (host, { url }) => cutShort(host, url),
    setUp: async (host, stage) => {
      const far = await stage.another({ hostname: 'php' });
      await routed(host, far, { address: '192.0.2.61', otherAddress: '198.51.100.62' });
      const files = { 'index.php': '<?php echo "short\\n";', 'long.php': '<?php echo str_repeat("long line\\n", 4000);' };
      await phpFpm(far, { pool: 'shop', listen: '198.51.100.62:9000', root: '/var/www/shop', files, settings: { pm: 'static', 'pm.max_children': 4 } });
      await host.run(['mkdir', '-p', '/var/www/shop']);
      await host.shell('touch /var/www/shop/long.php /var/www/shop/index.php');
      await nginxSite(host, {
        name: 'shop',
        server: `fastcgi_read_timeout 1s; fastcgi_send_timeout 1s;\n${fastcgiPass('198.51.100.62:9000', '/var/www/shop')}`,
      });
      await startNginx(host);
    },
    breakIt: (_, stage) => narrow(stage.other(), 1400, true),
    traffic: { rps: 3 },
    trafficMs: 1200,
    expect: { verdict: 'failing', firstConfidence: 'confirmed', status: 'active', evidence: ['no byte'] },
  }),
  defineScenario({
    name: 'mtu-blackhole-twin-slow-report',
    title: 'A small MTU on the way that routers tell of, and a report that takes its time',
    kind: 'twin',
    fault: 'backend-slower-than-timeout',
    twinOf: 'mtu-blackhole',
    url: 'http://127.0.0.1/slow-report',
    healthy: smallPage,
    fails: 504,
    setUp: async (host, stage) => {
      await setUp(host, stage, 3910);
      await narrow(stage.other(), 1280, false);
    },
    traffic: { rps: 3 },
    trafficMs: 1200,
    expect: { verdict: 'failing', status: 'active' },
  }),
  defineScenario({
    name: 'mtu-blackhole-twin-one-page-hangs',
    title: 'The application on another host never answers one page; all packets pass',
    kind: 'twin',
    fault: 'backend-slower-than-timeout',
    twinOf: 'mtu-blackhole',
    url: 'http://127.0.0.1/stuck',
    healthy: smallPage,
    fails: 504,
    setUp: (host, stage) => setUp(host, stage, 3911),
    traffic: { rps: 3 },
    trafficMs: 1200,
    expect: { verdict: 'failing', status: 'active', firstConfidence: ['likely', 'possible'] },
  }),
  defineScenario({
    name: 'mtu-blackhole-twin-firewall',
    title: 'The router drops everything to the port of the application, large and small',
    kind: 'twin',
    fault: 'firewall-drop',
    twinOf: 'mtu-blackhole',
    fails: 504,
    setUp: async (host, stage) => {
      const far = await stage.another({ hostname: 'app7' });
      await routed(host, far, { address: '192.0.2.41', otherAddress: '198.51.100.42' });
      await gunicorn(far, { name: 'loans', code: wsgiApp('loans'), bind: '198.51.100.42:8230' });
      await nginxSite(host, { name: 'loans', server: `location / { proxy_pass http://198.51.100.42:8230; ${limits} }` });
      await startNginx(host);
    },
    breakIt: async (_, stage) => {
      await narrow(stage.other(), 1280, true);
      await stage.other().shell('ip netns exec near iptables -I FORWARD -p tcp --dport 8230 -j DROP');
    },
    traffic: { rps: 3 },
    trafficMs: 1200,
    expect: { verdict: 'failing', status: 'active', firstConfidence: ['likely', 'possible'] },
  }),
];

async function setUp(host: LabHost, stage: Stage, port: number): Promise<void> {
  const far = await stage.another({ hostname: 'reports' });
  await routed(host, far, { address: '192.0.2.11', otherAddress: '198.51.100.12' });
  await nodeApp(far, { name: 'reports', code: nodeHttp(REPORTS), listen: `198.51.100.12:${port}` });
  await nginxSite(host, { name: 'reports', server: `location / { proxy_pass http://198.51.100.12:${port}; ${limits} }`, log: 'timed' });
  await startNginx(host);
}

async function smallPage(host: LabHost): Promise<void> {
  const { counts } = await host.request({ urls: ['http://127.0.0.1/'] });
  if (counts['200'] !== 1) throw new Error(`a small page got ${JSON.stringify(counts)}`);
}

async function cutShort(host: LabHost, url: string): Promise<void> {
  const { counts } = await host.request({ urls: [url] });
  if (counts['200'] !== undefined) throw new Error(`the page came whole: ${JSON.stringify(counts)}`);
}
