import { mergeBuckets } from '../../logs/buckets.ts';
import type { BusyTime } from '../../logs/busy-time.ts';
import { ClientCounter } from '../../logs/clients.ts';
import { addSizes } from '../../logs/sizes.ts';
import type { AccessGroup, NginxAccessLog, TemplateSizes, TrafficCount } from '../../model/facts/logs.ts';
import type { AccessCounter, AccessCoverage } from './access-lines.ts';

const maxListed = 200;
const maxGroups = 4000;
const maxRefused = 400;

export interface CountedLog {
  readonly path: string;
  /** The path in the configuration, where that holds variables. */
  readonly writtenAs?: string;
  readonly servers: readonly string[];
  /** How many of the variables that conclusions hang on its format holds. */
  readonly richness: number;
  readonly counter: AccessCounter;
  readonly coverage: AccessCoverage;
}

/**
 * Leaves out a log that holds the same requests as a richer one: a server may write each request to several logs. They are
 * known by the same counts of every status, between the same seconds, from a common server.
 */
export function withoutCopies(logs: readonly CountedLog[]): { readonly kept: readonly CountedLog[]; readonly copies: readonly { path: string; of: string }[] } {
  const kept: CountedLog[] = [];
  const copies: { path: string; of: string }[] = [];
  for (const log of logs.toSorted((a, b) => b.richness - a.richness)) {
    const original = kept.find(one => isCopy(log, one));
    if (original === undefined) kept.push(log);
    else copies.push({ path: log.path, of: original.path });
  }
  return { kept, copies };
}

/** The counts of several logs as one. */
export function mergeLogs(
  logs: readonly CountedLog[],
): Pick<
  NginxAccessLog,
  | 'total'
  | 'byStatus'
  | 'failing'
  | 'refused'
  | 'switched'
  | 'byTemplate'
  | 'byPeer'
  | 'byMethod'
  | 'byServer'
  | 'byClient'
  | 'byNetwork'
  | 'sizes'
  | 'inWork'
  | 'buckets'
> &
  Pick<NginxAccessLog, 'lastMs' | 'lastGoodMs'> {
  const tables = logs.map(log => log.counter.tables());
  const byStatus: Record<string, number> = {};
  for (const table of tables) for (const [status, count] of Object.entries(table.byStatus)) byStatus[status] = (byStatus[status] ?? 0) + count;
  const lastMs = Math.max(...tables.map(table => table.lastMs));
  const lastGoodMs = Math.max(...tables.map(table => table.lastGoodMs));
  const largest = (a: AccessGroup, b: AccessGroup): number => b.count - a.count || a.firstMs - b.firstMs;
  const failing = logs.flatMap(log => log.counter.fold.groups()).sort(largest);
  const refused = logs.flatMap(log => log.counter.refused.groups()).sort(largest);
  const switched = mergeSwitched(logs.map(log => log.counter.switched));
  return {
    total: tables.reduce((sum, table) => sum + table.total, 0),
    byStatus: Object.fromEntries(Object.entries(byStatus).sort(([a], [b]) => a.localeCompare(b))),
    failing: failing.slice(0, maxGroups),
    ...(refused.length === 0 ? {} : { refused: refused.slice(0, maxRefused) }),
    ...(switched.length === 0 ? {} : { switched }),
    byTemplate: mergeCounts(
      logs.map(log => log.counter.templates.list()),
      new Set(refused.map(group => group.urlTemplate)),
    ),
    byPeer: mergeCounts(logs.map(log => log.counter.peers.list())),
    byMethod: mergeCounts(logs.map(log => log.counter.methods.list())),
    byServer: mergeCounts(logs.map(log => log.counter.servers.list())),
    ...clientsOf(logs, failing),
    ...sizesOf(logs, failing),
    ...inWorkOf(logs),
    buckets: { all: mergeBuckets(tables.map(table => table.buckets.all)), failed: mergeBuckets(tables.map(table => table.buckets.failed)) },
    ...(Number.isFinite(lastMs) ? { lastMs } : {}),
    ...(Number.isFinite(lastGoodMs) ? { lastGoodMs } : {}),
  };
}

function isCopy(log: CountedLog, other: CountedLog): boolean {
  // Of the files of one directive each request is in one alone.
  if (log.writtenAs !== undefined && log.writtenAs === other.writtenAs) return false;
  if (!log.servers.some(server => other.servers.includes(server))) return false;
  const [mine, theirs] = [log.counter.tables(), other.counter.tables()];
  if (mine.total === 0 || mine.total !== theirs.total) return false;
  const areNear = Math.abs(log.coverage.firstMs - other.coverage.firstMs) < 1000 && Math.abs(log.coverage.lastMs - other.coverage.lastMs) < 1000;
  return areNear && JSON.stringify(mine.byStatus) === JSON.stringify(theirs.byStatus);
}

/** The clients that failing requests came from, with all that they sent: others are of no interest. */
function clientsOf(logs: readonly CountedLog[], failing: readonly AccessGroup[]): Pick<NginxAccessLog, 'byClient' | 'byNetwork'> {
  const all = new ClientCounter();
  for (const log of logs) all.addAll(log.counter.clients);
  const failed = failing.reduce((sum, group) => sum + group.count, 0);
  const of = (lists: readonly NonNullable<AccessGroup['clients']>[], totalOf: (key: string) => number): readonly TrafficCount[] => {
    const counts = new Map<string, number>();
    for (const { key, count } of lists.flat()) counts.set(key, (counts.get(key) ?? 0) + count);
    const largest = [...counts].sort((a, b) => b[1] - a[1]).slice(0, maxListed);
    const named = largest.map(([key, count]) => ({ key, total: Math.max(count, totalOf(key)), failed: count }));
    const rest = named.reduce((left, one) => ({ total: left.total - one.total, failed: left.failed - one.failed }), { total: all.total, failed });
    return [...named, { key: '(other)', total: Math.max(0, rest.total), failed: Math.max(0, rest.failed) }];
  };
  if (all.total === 0 || failed === 0) return {};
  return {
    byClient: of(
      failing.map(group => group.clients ?? []),
      key => all.ofClient(key),
    ),
    byNetwork: of(
      failing.map(group => group.networks ?? []),
      key => all.ofNetwork(key),
    ),
  };
}

/** Sizes by template, of those where something failed or was cut. */
function sizesOf(logs: readonly CountedLog[], failing: readonly AccessGroup[]): Pick<NginxAccessLog, 'sizes'> {
  const templates = new Set(failing.flatMap(group => (group.sizes === undefined || group.urlTemplate === undefined ? [] : [group.urlTemplate])));
  for (const log of logs) for (const [key] of log.counter.sizes.cut.entries()) templates.add(key);
  const merged = [...templates].slice(0, maxListed).map((key): TemplateSizes => {
    const part = (kind: 'requests' | 'whole' | 'cut'): readonly number[] =>
      logs.reduce<readonly number[]>((sum, log) => addSizes(sum, log.counter.sizes[kind].get(key)), []);
    const [requests, whole, cut] = [part('requests'), part('whole'), part('cut')];
    return { key, ...(requests.length === 0 ? {} : { requests }), ...(whole.length === 0 ? {} : { whole }), ...(cut.length === 0 ? {} : { cut }) };
  });
  return merged.length === 0 ? {} : { sizes: merged };
}

/** Requests at once, by peer; where a log names none, by the servers that write to it. */
function inWorkOf(logs: readonly CountedLog[]): Pick<NginxAccessLog, 'inWork'> {
  const peers = new Map<string, { readonly busy: BusyTime; readonly by: 'upstream' | 'request'; readonly peer: string; readonly servers: readonly string[] }>();
  let clients: BusyTime | undefined;
  for (const { counter, servers } of logs) {
    for (const by of ['upstream', 'request'] as const) {
      for (const [counted, busy] of counter.busy[by]) {
        const peer = counted?.key ?? '';
        const key = `${by} ${peer === '' ? servers.join(' ') : peer}`;
        const known = peers.get(key);
        if (known === undefined) peers.set(key, { busy, by, peer, servers });
        else known.busy.addAll(busy);
      }
    }
    if (clients === undefined) clients = counter.clientTime;
    else clients.addAll(counter.clientTime);
  }
  const ofClients = clients?.peak();
  if (ofClients === undefined || (peers.size === 0 && ofClients.requests === 0)) return {};
  const list = [...peers.values()].map(({ busy, by, peer, servers }) => ({ ...(peer === '' ? {} : { peer }), by, servers, ...busy.peak() }));
  return {
    inWork: {
      peers: list.toSorted((a, b) => b.peak - a.peak).slice(0, maxListed),
      ...(ofClients.requests === 0 ? {} : { clients: ofClients }),
    },
  };
}

function mergeSwitched(maps: readonly AccessCounter['switched'][]): NonNullable<NginxAccessLog['switched']> {
  const merged = new Map<string, number>();
  for (const [key, count] of maps.flatMap(map => [...map])) merged.set(key, (merged.get(key) ?? 0) + count);
  return [...merged]
    .map(([key, total]) => ({ key, total }))
    .sort((a, b) => b.total - a.total)
    .slice(0, maxListed);
}

function mergeCounts(lists: readonly (readonly TrafficCount[])[], kept: ReadonlySet<string | undefined> = new Set()): readonly TrafficCount[] {
  const merged = new Map<string, { total: number; failed: number }>();
  for (const { key, total, failed } of lists.flat()) {
    const one = merged.get(key) ?? { total: 0, failed: 0 };
    merged.set(key, { total: one.total + total, failed: one.failed + failed });
  }
  return [...merged]
    .map(([key, counts]) => ({ key, ...counts }))
    .sort((a, b) => b.failed - a.failed || b.total - a.total)
    .filter(({ key }, index) => index < maxListed || kept.has(key));
}
