import { probeEvidence, symptomEvidence } from '../../model/evidence.ts';
import { valueOr } from '../../model/fact.ts';
import { failsStill } from '../../model/fails-still.ts';
import { defineFault, ruledOut } from '../../model/fault.ts';
import type { Hop } from '../../model/facts/hop.ts';
import type { Resources } from '../../model/facts/system.ts';
import type { Symptom } from '../../model/facts/topology.ts';
import { symptomsOf } from '../../model/hop-symptoms.ts';
import { localPortsEvidence, localPortsTo, type LocalPorts } from '../../model/local-ports.ts';

/** The kernel looks for a free port in random order and gives up on a nearly full range. */
const nearlyAll = 0.9;
const many = 0.5;

export default defineFault({
  meta: {
    id: 'ephemeral-ports-exhausted',
    layer: 'capacity',
    title: 'No local port is left for connections to the backend',
    explains: ['connect-no-local-port', 'no-live-upstreams', 'probe-failed'],
    requires: ['hops'],
    uses: ['connections', 'resources'],
    leadsTo: ['no-live-upstreams', 'max-fails-amplification', 'retries-hide-failures'],
    messages: {
      full: 'This host has {used} connections to {peer}, {timeWait} of them closed and in TIME-WAIT, and {range}: a further one finds no local port{why}.',
      said: 'nginx found no local port for a connection to {peer}. Now there are {used} connections to it, {timeWait} of them in TIME-WAIT, and {range}.',
      unknown: 'nginx found no local port for a connection to {peer}. How many connections there are could not be read.',
    },
  },
  *detect(facts, { nowMs }) {
    const connections = valueOr(facts.connections, undefined);
    const resources = valueOr(facts.resources, undefined);
    for (const hop of facts.hops) {
      const { peer } = hop;
      const failed = symptomsOf(hop, ['connect-no-local-port']);
      if (failed.length === 0 || peer.address.kind === 'unix' || peer.flags.down) continue;
      const other = otherCause(hop, failed, resources);
      if (other !== undefined) {
        yield ruledOut(other);
        continue;
      }
      const ports = connections === undefined ? undefined : localPortsTo(peer.id, connections, resources);
      const share = ports?.range === undefined ? 0 : ports.used / ports.range.ports;
      const isOngoing = failsStill(failed, share >= nearlyAll, nowMs);
      const refused = hop.probes.find(hasNoPort);
      const explained = [...failed, ...symptomsOf(hop, ['no-live-upstreams', ...(refused === undefined ? [] : (['probe-failed'] as const))])];
      const proof = [...(refused === undefined ? [] : [probeEvidence(refused)]), ...failed.flatMap(symptom => symptomEvidence(symptom, 1))];
      const [first, ...rest] = ports === undefined ? proof : [...localPortsEvidence(ports), ...proof];
      if (first === undefined) continue;
      yield {
        confidence: share >= nearlyAll && isOngoing ? 'confirmed' : share >= many ? 'likely' : 'possible',
        status: isOngoing ? 'active' : 'past',
        subject: hop.subject,
        messageId: ports === undefined ? 'unknown' : share >= nearlyAll ? 'full' : 'said',
        data: {
          peer: peer.id,
          used: ports?.used ?? 0,
          timeWait: ports?.timeWait ?? 0,
          range: ports?.range === undefined ? 'the range of local ports could not be read' : `${ports.range.ports} local ports (${ports.range.text})`,
          why: ports === undefined ? '' : whyText(hop, ports),
        },
        evidence: [first, ...rest],
        symptoms: [...new Set(explained.map(symptom => symptom.id))],
        fixData: { peer: peer.id, ports: ports?.range?.ports ?? 0, range: ports?.range?.text ?? '' },
      };
    }
  },
});

/** The same errno says that an address is not one of this host, or of a family that is switched off. */
function otherCause({ peer }: Hop, failed: readonly Symptom[], resources: Resources | undefined): string | undefined {
  const samples = failed.flatMap(symptom => symptom.errorGroups.flatMap(group => group.samples));
  if (samples.length > 0 && samples.every(sample => sample.message.startsWith('bind(')))
    return `nginx could not bind the address that it was told to connect to ${peer.id} from: it is not one of this host`;
  if (peer.address.kind === 'tcp' && peer.address.host.includes(':')) {
    const isOff = ['net.ipv6.conf.all.disable_ipv6', ...(peer.local ? ['net.ipv6.conf.lo.disable_ipv6'] : [])].find(name => resources?.sysctl[name] === '1');
    if (isOff !== undefined) return `${isOff} = 1 leaves no IPv6 address to connect to ${peer.id} from`;
  }
  return undefined;
}

function hasNoPort({ outcome }: Hop['probes'][number]): boolean {
  return outcome.state === 'connect-failed' && outcome.code === 'EADDRNOTAVAIL';
}

function whyText({ groups }: Hop, { used, timeWait }: LocalPorts): string {
  if (timeWait * 2 < used) return '. Most of them are in use: as many requests are under way';
  const kept = groups.find(group => group.keepalive !== undefined)?.name;
  return kept === undefined
    ? '. nginx keeps no connection to it for the next request, and opens one for each'
    : `. ${kept} has a keepalive, and yet most connections are closed after one request`;
}
