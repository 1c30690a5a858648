/** Which messages of error logs tell of which failing requests: by what nginx answers after them, by peer, and by time. */
import type { MessageClass } from '../../model/facts/logs.ts';
import { sumOf } from './grid.ts';
import type { Group } from './groups.ts';

/** Messages belong to the requests where so many of them have a failed request in their bin or the next. */
const leastCoincidence = 0.5;
const mostTries = 16;

/**
 * Statuses that follow a message of the class; a class that is not here goes with any. Source: nginx 1.22.1, seen live: its own
 * timers make 504, a kernel's give-up 502; what is local (descriptors, connections, temporary files) makes 500.
 */
const statusesOf: Readonly<Partial<Record<MessageClass, readonly number[]>>> = {
  'connect-refused': [502],
  'connect-reset': [502],
  'connect-no-file': [502],
  'connect-denied': [502],
  'connect-queue-full': [502],
  'connect-unreachable': [502],
  'connect-no-local-port': [502, 500],
  'connect-timeout': [504, 502],
  'read-timeout': [504],
  'send-timeout': [504],
  reset: [502],
  'premature-close': [502],
  'header-too-big': [502],
  'invalid-header': [502],
  'no-valid-header': [502, 9],
  'protocol-error': [502],
  'no-live-upstreams': [502, 503],
  'host-not-found': [502, 503],
  'resolver-timeout': [502],
  'resolver-missing': [502],
  'resolver-error': [502],
  'tls-wrong-version': [502],
  'tls-handshake': [502, 504],
  'tls-verify': [502],
  'tls-other': [502],
  'too-many-open-files': [500],
  'worker-connections': [500, 502],
  'auth-request': [500],
  'disk-full': [500],
  'temp-file': [500],
  'app-error': [500, 502, 503],
};

/** Messages by the key of the request group they belong to; `own` are those that belong to none. */
export interface Joined {
  readonly byRequests: ReadonlyMap<string, readonly Group[]>;
  readonly own: readonly Group[];
}

export function joinMessages(groups: readonly Group[]): Joined {
  const requests = groups.filter(({ kind }) => kind !== 'messages');
  const byRequests = new Map<string, Group[]>();
  const own: Group[] = [];
  for (const message of groups) {
    if (message.kind !== 'messages') continue;
    let best: Group | undefined;
    let most = leastCoincidence;
    for (const group of requests) {
      if (!mayFollow(message, group)) continue;
      // A saved request has the same messages as one that was not: the latter explains them better.
      const share = coincidence(message.counts, group.counts) * peersAgree(message, group) * (group.kind === 'retries' ? 0.9 : 1);
      if (share > most || (share === most && best === undefined)) [best, most] = [group, share];
    }
    if (best === undefined) own.push(message);
    else byRequests.set(best.key, [...(byRequests.get(best.key) ?? []), message]);
  }
  return { byRequests, own };
}

function mayFollow({ class: kind }: Group, group: Group): boolean {
  if (group.madeBy === 'client' && group.kind === 'requests') return false;
  const isOwn = group.madeBy === 'backend';
  const statuses = kind === undefined ? undefined : statusesOf[kind];
  // An answer that the backend made left no message of the proxy's; its own messages go with it.
  if (isOwn && group.kind === 'requests') return kind === 'app-error' || kind === 'auth-request' || kind === 'worker-died' || kind === 'out-of-memory';
  if (group.kind === 'retries' || statuses === undefined || group.status === undefined) return true;
  return statuses.includes(group.status);
}

/** Of the messages, the share that has a failed request of its own within a bin of it. */
function coincidence(messages: Float64Array, requests: Float64Array): number {
  let [met, all, left, lent] = [0, 0, 0, 0];
  // A request that was tried at several peers leaves as many messages.
  const tries = Math.min(mostTries, Math.max(1, sumOf(messages) / Math.max(1, sumOf(requests))));
  for (let at = 0; at < messages.length; at += 1) {
    const count = messages[at] ?? 0;
    const [now, next] = [(requests[at] ?? 0) * tries - lent, (requests[at + 1] ?? 0) * tries];
    all += count;
    lent = 0;
    if (count === 0) {
      left = now;
      continue;
    }
    const take = Math.min(count, now + left);
    lent = Math.min(next, count - take);
    met += take + lent;
    left = Math.max(0, now - Math.max(0, take - left));
  }
  return all === 0 ? 0 : met / all;
}

/** The share of the messages whose peer is one that the requests name; 1 where one side names none. */
function peersAgree(message: Group, group: Group): number {
  if (message.peers.size === 0 || group.peers.size === 0) return 1;
  let [met, all] = [0, 0];
  for (const [peer, count] of message.peers) {
    all += count;
    if (group.peers.has(peer) || sameGroup(peer, group)) met += count;
  }
  return all === 0 ? 1 : met / all;
}

/** A group's name in one log stands for its peers in the other. */
function sameGroup(peer: string, group: Group): boolean {
  return !peer.includes(':') && [...group.peers.keys()].some(name => name === peer || name.startsWith(`${peer}:`));
}
