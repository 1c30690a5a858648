import type { LabHost } from '../host.ts';
import { nodeBinary } from '../host.ts';
import { defineScenario } from '../scenario.ts';
import { waitForListener } from '../servers/listening.ts';
import { nginxSite, reloadNginx, replaceIn, startNginx } from '../servers/nginx.ts';
import { nodeApp, nodeHttp } from '../servers/node.ts';
import { pm2Of } from '../servers/pm2.ts';
import { gunicorn, wsgiApp } from '../servers/python.ts';
import { startSupervisor, supervisorProgram } from '../servers/supervisor.ts';
import { nodeSocket, openingHeaders } from '../servers/websocket.ts';

const LISTENS_WHERE_TOLD = `const [, , port] = process.argv;
require('node:http').createServer((request, response) => response.end('stall\\n')).listen(Number(port), '127.0.0.1');
`;

async function answers(host: LabHost, path = '/'): Promise<void> {
  const { counts } = await host.request({ urls: [`http://127.0.0.1${path}`] });
  if (!counts['200']) throw new Error(JSON.stringify(counts));
}

export default [
  defineScenario({
    name: 'field-pm2-queue-away',
    title: 'Two instances under the pm2 of a user end at start because their queue refuses; pm2 starts them again and again',
    kind: 'fault',
    fault: 'app-dependency-down',
    setUp: async host => {
      await nodeApp(host, { name: 'queued', code: 'require("node:net").createServer().listen(6390, "127.0.0.1");\n', listen: '127.0.0.1:6390' });
      const code = `const [, , port] = process.argv;
require('node:net').connect(6390, '127.0.0.1').on('error', error => { console.error('queue: ' + error.message); process.exit(1); });
setTimeout(() => require('node:http').createServer((request, response) => response.end('stall\\n')).listen(Number(port), '127.0.0.1'), 150);
`;
      await host.write('/srv/market/stall.cjs', code);
      const pm2 = await pm2Of(host, { user: 'market' });
      for (const port of ['4801', '4802'])
        await pm2('start', '/srv/market/stall.cjs', '--name', `stall-${port}`, '--restart-delay', '300', '--max-restarts', '500', '--', port);
      for (const port of ['4801', '4802']) await waitForListener(host, `127.0.0.1:${port}`);
      await nginxSite(host, {
        name: 'market',
        http: 'upstream stalls { server 127.0.0.1:4801 fail_timeout=1s; server 127.0.0.1:4802 fail_timeout=1s; }',
        server: 'location / { proxy_pass http://stalls; }',
        log: 'timed',
      });
      await startNginx(host);
    },
    breakIt: async host => {
      await host.systemctl('stop', 'queued');
      await (
        await pm2Of(host, { user: 'market' })
      )('restart', 'all');
    },
    trafficMs: 2500,
    expect: {
      verdict: 'failing',
      orFirst: ['backend-crash-loop'],
      status: 'active',
      evidence: [/6390/],
      notFindings: ['backend-oom-killed', 'worker-recycled', 'address-mismatch', 'keepalive-race'],
    },
  }),

  defineScenario({
    name: 'field-supervisor-loop-that-goes-on',
    title: 'supervisord starts a gunicorn again and again that cannot import its module; it has not given up',
    kind: 'fault',
    fault: 'backend-crash-loop',
    setUp: async host => {
      await host.write('/srv/quotes/app.py', wsgiApp('quotes'));
      await supervisorProgram(host, {
        name: 'quotes-web',
        command: '/usr/bin/gunicorn --preload --chdir /srv/quotes --bind unix:/tmp/quotes.sock app:app',
        settings: { startretries: '60', startsecs: '0', autorestart: 'true', redirect_stderr: 'true', stdout_logfile: '/var/log/quotes-web.log' },
      });
      await startSupervisor(host);
      await gunicorn(host, { name: 'rates', code: wsgiApp('rates'), bind: '127.0.0.1:8100' });
      await nginxSite(host, {
        name: 'both',
        server: 'location / { proxy_pass http://unix:/tmp/quotes.sock; }\nlocation /rates/ { proxy_pass http://127.0.0.1:8100/; }',
        logs: 'own',
      });
      await startNginx(host);
      await waitForListener(host, 'unix:/tmp/quotes.sock');
    },
    breakIt: async host => {
      await host.write('/srv/quotes/app.py', 'import quote_engine\n');
      await host.exec(['supervisorctl', 'restart', 'quotes-web']);
      const ends = async (): Promise<number> => (await host.read('/var/log/supervisor/supervisord.log')).split('exited: quotes-web').length - 1;
      await host.until('two ends', async () => (await ends()) >= 2, 30_000);
    },
    trafficMs: 1500,
    expect: {
      verdict: 'failing',
      firstConfidence: ['confirmed', 'likely'],
      status: 'active',
      minShare: 0.9,
      evidence: [/quote_engine|quotes-web/],
      notFindings: ['socket-in-private-tmp', 'socket-permission-denied', 'backend-oom-killed'],
    },
  }),

  defineScenario({
    name: 'field-chat-without-upgrade',
    title: 'The location of the chat lost one of its two headers, while its map is still there; the API refuses bad input with 400 all day',
    kind: 'fault',
    fault: 'websocket-upgrade-missing',
    url: 'http://127.0.0.1/chat/room?id=4',
    fails: 426,
    traffic: { urls: ['http://127.0.0.1/chat/room?id=4', 'http://127.0.0.1/chat/room?id=7'], headers: openingHeaders, rps: 6 },
    trafficMs: 2500,
    healthy: async host => {
      const { responses } = await host.request({ urls: ['http://127.0.0.1/chat/room?id=4'], headers: openingHeaders, timeoutMs: 3000 });
      if (responses[0]?.status !== 101) throw new Error(JSON.stringify(responses));
    },
    symptom: async host => {
      const { responses } = await host.request({ urls: ['http://127.0.0.1/chat/room?id=4'], headers: openingHeaders, timeoutMs: 3000 });
      if (responses[0]?.status !== 426) throw new Error(JSON.stringify(responses));
    },
    setUp: async host => {
      await nodeApp(host, { name: 'chat', code: nodeSocket({ path: '/chat/room' }), listen: '127.0.0.1:5701' });
      await nodeApp(host, { name: 'api', code: nodeHttp("response.statusCode = 400; response.end('{}');"), listen: '127.0.0.1:5702' });
      await nginxSite(host, {
        name: 'talk',
        http: "map $http_upgrade $connection_upgrade { default upgrade; '' close; }\nupstream chat { server 127.0.0.1:5701; }",
        server:
          'proxy_set_header Host $host;\nlocation /chat/ {\n    proxy_pass http://chat;\n    proxy_http_version 1.1;\n    proxy_set_header Upgrade $http_upgrade;\n    proxy_set_header Connection $connection_upgrade;\n}\nlocation /api/ { proxy_pass http://127.0.0.1:5702; }',
        log: 'timed',
      });
      await startNginx(host);
    },
    breakIt: async host => {
      await replaceIn(host, '/etc/nginx/sites-enabled/talk.conf', '    proxy_set_header Connection $connection_upgrade;\n', '');
      await reloadNginx(host);
      await host.request({ urls: ['http://127.0.0.1/api/cart'], count: 30 });
    },
    expect: { verdict: 'failing', status: 'active', evidence: [/chat/], notFindings: ['protocol-mismatch', 'request-specific-crash', 'app-returned-5xx'] },
    repair: async host => {
      await replaceIn(
        host,
        '/etc/nginx/sites-enabled/talk.conf',
        '    proxy_pass http://chat;\n',
        '    proxy_pass http://chat;\n    proxy_set_header Connection $connection_upgrade;\n',
      );
      await reloadNginx(host);
    },
  }),

  defineScenario({
    name: 'field-calm-mixed-house',
    title: 'pm2, supervisord and systemd side by side, workers that retire, WebSockets that open, an API that says 400: nothing fails',
    kind: 'healthy',
    traffic: { urls: ['http://127.0.0.1/', 'http://127.0.0.1/news/', 'http://127.0.0.1/live', 'http://127.0.0.1/api/x'], rps: 12 },
    trafficMs: 3000,
    setUp: async host => {
      const live = async (): Promise<void> => {
        const pm2 = await pm2Of(host, { user: 'ops' });
        await host.write('/srv/live/live.cjs', LISTENS_WHERE_TOLD);
        await pm2('start', '/srv/live/live.cjs', '--name', 'live', '--', '6101');
        await pm2('start', '/srv/live/live.cjs', '--name', 'old-live', '--', '6102');
        await pm2('stop', 'old-live');
      };
      const started = live();
      await host.write('/srv/news/app.py', wsgiApp('news'));
      await supervisorProgram(host, { name: 'news', command: '/usr/bin/gunicorn --chdir /srv/news --bind 127.0.0.1:6110 app:app' });
      await supervisorProgram(host, { name: 'importer', command: '/bin/false', settings: { autostart: 'false' } });
      await startSupervisor(host);
      await gunicorn(host, {
        name: 'shop',
        code: wsgiApp('shop'),
        bind: '127.0.0.1:6120',
        workers: 3,
        args: ['--max-requests', '40', '--max-requests-jitter', '10'],
      });
      await nodeApp(host, { name: 'api', code: nodeHttp("response.statusCode = 400; response.end('{}');"), listen: '127.0.0.1:6130' });
      await started;
      for (const port of [6101, 6110]) await waitForListener(host, `127.0.0.1:${port}`);
      await nginxSite(host, {
        name: 'house',
        server: [
          'location / { proxy_pass http://127.0.0.1:6120; }',
          'location /news/ { proxy_pass http://127.0.0.1:6110/; }',
          'location /live { proxy_pass http://127.0.0.1:6101; }',
          'location /api/ { proxy_pass http://127.0.0.1:6130; }',
        ].join('\n'),
        log: 'timed',
      });
      await startNginx(host);
    },
    healthy: host => answers(host),
    expect: { verdict: 'healthy' },
  }),

  defineScenario({
    name: 'field-supervisor-hand-stop-and-namesake',
    title: 'Somebody stopped one program of supervisord; a unit of the same name stands stopped since long and never served it',
    kind: 'fault',
    fault: 'backend-down',
    setUp: async host => {
      await host.write('/srv/tariff/server.cjs', LISTENS_WHERE_TOLD);
      await nodeApp(host, { name: 'tariff', code: nodeHttp(), listen: '127.0.0.1:7990' });
      await host.systemctl('stop', 'tariff');
      await supervisorProgram(host, { name: 'tariff', command: `${nodeBinary()} /srv/tariff/server.cjs 7901` });
      await startSupervisor(host);
      await waitForListener(host, '127.0.0.1:7901');
      await nginxSite(host, { name: 'tariff', server: 'location / { proxy_pass http://127.0.0.1:7901; }', log: 'timed' });
      await startNginx(host);
    },
    breakIt: async host => {
      await host.run(['supervisorctl', 'stop', 'tariff']);
    },
    expect: { verdict: 'failing', status: 'active', firstConfidence: ['confirmed', 'likely'], subject: { name: 'supervisor program tariff' }, minShare: 0.9 },
    fix: 'first-plan',
  }),
];
