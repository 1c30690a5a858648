import { nodeBinary } from '../host.ts';
import { defineScenario } from '../scenario.ts';
import { apacheBackend } from '../servers/apache.ts';
import { waitForListener } from '../servers/listening.ts';
import { nginxSite, startNginx } from '../servers/nginx.ts';
import { nodeApp, nodeHttp } from '../servers/node.ts';
import { gunicorn, uwsgi, wsgiApp } from '../servers/python.ts';
import { enable, startUnit } from '../servers/unit.ts';

const JSON_FORMAT = `log_format machine escape=json '{"ts":"$time_iso8601","ip":"$remote_addr","req":"$request","status":$status,'
  '"up":"$upstream_addr","up_status":"$upstream_status","up_header":"$upstream_header_time","rt":$request_time,"ua":"$http_user_agent"}';
`;

export default [
  defineScenario({
    name: 'field-one-site-of-three',
    title: 'Three sites with logs below /var/www; the Node unit of one was stopped, and a unit that nobody needs is dead as well',
    kind: 'fault',
    fault: 'backend-down',
    host: { hostname: 'vps-41', timezone: 'America/St_Johns' },
    traffic: {
      urls: ['http://127.0.0.1/', 'http://127.0.0.2/', 'http://127.0.0.3/'],
      rps: 12,
    },
    url: 'http://127.0.0.2/',
    setUp: async host => {
      await host.write('/etc/nginx/conf.d/00-json.conf', JSON_FORMAT);
      await nodeApp(host, { name: 'tickets', code: nodeHttp(), listen: '127.0.0.1:3411', service: { Restart: 'always' } });
      await gunicorn(host, { name: 'wiki', code: wsgiApp('wiki'), bind: 'unix:/run/wiki/gunicorn.sock' });
      await apacheBackend(host, { listen: '127.0.0.1:8181' });
      await startUnit(host, { unit: 'thumbnailer.service', exec: '/bin/sleep 1000' });
      const targets = { landing: 'http://127.0.0.1:8181', tickets: 'http://127.0.0.1:3411', wiki: 'http://unix:/run/wiki/gunicorn.sock' };
      for (const [index, [name, target]] of Object.entries(targets).entries()) {
        await host.run(['mkdir', '-p', `/var/www/${name}/logs`]);
        await host.write(
          `/etc/nginx/sites-enabled/${name}.example`,
          `server {
  listen 127.0.0.${index + 1}:80;
  server_name ${name}.example www.${name}.example;
  access_log /var/www/${name}/logs/access.log machine;
  error_log /var/www/${name}/logs/error.log warn;
  location / {
    # proxy_pass http://127.0.0.1:9999;
    proxy_pass ${target};
    proxy_set_header Host $host;
  }
}
`,
        );
      }
      await startNginx(host);
    },
    breakIt: async host => {
      await host.systemctl('stop', 'thumbnailer', 'tickets');
    },
    expect: { verdict: 'failing', firstConfidence: 'confirmed', status: 'active', minShare: 0.9, notFindings: ['address-mismatch'] },
    repair: host => host.start('tickets'),
  }),

  defineScenario({
    name: 'field-one-instance-of-four',
    title: 'One of four template instances is stopped; nginx tries the next one and users notice nothing',
    kind: 'fault',
    fault: 'backend-down',
    setUp: async host => {
      await host.write('/srv/api/app.py', wsgiApp('api'));
      await host.unitFile(
        'api@.service',
        '[Unit]\nDescription=api on port %i\n\n[Service]\nUser=www-data\nWorkingDirectory=/srv/api\nExecStart=/usr/bin/gunicorn -b 127.0.0.1:%i app:app\nRestart=on-failure\n\n[Install]\nWantedBy=multi-user.target\n',
      );
      const ports = [5301, 5302, 5303, 5304];
      await host.systemctl('enable', '--now', ...ports.map(port => `api@${port}.service`));
      for (const port of ports) await waitForListener(host, `127.0.0.1:${port}`);
      await nginxSite(host, {
        name: 'api',
        log: 'timed',
        listen: '8443',
        http: `upstream api_pool {\n  least_conn;\n${ports.map(port => `  server 127.0.0.1:${port} max_fails=3 fail_timeout=1s;\n`).join('')}}`,
        server: 'location /v1/ { proxy_pass http://api_pool/; proxy_next_upstream error timeout; }\nlocation = /healthz { return 204; }',
      });
      await startNginx(host);
    },
    url: 'http://127.0.0.1:8443/v1/items',
    breakIt: host => host.systemctl('stop', 'api@5303'),
    symptom: async host => {
      if (!(await host.read('/var/log/nginx/access.log')).includes('us=502, 200')) throw new Error('no request was tried twice');
    },
    expect: { firstConfidence: 'confirmed', status: 'active', notFindings: ['no-live-upstreams', 'address-mismatch'] },
    repair: host => host.start('api@5303'),
  }),

  defineScenario({
    name: 'field-node-dies-at-start',
    title: 'Node under Restart=always throws at every start since a deploy removed a file',
    kind: 'fault',
    fault: 'backend-crash-loop',
    setUp: async host => {
      await host.write('/srv/checkout/config.json', '{"currency":"EUR"}');
      await nodeApp(host, {
        name: 'checkout',
        unit: 'shop-checkout.service',
        listen: '127.0.0.1:4455',
        code: `const config = JSON.parse(require('node:fs').readFileSync('/srv/checkout/config.json', 'utf8'));\n${nodeHttp('response.end(config.currency);')}`,
        service: { Restart: 'always', RestartSec: '400ms', StartLimitBurst: '1000', StartLimitIntervalSec: '10' },
      });
      await nginxSite(host, {
        name: 'checkout',
        http: 'upstream node_checkout { server 127.0.0.1:4455; keepalive 8; }',
        server: 'location / { proxy_pass http://node_checkout; }',
      });
      await startNginx(host);
    },
    breakIt: async host => {
      await host.run(['rm', '/srv/checkout/config.json']);
      await host.systemctl('restart', 'shop-checkout');
    },
    trafficMs: 3500,
    expect: {
      verdict: 'failing',
      firstConfidence: ['confirmed', 'likely'],
      status: 'active',
      evidence: [/ENOENT|config\.json/],
      notFindings: ['backend-oom-killed'],
    },
    repair: async host => host.write('/srv/checkout/config.json', '{"currency":"EUR"}'),
  }),

  defineScenario({
    name: 'field-start-limit-hit',
    title: 'gunicorn cannot import its module and systemd has given up',
    kind: 'fault',
    fault: 'backend-crash-loop',
    host: { timezone: 'Asia/Kolkata' },
    setUp: async host => {
      await gunicorn(host, { name: 'crm', code: wsgiApp(), bind: '127.0.0.1:18200', workers: 1, service: { Restart: 'on-failure', RestartSec: '100ms' } });
      await nginxSite(host, { name: 'crm', log: 'timed', server: 'location / { proxy_pass http://127.0.0.1:18200; }' });
      await startNginx(host);
    },
    breakIt: async host => {
      await host.write('/srv/crm/app.py', 'import nosuchmodule\n');
      await host.systemctl('restart', 'crm');
      await host.until('systemd to give up', async () => (await host.exec(['systemctl', 'is-failed', 'crm'])).stdout.startsWith('failed'), 20_000);
    },
    expect: {
      verdict: 'failing',
      firstConfidence: ['confirmed', 'likely'],
      status: 'active',
      minShare: 0.9,
      evidence: [/nosuchmodule|start request repeated|Start request repeated/],
    },
  }),

  defineScenario({
    name: 'field-uwsgi-stopped-signal',
    title: 'uWSGI behind uwsgi_pass was stopped with SIGSTOP: it listens and never answers',
    kind: 'fault',
    fault: 'backend-hung',
    fails: 504,
    setUp: async host => {
      await uwsgi(host, { name: 'ledger', unit: 'uwsgi-ledger.service', code: wsgiApp('ledger'), bind: '127.0.0.1:3939', workers: 3 });
      await host.write(
        '/etc/nginx/conf.d/ledger.conf',
        'server {\n  listen 80 default_server;\n  location / {\n    include uwsgi_params;\n    uwsgi_pass 127.0.0.1:3939;\n    uwsgi_read_timeout 1s;\n  }\n}\n',
      );
      await startNginx(host);
    },
    breakIt: host => host.systemctl('kill', '-s', 'STOP', 'uwsgi-ledger'),
    trafficMs: 2500,
    expect: {
      verdict: 'failing',
      firstConfidence: ['confirmed', 'likely'],
      status: 'active',
      minShare: 0.9,
      notFindings: ['worker-pool-exhausted', 'firewall-drop', 'backend-slower-than-timeout'],
    },
    repair: host => host.systemctl('kill', '-s', 'CONT', 'uwsgi-ledger'),
  }),

  defineScenario({
    name: 'field-node-endless-loop',
    title: 'The event loop of a Node program spins for ever after one request; the queue accepts and nobody answers',
    kind: 'fault',
    fault: 'backend-hung',
    fails: 504,
    setUp: async host => {
      await nodeApp(host, {
        name: 'search',
        code: nodeHttp("if (request.url === '/regex') for (;;); response.end('found\\n');"),
        listen: 'unix:/run/search/node.sock',
        service: { UMask: '0000' },
      });
      await nginxSite(host, {
        name: 'search',
        log: 'timed',
        http: 'upstream finder { server unix:/run/search/node.sock; }',
        server: 'proxy_read_timeout 1s;\nlocation / { proxy_pass http://finder; }',
      });
      await startNginx(host);
    },
    breakIt: async host => {
      await host.request({ urls: ['http://127.0.0.1/regex'], timeoutMs: 600 });
    },
    trafficMs: 1800,
    expect: { verdict: 'failing', firstConfidence: ['confirmed', 'likely'], status: 'active', minShare: 0.9, notFindings: ['firewall-drop', 'backend-down'] },
    repair: host => host.restart('search'),
  }),

  defineScenario({
    name: 'field-no-traffic-at-all',
    title: 'At night nobody asks: the unit is stopped and no line is in any log',
    kind: 'fault',
    fault: 'backend-down',
    traffic: false,
    trafficMs: 50,
    setUp: async host => {
      await startUnit(host, {
        unit: 'intranet-web.service',
        user: 'nobody',
        exec: `${nodeBinary()} -e "require('http').createServer((q,r)=>r.end('ok')).listen(6080,'127.0.0.1')"`,
      });
      await waitForListener(host, '127.0.0.1:6080');
      await nginxSite(host, { name: 'intranet', listen: '8000', server: 'location / { proxy_pass http://127.0.0.1:6080; }' });
      await startNginx(host);
    },
    healthy: () => Promise.resolve(),
    breakIt: host => host.systemctl('stop', 'intranet-web'),
    symptom: async host => {
      if ((await host.read('/var/log/nginx/error.log')).includes('[error]')) throw new Error('somebody asked');
    },
    expect: { verdict: ['failing', 'at-risk'], firstConfidence: ['confirmed', 'likely'] },
  }),

  defineScenario({
    name: 'field-custom-prefix',
    title: 'An nginx of its own prefix below /opt, with logs below /srv and error_log crit, has lost its backend',
    kind: 'fault',
    fault: 'backend-down',
    url: 'http://127.0.0.1:7788/',
    setUp: async host => {
      await gunicorn(host, { name: 'portal', code: wsgiApp(), bind: '127.0.0.1:41000' });
      await host.shell('mkdir -p /opt/edge/conf /srv/logs/edge; rm -rf /var/log/nginx/*');
      await host.write(
        '/opt/edge/conf/edge.conf',
        `worker_processes 1;
pid /run/edge.pid;
error_log /srv/logs/edge/error.log crit;
events { worker_connections 256; }
http {
  log_format up '$time_local|$status|$request|$upstream_addr|$upstream_status|$upstream_header_time|$upstream_connect_time';
  access_log /srv/logs/edge/requests.log up;
  upstream portal { server 127.0.0.1:41000; }
  server { listen 7788; location / { proxy_pass http://portal; } }
}
`,
      );
      await startUnit(host, { unit: 'edge.service', user: 'root', exec: '/usr/sbin/nginx -c /opt/edge/conf/edge.conf -g "daemon off;"' });
      await waitForListener(host, '7788');
      await host.run(['true']);
    },
    breakIt: host => host.systemctl('stop', 'portal'),
    expect: { verdict: 'failing', firstConfidence: ['confirmed', 'likely'], status: 'active', notFindings: ['nginx-down'] },
    repair: host => host.start('portal'),
  }),

  defineScenario({
    name: 'field-hidden-by-error-page',
    title: 'error_page answers 200 with a friendly page for every 502, so no client sees a failure',
    kind: 'fault',
    fault: 'backend-down',
    setUp: async host => {
      await apacheBackend(host, { listen: '127.0.0.1:9180' });
      await host.write('/var/www/errors/sorry.html', 'We are right back.\n');
      await nginxSite(host, {
        name: 'magazine',
        server:
          'error_page 502 504 =200 /sorry.html;\nlocation = /sorry.html { root /var/www/errors; internal; }\nlocation / { proxy_pass http://127.0.0.1:9180; }',
      });
      await startNginx(host);
      await enable(host, 'nginx.service');
    },
    breakIt: host => host.systemctl('stop', 'apache2'),
    symptom: async host => {
      const { responses } = await host.request({ urls: ['http://127.0.0.1/'] });
      if (!responses[0]?.body.includes('right back')) throw new Error('no friendly page');
    },
    // Where Apache listens stands in files that badhop does not read: the name of the unit and the time of its end are all there is.
    expect: { verdict: 'failing', firstConfidence: 'confirmed', status: 'active', subject: { id: 'unit:apache2.service' } },
    repair: host => host.start('apache2'),
  }),

  defineScenario({
    name: 'field-seen-by-nobody',
    title: 'The same stopped unit as seen by a user without any rights',
    kind: 'fault',
    fault: 'backend-down',
    runAs: 'nobody',
    setUp: async host => {
      await gunicorn(host, { name: 'mailer', code: wsgiApp(), bind: 'unix:/run/mailer/web.sock', user: 'daemon' });
      await nginxSite(host, { name: 'mailer', server: 'location / { proxy_pass http://unix:/run/mailer/web.sock:/; }' });
      await startNginx(host);
    },
    breakIt: host => host.systemctl('stop', 'mailer'),
    expect: { verdict: ['failing', 'inconclusive'], firstConfidence: ['likely', 'possible', 'confirmed'], notChecked: [/root/] },
  }),
];
