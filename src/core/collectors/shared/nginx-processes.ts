import { askAll, type Request } from '../../model/collector.ts';
import type { Known } from '../../model/fact.ts';
import type { ProcessInfo } from '../../model/facts/system.ts';
import { isNginxBinary, parseNginxArgv, parseNginxCommandLine, parseNginxTitle, type NginxCommand, type NginxRole } from '../../parsers/nginx-argv.ts';
import { parseProcStatus } from '../../parsers/proc-status.ts';
import { linesOf, wordsOf } from '../../parsers/text.ts';
import { textOf } from './answers.ts';
import type { Runner } from './nginx-asking.ts';

type Steps<T> = Generator<readonly Request[], T, readonly Known<unknown>[]>;

/** A master with its workers, one process that is both, or workers that lost their master. */
export interface NginxGroup {
  /** The master; of workers without one, the first worker. */
  readonly main: ProcessInfo;
  readonly hasMaster: boolean;
  readonly command: NginxCommand;
  readonly runner: Runner;
  readonly workers: readonly ProcessInfo[];
  readonly shuttingDown: ReadonlySet<number>;
}

interface Titled {
  readonly process: ProcessInfo;
  readonly role: NginxRole | 'single';
  readonly command: NginxCommand;
}

/** Arguments of processes are kept up to this length. */
const shortenedAt = 512;

/** Programs that run scripts: whatever title they give themselves, they are no nginx. */
const interpreters = /\/(?:perl|python|ruby|node|php|bash|dash|sh|zsh|busybox|gunicorn|sleep)[\d.]*$/u;

/** The nginx processes of this host, each group by its master. Those of containers are left out and told. */
export function* findNginxProcesses(
  processes: readonly ProcessInfo[],
): Steps<{ readonly groups: readonly NginxGroup[]; readonly problems: readonly string[] }> {
  const titled = processes.flatMap(process => titledOf(process) ?? []);
  const mastersOf = new Set(titled.filter(({ role }) => role === 'master').map(({ process }) => process.pid));
  const mains = titled.filter(({ role }) => role === 'master' || role === 'single');
  const isWorker = ({ role }: Titled): boolean => role === 'worker' || role === 'old-worker';
  const orphans = titled.filter(each => isWorker(each) && !mastersOf.has(each.process.ppid));
  const candidates = [...mains, ...firstOfEach(orphans)];
  const texts = yield* askAll(candidates.map(({ process }) => ({ kind: 'read', path: `/proc/${process.pid}/status` }) as const));
  const problems: string[] = [];
  const groups: NginxGroup[] = [];
  candidates.forEach(({ process, role, command }, i) => {
    const text = textOf(texts[i]) ?? '';
    if (isInContainer(text)) {
      problems.push(`nginx process ${process.pid} runs in a container of this host and was left out: diagnose that container.`);
      return;
    }
    if (!command.binary.startsWith('/') && role === 'master')
      problems.push(`The binary of nginx master ${process.pid} could not be read from /proc: run as root to see it.`);
    if ((process.argv[0] ?? '').length >= shortenedAt)
      problems.push(`The command line of nginx master ${process.pid} is longer than badhop keeps: its -c, -p and -g may be cut.`);
    const isOrphan = isWorker({ process, role, command });
    if (isOrphan) problems.push(`nginx worker ${process.pid} runs without a master: nothing answers a reload or starts new workers.`);
    const workers = isOrphan
      ? orphans.filter(other => other.process.exe === process.exe)
      : titled.filter(other => isWorker(other) && other.process.ppid === process.pid);
    const { uid, gids } = parseProcStatus(text);
    const [gid] = gids;
    groups.push({
      main: process,
      hasMaster: !isOrphan,
      command,
      runner: isOrphan || uid === undefined ? {} : { uid, ...(gid === undefined ? {} : { gid }) },
      workers: role === 'single' ? [process] : workers.map(worker => worker.process),
      shuttingDown: new Set(workers.filter(worker => worker.role === 'old-worker').map(worker => worker.process.pid)),
    });
  });
  return { groups, problems };
}

function titledOf(process: ProcessInfo): Titled | undefined {
  const [title = ''] = process.argv;
  if (process.state === 'Z' || (process.exe !== undefined && interpreters.test(process.exe))) return undefined;
  const role = parseNginxTitle(title);
  if (role !== undefined) return { process, role: role.role, command: withBinary(parseNginxCommandLine(role.command), process) };
  // With `master_process off` nginx keeps the argv that it was started with.
  const command = parseNginxArgv(process.argv);
  if (!isNginxBinary(process.exe ?? title) || !isNginxBinary(title) || command.isOneShot) return undefined;
  return { process, role: 'single', command: withBinary(command, process) };
}

/** The kernel's word on the binary counts before the argv, except where only the argv tells the place of a replaced one. */
function withBinary(command: NginxCommand, process: ProcessInfo): NginxCommand {
  const binary = process.exe ?? command.binary;
  return { ...command, binary: binary === '' ? 'nginx' : binary };
}

function firstOfEach(orphans: readonly Titled[]): readonly Titled[] {
  const seen = new Set<string | undefined>();
  return orphans.filter(({ process }) => {
    if (seen.has(process.exe)) return false;
    seen.add(process.exe);
    return true;
  });
}

/** A process of another pid namespace has more than one pid: `NSpid:	4711	12` (proc_pid_status(5)). */
function isInContainer(status: string): boolean {
  for (const line of linesOf(status, 200)) if (line.startsWith('NSpid:')) return wordsOf(line.slice('NSpid:'.length)).length > 1;
  return false;
}
