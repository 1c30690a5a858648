import { configEvidence, listenerEvidence, probeEvidence, processEvidence, symptomEvidence } from '../../model/evidence.ts';
import { valueOr } from '../../model/fact.ts';
import { defineFault, ruledOut } from '../../model/fault.ts';
import { statusNow } from '../../model/status-now.ts';
import { symptomsOf } from '../../model/hop-symptoms.ts';
import type { Hop } from '../../model/facts/hop.ts';
import type { NetworkNamespaces } from '../../model/facts/network.ts';
import type { ProcessInfo } from '../../model/facts/system.ts';
import type { Symptom } from '../../model/facts/topology.ts';
import type { Evidence } from '../../model/finding.ts';
import { formatAddress } from '../../model/host.ts';
import { deadEnd, listensElsewhere, namespaceName, type ListensElsewhere } from '../../model/namespaces.ts';
import { programBehind } from '../../model/program-behind.ts';
import { hasEnded, unitBehind } from '../../model/unit-behind.ts';

const explains: readonly Symptom['class'][] = [
  'connect-refused',
  'connect-reset',
  'reset',
  'premature-close',
  'probe-failed',
  'no-live-upstreams',
  'server-disabled',
];
const refusals: readonly Symptom['class'][] = ['connect-refused', 'probe-failed', 'no-live-upstreams', 'server-disabled'];

export default defineFault({
  meta: {
    id: 'docker-network-mismatch',
    layer: 'network',
    title: 'The address of the backend means another place where nginx runs',
    explains,
    requires: ['hops', 'network-namespaces'],
    uses: ['listeners', 'processes', 'systemd-units', 'lost-peers'],
    leadsTo: ['backend-down', 'address-mismatch', 'upstream-all-down', 'no-live-upstreams', 'max-fails-amplification', 'retries-hide-failures'],
    messages: {
      elsewhere: 'Nobody listens on {address} in {here}, where nginx is. {who} listens on {listens} in {there}: the same address, and another place{reach}.',
      perhaps:
        'Nobody listens on {address} in {here}, where nginx is, and no process or unit is known that should. {who} listens on {listens} in {there}, and may be the backend that is meant{reach}.',
      inside:
        'nginx runs in a container ({sign}), where {address} is the container itself, and nothing in it listens there or is set up to. A backend in another container or on the host has another address here.',
      published:
        'The published port {address} leads to {target} in {there}, and nobody listens on that there: {inside}. Connections are taken by docker-proxy and closed at once.',
    },
  },
  *detect(facts) {
    const { hops, 'network-namespaces': namespaces } = facts;
    const processes = valueOr(facts.processes, []);
    const around = { hops, processes, listeners: valueOr(facts.listeners, []) };
    const [units, lost] = [valueOr(facts['systemd-units'], []), valueOr(facts['lost-peers'], [])];
    for (const hop of hops) {
      const { peer } = hop;
      if (peer.address.kind !== 'tcp' || peer.flags.down || (hop.routes.length === 0 && hop.symptoms.length === 0)) continue;
      const published = peer.listeners.length > 0 ? publishedDetection(hop, namespaces, processes) : undefined;
      if (published !== undefined) yield published;
      const proof = refusal(hop);
      if (peer.listeners.length > 0 || !peer.local || proof === undefined) continue;
      const symptoms = symptomsOf(hop, refusals);
      const common = { status: statusNow(hop, symptoms), subject: hop.subject, symptoms: symptoms.map(symptom => symptom.id) } as const;
      const [found, ...rivals] = listensElsewhere(hop, namespaces, around);
      const behind = unitBehind(hop, hops, units, lost);
      // What should listen here, and does not run, needs no other explanation.
      const program = programBehind(hop, lost);
      const isProgramAway = program?.how === 'named' && program.program.state !== 'running' && program.program.state !== 'starting';
      const isStopped =
        isProgramAway || (behind !== undefined && behind.how !== 'likened' && hasEnded(behind.unit)) || (hop.service !== undefined && !runs(hop, found));
      if (isStopped) {
        if (found !== undefined)
          yield ruledOut(
            `${(isProgramAway ? program.program.label : behind?.unit.name) ?? hop.service?.name ?? 'its backend'}, which should listen on ${peer.id} where nginx is, does not run`,
          );
        continue;
      }
      if (found !== undefined) {
        const isSure = found.isMeant && !rivals.some(rival => rival.isMeant && rival.namespace?.id !== found.namespace?.id);
        yield {
          ...common,
          confidence: isSure ? 'confirmed' : found.isMeant || rivals.length === 0 ? 'likely' : 'possible',
          messageId: isSure ? 'elsewhere' : 'perhaps',
          data: {
            address: peer.id,
            here: namespaceName(namespaces.others.find(other => other.id === peer.namespace)),
            who: whoOf(found, hop),
            listens: addressOf(found),
            there: namespaceName(found.namespace),
            reach: reachOf(found),
          },
          evidence: [proof, ...evidenceOf(found, hop), ...symptoms.slice(0, 1).flatMap(symptom => symptomEvidence(symptom, 1))],
          fixData: fixDataOf(found, hop, namespaces),
        };
      } else if (namespaces.inside !== undefined && isLoopback(peer.address.host) && hop.service === undefined && behind === undefined) {
        const { sign, path } = namespaces.inside;
        const isAlone = processes.filter(process => process.argv.length > 0 && !isNginxOf(process)).every(process => process.ppid !== 1 && process.pid !== 1);
        yield {
          ...common,
          confidence: isAlone ? 'likely' : 'possible',
          messageId: 'inside',
          data: { address: peer.id, sign },
          evidence: [proof, { source: `file:${path}`, text: sign }, configEvidence(peer.origin, peer.written)],
          fixData: { address: peer.id, port: peer.address.port, kind: 'container' },
        };
      }
    }
  },
});

/** A listener that hands connections into a container in which nobody takes them. */
function publishedDetection(hop: Hop, namespaces: NetworkNamespaces, processes: readonly ProcessInfo[]) {
  const end = deadEnd(hop, namespaces, processes);
  if (end === undefined) return undefined;
  const symptoms = symptomsOf(hop, explains);
  const isClosed = hop.probes.some(({ outcome }) => outcome.state === 'closed' || outcome.state === 'connect-failed');
  if (!isClosed && !symptoms.some(symptom => symptom.ongoing)) return undefined;
  const { target, namespace, proxy, others } = end;
  return {
    confidence: 'confirmed',
    status: statusNow(hop, symptoms),
    subject: hop.subject,
    symptoms: symptoms.map(symptom => symptom.id),
    messageId: 'published',
    data: { address: hop.peer.id, target, there: namespaceName(namespace), inside: others.map(listener => addressOf({ listener })).join(', ') },
    evidence: [processEvidence(proxy), ...others.slice(0, 3).map(listenerEvidence), ...symptoms.slice(0, 1).flatMap(symptom => symptomEvidence(symptom, 1))],
    fixData: { address: hop.peer.id, port: others[0]?.port ?? 0, kind: 'published', target },
  } as const;
}

function refusal(hop: Hop): Evidence | undefined {
  const probe = hop.probes.find(({ outcome }) => outcome.state === 'connect-failed' && outcome.code === 'ECONNREFUSED');
  if (probe !== undefined) return probeEvidence(probe);
  if (hop.probes.some(({ outcome }) => outcome.state !== 'not-asked')) return undefined;
  const logged = hop.symptoms.find(symptom => symptom.class === 'connect-refused');
  return logged === undefined ? undefined : symptomEvidence(logged, 1)[0];
}

/** The peer's own service runs, and it is the one that listens in the other place. */
function runs(hop: Hop, found: ListensElsewhere | undefined): boolean {
  const { service } = hop;
  if (service === undefined) return false;
  if (found?.isMeant === true) return true;
  return service.masterPid !== undefined || service.workerPids.length > 0;
}

function whoOf({ processes, listener, isMeant }: ListensElsewhere, { service }: Hop): string {
  const [process] = processes;
  if (process === undefined && isMeant && service !== undefined) return service.name;
  if (process === undefined) return listener.pids.length === 0 ? 'A process' : `Process ${listener.pids.join(', ')}`;
  return `${process.unit === undefined ? process.comm : `${process.comm} of ${process.unit}`} (pid ${process.pid})`;
}

function addressOf({ listener }: Pick<ListensElsewhere, 'listener'>): string {
  return formatAddress({ kind: 'tcp', host: listener.host, port: listener.port });
}

/** How nginx could reach it as it is, where that is known. */
function reachOf({ namespace, listener }: ListensElsewhere): string {
  const [address] = namespace?.addresses ?? [];
  if (isLoopback(listener.host)) return '; it listens on the loopback there, which no other place reaches';
  return address === undefined ? '' : `; that place has the address ${address}`;
}

function evidenceOf(found: ListensElsewhere, hop: Hop): Evidence[] {
  const { namespace, listener, processes } = found;
  const source = namespace === undefined ? 'listeners' : `proc:${namespace.pids[0] ?? ''} net/tcp`;
  return [
    { source, text: `LISTEN ${addressOf(found)} pids ${listener.pids.join(',') || '?'} in ${namespace?.id ?? 'the namespace of badhop'}` },
    ...processes.slice(0, 1).map(processEvidence),
    ...(hop.peer.namespace === undefined ? [] : [{ source: 'proc:nginx ns/net', text: hop.peer.namespace }]),
    ...(hop.peer.origin.line > 0 ? [configEvidence(hop.peer.origin, hop.peer.written)] : []),
  ];
}

function fixDataOf({ namespace, listener, processes }: ListensElsewhere, hop: Hop, namespaces: NetworkNamespaces): Readonly<Record<string, unknown>> {
  const unit = processes[0]?.unit;
  const mine = namespaces.others.find(other => other.id === hop.peer.namespace);
  return {
    address: hop.peer.id,
    port: listener.port,
    kind: namespace?.container !== undefined || mine?.container !== undefined ? 'container' : 'namespace',
    ...(namespace?.container === undefined
      ? {}
      : { container: namespace.container.name, engine: namespace.container.engine, networks: namespace.container.networks }),
    ...(namespace?.addresses[0] === undefined ? {} : { reach: namespace.addresses[0] }),
    ...(namespace === undefined || unit === undefined ? {} : { unit }),
    ...(namespace === undefined && hop.peer.namespace !== undefined ? { isNginxApart: true } : {}),
    isLoopback: isLoopback(listener.host),
  };
}

function isLoopback(host: string): boolean {
  return host.startsWith('127.') || host === '::1';
}

function isNginxOf(process: ProcessInfo): boolean {
  return process.comm === 'nginx' || process.argv[0]?.startsWith('nginx:') === true;
}
