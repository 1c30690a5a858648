import type { Report } from '../../src/core/model/report.ts';
import type { LabHost } from '../host.ts';
import { defineScenario } from '../scenario.ts';
import type { Scenario } from '../scenario.ts';
import { certificate } from '../servers/certificates.ts';
import { waitForListener } from '../servers/listening.ts';
import { fastcgiPass, nginxSite, startNginx } from '../servers/nginx.ts';
import { nodeApp, nodeHttp } from '../servers/node.ts';
import { phpFpm } from '../servers/php-fpm.ts';
import { gunicorn, wsgiApp } from '../servers/python.ts';
import { startUnit } from '../servers/unit.ts';

/** Where an honest observer can only guess, any guess may stand first. */
function withoutFirst(scenario: Scenario): Scenario {
  const { first: _first, ...expect } = scenario.expect;
  return { ...scenario, expect };
}

/** No finding of these faults may claim to be proven. */
function notConfirmed(...faults: readonly string[]): (report: Report) => string[] {
  return report =>
    report.findings
      .filter(each => faults.includes(each.fault) && each.confidence === 'confirmed')
      .map(each => `${each.fault} is called confirmed, and it is not so`);
}

async function answers(host: LabHost, path = '/'): Promise<void> {
  const { counts } = await host.request({ urls: [`http://127.0.0.1${path}`] });
  if (!counts['200']) throw new Error(JSON.stringify(counts));
}

export default [
  withoutFirst(
    defineScenario({
      name: 'field-one-url-never-answers',
      title: 'One URL of a Node program forgets to answer; all others are quick',
      kind: 'fault',
      fault: 'backend-slower-than-timeout',
      fails: 504,
      url: 'http://127.0.0.1/stuck?id=7',
      healthy: host => answers(host),
      traffic: { urls: ['http://127.0.0.1/', 'http://127.0.0.1/a', 'http://127.0.0.1/stuck?id=7'], rps: 9 },
      trafficMs: 3000,
      setUp: async host => {
        await nodeApp(host, { name: 'guide', code: nodeHttp("if (!request.url.startsWith('/stuck')) response.end('fine');"), listen: '127.0.0.1:3310' });
        await nginxSite(host, { name: 'guide', log: 'timed', server: 'location / { proxy_pass http://127.0.0.1:3310; proxy_read_timeout 1s; }' });
        await startNginx(host);
      },
      expect: {
        verdict: 'failing',
        status: 'active',
        check: notConfirmed('backend-hung', 'worker-pool-exhausted', 'firewall-drop', 'backend-slower-than-timeout'),
      },
    }),
  ),

  defineScenario({
    name: 'field-workers-killed-by-a-script',
    title: 'A watchdog script kills gunicorn workers with signal 9 while they serve; the kernel killed nobody of them',
    kind: 'twin',
    fault: 'backend-crashing',
    twinOf: 'backend-oom-killed',
    url: 'http://127.0.0.1/slow?s=0.6',
    setUp: async host => {
      await gunicorn(host, { name: 'toys', code: wsgiApp(), bind: '127.0.0.1:8230', workers: 3 });
      await nginxSite(host, { name: 'toys', server: 'location / { proxy_pass http://127.0.0.1:8230; }' });
      await startNginx(host);
    },
    breakIt: async host => {
      // Without a pid it would kill what the lab itself has started here: its parent lies outside, and counts as 0.
      const reaper = 'pid="$(systemctl show -p MainPID --value toys)"; [ "${pid:-0}" -gt 1 ] && pkill -9 -P "$pid"';
      await host.write('/usr/local/bin/reaper', `#!/bin/sh\nwhile sleep 0.4; do ${reaper}; done\n`, { mode: '755' });
      await startUnit(host, { unit: 'reaper.service', user: 'root', exec: '/usr/local/bin/reaper' });
    },
    trafficMs: 3000,
    expect: { verdict: 'failing', status: 'active', firstConfidence: ['confirmed', 'likely'] },
  }),

  defineScenario({
    name: 'field-localhost-and-nobody-home',
    title: 'proxy_pass names localhost, both its addresses refuse: the program is stopped',
    kind: 'twin',
    fault: 'backend-down',
    twinOf: 'localhost-ipv6-mismatch',
    setUp: async host => {
      await nodeApp(host, { name: 'poll', code: nodeHttp(), listen: '127.0.0.1:3320' });
      await nginxSite(host, { name: 'poll', log: 'timed', server: 'location / { proxy_pass http://localhost:3320; }' });
      await startNginx(host);
    },
    breakIt: host => host.systemctl('stop', 'poll'),
    expect: { verdict: 'failing', status: 'active', firstConfidence: ['confirmed', 'likely'], minShare: 0.9, notFindings: ['address-mismatch'] },
  }),

  defineScenario({
    name: 'field-blue-lives-green-is-stopped',
    title: 'Blue and green are two units of one program, each with a server block of its own; green is stopped',
    kind: 'twin',
    fault: 'backend-down',
    twinOf: 'address-mismatch',
    setUp: async host => {
      await host.write('/srv/store/app.py', wsgiApp('store'));
      for (const [colour, port] of [
        ['blue', 8001],
        ['green', 8002],
      ] as const) {
        await startUnit(host, { unit: `store-${colour}.service`, workdir: '/srv/store', exec: `/usr/bin/gunicorn --bind 127.0.0.1:${port} app:app` });
        await waitForListener(host, `127.0.0.1:${port}`);
        await nginxSite(host, {
          name: `store-${colour}`,
          listen: colour === 'blue' ? '8081' : '80',
          http: `upstream store_${colour} { server 127.0.0.1:${port}; }`,
          server: `location / { proxy_pass http://store_${colour}; }`,
        });
      }
      await startNginx(host);
    },
    breakIt: host => host.systemctl('stop', 'store-green'),
    expect: { verdict: 'failing', status: 'active', firstConfidence: 'confirmed', minShare: 0.9 },
    repair: host => host.start('store-green'),
  }),

  defineScenario({
    name: 'field-calm-root-path-fails',
    title: 'The API answers 500 to GET / and to unknown hosts, which nobody asks for; its real paths are well',
    kind: 'healthy',
    url: 'http://127.0.0.1/v2/items',
    setUp: async host => {
      await nodeApp(host, {
        name: 'items',
        code: nodeHttp("response.statusCode = request.url.startsWith('/v2/') ? 200 : 500; response.end('{}');"),
        listen: '127.0.0.1:3330',
      });
      await nginxSite(host, { name: 'items', server: 'location /v2/ { proxy_pass http://127.0.0.1:3330; }' });
      await startNginx(host);
    },
    expect: { verdict: ['healthy', 'at-risk'] },
  }),

  defineScenario({
    name: 'field-calm-slow-front-page',
    title: 'GET / takes four seconds, as it always did, and nginx waits for a minute',
    kind: 'healthy',
    url: 'http://127.0.0.1/quick',
    traffic: { urls: ['http://127.0.0.1/quick', 'http://127.0.0.1/'], rps: 2, timeoutMs: 30_000 },
    setUp: async host => {
      await nodeApp(host, {
        name: 'report',
        code: nodeHttp("setTimeout(() => response.end('report'), request.url === '/' ? 4000 : 0);"),
        listen: '127.0.0.1:3340',
      });
      await nginxSite(host, { name: 'report', log: 'timed', server: 'location / { proxy_pass http://127.0.0.1:3340; }' });
      await startNginx(host);
    },
    expect: { verdict: ['healthy', 'at-risk'] },
  }),

  defineScenario({
    name: 'field-calm-busy-and-enough',
    title: 'A single sync worker is busy nearly all the time and every request gets its answer',
    kind: 'healthy',
    url: 'http://127.0.0.1/slow?s=0.3',
    traffic: { urls: ['http://127.0.0.1/slow?s=0.3'], rps: 2 },
    trafficMs: 2500,
    setUp: async host => {
      await gunicorn(host, { name: 'label', code: wsgiApp(), bind: 'unix:/run/label/l.sock', workers: 1 });
      await nginxSite(host, { name: 'label', server: 'location / { proxy_pass http://unix:/run/label/l.sock; }' });
      await startNginx(host);
    },
    expect: { verdict: ['healthy', 'at-risk'] },
  }),

  defineScenario({
    name: 'field-calm-pool-was-full-for-a-moment',
    title: 'php-fpm warned a moment ago that the pool of the site is at pm.max_children; everybody got an answer',
    kind: 'healthy',
    setUp: async host => {
      await phpFpm(host, {
        pool: 'kiosk',
        listen: '/run/php/kiosk.sock',
        settings: { pm: 'ondemand', 'pm.max_children': 2 },
        root: '/srv/kiosk',
        files: { 'index.php': '<?php usleep(30000); echo "ok";' },
      });
      await nginxSite(host, { name: 'kiosk', server: fastcgiPass('unix:/run/php/kiosk.sock', '/srv/kiosk') });
      await startNginx(host);
      await host.request({ urls: ['http://127.0.0.1/'], count: 20 });
    },
    expect: { verdict: ['healthy', 'at-risk'] },
  }),

  defineScenario({
    name: 'field-calm-self-signed-upstream',
    title: 'The upstream speaks TLS with a certificate of its own that nginx is not told to verify',
    kind: 'healthy',
    setUp: async host => {
      await certificate(host, { file: 'inner', names: ['inner.local'] });
      await nginxSite(host, {
        name: 'inner',
        listen: '127.0.0.1:8443 ssl',
        server: 'ssl_certificate /etc/ssl/lab/inner.crt;\nssl_certificate_key /etc/ssl/lab/inner.key;\nlocation / { return 200 "inner"; }',
      });
      await nginxSite(host, { name: 'outer', server: 'location / { proxy_pass https://127.0.0.1:8443; }' });
      await startNginx(host);
    },
    expect: { verdict: ['healthy', 'at-risk'] },
  }),

  defineScenario({
    name: 'field-workers-of-another-user',
    title: 'nginx.conf was changed to run workers as nobody, whom the socket of the pool does not admit',
    kind: 'fault',
    fault: 'socket-permission-denied',
    setUp: async host => {
      await phpFpm(host, { pool: 'lib', listen: '/run/php/lib.sock', settings: { 'listen.mode': '0660' }, root: '/srv/lib', files: { 'index.php': 'lib' } });
      await nginxSite(host, { name: 'lib', server: fastcgiPass('unix:/run/php/lib.sock', '/srv/lib') });
      await startNginx(host);
    },
    breakIt: async host => {
      await host.run(['sed', '-i', 's/^user www-data;/user nobody nogroup;/', '/etc/nginx/nginx.conf']);
      await host.restart('nginx');
    },
    expect: {
      verdict: 'failing',
      status: 'active',
      firstConfidence: ['confirmed', 'likely'],
      minShare: 0.9,
      evidence: [/nobody|www-data/],
      notFindings: ['backend-down'],
    },
  }),

  defineScenario({
    name: 'field-group-without-restart',
    title: 'www-data was put into the group of the socket after nginx had started; the file of groups says yes, the running workers have not got it',
    kind: 'fault',
    fault: 'socket-permission-denied',
    setUp: async host => {
      await gunicorn(host, { name: 'press', code: wsgiApp(), bind: 'unix:/run/press/p.sock', user: 'games', args: ['--umask', '0'] });
      await nginxSite(host, { name: 'press', server: 'location / { proxy_pass http://unix:/run/press/p.sock; }' });
      await startNginx(host);
    },
    breakIt: async host => {
      await host.run(['chgrp', 'operator', '/run/press/p.sock']);
      await host.run(['chmod', '660', '/run/press/p.sock']);
      await host.run(['usermod', '-aG', 'operator', 'www-data']);
    },
    expect: { verdict: 'failing', status: 'active', firstConfidence: ['confirmed', 'likely'], minShare: 0.9, notFindings: ['backend-down', 'socket-stale'] },
    repair: host => host.restart('nginx'),
  }),

  defineScenario({
    name: 'field-one-peer-answers-502',
    title: 'One of two instances answers 502 by itself since its own API is away; the other is well',
    kind: 'fault',
    fault: 'app-returned-5xx',
    setUp: async host => {
      const code = nodeHttp(
        "if (process.argv[2].endsWith('3352') && require('node:fs').existsSync('/srv/two/bad')) response.statusCode = 502; response.end('x');",
      );
      for (const port of [3351, 3352]) await nodeApp(host, { name: `two-${port}`, code, listen: `127.0.0.1:${port}` });
      await nginxSite(host, {
        name: 'two',
        log: 'timed',
        http: 'upstream two { server 127.0.0.1:3351; server 127.0.0.1:3352; }',
        server: 'location / { proxy_pass http://two; }',
      });
      await startNginx(host);
    },
    breakIt: host => host.write('/srv/two/bad', ''),
    trafficMs: 2500,
    expect: {
      verdict: 'failing',
      status: 'active',
      firstConfidence: ['confirmed', 'likely'],
      minShare: 0.9,
      evidence: [/3352/],
      notFindings: ['backend-down', 'no-live-upstreams'],
    },
  }),
];
