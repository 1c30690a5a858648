import type { LabHost } from '../host.ts';
import { defineScenario } from '../scenario.ts';
import { apacheBackend } from '../servers/apache.ts';
import { haproxy } from '../servers/haproxy.ts';
import { fastcgiPass, nginxSite, reloadNginx, replaceIn, startNginx } from '../servers/nginx.ts';
import { nodeApp, nodeHttp } from '../servers/node.ts';
import { phpFpm } from '../servers/php-fpm.ts';
import { gunicorn, uwsgi, wsgiApp } from '../servers/python.ts';

async function answers(host: LabHost, path = '/'): Promise<void> {
  const { counts } = await host.request({ urls: [`http://127.0.0.1${path}`] });
  if (!counts['200']) throw new Error(JSON.stringify(counts));
}

export default [
  defineScenario({
    name: 'field-http-to-fpm-port',
    title: 'Somebody replaced fastcgi_pass by proxy_pass towards php-fpm on TCP; another program speaks HTTP on the next port',
    kind: 'fault',
    fault: 'protocol-mismatch',
    setUp: async host => {
      await phpFpm(host, { pool: 'intra', listen: '127.0.0.1:9071', root: '/srv/intra', files: { 'index.php': 'intra' } });
      await nodeApp(host, { name: 'metrics', code: nodeHttp(), listen: '127.0.0.1:9072' });
      await nginxSite(host, { name: 'intra', log: 'timed', server: fastcgiPass('127.0.0.1:9071', '/srv/intra') });
      await startNginx(host);
    },
    breakIt: async host => {
      await nginxSite(host, { name: 'intra', log: 'timed', server: 'location / { proxy_pass http://127.0.0.1:9071; }' });
      await reloadNginx(host);
    },
    expect: {
      verdict: 'failing',
      firstConfidence: ['confirmed', 'likely'],
      status: 'active',
      minShare: 0.9,
      notFindings: ['backend-crashing', 'backend-down', 'worker-killed-by-timeout', 'backend-oom-killed'],
    },
  }),

  defineScenario({
    name: 'field-http-to-uwsgi-socket',
    title: 'uWSGI speaks its own protocol on the socket and nginx sends HTTP',
    kind: 'fault',
    fault: 'protocol-mismatch',
    setUp: async host => {
      await uwsgi(host, { name: 'survey', code: wsgiApp(), bind: 'unix:/run/survey/http.sock', protocol: 'http-socket' });
      await nginxSite(host, { name: 'survey', server: 'location / { proxy_pass http://unix:/run/survey/http.sock; }' });
      await startNginx(host);
    },
    breakIt: async host => {
      await replaceIn(host, '/etc/uwsgi/apps-available/survey.ini', 'http-socket', 'socket');
      await host.restart('survey');
      await host.until('the socket', async () => (await host.exec(['test', '-S', '/run/survey/http.sock'])).code === 0);
    },
    expect: {
      verdict: 'failing',
      firstConfidence: ['confirmed', 'likely'],
      status: 'active',
      minShare: 0.9,
      notFindings: ['backend-crashing', 'backend-down', 'backend-hung'],
    },
  }),

  defineScenario({
    name: 'field-fastcgi-to-http',
    title: 'fastcgi_pass leads to Apache, which speaks HTTP',
    kind: 'fault',
    fault: 'protocol-mismatch',
    setUp: async host => {
      await apacheBackend(host, { listen: '127.0.0.1:8310' });
      await nginxSite(host, { name: 'old', server: 'location / { proxy_pass http://127.0.0.1:8310; }' });
      await startNginx(host);
    },
    breakIt: async host => {
      await nginxSite(host, { name: 'old', server: 'location / { include fastcgi_params; fastcgi_pass 127.0.0.1:8310; }' });
      await reloadNginx(host);
    },
    expect: {
      verdict: 'failing',
      firstConfidence: ['confirmed', 'likely'],
      status: 'active',
      minShare: 0.9,
      notFindings: ['backend-crashing', 'backend-down'],
    },
  }),

  defineScenario({
    name: 'field-https-to-plain-apache',
    title: 'proxy_pass says https and Apache answers plain HTTP; clients spoil handshakes on the public side as well',
    kind: 'fault',
    fault: 'tls-to-plaintext',
    setUp: async host => {
      await apacheBackend(host, { listen: '127.0.0.1:8881' });
      await nginxSite(host, {
        name: 'www',
        http: 'upstream apache_back { server 127.0.0.1:8881; }',
        server: 'location / { proxy_pass http://apache_back; proxy_ssl_verify off; }',
        logs: 'own',
      });
      await startNginx(host);
    },
    breakIt: async host => {
      await replaceIn(host, '/etc/nginx/sites-enabled/www.conf', 'http://apache_back', 'https://apache_back');
      await reloadNginx(host);
    },
    expect: {
      verdict: 'failing',
      firstConfidence: ['confirmed', 'likely'],
      status: 'active',
      minShare: 0.9,
      notFindings: ['backend-crashing', 'backend-down', 'protocol-mismatch'],
    },
  }),

  defineScenario({
    name: 'field-login-sets-large-cookies',
    title: 'Only /login answers with more header than the buffer holds; two workers, two peers',
    kind: 'fault',
    fault: 'response-header-too-big',
    url: 'http://127.0.0.1/login',
    healthy: host => answers(host),
    traffic: { urls: ['http://127.0.0.1/', 'http://127.0.0.1/login', 'http://127.0.0.1/', 'http://127.0.0.1/about'], rps: 8 },
    setUp: async host => {
      const code = nodeHttp(
        "if (request.url === '/login') response.setHeader('set-cookie', Array.from({ length: 12 }, (_, i) => `part${i}=${'z'.repeat(900)}`)); response.end('page');",
      );
      await nodeApp(host, { name: 'sso', code, listen: '127.0.0.1:4180' });
      await nginxSite(host, { name: 'sso', log: 'timed', server: 'location / { proxy_pass http://127.0.0.1:4180; }' });
      await startNginx(host);
    },
    trafficMs: 2500,
    expect: {
      verdict: 'failing',
      firstConfidence: ['confirmed', 'likely'],
      status: 'active',
      minShare: 0.9,
      notFindings: ['no-live-upstreams', 'backend-crashing'],
    },
  }),

  defineScenario({
    name: 'field-php-debug-headers',
    title: 'PHP sends debugging headers beyond fastcgi_buffer_size on a pretty URL',
    kind: 'fault',
    fault: 'response-header-too-big',
    url: 'http://127.0.0.1/shop/basket?step=2',
    healthy: host => answers(host),
    setUp: async host => {
      await phpFpm(host, {
        pool: 'shop',
        listen: '/run/php/shop.sock',
        root: '/srv/shop/web',
        files: {
          'index.php':
            '<?php if (str_contains($_SERVER["REQUEST_URI"], "basket")) for ($i = 0; $i < 8; $i++) header("X-Debug-$i: " . str_repeat("q", 1500)); echo "ok";',
        },
      });
      await nginxSite(host, {
        name: 'shop',
        server: `fastcgi_buffer_size 4k;\nfastcgi_buffers 8 4k;\n${fastcgiPass('unix:/run/php/shop.sock', '/srv/shop/web')}`,
      });
      await startNginx(host);
    },
    expect: {
      verdict: 'failing',
      firstConfidence: ['confirmed', 'likely'],
      status: 'active',
      minShare: 0.9,
      notFindings: ['backend-crashing', 'worker-killed-by-timeout'],
    },
  }),

  defineScenario({
    name: 'field-app-in-maintenance',
    title: 'The application itself answers 503; the format shows upstream_status in JSON',
    kind: 'fault',
    fault: 'app-returned-5xx',
    fails: 503,
    setUp: async host => {
      await nodeApp(host, {
        name: 'vod',
        code: nodeHttp("if (require('node:fs').existsSync('/srv/vod/down')) response.statusCode = 503; response.end('later');"),
        listen: '127.0.0.1:5150',
      });
      await host.write(
        '/etc/nginx/conf.d/vod.conf',
        `log_format j escape=json '{"t":"$msec","s":"$status","us":"$upstream_status","ua":"$upstream_addr","uh":"$upstream_header_time","u":"$request_uri"}';
server { listen 80; access_log /var/log/nginx/vod.json j; location / { proxy_pass http://127.0.0.1:5150; } }
`,
      );
      await startNginx(host);
    },
    breakIt: host => host.write('/srv/vod/down', ''),
    expect: {
      verdict: 'failing',
      firstConfidence: ['confirmed', 'likely'],
      status: 'active',
      minShare: 0.9,
      notFindings: ['backend-down', 'backend-hung', 'no-live-upstreams'],
    },
    repair: async host => {
      await host.run(['rm', '/srv/vod/down']);
    },
  }),

  defineScenario({
    name: 'field-app-502-combined-log',
    title: 'The application answers 502 because its own API is away; the combined format cannot say who made it',
    kind: 'fault',
    fault: 'app-returned-5xx',
    setUp: async host => {
      await gunicorn(host, { name: 'bff', code: wsgiApp(), bind: '127.0.0.1:8505' });
      await nginxSite(host, { name: 'bff', server: 'location / { proxy_pass http://127.0.0.1:8505; }' });
      await startNginx(host);
    },
    url: 'http://127.0.0.1/status?c=502',
    healthy: host => answers(host),
    expect: {
      verdict: ['failing', 'inconclusive'],
      firstConfidence: ['likely', 'possible', 'confirmed'],
      notFindings: ['backend-down', 'backend-crashing', 'backend-hung'],
    },
  }),

  defineScenario({
    name: 'field-haproxy-has-no-server',
    title: 'nginx hands to HAProxy, whose only server is away: HAProxy answers 503',
    kind: 'fault',
    fault: 'app-returned-5xx',
    fails: 503,
    setUp: async host => {
      await gunicorn(host, { name: 'inner', code: wsgiApp(), bind: '127.0.0.1:8700' });
      // HAProxy waits a second before each of three retries.
      await haproxy(host, { listen: '127.0.0.1:8600', servers: ['127.0.0.1:8700'], options: '  retries 0\n' });
      await nginxSite(host, { name: 'edge', log: 'timed', server: 'location / { proxy_pass http://127.0.0.1:8600; }' });
      await startNginx(host);
    },
    breakIt: host => host.systemctl('stop', 'inner'),
    expect: {
      verdict: 'failing',
      firstConfidence: ['confirmed', 'likely'],
      status: 'active',
      minShare: 0.9,
      notFindings: ['backend-hung', 'no-live-upstreams'],
    },
    repair: host => host.start('inner'),
  }),
];
