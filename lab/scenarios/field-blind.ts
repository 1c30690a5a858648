import type { LabHost } from '../host.ts';
import { nodeBinary } from '../host.ts';
import { defineScenario } from '../scenario.ts';
import { waitForListener } from '../servers/listening.ts';
import { nginxSite, reloadNginx, startNginx } from '../servers/nginx.ts';
import { nodeApp, nodeHttp, nodeHttps } from '../servers/node.ts';
import { certificate } from '../servers/certificates.ts';
import { phpFpm } from '../servers/php-fpm.ts';
import { pm2Of } from '../servers/pm2.ts';
import { gunicorn, uwsgi, wsgiApp } from '../servers/python.ts';
import { narrow, routed } from '../servers/routers.ts';
import { startSupervisor, supervisorProgram } from '../servers/supervisor.ts';
import { startUnit } from '../servers/unit.ts';
import { nodeSocket, openingHeaders } from '../servers/websocket.ts';

const LISTENS_WHERE_TOLD = `const [, , port, word = 'ok'] = process.argv;
require('node:http').createServer((request, response) => response.end(word + '\\n')).listen(Number(port), '127.0.0.1');
`;

const JSON_LOG = `log_format facts escape=json '{"ts":"$time_iso8601","ip":"$remote_addr","req":"$request","status":$status,"host":"$host",'
    '"upstream":"$upstream_addr","upstream_status":"$upstream_status","request_time":$request_time,"upstream_time":"$upstream_response_time"}';
`;

async function answers(host: LabHost, url = 'http://127.0.0.1/'): Promise<void> {
  const { counts } = await host.request({ urls: [url] });
  if (!counts['200']) throw new Error(JSON.stringify(counts));
}

/** A namespace in which nothing that nginx asks for ever was. */
async function spareNamespace(host: LabHost, name: string): Promise<void> {
  await host.shell('ip netns add "$1"; ip -n "$1" link set lo up', [name]);
}

/** What nginx wrote two days ago. */
async function oldErrors(host: LabHost, path: string, peer: string, reason: string): Promise<void> {
  await host.shell(
    'day=$(date -d "2 days ago" +%Y/%m/%d); for n in 10 11 12 13 14; do printf "%s 04:12:%s [error] 611#611: *%s %s, client: 203.0.113.8, server: _, request: \\"GET / HTTP/1.1\\", upstream: \\"http://%s/\\", host: \\"www.example\\"\\n" "$day" "$n" "$n" "$3" "$2"; done >> "$1"',
    [path, peer, reason],
  );
}

/** dpkg's own lines of an upgrade that happened long ago. */
async function upgradedLongAgo(host: LabHost, days: number): Promise<void> {
  await host.shell(
    'when=$(date -d "$1 days ago" "+%F %T"); version=$(dpkg-query --show --showformat \'${Version}\' nginx); printf "%s upgrade nginx:amd64 1.18.0-6.1 %s\\n%s status installed nginx:amd64 %s\\n" "$when" "$version" "$when" "$version" > /var/log/dpkg.log',
    [String(days)],
  );
}

export default [
  defineScenario({
    name: 'field-blind-two-pm2-daemons',
    title: 'Two users have a pm2 each, and each an app called api; the one of the shop ends at start since its last deploy, until pm2 gives it up',
    kind: 'fault',
    fault: 'backend-crash-loop',
    setUp: async host => {
      await host.write('/srv/blog/api.cjs', LISTENS_WHERE_TOLD);
      await host.write('/srv/shop/api.cjs', LISTENS_WHERE_TOLD);
      const blog = await pm2Of(host, { user: 'blog' });
      await blog('start', '/srv/blog/api.cjs', '--name', 'api', '--', '4411');
      const shop = await pm2Of(host, { user: 'shop' });
      await shop('start', '/srv/shop/api.cjs', '--name', 'api', '--max-restarts', '4', '--', '4410');
      for (const port of ['4410', '4411']) await waitForListener(host, `127.0.0.1:${port}`);
      await nginxSite(host, {
        name: 'shop',
        http: `${JSON_LOG}upstream api { server 127.0.0.1:4410 max_fails=0; }`,
        server: 'access_log /var/log/nginx/shop.json facts;\nlocation / { proxy_pass http://api; }\nlocation /blog/ { proxy_pass http://127.0.0.1:4411/; }',
      });
      await startNginx(host);
    },
    breakIt: async host => {
      await host.write('/srv/shop/api.cjs', `require('currency-tables');\n${LISTENS_WHERE_TOLD}`);
      await (
        await pm2Of(host, { user: 'shop' })
      )('restart', 'api');
    },
    trafficMs: 2500,
    expect: {
      verdict: 'failing',
      status: 'active',
      orFirst: ['backend-down'],
      minShare: 0.9,
      evidence: [/currency-tables|errored/],
      notFindings: ['address-mismatch', 'backend-oom-killed', 'restart-window', 'worker-recycled'],
    },
  }),

  defineScenario({
    name: 'field-blind-port-in-environment-file',
    title: 'A deploy wrote another port into the EnvironmentFile and restarted the program; nginx still asks the old one',
    kind: 'fault',
    fault: 'address-mismatch',
    setUp: async host => {
      const code = "require('node:http').createServer((request, response) => response.end('seats\\n')).listen(Number(process.env.LISTEN_PORT), '127.0.0.1');\n";
      await host.write('/opt/seats/main.cjs', code);
      await host.write('/etc/default/seats', 'LISTEN_PORT=5210\n');
      await startUnit(host, { unit: 'seats-web.service', exec: `${nodeBinary()} /opt/seats/main.cjs`, service: { EnvironmentFile: '/etc/default/seats' } });
      await waitForListener(host, '127.0.0.1:5210');
      await nodeApp(host, { name: 'mailer', code: nodeHttp(), listen: '127.0.0.1:5211' });
      await nginxSite(host, {
        name: 'seats',
        http: JSON_LOG,
        server: 'access_log /var/log/nginx/seats.json facts;\nlocation / { proxy_pass http://127.0.0.1:5210; }',
      });
      await startNginx(host);
    },
    breakIt: async host => {
      await host.shell('sleep 1.1');
      await host.write('/etc/default/seats', 'LISTEN_PORT=5290\n');
      await host.restart('seats-web');
      await waitForListener(host, '127.0.0.1:5290');
    },
    expect: {
      verdict: 'failing',
      status: 'active',
      minShare: 0.9,
      evidence: [/5290/],
      since: [/seats/],
      notFindings: ['backend-hung'],
      check: ({ findings }) =>
        findings.flatMap(each => each.fixes).some(fix => fix.steps.some(step => step.kind === 'edit' && step.after.includes('5211')))
          ? ['a plan leads to the mailer']
          : [],
    },
  }),

  defineScenario({
    name: 'field-blind-namespace-of-the-stage',
    title: 'The program of supervisord was stopped; its staging twin has the same port in a network namespace of its own',
    kind: 'twin',
    fault: 'backend-down',
    twinOf: 'docker-network-mismatch',
    setUp: async host => {
      await spareNamespace(host, 'empty');
      await spareNamespace(host, 'stage');
      await host.write('/srv/fares/app.py', wsgiApp('fares'));
      await startUnit(host, {
        unit: 'fares-stage.service',
        exec: '/usr/bin/gunicorn --chdir /srv/fares --bind 127.0.0.1:8870 app:app',
        service: { NetworkNamespacePath: '/run/netns/stage' },
      });
      await supervisorProgram(host, { name: 'fares-live', command: '/usr/bin/gunicorn --chdir /srv/fares --bind 127.0.0.1:8870 app:app' });
      await startSupervisor(host);
      await waitForListener(host, '127.0.0.1:8870');
      await nginxSite(host, { name: 'fares', server: 'location / { proxy_pass http://127.0.0.1:8870; }', log: 'timed', logs: 'own' });
      await startNginx(host);
    },
    breakIt: async host => {
      await host.run(['supervisorctl', 'stop', 'fares-live']);
    },
    expect: { verdict: 'failing', status: 'active', minShare: 0.9, evidence: [/fares-live/] },
    fix: 'first-plan',
  }),

  defineScenario({
    name: 'field-blind-upgrade-long-ago',
    title: 'nginx was upgraded three weeks ago; today a deploy made the backend speak TLS',
    kind: 'twin',
    fault: 'plaintext-to-tls',
    twinOf: 'upgrade-changed-defaults',
    setUp: async host => {
      await upgradedLongAgo(host, 21);
      const files = await certificate(host, { file: 'ledger', names: ['ledger.test'], folder: '/srv/ledger-tls' });
      await host.run(['chown', 'www-data', files.key]);
      await nodeApp(host, { name: 'ledger', code: nodeHttp("response.end('ledger\\n');"), listen: '127.0.0.1:6443' });
      await nginxSite(host, { name: 'ledger', server: 'location / { proxy_pass http://127.0.0.1:6443; }' });
      await startNginx(host);
      await answers(host);
    },
    breakIt: async host => {
      const files = { certificate: '/srv/ledger-tls/ledger.crt', key: '/srv/ledger-tls/ledger.key' };
      const found = (await host.run(['find', '/srv/ledger-tls', '-type', 'f'])).split('\n');
      const named = (ending: RegExp, fallback: string): string => found.find(path => ending.test(path)) ?? fallback;
      await nodeApp(host, {
        name: 'ledger',
        code: nodeHttps({ certificate: named(/ledger\.(crt|pem|cert)$/, files.certificate), key: named(/ledger.*key/, files.key) }),
        listen: '127.0.0.1:6443',
      });
    },
    expect: { verdict: 'failing', status: 'active', minShare: 0.9, notFindings: ['backend-crashing', 'restart-window', 'keepalive-race'] },
  }),

  defineScenario({
    name: 'field-blind-apache-full',
    title: 'Apache listens where a file of conf-enabled says and has four processes for slow pages; a pool of php-fpm that nobody asks was full last week',
    kind: 'fault',
    fault: 'worker-pool-exhausted',
    fails: 504,
    traffic: { rps: 9, concurrency: 60 },
    trafficMs: 2500,
    setUp: async host => {
      await phpFpm(host, { pool: 'legacy', listen: '/run/php/legacy.sock', files: {} });
      await host.shell(
        'printf "[%s] WARNING: [pool legacy] server reached pm.max_children setting (5), consider raising it\\n" "$(date -d "6 days ago" "+%d-%b-%Y %T")" >> /var/log/php8.2-fpm.log',
      );
      await host.shell(
        'cd /etc/apache2/mods-enabled && rm -f mpm_*.load mpm_*.conf && ln -s ../mods-available/mpm_prefork.load ../mods-available/mpm_prefork.conf . && a2enmod -q cgi',
      );
      await host.write('/usr/lib/cgi-bin/stats', '#!/bin/sh\nsleep 0.8\nprintf "Content-Type: text/plain\\r\\n\\r\\nok\\n"\n', { mode: '755' });
      await host.write('/etc/apache2/ports.conf', '# moved to conf-enabled/zz-local.conf\n');
      await host.write(
        '/etc/apache2/conf-enabled/zz-local.conf',
        'Define inner 127.0.0.1:9411\nListen ${inner}\nServerName inner.test\nMaxRequestWorkers 4\nStartServers 4\nMaxSpareServers 4\n',
      );
      await host.write('/etc/apache2/sites-enabled/000-default.conf', '<VirtualHost ${inner}>\n  ScriptAlias / /usr/lib/cgi-bin/stats/\n</VirtualHost>\n');
      await host.restart('apache2');
      await waitForListener(host, '127.0.0.1:9411');
      await nginxSite(host, {
        name: 'stats',
        http: JSON_LOG,
        server: 'access_log /var/log/nginx/stats.json facts;\nlocation / { proxy_pass http://127.0.0.1:9411; proxy_read_timeout 1s; }',
      });
      await startNginx(host);
    },
    expect: {
      verdict: 'failing',
      status: 'active',
      firstConfidence: ['confirmed', 'likely'],
      minShare: 0.8,
      evidence: ['MaxRequestWorkers'],
      notFindings: ['backend-hung', 'backend-down', 'address-mismatch'],
      check: ({ findings }) => (JSON.stringify(findings[0]?.subject ?? {}).includes('legacy') ? ['it names the pool that nobody asks'] : []),
    },
  }),

  defineScenario({
    name: 'field-blind-uvicorn-retires',
    title: 'supervisord starts a uvicorn again that ends after 20 requests, as it was told; pm2 runs another app that has restarted often',
    kind: 'fault',
    fault: 'worker-recycled',
    traffic: { urls: ['http://127.0.0.1/', 'http://127.0.0.1/quote?id=3'], rps: 25 },
    trafficMs: 4000,
    setUp: async host => {
      const hook = async (): Promise<void> => {
        const pm2 = await pm2Of(host, { user: 'tools' });
        await host.write('/srv/tools/hook.cjs', LISTENS_WHERE_TOLD);
        await pm2('start', '/srv/tools/hook.cjs', '--name', 'hook', '--', '7702');
        for (const _ of [1, 2]) await pm2('restart', 'hook');
      };
      const started = hook();
      await host.write(
        '/srv/quote/quote.py',
        'async def app(scope, receive, send):\n    if scope["type"] != "http":\n        return\n    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"3")]})\n    await send({"type": "http.response.body", "body": b"ok\\n"})\n',
      );
      await uvicorn(host, '');
      await startSupervisor(host);
      await started;
      await waitForListener(host, '127.0.0.1:7701');
      await nginxSite(host, {
        name: 'quote',
        server: 'location / { proxy_pass http://127.0.0.1:7701; }\nlocation /hook/ { proxy_pass http://127.0.0.1:7702/; }',
        log: 'timed',
      });
      await startNginx(host);
    },
    breakIt: async host => {
      await uvicorn(host, ' --limit-max-requests 20');
      await host.run(['supervisorctl', 'update']);
      await waitForListener(host, '127.0.0.1:7701');
    },
    symptom: async host => {
      await host.until('requests to be lost', async () => ((await host.read('/var/log/nginx/access.log')).match(/" 502 /g) ?? []).length >= 3);
    },
    expect: {
      verdict: 'failing',
      status: 'active',
      firstConfidence: ['confirmed', 'likely'],
      notFindings: ['backend-oom-killed', 'app-dependency-down', 'keepalive-race'],
    },
  }),

  defineScenario({
    name: 'field-blind-socket-behind-an-include',
    title: 'An include gives one location a header of its own, so that it inherits none of the others: the board opens no WebSocket any more',
    kind: 'fault',
    fault: 'websocket-upgrade-missing',
    url: 'http://127.0.0.1:8070/board/live',
    fails: 400,
    traffic: { urls: ['http://127.0.0.1:8070/board/live'], headers: openingHeaders, rps: 6 },
    trafficMs: 2000,
    healthy: host => opens(host, 101),
    symptom: host => opens(host, 400),
    setUp: async host => {
      const pm2 = await pm2Of(host, { user: 'board' });
      await host.write('/srv/board/board.cjs', nodeSocket({ handler: "response.writeHead(400); response.end('Bad Request');" }));
      await pm2('start', '/srv/board/board.cjs', '--name', 'board', '--', '127.0.0.1:9901');
      await waitForListener(host, '127.0.0.1:9901');
      await nodeApp(host, {
        name: 'forms',
        code: nodeHttp("response.statusCode = request.method === 'POST' ? 422 : 200; response.end('{}');"),
        listen: '127.0.0.1:9902',
      });
      await host.write('/etc/nginx/snippets/tracing.conf', '# nothing yet\n');
      await nginxSite(host, {
        name: 'board',
        listen: '8070',
        http: `${JSON_LOG}map $http_upgrade $tunnel { default upgrade; '' close; }`,
        server: `access_log /var/log/nginx/board.json facts;
proxy_http_version 1.1;
proxy_set_header Upgrade $http_upgrade;
proxy_set_header Connection $tunnel;
location /board/ {
    include snippets/tracing.conf;
    proxy_pass http://127.0.0.1:9901;
}
location / { proxy_pass http://127.0.0.1:9902; }`,
      });
      await startNginx(host);
    },
    breakIt: async host => {
      await host.write('/etc/nginx/snippets/tracing.conf', 'proxy_set_header X-Request-Id $request_id;\n');
      await reloadNginx(host);
      await host.request({ urls: ['http://127.0.0.1:8070/form'], method: 'POST', body: '{}', count: 20 });
    },
    expect: { verdict: 'failing', status: 'active', evidence: [/board/], notFindings: ['protocol-mismatch', 'app-returned-5xx', 'request-specific-crash'] },
  }),

  defineScenario({
    name: 'field-blind-narrow-uwsgi',
    title: 'nginx speaks uwsgi to another host behind a tunnel that has become narrower in silence; large forms hang',
    kind: 'fault',
    fault: 'mtu-blackhole',
    url: 'http://127.0.0.1/form',
    fails: 504,
    setUp: async (host, stage) => {
      const far = await stage.another({ hostname: 'forms' });
      await routed(host, far, { address: '192.0.2.81', otherAddress: '198.51.100.82' });
      const code = `def app(environ, start_response):
    environ["wsgi.input"].read()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "3")])
    return [b"ok\\n"]
`;
      await uwsgi(far, { name: 'forms', code, bind: '0.0.0.0:3055', workers: 6 });
      await nginxSite(host, {
        name: 'forms',
        server: 'location / { include uwsgi_params; uwsgi_pass 198.51.100.82:3055; uwsgi_connect_timeout 1s; uwsgi_read_timeout 1s; uwsgi_send_timeout 1s; }',
        log: 'timed',
      });
      await startNginx(host);
    },
    breakIt: (_, stage) => narrow(stage.other(), 1300, true),
    traffic: { rps: 3, method: 'POST', body: 'x'.repeat(50_000) },
    trafficMs: 1500,
    symptom: async host => {
      const { counts } = await host.request({ urls: ['http://127.0.0.1/form'], method: 'POST', body: 'x'.repeat(50_000) });
      if (counts['504'] !== 1) throw new Error(JSON.stringify(counts));
    },
    expect: { verdict: 'failing', status: 'active', notFindings: ['backend-down'] },
  }),

  defineScenario({
    name: 'field-blind-uwsgi-waits-longer',
    title: 'uWSGI lets a request run for 40 seconds by its harakiri, nginx waits one; since its table has grown, one page takes two',
    kind: 'fault',
    fault: 'timeout-chain-inverted',
    url: 'http://127.0.0.1/table',
    fails: 504,
    traffic: { urls: ['http://127.0.0.1/', 'http://127.0.0.1/table'], rps: 6 },
    trafficMs: 2500,
    setUp: async host => {
      const code = `import os, time


def app(environ, start_response):
    if environ["PATH_INFO"] == "/table" and os.path.exists("/srv/stats/grown"):
        time.sleep(2)
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "3")])
    return [b"ok\\n"]
`;
      await uwsgi(host, { name: 'stats', code, bind: 'unix:/run/stats/stats.sock', workers: 14, settings: { harakiri: 40 } });
      await nginxSite(host, {
        name: 'stats',
        server: 'location / { include uwsgi_params; uwsgi_pass unix:/run/stats/stats.sock; uwsgi_read_timeout 1s; }',
        log: 'timed',
      });
      await startNginx(host);
    },
    breakIt: host => host.write('/srv/stats/grown', 'yes\n'),
    expect: {
      verdict: 'failing',
      status: 'active',
      orFirst: ['backend-slower-than-timeout'],
      notFindings: ['backend-hung', 'backend-down', 'worker-killed-by-timeout'],
      check: ({ findings }) =>
        findings.filter(each => each.fault === 'worker-pool-exhausted' && each.confidence === 'confirmed').map(() => 'the pool is not full'),
    },
  }),

  defineScenario({
    name: 'field-blind-calm-after-everything',
    title: 'Errors of two days ago, an old upgrade, spare namespaces with the same port, a program that supervisord gave up and nobody asks: nothing fails',
    kind: 'healthy',
    traffic: { urls: ['http://127.0.0.1/', 'http://127.0.0.1/blog/'], rps: 12 },
    trafficMs: 2000,
    setUp: async host => {
      await upgradedLongAgo(host, 3);
      await spareNamespace(host, 'blue');
      await gunicorn(host, { name: 'blog', code: wsgiApp('blog'), bind: '127.0.0.1:8555', args: ['--max-requests', '30', '--keep-alive', '5'], workers: 3 });
      await host.write('/srv/blue/app.py', wsgiApp('blue'));
      await startUnit(host, {
        unit: 'blue.service',
        exec: '/usr/bin/gunicorn --chdir /srv/blue --bind 127.0.0.1:8555 app:app',
        service: { NetworkNamespacePath: '/run/netns/blue' },
      });
      const pm2 = await pm2Of(host, { user: 'front' });
      await host.write('/srv/front/front.cjs', LISTENS_WHERE_TOLD);
      await pm2('start', '/srv/front/front.cjs', '--name', 'front', '--', '8556');
      for (const _ of [1, 2, 3]) await pm2('restart', 'front');
      await supervisorProgram(host, { name: 'reindex', command: '/bin/false', settings: { startretries: '0' } });
      await startSupervisor(host);
      await waitForListener(host, '127.0.0.1:8556');
      await host.run(['mkdir', '-p', '/var/log/nginx']);
      await oldErrors(host, '/var/log/nginx/error.log', '127.0.0.1:8556', 'connect() failed (111: Connection refused) while connecting to upstream');
      await oldErrors(
        host,
        '/var/log/nginx/error.log',
        '127.0.0.1:8555',
        'upstream timed out (110: Connection timed out) while reading response header from upstream',
      );
      await nginxSite(host, {
        name: 'house',
        http: `${JSON_LOG}upstream front { server 127.0.0.1:8556; keepalive 8; }`,
        server:
          'access_log /var/log/nginx/house.json facts;\nlocation / { proxy_pass http://front; proxy_http_version 1.1; proxy_set_header Connection ""; }\nlocation /blog/ { proxy_pass http://127.0.0.1:8555/; }',
      });
      await startNginx(host);
    },
    healthy: host => answers(host),
    expect: { verdict: ['healthy', 'recovered'] },
  }),

  defineScenario({
    name: 'field-blind-calm-deploy-and-long-polls',
    title:
      'A deploy reloads two gunicorn services without loss, clients poll for long and leave, an API answers 404 and 429, a Node keeps connections for a second',
    kind: 'healthy',
    trafficMs: 2500,
    traffic: { urls: ['http://127.0.0.1/', 'http://127.0.0.1/api/7', 'http://127.0.0.1/poll'], rps: 12, timeoutMs: 700, concurrency: 60 },
    setUp: async host => {
      await gunicorn(host, {
        name: 'desk',
        code: wsgiApp('desk'),
        bind: 'unix:/run/desk/desk.sock',
        workers: 2,
        service: { ExecReload: '/bin/kill -HUP $MAINPID' },
      });
      await nodeApp(host, {
        name: 'polls',
        code: nodeHttp(
          "if (request.url.startsWith('/api')) { response.statusCode = Number(request.url.length) % 2 ? 429 : 404; return response.end('no\\n'); } setTimeout(() => response.end('none\\n'), 4000);",
          'server.keepAliveTimeout = 1000;',
        ),
        listen: '127.0.0.1:8777',
      });
      await nginxSite(host, {
        name: 'desk',
        http: 'upstream polls { server 127.0.0.1:8777; keepalive 4; }',
        server:
          'location / { proxy_pass http://unix:/run/desk/desk.sock; }\nlocation /api/ { proxy_pass http://polls; }\nlocation /poll { proxy_pass http://polls; proxy_read_timeout 30s; proxy_http_version 1.1; proxy_set_header Connection ""; }',
        log: 'timed',
      });
      await startNginx(host);
    },
    healthy: host => answers(host),
    breakIt: async host => {
      await host.systemctl('reload', 'desk');
      await host.systemctl('reload', 'nginx');
    },
    expect: { verdict: 'healthy' },
  }),
];

async function uvicorn(host: LabHost, more: string): Promise<void> {
  await supervisorProgram(host, {
    name: 'quote',
    command: `/usr/bin/python3 -m uvicorn --host 127.0.0.1 --port 7701${more} quote:app`,
    settings: {
      directory: '/srv/quote',
      autorestart: 'true',
      startsecs: '0',
      startretries: '100',
      redirect_stderr: 'true',
      stdout_logfile: '/var/log/quote.log',
    },
  });
}

/** The status with which the board answers to who would open a WebSocket. */
async function opens(host: LabHost, status: number): Promise<void> {
  const { responses } = await host.request({ urls: ['http://127.0.0.1:8070/board/live'], headers: openingHeaders, timeoutMs: 3000 });
  if (responses[0]?.status !== status) throw new Error(JSON.stringify(responses));
}
