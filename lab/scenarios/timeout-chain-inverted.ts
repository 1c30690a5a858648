import type { LabHost } from '../host.ts';
import { defineScenario } from '../scenario.ts';
import { apacheBackend } from '../servers/apache.ts';
import { haproxy } from '../servers/haproxy.ts';
import { waitForListener } from '../servers/listening.ts';
import { nginxSite, startNginx } from '../servers/nginx.ts';
import { nodeApp, nodeHttp } from '../servers/node.ts';
import { FPM_POOLS, PHP_VERSION, phpFpm } from '../servers/php-fpm.ts';
import { gunicorn, wsgiApp } from '../servers/python.ts';
import { startUnit } from '../servers/unit.ts';

async function reports(host: LabHost, waitSeconds: number, workers = 2): Promise<void> {
  await gunicorn(host, { name: 'reports', code: wsgiApp('reports'), bind: '127.0.0.1:8460', workers, timeoutSeconds: 90 });
  await nginxSite(host, { name: 'reports', server: `location / { proxy_pass http://127.0.0.1:8460; proxy_read_timeout ${waitSeconds}s; }`, log: 'timed' });
  await startNginx(host);
}

const well = async (host: LabHost): Promise<void> => {
  const { counts } = await host.request({ urls: ['http://127.0.0.1/'] });
  if (!counts['200']) throw new Error(`no 200 but ${JSON.stringify(counts)}`);
};

const PAGES = { 'index.php': "<?php echo 'stock';", 'export.php': '<?php usleep(file_exists("/srv/stock/grown") ? 1300000 : 0); echo "sheet";' };

/** Pages of php; once there is much in stock, the export takes longer than the second that nginx waits. */
async function stock(host: LabHost, settings: Readonly<Record<string, string | number>>): Promise<void> {
  await phpFpm(host, {
    pool: 'stock',
    listen: '/run/php/stock.sock',
    root: '/srv/stock',
    files: PAGES,
    settings: { pm: 'static', 'pm.max_children': 12, ...settings },
  });
  const php = 'include snippets/fastcgi-php.conf;\n    fastcgi_pass unix:/run/php/stock.sock;\n    fastcgi_read_timeout 1s;';
  await nginxSite(host, { name: 'stock', listen: '8085', server: `root /srv/stock;\nindex index.php;\nlocation ~ \\.php$ {\n    ${php}\n}`, log: 'timed' });
  await startNginx(host);
}

/** Behind two servers of one nginx, the atlas takes longer than a second once it has grown. */
async function twoServers(host: LabHost, edgeSeconds: number, appSeconds: number): Promise<void> {
  await nodeApp(host, {
    name: 'maps',
    code: nodeHttp(
      `setTimeout(() => response.end('maps\\n'), request.url.startsWith('/atlas') && require('node:fs').existsSync('/srv/maps/grown') ? 1300 : 5);`,
    ),
    listen: '127.0.0.1:3907',
  });
  await nginxSite(host, {
    name: 'edge',
    listen: '8443',
    serverName: 'maps.example',
    server: `location / {\n    proxy_pass http://127.0.0.1:8471;\n    proxy_read_timeout ${edgeSeconds}s;\n}`,
    log: 'timed',
  });
  await nginxSite(host, {
    name: 'maps',
    listen: '127.0.0.1:8471',
    serverName: 'maps.internal',
    server: `location / {\n    proxy_pass http://127.0.0.1:3907;\n    proxy_read_timeout ${appSeconds}s;\n}`,
    log: 'timed',
  });
  await startNginx(host);
}

const exports = { urls: ['http://127.0.0.1:8085/index.php', 'http://127.0.0.1:8085/export.php'], rps: 6 };
const atlas = { urls: ['http://127.0.0.1:8443/', 'http://127.0.0.1:8443/atlas'], rps: 6 };

export default [
  defineScenario({
    name: 'timeout-chain-inverted',
    title: 'nginx waits 20 seconds, gunicorn lets requests run for 90; nothing fails yet',
    kind: 'fault',
    fault: 'timeout-chain-inverted',
    setUp: host => reports(host, 20),
    symptom: well,
    expect: {
      verdict: 'healthy',
      exitCode: 0,
      firstConfidence: 'confirmed',
      status: 'latent',
      evidence: ['proxy_read_timeout 20s', '90'],
      noneActive: true,
    },
  }),
  defineScenario({
    name: 'timeout-chain-inverted-twin-slow',
    title: 'The same limits, and one page is slower than nginx waits',
    kind: 'twin',
    fault: 'backend-slower-than-timeout',
    twinOf: 'timeout-chain-inverted',
    fails: 504,
    url: 'http://127.0.0.1/slow?s=2',
    setUp: host => reports(host, 1, 12),
    healthy: well,
    traffic: { urls: ['http://127.0.0.1/', 'http://127.0.0.1/slow?s=2'], rps: 3 },
    trafficMs: 3000,
    expect: { verdict: 'failing', status: 'active', findings: [{ fault: 'timeout-chain-inverted', status: 'latent' }] },
  }),
  defineScenario({
    name: 'timeout-chain-inverted-unit-options',
    title: 'The unit hands gunicorn a limit of 90 seconds in its own file, and nginx waits its 60 by default',
    kind: 'fault',
    fault: 'timeout-chain-inverted',
    setUp: async host => {
      await host.write('/srv/letters/app.py', wsgiApp('letters'));
      await startUnit(host, {
        unit: 'letters.service',
        exec: '/usr/bin/gunicorn --bind 127.0.0.1:8467 app:app',
        user: 'www-data',
        workdir: '/srv/letters',
        service: { Environment: 'LANG=C.UTF-8 "GUNICORN_CMD_ARGS=--timeout 90 --workers 3"' },
      });
      await waitForListener(host, '127.0.0.1:8467');
      await nginxSite(host, { name: 'letters', server: 'location / { proxy_pass http://127.0.0.1:8467; }', log: 'timed' });
      await startNginx(host);
    },
    symptom: well,
    expect: {
      verdict: 'healthy',
      exitCode: 0,
      firstConfidence: 'confirmed',
      status: 'latent',
      evidence: ['default of nginx', 'proxy_read_timeout 60s', 'file:/etc/systemd/system/letters.service:', '--timeout 90'],
      noneActive: true,
    },
  }),
  defineScenario({
    name: 'timeout-chain-inverted-php',
    title: 'A pool may work on a request for 20 seconds, nginx waits one, and an export takes longer than that',
    kind: 'fault',
    fault: 'timeout-chain-inverted',
    url: 'http://127.0.0.1:8085/export.php',
    fails: 504,
    setUp: host => stock(host, { request_terminate_timeout: '20s' }),
    breakIt: host => host.write('/srv/stock/grown', ''),
    traffic: exports,
    trafficMs: 1600,
    expect: {
      verdict: 'failing',
      status: 'active',
      firstConfidence: ['confirmed', 'likely'],
      minShare: 0.9,
      evidence: ['/etc/nginx/sites-enabled/stock.conf:11', `${FPM_POOLS}/stock.conf`, 'request_terminate_timeout = 20s', 'upstream timed out'],
      consequences: ['backend-slower-than-timeout'],
    },
    fix: 'first-plan',
    looksAtOnce: 4,
  }),
  defineScenario({
    name: 'timeout-chain-inverted-twin-php-slow',
    title: 'The limits are in order, as php counts computing alone; the export merely takes longer than nginx waits',
    kind: 'twin',
    fault: 'backend-slower-than-timeout',
    twinOf: 'timeout-chain-inverted',
    url: 'http://127.0.0.1:8085/export.php',
    fails: 504,
    setUp: async host => {
      await host.write(`/etc/php/${PHP_VERSION}/fpm/conf.d/99-stock.ini`, 'max_execution_time = 1\n');
      await stock(host, {});
    },
    breakIt: host => host.write('/srv/stock/grown', ''),
    traffic: exports,
    trafficMs: 1600,
    expect: {
      verdict: 'failing',
      status: 'active',
      check: report => (report.findings.some(one => one.fault === 'timeout-chain-inverted') ? ['the limits are in order'] : []),
    },
  }),
  defineScenario({
    name: 'timeout-chain-inverted-two-nginx',
    title: 'The server at the edge waits one second, the one behind it thirty, and the atlas takes longer than one',
    kind: 'fault',
    fault: 'timeout-chain-inverted',
    url: 'http://127.0.0.1:8443/atlas',
    fails: 504,
    setUp: host => twoServers(host, 1, 30),
    breakIt: host => host.write('/srv/maps/grown', ''),
    traffic: atlas,
    trafficMs: 1600,
    expect: {
      verdict: 'failing',
      status: 'active',
      minShare: 0.9,
      evidence: ['/etc/nginx/sites-enabled/edge.conf:8', '/etc/nginx/sites-enabled/maps.conf:8', 'proxy_read_timeout 1s', 'proxy_read_timeout 30s'],
      consequences: ['backend-slower-than-timeout'],
    },
    fix: 'first-plan',
    looksAtOnce: 4,
  }),
  defineScenario({
    name: 'timeout-chain-inverted-twin-two-nginx',
    title: 'The server behind the edge gives up first, as it should; the atlas takes longer than it waits',
    kind: 'twin',
    fault: 'backend-slower-than-timeout',
    twinOf: 'timeout-chain-inverted',
    url: 'http://127.0.0.1:8443/atlas',
    fails: 504,
    setUp: host => twoServers(host, 20, 1),
    breakIt: host => host.write('/srv/maps/grown', ''),
    traffic: atlas,
    trafficMs: 1600,
    expect: { verdict: 'failing', status: 'active' },
  }),
  defineScenario({
    name: 'timeout-chain-inverted-haproxy',
    title: 'HAProxy in front waits one second, nginx thirty: nginx knows no error, only visitors that left',
    kind: 'fault',
    fault: 'timeout-chain-inverted',
    url: 'http://127.0.0.1:8090/atlas',
    fails: 504,
    setUp: async host => {
      await twoServers(host, 30, 40);
      await haproxy(host, { listen: '127.0.0.1:8090', servers: ['127.0.0.1:8443'], options: '  timeout server 1s\n' });
    },
    breakIt: host => host.write('/srv/maps/grown', ''),
    traffic: { urls: ['http://127.0.0.1:8090/', 'http://127.0.0.1:8090/atlas'], rps: 6 },
    trafficMs: 3000,
    expect: { verdict: 'failing', status: 'active', firstConfidence: 'likely', evidence: ['/etc/haproxy/haproxy.cfg', 'timeout server 1s', / 499 /] },
  }),
  defineScenario({
    name: 'timeout-chain-inverted-apache',
    title: 'Apache in front waits one second for one path, nginx thirty: nginx knows no error, only visitors that left',
    kind: 'fault',
    fault: 'timeout-chain-inverted',
    url: 'http://127.0.0.1:8091/atlas',
    fails: 504,
    setUp: async host => {
      await twoServers(host, 30, 20);
      const config = 'ProxyTimeout 90\nProxyPass "/atlas" "http://127.0.0.1:8443/atlas" timeout=1\nProxyPass "/" "http://127.0.0.1:8443/"';
      await apacheBackend(host, { listen: '127.0.0.1:8091', modules: ['proxy', 'proxy_http'], config });
    },
    breakIt: host => host.write('/srv/maps/grown', ''),
    traffic: { urls: ['http://127.0.0.1:8091/', 'http://127.0.0.1:8091/atlas'], rps: 6 },
    trafficMs: 3000,
    symptom: async host => {
      const { counts } = await host.request({ urls: ['http://127.0.0.1:8091/atlas'], count: 3 });
      if ((counts['502'] ?? 0) + (counts['504'] ?? 0) === 0) throw new Error(`Apache waited: ${JSON.stringify(counts)}`);
    },
    expect: {
      verdict: 'failing',
      status: 'active',
      firstConfidence: 'likely',
      evidence: ['/etc/apache2/sites-enabled/000-default.conf', 'timeout=1', / 499 /],
    },
  }),
  defineScenario({
    name: 'healthy-visitors-left-behind-haproxy',
    title: 'HAProxy waits longer than nginx; visitors leave whenever they like',
    kind: 'healthy',
    url: 'http://127.0.0.1:8090/',
    setUp: async host => {
      await twoServers(host, 30, 20);
      await haproxy(host, { listen: '127.0.0.1:8090', servers: ['127.0.0.1:8443'] });
    },
    breakIt: host => host.write('/srv/maps/grown', ''),
    traffic: { urls: ['http://127.0.0.1:8090/', 'http://127.0.0.1:8443/atlas'], rps: 6, timeoutMs: 700 },
    trafficMs: 3000,
    expect: { verdict: 'healthy', exitCode: 0 },
  }),
];
