import type { Known } from './fact.ts';
import type { Hop } from './facts/hop.ts';
import type { NginxErrorLog } from './facts/logs.ts';
import type { Symptom, Topology } from './facts/topology.ts';
import { isInTrouble, nextHops } from './next-hops.ts';

/** Who can have answered failing requests of which the access log does not say it. */
export interface WhoAnswered {
  /**
   * `unread`: the error log that would have a line was not read or leaves errors out. `nobody`: no backend comes into question.
   * `one`: a single backend does. `several`: more than one.
   */
  readonly state: 'unread' | 'nobody' | 'one' | 'several';
  readonly hops: readonly Hop[];
  /** A probe of them gets the same status now. */
  readonly isProbed: boolean;
}

export interface AnswerView {
  readonly hops: readonly Hop[];
  readonly topology: Topology;
  readonly errorLog: Known<NginxErrorLog>;
}

/**
 * nginx writes a line to the error log for every 502 and 504 that it makes itself. So where there is none, and the log would
 * have it, a backend answered: one of those that stand behind the server and location of the request.
 */
export function whoAnswered(symptom: Symptom, view: AnswerView): WhoAnswered {
  if (!tellsEverything(symptom, view)) return { state: 'unread', hops: [], isProbed: false };
  const candidates = candidatesFor(symptom, view);
  if (candidates.length === 0) return { state: 'nobody', hops: [], isProbed: false };
  const same = candidates.filter(hop => answersWith(hop, symptom.status));
  const hops = deepest(same.length > 0 ? same : candidates, view);
  const isOne = new Set(hops.map(hop => hop.peer.serviceId ?? hop.peer.id)).size === 1;
  return { state: isOne ? 'one' : 'several', hops, isProbed: same.length > 0 };
}

/** Failing requests of which nothing says who answered. */
export function isLoose(symptom: Symptom): boolean {
  return symptom.class === 'unattributed-5xx' && symptom.upstream === undefined && symptom.madeBy === 'unknown';
}

/** A probe of the peer gets this status. */
export function answersWith(hop: Hop, status: number | undefined): boolean {
  return status !== undefined && hop.probes.some(({ outcome }) => outcome.state === 'answered' && outcome.answer.status === status);
}

/** A line of the error log is missing only where the log was read and has the level on which nginx writes such lines. */
export function tellsEverything(symptom: Symptom, { errorLog, topology }: Pick<AnswerView, 'errorLog' | 'topology'>): boolean {
  if (errorLog.state !== 'known') return false;
  const paths = new Set(symptom.accessGroups.map(group => group.path));
  const servers = topology.servers.filter(server => server.accessLogs.some(one => paths.has(one.path)));
  const unread = new Set(errorLog.value.unread.map(one => one.path));
  const levels = new Set(['debug', 'info', 'notice', 'warn', 'error']);
  const tells = (one: (typeof servers)[number]['errorLogs'][number]): boolean => !unread.has(one.path) && levels.has(one.level) && one.path !== '/dev/null';
  // Which location a line of the access log is from is not known: those that log errors elsewhere have to tell too.
  return servers.every(server => server.errorLogs.some(tells) && (server.locationErrorLogs ?? []).every(tells));
}

/** Peers of the places whose requests stand in the log lines of the symptom: those of the location with the longest match. */
function candidatesFor(symptom: Symptom, view: AnswerView): readonly Hop[] {
  const { hops, topology } = view;
  const ids = new Set<string>();
  for (const group of symptom.accessGroups) {
    const url = group.urlTemplate;
    const servers = topology.servers.filter(
      server => server.accessLogs.some(one => one.path === group.path) && (group.host === undefined || fitsName(server.names, group.host)),
    );
    for (const server of servers) {
      const own = topology.routes.filter(route => route.serverId === server.id);
      const isPattern = (location: string): boolean => location.includes('~');
      const matching =
        url === undefined ? own : own.filter(route => route.samplePath === undefined || url.startsWith(route.samplePath) || isPattern(route.location));
      const longest = Math.max(0, ...matching.map(route => route.samplePath?.length ?? 0));
      for (const route of matching) if (isPattern(route.location) || (route.samplePath?.length ?? 0) === longest) ids.add(route.id);
    }
  }
  // One that refuses connections did not answer; nginx would have said so in the error log.
  const able = hops.filter(
    hop => !hop.peer.flags.down && hop.routes.some(route => ids.has(route.id)) && !hop.symptoms.some(one => one.class === 'probe-failed'),
  );
  const proxies = able.filter(hop => nextHops(hop, hops, topology).hops.some(isInTrouble));
  return proxies.length > 0 ? proxies : able;
}

/** Of proxies that pass on to others of the list, the others. */
function deepest(chosen: readonly Hop[], { hops, topology }: AnswerView): readonly Hop[] {
  const last = chosen.filter(hop => !nextHops(hop, hops, topology).hops.some(next => chosen.includes(next)));
  return last.length > 0 ? last : chosen;
}

function fitsName(names: readonly string[], host: string): boolean {
  return names.length === 0 || names.includes(host) || names.some(name => name === '_' || name === '' || name.startsWith('~') || name.includes('*'));
}
