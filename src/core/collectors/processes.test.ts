import { expect, it } from 'vitest';
import { known } from '../model/fact.ts';
import processes from './processes.ts';
import { runCollector } from './testing.ts';
import type { FakeHost } from './testing.ts';

const status = (uid: number): string => `Uid:\t${uid}\t${uid}\t${uid}\t${uid}\nGid:\t${uid}\t${uid}\t${uid}\t${uid}\nGroups:\t4 \nVmRSS:\t100 kB\n`;
const stat = (pid: number, name: string, flags = 4_194_560): string => `${pid} (${name}) S 1 1 1 0 -1 ${flags} 0 0 0 0 3 2 0 0 20 0 4 0 500 0 9 0`;

const host: FakeHost = {
  folders: { '/proc': ['1', '2', '50', '60', 'self', 'net'] },
  files: {
    '/proc/stat': 'cpu0 1\nbtime 1000\n',
    '/etc/passwd': 'root:x:0:0::/root:/bin/sh\nwww-data:x:33:33::/:/bin/sh\n',
    '/proc/1/stat': stat(1, 'systemd'),
    '/proc/1/status': status(0),
    '/proc/2/stat': stat(2, 'kthreadd', 2_129_984),
    '/proc/50/stat': stat(50, 'gunicorn'),
    '/proc/50/status': status(33),
    '/proc/50/cmdline': ['/usr/bin/python3', '/usr/bin/gunicorn', '--bind', '127.0.0.1:8000', ''].join('\0'),
    '/proc/50/cgroup': '0::/system.slice/shop.service\n',
    '/proc/50/wchan': 'do_epoll_wait',
  },
  stats: { '/proc/50/exe': { kind: 'link', target: '/usr/bin/python3.11 (deleted)' }, '/proc/50/cwd': { kind: 'link', target: '/srv/shop' } },
};

it('reads a backend with its unit, user, start and links', () => {
  const { fact, batches } = runCollector(processes, {}, host);
  expect(batches).toBe(3);
  const value = fact.state === 'known' ? fact.value : [];
  expect(value.map(one => one.pid)).toEqual([1, 2, 50]);
  expect(value[2]).toEqual({
    pid: 50,
    ppid: 1,
    state: 'S',
    comm: 'gunicorn',
    argv: ['/usr/bin/python3', '/usr/bin/gunicorn', '--bind', '127.0.0.1:8000'],
    exe: '/usr/bin/python3.11',
    exeDeleted: true,
    cwd: '/srv/shop',
    uid: 33,
    user: 'www-data',
    gids: [33, 4],
    startMs: 1_005_000,
    rssBytes: 102_400,
    threads: 4,
    cpuMs: 50,
    cgroup: '/system.slice/shop.service',
    unit: 'shop.service',
    wchan: 'do_epoll_wait',
  });
});

it('asks nothing of kernel threads but their name', () => {
  const { asked } = runCollector(processes, {}, host);
  expect(asked.filter(request => request.kind === 'read' && request.path.startsWith('/proc/2/'))).toHaveLength(1);
});

it('leaves out processes that ended meanwhile, and says when others are hidden', () => {
  const { fact } = runCollector(processes, {}, { ...host, folders: { '/proc': ['50', '60'] } });
  expect(fact).toMatchObject({ state: 'known', value: [{ pid: 50 }], problems: [expect.stringContaining('hidepid')] });
});

it('reads the links of well-known daemons only on a small host', () => {
  const pids = Array.from({ length: 400 }, (_, index) => String(index + 1));
  const files = Object.fromEntries(pids.map(pid => [`/proc/${pid}/stat`, stat(Number(pid), Number(pid) % 2 === 0 ? 'sshd' : 'node')]));
  const { asked } = runCollector(processes, {}, { folders: { '/proc': pids }, files });
  expect(asked.filter(request => request.kind === 'stat' && request.path.endsWith('/exe'))).toHaveLength(200);
});

const crowdHost = (uidOf: (pid: number) => number, ppid = 5): FakeHost => {
  const pids = Array.from({ length: 400 }, (_, index) => index + 10);
  const line = (pid: number): string => `${pid} (php-fpm8.2) S ${ppid} 1 1 0 -1 4194560 0 0 0 0 ${pid} 2 0 0 20 0 4 0 500 0 ${pid}`;
  const files = pids.flatMap(pid => [
    [`/proc/${pid}/stat`, line(pid)],
    [`/proc/${pid}/cmdline`, 'php-fpm: pool www\0'],
    [`/proc/${pid}/status`, `${status(uidOf(pid))}VmRSS:\t${pid * 4} kB\n`.replace('VmRSS:\t100 kB\n', '')],
    [`/proc/${pid}/cgroup`, '0::/system.slice/php8.2-fpm.service\n'],
    [`/proc/${pid}/wchan`, pid === 10 ? 'ep_poll' : 'skb_wait_for_more_packets'],
  ]);
  return { folders: { '/proc': pids.map(String) }, files: { '/proc/stat': 'btime 1000\n', ...Object.fromEntries(files) } };
};

it('reads a few of a crowd of workers in full, and takes the same for the others', () => {
  const { fact, asked } = runCollector(
    processes,
    {},
    crowdHost(() => 33),
  );
  expect(asked.filter(request => request.kind === 'read' && request.path.endsWith('/status'))).toHaveLength(8);
  const value = fact.state === 'known' ? fact.value : [];
  expect(value).toHaveLength(400);
  expect(value[200]).toEqual({
    pid: 210,
    ppid: 5,
    state: 'S',
    comm: 'php-fpm8.2',
    argv: ['php-fpm: pool www'],
    uid: 33,
    gids: [33, 4],
    startMs: 1_005_000,
    rssBytes: 210 * 4096,
    threads: 4,
    cpuMs: 2120,
    cgroup: '/system.slice/php8.2-fpm.service',
    unit: 'php8.2-fpm.service',
  });
});

it('reads the command lines of many with one program, and one by one what that does not print', () => {
  const one = crowdHost(() => 33);
  const answer: FakeHost['answer'] = request => {
    if (request.kind !== 'exec' || request.argv[0] !== 'grep') return undefined;
    const paths = request.argv.filter(argument => argument.endsWith('/cmdline') && argument !== '/proc/12/cmdline');
    const stdout = paths.map(path => `${path}\0${path === '/proc/11/cmdline' ? 'php-fpm: pool shop' : 'php-fpm: pool www'}\0`).join('');
    return known({ stdout, stderr: '', code: 2, truncated: false });
  };
  const { fact, asked } = runCollector(processes, {}, { ...one, answer });
  const value = fact.state === 'known' ? fact.value : [];
  expect(value.map(({ argv }) => argv[0])).toEqual(['php-fpm: pool www', 'php-fpm: pool shop', ...Array.from({ length: 398 }, () => 'php-fpm: pool www')]);
  expect(asked.filter(request => request.kind === 'read' && request.path.endsWith('/cmdline'))).toHaveLength(1);
});

it('reads the states of many with few programs, and one by one what those do not print', () => {
  const one = crowdHost(() => 33);
  const answer: FakeHost['answer'] = request => {
    if (request.kind !== 'exec' || request.argv[4]?.endsWith('/stat') !== true) return undefined;
    const paths = request.argv.slice(4).filter(path => path !== '/proc/12/stat');
    const textOf = (path: string): string => {
      const file = one.files?.[path];
      return typeof file === 'string' ? file : '';
    };
    const stdout = paths.map(path => `${path}\0${textOf(path)} 0\n\0`).join('');
    return known({ stdout, stderr: '', code: 0, truncated: false });
  };
  const { fact, asked } = runCollector(processes, {}, { ...one, answer });
  expect(fact).toEqual(runCollector(processes, {}, one).fact);
  expect(asked.filter(request => request.kind === 'read' && request.path.endsWith('/stat')).map(request => request.kind === 'read' && request.path)).toEqual([
    '/proc/stat',
    '/proc/12/stat',
  ]);
});

it('reads all of a crowd whose members differ, or that systemd started', () => {
  for (const one of [crowdHost(pid => (pid < 200 ? 33 : 34)), crowdHost(() => 33, 1)]) {
    const { fact, asked } = runCollector(processes, {}, one);
    expect(asked.filter(request => request.kind === 'read' && request.path.endsWith('/status'))).toHaveLength(400);
    expect(fact.state === 'known' && fact.value.every(({ wchan }) => wchan !== undefined)).toBe(true);
  }
});

it('is absent where /proc is', () => {
  expect(runCollector(processes, {}, {}).fact.state).toBe('absent');
});

it('never asks for an environment', () => {
  expect(JSON.stringify(runCollector(processes, {}, host).asked)).not.toContain('environ');
});
