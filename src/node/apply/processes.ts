import { readFileSync } from 'node:fs';
import { pidsOf } from '../../core/changes/commands.ts';
import type { RecordedCommand } from '../../core/model/change.ts';

/** When a process began, in clock ticks since boot: field 22 of /proc/PID/stat (proc(5)). Undefined where there is none. */
function startTicksOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name in brackets may hold anything, brackets and blanks too.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}

/** The processes that a command names by their ids, so that they can be told later from others with the same ids. */
export function identify(argv: readonly string[]): RecordedCommand['processes'] {
  const processes = pidsOf(argv).map(pid => ({ pid, startTicks: startTicksOf(pid) ?? '0' }));
  return processes.length === 0 ? undefined : processes;
}

type Named = Pick<RecordedCommand, 'argv' | 'processes'>;

/** The first id that means another process by now, or none. */
export function strangerOf({ argv, processes }: Named): number | undefined {
  return pidsOf(argv).find(pid => processes?.find(one => one.pid === pid)?.startTicks !== startTicksOf(pid));
}

/** The same command for those of its processes that are still there; undefined where none is. */
export function forThoseLeft({ argv, processes }: Named): readonly string[] | undefined {
  const gone = new Set(
    pidsOf(argv).filter(pid => strangerOf({ argv: ['kill', String(pid)], ...(processes === undefined ? {} : { processes }) }) !== undefined),
  );
  return pidsOf(argv).every(pid => gone.has(pid)) ? undefined : argv.filter(word => !gone.has(Number(word)));
}
