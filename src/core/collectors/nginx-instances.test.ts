import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { denied, known, type Known } from '../model/fact.ts';
import type { NginxInstance } from '../model/facts/nginx.ts';
import type { HostIdentity, ProcessInfo } from '../model/facts/system.ts';
import type { ExecResult } from '../model/host.ts';
import nginxInstances from './nginx-instances.ts';
import { runCollector, type FakeHost } from './testing.ts';

const debian: Partial<ExecResult> = { stderr: readFileSync(new URL('../parsers/nginx-version.fixtures/nginx-1.22.1-debian.txt', import.meta.url), 'utf8') };
const compiled: Partial<ExecResult> = { stderr: 'nginx version: nginx/1.26.2\nconfigure arguments: --with-http_ssl_module\n' };
const root = 'Uid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nNSpid:\t100\n';

function process(pid: number, ppid: number, argv: readonly string[], more: Partial<ProcessInfo> = {}): ProcessInfo {
  return { pid, ppid, state: 'S', comm: 'nginx', argv, uid: 0, startMs: pid * 1000, rssBytes: 1, threads: 1, cpuMs: 0, exe: '/usr/sbin/nginx', ...more };
}

function worker(pid: number, ppid: number, title = 'nginx: worker process'): ProcessInfo {
  return process(pid, ppid, [title], { uid: 33, user: 'www-data', gids: [33] });
}

const init = process(1, 0, ['/sbin/init'], { comm: 'systemd', exe: '/usr/lib/systemd/systemd' });
const master = process(100, 1, ['nginx: master process /usr/sbin/nginx -g daemon on; master_process on;'], { unit: 'nginx.service' });

interface Seen {
  readonly fact: Known<readonly NginxInstance[]>;
  readonly instances: readonly NginxInstance[];
  readonly problems: readonly string[];
  readonly programs: readonly string[];
}

function collect(processes: readonly ProcessInfo[], host: FakeHost, uid = 0, systemd = true): Seen {
  const clock = { nowMs: 0, zone: 'UTC', offsetMinutes: 0 };
  const identity: Known<HostIdentity> = known({ hostname: 'h', os: 'Debian', kernel: '6', uid, user: 'u', clock, systemd, bootMs: 0, cpus: 1 });
  const { fact, asked } = runCollector(nginxInstances, { processes: known([init, ...processes]), 'host-identity': identity }, host);
  return {
    fact,
    instances: fact.state === 'known' ? fact.value : [],
    problems: fact.state === 'known' ? (fact.problems ?? []) : [],
    programs: asked.flatMap(request => (request.kind === 'exec' ? [request.argv.join(' ')] : [])),
  };
}

describe('nginx-instances: what runs', () => {
  it("reads Debian's master, its workers and their open files", () => {
    const { instances, problems } = collect(
      [master, worker(101, 100), worker(102, 100, 'nginx: worker process is shutting down'), process(103, 100, ['nginx: cache manager process'])],
      {
        files: { '/proc/100/status': root, '/proc/101/limits': 'Max open files            1024                 524288               files     \n' },
        folders: { '/proc/101/fd': ['0', '1', '2'], '/proc/102/fd': denied('permission denied') },
        programs: { '/usr/sbin/nginx -V': debian },
      },
    );
    expect(problems).toEqual([]);
    expect(instances).toEqual([
      {
        id: 'nginx',
        running: true,
        masterPid: 100,
        masterUid: 0,
        masterGid: 0,
        startMs: 100_000,
        binary: '/usr/sbin/nginx',
        prefix: '/usr/share/nginx',
        configPath: '/etc/nginx/nginx.conf',
        globalDirectives: 'daemon on; master_process on;',
        version: '1.22.1',
        flavour: 'nginx',
        configureArguments: expect.stringContaining('--conf-path=/etc/nginx/nginx.conf'),
        pidFile: '/run/nginx.pid',
        unit: 'nginx.service',
        workerUid: 33,
        workerUser: 'www-data',
        workerGids: [33],
        workers: [
          { pid: 101, startMs: 101_000, state: 'S', shuttingDown: false, openFiles: 3, openFilesLimit: 1024 },
          { pid: 102, startMs: 102_000, state: 'S', shuttingDown: true },
        ],
      },
    ]);
  });

  it('keeps two masters apart, with -c relative to the prefix and -p relative to the folder of the start', () => {
    const second = process(200, 1, ['nginx: master process ./sbin/nginx -p site/ -c conf/b.conf -g pid run/b.pid;'], {
      exe: '/srv/web/sbin/nginx',
      cwd: '/srv/web',
    });
    const { instances } = collect([master, worker(101, 100), second, worker(201, 200)], {
      files: { '/proc/100/status': root, '/proc/200/status': root },
      programs: { '/usr/sbin/nginx -V': debian, '/srv/web/sbin/nginx -V': compiled },
    });
    expect(
      instances.map(({ id, prefix, configPath, pidFile, version, workers }) => [id, prefix, configPath, pidFile, version, workers.map(each => each.pid)]),
    ).toEqual([
      ['nginx@100', '/usr/share/nginx', '/etc/nginx/nginx.conf', '/run/nginx.pid', '1.22.1', [101]],
      ['nginx@200', '/srv/web/site', '/srv/web/site/conf/b.conf', '/srv/web/site/run/b.pid', '1.26.2', [201]],
    ]);
  });

  it('moves the built-in relative paths with -p, and not those that were configured absolute', () => {
    const moved = (binary: string, version: Partial<ExecResult>): NginxInstance | undefined =>
      collect([process(100, 1, [`nginx: master process ${binary} -p /srv/x`], { exe: binary })], {
        files: { '/proc/100/status': root },
        programs: { [`${binary} -V`]: version },
      }).instances[0];
    expect(moved('/usr/local/nginx/sbin/nginx', compiled)).toMatchObject({ configPath: '/srv/x/conf/nginx.conf', pidFile: '/srv/x/logs/nginx.pid' });
    expect(moved('/usr/sbin/nginx', debian)).toMatchObject({ prefix: '/srv/x', configPath: '/etc/nginx/nginx.conf', pidFile: '/run/nginx.pid' });
  });

  it('knows a single process that serves by itself, and no command that ends', () => {
    const { instances } = collect(
      [
        process(50, 1, ['/usr/sbin/nginx', '-g', 'daemon off; master_process off;']),
        process(60, 1, ['nginx', '-t']),
        process(61, 1, ['/bin/sh', '/usr/sbin/nginx'], { exe: '/usr/bin/dash' }),
      ],
      { files: { '/proc/50/status': root }, programs: { '/usr/sbin/nginx -V': debian } },
    );
    expect(instances).toMatchObject([{ id: 'nginx', masterPid: 50, globalDirectives: 'daemon off; master_process off;', workers: [{ pid: 50 }] }]);
  });

  it('asks the running program where its file was replaced', () => {
    const { instances, programs } = collect([{ ...master, exeDeleted: true }], {
      files: { '/proc/100/status': root },
      programs: { '/proc/100/exe -V': compiled },
    });
    expect(programs).toEqual(['/proc/100/exe -V']);
    expect(instances[0]).toMatchObject({ version: '1.26.2', binary: '/usr/sbin/nginx' });
  });

  it("leaves a container's nginx to the container, and says so", () => {
    const { instances, problems } = collect([master, worker(101, 100)], { files: { '/proc/100/status': 'Uid:\t0\t0\t0\t0\nNSpid:\t100\t1\n' } });
    expect(instances).toEqual([]);
    expect(problems).toEqual(['nginx process 100 runs in a container of this host and was left out: diagnose that container.']);
  });

  it('finds workers whose master died', () => {
    const { instances, problems } = collect([{ ...worker(101, 1), unit: 'nginx.service' }, worker(102, 1)], {
      files: { '/proc/101/status': 'Uid:\t33\t33\t33\t33\nGid:\t33\t33\t33\t33\n' },
      stats: { '/usr/sbin/nginx': { mode: 0o755 } },
      programs: { '/usr/sbin/nginx -V': debian },
    });
    expect(instances).toMatchObject([{ id: 'nginx', running: true, configPath: '/etc/nginx/nginx.conf', workers: [{ pid: 101 }, { pid: 102 }] }]);
    expect(instances[0]).not.toHaveProperty('masterPid');
    expect(problems[0]).toContain('runs without a master');
  });

  it('says that a long command line may be cut', () => {
    const title = `nginx: master process /usr/sbin/nginx -g ${'env A; '.repeat(80)}`.slice(0, 512);
    const { problems } = collect([process(100, 1, [title])], { files: { '/proc/100/status': root }, programs: { '/usr/sbin/nginx -V': debian } });
    expect(problems[0]).toContain('may be cut');
  });

  it('is not fooled by a script with such a title', () => {
    expect(collect([process(9, 1, ['nginx: master process /tmp/nginx'], { exe: '/usr/bin/perl', uid: 1000 })], {}).instances).toEqual([]);
  });
});

describe('nginx-instances: whom badhop runs', () => {
  const theirs = process(100, 1, ['nginx: master process /home/eve/nginx'], { exe: '/home/eve/nginx', uid: 1001 });
  const status = { '/proc/100/status': 'Uid:\t1001\t1001\t1001\t1001\nGid:\t1002\t1002\t1002\t1002\n' };

  it("runs another user's binary as that user", () => {
    const { programs } = collect([theirs], { files: status });
    expect(programs).toEqual(['setpriv --reuid 1001 --regid 1002 --clear-groups -- /home/eve/nginx -V']);
  });

  it('and not at all without the right to do that', () => {
    const { programs, instances, problems } = collect([theirs], { files: status }, 1000);
    expect(programs).toEqual([]);
    expect(instances).toMatchObject([{ binary: '/home/eve/nginx', masterUid: 1001 }]);
    expect(instances[0]).not.toHaveProperty('version');
    expect(problems[0]).toContain('run as root or as user 1001');
  });

  it('asks by the argv what the kernel does not show to this user', () => {
    const { exe: _exe, ...hidden } = master;
    const { instances } = collect([hidden], { files: { '/proc/100/status': root }, programs: { '/usr/sbin/nginx -V': debian } }, 1000);
    expect(instances).toMatchObject([{ binary: '/usr/sbin/nginx', version: '1.22.1' }]);
  });
});

describe('nginx-instances: what does not run', () => {
  const unit =
    "[Service]\nExecStartPre=/usr/sbin/nginx -t -q -g 'daemon on;'\nExecStart=/usr/sbin/nginx -g 'daemon on; master_process on;'\nExecReload=/usr/sbin/nginx -s reload\n";
  const show = (name: string, command: string, state: string): string =>
    `Id=${name}\nLoadState=loaded\nActiveState=${state}\nUnitFileState=enabled\nUser=\nExecStart={ path=/usr/sbin/nginx ; argv[]=${command} ; ignore_errors=no ; start_time=[n/a] }\n`;

  it('is known and empty where nothing is installed', () => {
    expect(collect([], {}).fact).toEqual(known([]));
  });

  it('is not known where other users are hidden from this one', () => {
    const facts = { processes: known([process(300, 299, ['bash'], { exe: '/usr/bin/bash' })]), 'host-identity': denied('x') };
    expect(runCollector(nginxInstances, facts, {}).fact).toMatchObject({ state: 'denied', how: 'run as root to see them' });
  });

  it('takes binary and configuration from a unit, with its drop-ins', () => {
    const { instances, programs } = collect([], {
      folders: { '/usr/lib/systemd/system': ['nginx.service', 'ssh.service'] },
      files: { '/usr/lib/systemd/system/nginx.service': unit },
      programs: {
        'systemctl show --property=Id,LoadState,ActiveState,UnitFileState,User,ExecStart -- nginx.service': show(
          'nginx.service',
          '/usr/sbin/nginx -c /srv/edge.conf',
          'failed',
        ),
        '/usr/sbin/nginx -V': debian,
      },
    });
    expect(programs).toHaveLength(2);
    expect(instances).toMatchObject([
      { id: 'nginx-installed', running: false, unit: 'nginx.service', configPath: '/srv/edge.conf', version: '1.22.1', workers: [] },
    ]);
  });

  it('reads unit files of any name where systemctl does not answer', () => {
    const { instances } = collect(
      [],
      {
        folders: { '/etc/systemd/system': ['edge.service', 'backup.service'] },
        files: {
          '/etc/systemd/system/edge.service': unit.replace("-g 'daemon on; master_process on;'", '\\\n  -c /srv/edge.conf'),
          '/etc/systemd/system/backup.service': '[Service]\nExecStart=/usr/bin/tar c /etc/nginx\n',
        },
        programs: { '/usr/sbin/nginx -V': debian },
      },
      0,
      false,
    );
    expect(instances).toMatchObject([{ unit: 'edge.service', configPath: '/srv/edge.conf' }]);
  });

  it('names a second nginx whose unit failed beside one that runs', () => {
    const { instances } = collect([master, worker(101, 100)], {
      folders: { '/etc/systemd/system': ['edge.service'], '/lib/systemd/system': ['nginx.service'] },
      files: { '/proc/100/status': root, '/etc/systemd/system/edge.service': unit, '/lib/systemd/system/nginx.service': unit },
      programs: {
        'systemctl show --property=Id,LoadState,ActiveState,UnitFileState,User,ExecStart -- edge.service nginx.service': `${show('edge.service', '/usr/sbin/nginx -c /srv/edge.conf', 'failed')}\n${show('nginx.service', '/usr/sbin/nginx', 'active')}`,
        '/usr/sbin/nginx -V': debian,
      },
    });
    expect(instances.map(({ id, running, unit: name }) => [id, running, name])).toEqual([
      ['nginx', true, 'nginx.service'],
      ['nginx-installed', false, 'edge.service'],
    ]);
  });

  it('does not take the failed unit of an nginx that was started by hand for a second one', () => {
    const { unit: _unit, ...byHand } = master;
    const { instances } = collect([byHand], {
      folders: { '/lib/systemd/system': ['nginx.service'] },
      files: { '/proc/100/status': root, '/lib/systemd/system/nginx.service': unit },
      programs: {
        'systemctl show --property=Id,LoadState,ActiveState,UnitFileState,User,ExecStart -- nginx.service': show('nginx.service', '/usr/sbin/nginx', 'failed'),
        '/usr/sbin/nginx -V': debian,
      },
    });
    expect(instances.map(instance => instance.id)).toEqual(['nginx']);
  });

  it('finds a binary at a usual place, once, and only one that nobody else can have put there', () => {
    const host: FakeHost = {
      folders: { '/opt': ['web', 'evil'], '/opt/web/sbin': ['nginx'], '/opt/evil/sbin': ['nginx'] },
      stats: {
        '/usr/sbin/nginx': { kind: 'link', realPath: '/opt/web/sbin/nginx' },
        '/opt/web/sbin/nginx': { mode: 0o755 },
        '/opt/evil/sbin/nginx': { mode: 0o755, uid: 1001 },
      },
      programs: { '/usr/sbin/nginx -V': debian },
    };
    const { instances, programs } = collect([], host);
    expect(programs).toEqual(['/usr/sbin/nginx -V']);
    expect(instances).toMatchObject([{ id: 'nginx-installed', running: false, binary: '/usr/sbin/nginx' }]);
  });
});
