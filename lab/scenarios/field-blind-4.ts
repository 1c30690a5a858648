import type { LabHost } from '../host.ts';
import { nodeBinary } from '../host.ts';
import { defineScenario } from '../scenario.ts';
import { waitForListener } from '../servers/listening.ts';
import { nginxSite, reloadNginx, replaceIn, startNginx } from '../servers/nginx.ts';
import { nodeApp, nodeHttp } from '../servers/node.ts';
import { phpFpm } from '../servers/php-fpm.ts';
import { gunicorn, uwsgi, wsgiApp } from '../servers/python.ts';
import { startUnit } from '../servers/unit.ts';
import { varnish } from '../servers/varnish.ts';

/** An address of the host itself that is no loopback one, as a network card would have it. */
async function ownAddress(host: LabHost, address: string): Promise<void> {
  await host.run(['ip', address.includes(':') ? '-6' : '-4', 'addr', 'add', address, 'dev', 'lo']);
}

/** A unit whose own words are those of a host in trouble; nobody asks it, and it runs. */
async function loudNeighbour(host: LabHost): Promise<void> {
  await host.unitFile(
    'importer.service',
    '[Service]\nExecStart=/bin/sh -c "while :; do echo ERROR upstream timed out, 502 Bad Gateway from backend, restart nginx; sleep 1; done"\n',
  );
  await host.start('importer');
}

export default [
  defineScenario({
    name: 'field-blind-own-address-and-stopped',
    title: 'nginx asks the address of the card of its own host, the program listened on all of them and was stopped; a neighbour complains of 502 all day',
    kind: 'fault',
    fault: 'backend-down',
    setUp: async host => {
      await ownAddress(host, '192.0.2.30/32');
      await loudNeighbour(host);
      await gunicorn(host, { name: 'permits', code: wsgiApp('permits'), bind: '0.0.0.0:7110' });
      await nginxSite(host, { name: 'permits', server: 'location / { proxy_pass http://192.0.2.30:7110; }' });
      await startNginx(host);
    },
    breakIt: host => host.systemctl('stop', 'permits'),
    expect: { verdict: 'failing', status: 'active', firstConfidence: 'confirmed', subject: { name: 'permits.service' }, notFindings: ['firewall-reject'] },
    fix: 'first-plan',
  }),

  defineScenario({
    name: 'field-blind-own-ipv6-and-moved',
    title: 'The program is told to listen on the IPv4 address of the card since its restart; nginx asks its IPv6 address',
    kind: 'fault',
    fault: 'address-mismatch',
    setUp: async host => {
      await ownAddress(host, '2001:db8::31/128');
      await ownAddress(host, '192.0.2.31/32');
      await nodeApp(host, { name: 'parcels', code: nodeHttp(), listen: '[2001:db8::31]:7121' });
      await nginxSite(host, { name: 'parcels', server: 'location / { proxy_pass http://[2001:db8::31]:7121; }', log: 'timed' });
      await startNginx(host);
    },
    breakIt: host => nodeApp(host, { name: 'parcels', code: nodeHttp(), listen: '192.0.2.31:7121' }),
    expect: {
      verdict: 'failing',
      status: 'active',
      minShare: 0.9,
      evidence: [/192\.0\.2\.31:7121/],
      notFindings: ['backend-down', 'network-unreachable', 'no-route'],
    },
    fix: 'first-plan',
  }),

  defineScenario({
    name: 'field-blind-varnish-lost-its-backend',
    title: 'Varnish stands between nginx and a program that was stopped: it answers 503 itself, and the program is two hops away',
    kind: 'fault',
    fault: 'app-returned-5xx',
    fails: 503,
    setUp: async host => {
      await nodeApp(host, {
        name: 'shopfront',
        code: nodeHttp("response.setHeader('Cache-Control', 'no-store'); response.end('shop\\n');"),
        listen: '127.0.0.1:7131',
      });
      await varnish(host, { listen: '127.0.0.1:7130', vcl: 'backend default { .host = "127.0.0.1"; .port = "7131"; }' });
      await nginxSite(host, { name: 'shopfront', server: 'location / { proxy_pass http://127.0.0.1:7130; }', log: 'timed' });
      await startNginx(host);
    },
    breakIt: host => host.systemctl('stop', 'shopfront'),
    expect: { verdict: 'failing', status: 'active', orFirst: ['backend-down'], minShare: 0.9, notFindings: ['backend-hung', 'address-mismatch'] },
  }),

  defineScenario({
    name: 'field-blind-fallback-is-dead-too',
    title: 'A named location serves what the program cannot, and both are stopped; only the first was asked by clients before',
    kind: 'fault',
    fault: 'backend-down',
    setUp: async host => {
      await nodeApp(host, { name: 'live', code: nodeHttp(), listen: '127.0.0.1:7141' });
      await nodeApp(host, { name: 'spare', code: nodeHttp(), listen: '127.0.0.1:7142' });
      await nginxSite(host, {
        name: 'live',
        server: `location / { proxy_pass http://127.0.0.1:7141; error_page 502 504 = @spare; }
location @spare { proxy_pass http://127.0.0.1:7142; }`,
        log: 'timed',
      });
      await startNginx(host);
    },
    breakIt: async host => {
      await host.systemctl('stop', 'spare', 'live');
    },
    expect: {
      verdict: 'failing',
      status: 'active',
      firstConfidence: 'confirmed',
      check: ({ findings }) =>
        ['live.service', 'spare.service'].flatMap(name =>
          findings.some(each => each.subject.name === name && each.status === 'active') ? [] : [`${name} is not named`],
        ),
    },
  }),

  defineScenario({
    name: 'field-blind-mirror-and-its-page',
    title: 'The program that serves the pages is the one that gets the copies as well, and it was stopped',
    kind: 'fault',
    fault: 'backend-down',
    setUp: async host => {
      await nodeApp(host, { name: 'notes', code: nodeHttp(), listen: '127.0.0.1:7151' });
      await nginxSite(host, {
        name: 'notes',
        server: 'location / { mirror /log; proxy_pass http://127.0.0.1:7151; }\nlocation = /log { internal; proxy_pass http://127.0.0.1:7151/log; }',
        log: 'timed',
      });
      await startNginx(host);
    },
    breakIt: host => host.systemctl('stop', 'notes'),
    expect: { verdict: 'failing', status: 'active', firstConfidence: 'confirmed', minShare: 0.9, subject: { name: 'notes.service' } },
    repair: host => host.start('notes'),
  }),

  defineScenario({
    name: 'field-blind-old-twin-in-a-loop',
    title: 'An old unit of the same program tries for the port in vain, all day; the right one has it and answers one page too late',
    kind: 'twin',
    fault: 'backend-slower-than-timeout',
    twinOf: 'backend-crash-loop',
    url: 'http://127.0.0.1/year',
    fails: 504,
    traffic: { urls: ['http://127.0.0.1/', 'http://127.0.0.1/year'], rps: 10 },
    trafficMs: 2500,
    setUp: async host => {
      const code = nodeHttp("setTimeout(() => response.end('tax\\n'), request.url === '/year' && require('node:fs').existsSync('/srv/tax/late') ? 1700 : 0);");
      await nodeApp(host, { name: 'tax', code, listen: '127.0.0.1:7161' });
      await host.unitFile(
        'tax-old.service',
        `[Unit]\nStartLimitIntervalSec=0\n[Service]\nUser=www-data\nExecStart=${nodeBinary()} /srv/tax/server.cjs 127.0.0.1:7161\nRestart=always\nRestartSec=300ms\n`,
      );
      await host.systemctl('start', '--no-block', 'tax-old');
      await nginxSite(host, { name: 'tax', server: 'location / { proxy_pass http://127.0.0.1:7161; proxy_read_timeout 1s; }', log: 'timed' });
      await startNginx(host);
    },
    breakIt: host => host.write('/srv/tax/late', ''),
    expect: { verdict: 'failing', status: 'active', notFindings: ['backend-hung', 'restart-window', 'backend-down'] },
  }),

  defineScenario({
    name: 'field-blind-vassal-with-a-fault',
    title: 'An emperor of uWSGI serves two vassals; a deploy broke the import of one, whose workers answer nothing',
    kind: 'fault',
    fault: 'app-returned-5xx',
    fails: 500,
    setUp: async host => {
      for (const [name, port] of [
        ['atlas', 7171],
        ['globe', 7172],
      ] as const) {
        await host.write(`/srv/${name}/app.py`, wsgiApp(name));
        await host.write(
          `/etc/uwsgi/vassals/${name}.ini`,
          `[uwsgi]\nplugins = python3\nchdir = /srv/${name}\nmodule = app:app\nmaster = true\nprocesses = 1\nsocket = 127.0.0.1:${port}\n`,
        );
      }
      await startUnit(host, { unit: 'emperor.service', exec: '/usr/bin/uwsgi --emperor /etc/uwsgi/vassals --die-on-term' });
      await waitForListener(host, '127.0.0.1:7171');
      await waitForListener(host, '127.0.0.1:7172');
      await nginxSite(host, {
        name: 'atlas',
        server: 'include uwsgi_params;\nlocation / { uwsgi_pass 127.0.0.1:7171; }\nlocation /globe/ { uwsgi_pass 127.0.0.1:7172; }',
        log: 'timed',
      });
      await startNginx(host);
    },
    breakIt: async host => {
      await host.write('/srv/atlas/app.py', `import projections_of_the_earth\n${wsgiApp('atlas')}`);
      // The emperor compares whole seconds.
      await host.shell("touch -d '2 seconds' /etc/uwsgi/vassals/atlas.ini");
      await host.until('the vassal to be loaded anew', async () => (await host.request({ urls: ['http://127.0.0.1/'] })).counts['500'] !== undefined);
    },
    expect: { verdict: 'failing', status: 'active', minShare: 0.9, notFindings: ['backend-down', 'address-mismatch', 'worker-pool-exhausted'] },
  }),

  defineScenario({
    name: 'field-blind-pool-hides-behind-a-link',
    title: 'The site asks a socket through a link in its own folder; an upgrade left the link at the socket of a pool that is gone',
    kind: 'fault',
    fault: 'socket-missing',
    url: 'http://127.0.0.1/index.php',
    setUp: async host => {
      await phpFpm(host, { pool: 'club', listen: '/run/php/club-v1.sock', files: { 'index.php': '<?php echo "club\\n";' } });
      await host.shell('mkdir -p /srv/club/run; ln -s /run/php/club-v1.sock /srv/club/run/fpm.sock');
      await nginxSite(host, {
        name: 'club',
        server: 'root /var/www/html;\nlocation ~ \\.php$ { include snippets/fastcgi-php.conf; fastcgi_pass unix:/srv/club/run/fpm.sock; }',
        log: 'timed',
      });
      await startNginx(host);
    },
    breakIt: host => phpFpm(host, { pool: 'club', listen: '/run/php/club-v2.sock' }),
    expect: {
      verdict: 'failing',
      status: 'active',
      orFirst: ['address-mismatch'],
      minShare: 0.9,
      evidence: [/club-v[12]\.sock/],
      notFindings: ['backend-down', 'socket-permission-denied'],
    },
  }),

  defineScenario({
    name: 'field-blind-wrong-port-and-metrics',
    title: 'A new route was written with a wrong port; the metrics of the program answer on the port beside it and must not be served',
    kind: 'fault',
    fault: 'address-mismatch',
    setUp: async host => {
      await uwsgi(host, { name: 'rooms', code: wsgiApp('rooms'), bind: '127.0.0.1:7190', protocol: 'http-socket' });
      await nodeApp(host, { name: 'rooms-metrics', code: nodeHttp("response.end('up 1\\n');"), listen: '127.0.0.1:7193' });
      await nginxSite(host, { name: 'rooms', server: 'location / { proxy_pass http://127.0.0.1:7190; }', log: 'timed' });
      await startNginx(host);
    },
    breakIt: async host => {
      await host.shell('sleep 1.2');
      await replaceIn(host, '/etc/nginx/sites-enabled/rooms.conf', ':7190', ':7192');
      await reloadNginx(host);
    },
    expect: {
      verdict: 'failing',
      status: 'active',
      orFirst: ['backend-down'],
      check: ({ findings }) =>
        findings.flatMap(each => each.fixes).some(fix => fix.automatic && fix.steps.some(step => step.kind === 'edit' && step.after.includes('7193')))
          ? ['a plan leads to the metrics']
          : [],
    },
  }),
];
