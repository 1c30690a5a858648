import { ask, askAll, defineCollector } from '../model/collector.ts';
import { known } from '../model/fact.ts';
import type { Resources } from '../model/facts/system.ts';
import { parseLoadavg, parseMeminfo, parsePressure } from '../parsers/meminfo.ts';
import { parseNetCounters } from '../parsers/netstat.ts';
import { textOf } from './shared/answers.ts';
import { definedOf } from './shared/defined.ts';
import { askDisks } from './shared/disk-space.ts';

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
  needs: [],
  *collect() {
    const [meminfo, loadavg, cpu, memory, io, netstat, snmp] = yield* ask(
      { kind: 'read', path: '/proc/meminfo' },
      { kind: 'read', path: '/proc/loadavg' },
      { kind: 'read', path: '/proc/pressure/cpu' },
      { kind: 'read', path: '/proc/pressure/memory' },
      { kind: 'read', path: '/proc/pressure/io' },
      { kind: 'read', path: '/proc/net/netstat' },
      { kind: 'read', path: '/proc/net/snmp' },
    );
    const values = yield* askAll(SYSCTLS.map(name => ({ kind: 'read', path: `/proc/sys/${name.replaceAll('.', '/')}` }) as const));
    const disks = yield* askDisks(PATHS);
    yield* ask({ kind: 'pause', ms: SAMPLE_PAUSE_MS });
    const [netstatLater, snmpLater] = yield* ask({ kind: 'read', path: '/proc/net/netstat' }, { kind: 'read', path: '/proc/net/snmp' });

    const before = parseNetCounters(`${textOf(netstat) ?? ''}\n${textOf(snmp) ?? ''}`);
    const after = parseNetCounters(`${textOf(netstatLater) ?? ''}\n${textOf(snmpLater) ?? ''}`);
    const problems: string[] = [];
    if (meminfo.state !== 'known') problems.push(`Memory is not known: ${meminfo.why}.`);
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

function sysctlEntry(name: string, text: string | undefined): readonly (readonly [string, string])[] {
  return text === undefined ? [] : [[name, text.trim().replaceAll('\t', ' ')]];
}
