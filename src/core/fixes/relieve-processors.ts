import { valueOr } from '../model/fact.ts';
import { defineFix } from '../model/fix.ts';
import type { ProcessInfo } from '../model/facts/system.ts';
import type { FixStep } from '../model/finding.ts';

const mostNamed = 4;
/** Of one processor, on average since it was started: a short job that computes shows, and a daemon of months does not. */
const leastShare = 0.3;

interface Consumer {
  readonly process: ProcessInfo;
  readonly share: number;
}

/** Which work may wait is a person's decision: who computes is named, and can be made to step back without being stopped. */
export default defineFix({
  id: 'relieve-processors',
  fixes: ['cpu-saturated'],
  plan(finding, facts) {
    if (finding.status !== 'active') return undefined;
    const nowMs = valueOr(facts['host-identity'], undefined)?.clock.nowMs ?? 0;
    const serving = new Set(
      valueOr(facts.services, []).flatMap(service => [...service.workerPids, ...(service.masterPid === undefined ? [] : [service.masterPid])]),
    );
    const units = new Set(valueOr(facts.services, []).flatMap(service => service.unit ?? []));
    const busy = consumers(valueOr(facts.processes, []), nowMs);
    const others = busy.filter(({ process }) => !serving.has(process.pid) && !units.has(process.unit ?? ''));
    const named = busy.map(({ process, share }) => `${process.comm} (${process.unit ?? `pid ${process.pid}`}) ${Math.round(share * 100)} %`);
    const steps: FixStep[] = [
      {
        kind: 'manual',
        text: `See who computes${named.length === 0 ? '' : `: of one processor, since they were started, ${named.join('; ')}`}. Much in the column st of vmstat is time that the hypervisor gave to others.`,
        commands: ['ps -eo pcpu,pid,unit,comm --sort=-pcpu | head -15', 'vmstat 1 5', 'cat /proc/pressure/cpu'],
      },
    ];
    const jobs = [...new Set(others.flatMap(({ process }) => (process.unit?.endsWith('.service') === true ? [process.unit] : [])))].slice(0, 2);
    const loose = others.filter(({ process }) => process.unit?.endsWith('.service') !== true).slice(0, 2);
    if (jobs.length + loose.length > 0)
      steps.push({
        kind: 'manual',
        text: 'Let what serves no requests step back: it goes on, and gets what the others leave. To undo it: the same with CPUWeight=100, or renice -n 0.',
        commands: [
          ...jobs.map(unit => `systemctl set-property --runtime ${unit} CPUWeight=10`),
          ...loose.map(({ process }) => `renice -n 19 -p ${process.pid}`),
        ],
      });
    steps.push({
      kind: 'manual',
      text: 'Move backups and imports to another hour, make the page that computes cheaper, or add processors. More workers make it worse.',
      commands: ['systemctl list-timers --no-pager'],
    });
    return {
      id: 'relieve-processors',
      summary: 'Give the backends the processors: let other work step back, or add some',
      automatic: false,
      risk: 'low',
      minutes: 15,
      steps,
      validate: [],
      verify: 'The load of one minute falls below twice the number of processors, and avg10 in /proc/pressure/cpu falls.',
    };
  },
});

function consumers(processes: readonly ProcessInfo[], nowMs: number): readonly Consumer[] {
  return processes
    .map(process => ({ process, share: process.cpuMs / Math.max(1000, nowMs - process.startMs) }))
    .filter(({ share }) => share >= leastShare)
    .toSorted((a, b) => b.share - a.share)
    .slice(0, mostNamed);
}
