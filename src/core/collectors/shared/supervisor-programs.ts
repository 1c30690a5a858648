import { ask, askAll } from '../../model/collector.ts';
import type { CollectContext, Request } from '../../model/collector.ts';
import { valueOr } from '../../model/fact.ts';
import type { Known } from '../../model/fact.ts';
import type { Sourced } from '../../model/facts/backend.ts';
import type { ManagedProgram, ProgramLine, ProgramState } from '../../model/facts/managed-program.ts';
import type { ProcessInfo } from '../../model/facts/system.ts';
import type { Address } from '../../model/host.ts';
import { baseName, recogniseCommand, splitWords } from '../../parsers/backend-command.ts';
import { listenOf, readBackendOptions } from '../../parsers/backend-options.ts';
import { redactArguments } from '../../parsers/cmdline.ts';
import { parseListenAddress, resolvePath } from '../../parsers/listen-address.ts';
import type { AppLine } from '../../parsers/pm2-log.ts';
import { parseSupervisordConfig } from '../../parsers/supervisord-config.ts';
import type { ProgramSection, SupervisordConfig } from '../../parsers/supervisord-config.ts';
import { parseSupervisordLog, parseSupervisorStatus } from '../../parsers/supervisord-log.ts';
import type { StatusRow } from '../../parsers/supervisord-log.ts';
import { expandGlobs } from '../glob.ts';
import { textOf } from './answers.ts';
import { readManagerLog, withOwnLogs, withPath } from './program-logs.ts';

type Steps<T> = Generator<readonly Request[], T, readonly Known<unknown>[]>;

export interface Supervisor {
  readonly kind: 'supervisor';
  readonly process: ProcessInfo;
  /** Where its configuration may be, the first that is there. */
  readonly configs: readonly string[];
}

const maxFiles = 60;
const maxPrograms = 60;
const maxLinesEach = 80;
/** supervisord looks once a second whether what has ended is to be started again. */
const restartMs = 5_000;
const fileLimit = { limit: 262_144 } as const;
const words: Readonly<Record<ProgramState, string>> = {
  running: 'RUNNING',
  starting: 'STARTING',
  waiting: 'BACKOFF',
  stopped: 'STOPPED',
  exited: 'EXITED',
  'given-up': 'FATAL',
};

/** A program of the configuration with the file that it stands in. */
interface Found extends ProgramSection {
  readonly path: string;
}

/** supervisord by its own name in the command line, behind Python or not. */
export function findSupervisors(processes: readonly ProcessInfo[]): readonly Supervisor[] {
  return processes.flatMap(process => {
    const at = process.argv.slice(0, 3).findIndex(word => baseName(word) === 'supervisord');
    if (at < 0 || process.state === 'Z') return [];
    return [{ kind: 'supervisor' as const, process, configs: configsOf(process.argv.slice(at + 1), process.cwd) }];
  });
}

function configsOf(args: readonly string[], folder: string | undefined): readonly string[] {
  const at = args.findIndex(word => word === '-c' || word === '--configuration');
  const named = at >= 0 ? args[at + 1] : args.find(word => word.startsWith('--configuration='))?.slice('--configuration='.length);
  if (named !== undefined) return [resolvePath(named, folder)];
  const here = folder === undefined ? [] : [resolvePath('supervisord.conf', folder), resolvePath('etc/supervisord.conf', folder)];
  return [...here, '/etc/supervisord.conf', '/etc/supervisor/supervisord.conf'];
}

/** The programs of one supervisord: by its configuration, its answer where it gives one, and its log. */
export function* readSupervisor(
  manager: Supervisor,
  processes: readonly ProcessInfo[],
  context: CollectContext,
  problems: string[],
): Steps<readonly ManagedProgram[]> {
  const candidates = yield* askAll(manager.configs.map(path => ({ kind: 'read', path, options: fileLimit }) as const));
  const at = candidates.findIndex(answer => answer.state === 'known');
  const path = manager.configs[at];
  const text = textOf(candidates[at]);
  if (path === undefined || text === undefined) {
    const why = candidates.find(answer => answer.state !== 'known' && answer.state !== 'absent') ?? candidates.at(-1);
    problems.push(`The configuration of supervisord: ${why === undefined || why.state === 'known' ? 'not found' : why.why} (run as root to read it)`);
    return [];
  }
  const main = parseSupervisordConfig(text);
  const { programs, groups } = yield* withIncluded(main, path, text, problems);
  const folder = path.slice(0, path.lastIndexOf('/')) || '/';
  const base = manager.process.cwd ?? '/';
  const logFile = resolvePath(expand(main.logFile ?? 'supervisord.log', folder), base);
  const raw = yield* readManagerLog(logFile, "supervisord's log", problems);
  const log = parseSupervisordLog(raw ?? [], { offsetMinutes: context.clock.offsetMinutes, nowMs: context.nowMs });
  const rows = yield* askForStatus(main, path, problems);
  const childFolder = resolvePath(expand(main.childLogFolder ?? '/tmp', folder), base);
  const [childLogs] = yield* ask({ kind: 'list', path: childFolder });
  const result: ManagedProgram[] = [];
  for (const section of programs.slice(0, maxPrograms)) {
    const group = groups.get(section.name);
    const program = programOf(section, group, { manager, path, lines: log.lines, since: log.since, rows, processes, nowMs: context.nowMs });
    if (program === undefined) continue;
    const files = logsOf(section, folder, base, childFolder, valueOr(childLogs, []));
    result.push(yield* withOwnLogs(program, files, context, problems));
  }
  return result;
}

function* withIncluded(
  main: SupervisordConfig,
  path: string,
  text: string,
  problems: string[],
): Steps<{ readonly programs: readonly Found[]; readonly groups: ReadonlyMap<string, string> }> {
  const folder = path.slice(0, path.lastIndexOf('/')) || '/';
  const globs = yield* expandGlobs(main.include.map(pattern => resolvePath(expand(pattern, folder), folder)));
  for (const { unread } of globs)
    for (const one of unread) problems.push(`${withPath(one.path, one.why)} (run as root to read supervisord's configuration there)`);
  const paths = globs.flatMap(glob => glob.paths).slice(0, maxFiles);
  const answers = yield* askAll(paths.map(one => ({ kind: 'read', path: one, options: fileLimit }) as const));
  const configs = [{ path, config: parseSupervisordConfig(text) }];
  for (const [index, one] of paths.entries()) {
    const answer = answers[index];
    if (answer?.state === 'known') configs.push({ path: one, config: parseSupervisordConfig(textOf(answer) ?? '') });
    else if (answer !== undefined && answer.state !== 'absent') problems.push(`${withPath(one, answer.why)} (run as root to read it)`);
  }
  return {
    programs: configs.flatMap(({ path: file, config }) => config.programs.map(section => ({ ...section, path: file }))),
    groups: new Map(configs.flatMap(({ config }) => [...config.groups])),
  };
}

/** Its own answer, over its own socket alone: over the network its address may be anybody's. */
function* askForStatus(main: SupervisordConfig, path: string, problems: string[]): Steps<readonly StatusRow[]> {
  if (main.serverUrl?.startsWith('unix://') !== true) return [];
  const [answer] = yield* ask({ kind: 'exec', argv: ['supervisorctl', '-c', path, 'status'], options: { timeoutMs: 5000, maxBytes: 262_144 } });
  // 3 says that not everything runs.
  if (answer.state === 'known' && (answer.value.code === 0 || answer.value.code === 3)) return parseSupervisorStatus(answer.value.stdout);
  const why = answer.state === 'known' ? (answer.value.stderr || answer.value.stdout).trim().split('\n')[0]?.slice(0, 200) : answer.why;
  problems.push(`supervisorctl status: ${why ?? 'no answer'} (run as root to ask supervisord; its log was read instead)`);
  return [];
}

interface Around {
  readonly manager: Supervisor;
  readonly path: string;
  readonly lines: readonly AppLine[];
  readonly since: number;
  readonly rows: readonly StatusRow[];
  readonly processes: readonly ProcessInfo[];
  readonly nowMs: number;
}

function programOf(section: Found, group: string | undefined, around: Around): ManagedProgram | undefined {
  const { manager, rows } = around;
  const command = section.command === undefined ? [] : splitWords(expand(section.command, around.path.slice(0, around.path.lastIndexOf('/'))));
  const own = around.lines.filter((line, index) => index >= around.since && isOf(section, line, command));
  const told = rows.filter(row => isRowOf(section, group, row));
  const states = told.length > 0 ? told.map(row => row.state) : [...statesOf(own).values()];
  if (states.length === 0) return undefined;
  const last = (['running', 'starting', 'waiting', 'given-up', 'exited'] as const).find(one => states.includes(one)) ?? 'stopped';
  const row = told.find(one => one.state === last);
  const state = last === 'exited' && isAboutToStart(section, own, around.nowMs) ? 'waiting' : last;
  const name = section.many ? `${group ?? section.name}:*` : group === undefined ? section.name : `${group}:${section.name}`;
  const alive = new Set(around.processes.filter(one => one.ppid === manager.process.pid && one.state !== 'Z').map(one => one.pid));
  // A program that is started again and again has another process by the time supervisord answers than when processes were listed.
  const lastOf = new Map(around.lines.map(line => [line.pid, line]));
  const spawned = own.filter(line => lastOf.get(line.pid) === line).map(line => line.pid);
  const pids = new Set([...(told.length > 0 ? told.map(one => one.pid) : lastPids(own).values()), ...spawned]);
  const recognised = recogniseCommand(command, 'unit');
  const isSame = (line: AppLine): boolean => line.kind === 'spawn-failed' || line.program === section.name || section.many;
  return {
    id: `supervisor:${name}`,
    manager: 'supervisor',
    name,
    label: `supervisor program ${group === undefined || section.many ? section.name : name}`,
    state,
    word: row?.word ?? words[state],
    ...(manager.process.user === undefined ? {} : { user: manager.process.user }),
    managerPid: manager.process.pid,
    home: around.path,
    pids: [...pids].filter(pid => pid !== undefined && alive.has(pid)).filter(pid => pid !== undefined),
    instances: Math.max(1, states.filter(one => one !== 'stopped').length),
    ...(recognised === undefined ? {} : { kind: recognised.service }),
    ...(command.length === 0 ? {} : { command: redactArguments(command).join(' ').slice(0, 1000) }),
    addresses: addressesOf(section, command),
    logFiles: [],
    lines: own
      .filter(isSame)
      .slice(-maxLinesEach)
      .map(({ program: _program, ...line }): ProgramLine => line),
    words: [],
    ...(row === undefined ? {} : { told: { source: `exec:supervisorctl -c ${around.path} status`, text: row.text } }),
  };
}

/** The line names the process: the program, or of several one whose name begins so. A failed start names the command alone. */
function isOf(section: ProgramSection, line: AppLine, command: readonly string[]): boolean {
  if (line.kind === 'spawn-failed') return line.text.includes(`'${command[0] ?? ''}'`) || line.text.includes(`'${section.name}'`);
  return line.program === section.name || (section.many && line.program.startsWith(section.name));
}

function isRowOf(section: ProgramSection, group: string | undefined, row: StatusRow): boolean {
  const colon = row.name.lastIndexOf(':');
  const [of, process] = colon < 0 ? [undefined, row.name] : [row.name.slice(0, colon), row.name.slice(colon + 1)];
  if (section.many) return of === (group ?? section.name) && (group === undefined || process.startsWith(section.name));
  return process === section.name && of === group;
}

/** EXITED for the moment: by its settings supervisord starts it again at its next look. What has been EXITED for longer stays so. */
function isAboutToStart({ autorestart }: ProgramSection, lines: readonly AppLine[], nowMs: number): boolean {
  const end = lines.findLast(line => line.kind === 'ended');
  if (end === undefined || end.asked === true || nowMs - end.timeMs >= restartMs) return false;
  const setting = autorestart?.toLowerCase() ?? 'unexpected';
  return setting === 'unexpected' ? end.text.includes('not expected') : /^(?:true|yes|on|1|t|y)$/.test(setting);
}

/** The last state of each process by the log. A process that ended before it counted as running waits for its next start. */
function statesOf(lines: readonly AppLine[]): ReadonlyMap<string, ProgramState> {
  const states = new Map<string, ProgramState>();
  for (const { instance, kind, asked } of lines) {
    if (kind === 'starting' || kind === 'running') states.set(instance, kind);
    else if (kind === 'ended') states.set(instance, asked === true ? 'stopped' : states.get(instance) === 'starting' ? 'waiting' : 'exited');
    else if (kind === 'gave-up') states.set(instance, 'given-up');
  }
  return states;
}

function lastPids(lines: readonly AppLine[]): ReadonlyMap<string, number> {
  return new Map(lines.flatMap(line => (line.pid === undefined ? [] : [[line.instance, line.pid] as const])));
}

function addressesOf(section: Found, command: readonly string[]): readonly Sourced<Address>[] {
  const source = `config:${section.path}:${section.line}`;
  const text = `[program:${section.name}] command=${redactArguments(command).join(' ').slice(0, 400)}`;
  const found: Sourced<Address>[] = [];
  const recognised = recogniseCommand(command, 'unit') ?? { service: 'other' as const, args: command.slice(1), binds: [] };
  const { values } = readBackendOptions(recognised.service, recognised.args, source);
  for (const { address } of listenOf(recognised.service, values, recognised.args, section.directory))
    if (!address.source.startsWith('default of ')) found.push({ ...address, text });
  if (section.port !== undefined) found.push({ value: { kind: 'tcp', host: '*', port: section.port }, source, text: `environment=PORT="${section.port}"` });
  const socket = section.socket === undefined ? undefined : parseListenAddress(section.socket);
  if (socket !== undefined) found.push({ value: socket, source, text: `socket=${section.socket ?? ''}` });
  return found;
}

/** Errors last. `AUTO` and no setting stand for files in the folder of child logs, `NAME-stderr---supervisor-….log`. */
function logsOf(section: ProgramSection, folder: string, base: string, childFolder: string, children: readonly string[]): readonly string[] {
  const of = (kind: 'stdout' | 'stderr', setting: string | undefined): readonly string[] => {
    if (setting !== undefined && setting.toUpperCase() !== 'AUTO') {
      const path = expand(setting, folder).replaceAll('%(program_name)s', section.name);
      return /^(?:NONE|syslog)$/i.test(path) || path.startsWith('/dev/') || path.includes('%(') ? [] : [resolvePath(path, base)];
    }
    return children
      .filter(file => file.startsWith(`${section.name}-${kind}---`) && file.endsWith('.log'))
      .slice(-2)
      .map(file => `${childFolder}/${file}`);
  };
  return [...new Set([...of('stdout', section.stdoutLog), ...of('stderr', section.stderrLog)])];
}

/** `%(here)s` is the folder of the configuration; what else is expanded depends on the process. */
function expand(text: string, folder: string): string {
  return text.replaceAll('%(here)s', folder);
}
