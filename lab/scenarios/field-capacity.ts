import type { LabHost } from '../host.ts';
import { defineScenario } from '../scenario.ts';
import type { Scenario } from '../scenario.ts';
import { fastcgiPass, nginxSite, startNginx } from '../servers/nginx.ts';
import { nodeApp, nodeHttp } from '../servers/node.ts';
import { phpFpm } from '../servers/php-fpm.ts';
import { gunicorn, wsgiApp } from '../servers/python.ts';
import { startUnit } from '../servers/unit.ts';

/** A worker is busy with each of these for a while that nginx would wait for. */
const WORK = '<?php usleep((int) (($_GET["ms"] ?? 5) * 1000)); echo "ok";';

async function answers(host: LabHost, path = '/'): Promise<void> {
  const { counts } = await host.request({ urls: [`http://127.0.0.1${path}`] });
  if (!counts['200']) throw new Error(JSON.stringify(counts));
}

/** Many at once, as a crawler does it. */
function burst(host: LabHost, { path, parallel, pauseSeconds }: { path: string; parallel: number; pauseSeconds: number }): Promise<void> {
  const program = `import http.client, threading, time
def get():
    try:
        c = http.client.HTTPConnection("127.0.0.1", 80, timeout=20); c.request("GET", "${path}"); c.getresponse().read()
    except OSError:
        pass
while True:
    ts = [threading.Thread(target=get) for _ in range(${parallel})]
    [t.start() for t in ts]; time.sleep(${pauseSeconds})
`;
  return host.write('/srv/crawler/crawl.py', program).then(() => startUnit(host, { unit: 'crawler.service', exec: '/usr/bin/python3 /srv/crawler/crawl.py' }));
}

const pools: Scenario[] = (
  [
    ['static', { pm: 'static', 'pm.max_children': 2 }],
    ['dynamic', { pm: 'dynamic', 'pm.max_children': 3, 'pm.start_servers': 1, 'pm.max_spare_servers': 2 }],
    ['ondemand', { pm: 'ondemand', 'pm.max_children': 2, 'pm.process_idle_timeout': '5s' }],
  ] as const
).map(([pm, settings], index) =>
  defineScenario({
    name: `field-fpm-${pm}-full`,
    title: `Every request is short enough; ${pm} workers are too few for what comes in`,
    kind: 'fault',
    fault: 'worker-pool-exhausted',
    fails: 504,
    url: 'http://127.0.0.1/index.php?ms=700',
    healthy: host => answers(host),
    traffic: { urls: ['http://127.0.0.1/index.php?ms=700'], rps: 16, concurrency: 200, timeoutMs: 20_000 },
    trafficMs: 2500,
    setUp: async host => {
      await phpFpm(host, {
        pool: ['cms', 'lms', 'pos'][index] ?? 'x',
        listen: index === 1 ? '127.0.0.1:9444' : `/run/php/${pm}-pool.sock`,
        keepDefaultPool: index === 0,
        settings: { ...settings, 'listen.backlog': 511 },
        root: `/srv/${pm}`,
        files: { 'index.php': WORK },
      });
      await nginxSite(host, {
        name: 'main',
        log: index === 2 ? 'timed' : 'combined',
        server: `fastcgi_read_timeout 1s;\n${fastcgiPass(index === 1 ? '127.0.0.1:9444' : `unix:/run/php/${pm}-pool.sock`, `/srv/${pm}`)}`,
      });
      await startNginx(host);
    },
    expect: { verdict: 'failing', firstConfidence: ['confirmed', 'likely'], status: 'active', notFindings: ['backend-hung', 'backend-down', 'firewall-drop'] },
  }),
);

export default [
  ...pools,

  defineScenario({
    name: 'field-gunicorn-sync-full',
    title: 'Two sync workers for eight slow requests a second, on a unix socket',
    kind: 'fault',
    fault: 'worker-pool-exhausted',
    fails: 504,
    url: 'http://127.0.0.1/slow?s=0.9',
    healthy: host => answers(host),
    traffic: { urls: ['http://127.0.0.1/slow?s=0.9'], rps: 12, concurrency: 200, timeoutMs: 20_000 },
    trafficMs: 2500,
    setUp: async host => {
      await gunicorn(host, { name: 'quiz', code: wsgiApp(), bind: 'unix:/run/quiz/quiz.sock', workers: 2 });
      await nginxSite(host, {
        name: 'quiz',
        http: 'upstream quiz { server unix:/run/quiz/quiz.sock fail_timeout=0; }',
        server: 'proxy_read_timeout 1s;\nlocation / { proxy_pass http://quiz; }',
      });
      await startNginx(host);
    },
    expect: { verdict: 'failing', firstConfidence: ['confirmed', 'likely'], status: 'active', notFindings: ['backend-hung', 'backend-down', 'firewall-drop'] },
  }),

  defineScenario({
    name: 'field-fpm-full-and-queue-over',
    title: 'All workers are busy for long, a queue of four overflows, and nginx gets errno 11 at once',
    kind: 'fault',
    fault: 'worker-pool-exhausted',
    url: 'http://127.0.0.1/index.php?ms=3000',
    healthy: host => answers(host),
    traffic: { urls: ['http://127.0.0.1/index.php?ms=3000'], rps: 14, concurrency: 100, timeoutMs: 30_000 },
    trafficMs: 2500,
    setUp: async host => {
      await phpFpm(host, {
        pool: 'tix',
        listen: '/run/tix.sock',
        settings: { pm: 'static', 'pm.max_children': 3, 'listen.backlog': 4 },
        root: '/srv/tix',
        files: { 'index.php': WORK },
      });
      await nginxSite(host, { name: 'tix', server: fastcgiPass('unix:/run/tix.sock', '/srv/tix') });
      await startNginx(host);
    },
    expect: {
      verdict: 'failing',
      firstConfidence: ['confirmed', 'likely'],
      status: 'active',
      minShare: 0.5,
      notFindings: ['backend-down', 'backend-hung', 'socket-permission-denied'],
    },
  }),

  defineScenario({
    name: 'field-bursts-over-a-short-queue',
    title: 'A crawler comes with forty requests at once every second; the workers are idle between, the queue holds three',
    kind: 'fault',
    fault: 'accept-queue-overflow',
    url: 'http://127.0.0.1/',
    trafficMs: 4000,
    symptom: async host => {
      if (!(await host.read('/var/log/nginx/error.log')).includes('(11: Resource temporarily unavailable)')) throw new Error('no queue overflowed');
    },
    setUp: async host => {
      await gunicorn(host, { name: 'wall', code: wsgiApp(), bind: 'unix:/run/wall/web.sock', workers: 3, args: ['--backlog', '3'] });
      await nginxSite(host, { name: 'wall', log: 'timed', server: 'location / { proxy_pass http://unix:/run/wall/web.sock; }' });
      await startNginx(host);
    },
    breakIt: host => burst(host, { path: '/slow?s=0.02', parallel: 40, pauseSeconds: 1 }),
    expect: {
      firstConfidence: ['confirmed', 'likely'],
      notFindings: ['backend-down', 'backend-hung', 'backend-slower-than-timeout', 'socket-permission-denied'],
    },
  }),

  defineScenario({
    name: 'field-slow-not-full',
    title: 'A Node program with no limit takes two seconds for each answer: nothing queues, all are slower than the limit',
    kind: 'twin',
    fault: 'backend-slower-than-timeout',
    twinOf: 'worker-pool-exhausted',
    fails: 504,
    setUp: async host => {
      await nodeApp(host, {
        name: 'quotes',
        code: nodeHttp("setTimeout(() => response.end('late'), require('node:fs').existsSync('/srv/quotes/slow') ? 2000 : 0);"),
        listen: '127.0.0.1:8808',
      });
      await nginxSite(host, { name: 'quotes', log: 'timed', server: 'location / { proxy_pass http://127.0.0.1:8808; proxy_read_timeout 1s; }' });
      await startNginx(host);
    },
    breakIt: host => host.write('/srv/quotes/slow', ''),
    trafficMs: 2000,
    expect: {
      verdict: 'failing',
      firstConfidence: ['confirmed', 'likely'],
      status: 'active',
      minShare: 0.9,
      notFindings: ['backend-hung', 'backend-down', 'firewall-drop'],
    },
    repair: async host => {
      await host.run(['rm', '/srv/quotes/slow']);
    },
  }),
];
