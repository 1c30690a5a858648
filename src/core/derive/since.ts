import type { Change, Since } from '../model/facts/changes.ts';
import type { LogCoverage, NginxAccessLog } from '../model/facts/logs.ts';
import type { Symptom, Topology } from '../model/facts/topology.ts';

/** Further back a change and a failure are more likely to meet by chance than not. */
const longestMs = 600_000;
/** Files that one deployment writes, packages of one run. */
const together: Readonly<Partial<Record<Change['kind'], number>>> = { 'config-file': 2000, certificate: 2000, deploy: 5000, package: 120_000 };
const shortestQuietMs = 5000;
/** What was put there, and what took it up: an edit is not to be lost behind the restarts that followed it. */
const mostSaid = { content: 2, action: 1 } as const;
const mostActions = 2;
const mostNamed = 3;
const restartMs = 30_000;
const maxCommand = 80;
const actions: ReadonlySet<Change['kind']> = new Set(['unit-start', 'unit-stop', 'nginx-reload', 'clock']);

export interface SinceInput {
  readonly symptom: Symptom;
  readonly changes: readonly Change[];
  readonly topology: Topology | undefined;
  readonly access: NginxAccessLog | undefined;
  /** Where the reading of the error logs began. */
  readonly errorCoverage: readonly LogCoverage[];
  readonly sinceMs: number;
}

/** The changes shortly before the first failure, the nearest first. None where it is not known that it worked before. */
export function sinceOf({ symptom, changes, topology, access, errorCoverage, sinceMs }: SinceInput): readonly Since[] {
  if (symptom.count === 0 || access === undefined || !hasBegun(symptom, access, errorCoverage, sinceMs)) return [];
  // Logs have whole seconds: what changed within the second of the first failure came before it as far as they tell.
  const beganMs = symptom.firstMs - waitedMs(symptom);
  const latestMs = beganMs % 1000 === 0 ? beganMs + 999 : beganMs;
  const services = servicesBehind(symptom, topology);
  const near = comparable(changes)
    .filter(({ timeMs, serviceIds }) => timeMs <= latestMs && timeMs >= beganMs - longestMs && concerns(serviceIds, services))
    .toSorted((a, b) => b.timeMs - a.timeMs);
  const groups = groupsOf(withRestarts(near));
  const isAction = (group: readonly Change[]): boolean => group.some(change => actions.has(change.kind));
  const content = groups.filter(group => !isAction(group)).slice(0, mostSaid.content);
  const said = new Set([...content, ...groups.filter(isAction).slice(0, content.length === 0 ? mostActions : mostSaid.action)]);
  return groups.filter(group => said.has(group)).map(group => say(group, beganMs));
}

/** A request that waited in vain is logged at its end: what happened while it waited did not come before it. */
function waitedMs({ class: kind, accessGroups }: Symptom): number {
  if (kind !== 'read-timeout') return 0;
  const seconds = accessGroups.flatMap(group => (group.upstreamTime ?? group.requestTime)?.min ?? []);
  return seconds.length === 0 ? 0 : Math.round(1000 * Math.min(...seconds));
}

/** Where the clock was set, how long before a failure something older happened is not known. Set back, it shows some times twice. */
function comparable(changes: readonly Change[]): readonly Change[] {
  const last = changes
    .filter(change => change.kind === 'clock')
    .toSorted((a, b) => a.timeMs - b.timeMs)
    .at(-1);
  if (last === undefined) return changes;
  const fromMs = last.timeMs - Math.min(0, last.setMs ?? 0);
  return changes.filter(change => change === last || change.timeMs > fromMs);
}

/** A stop and the start after it, in one; the nearest change first. */
function withRestarts(changes: readonly Change[]): readonly Change[] {
  const stops = new Set<Change>();
  const joined = changes.map((change, index) => {
    if (change.kind !== 'unit-start' || change.verb !== 'started') return change;
    const stop = changes.slice(index + 1).find(one => one.subject === change.subject && actions.has(one.kind));
    if (stop?.kind !== 'unit-stop' || change.timeMs - stop.timeMs > restartMs) return change;
    stops.add(stop);
    return { ...change, verb: 'was restarted' };
  });
  return joined.filter(change => !stops.has(change));
}

/** It worked before: requests were answered, and no failure for longer than the failures' own rhythm makes them pause. */
function hasBegun(symptom: Symptom, access: NginxAccessLog, errorCoverage: readonly LogCoverage[], sinceMs: number): boolean {
  const { firstMs, lastMs, count } = symptom;
  const fromMs = Math.max(sinceMs, ...[...access.coverage, ...errorCoverage].map(log => (log.wholeWindow ? sinceMs : (log.firstMs ?? sinceMs))));
  const quietMs = firstMs - fromMs;
  const meanMs = count > 1 ? (lastMs - firstMs) / (count - 1) : 0;
  if (quietMs < Math.max(shortestQuietMs, 3 * meanMs, 1.5 * longestPauseMs(symptom))) return false;
  const firstSeenMs = Math.min(...access.coverage.map(log => log.firstMs ?? Number.POSITIVE_INFINITY));
  // The lines carry whole seconds: a request of the second before is the least that shows it.
  return firstSeenMs < firstMs && answeredBefore(access, firstMs) > 0;
}

function longestPauseMs({ buckets }: Symptom): number {
  if (buckets === undefined) return 0;
  return Math.max(0, ...buckets.starts.slice(1).map((start, index) => start - (buckets.starts[index] ?? start) - buckets.widthMs));
}

/** Requests that did not fail until the interval of the first failure ends. */
function answeredBefore({ buckets }: NginxAccessLog, firstMs: number): number {
  const until = (counts: NginxAccessLog['buckets']['all']): number =>
    counts.starts.reduce((sum, start, index) => (start <= firstMs ? sum + (counts.counts[index] ?? 0) : sum), 0);
  return until(buckets.all) - until(buckets.failed);
}

/** Services behind the symptom's upstream; `undefined` where they are not known. */
function servicesBehind({ upstream }: Symptom, topology: Topology | undefined): ReadonlySet<string> | undefined {
  if (upstream === undefined || topology === undefined) return undefined;
  const groups = new Set(topology.groups.filter(group => group.name === upstream).map(group => group.id));
  const peers = topology.peers.filter(peer => peer.id === upstream || peer.groupIds.some(id => groups.has(id)));
  const ids = peers.flatMap(peer => (peer.serviceId === undefined ? [] : [peer.serviceId]));
  return ids.length === 0 || ids.length < peers.length ? undefined : new Set(ids);
}

function concerns(serviceIds: readonly string[] | undefined, behind: ReadonlySet<string> | undefined): boolean {
  return serviceIds === undefined || behind === undefined || serviceIds.some(id => behind.has(id));
}

/** Changes of a kind that were made in one go, in the order given. */
function groupsOf(changes: readonly Change[]): readonly (readonly Change[])[] {
  const groups: Change[][] = [];
  for (const change of changes) {
    const apartMs = together[change.kind] ?? 0;
    const group = groups.find(each => each[0]?.kind === change.kind && (each.at(-1)?.timeMs ?? 0) - change.timeMs <= apartMs);
    if (group === undefined || apartMs === 0) groups.push([change]);
    else if (!group.some(each => each.subject === change.subject)) group.push(change);
  }
  return groups;
}

function say(group: readonly Change[], firstMs: number): Since {
  // Of several files, one whose difference is known says most.
  const first = group.find(change => change.diff !== undefined) ?? group[0];
  const rest = group.filter(change => change !== first);
  const named = [first, ...rest].slice(0, mostNamed).map(change => change?.subject ?? '');
  const more = group.length - named.length;
  const last = more > 0 ? `${more} more` : named.pop();
  const subjects = named.length === 0 ? (last ?? '') : `${named.join(', ')} and ${last ?? ''}`;
  const alike = rest.every(change => change.verb === first?.verb);
  const verb = group.length === 1 || alike ? (first?.verb ?? '') : first?.kind === 'package' ? 'were installed, upgraded or removed' : 'changed';
  const timeMs = group[0]?.timeMs ?? firstMs;
  const by = first?.by === undefined || rest.some(change => change.by !== first.by) ? '' : ` by ${shortened(first.by)}`;
  return {
    text: `${interval(firstMs - timeMs)} after ${subjects} ${group.length > 1 ? verb.replace(/^was /, 'were ') : verb}${by}`,
    source: first?.source ?? '',
    timeMs,
    ...(first?.diff === undefined ? {} : { diff: first.diff }),
  };
}

/** `12 s`, `4 min`; what is shorter than the logs can tell is `less than 1 s`. */
function interval(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 1) return 'less than 1 s';
  return seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;
}

function shortened(command: string): string {
  return command.length > maxCommand ? `${command.slice(0, maxCommand)}…` : command;
}
