import { nodeBinary } from '../host.ts';
import type { LabHost } from '../host.ts';
import { defineScenario } from '../scenario.ts';
import { waitForListener } from '../servers/listening.ts';
import { nginxSite, startNginx } from '../servers/nginx.ts';
import { nodeHttp } from '../servers/node.ts';
import { pm2Of } from '../servers/pm2.ts';
import type { Pm2 } from '../servers/pm2.ts';
import { gunicorn, wsgiApp } from '../servers/python.ts';
import { startSupervisor, supervisorProgram } from '../servers/supervisor.ts';

/** Says where it listens, as most programs do. */
const talkative = nodeHttp(undefined, "server.on('listening', () => console.log('Server listening on http://' + process.argv[2]));");
const DAY_MS = 86_400_000;

export default [
  defineScenario({
    name: 'backend-crash-loop-pm2-errored',
    title: 'The new release of an app under pm2 dies at its start until pm2 gives up on it',
    kind: 'fault',
    fault: 'backend-crash-loop',
    setUp: async host => {
      await app(host, 'mail', '127.0.0.1:3210', await pm2Of(host, { user: 'deploy' }));
      await app(host, 'orders', '127.0.0.1:3200', await pm2Of(host, { user: 'deploy' }), nodeHttp(), ['--max-restarts', '6']);
      await nginxSite(host, { name: 'shop', server: 'location / { proxy_pass http://127.0.0.1:3200; }' });
      await startNginx(host);
    },
    breakIt: async host => {
      const pm2 = await pm2Of(host, { user: 'deploy' });
      await host.write('/srv/orders/server.cjs', "throw new Error('ORDERS_TOPIC is not set');\n");
      await pm2('restart', 'orders');
      await host.until('pm2 to give up', async () => (await host.read(`${pm2.home}/pm2.log`)).includes('"errored"'), 20_000);
    },
    expect: {
      verdict: 'failing',
      firstConfidence: ['confirmed', 'likely'],
      status: 'active',
      subject: { name: 'pm2 app orders' },
      evidence: [/ORDERS_TOPIC/, /too many unstable restarts/],
    },
    repair: async host => {
      const pm2 = await pm2Of(host, { user: 'deploy' });
      await host.write('/srv/orders/server.cjs', nodeHttp());
      await pm2('restart', 'orders');
      await waitForListener(host, '127.0.0.1:3200');
    },
  }),
  defineScenario({
    name: 'backend-down-pm2-stopped',
    title: 'Somebody stopped the app under pm2 that nginx asks; its neighbour runs on',
    kind: 'fault',
    fault: 'backend-down',
    setUp: async host => {
      const pm2 = await pm2Of(host, { user: 'shopper', home: '/srv/pm2' });
      await app(host, 'cart', '127.0.0.1:4105', pm2, talkative);
      await app(host, 'search', '127.0.0.1:4106', pm2, talkative);
      await nginxSite(host, {
        name: 'shop',
        http: 'upstream carts { server 127.0.0.1:4105; }',
        server: 'location / { proxy_pass http://carts; } location /search { proxy_pass http://127.0.0.1:4106; }',
        log: 'timed',
      });
      await startNginx(host);
    },
    breakIt: async host => {
      await (
        await pm2Of(host, { user: 'shopper', home: '/srv/pm2' })
      )('stop', 'cart');
    },
    expect: {
      verdict: 'failing',
      firstConfidence: 'confirmed',
      status: 'active',
      subject: { name: 'pm2 app cart' },
      evidence: ['Stopping app:cart', 'Server listening on http://127.0.0.1:4105'],
    },
    fix: 'first-plan',
  }),
  defineScenario({
    name: 'backend-down-pm2-silent',
    title: 'The stopped app under pm2 never said where it listens: its name and the time of its end tell',
    kind: 'fault',
    fault: 'backend-down',
    setUp: async host => {
      const pm2 = await pm2Of(host, { user: 'root' });
      await app(host, 'invoices', '127.0.0.1:5501', pm2);
      await app(host, 'reports', '127.0.0.1:5502', pm2);
      await pm2('stop', 'reports');
      await nginxSite(host, { name: 'invoices', server: 'location / { proxy_pass http://127.0.0.1:5501; }' });
      await startNginx(host);
    },
    breakIt: async host => {
      await (
        await pm2Of(host, { user: 'root' })
      )('stop', 'invoices');
    },
    expect: { verdict: 'failing', firstConfidence: 'likely', status: 'active', subject: { name: 'pm2 app invoices' }, evidence: ['Stopping app:invoices'] },
    repair: async host => {
      await (
        await pm2Of(host, { user: 'root' })
      )('start', 'invoices');
      await waitForListener(host, '127.0.0.1:5501');
    },
  }),
  defineScenario({
    name: 'backend-down-pm2-daemon-gone',
    title: "The host's pm2 was ended with all its apps, as after a boot for which nobody set it up",
    kind: 'fault',
    fault: 'backend-down',
    setUp: async host => {
      const pm2 = await pm2Of(host, { user: 'deploy' });
      await app(host, 'booking', '127.0.0.1:3456', pm2, talkative);
      await pm2('save');
      await nginxSite(host, { name: 'booking', server: 'location / { proxy_pass http://127.0.0.1:3456; }' });
      await startNginx(host);
    },
    breakIt: async host => {
      // At once, so that the daemon does not see its apps end.
      await host.shell('set -- $(for file in "$1"/pm2.pid "$1"/pids/*.pid; do cat "$file"; echo; done); kill -KILL "$@"', ['/home/deploy/.pm2']);
    },
    expect: {
      verdict: 'failing',
      firstConfidence: 'likely',
      status: 'active',
      subject: { name: 'pm2 app booking' },
      evidence: ['Server listening on http://127.0.0.1:3456'],
    },
    repair: async host => {
      await (
        await pm2Of(host, { user: 'deploy' })
      )('resurrect');
    },
  }),
  defineScenario({
    name: 'backend-crashing-pm2-cluster',
    title: 'One page throws and ends the pm2 cluster worker that it meets, with all that this one works on',
    kind: 'fault',
    fault: 'backend-crashing',
    url: 'http://127.0.0.1/',
    setUp: async host => {
      const pm2 = await pm2Of(host, { user: 'app' });
      await host.write(
        '/srv/tickets/server.cjs',
        nodeHttp("if (request.url.startsWith('/print')) setTimeout(() => { throw new TypeError('ticket has no seat'); }, 20); else response.end('ok\\n');"),
      );
      await pm2('start', '/srv/tickets/server.cjs', '--name', 'tickets', '-i', '3', '--', '127.0.0.1:3700');
      await waitForListener(host, '127.0.0.1:3700');
      await nginxSite(host, { name: 'tickets', server: 'location / { proxy_pass http://127.0.0.1:3700; }' });
      await startNginx(host);
    },
    breakIt: async host => {
      await host.request({ urls: ['http://127.0.0.1/print/7'], count: 2, rps: 2, seconds: 1 });
    },
    traffic: { urls: ['http://127.0.0.1/print/8', ...Array.from({ length: 5 }, () => 'http://127.0.0.1/')], rps: 4 },
    symptom: async host => {
      const log = await host.read('/var/log/nginx/error.log');
      if (!log.includes('upstream prematurely closed connection')) throw new Error('no request was cut');
    },
    expect: {
      verdict: 'failing',
      status: 'active',
      evidence: [/App \[tickets:\d\] exited with code \[\d\]/, /ticket has no seat/],
      notFindings: ['backend-down'],
    },
    repair: async host => {
      const pm2 = await pm2Of(host, { user: 'app' });
      await host.write('/srv/tickets/server.cjs', nodeHttp());
      await pm2('reload', 'tickets');
    },
  }),
  defineScenario({
    name: 'worker-recycled-pm2-memory',
    title: 'An app leaks, and pm2 starts it anew whenever it is over its limit: requests fail in that moment',
    kind: 'fault',
    fault: 'worker-recycled',
    setUp: async host => {
      const pm2 = await pm2Of(host, { user: 'media', workerMs: 1000 });
      const code = `const from = Date.now() + 400; while (Date.now() < from);\n${nodeHttp("(globalThis.kept ??= []).push(Buffer.alloc(6e6, 1)); response.end('ok\\n');")}`;
      await host.write('/srv/thumbs/server.cjs', code);
      await pm2('start', '/srv/thumbs/server.cjs', '--name', 'thumbs', '--max-memory-restart', '280M', '--', '127.0.0.1:3801');
      await waitForListener(host, '127.0.0.1:3801');
      await nginxSite(host, { name: 'thumbs', server: 'location / { proxy_pass http://127.0.0.1:3801; }' });
      await startNginx(host);
    },
    symptom: async host => {
      await host.until('pm2 to restart it', async () => (await host.read('/home/media/.pm2/pm2.log')).includes('--max-memory-restart'), 20_000);
      await host.until('a request to be refused', async () => (await host.read('/var/log/nginx/error.log')).includes('(111: Connection refused)'), 20_000);
      await waitForListener(host, '127.0.0.1:3801');
    },
    expect: {
      orFirst: ['restart-window'],
      subject: { name: 'pm2 app thumbs' },
      evidence: [/exceeds --max-memory-restart|Stopping app:thumbs/],
      notFindings: ['backend-down'],
    },
    repair: async host => {
      const pm2 = await pm2Of(host, { user: 'media', workerMs: 1000 });
      await host.write('/srv/thumbs/server.cjs', nodeHttp());
      // While it restarts the app for its memory, PM2 refuses to do so for somebody else: "Process with pid 144 already exists".
      await host.until('pm2 to take the restart', async () => {
        try {
          await pm2('restart', 'thumbs');
          return true;
        } catch (error) {
          if (!String(error).includes('already exists')) throw error;
          return false;
        }
      });
      await waitForListener(host, '127.0.0.1:3801');
    },
  }),
  defineScenario({
    name: 'bad-input-pm2-of-another-user',
    title: "The app's pm2 belongs to somebody into whose home the user at the terminal may not look",
    kind: 'fault',
    fault: 'backend-down',
    runAs: 'nobody',
    setUp: async host => {
      const pm2 = await pm2Of(host, { user: 'deploy' });
      await app(host, 'blog', '127.0.0.1:2368', pm2, talkative);
      await nginxSite(host, { name: 'blog', server: 'location / { proxy_pass http://127.0.0.1:2368; }' });
      await startNginx(host);
    },
    breakIt: async host => {
      await (
        await pm2Of(host, { user: 'deploy' })
      )('stop', 'blog');
    },
    expect: { status: 'active', notChecked: [/pm2.*run as root/] },
    also: async (host, badhop) => {
      const told = await badhop(['diagnose', '--format', 'json']);
      const first = told.report?.findings[0];
      if (first?.subject.name !== 'pm2 app blog') throw new Error(`as root the app is not named: ${first?.explanation ?? 'nothing was found'}`);
      if ((await host.exec(['pgrep', '-c', '-f', 'God Daemon'])).stdout.trim() !== '1') throw new Error('there is not one pm2 daemon');
    },
    repair: async host => {
      await (
        await pm2Of(host, { user: 'deploy' })
      )('start', 'blog');
    },
  }),
  defineScenario({
    name: 'backend-crash-loop-supervisor-fatal',
    title: 'The program that supervisord starts lacks a module, and supervisord gave up on it',
    kind: 'fault',
    fault: 'backend-crash-loop',
    setUp: async host => {
      await host.write('/srv/rates/server.cjs', nodeHttp());
      await supervisorProgram(host, {
        name: 'rates',
        command: `${nodeBinary()} /srv/rates/server.cjs 127.0.0.1:8611`,
        settings: { startretries: '0', stderr_logfile: '/var/log/rates.err', environment: 'RATES_PASSWORD="hunter2"' },
      });
      // It takes its time, in which nginx starts.
      await startSupervisor(host);
      await nginxSite(host, { name: 'rates', server: 'location / { proxy_pass http://127.0.0.1:8611; }' });
      await startNginx(host);
      await waitForListener(host, '127.0.0.1:8611');
    },
    breakIt: async host => {
      await host.write('/srv/rates/server.cjs', "require('ratings_client');\n");
      await host.exec(['supervisorctl', 'restart', 'rates']);
      await host.until('supervisord to give up', async () => (await host.read('/var/log/supervisor/supervisord.log')).includes('rates entered FATAL'), 20_000);
    },
    trafficMs: 700,
    expect: {
      verdict: 'failing',
      firstConfidence: 'confirmed',
      status: 'active',
      subject: { name: 'supervisor program rates' },
      evidence: [/ratings_client/, 'entered FATAL state'],
    },
    also: async (host, badhop) => {
      await badhop(['collect', '--out', '/var/bundle']);
      if (!(await host.shell('grep -rl "program:rates" /var/bundle')).includes('/var/bundle')) throw new Error('the bundle does not hold the configuration');
      if ((await host.exec(['grep', '-r', 'hunter2', '/var/bundle'])).code !== 1) throw new Error('the bundle holds a password');
    },
    repair: async host => {
      await host.write('/srv/rates/server.cjs', nodeHttp());
      await host.run(['supervisorctl', 'start', 'rates']);
    },
  }),
  defineScenario({
    name: 'backend-down-supervisor-stopped',
    title: 'One program of a group was stopped by supervisorctl; the others serve',
    kind: 'fault',
    fault: 'backend-down',
    setUp: async host => {
      await host.write('/srv/forum/app.py', wsgiApp('forum'));
      for (const [name, port] of [
        ['web', 9310],
        ['push', 9311],
      ] as const)
        await supervisorProgram(host, { name, command: `/usr/bin/gunicorn --chdir /srv/forum --bind 127.0.0.1:${port} app:app` });
      await host.write('/etc/supervisor/conf.d/zz-forum.conf', '[group:forum]\nprograms=web,push\n');
      await startSupervisor(host);
      await nginxSite(host, {
        name: 'forum',
        server: 'location / { proxy_pass http://127.0.0.1:9310; } location /push { proxy_pass http://127.0.0.1:9311; }',
        log: 'timed',
      });
      await startNginx(host);
      for (const port of [9310, 9311]) await waitForListener(host, `127.0.0.1:${port}`);
    },
    breakIt: async host => {
      await host.run(['supervisorctl', 'stop', 'forum:web']);
    },
    expect: {
      verdict: 'failing',
      firstConfidence: 'confirmed',
      status: 'active',
      subject: { name: 'supervisor program forum:web' },
      evidence: [/forum:web +STOPPED|stopped: web/],
    },
    fix: 'first-plan',
  }),
  defineScenario({
    name: 'backend-down-twin-pm2-runs',
    title: 'The apps under pm2 are well, although one restarted a moment ago; the gunicorn beside them was stopped',
    kind: 'twin',
    fault: 'backend-down',
    twinOf: 'backend-crash-loop',
    setUp: async host => {
      const pm2 = await pm2Of(host, { user: 'deploy' });
      await app(host, 'chat', '127.0.0.1:3900', pm2, talkative);
      await gunicorn(host, { name: 'ledger', code: wsgiApp('ledger'), bind: '127.0.0.1:8820' });
      await nginxSite(host, {
        name: 'office',
        server: 'location / { proxy_pass http://127.0.0.1:8820; } location /chat { proxy_pass http://127.0.0.1:3900; }',
      });
      await startNginx(host);
    },
    breakIt: async host => {
      await host.systemctl('stop', 'ledger');
      await (
        await pm2Of(host, { user: 'deploy' })
      )('restart', 'chat');
      await waitForListener(host, '127.0.0.1:3900');
    },
    expect: { verdict: 'failing', firstConfidence: 'confirmed', status: 'active', subject: { id: 'unit:ledger.service' } },
    fix: 'first-plan',
  }),
  defineScenario({
    name: 'healthy-old-pm2-restarts',
    title: 'An app under pm2 was errored and out of memory a week ago; a job that ended and a program that nobody starts are as they should be',
    kind: 'healthy',
    setUp: async host => {
      const pm2 = await pm2Of(host, { user: 'deploy' });
      await app(host, 'api', '127.0.0.1:3300', pm2);
      const at = (index: number): string => new Date(Date.now() - 7 * DAY_MS + index * 150).toISOString().slice(0, 19);
      const old = Array.from({ length: 16 }, (_, index) =>
        ['starting in -fork mode-', 'online', 'exited with code [1] via signal [SIGINT]'].map(what => `${at(index)}: PM2 log: App [api:0] ${what}\n`).join(''),
      );
      const end = `${at(17)}: PM2 log: Script /srv/api/server.cjs had too many unstable restarts (16). Stopped. "errored"\n`;
      const memory = `${at(20)}: PM2 log: [PM2][WORKER] Process 0 restarted because it exceeds --max-memory-restart value (current_memory=314572800 max_memory_limit=268435456 [octets])\n`;
      await host.shell('cat - "$1" > "$1.new" && cat "$1.new" > "$1" && rm "$1.new"', [`${pm2.home}/pm2.log`], { input: old.join('') + end + memory });
      await host.write(`${pm2.home}/logs/api-error.log`, 'Error: connect ECONNREFUSED 127.0.0.1:5432\n', { owner: 'deploy' });
      await host.shell('touch -d "7 days ago" "$1"', [`${pm2.home}/logs/api-error.log`]);
      await host.write('/srv/job.cjs', 'process.exit(0);\n');
      await pm2('start', '/srv/job.cjs', '--name', 'job', '--no-autorestart');
      await supervisorProgram(host, { name: 'import', command: '/bin/sleep 1000', settings: { autostart: 'false' } });
      await startSupervisor(host);
      await nginxSite(host, { name: 'api', server: 'location / { proxy_pass http://127.0.0.1:3300; }' });
      await startNginx(host);
    },
    expect: { verdict: 'healthy' },
  }),
];

/** A Node program of its own folder under pm2. */
async function app(host: LabHost, name: string, listen: string, pm2: Pm2, code = nodeHttp(), options: readonly string[] = []): Promise<void> {
  await host.write(`/srv/${name}/server.cjs`, code);
  await pm2('start', `/srv/${name}/server.cjs`, '--name', name, ...options, '--', listen);
  await waitForListener(host, listen);
}
