import type { Request } from '../../model/collector.ts';
import { known, type Known } from '../../model/fact.ts';
import type { NginxInstance } from '../../model/facts/nginx.ts';
import { problemText } from './answers.ts';

/**
 * Asks each instance for one thing. Where no instance can tell, the fact is as unknown as the first of them;
 * where some can, the others become problems.
 */
export function* perInstance<T>(
  instances: Known<readonly NginxInstance[]>,
  what: string,
  read: (instance: NginxInstance) => Generator<readonly Request[], Known<T>, readonly Known<unknown>[]>,
): Generator<readonly Request[], Known<readonly T[]>, readonly Known<unknown>[]> {
  if (instances.state !== 'known') return instances;
  const values: T[] = [];
  const problems: string[] = [];
  let first: Known<never> | undefined;
  for (const instance of instances.value) {
    const answer = yield* read(instance);
    if (answer.state === 'known') {
      values.push(answer.value);
      problems.push(...(answer.problems ?? []));
    } else {
      first ??= answer;
      problems.push(problemText(`${what} of ${instance.id}`, answer));
    }
  }
  return first !== undefined && values.length === 0 ? first : known(values, problems);
}
