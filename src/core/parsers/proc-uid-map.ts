import { wholeNumber, wordsOf } from './text.ts';

const allIds = 4_294_967_295;

/**
 * Whether `/proc/PID/uid_map` (user_namespaces(7)) is that of the machine's own user namespace, where all ids are what they are. In another
 * one, as unprivileged containers have it, root's capabilities do not reach what the machine has set. `undefined` where it is no such map.
 * Sample (Linux 6.18): `         0          0 4294967295`; of an unprivileged container: `         0     100000      65536`.
 */
export function isOwnUserNamespace(text: string): boolean | undefined {
  const [inside, outside, count] = wordsOf(text.slice(0, 200).split('\n')[0] ?? '', 3).map(wholeNumber);
  if (inside === undefined || outside === undefined || count === undefined) return undefined;
  return inside === 0 && outside === 0 && count === allIds;
}
