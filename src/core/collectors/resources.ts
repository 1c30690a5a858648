import { ask, askAll, defineCollector } from '../model/collector.ts';
import { known, valueOr } from '../model/fact.ts';
import type { ErrorGroup } from '../model/facts/logs.ts';
import type { Disk, Resources } from '../model/facts/system.ts';
import { parseDf } from '../parsers/df.ts';
import { parseLoadavg, parseMeminfo, parsePressure } from '../parsers/meminfo.ts';
import { parseNetCounters } from '../parsers/netstat.ts';
import { pathIn } from '../model/disks.ts';
import { textOf } from './shared/answers.ts';
import { definedOf } from './shared/defined.ts';

const SAMPLE_PAUSE_MS = 300;

/** Folders that nginx and backends write to. */
const PATHS = [
  '/',
  '/var',
  '/var/log',
  '/var/log/nginx',
  '/var/lib',
  '/var/lib/nginx',
  '/var/cache/nginx',
  '/tmp',
  '/var/tmp',
  '/run',
  '/srv',
  '/home',
  '/opt',
  '/data',
  '/etc',
  '/dev/shm',
];

const SYSCTLS = [
  'net.core.somaxconn',
  'net.core.netdev_max_backlog',
  'net.ipv4.ip_local_port_range',
  'net.ipv4.tcp_max_syn_backlog',
  'net.ipv4.tcp_syncookies',
  'net.ipv4.tcp_tw_reuse',
  'net.ipv4.tcp_abort_on_overflow',
  'net.ipv6.bindv6only',
  'net.ipv6.conf.all.disable_ipv6',
  'net.ipv6.conf.lo.disable_ipv6',
  'net.netfilter.nf_conntrack_count',
  'net.netfilter.nf_conntrack_max',
  'net.unix.max_dgram_qlen',
  'kernel.pid_max',
  'kernel.threads-max',
  'fs.file-max',
  'fs.file-nr',
  'vm.overcommit_memory',
] as const;

export default defineCollector({
  id: 'resources',
  title: 'Memory, load, pressure, disks, kernel limits and counters',
  needs: ['nginx-error-log'],
  *collect(facts) {
    const paths = [...new Set([...PATHS, ...foldersWithoutSpace(valueOr(facts['nginx-error-log'], undefined)?.groups ?? [])])];
    const [meminfo, loadavg, cpu, memory, io, df, dfInodes, netstat, snmp] = yield* ask(
      { kind: 'read', path: '/proc/meminfo' },
      { kind: 'read', path: '/proc/loadavg' },
      { kind: 'read', path: '/proc/pressure/cpu' },
      { kind: 'read', path: '/proc/pressure/memory' },
      { kind: 'read', path: '/proc/pressure/io' },
      { kind: 'exec', argv: ['df', '-P', '-B1', ...paths], options: { timeoutMs: 2000 } },
      { kind: 'exec', argv: ['df', '-P', '-i', ...paths], options: { timeoutMs: 2000 } },
      { kind: 'read', path: '/proc/net/netstat' },
      { kind: 'read', path: '/proc/net/snmp' },
    );
    const values = yield* askAll(SYSCTLS.map(name => ({ kind: 'read', path: `/proc/sys/${name.replaceAll('.', '/')}` }) as const));
    yield* ask({ kind: 'pause', ms: SAMPLE_PAUSE_MS });
    const [netstatLater, snmpLater] = yield* ask({ kind: 'read', path: '/proc/net/netstat' }, { kind: 'read', path: '/proc/net/snmp' });

    const before = parseNetCounters(`${textOf(netstat) ?? ''}\n${textOf(snmp) ?? ''}`);
    const after = parseNetCounters(`${textOf(netstatLater) ?? ''}\n${textOf(snmpLater) ?? ''}`);
    const problems: string[] = [];
    if (meminfo.state !== 'known') problems.push(`Memory is not known: ${meminfo.why}.`);
    // df ends with 1 where one of the paths is missing; what it printed for the others is good.
    const disks = disksOf(valueOr(df, undefined)?.stdout ?? '', valueOr(dfInodes, undefined)?.stdout ?? '');
    if (disks.length === 0) problems.push('Free disk space is not known: df is missing or did not answer.');

    const pressure = definedOf({
      cpu: parsePressure(textOf(cpu) ?? ''),
      memory: parsePressure(textOf(memory) ?? ''),
      io: parsePressure(textOf(io) ?? ''),
    });
    const fact: Resources = {
      ...definedOf({ memory: parseMeminfo(textOf(meminfo) ?? ''), load: parseLoadavg(textOf(loadavg) ?? '') }),
      ...(Object.keys(pressure).length === 0 ? {} : { pressure }),
      disks,
      sysctl: Object.fromEntries(SYSCTLS.flatMap((name, index) => sysctlEntry(name, textOf(values[index])))),
      netCounters: after,
      netCounterGrowth: Object.fromEntries(
        Object.entries(after).flatMap(([name, value]) => {
          const was = before[name];
          return was === undefined || value === was ? [] : [[name, value - was] as const];
        }),
      ),
    };
    return known(fact, problems);
  },
});

/** Where nginx could not write for want of space: often a file system of its own. */
function foldersWithoutSpace(groups: readonly ErrorGroup[]): string[] {
  const paths = groups.filter(group => group.class === 'disk-full').flatMap(group => group.samples.flatMap(sample => pathIn(sample.message) ?? []));
  return [...new Set(paths.map(path => path.slice(0, Math.max(1, path.lastIndexOf('/')))))].slice(0, 10);
}

/** One disk a mount, named by the mount itself. */
function disksOf(bytesText: string, inodesText: string): readonly Disk[] {
  const inodes = new Map(parseDf(inodesText).map(line => [line.mount, line]));
  const disks = new Map<string, Disk>();
  for (const { mount, total, available } of parseDf(bytesText)) {
    const counted = inodes.get(mount);
    disks.set(mount, { mount, path: mount, totalBytes: total, availableBytes: available, inodes: counted?.total ?? 0, inodesFree: counted?.available ?? 0 });
  }
  return [...disks.values()];
}

function sysctlEntry(name: string, text: string | undefined): readonly (readonly [string, string])[] {
  return text === undefined ? [] : [[name, text.trim().replaceAll('\t', ' ')]];
}
