import type { LabHost } from '../host.ts';
import { defineScenario } from '../scenario.ts';
import { waitForListener } from '../servers/listening.ts';
import { fastcgiPass, nginxSite, startNginx } from '../servers/nginx.ts';
import { PHP_VERSION, phpFpm } from '../servers/php-fpm.ts';
import { gunicorn, wsgiApp } from '../servers/python.ts';
import { rawTcp } from '../servers/raw-tcp.ts';

const visitors = async (host: LabHost): Promise<void> => {
  // Forty at once, twice a second, then nobody: the workers are idle most of the time. Ends by itself.
  const burst = 'for n in $(seq 120); do curl -sZ --parallel-max 40 --parallel-immediate "http://127.0.0.1/?n=[1-40]" -o /dev/null; sleep 0.5; done';
  await host.runService('visitors', ['sh', '-c', burst]);
};

const setUp = async (host: LabHost): Promise<void> => {
  await gunicorn(host, { name: 'lottery', code: wsgiApp('lottery'), bind: 'unix:/run/lottery/app.sock', workers: 2, threads: 4 });
  await nginxSite(host, { name: 'lottery', server: 'location / { proxy_pass http://unix:/run/lottery/app.sock; }', log: 'timed' });
  await startNginx(host);
};

/** gunicorn with time on its hands, whose queue is too short for forty at once; over TCP the kernel then drops what comes. */
const tcpSite = async (host: LabHost, args: readonly string[] = []): Promise<void> => {
  await gunicorn(host, { name: 'lottery', code: wsgiApp('lottery'), bind: '127.0.0.1:8322', workers: 2, args });
  // Half a second: a connection that was dropped is tried again after a whole one.
  await nginxSite(host, { name: 'lottery', server: 'location / { proxy_pass http://127.0.0.1:8322; proxy_connect_timeout 500ms; }', log: 'timed' });
  await startNginx(host);
};

const hasDropped = async (host: LabHost): Promise<void> => {
  const text = '(110: Connection timed out) while connecting to upstream';
  await host.until('a dropped connection', async () => (await host.read('/var/log/nginx/error.log')).includes(text));
};

const hasRefused = async (host: LabHost): Promise<void> => {
  const text = '(11: Resource temporarily unavailable)';
  await host.until('a full queue', async () => (await host.read('/var/log/nginx/error.log')).includes(text));
};

export default [
  defineScenario({
    name: 'accept-queue-overflow-fpm-backlog',
    title: 'The pool asks for a queue of three; a page with forty pictures comes at once, while another pool once was full',
    kind: 'fault',
    fault: 'accept-queue-overflow',
    setUp: async host => {
      await phpFpm(host, {
        pool: 'gallery',
        listen: '/run/php/gallery.sock',
        settings: { pm: 'static', 'pm.max_children': 4, 'listen.backlog': 3 },
        root: '/var/www/gallery',
        files: { 'index.php': '<?php usleep(3000); echo "picture\\n";' },
      });
      await nginxSite(host, { name: 'gallery', server: fastcgiPass('unix:/run/php/gallery.sock', '/var/www/gallery'), log: 'timed' });
      await startNginx(host);
      // Another pool's warning is no sign of this one's state.
      const warning = 'WARNING: [pool intranet] server reached pm.max_children setting (5), consider raising it';
      await host.shell('printf "[%s] %s\\n" "$(date "+%d-%b-%Y %H:%M:%S")" "$1" >> "/var/log/php$2-fpm.log"', [warning, PHP_VERSION]);
    },
    breakIt: visitors,
    traffic: { rps: 4 },
    trafficMs: 3000,
    symptom: hasRefused,
    expect: { verdict: 'failing', firstConfidence: ['confirmed', 'likely'], status: 'active', notFindings: ['worker-pool-exhausted', 'backend-down'] },
    fix: 'first-plan',
  }),
  defineScenario({
    name: 'accept-queue-overflow',
    title: 'somaxconn cuts the queue of the socket to two; short bursts overflow it while the workers have time',
    kind: 'fault',
    fault: 'accept-queue-overflow',
    setUp,
    breakIt: async host => {
      await host.run(['sysctl', '-qw', 'net.core.somaxconn=2']);
      await host.restart('lottery');
      await visitors(host);
    },
    traffic: { rps: 4 },
    trafficMs: 2400,
    symptom: hasRefused,
    expect: { verdict: 'failing', status: 'active', notFindings: ['worker-pool-exhausted', 'backend-down'] },
    fix: 'first-plan',
    repair: async host => {
      await host.run(['sysctl', '-qw', 'net.core.somaxconn=4096']);
      await host.restart('lottery');
    },
  }),
  defineScenario({
    name: 'accept-queue-overflow-twin-dropped',
    title: 'Connections time out in the same way, and the queue is empty: a rule drops them',
    kind: 'twin',
    fault: 'firewall-drop',
    twinOf: 'accept-queue-overflow',
    fails: 504,
    setUp: async host => {
      await gunicorn(host, { name: 'lottery', code: wsgiApp('lottery'), bind: '127.0.0.1:8321', args: ['--backlog', '5'] });
      await nginxSite(host, { name: 'lottery', server: 'location / { proxy_pass http://127.0.0.1:8321; proxy_connect_timeout 1s; }', log: 'timed' });
      await startNginx(host);
    },
    breakIt: async host => {
      await host.run(['iptables', '-A', 'INPUT', '-p', 'tcp', '--dport', '8321', '-j', 'DROP']);
    },
    traffic: { rps: 6 },
    trafficMs: 2500,
    expect: { verdict: 'failing', status: 'active' },
  }),
  defineScenario({
    name: 'accept-queue-overflow-twin-busy',
    title: 'The queue is short as well, but it is full because every worker is busy all the time',
    kind: 'twin',
    fault: 'worker-pool-exhausted',
    twinOf: 'backend-hung',
    url: 'http://127.0.0.1/slow?s=1',
    setUp: async host => {
      await host.run(['sysctl', '-qw', 'net.core.somaxconn=8']);
      await gunicorn(host, { name: 'lottery', code: wsgiApp('lottery'), bind: 'unix:/run/lottery/app.sock', workers: 2 });
      await nginxSite(host, { name: 'lottery', server: 'location / { proxy_pass http://unix:/run/lottery/app.sock; }', log: 'timed' });
      await startNginx(host);
    },
    traffic: { rps: 15, concurrency: 50 },
    trafficMs: 4000,
    symptom: hasRefused,
    expect: { verdict: 'failing', status: 'active' },
  }),
  defineScenario({
    name: 'accept-queue-overflow-tcp',
    title: 'The queue of a TCP port holds two; of forty visitors at once most are dropped, and nginx gives up connecting',
    kind: 'fault',
    fault: 'accept-queue-overflow',
    fails: 504,
    setUp: host => tcpSite(host, ['--backlog', '2']),
    breakIt: visitors,
    traffic: { rps: 4 },
    trafficMs: 3000,
    symptom: hasDropped,
    expect: {
      verdict: 'failing',
      firstConfidence: ['confirmed', 'likely'],
      status: 'active',
      notFindings: ['worker-pool-exhausted', 'firewall-drop', 'backend-hung', 'backend-down'],
    },
    fix: 'first-plan',
  }),
  defineScenario({
    name: 'accept-queue-overflow-tcp-clamped',
    title: 'gunicorn asks for a queue of 2048 and somaxconn leaves it three',
    kind: 'fault',
    fault: 'accept-queue-overflow',
    fails: 504,
    setUp: host => tcpSite(host),
    breakIt: async host => {
      await host.run(['sysctl', '-qw', 'net.core.somaxconn=3']);
      await host.restart('lottery');
      await waitForListener(host, '127.0.0.1:8322');
      await visitors(host);
    },
    traffic: { rps: 4 },
    trafficMs: 3000,
    symptom: hasDropped,
    expect: {
      verdict: 'failing',
      firstConfidence: ['confirmed', 'likely'],
      status: 'active',
      evidence: ['3'],
      notFindings: ['worker-pool-exhausted', 'firewall-drop', 'backend-hung'],
    },
    fix: 'first-plan',
  }),
  defineScenario({
    name: 'accept-queue-overflow-twin-not-accepting',
    title: 'The queue of the TCP port is full because the program no longer accepts anything',
    kind: 'twin',
    fault: 'backend-hung',
    twinOf: 'worker-pool-exhausted',
    fails: 504,
    setUp: async host => {
      await rawTcp(host, { name: 'ledger', listen: '127.0.0.1:8323', behaviour: 'slow', seconds: 0 });
      await nginxSite(host, {
        name: 'ledger',
        server: 'location / { proxy_pass http://127.0.0.1:8323; proxy_connect_timeout 500ms; proxy_read_timeout 1s; }',
        log: 'timed',
      });
      await startNginx(host);
    },
    breakIt: host => rawTcp(host, { name: 'ledger', listen: '127.0.0.1:8323', behaviour: 'no-accept', backlog: 3 }),
    traffic: { rps: 12 },
    trafficMs: 2500,
    symptom: hasDropped,
    expect: { verdict: 'failing', firstConfidence: 'confirmed', status: 'active', consequences: ['accept-queue-overflow'], notFindings: ['firewall-drop'] },
  }),
];
