import { failingClasses, type AccessGroup, type ErrorGroup } from '../model/facts/logs.ts';

const quietLevels: ReadonlySet<string> = new Set(['info', 'notice', 'debug', 'warn']);

/** True for a group of records that has to be explained. */
export function isFailing(group: ErrorGroup): boolean {
  if (quietLevels.has(group.level)) return false;
  // What nginx cannot work out for a request (a variable without an address, a loop of rewrites) is a 500 that it makes itself.
  if (group.class === 'config-error') return group.method !== undefined;
  if (!failingClasses.has(group.class)) return false;
  // A question to a name server that failed; the requests that wait for the answer have records of their own.
  if (group.class === 'resolver-error' && group.method === undefined) return false;
  // Handshakes with clients carry the same texts.
  if (group.class.startsWith('tls-')) return group.peer !== undefined || group.phase?.includes('upstream') === true;
  return true;
}

/** What the group is about: the peer or group that the record names, or the name that could not be resolved. */
export function upstreamOf(group: ErrorGroup): string | undefined {
  if (group.peer !== undefined) return group.peer;
  const message = group.samples[0]?.message ?? '';
  if (group.class === 'host-not-found' || group.class === 'resolver-timeout' || group.class === 'resolver-error') {
    const end = message.indexOf(' could not be resolved');
    return end === -1 ? undefined : message.slice(0, end);
  }
  const asked = message.indexOf('no resolver defined to resolve ');
  return asked === -1 ? undefined : message.slice(asked + 'no resolver defined to resolve '.length);
}

/** The value that nearly all of the groups share, by their counts. */
export function dominant<T extends ErrorGroup | AccessGroup>(groups: readonly T[], pick: (group: T) => string | undefined): string | undefined {
  const counts = new Map<string, number>();
  let total = 0;
  for (const group of groups) {
    total += group.count;
    const value = pick(group);
    if (value !== undefined) counts.set(value, (counts.get(value) ?? 0) + group.count);
  }
  for (const [value, count] of counts) if (count >= total * 0.8) return value;
  return undefined;
}

/** Whether a class of message ends in that status, by how nginx maps its reasons. */
export function endsIn(group: ErrorGroup, status: number): boolean {
  // A handshake that nginx's own timer ends is a 504 as well.
  const handshake = group.class === 'tls-handshake' && group.messageId === 'upstream-timed-out';
  const timeout = handshake || group.class === 'read-timeout' || group.class === 'send-timeout' || group.class === 'connect-timeout';
  if (status === 504) return timeout;
  // The kernel's own give-up of a connect is a 502 under the same number.
  if (status === 502) return !timeout || group.class === 'connect-timeout';
  return status === 500 || status === 503;
}
