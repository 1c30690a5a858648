import { askAll, defineCollector } from '../model/collector.ts';
import { absent, known, valueOr } from '../model/fact.ts';
import type { UpgradeAnswers } from '../model/facts/upgrade.ts';
import { isWorthAsking } from '../model/lost-upgrades.ts';
import { upgradeCandidates } from '../model/upgrade-candidates.ts';
import type { ProbeRequest } from '../model/probe.ts';
import { hostHeaderOf, sendsName, serverNameOf } from './shared/peer-questions.ts';

const mostAsked = 6;
const noPath = '/badhop-asks-for-no-socket';
// A server of WebSockets answers their opening at once.
const timeoutMs = 1500;

/** Asked only where requests that may have been openings of WebSockets were refused at a location that does not pass them on whole. */
export default defineCollector({
  id: 'upgrade-answers',
  title: 'whether backends take a WebSocket where requests for one seem to be refused',
  needs: ['topology', 'nginx-config', 'nginx-access-log', 'nginx-error-log'],
  *collect(facts, context) {
    if (facts.topology.state !== 'known') return facts.topology;
    if (!context.probing) return absent('probing is switched off', 'Leave out --no-probe.');
    const topology = facts.topology.value;
    const access = valueOr(facts['nginx-access-log'], undefined);
    if (access === undefined) return known([]);
    const errors = valueOr(facts['nginx-error-log'], undefined)?.groups ?? [];
    const view = { topology, configs: valueOr(facts['nginx-config'], []), access, errors };
    const candidates = upgradeCandidates(view)
      // A peer in another network namespace is not the one that is reached from here.
      .filter(candidate => candidate.peer.namespace === undefined && isWorthAsking(candidate, view))
      .slice(0, mostAsked);
    const questions = candidates.flatMap(({ taken: { route }, peer, uri, forwarding }) => {
      const tls = route.tls ? { tls: sendsName(route) ? { serverName: serverNameOf(route, peer) } : {} } : {};
      const whole = { kind: 'upgrade', address: peer.address, path: uri, hostHeader: hostHeaderOf(route, topology), ...tls, timeoutMs } as const;
      return [whole, { ...whole, as: forwarding.sends }, { ...whole, path: noPath }] satisfies ProbeRequest[];
    });
    const answers = yield* askAll(questions.map(request => ({ kind: 'probe', request }) as const));
    return known(
      candidates.flatMap(({ taken, urlTemplate, peer }, index): readonly UpgradeAnswers[] => {
        const [whole, passed, elsewhere] = answers.slice(index * 3, index * 3 + 3);
        if (whole?.state !== 'known' || passed?.state !== 'known' || elsewhere?.state !== 'known') return [];
        return [{ routeId: taken.route.id, urlTemplate, peerId: peer.id, whole: whole.value, passed: passed.value, elsewhere: elsewhere.value }];
      }),
    );
  },
});
