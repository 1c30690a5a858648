import { configEvidence, symptomEvidence } from '../../model/evidence.ts';
import { valueOr } from '../../model/fact.ts';
import { failsStill } from '../../model/fails-still.ts';
import { defineFault } from '../../model/fault.ts';
import type { Hop } from '../../model/facts/hop.ts';
import type { NginxConfig, NginxInstance } from '../../model/facts/nginx.ts';
import type { Symptom } from '../../model/facts/topology.ts';
import type { Evidence } from '../../model/finding.ts';
import { busiestWorker, mainDirective, workerEvidence } from '../../model/nginx-limits.ts';

/** nginx's own default where no events block names a number. */
const defaultConnections = 512;
/** A worker this full would be over its limit with the next wave of clients. */
const nearlyFull = 0.8;

export default defineFault({
  meta: {
    id: 'nginx-worker-connections-exhausted',
    layer: 'capacity',
    title: 'The workers of nginx have no connection left',
    explains: ['worker-connections', 'unattributed-5xx'],
    requires: ['symptoms', 'nginx-instances', 'nginx-config', 'hops'],
    uses: ['process-details'],
    leadsTo: ['no-live-upstreams'],
    messages: {
      full: 'nginx used all {limit} connections that a worker may have ({where}); a request that is passed on takes two{now}{loop}.',
    },
  },
  *detect(facts, { nowMs }) {
    const symptoms = facts.symptoms.filter(symptom => symptom.class === 'worker-connections');
    if (symptoms.length === 0) return;
    const said = symptoms.flatMap(limitsIn);
    const found = facts['nginx-instances'].map(instance => read(instance, facts['nginx-config'])).filter(one => one !== undefined);
    const match = found.find(one => said.includes(one.limit)) ?? found[0];
    const limit = said.at(-1) ?? match?.limit;
    if (limit === undefined) return;
    const worker = match === undefined ? undefined : busiestWorker(match.instance, valueOr(facts['process-details'], []));
    const isNear = worker !== undefined && worker.openFiles >= limit * nearlyFull;
    // Each connection is an open file, and a limit that is another one by now is no longer reached.
    const isAtLimit = match?.limit === limit && worker !== undefined && worker.openFiles >= limit;
    const isOngoing = failsStill(symptoms, isAtLimit, nowMs);
    const loop = facts.hops.find(isLoop);
    const proof: Evidence[] = [
      ...(worker === undefined ? [] : [workerEvidence(worker)]),
      ...(match?.origin === undefined ? [] : [configEvidence(match.origin, `worker_connections ${match.limit};`)]),
    ];
    const [first, ...rest] = [...symptoms.flatMap(symptom => symptomEvidence(symptom, 1)).slice(0, 2), ...proof];
    if (first === undefined) return;
    const failed = facts.symptoms.filter(
      symptom =>
        symptom.class === 'unattributed-5xx' && symptom.status === 500 && symptom.upstream === undefined && symptoms.some(one => overlap(one, symptom)),
    );
    yield {
      // A server that passes requests to itself uses up any number of them.
      confidence: loop !== undefined ? 'possible' : isNear && isOngoing ? 'confirmed' : match?.limit === limit ? 'likely' : 'possible',
      status: isOngoing ? 'active' : 'past',
      subject: { kind: 'nginx', id: match?.instance.id ?? 'nginx', name: 'nginx', peers: [] },
      messageId: 'full',
      data: {
        limit,
        where: match?.origin === undefined ? 'its default' : `${match.origin.path}:${match.origin.line}`,
        now: worker === undefined ? '' : `. Now its busiest worker has ${worker.openFiles} files open`,
        loop: loop === undefined ? '' : `. nginx passes requests to itself at ${loop.peer.id}: that may be what uses them up`,
      },
      evidence: [first, ...rest],
      symptoms: [...symptoms, ...failed].map(symptom => symptom.id),
      fixData: { limit, ...(match === undefined ? {} : { instance: match.instance.id }) },
    };
  },
});

interface Limit {
  readonly instance: NginxInstance;
  readonly limit: number;
  readonly origin?: { readonly path: string; readonly line: number };
}

function read(instance: NginxInstance, configs: readonly NginxConfig[]): Limit | undefined {
  const config = configs.find(one => one.instanceId === instance.id);
  if (config === undefined) return undefined;
  const directive = mainDirective(config, 'worker_connections');
  const limit = Number(directive?.args[0]?.value ?? defaultConnections);
  return Number.isInteger(limit)
    ? { instance, limit, ...(directive === undefined ? {} : { origin: { path: directive.path, line: directive.line } }) }
    : undefined;
}

/** `1024 worker_connections are not enough`. */
function limitsIn(symptom: Symptom): number[] {
  return symptom.errorGroups
    .flatMap(group => group.samples)
    .map(sample => Number.parseInt(sample.message, 10))
    .filter(number => Number.isInteger(number));
}

function isLoop({ service, peer, routes }: Hop): boolean {
  return service?.kind === 'nginx' && peer.local && routes.length > 0 && peer.listeners.length > 0;
}

function overlap(one: Symptom, other: Symptom): boolean {
  return one.firstMs - 15_000 <= other.lastMs && other.firstMs <= one.lastMs + 15_000;
}
