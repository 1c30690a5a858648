import { askAll, defineCollector, type Request } from '../model/collector.ts';
import { denied, known, unparsable, valueOr, type Known } from '../model/fact.ts';
import type { NginxInstance, NginxWorker } from '../model/facts/nginx.ts';
import { parseNginxArgv, type NginxCommand } from '../parsers/nginx-argv.ts';
import { parseNginxConf } from '../parsers/nginx-conf.ts';
import { underPrefix, type NginxVersion } from '../parsers/nginx-version.ts';
import { parseOpenFilesLimit } from '../parsers/proc-limits.ts';
import { problemText, textOf } from './shared/answers.ts';
import { askVersion, type Runner } from './shared/nginx-asking.ts';
import { findNginxBinaries, findNginxUnits, trustedBinaries, type NginxUnit } from './shared/nginx-installed.ts';
import { findNginxProcesses, type NginxGroup } from './shared/nginx-processes.ts';

type Steps<T> = Generator<readonly Request[], T, readonly Known<unknown>[]>;

/** Workers whose open files are counted; the others are listed without. */
const maxCounted = 128;

const unrecognised = 'and which processes are its nginx could not be read';

export default defineCollector({
  id: 'nginx-instances',
  title: 'nginx: what runs and what is installed',
  needs: ['processes', 'host-identity'],
  *collect(facts) {
    if (facts.processes.state !== 'known') return facts.processes;
    const identity = valueOr(facts['host-identity'], undefined);
    // 65534 is nobody: a user that is not known is taken for one without rights.
    const ownUid = identity?.uid ?? 65_534;
    const { groups, problems: found } = yield* findNginxProcesses(facts.processes.value);
    const problems = [...found];
    const instances: NginxInstance[] = [];
    for (const group of groups) instances.push(yield* runningInstance(group, groups.length === 1, ownUid, problems));
    // Where the processes of others are hidden (hidepid), an nginx that is not seen may run all the same.
    if (!facts.processes.value.some(process => process.pid === 1)) {
      if (instances.length === 0) return denied('the processes of other users are hidden, so it is not known whether nginx runs', 'run as root to see them');
      return known(instances, [...problems, 'The processes of other users are hidden: run as root to see whether more than these nginx run.']);
    }
    const before = problems.length;
    instances.push(...(yield* stoppedInstances(instances, identity?.systemd ?? false, ownUid, problems)));
    const hidden = problems.slice(before).find(problem => problem.endsWith(unrecognised));
    if (instances.length === 0 && hidden !== undefined) return unparsable(hidden);
    return known(instances, problems);
  },
});

function* runningInstance(group: NginxGroup, isOnly: boolean, ownUid: number, problems: string[]): Steps<NginxInstance> {
  const { main, command } = group;
  // The running program of a binary that was replaced can still be asked through /proc.
  const asked = main.exeDeleted === true ? `/proc/${main.pid}/exe` : command.binary;
  const runner = group.hasMaster ? group.runner : yield* runnerOfOrphans(command.binary, ownUid);
  const version = yield* askVersion(asked, runner, ownUid);
  if (version.state !== 'known') problems.push(problemText(`The version and the built-in paths of ${command.binary} are not known`, version));
  const [user] = group.workers;
  return {
    ...describe(command, valueOr(version, undefined), main.cwd),
    id: isOnly ? 'nginx' : `nginx@${main.pid}`,
    running: true,
    ...(group.hasMaster ? { masterPid: main.pid } : {}),
    ...(group.hasMaster && main.startMs > 0 ? { startMs: main.startMs } : {}),
    ...runnerOf(runner),
    ...(user === undefined ? {} : { workerUid: user.uid }),
    ...(user?.user === undefined ? {} : { workerUser: user.user }),
    ...(user?.gids === undefined ? {} : { workerGids: user.gids }),
    workers: yield* readWorkers(group),
    ...(main.unit === undefined ? {} : { unit: main.unit }),
  };
}

/** Workers gave up their rights, and as whom their master ran is not known: a binary that only root can have put there is asked. */
function* runnerOfOrphans(binary: string, ownUid: number): Steps<Runner> {
  const trusted = yield* trustedBinaries([binary], ownUid);
  return trusted.length > 0 ? { uid: ownUid } : {};
}

/** What does not run: units that should, and where nothing runs at all, what is installed. */
function* stoppedInstances(running: readonly NginxInstance[], hasSystemd: boolean, ownUid: number, problems: string[]): Steps<readonly NginxInstance[]> {
  const units = yield* findNginxUnits(hasSystemd);
  const busy = new Set(running.map(instance => instance.unit));
  // A unit that is active runs: its processes are there, and something keeps us from reading them.
  const unseen = units.filter(unit => unit.isActive && !busy.has(unit.name));
  for (const unit of unseen) problems.push(`${unit.name} is active, ${unrecognised}`);
  const wanted = units.filter(unit => unit.isWanted && !unit.isActive && !busy.has(unit.name));
  const candidates: { readonly command: NginxCommand; readonly runner: Runner; readonly unit?: NginxUnit }[] = [];
  // Of units that nobody asked for, one tells where the configuration is.
  for (const unit of wanted.length > 0 || running.length > 0 || unseen.length > 0 ? wanted : units.slice(0, 1))
    candidates.push({ command: unit.command, runner: unit, unit });
  if (candidates.length === 0 && running.length === 0 && unseen.length === 0) {
    for (const binary of yield* findNginxBinaries(ownUid)) candidates.push({ command: parseNginxArgv([binary]), runner: { uid: ownUid } });
  }
  const stopped: NginxInstance[] = [];
  for (const { command, runner, unit } of candidates) {
    const version = yield* askVersion(command.binary, runner, ownUid);
    // A unit may name a binary that is gone: it stays an instance. A file at a usual place that is no nginx does not.
    if (version.state !== 'known' && unit === undefined) continue;
    if (version.state !== 'known') problems.push(problemText(`The version and the built-in paths of ${command.binary} are not known`, version));
    const described = describe(command, valueOr(version, undefined), undefined);
    if ([...running, ...stopped].some(other => other.configPath === described.configPath)) continue;
    stopped.push({
      ...described,
      id: stopped.length === 0 ? 'nginx-installed' : `nginx-installed@${unit?.name ?? command.binary}`,
      running: false,
      ...runnerOf(runner),
      workers: [],
      ...(unit === undefined ? {} : { unit: unit.name }),
    });
  }
  return stopped;
}

type Described = Pick<NginxInstance, 'binary' | 'prefix' | 'configPath' | 'globalDirectives' | 'version' | 'flavour' | 'configureArguments' | 'pidFile'>;

/** The paths in force (ngx_process_options): `-p` before the built-in prefix, `-c` relative to the prefix. */
function describe(command: NginxCommand, version: NginxVersion | undefined, cwd: string | undefined): Described {
  const builtIn = version ?? guessPaths(command.binary);
  const given = command.prefix === undefined ? undefined : underPrefix(command.prefix, cwd ?? '/');
  const prefix = withoutSlash(given ?? builtIn.prefix);
  const globals = command.globals ?? '';
  const pid = parseNginxConf(globals, '-g').directives.findLast(directive => directive.name === 'pid')?.args[0]?.value;
  const pidFile = pid === undefined ? builtIn.pidPath : underPrefix(pid, prefix);
  // What was compiled in relative to the built-in prefix moves with -p.
  const moved = (path: string): string => (given !== undefined && isRelative(builtIn, path) ? `${prefix}${path.slice(builtIn.prefix.length)}` : path);
  return {
    binary: command.binary,
    prefix,
    configPath: command.config === undefined ? moved(builtIn.confPath) : underPrefix(command.config, prefix),
    globalDirectives: globals,
    ...(version?.version === undefined ? {} : { version: version.version }),
    flavour: version?.flavour ?? 'nginx',
    configureArguments: version?.configureArguments ?? '',
    pidFile: pid === undefined ? moved(pidFile) : pidFile,
  };
}

type BuiltIn = Pick<NginxVersion, 'prefix' | 'confPath' | 'pidPath' | 'options'>;

/** A path that was configured relative, as the defaults are, follows -p; one that was configured absolute does not. */
function isRelative(builtIn: BuiltIn, path: string): boolean {
  const configured = [builtIn.options.get('conf-path'), builtIn.options.get('pid-path')];
  return path.startsWith(`${builtIn.prefix}/`) && !configured.includes(path);
}

/** Packages keep `/usr/sbin/nginx` with `/etc/nginx`; whoever compiles gets all of it below one prefix. */
function guessPaths(binary: string): BuiltIn {
  const folder = binary.endsWith('/sbin/nginx') && !binary.startsWith('/usr/sbin/') ? binary.slice(0, -'/sbin/nginx'.length) : '';
  return folder === ''
    ? { prefix: '/etc/nginx', confPath: '/etc/nginx/nginx.conf', pidPath: '/run/nginx.pid', options: new Map() }
    : { prefix: folder, confPath: `${folder}/conf/nginx.conf`, pidPath: `${folder}/logs/nginx.pid`, options: new Map() };
}

function* readWorkers({ workers, shuttingDown }: NginxGroup): Steps<readonly NginxWorker[]> {
  const counted = workers.slice(0, maxCounted);
  const folders = yield* askAll(counted.map(worker => ({ kind: 'list', path: `/proc/${worker.pid}/fd` }) as const));
  const limits = yield* askAll(counted.map(worker => ({ kind: 'read', path: `/proc/${worker.pid}/limits` }) as const));
  return workers.map((worker, i) => {
    const files = folders[i];
    const limit = parseOpenFilesLimit(textOf(limits[i]) ?? '').soft;
    return {
      pid: worker.pid,
      startMs: worker.startMs,
      state: worker.state,
      shuttingDown: shuttingDown.has(worker.pid),
      ...(files?.state === 'known' ? { openFiles: files.value.length } : {}),
      ...(limit === undefined ? {} : { openFilesLimit: limit }),
    };
  });
}

function runnerOf(runner: Runner): Pick<NginxInstance, 'masterUid' | 'masterGid'> {
  return { ...(runner.uid === undefined ? {} : { masterUid: runner.uid }), ...(runner.gid === undefined ? {} : { masterGid: runner.gid }) };
}

function withoutSlash(path: string): string {
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
}
