import { defineLintRule, spotOf } from '../rule.ts';
import { revalued } from '../splices.ts';
import { workerLimits } from '../worker-limits.ts';

/** The soft limit that systemd and most shells give a process. */
const usualLimit = 1024;

/** A connection takes a descriptor, and so do logs, temporary files and the files that are sent. */
export default defineLintRule({
  meta: {
    id: 'fd-limit-nginx',
    title: 'A worker may have more connections than open files',
    severity: 'warning',
    fault: 'fd-limit-nginx',
  },
  *check(view) {
    const { connections, connectionsAt, files, filesAt, isSure } = workerLimits(view);
    if (view.passes.length === 0 || connections === undefined) return;
    if (files !== undefined && filesAt !== undefined) {
      if (files > connections || (connectionsAt === undefined && !isSure)) return;
      yield {
        at: spotOf(filesAt),
        message: `A worker may have ${connections} connections${connectionsAt === undefined ? ' by default' : ''} and ${files} open files: it runs out of files first (24: Too many open files), and requests get a 500 or a 502 or are not accepted.`,
        advice: `Set \`worker_rlimit_nofile\` to at least twice the connections: \`worker_rlimit_nofile ${connections * 2};\`.`,
        ...(connectionsAt === undefined ? {} : { related: [{ at: spotOf(connectionsAt), text: 'The connections of a worker.' }] }),
        fix: { summary: 'Allow a worker two open files a connection', changes: [revalued(filesAt, String(connections * 2))] },
      };
    } else if (connectionsAt !== undefined && connections > usualLimit && isSure) {
      yield {
        at: spotOf(connectionsAt),
        message: `A worker may have ${connections} connections, and nothing here raises its open files above the ${usualLimit} that most systems give: it then runs out of files first (24: Too many open files).`,
        advice: `Set \`worker_rlimit_nofile ${connections * 2};\` at the top level, or LimitNOFILE in nginx's unit.`,
        severity: 'notice',
      };
    }
  },
});
