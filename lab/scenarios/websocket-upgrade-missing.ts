import type { LabHost } from '../host.ts';
import { defineScenario } from '../scenario.ts';
import { nginxSite, reloadNginx, replaceIn, startNginx } from '../servers/nginx.ts';
import { nodeApp, nodeHttp } from '../servers/node.ts';
import { expectSocket, nodeSocket, openingHeaders, uvicornSocket } from '../servers/websocket.ts';

const forwarded = `proxy_http_version 1.1;
proxy_set_header Upgrade $http_upgrade;
proxy_set_header Connection "upgrade";`;
const map = `map $http_upgrade $connection_upgrade {
    default upgrade;
    '' close;
}`;
const asSocket = { headers: openingHeaders } as const;
const idleHandshake = ['GET /live/9 HTTP/1.1', 'Host: a', ...Object.entries(openingHeaders).map(([name, value]) => `${name}: ${value}`), '', ''].join('\\r\\n');
const opens = (url: string) => (host: LabHost) => expectSocket(host, url);

export default [
  defineScenario({
    name: 'websocket-upgrade-missing',
    title: 'The lines that pass the upgrade on were lost when the location was written anew; the server of WebSockets answers 426',
    kind: 'fault',
    fault: 'websocket-upgrade-missing',
    url: 'http://127.0.0.1/ticker?room=7',
    fails: 426,
    traffic: asSocket,
    setUp: async host => {
      await nodeApp(host, { name: 'ticker', code: nodeSocket(), listen: '127.0.0.1:9310' });
      await nodeApp(host, { name: 'pages', code: nodeHttp(), listen: '127.0.0.1:9311' });
      const site = await nginxSite(host, {
        name: 'ticker',
        server: `location / { proxy_pass http://127.0.0.1:9311; }
location /ticker {
    proxy_pass http://127.0.0.1:9310;
${forwarded}
    proxy_set_header Host $host;
}`,
      });
      await host.run(['test', '-f', site]);
      await startNginx(host);
    },
    healthy: opens('http://127.0.0.1/ticker?room=7'),
    breakIt: async host => {
      await replaceIn(
        host,
        '/etc/nginx/sites-enabled/ticker.conf',
        forwarded
          .split('\n')
          .map(line => `    ${line}\n`)
          .join(''),
        '',
      );
      await reloadNginx(host);
    },
    expect: {
      verdict: 'failing',
      firstConfidence: 'confirmed',
      status: 'active',
      minShare: 0.9,
      evidence: ['status 101', 'WebSocket taken', '/ticker', 'HTTP, status 426'],
      check: report => (report.findings[0]?.explanation.includes('without the header Upgrade') === true ? [] : ['does not say what is missing']),
    },
    fix: 'first-plan',
  }),
  defineScenario({
    name: 'websocket-upgrade-missing-own-headers',
    title: 'The server passes the upgrade on, and one location has a header of its own and so inherits none of it',
    kind: 'fault',
    fault: 'websocket-upgrade-missing',
    url: 'http://127.0.0.1:8090/api/feed/42',
    fails: 400,
    traffic: asSocket,
    setUp: async host => {
      await nodeApp(host, {
        name: 'feed',
        code: nodeSocket({
          handler: "if (request.url.startsWith('/api/feed')) { response.statusCode = 400; response.end('Bad Request'); } else response.end('ok');",
        }),
        listen: 'unix:/run/feed/feed.sock',
      });
      await nginxSite(host, {
        name: 'feed',
        listen: '8090',
        log: 'timed',
        logs: 'own',
        http: `${map}
upstream feed { server unix:/run/feed/feed.sock; keepalive 4; }`,
        server: `proxy_http_version 1.1;
proxy_set_header Host $host;
proxy_set_header Upgrade $http_upgrade;
proxy_set_header Connection $connection_upgrade;
location / { proxy_pass http://feed; }
location /api/feed/ {
    proxy_pass http://feed;
}`,
      });
      await startNginx(host);
    },
    healthy: opens('http://127.0.0.1:8090/api/feed/42'),
    breakIt: async host => {
      await replaceIn(
        host,
        '/etc/nginx/sites-enabled/feed.conf',
        'location /api/feed/ {\n',
        'location /api/feed/ {\n        proxy_set_header X-Real-IP $remote_addr;\n',
      );
      await reloadNginx(host);
    },
    symptom: async host => {
      const { counts } = await host.request({ urls: ['http://127.0.0.1:8090/api/feed/42'], ...asSocket });
      if (counts['400'] !== 1) throw new Error(JSON.stringify(counts));
    },
    expect: {
      verdict: 'failing',
      firstConfidence: ['confirmed', 'likely'],
      status: 'active',
      evidence: ['proxy_set_header X-Real-IP', 'proxy_set_header Upgrade $http_upgrade'],
      check: report =>
        report.findings[0]?.explanation.includes('lines of its own (/etc/nginx/sites-enabled/feed.conf:') === true
          ? []
          : ['does not say why the lines are lost'],
    },
    fix: 'first-plan',
  }),
  defineScenario({
    name: 'websocket-upgrade-missing-closes',
    title: 'A backend closes the connection on which an upgrade reaches it as a plain request: 502',
    kind: 'fault',
    fault: 'websocket-upgrade-missing',
    url: 'http://127.0.0.1/ws/room',
    traffic: asSocket,
    setUp: async host => {
      await nodeApp(host, {
        name: 'room',
        code: nodeSocket({ path: '/ws/room', handler: "if (request.url.startsWith('/ws/')) request.socket.destroy(); else response.end('ok');" }),
        listen: '127.0.0.1:3456',
      });
      await nginxSite(host, { name: 'room', server: `location / {\n    proxy_pass http://127.0.0.1:3456;\n    proxy_set_header Host $host;\n${forwarded}\n}` });
      await startNginx(host);
    },
    healthy: opens('http://127.0.0.1/ws/room'),
    breakIt: async host => {
      await replaceIn(host, '/etc/nginx/sites-enabled/room.conf', 'proxy_set_header Upgrade $http_upgrade;', '');
      await reloadNginx(host);
    },
    expect: { verdict: 'failing', firstConfidence: 'confirmed', status: 'active', minShare: 0.9, evidence: ['prematurely closed', 'WebSocket taken'] },
    fix: 'first-plan',
  }),
  defineScenario({
    name: 'websocket-upgrade-missing-uvicorn',
    title: 'uvicorn knows the path for WebSockets alone and answers plain requests with 404; pages beside it work',
    kind: 'fault',
    fault: 'websocket-upgrade-missing',
    url: 'http://127.0.0.1:8088/ws',
    fails: 404,
    traffic: asSocket,
    setUp: async host => {
      await uvicornSocket(host, { name: 'board', port: 8010, path: '/ws' });
      await nginxSite(host, {
        name: 'board',
        listen: '8088',
        log: 'timed',
        http: `${map}\nupstream board { server 127.0.0.1:8010; }`,
        server: `location / {
    proxy_pass http://board;
    proxy_set_header Host $host;
    proxy_http_version 1.1;
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection $connection_upgrade;
}`,
      });
      await startNginx(host);
    },
    healthy: async host => {
      await expectSocket(host, 'http://127.0.0.1:8088/ws');
      const { counts } = await host.request({ urls: ['http://127.0.0.1:8088/'], count: 3 });
      if (counts['200'] !== 3) throw new Error(JSON.stringify(counts));
    },
    breakIt: async host => {
      await replaceIn(host, '/etc/nginx/sites-enabled/board.conf', 'Connection $connection_upgrade', 'Connection ""');
      await reloadNginx(host);
    },
    expect: { verdict: 'failing', firstConfidence: 'confirmed', status: 'active', minShare: 0.9 },
    fix: 'first-plan',
  }),
  defineScenario({
    name: 'websocket-upgrade-missing-old-http',
    title: 'Both headers are passed on, in HTTP/1.0, in which a server that keeps to the RFC opens no WebSocket',
    kind: 'fault',
    fault: 'websocket-upgrade-missing',
    url: 'http://127.0.0.1/board/stream',
    fails: 400,
    traffic: asSocket,
    setUp: async host => {
      const only = { when: "request.httpVersion === '1.1'", otherwise: '400 Bad Request' };
      await nodeApp(host, { name: 'board', code: nodeSocket({ path: '/stream', only }), listen: '127.0.0.1:8411' });
      await nginxSite(host, {
        name: 'board',
        serverName: 'board.example',
        server: `location / { return 204; }
location /board/ {
    proxy_pass http://127.0.0.1:8411/;
    proxy_http_version 1.1;
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection "upgrade";
}`,
      });
      await startNginx(host);
    },
    healthy: opens('http://127.0.0.1/board/stream'),
    breakIt: async host => {
      await replaceIn(host, '/etc/nginx/sites-enabled/board.conf', 'proxy_http_version 1.1;', 'proxy_http_version 1.0;');
      await reloadNginx(host);
    },
    symptom: async host => {
      const { counts } = await host.request({ urls: ['http://127.0.0.1/board/stream'], ...asSocket });
      if (counts['101'] === 1) throw new Error('it still opens');
    },
    expect: { verdict: 'failing', firstConfidence: 'confirmed', status: 'active', evidence: ['proxy_http_version 1.0;'] },
    fix: 'first-plan',
  }),
  defineScenario({
    name: 'websocket-upgrade-missing-inner-proxy',
    title: 'The outer of two nginx servers passes the upgrade on, and the inner one does not',
    kind: 'fault',
    fault: 'websocket-upgrade-missing',
    url: 'http://127.0.0.1/ws',
    fails: 426,
    traffic: asSocket,
    setUp: async host => {
      await nodeApp(host, { name: 'ticker', code: nodeSocket(), listen: '127.0.0.1:9320' });
      const [outer, inner] = ['http://127.0.0.1:8081', 'http://127.0.0.1:9320'].map(target => `location / {\n    proxy_pass ${target};\n${forwarded}\n}`);
      await nginxSite(host, { name: 'edge', log: 'timed', server: outer ?? '' });
      await nginxSite(host, { name: 'inner', listen: '127.0.0.1:8081', serverName: 'inner.example', log: 'timed', server: inner ?? '' });
      await startNginx(host);
    },
    healthy: opens('http://127.0.0.1/ws'),
    breakIt: async host => {
      await replaceIn(host, '/etc/nginx/sites-enabled/inner.conf', 'proxy_set_header Connection "upgrade";', '');
      await reloadNginx(host);
    },
    expect: {
      verdict: 'failing',
      firstConfidence: 'confirmed',
      status: 'active',
      check: report =>
        report.findings[0]?.explanation.includes('/etc/nginx/sites-enabled/inner.conf:') === true
          ? []
          : [`names another place: ${report.findings[0]?.explanation ?? ''}`],
    },
    fix: 'first-plan',
  }),
  defineScenario({
    name: 'websocket-upgrade-missing-twin-app-fails',
    title: 'The upgrade is passed on, and the application answers 500 to it',
    kind: 'twin',
    fault: 'app-returned-5xx',
    twinOf: 'websocket-upgrade-missing',
    url: 'http://127.0.0.1/ws',
    fails: 500,
    traffic: asSocket,
    setUp: async host => {
      const handler = "response.statusCode = 500; response.end('no')";
      const only = { when: "!require('node:fs').existsSync('/tmp/broken')", otherwise: '500 Internal Server Error' };
      await nodeApp(host, { name: 'room', code: nodeSocket({ handler, only }), listen: '127.0.0.1:3457' });
      await nginxSite(host, { name: 'room', log: 'timed', server: `location / {\n    proxy_pass http://127.0.0.1:3457;\n${forwarded}\n}` });
      await startNginx(host);
    },
    healthy: opens('http://127.0.0.1/ws'),
    breakIt: host => host.write('/tmp/broken', ''),
    expect: { verdict: 'failing', status: 'active' },
  }),
  defineScenario({
    name: 'websocket-upgrade-missing-twin-down',
    title: 'Nothing passes the upgrade on, and requests fail because the server of WebSockets is stopped',
    kind: 'twin',
    fault: 'backend-down',
    twinOf: 'websocket-upgrade-missing',
    url: 'http://127.0.0.1/ws',
    traffic: asSocket,
    setUp: async host => {
      await nodeApp(host, { name: 'room', code: nodeSocket(), listen: '127.0.0.1:3458' });
      await nginxSite(host, { name: 'room', server: 'location /ws { proxy_pass http://127.0.0.1:3458; }' });
      await startNginx(host);
    },
    healthy: async () => {},
    breakIt: host => host.systemctl('stop', 'room'),
    expect: { verdict: 'failing', firstConfidence: 'confirmed', status: 'active' },
  }),
  defineScenario({
    name: 'healthy-websockets',
    title: 'WebSockets open, end by a timeout, are refused for their Origin; an API refuses bad requests, and scanners knock',
    kind: 'healthy',
    url: 'http://127.0.0.1/',
    setUp: async host => {
      // It takes WebSockets on any path, as a library does that is given the whole server.
      const handler =
        "if (request.url.startsWith('/api/')) { response.statusCode = 400; response.end('q is missing'); } else if (request.url === '/') response.end('ok'); else { response.statusCode = 404; response.end('no'); }";
      const only = { when: "request.headers.origin === undefined || request.headers.origin === 'http://site.example'", otherwise: '403 Forbidden' };
      await nodeApp(host, { name: 'site', code: nodeSocket({ handler, only }), listen: '127.0.0.1:5300' });
      // An application of phones that are too old is asked to be upgraded, which is no upgrade of a connection.
      await nodeApp(host, {
        name: 'mobile',
        code: nodeHttp("response.statusCode = request.headers['x-app'] === '1' ? 426 : 200; response.end('{}');"),
        listen: '127.0.0.1:5301',
      });
      await nginxSite(host, {
        name: 'site',
        log: 'timed',
        http: map,
        server: `location / { proxy_pass http://127.0.0.1:5300; }
location /mobile/ { proxy_pass http://127.0.0.1:5301; }
location /live/ {
    proxy_pass http://127.0.0.1:5300;
    proxy_read_timeout 1s;
    proxy_http_version 1.1;
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection $connection_upgrade;
}`,
      });
      await startNginx(host);
    },
    healthy: opens('http://127.0.0.1/live/1'),
    breakIt: async host => {
      const at = (path: string): string => `http://127.0.0.1${path}`;
      await Promise.all([
        host.request({ urls: [at('/live/1'), at('/live/2')], headers: openingHeaders, count: 20 }),
        host.request({ urls: [at('/live/3')], headers: { ...openingHeaders, origin: 'http://evil.example' }, count: 12 }),
        host.request({ urls: [at('/live/3')], headers: { ...openingHeaders, 'sec-websocket-version': '8' }, count: 12 }),
        host.request({ urls: [at('/api/orders'), at('/api/chat/rooms'), at('/ws'), at('/wp-login.php')], count: 60 }),
        // Left open and silent, until proxy_read_timeout ends it.
        host.run(['bash', '-c', `exec 3<>/dev/tcp/127.0.0.1/80; printf '${idleHandshake}' >&3; cat <&3 | grep -a 101`]),
        host.request({ urls: [at('/mobile/v1/sync')], headers: { 'x-app': '1' }, count: 30 }),
      ]);
    },
    expect: { verdict: 'healthy', exitCode: 0, notFindings: ['websocket-upgrade-missing'] },
  }),
];
