import { askAll, defineCollector } from '../model/collector.ts';
import { absent, known, valueOr } from '../model/fact.ts';
import type { BackendEvent } from '../model/facts/backend.ts';
import { reuseOf } from '../model/keepalive.ts';
import { hostHeaderOf } from './shared/peer-questions.ts';

/** Each is watched for seconds; they are watched side by side. */
const mostPeers = 4;
const longestMs = 8000;
/** So much longer than nginx: a backend that lasts as long is not the one to close first. */
const marginMs = 500;

const cut = new Set(['reset', 'premature-close']);
const deaths = new Set<BackendEvent['kind']>(['worker-signal', 'worker-exit', 'out-of-memory', 'request-killed', 'boot-failed']);

/** What a working backend does with a connection that nobody uses. Asked only where requests were cut on connections that nginx keeps. */
export default defineCollector({
  id: 'idle-connections',
  title: 'how long backends leave an idle connection open',
  needs: ['topology', 'nginx-instances', 'nginx-error-log', 'backend-events'],
  *collect(facts, context) {
    if (facts.topology.state !== 'known') return facts.topology;
    if (!context.probing) return absent('probing is switched off', 'Leave out --no-probe.');
    const topology = facts.topology.value;
    const groups = valueOr(facts['nginx-error-log'], undefined)?.groups ?? [];
    const events = valueOr(facts['backend-events'], []);
    const requests = topology.peers.flatMap(peer => {
      if (peer.flags.down || (peer.local && peer.listeners.length === 0)) return [];
      const failing = groups.filter(group => group.peer === peer.id && cut.has(group.class));
      const reuse = failing.length === 0 ? undefined : reuseOf(peer, topology, facts['nginx-instances']);
      if (reuse === undefined) return [];
      // Where workers die as requests fail, the connection's age is not what ends them.
      const isDying = events.some(
        event => event.serviceId === peer.serviceId && deaths.has(event.kind) && failing.some(group => Math.abs(group.lastMs - event.timeMs) < 3000),
      );
      if (isDying) return [];
      const idleMs = Math.min(longestMs, reuse.timeoutMs + marginMs);
      const { route } = reuse;
      return [{ kind: 'idle', address: peer.address, path: route.samplePath ?? '/', hostHeader: hostHeaderOf(route, topology), idleMs } as const];
    });
    const answers = yield* askAll(requests.slice(0, mostPeers).map(request => ({ kind: 'probe', request }) as const));
    return known(answers.flatMap(answer => (answer.state === 'known' ? [answer.value] : [])));
  },
});
