/**
 * What iproute2 (6.1.0) prints of one address. Samples:
 *
 *   203.0.113.5 via 192.0.2.1 dev eth0 src 192.0.2.11 uid 0
 *       cache
 *   RTNETLINK answers: Network is unreachable
 *   192.0.2.55 dev eth0 FAILED
 *   3: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP mode DEFAULT group default qlen 1000
 */
import type { Neighbour, NetworkPath } from '../model/facts/network.ts';
import { linesOf, wholeNumber, wordsOf } from './text.ts';

type Route = Pick<NetworkPath, 'route' | 'routeText' | 'dev' | 'via' | 'source'>;

const states: ReadonlySet<string> = new Set(['REACHABLE', 'STALE', 'DELAY', 'PROBE', 'FAILED', 'INCOMPLETE', 'PERMANENT', 'NOARP', 'NONE']);

/** `ip route get ADDRESS`, stdout and stderr together. */
export function parseIpRouteGet(text: string): Route {
  const line = firstLine(text);
  const routeText = line.slice(0, 500);
  if (line.startsWith('RTNETLINK answers:')) return { route: line.endsWith('Network is unreachable') ? 'none' : 'blocked', routeText };
  const words = wordsOf(line);
  const [dev, via, source] = ['dev', 'via', 'src'].map(name => wordAfter(words, name));
  if (['unreachable', 'blackhole', 'prohibit'].includes(words[0] ?? '')) return { route: 'blocked', routeText };
  if (dev === undefined) return { route: 'unknown', routeText };
  return { route: 'found', routeText, dev, ...(via === undefined ? {} : { via }), ...(source === undefined ? {} : { source }) };
}

/** `ip neigh show ADDRESS`: undefined where the table has no entry. */
export function parseIpNeighbour(text: string): Neighbour | undefined {
  const line = firstLine(text);
  const words = wordsOf(line);
  const state = words.findLast(word => states.has(word));
  const address = words[0];
  return state === undefined || address === undefined ? undefined : { address, state, text: line.slice(0, 300) };
}

/** `ip -o link show dev NAME`: up, and something at the other end of the cable. */
export function parseIpLink(text: string): NetworkPath['link'] {
  const line = firstLine(text);
  const open = line.indexOf('<');
  const close = line.indexOf('>', open);
  if (open === -1 || close === -1) return undefined;
  const flags = line.slice(open + 1, close).split(',');
  return { up: flags.includes('UP') && !flags.includes('NO-CARRIER'), text: line.slice(0, 200) };
}

/** The MTU in `ip route get` or `ip -o link show`; one with `expires` is what a router said, and the kernel forgets it. */
export function parseIpMtu(text: string): { readonly mtu?: number; readonly dev?: string; readonly isCached: boolean; readonly text: string } {
  // The cached part of a route stands on a line of its own.
  const joined = [...linesOf(text, 3)]
    .map(line => line.trim())
    .join(' ')
    .slice(0, 500);
  const words = wordsOf(joined);
  const dev = wordAfter(words, 'dev');
  const value = wordAfter(words, 'mtu') === 'lock' ? wordAfter(words, 'lock') : wordAfter(words, 'mtu');
  const mtu = wholeNumber(value);
  const isCached = words.includes('cache') && words.some(word => word === 'expires');
  return { ...(mtu === undefined || mtu <= 0 ? {} : { mtu }), ...(dev === undefined ? {} : { dev }), isCached, text: joined.trim().slice(0, 200) };
}

function wordAfter(words: readonly string[], name: string): string | undefined {
  const at = words.indexOf(name);
  return at === -1 ? undefined : words[at + 1];
}

function firstLine(text: string): string {
  const end = text.indexOf('\n');
  return (end === -1 ? text : text.slice(0, end)).slice(0, 2000).trim();
}
