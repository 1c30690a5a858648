import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { denied, known } from '../model/fact.ts';
import type { ManagedProgram } from '../model/facts/managed-program.ts';
import type { ProcessInfo } from '../model/facts/system.ts';
import managedPrograms from './managed-programs.ts';
import { runCollector, TEST_CONTEXT } from './testing.ts';
import type { FakeHost } from './testing.ts';

const nowMs = Date.parse('2026-11-21T11:08:47Z');
const context = { ...TEST_CONTEXT, nowMs, sinceMs: nowMs - 900_000, clock: { nowMs, zone: 'UTC', offsetMinutes: 0 } };
const pm2Log = readFileSync(new URL('../parsers/pm2-log.fixtures/pm2-7.0.4.txt', import.meta.url), 'utf8');
/** Up to where everything was stopped. */
const whileRunning = pm2Log.slice(0, pm2Log.indexOf('2026-11-21T11:08:47'));

function process(pid: number, ppid: number, argv: readonly string[], extra: Partial<ProcessInfo> = {}): ProcessInfo {
  return { pid, ppid, state: 'S', comm: 'x', argv, uid: 1000, user: 'deploy', startMs: 0, rssBytes: 0, threads: 1, cpuMs: 0, ...extra };
}

function run(processes: readonly ProcessInfo[], host: FakeHost) {
  return runCollector(managedPrograms, { processes: known(processes) }, host, context);
}

function programs(processes: readonly ProcessInfo[], host: FakeHost): readonly ManagedProgram[] {
  const { fact } = run(processes, host);
  return fact.state === 'known' ? fact.value : [];
}

const daemon = process(15, 1, ['PM2 v7.0.4: God Daemon (/srv/.pm2)']);
const pm2Host: FakeHost = {
  files: {
    '/srv/.pm2/pm2.log': whileRunning,
    '/srv/.pm2/pids/fat-5.pid': '107',
    '/srv/.pm2/pids/web-1.pid': '303',
    '/srv/.pm2/pids/web-2.pid': '404',
    '/srv/.pm2/logs/orders-error.log': 'Error: ORDERS_DB is not set\n    at Object.<anonymous> (/srv/orders.js:1:7)\n',
    '/srv/.pm2/logs/shop-api-out.log': 'Server listening on port 3100\nServer listening on port 3100\n',
    '/srv/.pm2/logs/shop-api-error.log': 'Error: something of last week\n',
  },
  folders: {
    '/srv/.pm2/logs': ['orders-error.log', 'shop-api-error.log', 'shop-api-out.log', 'shop-api-out__2026-11-14.log'],
    '/srv/.pm2/pids': ['fat-5.pid', 'web-1.pid', 'web-2.pid'],
  },
  stats: {
    '/srv/.pm2/logs/orders-error.log': { modifiedMs: nowMs - 4000 },
    '/srv/.pm2/logs/shop-api-error.log': { modifiedMs: nowMs - 7 * 86_400_000 },
    '/srv/.pm2/logs/shop-api-out.log': { modifiedMs: nowMs - 7 * 86_400_000 },
  },
};

describe('pm2', () => {
  const apps = [process(107, 15, ['node /srv/api.js']), process(303, 15, ['node /srv/api.js'])];
  const found = programs([daemon, ...apps], pm2Host);
  const app = (name: string) => found.find(one => one.name === name);

  it('knows the state of each app by the log and by the processes', () => {
    expect(found.map(one => [one.label, one.state, one.word, one.pids])).toEqual([
      ['pm2 app shop:api', 'stopped', 'stopped', []],
      ['pm2 app web', 'running', 'online', [303]],
      ['pm2 app orders', 'given-up', 'errored', []],
      ['pm2 app backoff', 'waiting', 'waiting restart', []],
      ['pm2 app fat', 'running', 'online', [107]],
      ['pm2 app once', 'exited', 'stopped', []],
    ]);
    expect(app('web')).toMatchObject({ instances: 2, user: 'deploy', home: '/srv/.pm2', managerPid: 15 });
  });

  it('waits for the next try of one that it brought back before, though no line says so', () => {
    const lines = ['exited with code [1] via signal [SIGINT]', 'starting in -fork mode-', 'online', 'exited with code [1] via signal [SIGINT]'];
    const at = (seconds: number, what: string): string => `2026-11-21T11:08:${String(seconds)}: PM2 log: App [cart-8090:7] ${what}\n`;
    const log = whileRunning + lines.map((what, index) => at(40 + index, what)).join('');
    const stateAfter = (text: string): string | undefined =>
      programs([daemon], { ...pm2Host, files: { ...pm2Host.files, '/srv/.pm2/pm2.log': text } }).find(one => one.name === 'cart-8090')?.state;
    expect(stateAfter(log)).toBe('waiting');
    expect(stateAfter(whileRunning + at(43, 'exited with code [1] via signal [SIGINT]'))).toBe('exited');
    expect(stateAfter(log.replaceAll('11:08:4', '11:07:4'))).toBe('exited');
  });

  it('quotes the last words of an end, and not those of another day', () => {
    expect(app('orders')?.words[0]).toEqual({ source: 'file:/srv/.pm2/logs/orders-error.log:1', text: 'Error: ORDERS_DB is not set' });
    expect(app('shop:api')?.words).toEqual([]);
  });

  it('takes the address from what the app said of itself', () => {
    expect(app('shop:api')?.addresses).toEqual([
      { value: { kind: 'tcp', host: '*', port: 3100 }, source: 'file:/srv/.pm2/logs/shop-api-out.log:2', text: 'Server listening on port 3100' },
    ]);
  });

  it('reads no environment and asks no pm2', () => {
    const { asked } = run([daemon, ...apps], pm2Host);
    expect(asked.filter(request => request.kind === 'exec')).toEqual([]);
    expect(asked.flatMap(request => ('path' in request ? [request.path] : [])).filter(path => /dump\.pm2|environ/.test(path))).toEqual([]);
  });

  it('says of whose daemon it may not read the files', () => {
    const { fact } = run([daemon], { files: { '/srv/.pm2/pm2.log': denied('/srv/.pm2/pm2.log: permission denied') } });
    expect(fact).toEqual(known([], ["The apps of deploy's pm2 daemon: /srv/.pm2/pm2.log: permission denied (run as root to read it)"]));
  });

  it("finds the home of which the title has no more than the beginning by the user's own", () => {
    const cut = process(15, 1, ['PM2 v7.0.4: God Daemon (/var/www/vhosts/sho']);
    const passwd = 'root:x:0:0:root:/root:/bin/bash\nshop:x:1000:1000::/var/www/vhosts/shop.example:/bin/sh\n';
    const files = { '/etc/passwd': passwd, '/var/www/vhosts/shop.example/.pm2/pm2.log': '2026-11-21T11:00:00: PM2 log: App [api:0] online\n' };
    expect(programs([cut], { files })).toMatchObject([{ name: 'api', home: '/var/www/vhosts/shop.example/.pm2' }]);
    expect(run([cut], {}).fact).toMatchObject({ value: [], problems: [expect.stringContaining('its title is cut')] });
  });

  it('keeps apps of one name apart by the user', () => {
    const log = '2026-11-21T11:00:00: PM2 log: App [api:0] online\n';
    const both = programs([daemon, process(20, 1, ['PM2 v7.0.4: God Daemon (/home/b/.pm2)'], { user: 'b' })], {
      files: { '/srv/.pm2/pm2.log': log, '/home/b/.pm2/pm2.log': log },
    });
    expect(both.map(one => [one.id, one.label])).toEqual([
      ['pm2:api@deploy', 'pm2 app api of deploy'],
      ['pm2:api@b', 'pm2 app api of b'],
    ]);
  });
});

describe('supervisord', () => {
  const manager = process(7, 1, ['/usr/bin/python3', '/usr/bin/supervisord', '-n', '-c', '/etc/supervisor/supervisord.conf'], {
    uid: 0,
    user: 'root',
    cwd: '/',
  });
  const main = `[supervisord]
logfile=/var/log/supervisor/supervisord.log
childlogdir=/var/log/supervisor
[supervisorctl]
serverurl=unix:///var/run/supervisor.sock
[include]
files = conf.d/*.conf
[program:nocmd]
command=/usr/bin/nothere --port 8102
[program:bad]
command=/usr/bin/gunicorn --bind 127.0.0.1:8611 rates:app
[program:web]
command=node /srv/web.js --token=hunter2
environment=PORT="8101",SECRET_KEY="abc"
[program:pair]
command=python3 -m http.server 81%(process_num)02d
process_name=%(program_name)s_%(process_num)02d
numprocs=2
[group:shop]
programs=web,pair
`;
  const log = readFileSync(new URL('../parsers/supervisord-log.fixtures/supervisor-4.2.5-log.txt', import.meta.url), 'utf8');
  const host: FakeHost = {
    files: {
      '/etc/supervisor/supervisord.conf': main,
      '/var/log/supervisor/supervisord.log': log.slice(0, log.indexOf('2026-11-21 10:42:02,188')),
      '/var/log/supervisor/bad-stderr---supervisor-x1.log': 'ValueError: RATES_URL is not set\n',
    },
    folders: { '/var/log/supervisor': ['bad-stderr---supervisor-x1.log'], '/etc/supervisor/conf.d': [] },
    stats: { '/var/log/supervisor/bad-stderr---supervisor-x1.log': { modifiedMs: nowMs } },
    programs: {
      'supervisorctl -c /etc/supervisor/supervisord.conf status': {
        code: 3,
        stdout: readFileSync(new URL('../parsers/supervisord-log.fixtures/supervisor-4.2.5-status.txt', import.meta.url), 'utf8'),
      },
    },
  };
  const children = [process(322, 7, ['python3']), process(425, 7, ['python3'])];

  it('takes the state from its own answer', () => {
    const found = programs([manager, ...children], host);
    expect(found.map(one => [one.name, one.state, one.word, one.pids])).toEqual([
      ['nocmd', 'given-up', 'FATAL', []],
      ['bad', 'waiting', 'BACKOFF', []],
      ['shop:web', 'given-up', 'FATAL', []],
      ['shop:*', 'running', 'RUNNING', [322, 425]],
    ]);
    expect(found[1]).toMatchObject({
      kind: 'gunicorn',
      addresses: [{ value: { kind: 'tcp', host: '127.0.0.1', port: 8611 }, source: 'config:/etc/supervisor/supervisord.conf:10' }],
      words: [{ text: 'ValueError: RATES_URL is not set' }],
      told: { text: expect.stringContaining('BACKOFF') },
    });
    expect(found[2]?.addresses).toMatchObject([{ value: { port: 8101 }, text: 'environment=PORT="8101"' }]);
    expect(found[0]?.lines[0]?.text).toContain("can't find command '/usr/bin/nothere'");
    expect(JSON.stringify(found)).not.toMatch(/hunter2|abc/);
  });

  it('takes it from the log where it gives no answer', () => {
    const { fact } = run([manager, ...children], { ...host, programs: {} });
    expect(fact.state === 'known' && fact.value.map(one => [one.name, one.state])).toEqual([
      ['nocmd', 'given-up'],
      ['bad', 'starting'],
      ['shop:web', 'given-up'],
      ['shop:*', 'running'],
    ]);
    expect(fact).toMatchObject({ problems: [expect.stringContaining('run as root to ask supervisord')] });
  });

  it('knows the process of a program that was started anew between the list of processes and the answer', () => {
    const spawned = ["spawned: 'bad' with pid 611", "spawned: 'flap' with pid 612", "spawned: 'bad' with pid 612", "spawned: 'flap' with pid 613"];
    const lines = spawned.map(text => `2026-11-21 10:42:02,180 INFO ${text}\n`).join('');
    const files = { ...host.files, '/var/log/supervisor/supervisord.log': `${log.slice(0, log.indexOf('2026-11-21 10:42:02,188'))}${lines}` };
    const found = programs([manager, process(612, 7, ['gunicorn']), process(613, 7, ['python3'])], { ...host, files });
    // 611 has ended; 612 was another program's before; 613 is another's.
    expect(found.find(one => one.name === 'bad')?.pids).toEqual([612]);
  });

  it.each([
    ['autorestart=true', 'exit status 0; expected', 1, 'waiting'],
    ['', 'exit status 1; not expected', 1, 'waiting'],
    ['autorestart = Unexpected', 'terminated by SIGKILL; not expected', 1, 'waiting'],
    ['', 'exit status 0; expected', 1, 'exited'],
    ['autorestart=false', 'exit status 1; not expected', 1, 'exited'],
    // Nobody starts it any more, whatever the file says by now.
    ['autorestart=true', 'exit status 0; expected', 60, 'exited'],
  ])('knows what is EXITED only until its next start: %s, %s, %i s ago', (setting, end, agoSeconds, state) => {
    const at = (agoMs: number): string => new Date(nowMs - agoMs).toISOString().replace('T', ' ').replace('.', ',').slice(0, 23);
    const lines = [
      `${at(90_000)} INFO spawned: 'bad' with pid 611`,
      `${at(80_000)} INFO success: bad entered RUNNING state, process has stayed up for > than 1 seconds (startsecs)`,
      `${at(agoSeconds * 1000)} INFO exited: bad (${end})`,
    ];
    const files = {
      ...host.files,
      '/etc/supervisor/supervisord.conf': main.replace('[program:bad]', `[program:bad]\n${setting}`),
      '/var/log/supervisor/supervisord.log': `${lines.join('\n')}\n`,
    };
    expect(programs([manager], { ...host, files, programs: {} }).find(one => one.name === 'bad')?.state).toBe(state);
  });

  it('asks no supervisord over the network', () => {
    const remote = {
      ...host,
      files: { ...host.files, '/etc/supervisor/supervisord.conf': main.replace('unix:///var/run/supervisor.sock', 'http://10.0.0.9:9001') },
    };
    expect(run([manager], remote).asked.filter(request => request.kind === 'exec')).toEqual([]);
  });
});

describe('a daemon that does not run', () => {
  const host = (agoMs: number): FakeHost => ({
    files: { '/home/deploy/.pm2/pm2.log': '2026-11-20T11:00:00: PM2 log: App [api:0] online\n' },
    folders: { '/home': ['deploy', 'guest'] },
    stats: { '/home/deploy/.pm2/pm2.log': { modifiedMs: nowMs - agoMs } },
  });

  it('leaves its apps behind, for some days', () => {
    expect(programs([], host(86_400_000))).toMatchObject([
      { label: 'pm2 app api', state: 'stopped', word: 'without its daemon', user: 'deploy', isManagerGone: true },
    ]);
    expect(programs([], host(30 * 86_400_000))).toEqual([]);
  });

  it('is none where it runs', () => {
    const running = process(15, 1, ['PM2 v7.0.4: God Daemon (/home/deploy/.pm2)']);
    expect(programs([running], host(1000))).toMatchObject([{ state: 'running', managerPid: 15 }]);
  });
});

it('starts no program on a host without either', () => {
  const { fact, asked } = run([process(2, 1, ['nginx: master process'])], {});
  expect(fact).toEqual(known([]));
  expect(asked.filter(request => request.kind === 'exec')).toEqual([]);
});
