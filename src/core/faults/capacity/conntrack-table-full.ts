import { probeEvidence, symptomEvidence } from '../../model/evidence.ts';
import { valueOr } from '../../model/fact.ts';
import { defineFault, ruledOut } from '../../model/fault.ts';
import type { KernelEvent, Resources } from '../../model/facts/system.ts';
import type { Symptom } from '../../model/facts/topology.ts';
import type { Evidence } from '../../model/finding.ts';

/** What becomes of a request whose packets are dropped. */
const ends: readonly Symptom['class'][] = ['connect-timeout', 'read-timeout', 'send-timeout', 'resolver-timeout', 'no-live-upstreams', 'probe-failed'];
const nearlyFull = 0.95;
/** The kernel says it a few times in five seconds at most, and a connection may wait for a minute before it fails. */
const nearMs = 75_000;

export default defineFault({
  meta: {
    id: 'conntrack-table-full',
    layer: 'capacity',
    title: 'The table of tracked connections is full',
    explains: [...ends, 'unattributed-5xx'],
    requires: ['symptoms', 'kernel-log', 'hops'],
    uses: ['resources'],
    leadsTo: ['backend-slower-than-timeout', 'dns-resolver-unreachable', 'no-live-upstreams', 'max-fails-amplification'],
    messages: {
      full: 'The kernel tracks {count} connections of {max} that the table may hold, and drops the first packet of each further one: {what}.',
      was: 'The kernel dropped packets because its table of tracked connections was full, when requests failed by waiting{now}.',
    },
  },
  *detect(facts, { sinceMs }) {
    const events = facts['kernel-log'].filter(event => event.kind === 'conntrack-full' && event.timeMs >= sinceMs);
    const table = tableOf(valueOr(facts.resources, undefined));
    const isFull = table !== undefined && table.count >= table.max * nearlyFull;
    const explained = facts.symptoms.filter(symptom => isNetwork(symptom) && (isNear(symptom, events) || (isFull && symptom.ongoing)));
    const last = events.at(-1);
    if (last === undefined) {
      // A table may be large on purpose: without the kernel's word, a nearly full one has dropped nothing yet.
      if (table !== undefined && facts.symptoms.some(symptom => symptom.class === 'connect-timeout' && symptom.ongoing))
        yield ruledOut(`the kernel tracks ${table.count} of ${table.max} connections and has dropped none for want of room`);
      return;
    }
    if (explained.length === 0 && !isFull) return;
    const isOngoing = explained.some(symptom => symptom.ongoing);
    const failed = facts.hops.flatMap(hop => hop.probes).find(probe => probe.outcome.state === 'connect-timeout');
    yield {
      confidence:
        isFull && (isOngoing || explained.length === 0) ? 'confirmed' : explained.some(symptom => symptom.class === 'connect-timeout') ? 'likely' : 'possible',
      // With the table full now, clients are turned away whether or not a log of this host shows it.
      status: isFull ? (isOngoing ? 'active' : 'latent') : isOngoing ? 'active' : 'past',
      subject: { kind: 'host', id: 'host', name: 'this host', peers: [] },
      messageId: isFull ? 'full' : 'was',
      data: {
        count: table?.count ?? 0,
        max: table?.max ?? 0,
        what:
          explained.length === 0 ? 'clients wait for an answer, and no log of this host shows it' : 'clients and nginx wait for an answer until they give up',
        now: table === undefined ? '' : `. Now it holds ${table.count} of ${table.max}`,
      },
      evidence: [
        { source: last.source, text: last.text },
        ...(table === undefined ? [] : tableEvidence(table)),
        ...(failed === undefined ? [] : [probeEvidence(failed)]),
        ...explained.flatMap(symptom => symptomEvidence(symptom, 1)).slice(0, 2),
      ],
      symptoms: explained.map(symptom => symptom.id),
      ...(table === undefined ? {} : { fixData: { max: table.max } }),
    };
  },
});

interface Table {
  readonly count: number;
  readonly max: number;
}

/** `undefined` where the kernel tracks no connections. */
function tableOf(resources: Resources | undefined): Table | undefined {
  const count = Number(resources?.sysctl['net.netfilter.nf_conntrack_count'] ?? Number.NaN);
  const max = Number(resources?.sysctl['net.netfilter.nf_conntrack_max'] ?? Number.NaN);
  return Number.isFinite(count) && max > 0 ? { count, max } : undefined;
}

function tableEvidence({ count, max }: Table): Evidence[] {
  return [
    { source: 'file:/proc/sys/net/netfilter/nf_conntrack_count', text: String(count) },
    { source: 'file:/proc/sys/net/netfilter/nf_conntrack_max', text: String(max) },
  ];
}

/** Packets to a unix socket are not tracked, and a gateway timeout that names no server may be one of a socket too. */
function isNetwork(symptom: Symptom): boolean {
  if (symptom.upstream?.startsWith('unix:') === true) return false;
  return ends.includes(symptom.class) || (symptom.class === 'unattributed-5xx' && symptom.status === 504);
}

function isNear(symptom: Symptom, events: readonly KernelEvent[]): boolean {
  return events.some(event => event.timeMs >= symptom.firstMs - nearMs && event.timeMs <= symptom.lastMs + nearMs);
}
