import type { LabHost } from '../host.ts';
import { nodeBinary } from '../host.ts';
import { defineScenario } from '../scenario.ts';
import { waitForListener } from '../servers/listening.ts';
import { nginxSite, reloadNginx, replaceIn, startNginx } from '../servers/nginx.ts';
import { nodeApp, nodeHttp, nodeHttps } from '../servers/node.ts';
import { certificate, certificateAuthority } from '../servers/certificates.ts';
import { phpFpm } from '../servers/php-fpm.ts';
import { gunicorn, wsgiApp } from '../servers/python.ts';
import { startUnit } from '../servers/unit.ts';

/** A drop-in for a unit, taken up by a restart of it. */
async function dropIn(host: LabHost, unit: string, lines: string): Promise<void> {
  await host.write(`/etc/systemd/system/${unit}.d/hardening.conf`, `[Service]\n${lines}\n`);
  await host.systemctl('daemon-reload');
  await host.restart(unit);
}

/** A release of the shop with a gunicorn that listens in its own folder, which `current` names. */
async function release(host: LabHost, name: string): Promise<void> {
  await host.write(`/srv/shop/releases/${name}/app.py`, wsgiApp(name));
  await host.shell('mkdir -p "$1/run"; chown -R www-data "$1"; ln -sfn "$1" /srv/shop/current', [`/srv/shop/releases/${name}`]);
}

export default [
  defineScenario({
    name: 'field-blind-socket-left-in-the-old-release',
    title: 'A deploy swapped the link `current`; the service runs on in the old release, and its socket stayed there',
    kind: 'fault',
    fault: 'socket-missing',
    setUp: async host => {
      await release(host, '20260801');
      await startUnit(host, {
        unit: 'shop.service',
        exec: '/usr/bin/gunicorn --bind unix:/srv/shop/current/run/shop.sock app:app',
        workdir: '/srv/shop/current',
      });
      await waitForListener(host, 'unix:/srv/shop/current/run/shop.sock');
      await gunicorn(host, { name: 'shop-admin', code: wsgiApp('admin'), bind: 'unix:/run/shop-admin/shop.sock' });
      await nginxSite(host, {
        name: 'shop',
        http: 'upstream shop { server unix:/srv/shop/current/run/shop.sock fail_timeout=0; }',
        server: 'location / { proxy_pass http://shop; }\nlocation /admin/ { proxy_pass http://unix:/run/shop-admin/shop.sock:/; }',
        log: 'timed',
      });
      await startNginx(host);
    },
    breakIt: host => release(host, '20260915'),
    expect: {
      verdict: 'failing',
      status: 'active',
      orFirst: ['address-mismatch', 'restart-window'],
      minShare: 0.9,
      notFindings: ['backend-down', 'backend-crash-loop', 'socket-permission-denied'],
      check: ({ findings }) =>
        JSON.stringify(findings.flatMap(each => each.fixes)).includes('shop-admin/shop.sock') ? ['a plan leads to the administration'] : [],
    },
  }),

  defineScenario({
    name: 'field-blind-nginx-sees-no-home',
    title: 'A hardening drop-in hides /home from nginx; the socket in it and every folder above it would admit it',
    kind: 'fault',
    fault: 'socket-permission-denied',
    setUp: async host => {
      await host.shell('useradd -m -d /home/deploy deploy; chmod 755 /home/deploy; mkdir -p /home/deploy/run; chown deploy /home/deploy/run');
      await host.write('/home/deploy/app/app.py', wsgiApp('desk'));
      await startUnit(host, {
        unit: 'desk.service',
        exec: '/usr/bin/gunicorn --umask 0 --bind unix:/home/deploy/run/desk.sock app:app',
        user: 'deploy',
        workdir: '/home/deploy/app',
      });
      await waitForListener(host, 'unix:/home/deploy/run/desk.sock');
      await nginxSite(host, { name: 'desk', server: 'location / { proxy_pass http://unix:/home/deploy/run/desk.sock; }' });
      await startNginx(host);
    },
    breakIt: host => dropIn(host, 'nginx.service', 'ProtectHome=yes'),
    expect: {
      verdict: 'failing',
      status: 'active',
      orFirst: ['socket-missing', 'socket-in-private-tmp'],
      minShare: 0.9,
      evidence: [/ProtectHome|mount namespace|own view/],
      notFindings: ['selinux-denied', 'apparmor-denied', 'backend-down', 'socket-stale'],
    },
  }),

  defineScenario({
    name: 'field-blind-tmp-of-nginx',
    title: 'An override gave nginx a /tmp of its own; the program puts its socket into that of the host',
    kind: 'fault',
    fault: 'socket-in-private-tmp',
    setUp: async host => {
      await host.write('/srv/quiz/server.cjs', nodeHttp("response.end('quiz\\n');", 'process.umask(0);'));
      await startUnit(host, { unit: 'quiz.service', exec: `${nodeBinary()} /srv/quiz/server.cjs unix:/tmp/quiz.sock` });
      await waitForListener(host, 'unix:/tmp/quiz.sock');
      await nginxSite(host, { name: 'quiz', server: 'location / { proxy_pass http://unix:/tmp/quiz.sock; }', log: 'timed' });
      await startNginx(host);
    },
    breakIt: host => dropIn(host, 'nginx.service', 'PrivateTmp=yes'),
    expect: {
      verdict: 'failing',
      status: 'active',
      orFirst: ['socket-missing'],
      minShare: 0.9,
      evidence: [/PrivateTmp/],
      notFindings: ['backend-down', 'address-mismatch'],
    },
  }),

  defineScenario({
    name: 'field-blind-bind-to-an-address-that-is-gone',
    title: 'proxy_bind names an address of the host that was taken away with its interface; no port is short',
    kind: 'healthy',
    fails: 500,
    setUp: async host => {
      await host.shell('ip addr add 192.0.2.44/32 dev lo');
      await nodeApp(host, { name: 'rates', code: nodeHttp(), listen: '0.0.0.0:6120' });
      await nginxSite(host, { name: 'rates', server: 'proxy_bind 192.0.2.44;\nlocation / { proxy_pass http://127.0.0.1:6120; }', log: 'timed' });
      await startNginx(host);
    },
    breakIt: async host => {
      await host.run(['ip', 'addr', 'del', '192.0.2.44/32', 'dev', 'lo']);
    },
    symptom: async host => {
      const { counts } = await host.request({ urls: ['http://127.0.0.1/'] });
      if (!counts['500']) throw new Error(JSON.stringify(counts));
    },
    expect: { verdict: 'inconclusive', ruledOut: ['ephemeral-ports-exhausted'] },
  }),

  defineScenario({
    name: 'field-blind-fpm-admits-others',
    title: 'listen.allowed_clients of the pool names a web server that was replaced; php-fpm drops every connection of this one',
    kind: 'healthy',
    url: 'http://127.0.0.1/index.php',
    setUp: async host => {
      await phpFpm(host, { pool: 'portal', listen: '127.0.0.1:9077', files: { 'index.php': '<?php echo "portal\\n";' } });
      await nginxSite(host, {
        name: 'portal',
        server: 'root /var/www/html;\nlocation ~ \\.php$ { include snippets/fastcgi-php.conf; fastcgi_pass 127.0.0.1:9077; }',
      });
      await startNginx(host);
    },
    breakIt: host => phpFpm(host, { pool: 'portal', listen: '127.0.0.1:9077', settings: { 'listen.allowed_clients': '192.0.2.10,192.0.2.11' } }),
    symptom: async host => {
      const { counts } = await host.request({ urls: ['http://127.0.0.1/index.php'] });
      if (!counts['502']) throw new Error(JSON.stringify(counts));
    },
    expect: { verdict: 'inconclusive' },
  }),

  defineScenario({
    name: 'field-blind-rule-counts-connections',
    title: 'A rule resets what comes over three connections at once to the program; it is well and has nothing to do with it',
    kind: 'fault',
    fault: 'firewall-reject',
    traffic: { rps: 20, concurrency: 40 },
    trafficMs: 2500,
    setUp: async host => {
      await nodeApp(host, { name: 'maps', code: nodeHttp("setTimeout(() => response.end('tile\\n'), 700);"), listen: '127.0.0.1:7331' });
      await nginxSite(host, { name: 'maps', server: 'location / { proxy_pass http://127.0.0.1:7331; }', log: 'timed' });
      await startNginx(host);
    },
    breakIt: async host => {
      await host.shell(
        'iptables -N GUARD; iptables -A INPUT -p tcp --dport 22 -j ACCEPT; iptables -A INPUT -j GUARD; iptables -A GUARD -p tcp --syn --dport 7331 -m connlimit --connlimit-above 3 -j REJECT --reject-with tcp-reset',
      );
    },
    symptom: async host => {
      const { counts } = await host.request({ urls: ['http://127.0.0.1/'], count: 12 });
      if (!counts['502']) throw new Error(JSON.stringify(counts));
    },
    expect: { verdict: 'failing', status: 'active', notFindings: ['backend-down', 'backend-crashing', 'backend-crash-loop', 'restart-window'] },
  }),

  defineScenario({
    name: 'field-blind-name-of-the-group-in-the-handshake',
    title: 'proxy_pass names a group of TLS peers; since verification was switched on, its name is held against their certificates',
    kind: 'fault',
    fault: 'tls-name-mismatch',
    setUp: async host => {
      const ca = await certificateAuthority(host);
      const files = await certificate(host, { file: 'billing', names: ['billing.internal'], ca });
      await host.run(['chown', 'www-data', files.key]);
      for (const port of [8543, 8544]) await nodeApp(host, { name: `billing-${port}`, code: nodeHttps(files), listen: `127.0.0.1:${port}` });
      await nginxSite(host, {
        name: 'billing',
        http: 'upstream billing_pool { server 127.0.0.1:8543; server 127.0.0.1:8544; }',
        server: `location / {
    proxy_pass https://billing_pool;
    proxy_ssl_trusted_certificate ${ca.certificate};
    proxy_ssl_verify off;
}`,
        log: 'timed',
      });
      await startNginx(host);
    },
    breakIt: async host => {
      await replaceIn(host, '/etc/nginx/sites-enabled/billing.conf', 'proxy_ssl_verify off', 'proxy_ssl_verify on');
      await reloadNginx(host);
    },
    expect: {
      verdict: 'failing',
      status: 'active',
      minShare: 0.7,
      evidence: [/billing\.internal/],
      notFindings: ['tls-untrusted-issuer', 'tls-certificate-expired'],
    },
    fix: 'first-plan',
  }),

  defineScenario({
    name: 'field-blind-logs-moved-away',
    title: 'logrotate moved the logs and nobody told nginx, which writes on into the moved files; then a program without a unit ended',
    kind: 'fault',
    fault: 'backend-down',
    setUp: async host => {
      await host.write('/srv/tally/server.cjs', nodeHttp("response.end('tally\\n');"));
      await host.shell('cd /srv/tally; nohup setsid "$1" server.cjs 127.0.0.1:5707 >/dev/null 2>&1 & echo $! > /run/tally.pid', [nodeBinary()]);
      await waitForListener(host, '127.0.0.1:5707');
      await nginxSite(host, { name: 'tally', server: 'location / { proxy_pass http://127.0.0.1:5707; }', log: 'timed', logs: 'own' });
      await startNginx(host);
    },
    breakIt: async host => {
      await host.shell(
        'cd /var/log/nginx; for f in tally.access.log tally.error.log; do mv "$f" "$f.1"; gzip -k "$f.1"; rm "$f.1"; : > "$f"; chown www-data:adm "$f"; done; kill "$(cat /run/tally.pid)"',
      );
    },
    expect: { verdict: 'failing', status: 'active', notFindings: ['nginx-down', 'address-mismatch'] },
  }),

  defineScenario({
    name: 'field-blind-clock-went-back',
    title: 'The clock was two hours ahead for a while; the newest lines of the logs are older than those above them, and a service was stopped',
    kind: 'fault',
    fault: 'backend-down',
    setUp: async host => {
      await gunicorn(host, { name: 'meters', code: wsgiApp('meters'), bind: '[::1]:8390' });
      await nginxSite(host, { name: 'meters', server: 'location / { proxy_pass http://[::1]:8390; }', log: 'timed', logs: 'own' });
      await host.shell(
        'mkdir -p /var/log/nginx; e=/var/log/nginx/meters.error.log; a=/var/log/nginx/meters.access.log; n=0; while [ $n -lt 400 ]; do n=$((n+1)); printf "%s [error] 88#88: *%s upstream timed out (110: Connection timed out) while reading response header from upstream, client: 203.0.113.9, server: _, request: \\"GET /report HTTP/1.1\\", upstream: \\"http://[::1]:8390/report\\", host: \\"m.example\\"\\n" "$(date -d "2 hours" "+%Y/%m/%d %T")" $n; done > $e; n=0; while [ $n -lt 400 ]; do n=$((n+1)); printf "203.0.113.9 - - [%s] \\"GET /report HTTP/1.1\\" 504 160 \\"-\\" \\"-\\" rt=60.0 uct=0.0 uht=- urt=60.0 us=504 ua=[::1]:8390 ub=0\\n" "$(date -d "2 hours" "+%d/%b/%Y:%T %z")"; done > $a',
      );
      await startNginx(host);
    },
    breakIt: host => host.systemctl('stop', 'meters'),
    expect: {
      verdict: 'failing',
      status: 'active',
      firstConfidence: 'confirmed',
      evidence: [/\[::1\]:8390/],
      notFindings: ['backend-slower-than-timeout', 'backend-hung'],
    },
    fix: 'first-plan',
  }),

  defineScenario({
    name: 'field-blind-socket-unit-stopped',
    title: 'Somebody stopped socket and service of a program that systemd wakes on demand; the service alone cannot bind',
    kind: 'fault',
    fault: 'backend-down',
    setUp: async host => {
      await host.write('/srv/greet/server.cjs', "require('node:http').createServer((request, response) => response.end('greet\\n')).listen({ fd: 3 });\n");
      await host.unitFile('greet.socket', '[Unit]\nDescription=Greeting socket\n[Socket]\nListenStream=127.0.0.1:6606\n[Install]\nWantedBy=sockets.target\n');
      await host.unitFile(
        'greet.service',
        `[Unit]\nDescription=Greeting\nRequires=greet.socket\n[Service]\nUser=www-data\nExecStart=${nodeBinary()} /srv/greet/server.cjs\n`,
      );
      await host.shell('mkdir -p /etc/systemd/system/sockets.target.wants; ln -s ../greet.socket /etc/systemd/system/sockets.target.wants/greet.socket');
      await host.start('greet.socket');
      await nginxSite(host, { name: 'greet', server: 'location / { proxy_pass http://127.0.0.1:6606; }' });
      await startNginx(host);
    },
    breakIt: async host => {
      await host.systemctl('stop', 'greet.socket', 'greet.service');
    },
    expect: { verdict: 'failing', status: 'active', minShare: 0.7, evidence: [/greet\.(socket|service)/] },
    fix: 'first-plan',
  }),
];
