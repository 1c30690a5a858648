import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { absent, known } from '../model/fact.ts';
import type { NginxInstance } from '../model/facts/nginx.ts';
import type { NginxLayout, Peer, Topology } from '../model/facts/topology.ts';
import hostIdentity from './host-identity.ts';
import nameResolution from './name-resolution.ts';
import processDetails from './process-details.ts';
import refusedDisks from './refused-disks.ts';
import resources from './resources.ts';
import socketFiles from './socket-files.ts';
import { runCollector } from './testing.ts';

const sample = (path: string): string => readFileSync(new URL(`../parsers/${path}`, import.meta.url), 'utf8');

it('says who and what the host is', () => {
  const { fact } = runCollector(
    hostIdentity,
    {},
    {
      files: {
        '/proc/sys/kernel/hostname': 'web1\n',
        '/etc/os-release': sample('os-release.fixtures/debian-12.txt'),
        '/proc/sys/kernel/osrelease': '6.1.0\n',
        '/proc/self/status': sample('proc-status.fixtures/linux-6.18.txt'),
        '/etc/passwd': sample('passwd.fixtures/debian-12.txt'),
        '/proc/1/comm': 'systemd\n',
        '/proc/stat': sample('proc-stat.fixtures/stat-linux-6.18.txt'),
        '/proc/net/fib_trie': sample('proc-fib-trie.fixtures/linux-6.18.txt'),
        '/proc/net/if_inet6': '20010db8000000000000000000000012 01 80 00 80       lo\n',
      },
      stats: { '/run/systemd/system': { kind: 'directory' } },
    },
  );
  expect(fact).toMatchObject({
    state: 'known',
    value: {
      hostname: 'web1',
      os: 'Debian GNU/Linux 12 (bookworm)',
      kernel: '6.1.0',
      uid: 33,
      user: 'www-data',
      systemd: true,
      bootMs: 1_795_244_991_000,
      cpus: 2,
      addresses: ['192.0.2.2', '2001:db8::12'],
    },
  });
});

it('takes an unknown user for one without rights', () => {
  const { fact } = runCollector(hostIdentity, {}, {});
  expect(fact).toMatchObject({ state: 'known', value: { uid: 65_534, systemd: false }, problems: [expect.any(String), expect.any(String)] });
});

it('measures growth of counters between two samples', () => {
  let reads = 0;
  const { fact, asked } = runCollector(
    resources,
    {},
    {
      files: { '/proc/meminfo': sample('meminfo.fixtures/meminfo-linux-6.18.txt'), '/proc/sys/net/ipv4/ip_local_port_range': '32768\t60999\n' },
      answer: request => {
        if (request.kind === 'exec' && request.argv[2] === '-B1')
          return known({ stdout: sample('df.fixtures/bytes-coreutils-9.1.txt'), stderr: '', code: 1, truncated: false });
        if (request.kind === 'exec' && request.argv[2] === '-i')
          return known({ stdout: sample('df.fixtures/inodes-coreutils-9.1.txt'), stderr: '', code: 0, truncated: false });
        if (request.kind !== 'read' || request.path !== '/proc/net/netstat') return undefined;
        reads += 1;
        const bytes = new TextEncoder().encode(`TcpExt: ListenDrops TW\nTcpExt: ${reads === 1 ? 5 : 12} 3\n`);
        return known({ bytes, size: 0, atEnd: true });
      },
    },
  );
  expect(asked.filter(request => request.kind === 'pause')).toHaveLength(1);
  expect(fact).toMatchObject({
    state: 'known',
    value: { netCounters: { ListenDrops: 12, TW: 3 }, netCounterGrowth: { ListenDrops: 7 }, sysctl: { 'net.ipv4.ip_local_port_range': '32768 60999' } },
  });
  const value = fact.state === 'known' ? fact.value : undefined;
  expect(value?.netCounterGrowth).not.toHaveProperty('TW');
  expect(value?.disks.map(disk => disk.mount)).toEqual(['/', '/run', '/tmp']);
  expect(value?.disks[0]).toMatchObject({ totalBytes: 12_638_253_056, inodes: 3_085_511 });
  expect(value).not.toHaveProperty('pressure');
});

describe('the file systems on which nginx found no space', () => {
  const log = (message: string, kind: 'disk-full' | 'connect-refused') => {
    const alike = { class: kind, level: 'crit' } as const;
    const record = { ...alike, text: message, message, timeMs: 1, pid: 1, cut: false, source: { path: '/log', offset: 0 } } as const;
    const buckets = { widthMs: 1000, starts: [0], counts: [1] };
    const group = { ...alike, subrequest: false, count: 1, firstMs: 1, lastMs: 1, buckets, samples: [record] } as const;
    return { 'nginx-error-log': known({ coverage: [], groups: [group], unread: [] }) };
  };

  it('are those of the folders that its messages name', () => {
    const df = {
      'df -P -B1 /srv/spool/body': 'Filesystem 1-blocks Used Available Capacity Mounted on\ntmpfs 8192 8192 0 100% /srv/spool\n',
      'df -P -i /srv/spool/body': 'Filesystem Inodes IUsed IFree IUse% Mounted on\ntmpfs 50 5 45 10% /srv/spool\n',
    };
    const { fact } = runCollector(refusedDisks, log('pwrite() "/srv/spool/body/0000000001" failed', 'disk-full'), { programs: df });
    expect(fact).toEqual(known([{ mount: '/srv/spool', path: '/srv/spool', totalBytes: 8192, availableBytes: 0, inodes: 50, inodesFree: 45 }]));
  });

  it('are not asked for where it found space, or where its log was not read', () => {
    expect(runCollector(refusedDisks, log('connect() "/x" failed', 'connect-refused'), {})).toMatchObject({ fact: known([]), asked: [] });
    expect(runCollector(refusedDisks, { 'nginx-error-log': absent('no log') }, {})).toMatchObject({ fact: known([]), asked: [] });
  });
});

it('resolves names and leaves addresses and options alone', () => {
  const layout = {
    servers: [],
    routes: [],
    groups: [],
    logFormats: [],
    mainErrorLogs: [],
    fixedAnswers: [],
    hostNames: ['db.internal', '10.0.0.1', '::1', '-h', 'gone.invalid', 'slow.example'],
  } satisfies NginxLayout;
  const { fact, asked } = runCollector(
    nameResolution,
    { 'nginx-layout': known(layout) },
    {
      files: { '/etc/resolv.conf': 'search example\nnameserver 192.0.2.53\n' },
      programs: {
        'getent ahosts db.internal': '10.0.0.5 STREAM db\n10.0.0.5 DGRAM\n',
        'getent ahosts gone.invalid': { code: 2 },
        'getent ahosts slow.example': { state: 'timeout', why: 'no answer' },
        'getent ahosts localhost': sample('getent.fixtures/glibc-2.36.txt'),
      },
    },
  );
  const nameServers = ['192.0.2.53'];
  expect(asked.filter(request => request.kind === 'exec')).toHaveLength(4);
  expect(fact).toEqual({
    state: 'known',
    value: [
      { name: 'db.internal', system: ['10.0.0.5'], nameServers },
      { name: 'gone.invalid', system: [], systemError: 'name not found', nameServers },
      { name: 'slow.example', system: [], systemError: 'no answer within 2 s', nameServers },
      { name: 'localhost', system: ['127.0.0.1'], nameServers },
    ],
  });
});

it('is not known where getent is missing', () => {
  expect(runCollector(nameResolution, { 'nginx-layout': absent('no nginx') }, {}).fact.state).toBe('absent');
});

const peer = (path: string): Peer => ({
  id: `unix:${path}`,
  address: { kind: 'unix', path },
  groupIds: [],
  routeIds: [],
  written: path,
  origin: { path: '/etc/nginx/nginx.conf', line: 1 },
  flags: { down: false, backup: false, maxFails: 1, failTimeoutMs: 10_000, maxConns: 0 },
  local: true,
  listeners: [],
});

it('follows each folder above a socket, through links, and stops at what is missing', () => {
  const topology: Topology = { servers: [], routes: [], groups: [], peers: [peer('/var/run/php/x.sock'), peer('/run/gone/x.sock')] };
  const folder = { kind: 'directory', mode: 0o755 } as const;
  const { fact } = runCollector(
    socketFiles,
    { topology: known(topology), 'php-fpm-pools': absent('none'), 'nginx-error-log': absent('none') },
    {
      files: { '/etc/passwd': 'root:x:0:0::/:\nwww-data:x:33:33::/:\n', '/etc/group': 'root:x:0:\nwww-data:x:33:\n' },
      stats: {
        '/': folder,
        '/var': folder,
        '/run': { ...folder, mode: 0o750 },
        '/var/run': { kind: 'link', mode: 0o777, target: '/run', realPath: '/run' },
        '/var/run/php': folder,
        '/var/run/php/x.sock': { kind: 'socket', mode: 0o660, uid: 33, gid: 33 },
      },
    },
  );
  const value = fact.state === 'known' ? fact.value : [];
  expect(value[0]).toMatchObject({ exists: true });
  expect(value[0]?.chain.map(part => part.path)).toEqual(['/', '/var', '/var/run', '/run', '/var/run/php', '/var/run/php/x.sock']);
  expect(value[0]?.chain[3]?.mode).toBe(0o750);
  expect(value[0]?.chain.at(-1)).toEqual({ path: '/var/run/php/x.sock', kind: 'socket', mode: 0o660, uid: 33, gid: 33, owner: 'www-data', group: 'www-data' });
  expect(value[1]).toMatchObject({ exists: false, why: expect.stringContaining('/run/gone') });
  expect(value[1]?.chain.map(part => part.path)).toEqual(['/', '/run']);
});

it('reads memory and open files of the workers alone', () => {
  const one = (pid: number) => ({ pid, ppid: 1, state: 'S', comm: 'nginx', argv: ['nginx'], uid: 0, startMs: 0, rssBytes: 0, threads: 1, cpuMs: 0 });
  const instance: NginxInstance = {
    id: 'nginx',
    running: true,
    masterPid: 50,
    binary: '/usr/sbin/nginx',
    prefix: '/',
    configPath: '/etc/nginx/nginx.conf',
    globalDirectives: '',
    flavour: 'nginx',
    configureArguments: '',
    workers: [51, 52].map(pid => ({ pid, startMs: 0, state: 'S', shuttingDown: false })),
  };
  const { fact, asked } = runCollector(
    processDetails,
    { processes: known([one(50), one(51), one(52), one(99)]), 'nginx-instances': known([instance]), services: absent('none') },
    {
      files: {
        '/proc/50/smaps_rollup': sample('proc-smaps.fixtures/linux-6.18.txt'),
        '/proc/50/limits': sample('proc-limits.fixtures/linux-6.18.txt'),
        '/proc/50/status': 'CapEff:\t000001ffffffffff\n',
        '/proc/50/uid_map': '         0          0 4294967295\n',
        '/proc/52/status': 'CapEff:\t000001ffffffffff\n',
        '/proc/52/uid_map': '         0          0 4294967295\n',
      },
      folders: { '/proc/50/fd': ['0', '5'] },
      // What Linux 6.2 and later say: no list of so many is asked for.
      stats: { '/proc/52/fd': { kind: 'directory', size: 20_004 } },
    },
  );
  expect(fact).toMatchObject({ state: 'known', problems: [expect.stringContaining('root')] });
  expect(fact.state === 'known' && fact.value).toEqual([
    { pid: 50, pssBytes: expect.any(Number), openFiles: 2, openFilesLimit: 1024, openFilesHardLimit: 20_000, exceedsLimits: true, processesLimit: 96365 },
    { pid: 51 },
    { pid: 52, openFiles: 20_004 },
  ]);
  expect(asked.flatMap(request => (request.kind === 'list' ? [request.path] : []))).toEqual(['/proc/50/fd', '/proc/51/fd']);
});
