import { keepaliveOf } from '../reuse.ts';
import { defineLintRule, spotOf } from '../rule.ts';
import { targetsOf } from '../upstreams-used.ts';
import { workerLimits } from '../worker-limits.ts';

/** A request that is passed on takes two connections of its worker: the client's and the upstream's. */
const connectionsEach = 2;
/** Half of nginx's default. */
const fewConnections = 256;

export default defineLintRule({
  meta: {
    id: 'nginx-worker-connections-exhausted',
    title: 'A worker has few connections for what it is to do',
    severity: 'warning',
    fault: 'nginx-worker-connections-exhausted',
  },
  *check(view) {
    const { connections, connectionsAt, isSure } = workerLimits(view);
    if (view.passes.length === 0 || connections === undefined) return;
    if (connectionsAt !== undefined && connections < fewConnections) {
      yield {
        at: spotOf(connectionsAt),
        message: `A worker has ${connections} connections, and a request that is passed on takes two: at ${Math.floor(connections / connectionsEach)} requests at once, idle clients counted, it drops new ones ("worker_connections are not enough").`,
        advice: 'Set `worker_connections 1024;` or more: a connection costs a few hundred bytes. `worker_rlimit_nofile` must allow as many open files.',
        severity: connections < fewConnections / 4 ? 'warning' : 'notice',
      };
    }
    if (connectionsAt === undefined && !isSure) return;
    for (const upstream of new Set([...targetsOf(view)].flatMap(({ target }) => target.upstream ?? []))) {
      const keepalive = keepaliveOf(upstream);
      const kept = Number(keepalive?.args[0]?.value ?? 0);
      if (keepalive === undefined || !(kept >= connections)) continue;
      yield {
        at: spotOf(keepalive),
        message: `Each worker may keep ${kept} idle connections to "${upstream.name}", and has ${connections}${connectionsAt === undefined ? ' by default' : ''} in all: idle ones can take the place of clients ("worker_connections are not enough").`,
        advice: 'Keep as many as there are requests at once, a few dozen, and no more; or raise `worker_connections`.',
        ...(connectionsAt === undefined ? {} : { related: [{ at: spotOf(connectionsAt), text: 'All connections of a worker.' }] }),
      };
    }
  },
});
