import { defineFault, ruledOut } from '../../model/fault.ts';
import { eventEvidence, probeEvidence, symptomEvidence, unitEvidence } from '../../model/evidence.ts';
import { valueOr } from '../../model/fact.ts';
import { deathAt, failedAt, isDeath, isTogether, mainDiedAt, namesOfProcesses, namesOfUnit, unitOfRecord } from '../../model/deaths.ts';
import type { BackendEvent, Service } from '../../model/facts/backend.ts';
import type { Hop } from '../../model/facts/hop.ts';
import type { KernelEvent, SystemdUnit } from '../../model/facts/system.ts';
import type { Symptom } from '../../model/facts/topology.ts';
import type { Confidence, Evidence } from '../../model/finding.ts';
import { symptomsOf, unattributedOf } from '../../model/hop-symptoms.ts';
import { endOf, hasEnded, unitBehind } from '../../model/unit-behind.ts';

/** Requests that the killed process was working on. */
const cutOff: readonly Symptom['class'][] = ['premature-close', 'reset', 'connect-reset', 'truncated'];
/** Requests that came while it was away. */
const refused: readonly Symptom['class'][] = ['connect-refused', 'connect-no-file', 'probe-failed', 'no-live-upstreams'];
const SIGKILL = 9;
/** Twice the time within which two records are taken for one. */
const nearMs = 6_000;

/** A kill that has hit this backend, and how sure that is. */
interface Kill {
  readonly timeMs: number;
  readonly confidence: Confidence;
  readonly evidence: readonly [Evidence, ...Evidence[]];
  readonly record?: KernelEvent;
}

/** What else lives on the host and may have been killed instead. */
interface Surroundings {
  readonly hops: readonly Hop[];
  readonly units: readonly SystemdUnit[];
  readonly services: readonly Service[];
  readonly events: readonly BackendEvent[];
}

export default defineFault({
  meta: {
    id: 'backend-oom-killed',
    layer: 'backend',
    title: "The kernel's OOM killer kills the backend",
    explains: [...cutOff, ...refused, 'unattributed-5xx'],
    requires: ['hops', 'symptoms'],
    uses: ['kernel-log', 'systemd-units', 'lost-peers', 'services', 'backend-events'],
    leadsTo: [
      'backend-hung',
      'backend-down',
      'backend-crash-loop',
      'backend-crashing',
      'socket-missing',
      'socket-stale',
      'restart-window',
      'no-live-upstreams',
      'app-returned-5xx',
      'max-fails-amplification',
      'response-truncated',
      'retries-hide-failures',
      'request-specific-crash',
    ],
    messages: {
      works:
        'The OOM killer has killed {what} of {service} {times}, last at {last}, because {scope}{url}. It was replaced each time, and the requests that it worked on failed.',
      down: 'The OOM killer killed {what} of {service} at {last}, because {scope}{url}. Nothing has started it again, and nobody listens on {address}.',
      perhaps:
        '{service} lost a process at {last}, when the OOM killer ended {what}. Another service of this host lost one at that time too, and nothing tells whose it was.',
    },
  },
  *detect(facts, { sinceMs, nowMs }) {
    const units = valueOr(facts['systemd-units'], []);
    const lost = valueOr(facts['lost-peers'], []);
    const around: Surroundings = { hops: facts.hops, units, services: valueOr(facts.services, []), events: valueOr(facts['backend-events'], []) };
    const records = valueOr(facts['kernel-log'], []).filter(event => event.kind === 'oom-kill');
    for (const hop of facts.hops) {
      if (!hop.peer.local || (hop.routes.length === 0 && hop.symptoms.length === 0)) continue;
      const unit = unitBehind(hop, facts.hops, units, lost)?.unit;
      const ended = unit === undefined || !hasEnded(unit) ? undefined : endOf(unit);
      const inTime = (timeMs: number): boolean => timeMs >= sinceMs || (ended !== undefined && isTogether(ended, timeMs));
      // Hundreds of peers may meet hundreds of old records: those far from all that is asked below are passed over.
      const near = records.filter(({ timeMs }) => timeMs >= sinceMs - nearMs || (ended !== undefined && isTogether(ended, timeMs, nearMs)));
      const recorded = near.flatMap(record => killOf(record, hop, unit, around) ?? []);
      const unrecorded = told(hop).filter(kill => !recorded.some(other => isTogether(other.timeMs, kill.timeMs)));
      const kills = [...recorded, ...unrecorded].filter(kill => inTime(kill.timeMs)).toSorted((a, b) => a.timeMs - b.timeMs);
      const last = kills.at(-1);
      const cut = symptomsOf(hop, cutOff).filter(symptom => kills.some(kill => failedAt(symptom, kill.timeMs)));
      if (last === undefined) {
        if (records.length > 0 && symptomsOf(hop, [...cutOff, ...refused]).some(symptom => symptom.ongoing))
          yield ruledOut(`the kernel's records of killed processes do not name the backend at ${hop.peer.id}`);
        continue;
      }
      const isDown = hop.peer.listeners.length === 0 && (ended === undefined || isTogether(ended, last.timeMs));
      const isBack = hop.peer.listeners.length > 0;
      const away =
        isDown || isBack
          ? symptomsOf(hop, refused).filter(
              symptom => symptom.lastMs >= (kills[0]?.timeMs ?? 0) && (isDown || kills.some(kill => failedAt(symptom, kill.timeMs))),
            )
          : [];
      const loose = unattributedOf(hop, facts.symptoms, [502]).filter(symptom => kills.some(kill => failedAt(symptom, kill.timeMs)));
      const explained = [...cut, ...away, ...loose];
      if (explained.length === 0) continue;
      const record = last.record ?? kills.findLast(kill => kill.record !== undefined)?.record;
      const probe = isDown ? hop.probes.find(one => one.outcome.state === 'connect-failed') : undefined;
      const url = cut.find(symptom => symptom.urlTemplate !== undefined)?.urlTemplate;
      const confidence = (['confirmed', 'likely'] as const).find(rank => kills.some(kill => kill.confidence === rank)) ?? 'possible';
      yield {
        confidence,
        status: isDown || explained.some(symptom => symptom.ongoing) || nowMs - last.timeMs < 15_000 ? 'active' : 'past',
        subject: hop.serviceSubject,
        messageId: confidence === 'possible' ? 'perhaps' : isDown ? 'down' : 'works',
        data: {
          what:
            record?.comm === undefined
              ? 'a process'
              : `${record.comm}${record.rssBytes === undefined ? '' : ` (${Math.round(record.rssBytes / 1_048_576)} MiB)`}`,
          service: hop.service?.name ?? unit?.name ?? hop.peer.id,
          times: kills.length === 1 ? 'once' : `${kills.length} times`,
          last: `${new Date(last.timeMs).toISOString().slice(0, 19)}Z`,
          scope: scopeOf(record, unit),
          url: url === undefined ? '' : `, while it worked on ${url}`,
          address: hop.peer.id,
        },
        evidence: [
          ...last.evidence,
          ...(probe === undefined ? [] : [probeEvidence(probe)]),
          ...(unit === undefined || isBack ? [] : [unitEvidence(unit)]),
          ...explained.flatMap(symptom => symptomEvidence(symptom, 1)).slice(0, 2),
        ],
        symptoms: explained.map(symptom => symptom.id),
        fixData: {
          isDown,
          isGroupLimit: isGroupLimit(record),
          workers: hop.workers.length,
          ...(unit === undefined ? {} : { unit: unit.name }),
          ...(record?.rssBytes === undefined ? {} : { rssBytes: record.rssBytes }),
          ...(unit?.memoryMax === undefined ? {} : { memoryMax: unit.memoryMax }),
        },
      };
    }
  },
});

/** A record is of this backend where it names its unit or a process of its own; where name, time and signal fit, it may be. */
function killOf(record: KernelEvent, hop: Hop, unit: SystemdUnit | undefined, around: Surroundings): Kill | undefined {
  const named = unitOfRecord(record, around.units);
  if (named !== undefined && named !== unit?.name) return undefined;
  if (record.elsewhere === true && unit?.result !== 'oom-kill') return undefined;
  const death = deathAt(hop, unit, record.timeMs, SIGKILL);
  const hasName = record.comm !== undefined && namesOfProcesses(hop, unit).has(record.comm);
  const isSeen = symptomsOf(hop, cutOff).some(symptom =>
    symptom.errorGroups.some(group => group.samples.some(sample => isTogether(sample.timeMs, record.timeMs))),
  );
  const isShared = around.hops.some(other => other.service?.id !== hop.service?.id && other.unit !== undefined && other.unit.name === unit?.name);
  const own = death === undefined || death === 'main process' ? [] : [eventEvidence(death)];
  const kill = { timeMs: record.timeMs, record, evidence: [{ source: record.source, text: record.text }, ...own] } as const;
  if (named !== undefined) return death !== undefined || (hasName && !isShared) ? { ...kill, confidence: 'confirmed' } : undefined;
  if (!hasName || (death === undefined && !(isSeen && hop.events.length === 0))) return undefined;
  if (death !== undefined && (unit?.result === 'oom-kill' || isOwnProcess(record, death, unit))) return { ...kill, confidence: 'confirmed' };
  return { ...kill, confidence: isRivalled(record, hop, unit, around) ? 'possible' : 'likely' };
}

/** The kernel counts process ids in its own space: only that they are the same tells something. */
function isOwnProcess(record: KernelEvent, death: BackendEvent | 'main process', unit: SystemdUnit | undefined): boolean {
  if (record.pid === undefined) return false;
  if (death !== 'main process' && death.pid === record.pid) return true;
  return unit?.journal.some(line => line.identifier !== 'systemd' && line.pid === record.pid) === true;
}

/** Whether another service of this host lost a process at that time which the record may mean. */
function isRivalled(record: KernelEvent, hop: Hop, unit: SystemdUnit | undefined, { units, services, events }: Surroundings): boolean {
  const others = services.filter(one => one.id !== hop.service?.id && (unit === undefined || one.unit !== unit.name));
  const kin = new Set(others.filter(one => one.kind === hop.service?.kind || one.kind === 'other' || hop.service === undefined).map(one => one.id));
  if (events.some(event => kin.has(event.serviceId) && isDeath(event, SIGKILL) && isTogether(event.timeMs, record.timeMs))) return true;
  return units.some(
    other => other.name !== unit?.name && mainDiedAt(other, record.timeMs, SIGKILL) && record.comm !== undefined && namesOfUnit(other).has(record.comm),
  );
}

/** systemd counts the kills in a unit's control group; its word stands where the kernel log may not be read. */
function told(hop: Hop): Kill[] {
  return hop.events
    .filter(event => event.kind === 'out-of-memory' && event.text.includes('OOM killer'))
    .map(event => ({ timeMs: event.timeMs, confidence: 'confirmed', evidence: [eventEvidence(event)] }));
}

function isGroupLimit(record: KernelEvent | undefined): boolean {
  return record?.text.includes('CONSTRAINT_MEMCG') === true || record?.text.includes('Memory cgroup out of memory') === true;
}

function scopeOf(record: KernelEvent | undefined, unit: SystemdUnit | undefined): string {
  if (record === undefined || isGroupLimit(record))
    return unit?.memoryMax === undefined
      ? 'its control group had reached its memory limit'
      : `its unit had reached its memory limit of ${Math.round(unit.memoryMax / 1_048_576)} MiB`;
  return 'the host had no memory left';
}
