import { valueOr } from '../model/fact.ts';
import type { Service, ServiceLoad } from '../model/facts/backend.ts';
import type { Peer } from '../model/facts/topology.ts';
import type { MessageClass } from '../model/facts/logs.ts';
import type { Facts } from '../model/facts.ts';
import { formatAddress } from '../model/host.ts';
import { localPortsTo } from '../model/local-ports.ts';
import type { SizedLimit } from '../model/size-report.ts';
import type { PlanFor } from './judge.ts';

/** A closed connection keeps its local port this long (TIME-WAIT on Linux). */
const timeWaitSeconds = 60;
const nearlyAll = 0.8;
/** As the plan sets it. */
const wantedBacklog = 1024;
const maxPeers = 200;

/** The accept queue of each backend that listens. */
export function backlogLimits(facts: Facts, planFor: PlanFor): readonly SizedLimit[] {
  const loads = new Map(valueOr(facts['service-load'], []).map(load => [load.serviceId, load]));
  return valueOr(facts.services, []).flatMap(service => {
    const load = loads.get(service.id);
    return service.kind === 'other' || load === undefined || load.backlog < 0 || service.listening.length === 0
      ? []
      : [backlogOf(service, load, facts, planFor)];
  });
}

function backlogOf(service: Service, load: ServiceLoad, facts: Facts, planFor: PlanFor): SizedLimit {
  const addresses = service.listening.map(address => formatAddress(address));
  const { backlog } = load;
  const queued = Math.max(0, ...load.queue);
  const refused = errorsAt(facts, 'connect-queue-full', addresses);
  // A listener also counts what it drops for other reasons: only with a queue that ran over does it tell of this one.
  const overflows = valueOr(facts.resources, undefined)?.netCounterGrowth['ListenOverflows'] ?? 0;
  const mayBeFull = overflows > 0 || errorsAt(facts, 'connect-timeout', addresses) > 0;
  const dropped = mayBeFull ? (load.drops?.meanwhile ?? 0) : 0;
  const somaxconn = Number(valueOr(facts.resources, undefined)?.sysctl['net.core.somaxconn'] ?? Number.NaN);
  const isFull = queued >= Math.max(1, backlog);
  const isShort = isFull || refused > 0 || dropped > 0;
  const asked = service.backlog?.value;
  const isCut = Number.isFinite(somaxconn) && asked !== undefined && asked > somaxconn && backlog <= somaxconn;
  const cut = isCut ? `; it asks for ${asked}, and net.core.somaxconn = ${somaxconn} cuts that` : '';
  const why = [
    ...(isFull ? [`the queue was full when it was looked at (${load.queue.join(', ')})`] : []),
    ...(refused > 0 ? [`nginx was turned away ${refused} times`] : []),
    ...(dropped > 0 ? [`the kernel dropped ${dropped} connections meanwhile`] : []),
  ].join(', ');
  return {
    id: 'listen-backlog',
    name: service.name,
    now: backlog,
    source: service.backlog?.source ?? 'listening socket',
    used: queued,
    recommended: isShort ? Math.max(wantedBacklog, backlog) : backlog,
    verdict: isShort && backlog < wantedBacklog ? 'too-small' : 'fits',
    because: isShort
      ? `${why.charAt(0).toUpperCase()}${why.slice(1)}${cut}.${backlog < wantedBacklog ? '' : ' It is long: what is missing is workers, not places to wait.'}`
      : `At most ${queued} of ${backlog} places were taken${cut}.`,
    sums: [`min(${asked ?? backlog} asked for, somaxconn ${Number.isFinite(somaxconn) ? somaxconn : 'not known'}) = ${backlog} places`],
    plans:
      isShort && backlog < wantedBacklog
        ? planFor('accept-queue-overflow', 'confirmed', { service: service.id, backlog, address: addresses[0] ?? service.name })
        : [],
  };
}

/** The local ports towards the peer that takes the most of them, and towards each that comes near the end of the range. */
export function portLimits(facts: Facts, planFor: PlanFor): readonly SizedLimit[] {
  const peers = (valueOr(facts.topology, undefined)?.peers ?? []).filter(peer => peer.address.kind === 'tcp').slice(0, maxPeers);
  const all = peers.flatMap(peer => portsTo(peer, facts, planFor));
  const short = all.filter(one => one.verdict === 'too-small');
  return short.length > 0 ? short : all.toSorted((a, b) => (b.used ?? 0) - (a.used ?? 0)).slice(0, 1);
}

function portsTo(peer: Peer, facts: Facts, planFor: PlanFor): readonly SizedLimit[] {
  const connections = valueOr(facts.connections, undefined);
  if (connections === undefined) return [];
  const { used, timeWait, range } = localPortsTo(peer.id, connections, valueOr(facts.resources, undefined));
  if (range === undefined) return [];
  const refused = errorsAt(facts, 'connect-no-local-port', [peer.id]);
  const rate = valueOr(facts['nginx-access-log'], undefined)?.inWork?.peers.find(one => one.peer === peer.id)?.peakRate;
  const isShort = refused > 0 || used >= range.ports * nearlyAll;
  const plans = isShort ? planFor('ephemeral-ports-exhausted', 'confirmed', { peer: peer.id, ports: range.ports, range: range.text }) : [];
  const wider = plans.find(plan => plan.id === 'allow-more-local-ports')?.steps.find(step => step.kind === 'edit')?.after;
  const [, first, last] = /= (\d+) (\d+)/.exec(wider ?? '') ?? [];
  return [
    {
      id: 'local-ports',
      name: peer.id,
      now: range.ports,
      source: 'file:/proc/sys/net/ipv4/ip_local_port_range',
      used,
      ...(isShort ? (first === undefined || last === undefined ? {} : { recommended: Number(last) - Number(first) + 1 }) : { recommended: range.ports }),
      verdict: isShort ? 'too-small' : 'fits',
      because:
        refused > 0
          ? `nginx found no local port for a connection to it ${refused} times; now ${used} of ${range.ports} are taken.`
          : `${used} of ${range.ports} local ports are taken towards it, ${timeWait} of them by closed connections.`,
      sums: [
        `${range.ports} ports / ${timeWaitSeconds} s in TIME-WAIT = ${Math.floor(range.ports / timeWaitSeconds)} connections a second, where none is kept`,
        ...(rate === undefined ? [] : [`the log shows at most ${Math.round(rate)} requests a second to it`]),
      ],
      plans,
    },
  ];
}

function errorsAt(facts: Facts, what: MessageClass, peers: readonly string[]): number {
  const groups = valueOr(facts['nginx-error-log'], undefined)?.groups ?? [];
  return groups.filter(group => group.class === what && group.peer !== undefined && peers.includes(group.peer)).reduce((sum, group) => sum + group.count, 0);
}
