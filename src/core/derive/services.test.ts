import { describe, expect, it } from 'vitest';
import { absent, known } from '../model/fact.ts';
import type { BackendCommand, PhpFpmPool, PhpFpmPools, Service } from '../model/facts/backend.ts';
import type { ManagedProgram } from '../model/facts/managed-program.ts';
import type { Facts } from '../model/facts.ts';
import type { Listener, ProcessInfo, SystemdUnit } from '../model/facts/system.ts';
import services from './services.ts';

const context = { sinceMs: 0, nowMs: 900_000, clock: { nowMs: 900_000, zone: 'UTC', offsetMinutes: 0 }, probing: true };

function process(pid: number, ppid: number, line: string, extra: Partial<ProcessInfo> = {}): ProcessInfo {
  return {
    pid,
    ppid,
    state: 'S',
    comm: line.split(/[ :]/)[0] ?? '',
    argv: line.includes(': ') ? [line] : line.split(' '),
    uid: 33,
    startMs: 0,
    rssBytes: 0,
    threads: 1,
    cpuMs: 0,
    ...extra,
  };
}

function tcp(port: number, pids: number[], host = '127.0.0.1'): Listener {
  return { kind: 'tcp', host, port, queue: 0, backlog: 511, pids };
}

function unix(path: string, pids: number[]): Listener {
  return { kind: 'unix', host: '', port: 0, path, queue: 0, backlog: 128, pids };
}

function pool(name: string, listen: string, extra: Partial<PhpFpmPool> = {}): PhpFpmPool {
  return {
    name,
    path: `/etc/pool.d/${name}.conf`,
    line: 1,
    mainConfig: '/etc/php/8.2/fpm/php-fpm.conf',
    listen: { value: { kind: 'unix', path: listen }, source: 'file:x:2' },
    values: {
      pm: { value: 'static', source: 'file:x:3' },
      'pm.max_children': { value: '4', source: 'file:x:4' },
      request_terminate_timeout: { value: '2m', source: 'file:x:5' },
    },
    ...extra,
  };
}

function unit(name: string, extra: Partial<SystemdUnit> = {}): SystemdUnit {
  return {
    name,
    description: name,
    loadState: 'loaded',
    activeState: 'inactive',
    subState: 'dead',
    result: 'success',
    restarts: 0,
    mainPid: 0,
    execMainStatus: 0,
    execMainCode: '',
    dropIns: [],
    journal: [],
    ...extra,
  };
}

function command(pid: number, service: Service['kind'], extra: Partial<BackendCommand> = {}): BackendCommand {
  return { of: { kind: 'process', pid }, service, role: 'any', listen: [], values: {}, configFiles: [], ...extra };
}

interface Scene {
  readonly processes?: readonly ProcessInfo[];
  readonly listeners?: readonly Listener[];
  readonly units?: readonly SystemdUnit[];
  readonly pools?: readonly PhpFpmPool[];
  readonly globals?: PhpFpmPools['globals'];
  readonly commands?: readonly BackendCommand[];
  readonly programs?: readonly ManagedProgram[];
}

function pm2App(name: string, pids: readonly number[]): ManagedProgram {
  const told = { addresses: [], logFiles: [], lines: [], words: [], instances: pids.length, state: 'running', word: 'online' } as const;
  return { id: `pm2:${name}`, manager: 'pm2', name, label: `pm2 app ${name}`, managerPid: 50, home: '/home/app/.pm2', pids, ...told };
}

function derive(scene: Scene): readonly Service[] {
  const facts: Pick<Facts, 'processes' | 'listeners' | 'systemd-units' | 'managed-programs' | 'php-fpm-pools' | 'backend-configs'> = {
    processes: known(scene.processes ?? []),
    listeners: known(scene.listeners ?? []),
    'systemd-units': known(scene.units ?? []),
    'managed-programs': known(scene.programs ?? []),
    'php-fpm-pools': known({ pools: scene.pools ?? [], unread: [], globals: scene.globals ?? {} }),
    'backend-configs': known({ commands: scene.commands ?? [], files: [], unread: [] }),
  };
  const fact = services.derive(facts, context);
  return fact.state === 'known' ? fact.value : [];
}

const master = process(10, 1, 'php-fpm: master process (/etc/php/8.2/fpm/php-fpm.conf)', { unit: 'php8.2-fpm.service' });
const gunicornListen = [{ address: { value: { kind: 'tcp' as const, host: '127.0.0.1', port: 8000 }, source: 'argv' }, speaks: 'http' as const }];

it('names of two stopped services of one address the one that ran last first', () => {
  const ended = (name: string, inactiveEnterMs: number) => unit(name, { activeState: 'inactive', inactiveEnterMs });
  const commands = ['api-legacy.service', 'api.service'].map(name => command(0, 'gunicorn', { of: { kind: 'unit', unit: name }, listen: gunicornListen }));
  const found = derive({ processes: [process(1, 0, 'systemd')], units: [ended('api-legacy.service', 1_000), ended('api.service', 900_000)], commands });
  expect(found.map(one => one.unit)).toEqual(['api.service', 'api-legacy.service']);
});

it('gives a stopped service the sockets that systemd holds for it, in place of a default and of what it was handed before', () => {
  const held = { kind: 'unix', path: '/run/django.sock' } as const;
  const former = { value: { kind: 'unix', path: '/run/old.sock' } as const, source: 'journal:django.service' };
  const byDefault = { value: { kind: 'tcp', host: '127.0.0.1', port: 8000 } as const, source: 'default of gunicorn' };
  const found = (address: typeof former | typeof byDefault, activeState = 'active') =>
    derive({
      processes: [process(1, 0, 'systemd')],
      listeners: [unix('/run/django.sock', [1])],
      units: [unit('django.service', { activeState: 'failed', sockets: [{ name: 'django.socket', activeState, result: 'success', addresses: [held] }] })],
      commands: [command(0, 'gunicorn', { of: { kind: 'unit', unit: 'django.service' }, listen: [{ address }] })],
    });
  const own = { value: held, source: 'unit:django.socket' };
  expect(found(byDefault)).toMatchObject([{ name: 'gunicorn (django.service)', configuredListen: [own] }]);
  expect(found(former)).toMatchObject([{ configuredListen: [own] }]);
  expect(found(former, 'inactive')).toMatchObject([{ configuredListen: [former, own] }]);
});

describe('php-fpm', () => {
  it('gives each pool the sockets of its own workers', () => {
    const found = derive({
      processes: [master, process(11, 10, 'php-fpm: pool a'), process(12, 10, 'php-fpm: pool b')],
      listeners: [unix('/run/a.sock', [10, 11]), unix('/run/b.sock', [10, 12])],
      pools: [pool('a', '/run/a.sock', { masterPid: 10 }), pool('b', '/run/b.sock', { masterPid: 10 })],
    });
    expect(found.map(service => [service.id, service.workerPids, service.listening])).toEqual([
      ['php-fpm:a', [11], [{ kind: 'unix', path: '/run/a.sock' }]],
      ['php-fpm:b', [12], [{ kind: 'unix', path: '/run/b.sock' }]],
    ]);
    expect(found[0]).toMatchObject({
      unit: 'php8.2-fpm.service',
      manager: 'static',
      workersMax: { value: 4 },
      requestTimeoutMs: { value: 120_000 },
      speaks: 'fastcgi',
    });
  });

  it('has what is left of process.max as the limit of a pool that it keeps from its own number', () => {
    const shared = { value: '3', source: 'file:/etc/php/8.2/fpm/php-fpm.conf:30', text: 'process.max = 3' };
    const limits = (...children: readonly string[]) =>
      derive({
        processes: [master, ...children.map((name, index) => process(11 + index, 10, `php-fpm: pool ${name}`))],
        pools: [pool('a', '/run/a.sock', { masterPid: 10 }), pool('b', '/run/b.sock', { masterPid: 10 })],
        globals: { '/etc/php/8.2/fpm/php-fpm.conf': { 'process.max': shared } },
      }).map(service => service.workersMax?.value);
    expect(limits('a', 'a', 'b')).toEqual([2, 1]);
    expect(limits('a', 'b')).toEqual([4, 4]);
    expect(limits('a', 'a', 'a')).toEqual([3, 4]);
  });

  it('finds where a pool without workers listens, though its file has changed since the start', () => {
    const [found] = derive({ processes: [master], listeners: [unix('/run/old.sock', [10])], pools: [pool('a', '/run/new.sock', { masterPid: 10 })] });
    expect(found?.listening).toEqual([{ kind: 'unix', path: '/run/old.sock' }]);
  });

  it('keeps the pools of a stopped php-fpm, with the unit that would run them', () => {
    const [found] = derive({
      pools: [pool('a', '/run/a.sock')],
      units: [unit('php8.2-fpm.service', { execStart: '/usr/sbin/php-fpm8.2 --nodaemonize --fpm-config /etc/php/8.2/fpm/php-fpm.conf' })],
    });
    expect(found).toMatchObject({ id: 'php-fpm:a', unit: 'php8.2-fpm.service', workerPids: [], listening: [] });
  });

  it('knows a pool by its workers where no file could be read', () => {
    const [found] = derive({ processes: [master, process(11, 10, 'php-fpm: pool x')], listeners: [tcp(9000, [10, 11])] });
    expect(found).toMatchObject({ id: 'php-fpm:x', listening: [{ kind: 'tcp', port: 9000 }], configuredListen: [] });
  });

  it('sees by its configured address that a pool listens when owners are hidden', () => {
    const [found] = derive({ processes: [master], listeners: [unix('/run/a.sock', [])], pools: [pool('a', '/var/run/a.sock', { masterPid: 10 })] });
    expect(found?.listening).toEqual([{ kind: 'unix', path: '/run/a.sock' }]);
  });
});

describe('servers known by name', () => {
  const line = '/usr/bin/python3 /usr/bin/gunicorn -b 127.0.0.1:8000 app';

  it('takes the parent of the workers for the master', () => {
    const found = derive({
      processes: [
        process(20, 1, line, { unit: 'api.service' }),
        process(21, 20, line, { unit: 'api.service' }),
        process(22, 20, line, { unit: 'api.service' }),
      ],
      listeners: [tcp(8000, [20, 21, 22])],
      commands: [20, 21, 22].map(pid => command(pid, 'gunicorn', { listen: gunicornListen })),
    });
    expect(found).toHaveLength(1);
    expect(found[0]).toMatchObject({
      id: 'unit:api.service',
      masterPid: 20,
      workerPids: [21, 22],
      manager: 'prefork',
      workersMax: { value: 2, source: 'workers running now' },
      requestTimeoutMs: { value: 30_000, source: 'default of gunicorn' },
      backlog: { value: 511 },
    });
  });

  it('does not join a backend with the server that started it', () => {
    const found = derive({
      processes: [process(20, 1, line, { unit: 'a.service' }), process(30, 20, 'node x.js', { unit: 'a.service' })],
      listeners: [tcp(8000, [20]), tcp(3000, [30])],
      commands: [command(20, 'gunicorn', { listen: gunicornListen }), command(30, 'node')],
    });
    expect(found.map(service => service.kind)).toEqual(['gunicorn', 'node']);
    expect(new Set(found.map(service => service.id)).size).toBe(2);
  });

  it("counts uvicorn's spawned workers as its own", () => {
    const found = derive({
      processes: [process(40, 1, 'python3 -m uvicorn app:app'), process(41, 40, 'python3 -c from_multiprocessing.spawn_import_spawn_main')],
      listeners: [tcp(8000, [40, 41])],
      commands: [command(40, 'uvicorn')],
    });
    expect(found).toMatchObject([{ kind: 'uvicorn', workerPids: [41] }]);
  });

  it('splits the daemon of PM2 into its applications', () => {
    const found = derive({
      processes: [process(50, 1, 'PM2 v5: God Daemon'), process(51, 50, 'node /a.js'), process(52, 50, 'node /a.js'), process(53, 50, 'node /b.js')],
      listeners: [tcp(3000, [50]), tcp(4000, [53])],
      commands: [command(50, 'node', { app: 'PM2', role: 'master' }), ...[51, 52, 53].map(pid => command(pid, 'node', { app: 'x.js' }))],
    });
    expect(found.map(service => [service.workerPids, service.listening])).toEqual([
      [[51, 52], [{ kind: 'tcp', host: '127.0.0.1', port: 3000 }]],
      [[53], [{ kind: 'tcp', host: '127.0.0.1', port: 4000 }]],
    ]);
  });

  describe('in the moment in which a worker of a PM2 cluster ends or begins, and no pid file names it', () => {
    const daemon = process(50, 1, 'PM2 v5: God Daemon');
    const container = 'node /usr/lib/node_modules/pm2/lib/ProcessContainer.js';
    const find = (workers: readonly ProcessInfo[], programs: readonly ManagedProgram[], listeners = [tcp(3000, [50]), tcp(4000, [50])]): readonly Service[] =>
      derive({
        processes: [daemon, ...workers],
        listeners,
        commands: [command(50, 'node', { app: 'PM2', role: 'master' }), ...workers.map(({ pid }) => command(pid, 'node'))],
        programs,
      });
    const named = (found: readonly Service[]): unknown => found.map(({ id, workerPids }) => [id, workerPids]);

    it('counts it to the one app whose workers run the same script', () => {
      const workers = [process(51, 50, 'node /a.js'), process(52, 50, 'node /a.js'), process(53, 50, 'node /b.js')];
      expect(named(find(workers, [pm2App('a', [52]), pm2App('b', [53])]))).toEqual([
        ['pm2:a', [51, 52]],
        ['pm2:b', [53]],
      ]);
    });

    it('gives it no service of its own, with the sockets of all others, where it does not say yet whose it is', () => {
      const own = process(52, 50, 'node /a.js');
      expect(named(find([process(51, 50, container), own], [pm2App('a', [52])]))).toEqual([['pm2:a', [52]]]);
      expect(named(find([process(51, 50, ''), own], [pm2App('a', [52])]))).toEqual([['pm2:a', [52]]]);
      const twins = [process(51, 50, 'node /a.js'), own, process(53, 50, 'node /a.js')];
      expect(named(find(twins, [pm2App('a', [52]), pm2App('b', [53])]))).toEqual([
        ['pm2:a', [52]],
        ['pm2:b', [53]],
      ]);
    });

    it('keeps an app that has its pid file elsewhere', () => {
      const workers = [process(51, 50, 'node /c.js'), process(52, 50, 'node /a.js')];
      expect(find(workers, [pm2App('a', [52])]).map(service => service.workerPids)).toEqual([[51], [52]]);
      const listening = [tcp(3000, [50]), tcp(5000, [51])];
      expect(find([process(51, 50, container), process(52, 50, 'node /a.js')], [pm2App('a', [52])], listening)).toHaveLength(2);
    });

    it('takes it for the one app that has no worker at all: PM2 has started that one anew since the processes were listed', () => {
      const lost = process(51, 50, 'node /c.js');
      const other = process(52, 50, 'node /a.js');
      const listening = [tcp(5000, [51]), tcp(3000, [50])];
      expect(named(find([lost], [pm2App('c', [])], listening))).toEqual([['pm2:c', [51]]]);
      expect(find([lost, other], [pm2App('a', [52]), pm2App('c', [])], listening)).toMatchObject([
        { id: 'pm2:c', program: 'pm2:c', workerPids: [51], listening: [{ port: 5000 }] },
        { id: 'pm2:a', workerPids: [52] },
      ]);
      const stopped = { ...pm2App('old', []), state: 'stopped' } as const;
      expect(named(find([lost], [pm2App('c', []), stopped], listening))).toEqual([['pm2:c', [51]]]);
      const asked = { kind: 'stop-asked', text: '', source: '', instance: '0' } as const;
      expect(named(find([lost], [{ ...stopped, lines: [{ ...asked, timeMs: context.nowMs - 2_000 }] }], listening))).toEqual([['pm2:old', [51]]]);
      expect(named(find([lost], [{ ...stopped, lines: [{ ...asked, timeMs: context.nowMs - 60_000 }] }], listening))).toEqual([['pid:51', [51]]]);
      expect(named(find([lost], [pm2App('c', []), pm2App('d', [])], listening))).toEqual([['pid:51', [51]]]);
      expect(named(find([lost, process(53, 50, 'node /d.js')], [pm2App('c', [])], [...listening, tcp(5001, [53])]))).toHaveLength(2);
      expect(named(find([lost], [{ ...pm2App('c', []), managerPid: 99 }], listening))).toEqual([['pid:51', [51]]]);
    });

    it('keeps what nobody names, as of a daemon whose files are not to be read', () => {
      expect(find([process(51, 50, container)], [])).toHaveLength(1);
    });
  });

  it('leaves out build tools, systemd itself and what runs in containers', () => {
    const found = derive({
      processes: [
        process(60, 1, 'node build.js'),
        process(61, 1, 'systemd-journald x', { unit: 'systemd-journald.service' }),
        process(62, 1, line),
        process(1, 0, '/sbin/init x'),
      ],
      listeners: [unix('/run/systemd/x', [61]), tcp(22, [1])],
      commands: [command(60, 'node'), command(62, 'gunicorn', { listen: gunicornListen, inContainer: true })],
    });
    expect(found).toEqual([]);
  });

  it('names whatever else listens', () => {
    expect(derive({ processes: [process(70, 1, '/usr/local/bin/api run', { comm: 'api' })], listeners: [tcp(8080, [70], '0.0.0.0')] })).toMatchObject([
      { kind: 'other', name: 'api (pid 70)' },
    ]);
  });
});

describe('units', () => {
  const ofUnit = (name: string): BackendCommand => ({ ...command(0, 'gunicorn', { listen: gunicornListen }), of: { kind: 'unit', unit: name } });

  it('keeps a stopped one with the address that it should have', () => {
    const found = derive({ units: [unit('api.service', { activeState: 'failed', subState: 'failed' })], commands: [ofUnit('api.service')] });
    expect(found).toMatchObject([{ id: 'unit:api.service', workerPids: [], listening: [], configuredListen: [{ value: { port: 8000 } }] }]);
  });

  it('leaves out an Apache that is switched off and never ran, whatever its package listens on', () => {
    const apache = (name: string): BackendCommand => ({ ...command(0, 'apache', { listen: gunicornListen }), of: { kind: 'unit', unit: name } });
    const off = unit('apache2.service', { unitFileState: 'disabled' });
    expect(derive({ units: [off], commands: [apache('apache2.service')] })).toEqual([]);
    for (const change of [{ unitFileState: 'enabled' }, { inactiveEnterMs: 5 }, { activeState: 'failed' }])
      expect(derive({ units: [{ ...off, ...change }], commands: [apache('apache2.service')] })).toHaveLength(1);
    expect(derive({ units: [unit('api.service', { unitFileState: 'disabled' })], commands: [ofUnit('api.service')] })).toHaveLength(1);
  });

  it('leaves out units that run, that are masked, and those without a backend', () => {
    const found = derive({
      units: [
        unit('up.service', { activeState: 'active', subState: 'running', mainPid: 5 }),
        unit('masked.service', { loadState: 'masked' }),
        unit('cleanup.service'),
      ],
      commands: [ofUnit('up.service'), ofUnit('masked.service')],
    });
    expect(found).toEqual([]);
  });
});

it('is not known where processes are not', () => {
  const facts = {
    processes: absent('no /proc'),
    listeners: known([]),
    'systemd-units': known([]),
    'managed-programs': known([]),
    'php-fpm-pools': absent('x'),
    'backend-configs': absent('x'),
  };
  expect(services.derive(facts, context)).toMatchObject({ state: 'absent' });
});
