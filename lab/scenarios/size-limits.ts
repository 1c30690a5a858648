import type { SizedPool, SizeReport } from '../../src/core/model/size-report.ts';
import type { RunBadhop } from '../badhop.ts';
import { misbehaviour } from '../badhop.ts';
import type { LabHost } from '../host.ts';
import { applyPlan } from '../runner.ts';
import { defineScenario } from '../scenario.ts';
import { fastcgiPass, nginxSite, reloadNginx, replaceIn, startNginx } from '../servers/nginx.ts';
import { FPM_UNIT, phpFpm } from '../servers/php-fpm.ts';
import { gunicorn, uwsgi, wsgiApp } from '../servers/python.ts';
import { idleClients, logged } from './nginx-worker-connections-exhausted.ts';

/** What `badhop size` says of limits that are well, too small and too large, and that its plans make it say so no more. */
const MEBIBYTE = 2 ** 20;

const exitCodes = { fits: 0, change: 1, unknown: 3 } as const;

export async function size(badhop: RunBadhop, args: readonly string[] = [], user?: string): Promise<SizeReport> {
  const run = await badhop(['size', '--format', 'json', ...args], user === undefined ? {} : { user });
  const wrong = misbehaviour(run);
  if (wrong.length > 0) throw new Error(wrong.join('\n'));
  if (!run.stdout.startsWith('{')) throw new Error(`badhop size ended with ${run.exitCode}: ${run.stderr}`);
  const report = JSON.parse(run.stdout) as SizeReport;
  if (run.exitCode !== exitCodes[report.verdict]) throw new Error(`${report.verdict} ended with ${run.exitCode}`);
  if (report.internalErrors.length > 0) throw new Error(report.internalErrors.join('\n'));
  return report;
}

export function poolIn(report: SizeReport, name: string): SizedPool {
  const pool = report.pools.find(one => one.name.includes(name));
  if (pool === undefined) throw new Error(`no pool ${name} among ${report.pools.map(one => one.name).join(', ')}`);
  return pool;
}

export function demand(isTrue: boolean, what: string, report: SizeReport): void {
  if (!isTrue)
    throw new Error(`${what}\n${JSON.stringify({ summary: report.summary, memory: report.memory, pools: report.pools, limits: report.limits }, undefined, 1)}`);
}

async function applyAll(host: LabHost, plans: SizedPool['plans']): Promise<void> {
  for (const plan of plans.slice(0, 1)) await applyPlan(host, plan);
}

export async function enough(host: LabHost, urls: readonly string[]): Promise<void> {
  const { counts } = await host.request({ urls, count: urls.length, timeoutMs: 8000 });
  if ((counts['200'] ?? 0) < urls.length) throw new Error(`not all answered: ${JSON.stringify(counts)}`);
}

/** A page that holds memory while it waits for its database. */
const hungry = (mebibytes: number, ms: number): string =>
  `<?php $rows = str_repeat('row', (${mebibytes} << 20) / 3); usleep(${ms * 1000}); echo strlen($rows), "\\n";`;

const busyThreads = {
  kind: 'healthy',
  url: 'http://127.0.0.1:8079/',
  setUp: async (host: LabHost): Promise<void> => {
    await gunicorn(host, { name: 'maps', code: wsgiApp('maps'), bind: '127.0.0.1:8379', workers: 1, threads: 2 });
    await nginxSite(host, { name: 'maps', listen: '8079', server: 'location / { proxy_pass http://127.0.0.1:8379; }', log: 'timed' });
    await startNginx(host);
  },
  traffic: { urls: ['http://127.0.0.1:8079/slow?s=0.4'], rps: 10, timeoutMs: 30_000 },
  trafficMs: 2000,
  symptom: async () => {},
} as const;

const busyQueue = {
  kind: 'healthy',
  url: 'http://127.0.0.1:8081/',
  setUp: async (host: LabHost): Promise<void> => {
    await uwsgi(host, { name: 'desk', code: wsgiApp('desk'), bind: 'unix:/run/desk/desk.sock', workers: 1, settings: { listen: 90 } });
    const server = 'location / { include uwsgi_params; uwsgi_pass unix:/run/desk/desk.sock; }';
    await nginxSite(host, { name: 'desk', listen: '8081', server, log: 'timed' });
    await startNginx(host);
  },
  traffic: { urls: ['http://127.0.0.1:8081/slow?s=0.4'], rps: 6, timeoutMs: 30_000 },
  trafficMs: 2500,
  symptom: async () => {},
} as const;

/** Does what the first plan says, waits until the pool is no longer too small, and returns the number that it was given. */
async function raisedAndEnough(host: LabHost, badhop: RunBadhop, name: string): Promise<number> {
  const before = await size(badhop);
  const pool = poolIn(before, name);
  demand(pool.verdict === 'too-small' && pool.plans.length > 0, 'there is a plan', before);
  await applyAll(host, pool.plans);
  // Without the time before: what waited then is not what these workers have to do.
  await host.until('the new number to be enough', async () => poolIn(await size(badhop, ['--since', '2s']), name).verdict === 'fits', 30_000);
  return pool.recommended ?? 0;
}

export default [
  defineScenario({
    name: 'size-two-pools-in-a-group',
    title: 'Two php-fpm pools share a control group that bears a third of the children they may have',
    kind: 'healthy',
    url: 'http://127.0.0.1:8077/',
    setUp: async host => {
      await phpFpm(host, {
        pool: 'market',
        listen: '/run/php/market.sock',
        root: '/var/www/market',
        settings: { 'pm.max_children': 90, 'pm.start_servers': 5, 'pm.min_spare_servers': 4, 'pm.max_spare_servers': 16 },
        files: { 'index.php': hungry(12, 250) },
      });
      await phpFpm(host, {
        pool: 'stock',
        listen: '127.0.0.1:9377',
        root: '/var/www/stock',
        settings: { pm: 'static', 'pm.max_children': 3 },
        files: { 'index.php': hungry(6, 100) },
        keepDefaultPool: true,
      });
      await nginxSite(host, { name: 'market', listen: '8077', server: fastcgiPass('unix:/run/php/market.sock', '/var/www/market'), log: 'timed' });
      await nginxSite(host, { name: 'stock', listen: '8078', server: fastcgiPass('127.0.0.1:9377', '/var/www/stock'), log: 'timed' });
      await startNginx(host);
      await host.limitMemory(FPM_UNIT, 260 * MEBIBYTE);
    },
    traffic: { urls: ['http://127.0.0.1:8077/', 'http://127.0.0.1:8078/'], rps: 10, timeoutMs: 8000 },
    trafficMs: 2500,
    symptom: host => enough(host, ['http://127.0.0.1:8077/', 'http://127.0.0.1:8078/']),
    expect: { noneActive: true },
    also: async (host, badhop) => {
      const before = await size(badhop);
      const market = poolIn(before, 'market');
      const group = before.memory?.rooms.find(room => room.kind === 'group');
      demand(before.verdict === 'change' && market.verdict === 'too-large', 'ninety children do not fit', before);
      demand(group !== undefined && group.totalBytes === 260 * MEBIBYTE && group.pools.length === 2, 'both pools are in the group', before);
      const claimed = before.pools.reduce((sum, pool) => sum + (pool.recommended ?? 0) * (pool.memory?.meanBytes ?? 0), 0);
      demand((market.recommended ?? 0) >= 2 && claimed <= 260 * MEBIBYTE, 'what is recommended fits', before);
      await applyAll(host, market.plans);
      await host.until('the pool to serve again', async () => ((await host.request({ urls: ['http://127.0.0.1:8077/'] })).counts['200'] ?? 0) > 0);
      // A restart leaves the limit of the lab behind; a reload does not.
      const after = await size(badhop);
      demand(poolIn(after, 'market').now?.value === market.recommended, 'the new number is in force', after);
      demand(poolIn(after, 'market').verdict !== 'too-small', 'the new number suffices', after);
    },
  }),
  defineScenario({
    ...busyThreads,
    name: 'size-gunicorn-threads',
    title: 'One gunicorn worker with two threads has four requests to do at once; the queue grows and nothing fails yet',
    expect: { noneActive: true },
    also: async (_, badhop) => {
      const before = await size(badhop);
      const maps = poolIn(before, 'maps.service');
      demand(maps.verdict === 'too-small' && maps.needed.isFull === true && (maps.recommended ?? 0) > 1, 'two threads are too few', before);
      demand(maps.plans[0]?.steps[0]?.kind === 'edit' && maps.plans[0].automatic, 'there is a plan', before);
      const shown = await badhop(['size', '--no-color']);
      if (!/workers = 1 → \d+/.test(shown.stdout) || !shown.stdout.includes('+ ExecStart=/usr/bin/gunicorn')) throw new Error(shown.stdout);
    },
  }),
  defineScenario({
    ...busyThreads,
    name: 'size-gunicorn-threads-raised',
    title: 'The same worker gets what the plan says, and from then on it is enough',
    diagnosedBy: 'size-gunicorn-threads',
    expect: {},
    also: async (host, badhop) => {
      await raisedAndEnough(host, badhop, 'maps.service');
    },
  }),
  defineScenario({
    ...busyQueue,
    name: 'size-uwsgi-queue',
    title: 'uWSGI has one process for three requests at once, and says so in its ini file',
    expect: { noneActive: true },
    also: async (_, badhop) => {
      const before = await size(badhop);
      const desk = poolIn(before, 'desk.service');
      demand(desk.verdict === 'too-small' && desk.now?.value === 1, 'one process is too few', before);
      demand(desk.needed.log?.by === 'upstream' && desk.needed.log.peak > 1, 'the log shows more than one at once', before);
    },
  }),
  defineScenario({
    ...busyQueue,
    name: 'size-uwsgi-queue-raised',
    title: 'The same uWSGI gets what the plan says in its ini file, and from then on it is enough',
    diagnosedBy: 'size-uwsgi-queue',
    expect: {},
    also: async (host, badhop) => {
      const recommended = await raisedAndEnough(host, badhop, 'desk.service');
      const ini = await host.read('/etc/uwsgi/apps-available/desk.ini');
      if (!ini.includes(`processes = ${recommended}\n`)) throw new Error(ini);
    },
  }),
  defineScenario({
    name: 'size-nginx-connections',
    title: 'Forty slow clients hold the connections of nginx, and the queue of the backend has four places',
    kind: 'fault',
    fault: 'nginx-worker-connections-exhausted',
    url: 'http://127.0.0.1:8082/',
    setUp: async host => {
      await gunicorn(host, { name: 'polls', code: wsgiApp('polls'), bind: '127.0.0.1:8382', args: ['--backlog', '900'] });
      await nginxSite(host, { name: 'polls', listen: '8082', server: 'location / { proxy_pass http://127.0.0.1:8382; }', log: 'timed' });
      await startNginx(host);
    },
    breakIt: async host => {
      await replaceIn(host, '/etc/nginx/nginx.conf', 'worker_connections 768', 'worker_connections 32');
      await reloadNginx(host);
      await idleClients(host, 80, 8082);
    },
    traffic: { rps: 10, timeoutMs: 3000 },
    trafficMs: 2500,
    symptom: host => logged(host, 'worker_connections are not enough'),
    expect: { verdict: 'failing', status: 'active' },
    also: async (host, badhop) => {
      const before = await size(badhop);
      const connections = before.limits.find(limit => limit.id === 'worker_connections');
      demand(connections?.verdict === 'too-small' && connections.now === 32 && (connections.recommended ?? 0) >= 1024, '32 connections are too few', before);
      demand(
        before.limits.some(limit => limit.id === 'listen-backlog' && limit.now === 900 && limit.verdict === 'fits'),
        'the queue is long enough',
        before,
      );
      await applyAll(host, connections?.plans ?? []);
      await reloadNginx(host);
    },
    repair: async () => {},
  }),
  defineScenario({
    name: 'size-well-sized',
    title: 'php-fpm, gunicorn and uWSGI with workers to spare, seen as root, as www-data and from a bundle',
    kind: 'healthy',
    url: 'http://127.0.0.1:8083/',
    setUp: async host => {
      await phpFpm(host, {
        pool: 'press',
        listen: '/run/php/press.sock',
        root: '/var/www/press',
        settings: { 'pm.max_children': 12, 'pm.start_servers': 3, 'pm.min_spare_servers': 2, 'pm.max_spare_servers': 6 },
        files: { 'index.php': hungry(2, 60) },
      });
      await Promise.all([
        gunicorn(host, { name: 'feed', code: wsgiApp('feed'), bind: '127.0.0.1:8383', workers: 3, threads: 4 }),
        uwsgi(host, { name: 'mail', code: wsgiApp('mail'), bind: '127.0.0.1:8384', workers: 4 }),
      ]);
      await nginxSite(host, {
        name: 'press',
        listen: '8083',
        server: `location /feed/ { proxy_pass http://127.0.0.1:8383/; }
location /mail/ { include uwsgi_params; uwsgi_pass 127.0.0.1:8384; }
${fastcgiPass('unix:/run/php/press.sock', '/var/www/press')}`,
        log: 'timed',
      });
      await startNginx(host);
    },
    traffic: { urls: ['http://127.0.0.1:8083/', 'http://127.0.0.1:8083/feed/', 'http://127.0.0.1:8083/mail/'], rps: 12 },
    trafficMs: 1400,
    symptom: host => enough(host, ['http://127.0.0.1:8083/', 'http://127.0.0.1:8083/feed/', 'http://127.0.0.1:8083/mail/']),
    expect: { noneActive: true },
    also: async (host, badhop) => {
      const [report, plain, made] = await Promise.all([
        size(badhop),
        size(badhop, [], 'www-data'),
        badhop(['collect', '--out', '/var/tmp/bundle', '--no-probe']),
      ]);
      demand(report.verdict === 'fits' && report.pools.length === 3, 'nothing is to be changed', report);
      demand(
        report.pools.every(pool => pool.verdict === 'fits' && pool.memory?.how === 'PSS' && pool.plans.length === 0),
        'each pool fits',
        report,
      );
      demand(
        report.pools.every(pool => (pool.needed.log?.requests ?? 0) > 0),
        'the log has requests to each',
        report,
      );
      demand(plain.verdict !== 'change', 'without root it cannot be told that something is wrong', plain);
      if (made.stderr.includes('Error')) throw new Error(made.stderr);
      const replayed = await size(badhop, ['--bundle', '/var/tmp/bundle']);
      demand(replayed.verdict === 'fits' && replayed.pools.length === 3, 'a recording says the same', replayed);
      await host.run(['rm', '-rf', '/var/tmp/bundle']);
    },
  }),
  defineScenario({
    name: 'size-idle',
    title: 'Nobody has asked anything of a freshly started host',
    kind: 'healthy',
    traffic: false,
    url: 'http://127.0.0.1:8084/up',
    setUp: async host => {
      await gunicorn(host, { name: 'night', code: wsgiApp('night'), bind: '127.0.0.1:8385', workers: 2 });
      await nginxSite(host, {
        name: 'night',
        listen: '8084',
        server: 'location = /up { access_log off; return 200; }\nlocation / { proxy_pass http://127.0.0.1:8385; }',
        log: 'timed',
      });
      await startNginx(host);
    },
    symptom: async () => {},
    expect: { noneActive: true },
    also: async (_, badhop) => {
      const report = await size(badhop);
      demand(report.verdict === 'unknown' && poolIn(report, 'night').verdict === 'idle', 'the measure is idle', report);
    },
  }),
];
