import { askAll, defineCollector } from '../model/collector.ts';
import { absent, known, valueOr, type Gap } from '../model/fact.ts';
import type { BackendEvent } from '../model/facts/backend.ts';
import { formatAddress, type Address } from '../model/host.ts';
import { keptFor, reuseOf, type Reuse } from '../model/keepalive.ts';
import { hostHeaderOf } from './shared/peer-questions.ts';

/** Each is watched for seconds; they are watched side by side. */
const mostPeers = 4;
/** Longer than the defaults of gunicorn (2 s), Apache, uvicorn and Node (5 s, and one more in Node 24), as they are measured. */
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
    const asked = topology.peers.flatMap(peer => {
      if (peer.flags.down || peer.namespace !== undefined || (peer.local && peer.listeners.length === 0)) return [];
      const failing = groups.filter(group => group.peer === peer.id && cut.has(group.class));
      const reuse = failing.length === 0 ? undefined : reuseOf(peer, topology, facts['nginx-instances']);
      if (reuse === undefined) return [];
      // Where workers die as requests fail, the connection's age is not what ends them.
      const isDying = events.some(
        event => event.serviceId === peer.serviceId && deaths.has(event.kind) && failing.some(group => Math.abs(group.lastMs - event.timeMs) < 3000),
      );
      return isDying ? [] : [{ address: peer.address, reuse }];
    });
    const plain = asked.filter(({ reuse }) => !reuse.route.tls);
    const measured = plain.slice(0, mostPeers);
    const answers = yield* askAll(
      measured.map(({ address, reuse: { route, timeoutMs } }) => {
        const idleMs = Math.min(longestMs, timeoutMs + marginMs);
        const request = { kind: 'idle', address, path: route.samplePath ?? '/', hostHeader: hostHeaderOf(route, topology), idleMs } as const;
        return { kind: 'probe', request } as const;
      }),
    );
    const gaps = [
      ...measured.flatMap(({ address, reuse }, index) => {
        const answer = answers[index];
        const outcome = answer?.state === 'known' ? answer.value.outcome : undefined;
        const idle = outcome?.state === 'answered' ? outcome.answer.idle : undefined;
        if (idle?.ended !== 'open' || idle.ms >= reuse.timeoutMs) return [];
        return [gap(address, reuse, `leaves an idle connection open for longer than ${(idle.ms / 1000).toFixed(1)} s, and badhop waited no longer`)];
      }),
      ...plain.slice(mostPeers).map(({ address, reuse }) => gap(address, reuse, `was not measured, because ${mostPeers} others were`)),
      ...asked.filter(({ reuse }) => reuse.route.tls).map(({ address, reuse }) => gap(address, reuse, 'was not measured, because it speaks TLS')),
    ];
    return known(
      answers.flatMap(answer => (answer.state === 'known' ? [answer.value] : [])),
      [],
      gaps,
    );
  },
});

/** The commands hold nothing of the host but an address of digits. */
function gap(address: Address, reuse: Reuse, what: string): Gap {
  const seconds = Number.isFinite(reuse.timeoutMs) ? Math.ceil(reuse.timeoutMs / 1000) + 1 : 120;
  const isPlain = address.kind === 'tcp' && !reuse.route.tls && /^[\da-fA-F.:]+$/.test(address.host);
  const how = isPlain
    ? `To see when it closes, measure it yourself: time timeout ${seconds} bash -c 'exec 3<>/dev/tcp/${address.host}/${address.port}; printf "GET / HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n" >&3; cat <&3 >/dev/null'`
    : `Compare its own keep-alive setting with those ${seconds - 1} s.`;
  return { why: `${formatAddress(address)} ${what}; nginx keeps it ${keptFor(reuse)}.`, how };
}
