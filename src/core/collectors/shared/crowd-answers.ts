import { askAll } from '../../model/collector.ts';
import type { Answer, Request } from '../../model/collector.ts';
import { crowdsOf } from '../../model/crowds.ts';
import type { Crowd } from '../../model/crowds.ts';
import type { ProcessInfo } from '../../model/facts/system.ts';
import type { Known } from '../../model/fact.ts';

/**
 * The answers about each process, by pid. Of a crowd (children of one parent with the same command line, user, control group and program)
 * some are asked about; where `saysOf` makes the same of all their answers, the first of these stands for the others. `undefined` is never the same.
 */
export function* askOfCrowd<R extends Request>(
  processes: readonly ProcessInfo[],
  requestOf: (pid: number) => R,
  saysOf: (answer: Answer<R>) => string | undefined,
): Generator<readonly Request[], ReadonlyMap<number, Answer<R>>, readonly Known<unknown>[]> {
  const crowds = crowdsOfProcesses(processes);
  const answers = new Map<number, Answer<R>>();
  const asking = function* (some: readonly ProcessInfo[]): Generator<readonly Request[], void, readonly Known<unknown>[]> {
    const said = yield* askAll(some.map(({ pid }) => requestOf(pid)));
    for (const [index, answer] of said.entries()) answers.set(some[index]?.pid ?? 0, answer);
  };
  const spared = new Set(crowds.flatMap(({ members }) => members));
  for (const witness of crowds.flatMap(({ witnesses }) => witnesses)) spared.delete(witness);
  yield* asking(processes.filter(process => !spared.has(process)));
  for (const { members, witnesses } of crowds) {
    const said = witnesses.flatMap(({ pid }) => answers.get(pid) ?? []);
    const [first] = said;
    const says = first === undefined ? undefined : saysOf(first);
    if (first === undefined || says === undefined || said.some(one => saysOf(one) !== says)) continue;
    for (const { pid } of members) if (!answers.has(pid)) answers.set(pid, first);
  }
  yield* asking(processes.filter(({ pid }) => !answers.has(pid)));
  return answers;
}

/** Children of one parent with the same command line, user, control group, program and folder. What systemd starts is of many units. */
export function crowdsOfProcesses(processes: readonly ProcessInfo[]): readonly Crowd<ProcessInfo>[] {
  return crowdsOf(processes, kindOf);
}

function kindOf({ ppid, comm, argv, uid, cgroup, exe, cwd }: ProcessInfo): string | undefined {
  return ppid <= 1 || argv.length === 0 ? undefined : JSON.stringify([ppid, comm, argv, uid, cgroup, exe, cwd]);
}
