import type { AccessGroup, ErrorGroup, NginxAccessLog, TimeBuckets, TrafficCount } from '../model/facts/logs.ts';
import type { Symptom, Topology } from '../model/facts/topology.ts';
import { bySize } from './where-size.ts';

/** So many failures must be missing elsewhere, were they spread as the requests are: chance explains less than 1 %. */
const leastMissing = 5;
const nearlyAll = 0.98;
const most = 0.8;
const leastLift = 1.5;

export interface WhereInput {
  readonly access: NginxAccessLog | undefined;
  /** The log's templates by their first folder. */
  readonly segments: readonly TrafficCount[];
  readonly topology: Topology | undefined;
  readonly symptoms: readonly Symptom[];
}

interface Dimension {
  /** All requests of the window by their value. */
  readonly traffic: readonly TrafficCount[];
  readonly ofAccess: (group: AccessGroup) => string | undefined | readonly Counted[];
  readonly ofError: (group: ErrorGroup) => string | undefined;
  readonly words: (value: string) => string;
  /** Requests with other values that had the chance to fail, at most. */
  readonly mostElsewhere?: number;
}

interface Counted {
  readonly key: string;
  readonly count: number;
}

/** Which requests fail where others do not: `only POST /export/{n}`. `undefined` where failures are spread as the requests are. */
export function whereOf(symptom: Symptom, { access, segments, topology, symptoms }: WhereInput): string | undefined {
  const parts = access === undefined || symptom.count === 0 ? [] : inRequests(symptom, access, segments);
  const peer = onPeer(symptom, access, topology, symptoms);
  const said = [...parts, ...(peer === undefined ? [] : [peer])];
  if (said.length === 0) return undefined;
  const word = said.every(part => part.isAll) ? 'only' : 'mostly';
  return `${word} ${said.map(part => part.text).join(', ')}`;
}

interface Part {
  readonly text: string;
  readonly isAll: boolean;
  /** Requests with the same value that did not fail. */
  readonly passed: number;
}

function inRequests(symptom: Symptom, access: NginxAccessLog, segments: readonly TrafficCount[]): readonly Pick<Part, 'text' | 'isAll'>[] {
  const method = over(symptom, {
    traffic: access.byMethod,
    ofAccess: group => group.method,
    ofError: group => group.method,
    words: value => value,
  });
  const path = over(symptom, {
    traffic: access.byTemplate,
    ofAccess: group => group.urlTemplate,
    ofError: group => group.urlTemplate,
    words: value => value,
  });
  const below =
    path ??
    over(symptom, {
      traffic: segments,
      ofAccess: group => segmentOf(group.urlTemplate),
      ofError: group => segmentOf(group.urlTemplate),
      words: value => `below ${value}`,
    });
  const server = over(symptom, {
    traffic: access.byServer,
    ofAccess: group => group.host,
    ofError: () => undefined,
    words: value => `on ${value}`,
  });
  const parts = [method, below].filter(part => part !== undefined);
  const request = parts.length === 0 ? [] : [{ text: parts.map(part => part.text).join(' '), isAll: parts.every(part => part.isAll) }];
  const size = bySize(symptom, access);
  // Where a page never works, those who ask for it are no finding.
  const mayBeClient = [...parts, ...(server === undefined ? [] : [server])].every(part => part.passed >= leastMissing);
  const client = mayBeClient ? byClient(symptom, access) : undefined;
  return [...request, ...[size, server, client].filter(part => part !== undefined)];
}

/** One client, or one network, that most failures go to and most requests do not come from. */
function byClient(symptom: Symptom, access: NginxAccessLog): Part | undefined {
  // In a time in which nothing worked, failures go to who was there.
  const mostElsewhere = passedDuring(symptom, access);
  const dimension = (traffic: readonly TrafficCount[] = [], of: (group: AccessGroup) => readonly Counted[] | undefined): Part | undefined =>
    over(symptom, { traffic, ofAccess: group => of(group) ?? [], ofError: () => undefined, words: value => `from ${value}`, mostElsewhere });
  return dimension(access.byClient, group => group.clients) ?? dimension(access.byNetwork, group => group.networks);
}

/** Requests that did not fail in the intervals in which some did. */
function passedDuring({ buckets }: Symptom, { buckets: { all, failed } }: NginxAccessLog): number {
  const inTime = ({ starts, counts, widthMs }: TimeBuckets): number =>
    starts.reduce((sum, start, index) => {
      const isDuring = buckets?.starts.some(one => one < start + widthMs && start < one + buckets.widthMs) === true;
      return isDuring ? sum + (counts[index] ?? 0) : sum;
    }, 0);
  return Math.max(0, inTime(all) - inTime(failed));
}

/** The value that the failures share, where the requests do not. */
function over(symptom: Symptom, { traffic, ofAccess, ofError, words, mostElsewhere = Number.POSITIVE_INFINITY }: Dimension): Part | undefined {
  const listed = (value: string | undefined | readonly Counted[], count: number): readonly Counted[] =>
    value === undefined ? [] : typeof value === 'string' ? [{ key: value, count }] : value;
  const groups = symptom.accessGroups.length > 0 ? symptom.accessGroups : symptom.errorGroups;
  const counted =
    symptom.accessGroups.length > 0
      ? symptom.accessGroups.flatMap(group => listed(ofAccess(group), group.count))
      : symptom.errorGroups.flatMap(group => listed(ofError(group), group.count));
  const failed = groups.reduce((sum, group) => sum + group.count, 0);
  const byValue = new Map<string, number>();
  for (const { key, count } of counted) byValue.set(key, (byValue.get(key) ?? 0) + count);
  const [value, count] = [...byValue].reduce<readonly [string, number]>((best, each) => (each[1] > best[1] ? each : best), ['', 0]);
  if (failed === 0 || count / failed < most) return undefined;
  const total = traffic.reduce((sum, each) => sum + each.total, 0);
  const own = traffic.find(each => each.key === value);
  if (own === undefined || own.total === 0 || total <= own.total) return undefined;
  // What failed elsewhere for another reason was no chance to fail for this one.
  const passed = traffic.reduce((sum, each) => (each.key === value ? sum : sum + Math.max(0, each.total - each.failed)), 0);
  const elsewhere = Math.min(passed, mostElsewhere);
  const expected = (failed * elsewhere) / Math.max(1, elsewhere + own.total);
  const lift = count / failed / (own.total / (own.total + elsewhere));
  if (expected - (failed - count) < leastMissing || lift < leastLift) return undefined;
  return { text: words(value), isAll: count / failed >= nearlyAll, passed: Math.max(0, own.total - own.failed) };
}

/** `/export/{n}` is below `/export/`. */
function segmentOf(template: string | undefined): string | undefined {
  if (template === undefined || !template.startsWith('/')) return undefined;
  const end = template.indexOf('/', 1);
  return end === -1 ? undefined : template.slice(0, end + 1);
}

/** Requests by the first folder of their path. */
export function bySegment(templates: readonly TrafficCount[]): readonly TrafficCount[] {
  const sums = new Map<string, { key: string; total: number; failed: number }>();
  for (const { key, total, failed } of templates) {
    const segment = segmentOf(key) ?? '';
    const sum = sums.get(segment) ?? { key: segment, total: 0, failed: 0 };
    sums.set(segment, { key: segment, total: sum.total + total, failed: sum.failed + failed });
  }
  return [...sums.values()];
}

/** One server of several in its group, while the others answer. */
function onPeer(symptom: Symptom, access: NginxAccessLog | undefined, topology: Topology | undefined, symptoms: readonly Symptom[]): Part | undefined {
  const peer = topology?.peers.find(one => one.id === symptom.upstream);
  const group = topology?.groups.find(one => peer?.groupIds.includes(one.id) === true && one.peerIds.length > 1);
  if (peer === undefined || group === undefined || topology === undefined) return undefined;
  const others = group.peerIds.flatMap(id => topology.peers.find(one => one.id === id && id !== peer.id && !one.flags.down && !one.flags.backup) ?? []);
  if (others.length === 0 || others.some(other => symptoms.some(each => each.upstream === other.id))) return undefined;
  const answered = others.reduce((sum, other) => sum + answersOf(access, other.id), 0);
  // Without its address in the log, nginx's own turns among the servers tell: ten of one server are some of each other.
  const hasPeers = (access?.byPeer.length ?? 0) > 0;
  if (hasPeers ? answered < leastMissing : symptom.count < 10) return undefined;
  return { text: `${peer.id} of the ${others.length + 1} servers of ${group.name}`, isAll: true, passed: 0 };
}

function answersOf(access: NginxAccessLog | undefined, peer: string): number {
  const counted = access?.byPeer.find(each => each.key === peer);
  return counted === undefined ? 0 : counted.total - counted.failed;
}
