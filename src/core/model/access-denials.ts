import type { Known } from './fact.ts';
import { isTogether } from './deaths.ts';
import type { Hop } from './facts/hop.ts';
import type { NginxInstance } from './facts/nginx.ts';
import type { AccessDenial, KernelEvent } from './facts/system.ts';
import type { Symptom } from './facts/topology.ts';
import type { Detection, Evidence } from './finding.ts';
import { symptomEvidence } from './evidence.ts';
import { runPath } from './host.ts';
import { sampleTimesOf, symptomsOf } from './hop-symptoms.ts';

/** A denial that nginx met on its way to a peer, and the requests that failed by it. */
export interface DeniedHop {
  readonly hop: Hop;
  readonly denial: AccessDenial;
  readonly symptoms: readonly Symptom[];
  /** A denial stands beside a failing request in time. */
  readonly isSeen: boolean;
  readonly evidence: readonly [Evidence, ...Evidence[]];
}

/** The hops that this module of the kernel keeps nginx from: record, process, target and window must fit. */
export function deniedHops(
  by: AccessDenial['by'],
  facts: { readonly hops: readonly Hop[]; readonly records: readonly KernelEvent[]; readonly instances: Known<readonly NginxInstance[]> },
  sinceMs: number,
): DeniedHop[] {
  const workers = facts.instances.state === 'known' ? facts.instances.value.flatMap(one => one.workers.map(worker => worker.pid)) : [];
  const own = facts.records.filter(one => one.denial?.by === by && one.timeMs >= sinceMs && isNginx(one, workers));
  return facts.hops.flatMap((hop): DeniedHop[] => {
    const symptoms = symptomsOf(hop, ['connect-denied']);
    const met = own.filter(one => one.denial !== undefined && isTowards(one.denial, hop));
    const last = met.toSorted((a, b) => a.timeMs - b.timeMs).at(-1);
    if (last?.denial === undefined || symptoms.length === 0) return [];
    const times = symptoms.flatMap(sampleTimesOf);
    const isSeen = met.some(one => times.some(timeMs => isTogether(timeMs, one.timeMs)));
    const logged = symptoms.flatMap(symptom => symptomEvidence(symptom, 2)).slice(0, 3);
    return [{ hop, denial: last.denial, symptoms, isSeen, evidence: [{ source: last.source, text: last.text }, ...logged] }];
  });
}

/** The finding: proven where the record names this target and stands beside a failing request. */
export function deniedDetection({ hop, denial, symptoms, isSeen, evidence }: DeniedHop): Detection<'denied'> {
  const { action, domain, port, path, objectClass, targetType, by } = denial;
  const target = port === undefined ? (path ?? 'a socket') : `port ${port}`;
  const isNamed = port !== undefined || path?.startsWith('/') === true;
  return {
    confidence: isSeen && isNamed ? 'confirmed' : 'likely',
    status: symptoms.some(symptom => symptom.ongoing) ? 'active' : 'past',
    subject: hop.subject,
    messageId: 'denied',
    data: { process: 'nginx', domain, action, object: targetType === undefined ? target : `${target} (${targetType})`, address: hop.peer.id },
    evidence,
    symptoms: symptoms.map(symptom => symptom.id),
    fixData: {
      by,
      domain,
      action,
      ...(port === undefined ? {} : { port }),
      ...(path === undefined ? {} : { path }),
      ...(objectClass === undefined ? {} : { objectClass }),
    },
  };
}

/** A process in a container has another pid there: the name counts, too. */
function isNginx(record: KernelEvent, workers: readonly number[]): boolean {
  return (record.pid !== undefined && workers.includes(record.pid)) || record.comm === 'nginx' || record.comm === 'openresty' || record.comm === 'angie';
}

function isTowards({ action, port, path }: AccessDenial, { peer }: Hop): boolean {
  const { address } = peer;
  if (address.kind === 'unix') {
    if (path === undefined) return false;
    return path.startsWith('/') ? runPath(path) === runPath(address.path) : address.path.endsWith(`/${path}`);
  }
  // AppArmor tells no port for the connections of the internet families.
  return action.includes('connect') && path === undefined && (port === undefined || port === address.port);
}
