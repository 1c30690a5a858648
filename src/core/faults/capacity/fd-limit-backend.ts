import { eventEvidence, symptomEvidence } from '../../model/evidence.ts';
import { valueOr } from '../../model/fact.ts';
import { failsStill } from '../../model/fails-still.ts';
import { defineFault, ruledOut } from '../../model/fault.ts';
import type { ProcessDetail } from '../../model/facts/system.ts';
import type { Symptom } from '../../model/facts/topology.ts';
import { symptomsOf, unattributedOf } from '../../model/hop-symptoms.ts';

/** What becomes of a request whose connection or file cannot be opened. */
const ends: readonly Symptom['class'][] = [
  'premature-close',
  'reset',
  'truncated',
  'read-timeout',
  'connect-timeout',
  'connect-queue-full',
  'connect-reset',
  'backend-answered-5xx',
  'no-live-upstreams',
  'probe-failed',
];
/** At the limit, less what is closed again when a request has failed. */
const nearlyFull = 0.95;
const spare = 2;
const nearMs = 15_000;

export default defineFault({
  meta: {
    id: 'fd-limit-backend',
    layer: 'capacity',
    title: 'The backend may open no more files',
    explains: [...ends, 'unattributed-5xx'],
    requires: ['hops', 'symptoms'],
    uses: ['process-details'],
    leadsTo: [
      'backend-crashing',
      'backend-crash-loop',
      'backend-hung',
      'app-returned-5xx',
      'app-dependency-down',
      'accept-queue-overflow',
      'no-live-upstreams',
    ],
    messages: {
      full: 'Process {pid} of {service} has {open} files open and may have {limit}: each connection is one, and so is each file that it reads.',
      said: '{service} could open no more files when requests to it failed{now}.',
    },
  },
  *detect(facts, { sinceMs, nowMs }) {
    const details = valueOr(facts['process-details'], []);
    for (const hop of facts.hops) {
      const { service } = hop;
      if (service === undefined || service.kind === 'nginx' || hop.peer.flags.down) continue;
      const all = [...symptomsOf(hop, ends), ...unattributedOf(hop, facts.symptoms, [500, 502, 503, 504])];
      const said = hop.events.filter(event => event.kind === 'too-many-open-files' && event.timeMs >= sinceMs);
      const fullest = fullestOf([service.masterPid, ...service.workerPids], details);
      const isFull = fullest !== undefined && (fullest.open >= fullest.limit * nearlyFull || fullest.open >= fullest.limit - spare);
      // A backend answers with an error for many reasons: without its own word for it, that is no sign.
      const explained = all.filter(symptom =>
        said.length > 0
          ? said.some(event => event.timeMs >= symptom.firstMs - nearMs && event.timeMs <= symptom.lastMs + nearMs) || (isFull && symptom.ongoing)
          : isFull && symptom.ongoing && symptom.class !== 'backend-answered-5xx',
      );
      if (explained.length === 0) continue;
      const isOngoing = failsStill(explained, isFull, nowMs);
      const [first, ...rest] = [
        ...(fullest === undefined ? [] : [filesEvidence(fullest)]),
        ...said.slice(-1).map(eventEvidence),
        ...explained.flatMap(symptom => symptomEvidence(symptom, 1)).slice(0, 2),
      ];
      if (first === undefined) continue;
      if (fullest !== undefined && fullest.open < fullest.limit / 4 && isOngoing)
        yield ruledOut(`the fullest process of ${service.name} has ${fullest.open} of ${fullest.limit} files open now`);
      yield {
        confidence:
          isFull && isOngoing && said.length > 0 ? 'confirmed' : isFull || (fullest !== undefined && fullest.open >= fullest.limit / 2) ? 'likely' : 'possible',
        status: isOngoing ? 'active' : 'past',
        subject: hop.serviceSubject,
        messageId: isFull ? 'full' : 'said',
        data: {
          service: service.name,
          pid: fullest?.pid ?? 0,
          open: fullest?.open ?? 0,
          limit: fullest?.limit ?? 0,
          now: fullest === undefined ? '' : `. Now its fullest process has ${fullest.open} of ${fullest.limit} open`,
        },
        evidence: [first, ...rest],
        symptoms: [...new Set(explained.map(symptom => symptom.id))],
        ...(fullest === undefined ? {} : { fixData: { service: service.id, limit: fullest.limit, unit: hop.unit?.name ?? '' } }),
      };
    }
  },
});

interface OpenFiles {
  readonly pid: number;
  readonly open: number;
  readonly limit: number;
}

function fullestOf(pids: readonly (number | undefined)[], details: readonly ProcessDetail[]): OpenFiles | undefined {
  const found = details.flatMap(({ pid, openFiles: open, openFilesLimit: limit }) =>
    pids.includes(pid) && open !== undefined && limit !== undefined && limit > 0 ? [{ pid, open, limit }] : [],
  );
  return found.toSorted((a, b) => b.open / b.limit - a.open / a.limit)[0];
}

function filesEvidence({ pid, open, limit }: OpenFiles): { readonly source: string; readonly text: string } {
  return { source: `proc:${pid}`, text: `process ${pid} has ${open} open files of ${limit}` };
}
