import { ask, askAll } from '../../model/collector.ts';
import type { Asking } from '../../logs/window.ts';
import type { Known } from '../../model/fact.ts';
import type { NginxInstance } from '../../model/facts/nginx.ts';

/** A master has its logs and its listening sockets open. */
const mostFiles = 1024;
/** What the kernel puts behind the path of an open file that has no name any more (proc_pid_fd(5)). */
const gone = ' (deleted)';

/**
 * Logs that were deleted while nginx had them open: by the path that each had, the link of the open file, through which it can still be read.
 * nginx goes on writing there until it is told to open its logs anew. Empty where the links must not be read.
 */
export function* deletedLogs(instances: Known<readonly NginxInstance[]>): Asking<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  for (const { masterPid } of instances.state === 'known' ? instances.value : []) {
    if (masterPid === undefined) continue;
    const [names] = yield* ask({ kind: 'list', path: `/proc/${masterPid}/fd` });
    if (names.state !== 'known') continue;
    const links = names.value.slice(0, mostFiles).map(name => `/proc/${masterPid}/fd/${name}`);
    const stats = yield* askAll(links.map(path => ({ kind: 'stat', path }) as const));
    for (const [index, stat] of stats.entries()) {
      const target = stat.state === 'known' ? (stat.value.target ?? '') : '';
      const path = target.slice(0, -gone.length);
      if (target.startsWith('/') && target.endsWith(gone) && !found.has(path)) found.set(path, links[index] ?? '');
    }
  }
  return found;
}
