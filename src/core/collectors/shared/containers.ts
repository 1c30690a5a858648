import { ask, askAll } from '../../model/collector.ts';
import type { Request } from '../../model/collector.ts';
import type { Known } from '../../model/fact.ts';

/**
 * Those of the processes that run in a container: in another pid namespace than badhop. Their paths and addresses
 * mean something else there. Where this user may not look, a process counts as the host's own.
 */
export function* pidsInContainers(pids: readonly number[]): Generator<readonly Request[], ReadonlySet<number>, readonly Known<unknown>[]> {
  if (pids.length === 0) return new Set();
  const [own] = yield* ask({ kind: 'stat', path: '/proc/self/ns/pid' });
  const ours = own.state === 'known' ? own.value.target : undefined;
  if (ours === undefined) return new Set();
  const answers = yield* askAll(pids.map(pid => ({ kind: 'stat', path: `/proc/${pid}/ns/pid` }) as const));
  return new Set(
    pids.filter((_, index) => {
      const answer = answers[index];
      return answer?.state === 'known' && answer.value.target !== undefined && answer.value.target !== ours;
    }),
  );
}
