import { ask, askAll, defineCollector } from '../model/collector.ts';
import type { Request } from '../model/collector.ts';
import { absent, known, valueOr } from '../model/fact.ts';
import type { Known } from '../model/fact.ts';
import type { ProcessInfo } from '../model/facts/system.ts';
import type { ReadResult, StatResult } from '../model/host.ts';
import { crowdsOf } from '../model/crowds.ts';
import type { Crowd } from '../model/crowds.ts';
import { parseCmdline } from '../parsers/cmdline.ts';
import { commandLinesArgv, parseCommandLines, parseStatLines, statLinesArgv } from '../model/command-lines.ts';
import { parseIdNames } from '../parsers/passwd.ts';
import type { IdNames } from '../parsers/passwd.ts';
import { parseProcCgroup } from '../parsers/proc-cgroup.ts';
import type { ProcCgroup } from '../parsers/proc-cgroup.ts';
import { parseProcStat, parseSystemStat } from '../parsers/proc-stat.ts';
import type { ProcStat } from '../parsers/proc-stat.ts';
import { parseProcStatus } from '../parsers/proc-status.ts';
import { textOf } from './shared/answers.ts';
import { fineBootMs } from './shared/boot-time.ts';

/** More processes than this are cut, with a word about it. */
const MAX_PROCESSES = 20_000;

/** The files of so many processes are held at once; of thousands they would outlive the space for young objects and be copied twice. */
const READ_AT_ONCE = 100;

/**
 * Up to this many, everything is read of every process. Beyond it, the links of well-known system daemons are not read, and of a
 * crowd some stand for all.
 */
const ALL_LINKS_UP_TO = 300;

/** Of so many one file is read by one program, which takes a tenth of the time; it is given up where one of them hangs. */
const FILES_AT_ONCE = 2500;
const FILES = { timeoutMs: 1500, maxBytes: 8_388_608 };

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
  *collect(_facts, { clock }) {
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
    const bootMs = fineBootMs(clock, parseSystemStat(textOf(systemStat) ?? '').bootMs);
    if (bootMs === undefined) problems.push('Start times are missing: /proc/stat has no boot time.');

    const { stats, lost: lostStats } = yield* readStats(pids.slice(0, MAX_PROCESSES));
    const context: Context = { bootMs, users: parseIdNames(textOf(passwd) ?? ''), cgroups: new Map() };
    const userland = stats.filter(stat => !stat.kernelThread);
    const kernel = stats.filter(stat => stat.kernelThread).map(stat => processOf(stat, '', [], context));
    const { found, unread } = yield* readUserland(userland, context);
    const lost = unread + lostStats;
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

type Reading<T> = Generator<readonly Request[], T, readonly Known<unknown>[]>;
type Answers = readonly Known<unknown>[];

function* readUserland(stats: readonly ProcStat[], context: Context): Reading<Userland> {
  if (stats.length <= ALL_LINKS_UP_TO) {
    const answers = yield* askEach(stats, stat => [commandLineOf(stat), ...filesOf(stat), ...linksOf(stat)]);
    return {
      found: stats.map((stat, index) => processOf(stat, lineIn(answers[index]?.[0]), answers[index]?.slice(1) ?? [], context)),
      unread: answers.filter(([command]) => isLost(command)).length,
    };
  }
  const commandOf = yield* readCommandLines(stats);
  const crowds = crowdsIn(stats, commandOf);
  const spared = new Set(crowds.flatMap(({ members }) => members));
  for (const witness of crowds.flatMap(({ witnesses }) => witnesses)) spared.delete(witness);
  const found = new Map<ProcStat, ProcessInfo>();
  const read = function* (some: readonly ProcStat[]): Reading<void> {
    const answers = yield* askEach(some, stat => [...filesOf(stat), ...(SYSTEM_DAEMONS.has(stat.comm) ? [] : linksOf(stat))]);
    for (const [index, stat] of some.entries()) found.set(stat, processOf(stat, commandOf.get(stat)?.line ?? '', answers[index] ?? [], context));
  };
  yield* read(stats.filter(stat => !spared.has(stat)));
  for (const { members, witnesses } of crowds) {
    const [witness] = witnesses;
    const one = witness === undefined ? undefined : found.get(witness);
    if (witness === undefined || one === undefined || !areAlike(witnesses, found)) continue;
    for (const stat of members) if (!found.has(stat)) found.set(stat, likeWitness(stat, one, witness, context));
  }
  yield* read(stats.filter(stat => !found.has(stat)));
  return { found: [...found.values()], unread: [...commandOf.values()].filter(({ lost }) => lost).length };
}

interface CommandLine {
  /** As /proc/PID/cmdline gives it. */
  readonly line: string;
  readonly lost: boolean;
}

function lineIn(answer: Known<unknown> | undefined): string {
  return textOf(answer as Known<ReadResult> | undefined) ?? '';
}

/** By one program, and one by one where it says nothing: there is no such program, a process hangs, or its command line is empty. */
function* readCommandLines(stats: readonly ProcStat[]): Reading<ReadonlyMap<ProcStat, CommandLine>> {
  const commandOf = new Map<ProcStat, CommandLine>();
  const lines = yield* readByProgram(
    stats.map(({ pid }) => pid),
    commandLinesArgv,
    parseCommandLines,
  );
  const others = stats.filter(({ pid }) => !lines.has(pid));
  const answers = yield* askEach(others, stat => [commandLineOf(stat)]);
  for (const stat of stats) commandOf.set(stat, { line: lines.get(stat.pid) ?? '', lost: false });
  for (const [index, stat] of others.entries()) {
    const [answer] = answers[index] ?? [];
    commandOf.set(stat, { line: lineIn(answer), lost: isLost(answer) });
  }
  return commandOf;
}

interface Stats {
  readonly stats: readonly ProcStat[];
  /** Processes whose state could not be read, though they are there. */
  readonly lost: number;
}

/** Of many by programs, and one by one what they do not print. */
function* readStats(pids: readonly number[]): Reading<Stats> {
  const lines = pids.length <= ALL_LINKS_UP_TO ? new Map<number, string>() : yield* readByProgram(pids, statLinesArgv, parseStatLines);
  const others = pids.filter(pid => !lines.has(pid));
  const answers = yield* askAll(others.map(pid => ({ kind: 'read', path: `/proc/${pid}/stat` }) as const));
  for (const [index, pid] of others.entries()) lines.set(pid, lineIn(answers[index]));
  return { stats: pids.flatMap(pid => parseProcStat(lines.get(pid) ?? '') ?? []), lost: answers.filter(isLost).length };
}

/** What the programs that `argvOf` names print of one file of each process, by pid. */
function* readByProgram(
  pids: readonly number[],
  argvOf: (pids: readonly number[]) => readonly string[],
  parse: (text: string) => Map<number, string>,
): Reading<Map<number, string>> {
  const argvs: (readonly string[])[] = [];
  for (let start = 0; start < pids.length; start += FILES_AT_ONCE) argvs.push(argvOf(pids.slice(start, start + FILES_AT_ONCE)));
  const printed = yield* askAll(argvs.map(argv => ({ kind: 'exec', argv, options: FILES }) as const));
  const found = new Map<number, string>();
  for (const answer of printed) if (answer.state === 'known') for (const [pid, text] of parse(answer.value.stdout)) found.set(pid, text);
  return found;
}

/** Children of one parent with one name and command line. What systemd starts is of many units, which may run the same command. */
function crowdsIn(stats: readonly ProcStat[], commands: ReadonlyMap<ProcStat, CommandLine>): readonly Crowd<ProcStat>[] {
  return crowdsOf(stats, stat => {
    const { line = '' } = commands.get(stat) ?? {};
    return stat.ppid <= 1 || line === '' ? undefined : `${stat.ppid}\0${stat.comm}\0${line}`;
  });
}

/** They have the same user, groups, control group, program and folder, and none of them ended meanwhile. */
function areAlike(witnesses: readonly ProcStat[], found: ReadonlyMap<ProcStat, ProcessInfo>): boolean {
  const said = witnesses.map(witness => {
    const one = found.get(witness);
    return one?.cgroup === undefined || one.gids === undefined
      ? undefined
      : JSON.stringify([one.uid, one.gids, one.cgroup, one.exe, one.exeDeleted, one.cwd, one.cwdDeleted]);
  });
  return said[0] !== undefined && said.every(one => one === said[0]);
}

function likeWitness(stat: ProcStat, one: ProcessInfo, witness: ProcStat, context: Context): ProcessInfo {
  // Pages of the processor's: the witness has both figures.
  const pageBytes = witness.rssPages > 0 && one.rssBytes > 0 ? 2 ** Math.round(Math.log2(one.rssBytes / witness.rssPages)) : PAGE_BYTES;
  const like: { -readonly [K in keyof ProcessInfo]: ProcessInfo[K] } = { ...one, ...ownOf(stat, context), rssBytes: stat.rssPages * pageBytes };
  // What a process waits for is its own.
  delete like.wchan;
  return like;
}

/** The answers to what is wanted of each, a hundred at a time. */
function* askEach(stats: readonly ProcStat[], wantedOf: (stat: ProcStat) => readonly Request[]): Reading<readonly Answers[]> {
  const all: Answers[] = [];
  for (let start = 0; start < stats.length; start += READ_AT_ONCE) {
    const wanted = stats.slice(start, start + READ_AT_ONCE).map(wantedOf);
    const answers = yield* askAll(wanted.flat());
    let at = 0;
    for (const { length } of wanted) all.push(answers.slice(at, (at += length)));
  }
  return all;
}

/** It is there and was not read; a process that ended meanwhile is not there. */
function isLost(answer: Known<unknown> | undefined): boolean {
  return answer !== undefined && answer.state !== 'known' && answer.state !== 'absent';
}

// In this order in the answers of a process: its files, its links.

function commandLineOf({ pid }: ProcStat): Request {
  return { kind: 'read', path: `/proc/${pid}/cmdline` };
}

function filesOf({ pid }: ProcStat): readonly Request[] {
  return [
    { kind: 'read', path: `/proc/${pid}/status` },
    { kind: 'read', path: `/proc/${pid}/cgroup` },
  ];
}

/** Only of those that may matter. */
function linksOf({ pid }: ProcStat): readonly Request[] {
  return [
    { kind: 'stat', path: `/proc/${pid}/exe` },
    { kind: 'stat', path: `/proc/${pid}/cwd` },
    { kind: 'read', path: `/proc/${pid}/wchan` },
  ];
}

function processOf(stat: ProcStat, line: string, answers: readonly Known<unknown>[], context: Context): ProcessInfo {
  const [statusText, cgroupText, exe, cwd, wchanText] = answers as readonly [
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
    ...ownOf(stat, context),
    argv: parseCmdline(line),
    ...linkOf(exe, 'exe'),
    ...linkOf(cwd, 'cwd'),
    uid,
    ...(user === undefined ? {} : { user }),
    ...(status.gids.length === 0 ? {} : { gids: status.gids }),
    rssBytes: status.rssBytes ?? stat.rssPages * PAGE_BYTES,
    ...(cgroup.path === undefined ? {} : { cgroup: cgroup.path }),
    ...(cgroup.unit === undefined ? {} : { unit: cgroup.unit }),
    ...(wchan === '' || wchan === '0' ? {} : { wchan }),
  };
}

function ownOf(stat: ProcStat, { bootMs }: Context): Pick<ProcessInfo, 'pid' | 'ppid' | 'state' | 'comm' | 'startMs' | 'threads' | 'cpuMs'> {
  return {
    pid: stat.pid,
    ppid: stat.ppid,
    state: stat.state,
    comm: stat.comm,
    startMs: bootMs === undefined ? 0 : bootMs + stat.startTicks * TICK_MS,
    threads: stat.threads,
    cpuMs: stat.cpuTicks * TICK_MS,
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
