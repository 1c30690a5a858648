import { listenerEvidence, probeEvidence, symptomEvidence, unitEvidence } from '../../model/evidence.ts';
import { defineFault } from '../../model/fault.ts';
import { valueOr } from '../../model/fact.ts';
import { statusNow } from '../../model/status-now.ts';
import { symptomsOf } from '../../model/hop-symptoms.ts';
import type { SystemdUnit } from '../../model/facts/system.ts';
import type { Symptom } from '../../model/facts/topology.ts';
import type { Evidence } from '../../model/finding.ts';

const explains: readonly Symptom['class'][] = ['connect-no-file', 'no-live-upstreams', 'probe-failed'];
const folders: readonly string[] = ['/tmp/', '/var/tmp/'];

export default defineFault({
  meta: {
    id: 'socket-in-private-tmp',
    layer: 'address',
    title: 'The socket lies in the private /tmp of one unit, where nginx cannot see it',
    explains,
    requires: ['hops', 'systemd-units', 'socket-files'],
    uses: ['nginx-instances'],
    leadsTo: ['socket-missing', 'no-live-upstreams', 'max-fails-amplification', 'retries-hide-failures'],
    messages: {
      backend: '{unit} runs with PrivateTmp=yes: the {path} on which it listens lies in a /tmp of its own, and for nginx that path does not exist.',
      nginx: '{unit} runs with PrivateTmp=yes: it has a /tmp of its own, in which {path} does not exist, although the socket is there for everybody else.',
    },
  },
  *detect({ hops, 'systemd-units': units, 'socket-files': files, 'nginx-instances': instances }) {
    const nginx = valueOr(instances, []).flatMap(instance => units.find(unit => unit.name === instance.unit && unit.privateTmp === true) ?? [])[0];
    for (const hop of hops) {
      const { address, listeners } = hop.peer;
      if (address.kind !== 'unix' || hop.routes.length === 0 || listeners.length === 0 || !folders.some(folder => address.path.startsWith(folder))) continue;
      const symptoms = symptomsOf(hop, explains);
      const missed = hop.probes.find(probe => probe.outcome.state === 'connect-failed' && probe.outcome.code === 'ENOENT');
      const reached = hop.probes.find(probe => probe.outcome.state !== 'connect-failed' && probe.outcome.state !== 'not-asked');
      const isThere = files.find(file => file.path === address.path)?.exists;
      const lines = symptoms.slice(0, 1).flatMap(symptom => symptomEvidence(symptom, 1));
      const common = { status: statusNow(hop, symptoms), symptoms: symptoms.map(symptom => symptom.id) } as const;
      if (hop.unit?.privateTmp === true && missed !== undefined && isThere !== true) {
        yield {
          ...common,
          confidence: 'confirmed',
          subject: hop.serviceSubject,
          messageId: 'backend',
          data: { unit: hop.unit.name, path: address.path },
          evidence: [privateTmp(hop.unit), probeEvidence(missed), ...listeners.slice(0, 1).map(listenerEvidence), unitEvidence(hop.unit), ...lines],
          fixData: { unit: hop.unit.name, path: address.path },
        };
      } else if (nginx !== undefined && reached !== undefined && symptoms.some(symptom => symptom.class === 'connect-no-file' && symptom.ongoing)) {
        yield {
          ...common,
          confidence: 'likely',
          subject: hop.subject,
          messageId: 'nginx',
          data: { unit: nginx.name, path: address.path },
          evidence: [privateTmp(nginx), probeEvidence(reached), ...listeners.slice(0, 1).map(listenerEvidence), ...lines],
          fixData: { unit: hop.service?.unit, path: address.path },
        };
      }
    }
  },
});

function privateTmp(unit: SystemdUnit): Evidence {
  return { source: `exec:systemctl show ${unit.name}`, text: 'PrivateTmp=yes' };
}
