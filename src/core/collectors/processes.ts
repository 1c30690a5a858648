import { ask, askAll, defineCollector } from '../model/collector.ts';
import type { Request } from '../model/collector.ts';
import { absent, known, valueOr } from '../model/fact.ts';
import type { Known } from '../model/fact.ts';
import type { ProcessInfo } from '../model/facts/system.ts';
import type { ReadResult, StatResult } from '../model/host.ts';
import { parseCmdline } from '../parsers/cmdline.ts';
import { parseIdNames } from '../parsers/passwd.ts';
import type { IdNames } from '../parsers/passwd.ts';
import { parseProcCgroup } from '../parsers/proc-cgroup.ts';
import type { ProcCgroup } from '../parsers/proc-cgroup.ts';
import { parseProcStat, parseSystemStat } from '../parsers/proc-stat.ts';
import type { ProcStat } from '../parsers/proc-stat.ts';
import { parseProcStatus } from '../parsers/proc-status.ts';
import { textOf } from './shared/answers.ts';

/** More processes than this are cut, with a word about it. */
const MAX_PROCESSES = 20_000;

/** The files of so many processes are held at once; of thousands they would outlive the space for young objects and be copied twice. */
const READ_AT_ONCE = 100;

/** Up to this many, the links of every process are read; beyond it, those of well-known system daemons are not. */
const ALL_LINKS_UP_TO = 300;

/** USER_HZ: 100 on every Linux that has /proc as we know it (`getconf CLK_TCK`). */
const TICK_MS = 10;

/** Used only where /proc/PID/status gives no size in kB. */
const PAGE_BYTES = 4096;

const SYSTEM_DAEMONS = new Set(
  (
    'systemd systemd-journal systemd-udevd systemd-logind systemd-network systemd-resolve systemd-timesyn (sd-pam) dbus-daemon dbus-broker ' +
    'agetty cron crond atd sshd rsyslogd chronyd ntpd polkitd udisksd snapd login bash sh zsh sleep irqbalance auditd acpid ' +
    'containerd-shim dockerd containerd NetworkManager multipathd lvmetad unattended-upgr packagekitd'
  ).split(' '),
);

export default defineCollector({
  id: 'processes',
  title: 'Running processes',
  needs: [],
  *collect() {
    const [folder, systemStat, passwd] = yield* ask(
      { kind: 'list', path: '/proc' },
      { kind: 'read', path: '/proc/stat', options: { limit: 4_194_304 } },
      { kind: 'read', path: '/etc/passwd' },
    );
    if (folder.state !== 'known') return folder;
    const pids = folder.value.filter(name => /^\d{1,10}$/.test(name)).map(Number);
    if (pids.length === 0) return absent('/proc lists no processes', 'mount /proc where badhop runs');
    const problems: string[] = [];
    if (pids.length > MAX_PROCESSES) problems.push(`Only the first ${MAX_PROCESSES} of ${pids.length} processes were read.`);
    const bootMs = parseSystemStat(textOf(systemStat) ?? '').bootMs;
    if (bootMs === undefined) problems.push('Start times are missing: /proc/stat has no boot time.');

    const statTexts = yield* askAll(pids.slice(0, MAX_PROCESSES).map(pid => ({ kind: 'read', path: `/proc/${pid}/stat` }) as const));
    const stats = statTexts.flatMap(text => parseProcStat(textOf(text) ?? '') ?? []);
    const context: Context = { bootMs, users: parseIdNames(textOf(passwd) ?? ''), cgroups: new Map() };
    const userland = stats.filter(stat => !stat.kernelThread);
    const kernel = stats.filter(stat => stat.kernelThread).map(stat => processOf(stat, [], context));
    const { found, unread } = yield* readUserland(userland, context);
    const lost = unread + statTexts.filter(isLost).length;
    if (lost > 0) problems.push(`${lost} processes did not let themselves be read; what they are is not known.`);
    // hidepid hides what belongs to others: pid 1 is there on every host.
    if (!pids.includes(1)) problems.push('Processes of other users are hidden (hidepid): run as root to see them.');
    return known(
      [...kernel, ...found].sort((a, b) => a.pid - b.pid),
      problems,
    );
  },
});

interface Context {
  readonly bootMs: number | undefined;
  readonly users: IdNames;
  /** By the text of /proc/PID/cgroup: the processes of a unit have the same one. */
  readonly cgroups: Map<string, ProcCgroup>;
}

interface Userland {
  readonly found: readonly ProcessInfo[];
  /** Processes whose command line could not be read, though they are there: a hanging one does not give it. */
  readonly unread: number;
}

function* readUserland(stats: readonly ProcStat[], context: Context): Generator<readonly Request[], Userland, readonly Known<unknown>[]> {
  const found: ProcessInfo[] = [];
  let unread = 0;
  for (let start = 0; start < stats.length; start += READ_AT_ONCE) {
    const some = stats.slice(start, start + READ_AT_ONCE);
    const wanted = some.map(stat => filesOf(stat, stats.length));
    const answers = yield* askAll(wanted.flat());
    let at = 0;
    for (const [index, stat] of some.entries()) {
      const own = answers.slice(at, (at += wanted[index]?.length ?? 0));
      if (isLost(own[0])) unread += 1;
      found.push(processOf(stat, own, context));
    }
  }
  return { found, unread };
}

/** It is there and was not read; a process that ended meanwhile is not there. */
function isLost(answer: Known<unknown> | undefined): boolean {
  return answer !== undefined && answer.state !== 'known' && answer.state !== 'absent';
}

/** In a fixed order: cmdline, status, cgroup, then for those that may matter exe, cwd, wchan. */
function filesOf(stat: ProcStat, total: number): readonly Request[] {
  const folder = `/proc/${stat.pid}`;
  const files: Request[] = ['cmdline', 'status', 'cgroup'].map(name => ({ kind: 'read', path: `${folder}/${name}` }));
  if (total > ALL_LINKS_UP_TO && SYSTEM_DAEMONS.has(stat.comm)) return files;
  return [...files, { kind: 'stat', path: `${folder}/exe` }, { kind: 'stat', path: `${folder}/cwd` }, { kind: 'read', path: `${folder}/wchan` }];
}

function processOf(stat: ProcStat, answers: readonly Known<unknown>[], context: Context): ProcessInfo {
  const [cmdline, statusText, cgroupText, exe, cwd, wchanText] = answers as readonly [
    Known<ReadResult>?,
    Known<ReadResult>?,
    Known<ReadResult>?,
    Known<StatResult>?,
    Known<StatResult>?,
    Known<ReadResult>?,
  ];
  const status = parseProcStatus(textOf(statusText) ?? '');
  const cgroup = cgroupOf(textOf(cgroupText) ?? '', context.cgroups);
  const uid = status.uid ?? 0;
  const user = context.users.get(uid);
  const wchan = textOf(wchanText)?.trim() ?? '';
  return {
    pid: stat.pid,
    ppid: stat.ppid,
    state: stat.state,
    comm: stat.comm,
    argv: parseCmdline(textOf(cmdline) ?? ''),
    ...linkOf(exe, 'exe'),
    ...linkOf(cwd, 'cwd'),
    uid,
    ...(user === undefined ? {} : { user }),
    ...(status.gids.length === 0 ? {} : { gids: status.gids }),
    startMs: context.bootMs === undefined ? 0 : context.bootMs + stat.startTicks * TICK_MS,
    rssBytes: status.rssBytes ?? stat.rssPages * PAGE_BYTES,
    threads: stat.threads,
    cpuMs: stat.cpuTicks * TICK_MS,
    ...(cgroup.path === undefined ? {} : { cgroup: cgroup.path }),
    ...(cgroup.unit === undefined ? {} : { unit: cgroup.unit }),
    ...(wchan === '' || wchan === '0' ? {} : { wchan }),
  };
}

function cgroupOf(text: string, read: Map<string, ProcCgroup>): ProcCgroup {
  const before = read.get(text);
  if (before !== undefined) return before;
  const cgroup = parseProcCgroup(text);
  read.set(text, cgroup);
  return cgroup;
}

function linkOf(answer: Known<StatResult> | undefined, name: 'exe' | 'cwd'): Partial<ProcessInfo> {
  const target = answer === undefined ? undefined : valueOr(answer, undefined)?.target;
  if (target === undefined || target === '') return {};
  const gone = ' (deleted)';
  if (!target.endsWith(gone)) return { [name]: target };
  return { [name]: target.slice(0, -gone.length), [`${name}Deleted`]: true };
}
