import { defineScenario } from '../scenario.ts';
import type { Scenario } from '../scenario.ts';
import { fastcgiPass, nginxSite, replaceIn, startNginx } from '../servers/nginx.ts';
import { nodeApp, nodeHttp } from '../servers/node.ts';
import { FPM_POOLS, FPM_UNIT, phpFpm } from '../servers/php-fpm.ts';
import { gunicorn, uwsgi, wsgiApp } from '../servers/python.ts';

/** An application that takes a minute to import once this file is there. */
const slowImport = (name: string): string => `import os, time\nif os.path.exists("/srv/${name}/big"):\n    time.sleep(60)\n${wsgiApp(name)}`;

/** No plan may start a unit again by itself: it would come to nothing. */
const noPlainStart: NonNullable<Scenario['expect']['check']> = ({ findings }) =>
  findings[0]?.fixes.some(fix => fix.automatic) === true ? ['a plan changes something by itself'] : [];

export default [
  defineScenario({
    name: 'field-blind-still-before-its-start',
    title: 'A deploy restarted the unit, which migrates its data before the program is started',
    kind: 'twin',
    fault: 'restart-window',
    twinOf: 'backend-down',
    setUp: async host => {
      await nodeApp(host, {
        name: 'berths',
        code: nodeHttp(),
        listen: '127.0.0.1:6154',
        service: { ExecStartPre: '/bin/sh -c "test ! -e /srv/berths/migrate || { echo migrating 4 of 12; sleep 60; }"' },
      });
      await nginxSite(host, { name: 'berths', server: 'location / { proxy_pass http://127.0.0.1:6154; }', log: 'timed' });
      await startNginx(host);
    },
    breakIt: async host => {
      await host.write('/srv/berths/migrate', '');
      await host.systemctl('restart', '--no-block', 'berths');
    },
    expect: { verdict: 'failing', status: 'active', firstConfidence: 'confirmed', minShare: 0.9, evidence: ['activating'], check: noPlainStart },
  }),

  defineScenario({
    name: 'field-blind-reload-that-imports-for-long',
    title: 'gunicorn was told to reload, its old workers ended, and the new ones import for a minute while requests wait in the socket',
    kind: 'twin',
    fault: 'restart-window',
    twinOf: 'backend-hung',
    fails: 504,
    traffic: { rps: 8, concurrency: 60 },
    trafficMs: 2200,
    setUp: async host => {
      await gunicorn(host, { name: 'keel', code: slowImport('keel'), bind: '127.0.0.1:6502' });
      await nginxSite(host, { name: 'keel', server: 'location / { proxy_pass http://127.0.0.1:6502; proxy_read_timeout 500ms; }', log: 'timed' });
      await startNginx(host);
    },
    breakIt: async host => {
      await host.shell('sleep 1; touch /srv/keel/big; systemctl kill --kill-who=main -s HUP keel');
    },
    expect: { verdict: 'failing', status: 'active', firstConfidence: 'likely', minShare: 0.9, notFindings: ['worker-pool-exhausted'], check: noPlainStart },
  }),

  defineScenario({
    name: 'field-blind-starts-in-vain',
    title: 'Somebody gave a pool of php-fpm numbers that do not fit together and restarted it: each start fails at once',
    kind: 'fault',
    fault: 'backend-down',
    url: 'http://127.0.0.1/index.php',
    setUp: async host => {
      await phpFpm(host, { pool: 'forum', listen: '/run/php/forum.sock', files: { 'index.php': '<?php echo "forum\\n";' } });
      await nginxSite(host, { name: 'forum', server: fastcgiPass('unix:/run/php/forum.sock'), log: 'timed' });
      await startNginx(host);
    },
    breakIt: async host => {
      await replaceIn(host, `${FPM_POOLS}/forum.conf`, 'pm.start_servers = 2', 'pm.start_servers = 9');
      await host.exec(['systemctl', 'restart', FPM_UNIT]);
    },
    expect: {
      verdict: 'failing',
      status: 'active',
      firstConfidence: 'confirmed',
      evidence: [/post process|must not|initialization failed/],
      check: noPlainStart,
    },
    repair: async host => {
      await replaceIn(host, `${FPM_POOLS}/forum.conf`, 'pm.start_servers = 9', 'pm.start_servers = 2');
      await host.restart(FPM_UNIT);
    },
  }),

  defineScenario({
    name: 'field-blind-limit-of-all-pools',
    title: 'process.max lets php-fpm have two children in all, and the pool that is busy may have twelve',
    kind: 'fault',
    fault: 'worker-pool-exhausted',
    url: 'http://127.0.0.1/index.php',
    fails: 504,
    traffic: { rps: 8, concurrency: 60 },
    trafficMs: 1500,
    setUp: async host => {
      await host.shell("sed -i 's/^;* *process.max = .*/process.max = 2/' /etc/php/*/fpm/php-fpm.conf");
      await phpFpm(host, {
        pool: 'recipes',
        listen: '/run/php/recipes.sock',
        settings: { pm: 'ondemand', 'pm.max_children': 12 },
        files: { 'index.php': '<?php usleep(350000); echo "soup\\n";' },
      });
      await nginxSite(host, { name: 'recipes', server: `${fastcgiPass('unix:/run/php/recipes.sock')}\nfastcgi_read_timeout 700ms;`, log: 'timed' });
      await startNginx(host);
    },
    expect: { verdict: 'failing', status: 'active', firstConfidence: 'confirmed', minShare: 0.9, evidence: [/process\.max = 2/] },
    fix: 'first-plan',
  }),

  defineScenario({
    name: 'field-blind-http-by-protocol-option',
    title: 'uWSGI speaks HTTP on its socket by the option protocol, and both of its processes are busy',
    kind: 'twin',
    fault: 'worker-pool-exhausted',
    twinOf: 'protocol-mismatch',
    url: 'http://127.0.0.1/slow?s=0.35',
    fails: 504,
    traffic: { rps: 10, concurrency: 100 },
    trafficMs: 1600,
    setUp: async host => {
      await uwsgi(host, { name: 'decks', code: wsgiApp('decks'), bind: '127.0.0.1:6206', settings: { protocol: 'http' } });
      await nginxSite(host, { name: 'decks', server: 'location / { proxy_pass http://127.0.0.1:6206; proxy_read_timeout 700ms; }', log: 'timed' });
      await startNginx(host);
    },
    expect: { verdict: 'failing', status: 'active', firstConfidence: 'confirmed', minShare: 0.9 },
    fix: 'first-plan',
  }),

  defineScenario({
    name: 'field-blind-log-of-another-zone',
    title: 'nginx was given the zone of New York on a host in UTC, and its backend was stopped',
    kind: 'fault',
    fault: 'backend-down',
    setUp: async host => {
      await host.write('/etc/systemd/system/nginx.service.d/zone.conf', '[Service]\nEnvironment=TZ=America/New_York\n');
      await host.systemctl('daemon-reload');
      await nodeApp(host, { name: 'boom', code: nodeHttp(), listen: '127.0.0.1:6504' });
      await nginxSite(host, { name: 'boom', server: 'location / { proxy_pass http://127.0.0.1:6504; }', log: 'timed' });
      await startNginx(host);
    },
    breakIt: host => host.systemctl('stop', 'boom'),
    expect: { verdict: 'failing', status: 'active', firstConfidence: 'confirmed', minShare: 0.9, evidence: [/error\.log/, /Connection refused/] },
    repair: host => host.start('boom'),
  }),
];
