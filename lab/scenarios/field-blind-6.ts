import { nodeBinary } from '../host.ts';
import { defineScenario } from '../scenario.ts';
import { waitForListener } from '../servers/listening.ts';
import { fastcgiPass, nginxSite, reloadNginx, replaceIn, startNginx } from '../servers/nginx.ts';
import { nodeApp, nodeHttp } from '../servers/node.ts';
import { FPM_POOLS, phpFpm } from '../servers/php-fpm.ts';
import { gunicorn, wsgiApp } from '../servers/python.ts';
import { startUnit } from '../servers/unit.ts';

export default [
  defineScenario({
    name: 'field-blind-socket-unit-moved',
    title: 'A deploy moved the socket that systemd holds for a gunicorn; nobody has woken it there, and nginx asks the old path',
    kind: 'twin',
    fault: 'socket-missing',
    twinOf: 'backend-down',
    setUp: async host => {
      await host.write('/srv/wiki/app.py', wsgiApp('wiki'));
      await host.unitFile('wiki.socket', '[Socket]\nListenStream=/run/wiki.sock\nSocketUser=www-data\n');
      await host.unitFile(
        'wiki.service',
        '[Unit]\nRequires=wiki.socket\n\n[Service]\nType=notify\nUser=www-data\nWorkingDirectory=/srv/wiki\nExecStart=/usr/bin/gunicorn --workers 2 app:app\nKillMode=mixed\n',
      );
      await host.start('wiki.socket');
      await nginxSite(host, { name: 'wiki', server: 'location / { proxy_pass http://unix:/run/wiki.sock; }' });
      await startNginx(host);
    },
    breakIt: async host => {
      await replaceIn(host, '/etc/systemd/system/wiki.socket', '/run/wiki.sock', '/run/wiki/web.sock');
      await host.systemctl('daemon-reload');
      await host.shell('systemctl stop wiki.service wiki.socket; systemctl start wiki.socket; rm -f /run/wiki.sock');
    },
    expect: { verdict: 'failing', firstConfidence: 'confirmed', status: 'active', minShare: 0.9, evidence: ['/run/wiki/web.sock'] },
    fix: 'first-plan',
  }),

  defineScenario({
    name: 'field-blind-pool-not-restarted',
    title: 'A pool of php-fpm and nginx were given a new socket path, and only nginx was reloaded; an observer without rights looks seconds after the start',
    kind: 'twin',
    fault: 'socket-missing',
    twinOf: 'restart-window',
    runAs: 'nobody',
    setUp: async host => {
      await phpFpm(host, { pool: 'intranet', listen: '/run/php/intranet.sock', files: { 'index.php': '<?php echo "ok";' } });
      await phpFpm(host, { pool: 'shop', listen: '/run/php/shop.sock', keepDefaultPool: true });
      await nginxSite(host, { name: 'shop', server: fastcgiPass('unix:/run/php/shop.sock') });
      await startNginx(host);
    },
    breakIt: async host => {
      await replaceIn(host, `${FPM_POOLS}/shop.conf`, '/run/php/shop.sock', '/run/php/shop-v2.sock');
      await replaceIn(host, '/etc/nginx/sites-enabled/shop.conf', '/run/php/shop.sock', '/run/php/shop-v2.sock');
      await reloadNginx(host);
    },
    expect: { verdict: 'failing', firstConfidence: 'likely', status: 'active', minShare: 0.9 },
    fix: 'first-plan',
  }),

  defineScenario({
    name: 'field-blind-checker-and-predecessor',
    title: 'A checker that asks the port and the unit that had it formerly are stopped as well; the program itself is told its port by its EnvironmentFile',
    kind: 'fault',
    fault: 'backend-down',
    setUp: async host => {
      await nodeApp(host, { name: 'desk', unit: 'desk-2019.service', code: nodeHttp(), listen: '127.0.0.1:8017' });
      await host.shell('systemctl stop desk-2019; rm /etc/systemd/system/multi-user.target.wants/desk-2019.service');
      const code = "require('node:http').createServer((request, response) => response.end('desk\\n')).listen(Number(process.env.PORT), '127.0.0.1');\n";
      await host.write('/opt/desk/main.cjs', code);
      await host.write('/etc/default/desk', 'PORT=8017\n');
      await startUnit(host, { unit: 'desk.service', exec: `${nodeBinary()} /opt/desk/main.cjs`, service: { EnvironmentFile: '/etc/default/desk' } });
      await startUnit(host, { unit: 'heartbeat.service', exec: '/bin/sh -c "while sleep 1; do curl -s http://127.0.0.1:8017/health; done"' });
      await waitForListener(host, '127.0.0.1:8017');
      await nginxSite(host, { name: 'desk', server: 'location / { proxy_pass http://127.0.0.1:8017; }' });
      await startNginx(host);
    },
    breakIt: host => host.systemctl('stop', 'heartbeat', 'desk'),
    expect: {
      verdict: 'failing',
      status: 'active',
      minShare: 0.9,
      check: ({ findings }) => (/heartbeat|desk-2019/.test(JSON.stringify(findings[0]?.fixes)) ? ['a plan starts another unit'] : []),
    },
    repair: host => host.start('desk'),
  }),

  defineScenario({
    name: 'field-blind-drop-in-and-admin',
    title: 'A drop-in moved a gunicorn to another port; its administration listens nearer, and the observer may read no journal',
    kind: 'fault',
    fault: 'address-mismatch',
    runAs: 'nobody',
    setUp: async host => {
      await gunicorn(host, { name: 'geo', code: wsgiApp('geo'), bind: '127.0.0.1:7311' });
      await gunicorn(host, { name: 'geo-admin', code: wsgiApp('admin'), bind: '127.0.0.1:7312' });
      await nginxSite(host, { name: 'geo', server: 'location / { proxy_pass http://127.0.0.1:7311; }' });
      await startNginx(host);
    },
    breakIt: async host => {
      await host.write('/etc/systemd/system/geo.service.d/port.conf', '[Service]\nExecStart=\nExecStart=/usr/bin/gunicorn --bind 127.0.0.1:7321 app:app\n');
      await host.systemctl('daemon-reload');
      await host.restart('geo');
      await waitForListener(host, '127.0.0.1:7321');
    },
    expect: {
      verdict: 'failing',
      firstConfidence: 'likely',
      status: 'active',
      minShare: 0.9,
      evidence: ['127.0.0.1:7321'],
      check: ({ findings }) => (JSON.stringify(findings[0]?.fixes).includes('7312') ? ['a plan leads to the administration'] : []),
    },
    fix: 'first-plan',
  }),

  defineScenario({
    name: 'field-blind-one-path-waits-for-a-lock',
    title: 'An export holds the lock that saving needs; saving hangs, and every other page of the same gunicorn is quick',
    kind: 'healthy',
    traffic: { urls: ['http://127.0.0.1/', 'http://127.0.0.1/save/1'], rps: 4 },
    trafficMs: 2200,
    setUp: async host => {
      await host.write(
        '/srv/ledger/app.py',
        'import fcntl\n\n\ndef app(environ, start_response):\n    if environ["PATH_INFO"].startswith("/save"):\n        with open("/run/ledger/lock", "w") as file:\n            fcntl.flock(file, fcntl.LOCK_EX)\n    start_response("200 OK", [("Content-Type", "text/plain")])\n    return [b"ok"]\n',
      );
      await startUnit(host, {
        unit: 'ledger.service',
        exec: '/usr/bin/gunicorn --workers 2 --threads 12 --bind unix:/run/ledger/http.sock app:app',
        workdir: '/srv/ledger',
        service: { RuntimeDirectory: 'ledger', KillMode: 'mixed' },
      });
      await waitForListener(host, 'unix:/run/ledger/http.sock');
      const pass = 'proxy_pass http://unix:/run/ledger/http.sock;';
      await nginxSite(host, { name: 'ledger', server: `location / { ${pass} }\nlocation /save/ { ${pass} proxy_read_timeout 1s; }`, log: 'timed' });
      await startNginx(host);
    },
    breakIt: host => startUnit(host, { unit: 'nightly-export.service', exec: '/usr/bin/flock /run/ledger/lock /bin/sleep 300' }),
    symptom: async host => {
      const { counts } = await host.request({ urls: ['http://127.0.0.1/', 'http://127.0.0.1/save/2'], count: 2 });
      if (!counts['504'] || !counts['200']) throw new Error(JSON.stringify(counts));
    },
    expect: { verdict: 'inconclusive', notFindings: ['backend-hung', 'backend-down'] },
    repair: host => host.systemctl('stop', 'nightly-export'),
  }),
];
