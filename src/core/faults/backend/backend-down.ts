import { defineFault, ruledOut } from '../../model/fault.ts';
import { probeEvidence, symptomEvidence, unitEvidence, withoutRepeats } from '../../model/evidence.ts';
import type { Hop } from '../../model/facts/hop.ts';
import type { SystemdUnit } from '../../model/facts/system.ts';
import type { Symptom } from '../../model/facts/topology.ts';
import type { Evidence, Subject } from '../../model/finding.ts';
import { wasAway } from '../../model/absences.ts';
import { valueOr } from '../../model/fact.ts';
import type { Facts } from '../../model/facts.ts';
import { formatAddress } from '../../model/host.ts';
import { closedTo, isLeftOver, isNginx, isSeen, namesWithPort } from '../../model/lost-doubts.ts';
import { listensElsewhere, namespaceName } from '../../model/namespaces.ts';
import { statusNow } from '../../model/status-now.ts';
import { firstFailureMs, symptomsOf, unattributedOf } from '../../model/hop-symptoms.ts';
import { programBehind } from '../../model/program-behind.ts';
import { programFixData } from '../../model/program-commands.ts';
import { hasProgramEnded, programEndMs, programEvidence, programLoop, programWords } from '../../model/program-state.ts';
import { restartLoop } from '../../model/restarts.ts';
import { endOf, hasEnded, unitBehind, type UnitBehind } from '../../model/unit-behind.ts';
import { startTrouble, troubleWords } from '../../model/start-trouble.ts';
import { lastWords, systemdWords } from '../../model/unit-words.ts';
import { comesAndGoes } from '../../model/served.ts';
import { silentListener } from '../../model/silent-listener.ts';

const refusals: readonly Symptom['class'][] = ['connect-refused', 'connect-no-file', 'probe-failed', 'no-live-upstreams'];
/** Requests that were under way when the process ended. */
const cutOff: readonly Symptom['class'][] = ['premature-close', 'reset', 'connect-reset', 'truncated'];
const cutOffMs = 5_000;

export default defineFault({
  meta: {
    id: 'backend-down',
    layer: 'backend',
    title: 'The service behind the upstream is not running',
    explains: [...refusals, ...cutOff, 'unattributed-5xx'],
    requires: ['hops', 'listeners', 'symptoms'],
    uses: [
      'systemd-units',
      'managed-programs',
      'lost-peers',
      'probe-results',
      'nginx-instances',
      'nginx-config',
      'topology',
      'network-namespaces',
      'processes',
      'kernel-log',
      'services',
      'nginx-access-log',
    ],
    leadsTo: [
      'socket-missing',
      'socket-stale',
      'no-live-upstreams',
      'app-returned-5xx',
      'max-fails-amplification',
      'retries-hide-failures',
      'auth-backend-failed',
    ],
    messages: {
      unit: '{unit} is {state}{result}{since}: no process of it runs, and nobody listens on {address}{trouble}.',
      probably: '{unit} is {state}{result}{since}, and nobody listens on {address}. The unit is most probably the one that should: {because}{trouble}.',
      program: '{program} is {state}{since}: {manager} does not run it, and nobody listens on {address}.',
      'program-between':
        '{program} ended{at}, a moment ago, and {manager} is about to start it again. Until it serves nobody listens on {address}; whether it comes back is not known yet.',
      'program-lost':
        'The pm2 daemon of {owner} does not run{since}, and nobody listens on {address}. {program} is most probably the program that should: {because}.',
      'program-probably': '{program} is {state}{since}, and nobody listens on {address}. It is most probably the program that should: {because}.',
      process: 'Nobody listens on {address}, and no process of {service}, which should, is running.',
      gone: 'Nobody listens on {address}, and no process or unit of this host is known that should.',
      flickers:
        'Nobody listens on {address} at this moment, and no process or unit of this host is known that should. Requests were answered well after the first was refused there, maybe by it: it may come and go.',
      unasked:
        'Nobody listens on {address}, and no process or unit of this host is known that should. What listens elsewhere was not asked: the backend may run, and listen there.',
      formerly:
        'Nobody listens on {address}, which no file of the configuration names. One of the names with that port ({names}) may have meant it when nginx asked for it.',
      closed:
        'Nobody listens on {address}, and no process or unit of this host is known that should. {sockets} of other programs did not admit this user: the backend may listen there.',
      hidden:
        'Nobody listens on {address}, and no process or unit of this host is known that should. A process manager runs here whose programs this user may not see: {hidden}.',
      somewhere: 'Nobody listens on {address}, and no service is known that should. {other} answers on {where}, {use}.',
      mute: 'Nobody listens on {address}, and no process or unit of this host is known that should. {other} listens on {where}, which no upstream uses, and may be what is meant: asked there, it did not answer.',
      back: '{service} did not run from {from} to {to} ({length}): {because}. {count} requests failed because nobody listened on {address}. It was started, and answers again.',
      returned:
        '{service} was started at {to}. For at least {length} before that nobody listened on {address}, and {count} requests failed; what ended it is not known.',
      remote: '{address} refuses connections. Either the service on that host does not run, or a rule there rejects them: that host alone can tell.',
    },
  },
  *detect(facts, window) {
    const { hops, symptoms } = facts;
    const units = valueOr(facts['systemd-units'], []);
    const lost = valueOr(facts['lost-peers'], []);
    const services = valueOr(facts.services, []);
    const probes = valueOr(facts['probe-results'], []);
    const hidden = facts['managed-programs'].state === 'known' ? (facts['managed-programs'].problems?.[0] ?? '') : '';
    const namespaces = valueOr(facts['network-namespaces'], undefined);
    const closed = closedTo(probes, hops);
    const around = { hops, listeners: facts.listeners, processes: valueOr(facts.processes, []) };
    for (const hop of hops) {
      const { peer } = hop;
      if (peer.flags.down || (hop.routes.length === 0 && hop.symptoms.length === 0)) continue;
      if (peer.listeners.length > 0) {
        const past = wasAway(hop, symptoms, window);
        if (past !== undefined) yield past;
        else if (hop.symptoms.some(symptom => symptom.class === 'connect-refused' && symptom.ongoing)) yield ruledOut(`something listens on ${peer.id}`);
        continue;
      }
      const proof = refusal(hop);
      if (proof === undefined) continue;
      // What was moved, or written wrongly, shows itself only where others are asked.
      const isAsked = window.probing && hop.probes.some(probe => probe.outcome.state !== 'not-asked');
      const search = lost.find(one => one.peerId === peer.id);
      const likeliest = unitBehind(hop, hops, units, lost);
      const [elsewhere] = listensElsewhere(hop, namespaces, around);
      // In a container for one program, the others are in containers of their own.
      const isInside = namespaces?.inside !== undefined && peer.address.kind === 'tcp';
      const likelyProgram = programBehind(hop, lost);
      const program = likelyProgram?.how === 'likened' && search?.certainty === 'sure' ? undefined : likelyProgram;
      // A name or a time that fits says nothing of a stopped unit where the backend itself was found elsewhere.
      const behind = likeliest?.how === 'likened' && search?.certainty === 'sure' ? undefined : likeliest;
      const end = program !== undefined ? programEndMs(program.program) : behind === undefined ? undefined : endOf(behind.unit);
      const explained = [
        ...symptomsOf(hop, refusals),
        ...symptomsOf(hop, cutOff).filter(symptom => end !== undefined && symptom.firstMs >= end - cutOffMs && symptom.lastMs <= end + cutOffMs),
        ...unattributedOf(hop, symptoms, [502]).filter(symptom => symptom.ongoing),
      ];
      const common = { status: statusNow(hop, explained), symptoms: explained.map(symptom => symptom.id) } as const;
      const address = peer.id;
      if (!peer.local) {
        yield { ...common, confidence: 'possible', subject: hop.subject, messageId: 'remote', data: { address }, evidence: proof };
      } else if (program !== undefined && programLoop(program.program, window, true) !== undefined) {
        yield ruledOut(`${program.program.label} is started again and again`);
      } else if (program !== undefined && hasProgramEnded(program.program)) {
        const { how, because, evidence } = program;
        const { label, manager, word } = program.program;
        const peers = [...new Set([peer.id, ...hops.filter(other => other.program?.id === program.program.id).map(other => other.peer.id)])];
        const [first = proof[0], ...rest] = [...programEvidence(program.program), ...proof];
        yield {
          ...common,
          confidence: how !== 'likened' ? 'confirmed' : isAsked ? 'likely' : 'possible',
          subject: { kind: 'service', id: program.program.id, name: label, peers },
          messageId: program.program.isManagerGone === true ? 'program-lost' : how === 'named' ? 'program' : 'program-probably',
          data: {
            program: label,
            manager,
            owner: program.program.user ?? program.program.home,
            state: word,
            since: sinceText(end),
            address: peers.join(' and '),
            because,
          },
          evidence: [first, ...rest, ...evidence, ...programWords(program.program)],
          fixData: { ...programFixData(program.program), sure: how === 'named' },
        };
      } else if (program?.program.state === 'waiting') {
        const { label, manager } = program.program;
        const [first = proof[0], ...rest] = [...programEvidence(program.program), ...proof];
        yield {
          ...common,
          confidence: program.how === 'likened' ? 'possible' : 'likely',
          subject: { kind: 'service', id: program.program.id, name: label, peers: [peer.id] },
          messageId: 'program-between',
          data: { program: label, manager, at: sinceText(end, 'at'), address },
          evidence: [first, ...rest, ...program.evidence, ...programWords(program.program)],
          fixData: { ...programFixData(program.program), sure: false },
        };
      } else if (behind !== undefined && restartLoop(behind.unit, hop.events, window, true) !== undefined) {
        yield ruledOut(`${behind.unit.name} is started again and again`);
      } else if (behind !== undefined && hasEnded(behind.unit)) {
        const { unit, how } = behind;
        const subject = unitSubject(behind, hop, hops);
        const trouble = startTrouble(unit);
        yield {
          ...common,
          confidence: how !== 'likened' ? 'confirmed' : isAsked ? 'likely' : 'possible',
          subject,
          messageId: how === 'configured' ? 'unit' : 'probably',
          data: {
            unit: unit.name,
            state: unit.activeState === 'deactivating' ? 'being stopped' : unit.activeState,
            result: unit.result === 'success' ? '' : ` (result ${unit.result}${isUnexplainedKill(unit, facts['kernel-log']) ? killWords : ''})`,
            since: sinceText(end),
            address: subject.peers.join(' and '),
            because: behind.because,
            trouble: trouble === undefined ? '' : troubleWords[trouble.kind],
          },
          evidence: withoutRepeats([
            unitEvidence(unit),
            ...proof,
            ...behind.evidence,
            ...(trouble?.evidence ?? []),
            ...lastWords(unit),
            ...systemdWords(unit, saysEnd),
          ]),
          fixData: {
            unit: unit.name,
            masked: unit.loadState === 'masked',
            sure: how === 'configured',
            ...(trouble === undefined ? {} : { trouble: trouble.kind, said: trouble.evidence[0]?.text ?? '' }),
          },
        };
      } else if (behind?.unit.activeState === 'activating') {
        yield ruledOut(`${behind.unit.name} is being started`);
      } else if (hop.service !== undefined) {
        if (hop.service.masterPid !== undefined || hop.workers.length > 0) continue;
        yield {
          ...common,
          confidence: 'confirmed',
          subject: hop.serviceSubject,
          messageId: 'process',
          data: { address, service: hop.service.name },
          evidence: withUnit(proof, behind),
        };
      } else if (elsewhere?.isMeant === true) {
        yield ruledOut(`what is meant by ${address} listens there in ${namespaceName(elsewhere.namespace)}`);
      } else if (isLeftOver(facts, peer.id)) {
        yield ruledOut(`no file of the configuration names ${peer.id} any more: nginx was not reloaded`);
      } else {
        const mute = silentListener(hop, { hops, services, probes });
        const perhaps = { ...common, confidence: 'possible', subject: hop.subject } as const;
        const other = search?.here ?? search?.found.find(one => !one.used && !isNginx(one, valueOr(facts.topology, undefined)));
        if (search?.sibling !== undefined) yield ruledOut(`its backend listens on ${search.sibling}, another address of ${peer.hostName ?? 'the same name'}`);
        else if (search?.certainty === 'sure')
          yield ruledOut(`what should listen on ${address} answers on ${formatAddress(search.here?.address ?? peer.address)}`);
        // Its neighbours run, so what is missing is this one socket.
        else if (peer.address.kind === 'unix' && other?.address.kind === 'unix' && search?.here !== undefined)
          yield ruledOut(`${other.service?.name ?? 'a service'} runs, and nothing is set up to make ${peer.id}`);
        else if (other === undefined && hidden !== '')
          yield { ...common, confidence: 'likely', subject: hop.subject, messageId: 'hidden', data: { address, hidden }, evidence: proof };
        else if (other === undefined && mute !== undefined)
          yield { ...perhaps, messageId: 'mute', data: { address, other: mute.name, where: formatAddress(mute.address) }, evidence: proof };
        // It may be the one that is meant, or a neighbour's container with the same port inside.
        else if (other === undefined && (elsewhere !== undefined || isInside)) yield { ...perhaps, messageId: 'gone', data: { address }, evidence: proof };
        else if (peer.onlyInLog === true && namesWithPort(hop, hops).length > 0)
          yield { ...perhaps, messageId: 'formerly', data: { address, names: namesWithPort(hop, hops).slice(0, 3).join(', ') }, evidence: proof };
        else if (other === undefined && (!isAsked || closed.length > 0))
          yield { ...perhaps, messageId: isAsked ? 'closed' : 'unasked', data: { address, sockets: closed.slice(0, 3).join(', ') }, evidence: proof };
        else if (other === undefined && comesAndGoes(hop, hops, firstFailureMs(explained), facts['nginx-access-log'], window.nowMs))
          yield { ...common, confidence: 'likely', subject: hop.subject, messageId: 'flickers', data: { address }, evidence: proof };
        else if (other === undefined)
          yield { ...common, confidence: isSeen(facts) ? 'confirmed' : 'likely', subject: hop.subject, messageId: 'gone', data: { address }, evidence: proof };
        else
          yield {
            ...perhaps,
            messageId: 'somewhere',
            data: {
              address,
              other: other.service?.name ?? 'Something',
              where: formatAddress(other.address),
              use: other.used ? 'where another route asks' : 'which no upstream uses',
            },
            evidence: [...proof, probeEvidence(other.probe)],
          };
      }
    }
  },
});

const killWords = ' 9, SIGKILL, which the kernel sends for lack of memory; its log, which would tell, is for root';

/** Killed, and whether by the kernel cannot be seen by this user. */
function isUnexplainedKill(unit: SystemdUnit, kernel: Facts['kernel-log']): boolean {
  return unit.result === 'signal' && unit.execMainStatus === 9 && kernel.state === 'denied';
}

function sinceText(endMs: number | undefined, preposition = 'since'): string {
  return endMs === undefined ? '' : ` ${preposition} ${new Date(endMs).toISOString().slice(0, 19)}Z`;
}

/** The direct observation: the probe was refused, or the log says so and nobody listens. */
function refusal(hop: Hop): [Evidence, ...Evidence[]] | undefined {
  const probe = hop.probes.find(one => one.outcome.state === 'connect-failed' && ['ECONNREFUSED', 'ENOENT'].includes(one.outcome.code));
  const answered = hop.probes.some(one => one.outcome.state !== 'connect-failed' && one.outcome.state !== 'not-asked');
  if (answered) return undefined;
  const logged = hop.symptoms
    .filter(
      symptom => (symptom.class === 'connect-refused' || symptom.class === 'connect-no-file') && (probe !== undefined || symptom.ongoing || hop.peer.local),
    )
    // An error log that keeps no errors has no line of it; the access log names the peer at which nobody listens.
    .concat(hop.symptoms.filter(symptom => symptom.class === 'unattributed-5xx' && symptom.status === 502 && symptom.ongoing && hop.peer.local))
    .flatMap(symptom => symptomEvidence(symptom, 1));
  const [first, ...rest] = [...(probe === undefined ? [] : [probeEvidence(probe)]), ...logged];
  return first === undefined || (probe === undefined && hop.routes.length === 0) ? undefined : [first, ...rest];
}

/** The unit with every peer that is lost with it. */
function unitSubject({ unit }: UnitBehind, hop: Hop, hops: readonly Hop[]): Subject {
  const same = hops.filter(other => other === hop || (other.unit?.name === unit.name && other.peer.listeners.length === 0));
  return { kind: 'unit', id: `unit:${unit.name}`, name: unit.name, peers: [...new Set(same.map(other => other.peer.id))] };
}

function withUnit(proof: readonly [Evidence, ...Evidence[]], behind: UnitBehind | undefined): [Evidence, ...Evidence[]] {
  const [first, ...rest] = proof;
  return [first, ...rest, ...(behind === undefined ? [] : [unitEvidence(behind.unit)])];
}

function saysEnd(text: string): boolean {
  return (
    text.startsWith('Stopped ') ||
    text.includes(': Failed with result') ||
    text.includes(': Main process exited') ||
    text.includes(': Deactivated successfully')
  );
}
