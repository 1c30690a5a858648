import { defineFault } from '../../model/fault.ts';
import { valueOr } from '../../model/fact.ts';
import { formatLogSource } from '../../model/facts/logs.ts';
import type { Evidence } from '../../model/finding.ts';

/** Signals that a person or a unit sends; the others mean that the program itself went wrong, or that the kernel killed it. */
const sent: ReadonlySet<number> = new Set([1, 3, 15]);

/** nginx's own workers die. Clients see resets, no log line of the request is written, and the master starts another worker. */
export default defineFault({
  meta: {
    id: 'nginx-worker-crash',
    layer: 'nginx',
    title: "nginx's own workers die",
    explains: ['worker-died'],
    requires: ['nginx-error-log'],
    uses: ['kernel-log', 'symptoms'],
    leadsTo: [],
    messages: {
      crash: '{count} workers of nginx died by signal {signal} ({meaning}), the last at {at}. Each took the requests with it that it was working on{kernel}.',
      exit: '{count} workers of nginx ended by themselves with code {signal}, the last at {at}{kernel}.',
    },
  },
  *detect(facts, { sinceMs }) {
    const groups = facts['nginx-error-log'].groups.filter(group => group.class === 'worker-died');
    const signals = new Map<string, { count: number; lastMs: number; evidence: Evidence[]; pids: number[] }>();
    for (const group of groups) {
      for (const record of group.samples.filter(one => one.timeMs >= sinceMs)) {
        const how = endOf(record.message);
        if (how === undefined || (how.isSignal && sent.has(how.number))) continue;
        const key = `${how.isSignal ? 'signal' : 'code'} ${how.number}`;
        const known = signals.get(key) ?? { count: 0, lastMs: 0, evidence: [], pids: [] };
        const evidence = [...known.evidence, { source: formatLogSource(record.source), text: record.text }].slice(-3);
        // A group keeps three of its records; it holds the deaths of one cause.
        const count = known.evidence.length === 0 ? group.count : known.count;
        signals.set(key, { count, lastMs: Math.max(known.lastMs, group.lastMs), evidence, pids: [...known.pids, how.pid] });
      }
    }
    for (const [key, { count, lastMs, evidence, pids }] of signals) {
      const [kind = '', number = ''] = key.split(' ');
      const kernel = valueOr(facts['kernel-log'], []).filter(
        event =>
          event.comm?.startsWith('nginx') === true &&
          event.timeMs >= sinceMs &&
          (event.pid === undefined || pids.includes(event.pid) || Math.abs(event.timeMs - lastMs) < 2_000),
      );
      const [first, ...rest] = [...evidence, ...kernel.slice(-1).map(event => ({ source: event.source, text: event.text }))];
      if (first === undefined) continue;
      const own = valueOr(facts.symptoms, []).filter(symptom => symptom.class === 'worker-died');
      yield {
        // The master watched its own child end: that is no guess from a symptom.
        confidence: 'confirmed',
        status: own.some(symptom => symptom.ongoing) ? 'active' : 'past',
        subject: { kind: 'nginx', id: 'nginx', name: 'nginx workers', peers: [] },
        messageId: kind === 'signal' ? 'crash' : 'exit',
        data: {
          count,
          signal: number,
          meaning: meanings[number] ?? 'see signal(7)',
          at: `${new Date(lastMs).toISOString().slice(0, 19)}Z`,
          kernel: kernel.some(event => event.kind === 'oom-kill') ? '; the kernel killed it for memory' : '',
        },
        evidence: [first, ...rest],
        symptoms: own.map(symptom => symptom.id),
      };
    }
  },
});

const meanings: Readonly<Record<string, string>> = {
  '4': 'an illegal instruction',
  '6': 'it gave up on itself',
  '7': 'a memory error',
  '8': 'an arithmetic error',
  '9': 'killed',
  '11': 'a memory error',
  '31': 'a forbidden system call',
};

/** `worker process 123 exited on signal 11 (core dumped)` and `worker process 123 exited with fatal code 2 and cannot be respawned`. */
function endOf(message: string): { readonly pid: number; readonly isSignal: boolean; readonly number: number } | undefined {
  const found = /process (\d{1,10}) exited (on signal|with (?:fatal )?code) (\d{1,3})/.exec(message.slice(0, 300));
  if (found === null) return undefined;
  return { pid: Number(found[1]), isSignal: found[2] === 'on signal', number: Number(found[3]) };
}
