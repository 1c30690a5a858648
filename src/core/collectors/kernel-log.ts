import { ask, askAll, defineCollector } from '../model/collector.ts';
import type { Request } from '../model/collector.ts';
import { absent, denied, known } from '../model/fact.ts';
import type { Known } from '../model/fact.ts';
import type { KernelEvent } from '../model/facts/system.ts';
import { KERNEL_FIELDS, parseJournal } from '../parsers/journal.ts';
import { auditEvents } from '../parsers/audit-record.ts';
import { kernelEvents, parseDmesg } from '../parsers/kernel-log.ts';
import { parseSystemStat } from '../parsers/proc-stat.ts';
import { outputOf, textOf } from './shared/answers.ts';

/** A kill long before the window may be why something is down in it. */
const BEFORE_WINDOW_MS = 86_400_000;

const AUDIT_LOG = '/var/log/audit/audit.log';
const AUDIT_BYTES = 262_144;
/** Later than this is not now: it was written while the clock was ahead. */
const FUTURE_MS = 60_000;

/** Where the groups that limit memory are seen, and a file that only such a tree has: version 1 and version 2. */
const MEMORY_HIERARCHIES = [
  { mount: '/sys/fs/cgroup/memory', marker: '/sys/fs/cgroup/memory/memory.limit_in_bytes' },
  { mount: '/sys/fs/cgroup', marker: '/sys/fs/cgroup/cgroup.controllers' },
];
const GROUPS_AT_MOST = 8;
const GROUP_DEPTH = 12;
/** The kernel writes ten records within five seconds. */
const SPARED_MS = 5000;

const HOW = 'run as root to read the kernel log';

export default defineCollector({
  id: 'kernel-log',
  title: 'Kernel log: out-of-memory kills, crashes, full tables',
  needs: [],
  *collect(_facts, context) {
    const since = context.sinceMs - BEFORE_WINDOW_MS;
    const from = `@${Math.max(0, Math.floor(since / 1000))}`;
    const [journal, dmesg, stat, audit] = yield* ask(
      {
        kind: 'exec',
        argv: ['journalctl', '-k', '-o', 'json', `--output-fields=${KERNEL_FIELDS}`, '--since', from, '-n', '5000', '--no-pager'],
        options: { timeoutMs: 2500, maxBytes: 8_388_608 },
      },
      { kind: 'exec', argv: ['dmesg', '--time-format', 'iso'], options: { timeoutMs: 2500, maxBytes: 8_388_608 } },
      { kind: 'read', path: '/proc/stat', options: { limit: 4_194_304 } },
      // Where auditd runs, denials of mandatory access control are here and not in the kernel log.
      { kind: 'read', path: AUDIT_LOG, options: { offset: -AUDIT_BYTES, limit: AUDIT_BYTES } },
    );
    let ring = outputOf(dmesg, 'dmesg', HOW);
    if (dmesg.state === 'known' && ring.state === 'absent') {
      // busybox and util-linux before 2.26 know no time formats.
      const [plain] = yield* ask({ kind: 'exec', argv: ['dmesg'], options: { timeoutMs: 2500, maxBytes: 8_388_608 } });
      ring = outputOf(plain, 'dmesg', HOW);
    }
    const bootMs = parseSystemStat(textOf(stat) ?? '').bootMs ?? 0;
    const log = outputOf(journal, 'journalctl', HOW);
    const lines = log.state === 'known' ? parseJournal(log.value).entries : [];
    const fromJournal = kernelEvents(lines, 'journal:kernel');
    const fromRing = ring.state === 'known' ? kernelEvents(parseDmesg(ring.value, bootMs, context.clock.offsetMinutes), 'dmesg') : [];

    const fromAudit = auditEvents(textOf(audit) ?? '', `file:${AUDIT_LOG}`);

    if (ring.state !== 'known' && lines.length === 0) {
      if (ring.state === 'denied' || log.state === 'denied') return denied(ring.state === 'denied' ? ring.why : 'the kernel log may not be read', HOW);
      if (ring.state === 'timeout') return ring;
      return absent(`the kernel log could not be read: ${ring.why}`, HOW);
    }
    const fromKernel = [
      ...fromJournal.map(event => ({ ...fromRing.find(one => isSame(one, event)), ...event })),
      ...fromRing.filter(event => !fromJournal.some(one => isSame(one, event))),
    ];
    const events = [...fromKernel, ...fromAudit]
      .filter(event => event.timeMs >= since && event.timeMs <= context.nowMs + FUTURE_MS)
      .sort((a, b) => a.timeMs - b.timeMs);
    const elsewhere = yield* groupsElsewhere(events);
    const groups = groupsOf(events);
    return known(events.map((event, index) => (elsewhere.has(groups[index] ?? '') ? { ...event, elsewhere: true as const } : event)));
  },
});

/**
 * The control group of each event, in the order of their times. Of many kills within seconds the kernel tells no more than the process
 * (`ratelimit` in mm/oom_kill.c): then it is that of the one before of the same name.
 */
function groupsOf(events: readonly KernelEvent[]): readonly (string | undefined)[] {
  const lastOf = new Map<string | undefined, KernelEvent>();
  return events.map(event => {
    if (event.kind !== 'oom-kill') return event.cgroup;
    if (event.cgroup !== undefined) lastOf.set(event.comm, event);
    const last = lastOf.get(event.comm);
    return last !== undefined && event.timeMs - last.timeMs <= SPARED_MS ? last.cgroup : undefined;
  });
}

/**
 * The control groups in which the kernel killed and that this host does not have. Containers and the machine they run on read one kernel
 * log; a container sees its own groups by the ends of the paths that the kernel writes. What names a unit is told apart by that name.
 */
function* groupsElsewhere(events: readonly KernelEvent[]): Generator<readonly Request[], ReadonlySet<string>, readonly Known<unknown>[]> {
  const named = events.flatMap(({ cgroup }) => (cgroup === undefined || /\.(?:service|scope|slice)(?:\/|$)/.test(cgroup) ? [] : [cgroup]));
  const groups = [...new Set(named.toReversed())].slice(0, GROUPS_AT_MOST).map(cgroup => ({ cgroup, ends: endsOf(cgroup) }));
  if (groups.length === 0) return new Set();
  const markers = yield* askAll(MEMORY_HIERARCHIES.map(({ marker }) => ({ kind: 'stat', path: marker }) as const));
  const mounts = MEMORY_HIERARCHIES.filter((_, index) => markers[index]?.state === 'known').map(({ mount }) => mount);
  if (mounts.length === 0) return new Set();
  const paths = groups.flatMap(({ ends }) => ends.flatMap(end => mounts.map(mount => mount + end)));
  const stats = yield* askAll(paths.map(path => ({ kind: 'stat', path }) as const));
  const isHere = new Map(paths.map((path, index) => [path, stats[index]?.state !== 'absent']));
  return new Set(groups.filter(({ ends }) => ends.length > 0 && !ends.some(end => mounts.some(mount => isHere.get(mount + end)))).map(({ cgroup }) => cgroup));
}

/** `/a/b/c` as it is called from within `/`, `/a` and `/a/b`. A path of one part may be the container's own group, which has no name within. */
function endsOf(cgroup: string): string[] {
  const parts = cgroup.split('/').filter(part => part !== '');
  if (parts.length < 2 || parts.length > GROUP_DEPTH || parts.includes('..')) return [];
  return parts.map((_, index) => `/${parts.slice(index).join('/')}`);
}

/**
 * The ring buffer's times drift from the journal's by what the clock was set meanwhile. The journal may have lost one of the two lines that
 * tell a kill: the process is the same.
 */
function isSame(a: KernelEvent, b: KernelEvent): boolean {
  if (a.kind !== b.kind || Math.abs(a.timeMs - b.timeMs) >= 10_000) return false;
  return a.text === b.text || (a.kind === 'oom-kill' && a.pid !== undefined && a.pid === b.pid && (a.comm ?? b.comm) === (b.comm ?? a.comm));
}
