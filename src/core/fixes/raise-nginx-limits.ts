import { valueOr } from '../model/fact.ts';
import type { NginxInstance } from '../model/facts/nginx.ts';
import type { Facts } from '../model/facts.ts';
import type { FixPlan, FixStep } from '../model/finding.ts';
import { defineFix } from '../model/fix.ts';
import { busiestWorker, setMainDirective } from '../model/nginx-limits.ts';
import { editSteps } from '../model/nginx-edits.ts';
import { reloadCommand } from '../model/nginx-commands.ts';
import { takenUp } from '../model/nginx-reload.ts';
import { endWorkersSteps, handStep, moreFilesFor, restartSteps, roomOf, type MoreFiles } from '../model/open-files-room.ts';

const leastConnections = 4096;
const growth = 4;
/** fs.nr_open as the kernel sets it: no process may have more. */
const mostFiles = 1_048_576;
/** A worker has more open than connections: logs, temporary files, what it sends. */
const spareFiles = 1024;

/** Raises worker_connections with the open files that they need, or the open files alone. */
export default defineFix({
  id: 'raise-nginx-limits',
  fixes: ['nginx-worker-connections-exhausted', 'fd-limit-nginx'],
  plan(finding, facts) {
    const { instance: id, limit, connections } = finding.fixData ?? {};
    const configs = valueOr(facts['nginx-config'], []);
    const config = configs.find(one => one.instanceId === id);
    const instance = valueOr(facts['nginx-instances'], []).find(one => one.id === id);
    if (config === undefined || instance === undefined || typeof limit !== 'number') return undefined;
    const forFiles = typeof connections === 'number';
    const room = roomOf(instance, facts);
    const { next, files } = forFiles ? filesWanted(limit, connections, room) : connectionsWanted(limit, room);
    const allowed = busiestWorker(instance, valueOr(facts['process-details'], []))?.limit;
    const isAllowed = allowed !== undefined && allowed >= files;
    const changes = [
      ...(forFiles ? [] : setMainDirective(config, 'worker_connections', next)),
      ...(isAllowed ? [] : setMainDirective(config, 'worker_rlimit_nofile', files)),
    ];
    const edits = editSteps(configs, changes);
    if (edits.length === 0) return undefined;
    const more: MoreFiles = isAllowed ? { way: 'reload' } : moreFilesFor(instance, facts, files);
    return {
      id: 'raise-nginx-limits',
      summary: forFiles
        ? `Let each worker of nginx open ${files} files`
        : `Raise worker_connections from ${limit} to ${next}, with the open files that they need`,
      automatic: finding.confidence !== 'possible' && more.way !== 'by-hand',
      risk: more.way === 'reload' ? 'low' : 'medium',
      minutes: more.way === 'by-hand' ? 10 : more.way === 'restart' ? 2 : 1,
      ...carriedOut(facts, instance, edits, { more, files, isFull: forFiles }),
      verify: `/proc/PID/limits of a worker shows ${isAllowed ? allowed : files} open files, the error log of nginx says nothing more of it, and requests under load succeed.`,
    };
  },
});

interface Wanted {
  readonly next: number;
  readonly files: number;
}

/** A number that a reload can give is better than a larger one for which nginx has to be started anew, as long as it is enough. */
function filesWanted(limit: number, connections: number, room: number): Wanted {
  const next = Math.max(leastConnections, connections);
  const files = Math.min(mostFiles, Math.max(next * 2 + spareFiles, limit * growth));
  const isEnough = room >= Math.max(connections * 2 + spareFiles, limit * growth);
  return { next, files: isEnough ? Math.min(files, room) : files };
}

function connectionsWanted(limit: number, room: number): Wanted {
  const wanted = Math.max(leastConnections, limit * growth);
  const possible = Math.floor((room - spareFiles) / 2);
  const next = possible >= limit * growth ? Math.min(wanted, possible) : wanted;
  return { next, files: Math.min(mostFiles, next * 2 + spareFiles) };
}

interface Way {
  readonly more: MoreFiles;
  readonly files: number;
  /** Its workers are out of files, or were. */
  readonly isFull: boolean;
}

function carriedOut(facts: Facts, instance: NginxInstance, edits: readonly FixStep[], { more, files, isFull }: Way): Pick<FixPlan, 'steps' | 'validate'> {
  const taken = takenUp(facts, edits);
  const { validate } = taken;
  const steps = isFull && more.way !== 'restart' ? [...taken.steps, ...endWorkersSteps(instance)] : taken.steps;
  if (more.way === 'reload') return { steps, validate };
  if (more.way === 'by-hand') return { steps: [handStep(more, files), ...steps], validate };
  // Another nginx that reads the same file is reloaded; this one begins anew.
  const own = reloadCommand(instance)?.join(' ');
  const others = steps.filter(step => step.kind !== 'command' || step.argv.join(' ') !== own);
  return { steps: [...others, ...restartSteps(more, files)], validate };
}
