import { valueOr } from '../model/fact.ts';
import { defineFix } from '../model/fix.ts';
import type { Service } from '../model/facts/backend.ts';
import type { ProcessInfo } from '../model/facts/system.ts';
import type { FixStep } from '../model/finding.ts';

const mebibyte = 1_048_576;
const mostNamed = 4;

/** What may go is a person's decision: who holds the memory is named, and each way out is given with what undoes it. */
export default defineFix({
  id: 'relieve-memory',
  fixes: ['memory-exhausted'],
  plan(finding, facts) {
    if (finding.status !== 'active') return undefined;
    const largest = holders(valueOr(facts.processes, []));
    const named = largest.map(
      ({ name, bytes, count }) => `${name} ${Math.round(bytes / mebibyte)} MiB in ${count === 1 ? 'one process' : `${count} processes`}`,
    );
    const memory = valueOr(facts.resources, undefined)?.memory;
    const workers = valueOr(facts.services, []).filter(service => (service.workersMax?.value ?? 0) > 1 && largest.some(({ name }) => name === service.unit));
    const steps: FixStep[] = [
      {
        kind: 'manual',
        text: `See who holds the memory${named.length === 0 ? '' : `: by resident size, of which shared pages count in each process, ${named.join('; ')}`}.`,
        commands: ['ps -eo rss,pid,unit,comm --sort=-rss | head -15', 'systemd-cgtop -m -n 1', 'cat /proc/pressure/memory'],
      },
      {
        kind: 'manual',
        text: 'Stop what users can do without (a job, an import, a service that has grown). A restart gives back what leaked, and cuts off its requests. Start it again to undo this.',
        commands: largest.flatMap(({ name }) => (name.endsWith('.service') ? [`systemctl restart ${name}`] : [])).slice(0, 2),
      },
      ...workers.slice(0, 2).map(fewerWorkers),
    ];
    if (memory?.swapTotalBytes === 0)
      steps.push({
        kind: 'manual',
        text: 'Give the kernel somewhere to put what is not used, to gain time. To undo it: swapoff /swapfile; rm /swapfile.',
        commands: ['fallocate -l 2G /swapfile', 'chmod 600 /swapfile', 'mkswap /swapfile', 'swapon /swapfile'],
      });
    return {
      id: 'relieve-memory',
      summary: 'Free memory of this host: stop what has grown, let fewer workers run, or give it more',
      automatic: false,
      risk: 'medium',
      minutes: 15,
      steps,
      validate: [],
      verify: 'MemAvailable in /proc/meminfo stays above a tenth of the total, and avg10 in /proc/pressure/memory falls towards 0.',
    };
  },
});

interface Holder {
  readonly name: string;
  readonly bytes: number;
  readonly count: number;
}

/** Units, or programs outside of any, by what their processes hold together. */
function holders(processes: readonly ProcessInfo[]): readonly Holder[] {
  const found = new Map<string, Holder>();
  for (const { unit, comm, rssBytes } of processes) {
    const name = unit?.endsWith('.service') === true ? unit : comm;
    const before = found.get(name) ?? { name, bytes: 0, count: 0 };
    found.set(name, { name, bytes: before.bytes + rssBytes, count: before.count + 1 });
  }
  return [...found.values()].toSorted((a, b) => b.bytes - a.bytes).slice(0, mostNamed);
}

function fewerWorkers({ name, workersMax, configFiles, unit }: Service): FixStep {
  const place = workersMax?.source.replace(/^file:/, '') ?? '';
  return {
    kind: 'manual',
    text: `Let ${name} run fewer workers than ${workersMax?.value ?? 0} (${place}): those that fit answer faster than many that wait for memory. Put the old number back to undo it.`,
    commands: [
      ...configFiles.slice(0, 1).map(path => `grep -nE 'max_children|workers|processes|[Tt]hreads' ${path}`),
      ...(unit === undefined ? [] : [`systemctl restart ${unit}`]),
    ],
  };
}
