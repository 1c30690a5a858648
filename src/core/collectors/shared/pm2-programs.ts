import { ask, askAll } from '../../model/collector.ts';
import type { CollectContext, Request } from '../../model/collector.ts';
import { valueOr } from '../../model/fact.ts';
import type { Known } from '../../model/fact.ts';
import type { ManagedProgram, ProgramLine, ProgramState } from '../../model/facts/managed-program.ts';
import type { ProcessInfo } from '../../model/facts/system.ts';
import { pm2Home, parsePm2Log } from '../../parsers/pm2-log.ts';
import type { AppLine, ManagerLog } from '../../parsers/pm2-log.ts';
import { homesOf } from '../../parsers/passwd.ts';
import { wholeNumber } from '../../parsers/text.ts';
import { textOf } from './answers.ts';
import { readManagerLog, withOwnLogs } from './program-logs.ts';

type Steps<T> = Generator<readonly Request[], T, readonly Known<unknown>[]>;

export interface Pm2Daemon {
  readonly kind: 'pm2';
  /** Absent where it does not run. */
  readonly process?: ProcessInfo;
  readonly home: string;
  readonly user?: string;
}

const maxHomes = 50;
/** PM2's exponential backoff ends at 15 seconds. */
const longestDelayMs = 20_000;
/** A daemon that has been gone for longer than this is not missed. */
const lostForMs = 7 * 86_400_000;
const maxApps = 40;
const maxPidFiles = 200;
const maxLogsEach = 8;
const maxLinesEach = 80;
const words: Readonly<Record<ProgramState, string>> = {
  running: 'online',
  starting: 'launching',
  waiting: 'waiting restart',
  stopped: 'stopped',
  exited: 'stopped',
  'given-up': 'errored',
};

/** PM2's daemons by the title that they give themselves, which names their home; where it has no room for all of it, by their user's home. */
export function* findPm2Daemons(processes: readonly ProcessInfo[], problems: string[]): Steps<readonly Pm2Daemon[]> {
  const titled = processes.flatMap(process => {
    const home = process.state === 'Z' ? undefined : pm2Home(process.argv[0] ?? '');
    return home === undefined ? [] : [{ process, home }];
  });
  const [passwd] = yield* askAll(titled.some(({ home }) => home.isCut) ? [{ kind: 'read', path: '/etc/passwd' } as const] : []);
  return titled.flatMap(({ process, home }): readonly Pm2Daemon[] => {
    const usual = homesOf(textOf(passwd) ?? '', process.uid).map(folder => `${folder}/.pm2`);
    const path = home.isCut ? usual.find(one => one.startsWith(home.path)) : home.path;
    if (path !== undefined) return [{ kind: 'pm2', process, home: path, ...(process.user === undefined ? {} : { user: process.user }) }];
    problems.push(`The home of the pm2 daemon with pid ${process.pid} is not known: its title is cut after ${home.path}`);
    return [];
  });
}

/**
 * Homes of daemons that do not run although they did some days ago: nobody set them up to start with the host, or somebody ended
 * them. Only the usual places are looked at; what this user may not see is passed over.
 */
export function* findLostPm2Homes(running: readonly Pm2Daemon[], context: CollectContext): Steps<readonly Pm2Daemon[]> {
  const [list] = yield* ask({ kind: 'list', path: '/home' });
  const owners = [
    { user: 'root', home: '/root/.pm2' },
    ...valueOr(list, [])
      .slice(0, maxHomes)
      .map(user => ({ user, home: `/home/${user}/.pm2` })),
  ];
  const wanted = owners.filter(({ home }) => !running.some(one => one.home === home));
  const stats = yield* askAll(wanted.map(({ home }) => ({ kind: 'stat', path: `${home}/pm2.log` }) as const));
  return wanted.flatMap(({ user, home }, index) => {
    const stat = stats[index];
    const isRecent = stat?.state === 'known' && stat.value.kind === 'file' && context.nowMs - stat.value.modifiedMs < lostForMs;
    return isRecent ? [{ kind: 'pm2' as const, home, user }] : [];
  });
}

/** The apps of one daemon from its files: asking `pm2` itself would start a daemon where this one ends meanwhile. */
export function* readPm2(daemon: Pm2Daemon, processes: readonly ProcessInfo[], context: CollectContext, problems: string[]): Steps<readonly ManagedProgram[]> {
  const { home, process } = daemon;
  const owner = daemon.user ?? `uid ${process?.uid ?? '?'}`;
  const raw = yield* readManagerLog(`${home}/pm2.log`, `The apps of ${owner}'s pm2 daemon`, problems);
  if (raw === undefined) return [];
  const log = parsePm2Log(raw, { offsetMinutes: context.clock.offsetMinutes, nowMs: context.nowMs });
  const [logNames, pidNames] = yield* ask({ kind: 'list', path: `${home}/logs` }, { kind: 'list', path: `${home}/pids` });
  const pids = yield* livePids(home, valueOr(pidNames, []), daemon, processes);
  const current = log.lines.slice(log.since);
  const names = [...new Set([...current.map(line => line.program), ...namesOnlyInFiles(pids, current)])];
  if (names.length > maxApps) problems.push(`Only ${maxApps} of ${names.length} apps of ${owner}'s pm2 daemon were looked at.`);
  const programs: ManagedProgram[] = [];
  for (const name of names.slice(-maxApps)) {
    const program = programOf(name, log, daemon, pids, context.nowMs);
    const files = logFilesOf(name, valueOr(logNames, [])).map(file => `${home}/logs/${file}`);
    programs.push(yield* withOwnLogs(program, files, context, problems));
  }
  return programs;
}

function programOf(name: string, log: ManagerLog, daemon: Pm2Daemon, pids: ReadonlyMap<string, number>, nowMs: number): ManagedProgram {
  const { home, process, user } = daemon;
  const own = log.lines.filter(line => line.program === name);
  const states = statesOf(
    log.lines.slice(log.since).filter(line => line.program === name),
    nowMs,
  );
  const alive = [...pids].flatMap(([file, pid]) => (isFileOf(file, name) ? [pid] : []));
  const last = wholeState([...states.values()]);
  const state = process === undefined ? 'stopped' : alive.length > 0 && !isLooping(states) ? 'running' : last;
  return {
    id: `pm2:${name}`,
    manager: 'pm2',
    name,
    label: `pm2 app ${name}`,
    state,
    word: process === undefined ? 'without its daemon' : words[state],
    ...(user === undefined ? {} : { user }),
    ...(process === undefined ? { isManagerGone: true as const } : { managerPid: process.pid }),
    home,
    pids: alive,
    instances: Math.max(1, alive.length, [...states.values()].filter(one => one !== 'stopped').length),
    addresses: [],
    logFiles: [],
    lines: own.slice(-maxLinesEach).map(({ program: _program, ...line }): ProgramLine => line),
    words: [],
  };
}

/** The last state of each instance by the log. With a delay between the tries PM2 says nothing of the next one. */
function statesOf(lines: readonly AppLine[], nowMs: number): ReadonlyMap<string, ProgramState> {
  const states = new Map<string, ProgramState>();
  const broughtBack = new Set<string>();
  for (const { instance, kind, asked, timeMs } of lines) {
    // A reload gives the worker that goes another name.
    if (instance.startsWith('_old_')) continue;
    const before = states.get(instance);
    if (kind === 'starting' && (before === 'exited' || before === 'waiting')) broughtBack.add(instance);
    if (kind === 'starting' || kind === 'running' || kind === 'waiting') states.set(instance, kind);
    else if (kind === 'stop-asked') states.set(instance, 'stopped');
    else if (kind === 'ended')
      states.set(instance, asked === true ? 'stopped' : broughtBack.has(instance) && nowMs - timeMs < longestDelayMs ? 'waiting' : 'exited');
    else if (kind === 'gave-up') states.set(instance, 'given-up');
  }
  return states;
}

function isLooping(states: ReadonlyMap<string, ProgramState>): boolean {
  return states.size > 0 && [...states.values()].every(state => state === 'waiting' || state === 'starting');
}

/** The best state that one of the instances has: what is stopped or was deleted says nothing beside one that runs. */
function wholeState(states: readonly ProgramState[]): ProgramState {
  return (['running', 'starting', 'waiting', 'given-up', 'exited'] as const).find(state => states.includes(state)) ?? 'stopped';
}

/** Process ids in the daemon's `pids` folder that are its children now, by file. */
function* livePids(home: string, files: readonly string[], daemon: Pm2Daemon, processes: readonly ProcessInfo[]): Steps<ReadonlyMap<string, number>> {
  const children = new Set(processes.filter(one => one.ppid === daemon.process?.pid && one.state !== 'Z').map(one => one.pid));
  const wanted = files.filter(file => file.endsWith('.pid')).slice(0, maxPidFiles);
  const answers = yield* askAll(wanted.map(file => ({ kind: 'read', path: `${home}/pids/${file}`, options: { limit: 32 } }) as const));
  return new Map(
    wanted.flatMap((file, index) => {
      const pid = wholeNumber(textOf(answers[index])?.trim());
      return pid !== undefined && children.has(pid) ? [[file, pid] as const] : [];
    }),
  );
}

/** Apps that run and of which the end of the log says nothing any more: by their pid files, `NAME-ID.pid`. */
function namesOnlyInFiles(pids: ReadonlyMap<string, number>, lines: readonly AppLine[]): readonly string[] {
  const known = [...new Set(lines.map(line => line.program))];
  return [...new Set([...pids.keys()].filter(file => !known.some(name => isFileOf(file, name))).map(file => file.replace(/-\d{1,6}\.pid$/, '')))];
}

/** PM2 writes a name into a file name with everything but letters, digits, dots and dashes as a dash. */
function fileName(name: string): string {
  return name.replaceAll(/[^a-zA-Z0-9.-]/g, '-');
}

function isFileOf(file: string, name: string): boolean {
  return [name, fileName(name)].some(start => file.startsWith(`${start}-`) && /^\d{1,6}\.pid$/.test(file.slice(start.length + 1)));
}

/** Errors last, so that the last words are those of the error log. */
function logFilesOf(name: string, files: readonly string[]): readonly string[] {
  const of = (kind: 'out' | 'error'): string[] =>
    files.filter(file =>
      [name, fileName(name)].some(start => file.startsWith(`${start}-${kind}`) && /^(?:-\d{1,6})?\.log$/.test(file.slice(start.length + kind.length + 1))),
    );
  return [...of('out').slice(-maxLogsEach / 2), ...of('error').slice(-maxLogsEach / 2)];
}
