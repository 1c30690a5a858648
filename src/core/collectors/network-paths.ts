import { askAll, defineCollector } from '../model/collector.ts';
import { known, valueOr, type Known } from '../model/fact.ts';
import type { NetworkPath } from '../model/facts/network.ts';
import type { ExecResult } from '../model/host.ts';
import { parseIpLink, parseIpNeighbour, parseIpRouteGet } from '../parsers/ip-route.ts';

const mostAddresses = 20;
const options = { timeoutMs: 2000, maxBytes: 65_536 } as const;

export default defineCollector({
  id: 'network-paths',
  title: 'Routes and neighbours towards backends on other hosts that cannot be reached',
  // Probing comes first: it is what fills the neighbour table.
  needs: ['topology', 'probe-results'],
  *collect(facts, context) {
    const peers = valueOr(facts.topology, undefined)?.peers ?? [];
    const failed = new Set(
      valueOr(facts['probe-results'], []).flatMap(({ request, outcome }) =>
        request.kind !== 'dns' && request.address.kind === 'tcp' && (outcome.state === 'connect-failed' || outcome.state === 'connect-timeout')
          ? [request.address.host]
          : [],
      ),
    );
    const remote = peers.flatMap(({ address, local, flags, namespace }) =>
      address.kind === 'tcp' && !local && !flags.down && namespace === undefined ? [address.host] : [],
    );
    const addresses = [...new Set(remote)].filter(address => failed.has(address) && isAddress(address)).slice(0, mostAddresses);
    const routes = yield* askAll(addresses.map(address => ({ kind: 'exec', argv: ['ip', 'route', 'get', address], options }) as const));
    const absent = routes.find(answer => answer.state === 'absent' || answer.state === 'denied');
    if (absent !== undefined && absent.state !== 'known') return absent;
    const read = addresses.map((address, index) => ({ address, ...parseIpRouteGet(said(routes[index])) }));
    const more = yield* askAll(
      read.flatMap(({ address, via, dev }) => [
        { kind: 'exec', argv: ['ip', 'neigh', 'show', via ?? address], options } as const,
        { kind: 'exec', argv: ['ip', '-o', 'link', 'show', 'dev', dev ?? 'lo'], options } as const,
        ...(context.probing ? [{ kind: 'exec', argv: ['ping', '-n', '-c', '1', '-W', '1', address], options } as const] : []),
      ]),
    );
    const width = context.probing ? 3 : 2;
    return known(
      read.map((path, index) => pathOf(path, more.slice(index * width, (index + 1) * width))),
      addresses.map(address => `${address} is another host: whether its service runs and what its firewall does is not seen from here (run badhop there).`),
    );
  },
});

function pathOf(path: NetworkPath, [neigh, link, ping]: readonly Known<ExecResult>[]): NetworkPath {
  const neighbour = parseIpNeighbour(said(neigh));
  const state = path.dev === undefined ? undefined : parseIpLink(said(link));
  const answer = ping?.state === 'known' ? { answered: ping.value.code === 0, text: lastLine(ping.value.stdout) } : undefined;
  return {
    ...path,
    ...(neighbour === undefined ? {} : { neighbour }),
    ...(state === undefined ? {} : { link: state }),
    ...(answer === undefined ? {} : { ping: answer }),
  };
}

function said(answer: Known<ExecResult> | undefined): string {
  return answer?.state === 'known' ? `${answer.value.stdout}${answer.value.stderr}` : '';
}

function lastLine(text: string): string {
  return (text.split('\n').findLast(line => line.includes('packets transmitted')) ?? '').slice(0, 200);
}

// Interfaces (`fe80::1%eth0`) are not for `ip route get`.
function isAddress(text: string): boolean {
  return /^[0-9a-fA-F.:]{2,45}$/.test(text);
}
