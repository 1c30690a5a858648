import { symptomEvidence } from '../../model/evidence.ts';
import { defineFault } from '../../model/fault.ts';
import type { Resources } from '../../model/facts/system.ts';
import type { Symptom } from '../../model/facts/topology.ts';
import type { Evidence } from '../../model/finding.ts';

/** Without memory everything becomes slow, and what starts processes fails. */
const ends: readonly Symptom['class'][] = ['read-timeout', 'connect-timeout', 'send-timeout', 'connect-queue-full', 'out-of-memory'];
const littleLeft = 0.04;
/** Percent of ten seconds in which somebody waited for memory. */
const muchPressure = 20;

export default defineFault({
  meta: {
    id: 'memory-exhausted',
    layer: 'capacity',
    title: 'The host has no memory left',
    explains: [...ends, 'unattributed-5xx'],
    requires: ['symptoms', 'resources'],
    leadsTo: ['backend-slower-than-timeout', 'worker-pool-exhausted', 'accept-queue-overflow'],
    messages: {
      out: 'The host has {available} MiB left of {total} MiB{swap}{pressure}, and requests fail by waiting now.',
    },
  },
  *detect({ symptoms, resources }) {
    const { memory } = resources;
    const some = resources.pressure?.memory?.someAvg10;
    const waiting = symptoms.filter(
      symptom => symptom.ongoing && symptom.count > 0 && (ends.includes(symptom.class) || (symptom.class === 'unattributed-5xx' && symptom.status === 504)),
    );
    if (memory === undefined || waiting.length === 0 || memory.availableBytes > memory.totalBytes * littleLeft) return;
    // Memory that is merely full of what is needed makes nobody wait: the kernel's own measure tells, where it has one.
    if (some === undefined ? memory.swapFreeBytes > memory.swapTotalBytes * 0.1 : some < muchPressure) return;
    yield {
      confidence: some === undefined ? 'possible' : 'likely',
      status: 'active',
      subject: { kind: 'host', id: 'host', name: 'this host', peers: [] },
      messageId: 'out',
      data: {
        available: mebibytes(memory.availableBytes),
        total: mebibytes(memory.totalBytes),
        swap: memory.swapTotalBytes === 0 ? ' and no swap' : ` and ${mebibytes(memory.swapFreeBytes)} MiB of ${mebibytes(memory.swapTotalBytes)} MiB of swap`,
        pressure: some === undefined ? '' : `; in ${some} % of the last ten seconds somebody waited for memory`,
      },
      evidence: [memoryEvidence(memory), ...pressureEvidence(some), ...waiting.flatMap(symptom => symptomEvidence(symptom, 1)).slice(0, 2)],
      symptoms: waiting.map(symptom => symptom.id),
    };
  },
});

function memoryEvidence(memory: NonNullable<Resources['memory']>): Evidence {
  const kibibytes = (bytes: number): number => Math.floor(bytes / 1024);
  return {
    source: 'file:/proc/meminfo',
    text: `MemTotal: ${kibibytes(memory.totalBytes)} kB, MemAvailable: ${kibibytes(memory.availableBytes)} kB, SwapTotal: ${kibibytes(memory.swapTotalBytes)} kB, SwapFree: ${kibibytes(memory.swapFreeBytes)} kB`,
  };
}

function pressureEvidence(some: number | undefined): Evidence[] {
  return some === undefined ? [] : [{ source: 'file:/proc/pressure/memory', text: `some avg10=${some}` }];
}

function mebibytes(bytes: number): number {
  return Math.floor(bytes / 2 ** 20);
}
