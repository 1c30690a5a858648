import { listenerEvidence, probeEvidence, processEvidence, symptomEvidence, unitEvidence } from '../../model/evidence.ts';
import { defineFault, ruledOut } from '../../model/fault.ts';
import { statusNow } from '../../model/status-now.ts';
import { symptomsOf } from '../../model/hop-symptoms.ts';
import type { Hop } from '../../model/facts/hop.ts';
import type { PathFile } from '../../model/facts.ts';
import type { Symptom } from '../../model/facts/topology.ts';
import type { Evidence } from '../../model/finding.ts';
import { formatAddress } from '../../model/host.ts';

const explains: readonly Symptom['class'][] = ['connect-no-file', 'no-live-upstreams', 'probe-failed'];
const temporary: readonly string[] = ['/tmp/', '/var/tmp/'];

export default defineFault({
  meta: {
    id: 'socket-missing',
    layer: 'address',
    title: 'The path of the unix socket does not exist',
    explains,
    requires: ['hops', 'socket-files', 'lost-peers'],
    leadsTo: ['backend-down', 'no-live-upstreams', 'max-fails-amplification', 'retries-hide-failures'],
    messages: {
      unlinked:
        '{service} runs and still listens on a socket that was made at {path}, but that file was removed ({gone}): nobody can find the socket any more.',
      elsewhere: '{path} does not exist ({gone}). {service} runs and listens on {real} instead: {because}.',
      configured:
        '{path} does not exist ({gone}). {service} is set up to listen there and still listens on {real}: it was not restarted since its configuration changed.',
      unclaimed:
        '{path} does not exist ({gone}), and nothing that runs or is set up on this host would make it. {service} runs and listens on {real}; whether that is the backend that is meant is not known.',
      unmade: '{path} does not exist ({gone}), although {service} runs and is set up to listen there: it has not made its socket.',
    },
  },
  *detect({ hops, 'socket-files': files, 'lost-peers': lostPeers }) {
    for (const hop of hops) {
      const { address } = hop.peer;
      if (address.kind !== 'unix' || hop.routes.length === 0 || hop.peer.flags.down) continue;
      const file = files.find(one => one.path === address.path);
      const probe = hop.probes.find(one => one.outcome.state === 'connect-failed' && one.outcome.code === 'ENOENT');
      if (file === undefined || file.exists || (probe === undefined && hop.probes.length > 0)) {
        if (file?.exists === true && hop.symptoms.some(symptom => symptom.class === 'connect-no-file' && symptom.ongoing))
          yield ruledOut(`${address.path} is there`);
        continue;
      }
      const symptoms = symptomsOf(hop, explains);
      const seen = [...(probe === undefined ? [] : [probeEvidence(probe)]), ...symptoms.slice(0, 1).flatMap(symptom => symptomEvidence(symptom, 1))];
      const [first, ...rest] = [...seen, ...whatIsThere(file)];
      if (first === undefined) continue;
      const common = {
        confidence: probe === undefined ? 'likely' : 'confirmed',
        status: statusNow(hop, symptoms),
        symptoms: symptoms.map(symptom => symptom.id),
      } as const;
      const gone = missingPart(file);
      const lost = lostPeers.find(one => one.peerId === hop.peer.id);
      const service = hop.service?.name ?? hop.unit?.name ?? 'a process';
      const unit = hop.service?.unit;
      if (hop.peer.listeners.length > 0) {
        // A socket in the private /tmp of a unit has its file there.
        if (hop.unit?.privateTmp === true && temporary.some(folder => address.path.startsWith(folder))) continue;
        yield {
          ...common,
          subject: hop.serviceSubject,
          messageId: 'unlinked',
          data: { path: address.path, service, gone },
          evidence: [first, ...hop.peer.listeners.slice(0, 1).map(listenerEvidence), ...rest, ...processesOf(hop)],
          ...(unit === undefined ? {} : { fixData: { unit, path: address.path } }),
        };
      } else if (lost?.here !== undefined) {
        const { here, certainty } = lost;
        const isSure = certainty === 'sure';
        const real = formatAddress(here.address);
        // Its next restart, for whatever reason, moves it to where nginx asks already.
        const isOwn = here.service?.configuredListen.some(({ value }) => formatAddress(value) === hop.peer.id) === true;
        const restart = isOwn ? here.service.unit : undefined;
        const data = { path: address.path, service: here.service?.name ?? 'a process', gone, real, because: here.signs.join(', ') || 'nothing else fits' };
        yield {
          ...common,
          confidence: isSure && probe !== undefined ? 'confirmed' : 'likely',
          subject: hop.subject,
          messageId: !isSure ? 'unclaimed' : restart === undefined ? 'elsewhere' : 'configured',
          data,
          evidence: [first, ...rest, probeEvidence(here.probe)],
          ...(isSure ? { fixData: { wanted: hop.peer.id, real, written: hop.peer.written, ...(restart === undefined ? {} : { restart }) } } : {}),
        };
      } else if (hop.master !== undefined) {
        yield {
          ...common,
          confidence: 'likely',
          subject: hop.serviceSubject,
          messageId: 'unmade',
          data: { path: address.path, service, gone },
          evidence: [first, ...rest, ...processesOf(hop)],
          ...(unit === undefined ? {} : { fixData: { unit, path: address.path } }),
        };
      } else yield ruledOut(`nothing that runs could have made ${address.path}: its absence is a consequence`);
    }
  },
});

/** The folder that is left of the path, as `ls -ld` shows it. */
function whatIsThere(file: PathFile): Evidence[] {
  const last = file.chain.at(-1);
  return last === undefined ? [] : [{ source: `stat:${file.path}`, text: `${file.why ?? 'no such file'}; ${last.path} is there` }];
}

/** What of the path is missing: the file alone, or a folder above it. */
function missingPart(file: PathFile): string {
  const last = file.chain.at(-1)?.path ?? '/';
  const rest = file.path.slice(last === '/' ? 1 : last.length + 1);
  return rest.includes('/') ? `the folder ${last === '/' ? '' : last}/${rest.slice(0, rest.indexOf('/'))} is gone` : `${last} is there, the file is not`;
}

function processesOf(hop: Hop): Evidence[] {
  return [...(hop.unit === undefined ? [] : [unitEvidence(hop.unit)]), ...(hop.master === undefined ? [] : [processEvidence(hop.master)])];
}
