import { nodeBinary } from '../host.ts';
import { defineScenario } from '../scenario.ts';
import type { Scenario } from '../scenario.ts';
import { isListening, waitForListener } from '../servers/listening.ts';
import { errorTime } from '../servers/log-times.ts';
import { fastcgiPass, nginxSite, reloadNginx, startNginx } from '../servers/nginx.ts';
import { nodeApp, nodeHttp } from '../servers/node.ts';
import { FPM_UNIT, phpFpm } from '../servers/php-fpm.ts';
import { gunicorn, uwsgi, wsgiApp } from '../servers/python.ts';
import { tomcat } from '../servers/tomcat.ts';
import { startUnit } from '../servers/unit.ts';

/** Either name may stand first where the catalogue leaves both open. */
function either(scenario: Scenario, ...faults: readonly string[]): Scenario {
  return { ...scenario, expect: { ...scenario.expect, orFirst: faults } };
}

/** Where an honest observer cannot know, nothing has to stand first. */
function withoutFirst(scenario: Scenario): Scenario {
  const { first: _first, ...expect } = scenario.expect;
  return { ...scenario, expect };
}

export default [
  defineScenario({
    name: 'field-cache-away-takes-two-apps',
    title: 'Two Node instances exit at start because their cache refuses; systemd starts them again and again and nginx has no live peer',
    kind: 'fault',
    fault: 'backend-crash-loop',
    setUp: async host => {
      await startUnit(host, { unit: 'cachelet.service', exec: `${nodeBinary()} -e "require('net').createServer().listen(6399,'127.0.0.1')"` });
      await waitForListener(host, '127.0.0.1:6399');
      const code = `const socket = require('node:net').connect(6399, '127.0.0.1');
socket.on('close', () => process.exit(1));
socket.on('error', error => { console.error('cache: ' + error.message); process.exit(1); });
socket.on('connect', () => {
${nodeHttp()}
});
`;
      for (const port of [7301, 7302]) {
        await nodeApp(host, { name: `basket${port}`, code, listen: `127.0.0.1:${port}`, service: { Restart: 'always', RestartSec: '500ms' } });
        await host.write(`/etc/systemd/system/basket${port}.service.d/limits.conf`, '[Unit]\nStartLimitIntervalSec=0\n');
      }
      await host.systemctl('daemon-reload');
      await nginxSite(host, {
        name: 'basket',
        http: 'upstream basket { server 127.0.0.1:7301 fail_timeout=4s; server 127.0.0.1:7302 fail_timeout=4s; }',
        server: 'location / { proxy_pass http://basket; }',
      });
      await startNginx(host);
    },
    breakIt: host => host.systemctl('stop', 'cachelet'),
    trafficMs: 2000,
    expect: { verdict: 'failing', firstConfidence: ['confirmed', 'likely'], status: 'active', minShare: 0.9, evidence: [/6399|ECONNREFUSED/] },
    repair: host => host.start('cachelet'),
  }),

  either(
    defineScenario({
      name: 'field-socket-activated',
      title: 'systemd holds the socket of gunicorn and the service behind it cannot start',
      kind: 'fault',
      fault: 'backend-crash-loop',
      setUp: async host => {
        await host.write('/srv/django/app.py', wsgiApp());
        await host.unitFile(
          'django.socket',
          '[Unit]\nDescription=django socket\n\n[Socket]\nListenStream=/run/django.sock\nSocketUser=www-data\n\n[Install]\nWantedBy=sockets.target\n',
        );
        await host.unitFile(
          'django.service',
          '[Unit]\nDescription=django\nRequires=django.socket\n\n[Service]\nUser=www-data\nWorkingDirectory=/srv/django\nExecStart=/usr/bin/gunicorn --workers 2 app:app\n',
        );
        await host.start('django.socket');
        await nginxSite(host, { name: 'django', server: 'location / { proxy_pass http://unix:/run/django.sock; }' });
        await startNginx(host);
      },
      breakIt: async host => {
        await host.write('/srv/django/app.py', 'raise RuntimeError("settings are not configured")\n');
        await host.systemctl('stop', 'django.service');
      },
      trafficMs: 5000,
      expect: { verdict: 'failing', firstConfidence: ['confirmed', 'likely'], status: 'active', notFindings: ['socket-permission-denied', 'address-mismatch'] },
    }),
    'backend-down',
  ),

  defineScenario({
    name: 'field-log-in-syslog',
    title: 'error_log goes to syslog and lands in the journal; the access log is off; php-fpm is stopped',
    kind: 'fault',
    fault: 'backend-down',
    setUp: async host => {
      await phpFpm(host, { pool: 'cloud', listen: '127.0.0.1:9055', root: '/srv/cloud', files: { 'index.php': 'cloud' } });
      await nginxSite(host, {
        name: 'cloud',
        server: `access_log off;\nerror_log syslog:server=unix:/dev/log,tag=web_cloud,severity=info warn;\n${fastcgiPass('127.0.0.1:9055', '/srv/cloud')}`,
      });
      await startNginx(host);
    },
    breakIt: host => host.systemctl('stop', FPM_UNIT),
    expect: { verdict: 'failing', firstConfidence: ['confirmed', 'likely'], status: 'active' },
    repair: host => host.start(FPM_UNIT),
  }),

  defineScenario({
    name: 'field-firewall-seen-by-nobody',
    title: 'A rule refuses the backend port, and the observer may read neither rules nor logs',
    kind: 'fault',
    fault: 'firewall-reject',
    runAs: 'nobody',
    setUp: async host => {
      await gunicorn(host, { name: 'mesh', code: wsgiApp(), bind: '127.0.0.1:8290' });
      await nginxSite(host, { name: 'mesh', server: 'location / { proxy_pass http://127.0.0.1:8290; }' });
      await startNginx(host);
    },
    breakIt: async host => {
      await host.run(['iptables', '-A', 'OUTPUT', '-p', 'tcp', '--dport', '8290', '-j', 'REJECT']);
    },
    expect: { verdict: ['failing', 'inconclusive'], firstConfidence: ['likely', 'possible'], notFindings: ['backend-down', 'address-mismatch'] },
  }),

  withoutFirst(
    defineScenario({
      name: 'field-nothing-readable',
      title: 'Configuration and logs are closed to the observer while users get 502',
      kind: 'fault',
      fault: 'backend-down',
      runAs: 'nobody',
      setUp: async host => {
        await gunicorn(host, { name: 'vault', code: wsgiApp(), bind: '127.0.0.1:8291' });
        await nginxSite(host, { name: 'vault', server: 'location / { proxy_pass http://127.0.0.1:8291; }' });
        await startNginx(host);
        await host.run(['chmod', '700', '/etc/nginx', '/var/log/nginx']);
      },
      breakIt: host => host.systemctl('stop', 'vault'),
      expect: { verdict: 'inconclusive', exitCode: 3, notChecked: [/root/] },
    }),
  ),

  defineScenario({
    name: 'field-one-peer-hangs',
    title: 'One of two peers is stopped by SIGSTOP; every second request waits and then gets 200 from the other',
    kind: 'fault',
    fault: 'backend-hung',
    setUp: async host => {
      for (const [name, port] of [
        ['east', 8521],
        ['west', 8522],
      ] as const)
        await uwsgi(host, { name, code: wsgiApp(), bind: `127.0.0.1:${port}`, protocol: 'http-socket' });
      await nginxSite(host, {
        name: 'both',
        log: 'timed',
        http: 'upstream both { server 127.0.0.1:8521 fail_timeout=1s; server 127.0.0.1:8522 fail_timeout=1s; }',
        server: 'location / { proxy_pass http://both; proxy_read_timeout 1s; }',
      });
      await startNginx(host);
    },
    breakIt: host => host.systemctl('kill', '-s', 'STOP', 'west'),
    trafficMs: 2500,
    symptom: async host => {
      if (!(await host.read('/var/log/nginx/access.log')).includes('us=504, 200')) throw new Error('no request was tried twice');
    },
    expect: {
      firstConfidence: ['confirmed', 'likely'],
      status: 'active',
      evidence: [/8522|west/],
      notFindings: ['backend-slower-than-timeout', 'firewall-drop', 'worker-pool-exhausted'],
    },
  }),

  defineScenario({
    name: 'field-two-sites-two-causes',
    title: 'Two sites fail at once for reasons of their own: a closed socket and a stopped service',
    kind: 'fault',
    fault: 'socket-permission-denied',
    traffic: { urls: ['http://127.0.0.1/', 'http://127.0.0.1/', 'http://127.0.0.1/', 'http://127.0.0.1:8181/'], rps: 12 },
    setUp: async host => {
      await gunicorn(host, { name: 'alpha', code: wsgiApp(), bind: 'unix:/run/alpha/a.sock' });
      await nodeApp(host, { name: 'beta', code: nodeHttp(), listen: '127.0.0.1:2222' });
      await nginxSite(host, { name: 'alpha', server: 'location / { proxy_pass http://unix:/run/alpha/a.sock; }' });
      await nginxSite(host, { name: 'beta', listen: '8181', server: 'location / { proxy_pass http://127.0.0.1:2222; }' });
      await startNginx(host);
    },
    breakIt: async host => {
      await host.run(['chown', 'root:root', '/run/alpha/a.sock']);
      await host.run(['chmod', '600', '/run/alpha/a.sock']);
      await host.systemctl('stop', 'beta');
    },
    expect: { verdict: 'failing', firstConfidence: 'confirmed', status: 'active', findings: [{ fault: 'backend-down', confidence: 'confirmed' }] },
  }),

  defineScenario({
    name: 'field-yesterdays-refusals',
    title: 'Yesterday a port refused for an hour, in the same log; now a socket is missing after a move',
    kind: 'twin',
    fault: 'socket-missing',
    twinOf: 'backend-down',
    setUp: async host => {
      const old = Array.from({ length: 3000 }, (_, index) => errorTime(new Date(Date.now() - 86_400_000 + index * 1200)));
      await host.write(
        '/var/log/nginx/error.log',
        old
          .map(
            (at, index) =>
              `${at} [error] 90#90: *${index} connect() failed (111: Connection refused) while connecting to upstream, client: 192.0.2.4, server: _, request: "GET / HTTP/1.1", upstream: "http://127.0.0.1:8000/", host: "a.example"\n`,
          )
          .join(''),
        { owner: 'www-data:adm' },
      );
      await gunicorn(host, { name: 'atlas', code: wsgiApp(), bind: 'unix:/run/atlas/old.sock' });
      await nginxSite(host, { name: 'atlas', server: 'location / { proxy_pass http://unix:/run/atlas/old.sock; }' });
      await startNginx(host);
    },
    breakIt: async host => {
      await gunicorn(host, { name: 'atlas', code: wsgiApp(), bind: 'unix:/run/atlas/new.sock' });
      await reloadNginx(host);
    },
    expect: { verdict: 'failing', firstConfidence: ['confirmed', 'likely'], status: 'active', evidence: [/new\.sock/] },
  }),

  defineScenario({
    name: 'field-backup-serves',
    title: 'The primary is dead and the backup serves everybody; nobody sees an error',
    kind: 'fault',
    fault: 'backend-down',
    setUp: async host => {
      await gunicorn(host, { name: 'first', code: wsgiApp(), bind: '127.0.0.1:8601' });
      await gunicorn(host, { name: 'second', code: wsgiApp(), bind: '127.0.0.1:8602' });
      await nginxSite(host, {
        name: 'ha',
        http: 'upstream ha { server 127.0.0.1:8601 fail_timeout=1s; server 127.0.0.1:8602 backup; }',
        server: 'location / { proxy_pass http://ha; }',
      });
      await startNginx(host);
    },
    breakIt: host => host.systemctl('stop', 'first'),
    symptom: async host => {
      if (isListening(host, '127.0.0.1:8601')) throw new Error('the primary listens');
    },
    trafficMs: 2500,
    expect: { firstConfidence: ['confirmed', 'likely'], notFindings: ['no-live-upstreams'] },
  }),

  defineScenario({
    name: 'field-http-to-ajp',
    title: 'nginx speaks HTTP to the AJP connector of Tomcat',
    kind: 'fault',
    fault: 'protocol-mismatch',
    // Tomcat closes such a connection as soon as its own start is over.
    healthy: host => host.until('Tomcat to close connections', async () => (await host.request({ urls: ['http://127.0.0.1/'] })).counts['502'] === 1, 20_000),
    setUp: async host => {
      await tomcat(host, { port: 8009, address: '127.0.0.1', protocol: 'AJP/1.3' });
      await nginxSite(host, { name: 'java', log: 'timed', server: 'location / { proxy_pass http://127.0.0.1:8009; proxy_read_timeout 3s; }' });
      await startNginx(host);
    },
    expect: {
      verdict: 'failing',
      firstConfidence: ['confirmed', 'likely'],
      status: 'active',
      notFindings: ['backend-hung', 'backend-crashing', 'backend-down'],
    },
  }),
];
