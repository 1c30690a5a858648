import { valueOr } from '../model/fact.ts';
import { defineFix } from '../model/fix.ts';
import { busiestWorker, setMainDirective } from '../model/nginx-limits.ts';
import { editSteps } from '../model/nginx-edits.ts';
import { takenUp } from '../model/nginx-reload.ts';

const leastConnections = 4096;
const growth = 4;
/** fs.nr_open as the kernel sets it: no process may have more. */
const mostFiles = 1_048_576;

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
    const next = Math.max(leastConnections, (forFiles ? connections : limit) * (forFiles ? 1 : growth));
    const files = Math.min(mostFiles, Math.max(next * 2 + 1024, forFiles ? limit * growth : 0));
    const allowed = busiestWorker(instance, valueOr(facts['process-details'], []))?.limit;
    const changes = [
      ...(forFiles ? [] : setMainDirective(config, 'worker_connections', next)),
      ...(allowed !== undefined && allowed >= files ? [] : setMainDirective(config, 'worker_rlimit_nofile', files)),
    ];
    const edits = editSteps(configs, changes);
    if (edits.length === 0) return undefined;
    return {
      id: 'raise-nginx-limits',
      summary: forFiles
        ? `Let each worker of nginx open ${files} files`
        : `Raise worker_connections from ${limit} to ${next}, with the open files that they need`,
      automatic: finding.confidence !== 'possible',
      risk: 'low',
      minutes: 1,
      ...takenUp(facts, edits),
      verify: 'The error log of nginx says nothing more of it, and requests under load succeed.',
    };
  },
});
