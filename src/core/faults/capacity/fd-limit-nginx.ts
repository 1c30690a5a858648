import { configEvidence, symptomEvidence } from '../../model/evidence.ts';
import { valueOr } from '../../model/fact.ts';
import { failsStill } from '../../model/fails-still.ts';
import { defineFault, ruledOut } from '../../model/fault.ts';
import type { Symptom } from '../../model/facts/topology.ts';
import type { Evidence } from '../../model/finding.ts';
import { busiestWorker, mainDirective, workerEvidence } from '../../model/nginx-limits.ts';

const nearlyFull = 0.9;
/** Open files that a request takes which is passed on. */
const aRequest = 2;
/** ENFILE: the table of the whole host is full, and not a limit of nginx's. */
const wholeHost = 23;

export default defineFault({
  meta: {
    id: 'fd-limit-nginx',
    layer: 'capacity',
    title: 'The workers of nginx may open no more files',
    explains: ['too-many-open-files', 'unattributed-5xx'],
    requires: ['symptoms', 'nginx-instances'],
    uses: ['process-details', 'nginx-config', 'resources'],
    leadsTo: ['no-live-upstreams'],
    messages: {
      full: 'A worker of nginx may have {limit} files open at once ({where}), and each client and each backend connection is one{now}.',
      host: 'The host has as many files open as the kernel allows (fs.file-nr {number}): no process can open another one.',
    },
  },
  *detect(facts, { nowMs }) {
    const symptoms = facts.symptoms.filter(symptom => symptom.class === 'too-many-open-files');
    const [evidence, ...more] = symptoms.flatMap(symptom => symptomEvidence(symptom, 1));
    if (evidence === undefined) return;
    const failed = facts.symptoms.filter(
      symptom =>
        symptom.class === 'unattributed-5xx' && symptom.status === 500 && symptom.upstream === undefined && symptoms.some(one => overlap(one, symptom)),
    );
    const ids = [...symptoms, ...failed].map(symptom => symptom.id);
    if (symptoms.some(symptom => symptom.errorGroups.some(group => group.errno === wholeHost))) {
      const number = valueOr(facts.resources, undefined)?.sysctl['fs.file-nr'];
      const subject = { kind: 'host', id: 'host', name: 'this host', peers: [] } as const;
      yield {
        confidence: isHostFull(number) ? 'confirmed' : 'likely',
        status: failsStill(symptoms, isHostFull(number), nowMs) ? 'active' : 'past',
        subject,
        messageId: 'host',
        data: { number: number ?? 'not known' },
        evidence: [evidence, ...more.slice(0, 1)],
        symptoms: ids,
      };
      return;
    }
    const details = valueOr(facts['process-details'], []);
    const found = facts['nginx-instances'].flatMap(instance => {
      const worker = busiestWorker(instance, details);
      return worker === undefined ? [] : [{ instance, worker, share: worker.openFiles / (worker.limit ?? Number.POSITIVE_INFINITY) }];
    });
    const most = found.toSorted((a, b) => b.share - a.share)[0];
    const config = valueOr(facts['nginx-config'], []).find(one => one.instanceId === most?.instance.id);
    const directive = config === undefined ? undefined : mainDirective(config, 'worker_rlimit_nofile');
    const connections = config === undefined ? undefined : Number(mainDirective(config, 'worker_connections')?.args[0]?.value ?? 512);
    const limit = most?.worker.limit;
    const isOngoing = failsStill(symptoms, most !== undefined && limit !== undefined && limit - most.worker.openFiles < aRequest, nowMs);
    const proof: Evidence[] = [
      ...(most === undefined ? [] : [workerEvidence(most.worker)]),
      ...(directive === undefined
        ? []
        : [configEvidence({ path: directive.path, line: directive.line }, `worker_rlimit_nofile ${directive.args[0]?.value ?? ''};`)]),
    ];
    // Each request that is passed on takes two: with fewer files than that, the limit is reached before the connections are.
    const isTight = limit !== undefined && connections !== undefined && limit < connections * 2;
    if (most !== undefined && isOngoing && most.share < 0.5 && !isTight)
      yield ruledOut(`the busiest worker of nginx has ${most.worker.openFiles} of ${limit ?? '?'} files open now`);
    yield {
      status: isOngoing ? 'active' : 'past',
      symptoms: ids,
      confidence: most !== undefined && most.share >= nearlyFull && isOngoing ? 'confirmed' : isTight ? 'likely' : 'possible',
      subject: { kind: 'nginx', id: most?.instance.id ?? 'nginx', name: 'nginx', peers: [] },
      messageId: 'full',
      data: {
        limit: limit ?? 'a limited number of',
        where: directive === undefined ? 'the limit that it was started with' : `${directive.path}:${directive.line}`,
        now: most === undefined ? '' : `. Now its busiest worker has ${most.worker.openFiles} open`,
      },
      evidence: [evidence, ...more.slice(0, 1), ...proof],
      ...(most === undefined || limit === undefined ? {} : { fixData: { instance: most.instance.id, limit, connections: connections ?? 512 } }),
    };
  },
});

/** `fs.file-nr`: open, unused, most. */
function isHostFull(number: string | undefined): boolean {
  const [open = 0, , most = 0] = (number ?? '').split(' ').map(Number);
  return most > 0 && open >= most * nearlyFull;
}

function overlap(one: Symptom, other: Symptom): boolean {
  return one.firstMs - 15_000 <= other.lastMs && other.firstMs <= one.lastMs + 15_000;
}
