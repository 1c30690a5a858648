import type { LabHost } from '../host.ts';
import { nodeBinary } from '../host.ts';
import { defineScenario } from '../scenario.ts';
import { haproxy } from '../servers/haproxy.ts';
import { waitForListener } from '../servers/listening.ts';
import { nameServer } from '../servers/names.ts';
import { nginxSite, reloadNginx, startNginx } from '../servers/nginx.ts';
import { nodeApp, nodeHttp } from '../servers/node.ts';
import { gunicorn, wsgiApp } from '../servers/python.ts';
import { startSupervisor, supervisorProgram } from '../servers/supervisor.ts';
import { startUnit } from '../servers/unit.ts';

const JSON_LOG = `log_format facts escape=json '{"at":"$time_iso8601","request":"$request","code":"$status","via":"$upstream_addr","said":"$upstream_status","took":"$request_time"}';
`;

/** A unit that nobody asks and that has been failing all day. */
async function unitInALoop(host: LabHost, name: string): Promise<void> {
  await host.unitFile(
    `${name}.service`,
    '[Unit]\nStartLimitIntervalSec=0\n[Service]\nExecStart=/bin/sh -c "echo cannot open the queue >&2; exit 1"\nRestart=always\nRestartSec=300ms\n',
  );
  await host.systemctl('start', '--no-block', name);
}

/** A nginx of its own, with its configuration, logs and pid file below one folder, under a unit of its own. */
async function ownNginx(host: LabHost, folder: string, http: string): Promise<void> {
  await host.write(
    `${folder}/conf/nginx.conf`,
    `user www-data;\nworker_processes 1;\npid ${folder}/run/nginx.pid;\nerror_log logs/trouble.log;\nevents { worker_connections 256; }\nhttp {\n${http}\n}\n`,
  );
  await host.shell('mkdir -p "$1/run" "$1/logs"', [folder]);
  await startUnit(host, {
    unit: 'edge.service',
    user: 'root',
    exec: `/usr/sbin/nginx -p ${folder} -c conf/nginx.conf -g "daemon off;"`,
    service: { KillMode: 'mixed' },
  });
}

export default [
  defineScenario({
    name: 'field-blind-maintenance-flag',
    title: 'Somebody switched the maintenance page on, which is a 503 by intent; the program behind it is well',
    kind: 'healthy',
    setUp: async host => {
      await nodeApp(host, { name: 'kiosk', code: nodeHttp(), listen: '127.0.0.1:5181' });
      await nginxSite(host, {
        name: 'kiosk',
        server: `error_page 503 @maintenance;
location / {
    if (-f /srv/kiosk/maintenance.on) { return 503; }
    proxy_pass http://127.0.0.1:5181;
}
location @maintenance { default_type text/html; return 503 "<h1>Back at six</h1>"; }`,
        log: 'timed',
      });
      await startNginx(host);
    },
    breakIt: host => host.write('/srv/kiosk/maintenance.on', ''),
    symptom: async host => {
      const { counts } = await host.request({ urls: ['http://127.0.0.1/'] });
      if (!counts['503']) throw new Error(JSON.stringify(counts));
    },
    expect: { verdict: ['healthy', 'inconclusive', 'failing'] },
  }),

  defineScenario({
    name: 'field-blind-check-of-haproxy',
    title: 'HAProxy asks a path for its health checks that the new release no longer has; the program serves, HAProxy answers 503',
    kind: 'fault',
    fault: 'app-returned-5xx',
    fails: 503,
    setUp: async host => {
      await unitInALoop(host, 'exports');
      const code = nodeHttp(
        "const gone = require('node:fs').existsSync('/srv/plans/new') && request.url === '/ping'; response.statusCode = gone ? 404 : 200; response.end('plans\\n');",
      );
      await nodeApp(host, { name: 'plans', code, listen: '127.0.0.1:5301' });
      await haproxy(host, { listen: '127.0.0.1:5300', servers: ['127.0.0.1:5301 check inter 200ms fall 2 rise 2'], options: '  option httpchk GET /ping\n' });
      await nginxSite(host, { name: 'plans', server: 'location / { proxy_pass http://127.0.0.1:5300; }', log: 'timed' });
      await startNginx(host);
    },
    breakIt: async host => {
      await host.write('/srv/plans/new', '');
      await host.shell('sleep 1');
    },
    expect: { verdict: 'failing', status: 'active', minShare: 0.9, notFindings: ['backend-down', 'backend-crash-loop', 'backend-hung'] },
  }),

  defineScenario({
    name: 'field-blind-mirror-is-dead',
    title: 'Each request is mirrored to a staging program that is dead, which no user notices; one report is slower than its limit',
    kind: 'fault',
    fault: 'backend-slower-than-timeout',
    url: 'http://127.0.0.1/report',
    fails: 504,
    traffic: { urls: ['http://127.0.0.1/', 'http://127.0.0.1/', 'http://127.0.0.1/', 'http://127.0.0.1/report'], rps: 12 },
    trafficMs: 3000,
    setUp: async host => {
      const code = nodeHttp(
        "const late = request.url === '/report' && require('node:fs').existsSync('/srv/bureau/big') ? 1800 : 0; setTimeout(() => response.end('bureau\\n'), late);",
      );
      await nodeApp(host, { name: 'bureau', code, listen: '127.0.0.1:5401' });
      await nginxSite(host, {
        name: 'bureau',
        http: JSON_LOG,
        server: `access_log /var/log/nginx/bureau.json facts;
location / { mirror /copy; proxy_pass http://127.0.0.1:5401; proxy_read_timeout 1s; }
location = /copy { internal; proxy_pass http://127.0.0.1:5499$request_uri; }`,
      });
      await startNginx(host);
    },
    breakIt: host => host.write('/srv/bureau/big', ''),
    // The staging program is down in truth; no user is hit by it.
    expect: { verdict: 'failing', status: 'active', findings: [{ fault: 'backend-down', status: 'active' }] },
  }),

  defineScenario({
    name: 'field-blind-mirror-alone-is-dead',
    title: 'The program that gets a copy of each request was stopped; every user gets an answer',
    kind: 'fault',
    fault: 'backend-down',
    setUp: async host => {
      await nodeApp(host, { name: 'front', code: nodeHttp(), listen: '127.0.0.1:5411' });
      await nodeApp(host, { name: 'shadow', code: nodeHttp(), listen: '127.0.0.1:5412' });
      await nginxSite(host, {
        name: 'front',
        server: `location / { mirror /copy; mirror_request_body off; proxy_pass http://127.0.0.1:5411; }
location = /copy { internal; proxy_pass http://127.0.0.1:5412$request_uri; }`,
      });
      await startNginx(host);
    },
    breakIt: host => host.systemctl('stop', 'shadow'),
    symptom: async host => {
      const { counts } = await host.request({ urls: ['http://127.0.0.1/'] });
      if (!counts['200']) throw new Error(JSON.stringify(counts));
    },
    expect: { subject: { name: 'shadow.service' } },
  }),

  defineScenario({
    name: 'field-blind-map-without-default',
    title: 'A map that chooses the program by the name of the site has no line for the newest one; nginx asks nobody and says 500',
    kind: 'healthy',
    setUp: async host => {
      await nodeApp(host, { name: 'tenants', code: nodeHttp(), listen: '127.0.0.1:5501' });
      await nginxSite(host, {
        name: 'tenants',
        http: 'map $arg_tenant $backend { "" 127.0.0.1:5501; acme 127.0.0.1:5501; globex 127.0.0.1:5501; initech ""; }',
        server: 'location / { proxy_pass http://$backend; }',
      });
      await startNginx(host);
    },
    traffic: { urls: ['http://127.0.0.1/?tenant=initech', 'http://127.0.0.1/'], rps: 8 },
    trafficMs: 1500,
    symptom: async host => {
      const { counts } = await host.request({ urls: ['http://127.0.0.1/?tenant=initech'] });
      if (!counts['500']) throw new Error(JSON.stringify(counts));
    },
    expect: { verdict: ['healthy', 'inconclusive', 'failing'] },
  }),

  defineScenario({
    name: 'field-blind-node-turns-away',
    title: 'A Node program closes what exceeds its maxConnections; its pages take long, and nobody dies',
    kind: 'healthy',
    traffic: { rps: 20, concurrency: 40 },
    trafficMs: 2500,
    setUp: async host => {
      const code = nodeHttp(
        "setTimeout(() => response.end('brief\\n'), 900);",
        "server.maxConnections = require('node:fs').existsSync('/srv/briefs/few') ? 3 : 300;",
      );
      await nodeApp(host, { name: 'briefs', code, listen: '127.0.0.1:5601' });
      await nginxSite(host, { name: 'briefs', server: 'location / { proxy_pass http://127.0.0.1:5601; }', log: 'timed' });
      await startNginx(host);
    },
    breakIt: async host => {
      await host.write('/srv/briefs/few', '');
      await host.restart('briefs');
      await waitForListener(host, '127.0.0.1:5601');
    },
    symptom: async host => {
      const { counts } = await host.request({ urls: ['http://127.0.0.1/'], count: 12 });
      if (!counts['502']) throw new Error(JSON.stringify(counts));
    },
    expect: { verdict: 'inconclusive' },
  }),

  defineScenario({
    name: 'field-blind-release-removed',
    title: 'A clean-up removed the release that `current` leads to; the service ran on until its restart, which now finds no program',
    kind: 'fault',
    fault: 'backend-crash-loop',
    setUp: async host => {
      await host.write('/srv/news/releases/41/server', `#!${nodeBinary()}\n${nodeHttp("response.end('news\\n');")}`, { mode: '755' });
      await host.shell('ln -sfn /srv/news/releases/41 /srv/news/current');
      await startUnit(host, {
        unit: 'news-web.service',
        exec: '/srv/news/current/server 127.0.0.1:5710',
        service: { Restart: 'on-failure', RestartSec: '200ms' },
      });
      await waitForListener(host, '127.0.0.1:5710');
      await nginxSite(host, {
        name: 'news',
        http: 'upstream news { server 127.0.0.1:5710; keepalive 8; }',
        server: 'location / { proxy_pass http://news; proxy_http_version 1.1; proxy_set_header Connection ""; }',
      });
      await startNginx(host);
    },
    breakIt: async host => {
      await host.shell('rm -rf /srv/news/releases/41; systemctl restart news-web || true');
    },
    expect: {
      verdict: 'failing',
      status: 'active',
      orFirst: ['backend-down'],
      minShare: 0.9,
      evidence: [/203|EXEC|No such file|current\/server/],
      notFindings: ['address-mismatch'],
    },
  }),

  defineScenario({
    name: 'field-blind-hosts-file-changed',
    title: 'The program moved to another address; /etc/hosts was corrected for it, and nginx goes on with what it read at its start',
    kind: 'fault',
    fault: 'dns-stale-address',
    setUp: async host => {
      await host.shell("printf '127.0.0.21 stock.internal stock\\n' >> /etc/hosts");
      await nodeApp(host, { name: 'stock', code: nodeHttp(), listen: '127.0.0.21:5808' });
      await nginxSite(host, {
        name: 'stock',
        http: 'upstream stock { server stock.internal:5808; }',
        server: 'location / { proxy_pass http://stock; }',
        log: 'timed',
      });
      await startNginx(host);
    },
    breakIt: async host => {
      await nodeApp(host, { name: 'stock', code: nodeHttp(), listen: '127.0.0.22:5808' });
      await host.shell("sed 's/^127.0.0.21 /127.0.0.22 /' /etc/hosts > /etc/hosts.new && cat /etc/hosts.new > /etc/hosts");
    },
    expect: { verdict: 'failing', status: 'active', minShare: 0.9, evidence: [/127\.0\.0\.22/], notFindings: ['address-mismatch'] },
    fix: 'first-plan',
  }),

  defineScenario({
    name: 'field-blind-name-with-two-families',
    title: 'A name has an IPv6 address as well since today, and the program listens on IPv4 alone; nginx tries the other one next',
    kind: 'fault',
    fault: 'localhost-ipv6-mismatch',
    setUp: async host => {
      await host.shell('ip -6 addr add 2001:db8::12/128 dev lo nodad; ip addr add 192.0.2.12/32 dev lo');
      await nameServer(host, { 'seat.internal': '192.0.2.12' });
      await nodeApp(host, { name: 'seat', code: nodeHttp(), listen: '192.0.2.12:5909' });
      await nginxSite(host, {
        name: 'seat',
        server: 'resolver 127.0.0.53 valid=1s;\nset $seat seat.internal;\nlocation / { proxy_pass http://$seat:5909; proxy_next_upstream off; }',
        log: 'timed',
      });
      await startNginx(host);
    },
    breakIt: async host => {
      await nameServer(host, { 'seat.internal': ['192.0.2.12', '2001:db8::12'] });
      await host.shell('sleep 1.2');
    },
    symptom: async host => {
      await host.until('a request at the new address', async () => (await host.request({ urls: ['http://127.0.0.1/'], count: 6 })).counts['502'] !== undefined);
    },
    expect: {
      verdict: 'failing',
      status: 'active',
      orFirst: ['address-mismatch'],
      evidence: [/2001:db8::12/],
      notFindings: ['backend-down', 'firewall-reject', 'dns-stale-address'],
    },
  }),

  defineScenario({
    name: 'field-blind-second-nginx',
    title:
      "Debian's nginx serves its site; a second one below /srv with logs of its own lost a program of supervisord, whose loop of failures is not the only one",
    kind: 'fault',
    fault: 'backend-down',
    url: 'http://127.0.0.1:8088/',
    setUp: async host => {
      await unitInALoop(host, 'reindex');
      await nodeApp(host, { name: 'intranet', code: nodeHttp(), listen: '127.0.0.1:6010' });
      await nginxSite(host, { name: 'intranet', server: 'location / { proxy_pass http://127.0.0.1:6010; }' });
      await startNginx(host);
      await host.write('/srv/wall/server.cjs', nodeHttp("response.end('wall\\n');"));
      await supervisorProgram(host, { name: 'wall', command: `${nodeBinary()} /srv/wall/server.cjs 127.0.0.1:6011` });
      await startSupervisor(host);
      await waitForListener(host, '127.0.0.1:6011');
      await ownNginx(
        host,
        '/srv/edge',
        `${JSON_LOG}access_log logs/all.json facts if=$loud;\nmap $status $loud { default 0; }\ninclude groups/*.conf;\nserver { listen 8088; include sites/wall/*.inc; }`,
      );
    },
    healthy: async host => {
      await host.write(
        '/srv/edge/conf/groups/wall.conf',
        'map $http_x_stage $wall { default wall_live; next wall_next; }\nupstream wall_live { server 127.0.0.1:6011; }\nupstream wall_next { server 127.0.0.1:6012; }\n',
      );
      await host.write('/srv/edge/conf/sites/wall/a.inc', 'location / { proxy_pass http://$wall; }\n');
      await host.restart('edge');
      const isUp = async (): Promise<boolean> => (await host.request({ urls: ['http://127.0.0.1:8088/'] })).counts['200'] === 1;
      await host.until('the wall to answer', isUp);
    },
    breakIt: async host => {
      await host.run(['supervisorctl', 'stop', 'wall']);
    },
    expect: { verdict: 'failing', status: 'active', evidence: [/wall/], notFindings: ['backend-crash-loop', 'nginx-down', 'address-mismatch'] },
    repair: async host => {
      await host.run(['supervisorctl', 'start', 'wall']);
    },
  }),

  defineScenario({
    name: 'field-blind-body-folder-closed',
    title: 'Somebody gave the folder for request bodies to root; small forms pass and larger ones get 500',
    kind: 'fault',
    fault: 'temp-path-permission',
    fails: 500,
    traffic: { rps: 6, method: 'POST', body: 'x'.repeat(60_000) },
    trafficMs: 1500,
    setUp: async host => {
      await nodeApp(host, { name: 'forms', code: nodeHttp("request.resume(); request.on('end', () => response.end('thanks\\n'));"), listen: '127.0.0.1:6101' });
      await nginxSite(host, { name: 'forms', server: 'client_body_buffer_size 8k;\nlocation / { proxy_pass http://127.0.0.1:6101; }', log: 'timed' });
      await startNginx(host);
    },
    breakIt: async host => {
      await host.run(['chown', '-R', 'root:root', '/var/lib/nginx/body']);
    },
    symptom: async host => {
      const { counts } = await host.request({ urls: ['http://127.0.0.1/'], method: 'POST', body: 'x'.repeat(60_000) });
      if (!counts['500']) throw new Error(JSON.stringify(counts));
    },
    expect: { verdict: 'failing', status: 'active', evidence: [/\/var\/lib\/nginx\/body/] },
  }),

  defineScenario({
    name: 'field-blind-stopped-by-a-terminal',
    title: 'A program started by hand was stopped by its terminal (T); a healthy service of the same make runs beside it',
    kind: 'fault',
    fault: 'backend-hung',
    fails: 504,
    setUp: async host => {
      await gunicorn(host, { name: 'wiki', code: wsgiApp('wiki'), bind: '127.0.0.1:6202' });
      await host.write('/srv/labels/app.py', wsgiApp('labels'));
      await host.shell('cd /srv/labels; setsid /usr/bin/gunicorn --bind 127.0.0.1:6201 app:app >/dev/null 2>&1 & echo $! > /run/labels.pid');
      await waitForListener(host, '127.0.0.1:6201');
      await nginxSite(host, {
        name: 'labels',
        server: 'location / { proxy_pass http://127.0.0.1:6201; proxy_read_timeout 1s; }\nlocation /wiki/ { proxy_pass http://127.0.0.1:6202/; }',
        log: 'timed',
      });
      await startNginx(host);
    },
    breakIt: async host => {
      await host.shell('kill -STOP $(pgrep -f "[b]ind 127.0.0.1:6201")');
    },
    trafficMs: 2500,
    expect: { verdict: 'failing', status: 'active', minShare: 0.9, notFindings: ['backend-down', 'worker-pool-exhausted', 'backend-slower-than-timeout'] },
  }),

  defineScenario({
    name: 'field-blind-port-was-taken',
    title: 'After a restart another program had the port first; the one that nginx wants cannot bind and is started again and again',
    kind: 'fault',
    fault: 'backend-crash-loop',
    setUp: async host => {
      await nodeApp(host, { name: 'carts', code: nodeHttp(), listen: '127.0.0.1:6301', service: { Restart: 'always', RestartSec: '300ms' } });
      await host.write(
        '/srv/meter/server.py',
        `import socket, threading
server = socket.socket()
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
server.bind(("127.0.0.1", 6301))
server.listen(32)


def serve(client):
    client.sendall(b"METER 2.1 ready\\r\\n")
    client.recv(4096)
    client.close()


while True:
    threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()
`,
      );
      await nginxSite(host, { name: 'carts', server: 'location / { proxy_pass http://127.0.0.1:6301; proxy_http_version 1.1; }', log: 'timed' });
      await startNginx(host);
    },
    breakIt: async host => {
      await host.systemctl('stop', 'carts');
      await startUnit(host, { unit: 'meter.service', exec: '/usr/bin/python3 /srv/meter/server.py' });
      await waitForListener(host, '127.0.0.1:6301');
      await host.systemctl('start', '--no-block', 'carts');
      await host.shell('sleep 2');
    },
    symptom: async host => {
      const { counts } = await host.request({ urls: ['http://127.0.0.1/'] });
      if (counts['200'] && !counts['502']) throw new Error(JSON.stringify(counts));
    },
    expect: { verdict: 'failing', status: 'active', evidence: [/EADDRINUSE|address already in use/i] },
  }),

  defineScenario({
    name: 'field-blind-same-name-other-port',
    title: 'Two server blocks have one name on two ports; a reload brought a wrong digit to the second, and a neighbour answers close by',
    kind: 'fault',
    fault: 'address-mismatch',
    url: 'http://127.0.0.1:8089/',
    setUp: async host => {
      await gunicorn(host, { name: 'tracks', code: wsgiApp('tracks'), bind: '127.0.0.1:6401' });
      await nodeApp(host, { name: 'tracks-metrics', code: nodeHttp(), listen: '127.0.0.1:6411' });
      const block = (port: number, to: number): string => `location / { proxy_pass http://127.0.0.1:${to}; }\nset $own ${port};`;
      await nginxSite(host, { name: 'tracks', serverName: 'tracks.example', server: block(80, 6401), log: 'timed' });
      await nginxSite(host, { name: 'tracks-second', listen: '8089', serverName: 'tracks.example', server: block(8089, 6401), log: 'timed' });
      await startNginx(host);
    },
    breakIt: async host => {
      await host.shell("sleep 1.2; sed -i 's/:6401;/:6410;/' /etc/nginx/sites-enabled/tracks-second.conf");
      await reloadNginx(host);
    },
    expect: {
      verdict: 'failing',
      status: 'active',
      minShare: 0.9,
      evidence: [/6410/],
      notFindings: ['backend-down'],
      check: ({ findings }) =>
        findings.flatMap(each => each.fixes).some(fix => fix.automatic && fix.steps.some(step => step.kind === 'edit' && step.after.includes('6411')))
          ? ['a plan leads to the metrics']
          : [],
    },
    fix: 'first-plan',
  }),
];
