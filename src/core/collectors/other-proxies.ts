import { askAll, defineCollector, type Request } from '../model/collector.ts';
import { known, type Known } from '../model/fact.ts';
import type { OtherProxy } from '../model/facts/timeouts.ts';
import type { ProcessInfo } from '../model/facts/system.ts';
import { apachePasses } from '../parsers/apache-proxy.ts';
import { readApacheCommand } from '../parsers/apache-start.ts';
import { recogniseCommand } from '../parsers/backend-command.ts';
import { parseHaproxyConfig } from '../parsers/haproxy-config.ts';
import { resolvePath } from '../parsers/listen-address.ts';
import { readApacheTree } from './apache-files.ts';
import { expandGlobs } from './glob.ts';
import { textOf } from './shared/answers.ts';
import { pidsInContainers } from './shared/containers.ts';

type Steps<T> = Generator<readonly Request[], T, readonly Known<unknown>[]>;
type Unread = { readonly path: string; readonly why: string }[];

const fileLimit = { limit: 1_048_576 } as const;
const mostProxies = 8;
const mostFiles = 300;

/** A running proxy and the words after its program. */
interface Running {
  readonly kind: OtherProxy['kind'];
  readonly process: ProcessInfo;
  readonly args: readonly string[];
}

export default defineCollector({
  id: 'other-proxies',
  title: 'HAProxy and Apache on this host: what they pass on, and how long they wait',
  needs: ['processes'],
  *collect(facts) {
    if (facts.processes.state !== 'known') return facts.processes;
    const found = runningProxies(facts.processes.value);
    const contained = yield* pidsInContainers(found.map(({ process }) => process.pid));
    const problems: string[] = [];
    const proxies: OtherProxy[] = [];
    for (const one of found.filter(({ process }) => !contained.has(process.pid)).slice(0, mostProxies)) {
      const unread: Unread = [];
      const passes = yield* one.kind === 'haproxy' ? haproxy(one, unread) : apache(one, unread);
      for (const file of unread) problems.push(`${file.path}: ${file.why} (run as root to read it)`);
      proxies.push({ kind: one.kind, pid: one.process.pid, passes, unread });
    }
    return known(proxies, problems);
  },
});

/** The oldest process of each: their workers have the same command line. */
function runningProxies(processes: readonly ProcessInfo[]): readonly Running[] {
  const kinds = new Map<number, Running>();
  for (const process of processes) {
    const command = process.state === 'Z' ? undefined : recogniseCommand(process.argv, 'process', process.exe);
    if (command?.service === 'haproxy' || command?.service === 'apache') kinds.set(process.pid, { kind: command.service, process, args: command.args });
  }
  return [...kinds.values()].filter(one => kinds.get(one.process.ppid)?.kind !== one.kind);
}

function* haproxy({ process, args }: Running, unread: Unread): Steps<OtherProxy['passes']> {
  const named = valuesOf(args, '-f').map(path => resolvePath(path, process.cwd));
  const given = named.filter(path => path.startsWith('/')).slice(0, 20);
  // A folder stands for the files in it, in their order.
  const globs = yield* expandGlobs(given.map(path => `${path}/*.cfg`));
  const paths = given.flatMap((path, index) => ((globs[index]?.paths.length ?? 0) > 0 ? (globs[index]?.paths ?? []) : [path])).slice(0, mostFiles);
  const answers = yield* askAll(paths.map(path => ({ kind: 'read', path, options: fileLimit }) as const));
  return paths.flatMap((path, index) => {
    const text = textOf(answers[index]);
    if (text === undefined) unread.push({ path, why: whyOf(answers[index]) });
    return text === undefined ? [] : parseHaproxyConfig(text, path);
  });
}

function* apache({ process }: Running, unread: Unread): Steps<OtherProxy['passes']> {
  const place = { ...(process.exe === undefined ? {} : { exe: process.exe }), ...(process.cwd === undefined ? {} : { folder: process.cwd }) };
  const tree = yield* readApacheTree(readApacheCommand(process.argv, place));
  unread.push(...(tree?.unread ?? []));
  return apachePasses(tree?.proxying ?? []);
}

/** The words behind each `-f`, and what is joined to it. */
function valuesOf(args: readonly string[], option: string): readonly string[] {
  return args.flatMap((arg, index) => {
    if (arg === option) return args[index + 1] ?? [];
    return arg.startsWith(option) && arg.length > option.length ? [arg.slice(option.length)] : [];
  });
}

function whyOf(answer: Known<unknown> | undefined): string {
  return answer === undefined || answer.state === 'known' ? 'it could not be read' : answer.why;
}
