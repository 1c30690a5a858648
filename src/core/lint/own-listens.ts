import { isIpLiteral } from '../derive/pass-target.ts';
import { isLoopback, type WrittenAddress } from './addresses.ts';
import type { LintListen, LintServer } from './servers.ts';
import type { LintView } from './view.ts';

/** A server of this very configuration that takes connections to an address, by the `listen` that does. */
export interface OwnListen {
  readonly server: LintServer;
  readonly listen: LintListen;
}

/**
 * The servers of this configuration that an address leads to: a loopback address at a port that some server listens on there or everywhere,
 * or an address that is written in a `listen` itself. Another machine's address is none of them, however it is called.
 */
export function ownListens(view: LintView, address: WrittenAddress, port: number | undefined): readonly OwnListen[] {
  const { host, path } = address;
  if (path !== undefined) return listensOf(view).get(`unix:${path}`) ?? [];
  if (host === undefined || port === undefined) return [];
  return (listensOf(view).get(String(port)) ?? []).filter(({ listen }) => {
    if (listen.host.toLowerCase() === host.toLowerCase()) return isIpLiteral(host);
    if (!isLoopback(host)) return false;
    if (host === '::1') return listen.host === '::';
    return listen.host === '*' || isLoopback(listen.host) || (listen.host === '::' && listen.parameters.has('ipv6only=off'));
  });
}

/**
 * The servers of http that have this very name and listen on the port: where the name leads to this machine, as a server's own name mostly
 * does, one of them takes the connection.
 */
export function namesakes(view: LintView, { host, variables }: WrittenAddress, port: number | undefined): readonly OwnListen[] {
  if (host === undefined || port === undefined || variables.length > 0 || !host.includes('.') || isIpLiteral(host)) return [];
  return (listensOf(view).get(String(port)) ?? []).filter(({ server }) => server.layer === 'http' && server.names.includes(host.toLowerCase()));
}

const known = new WeakMap<LintView, ReadonlyMap<string, readonly OwnListen[]>>();

/** By port, or by the socket's path. */
function listensOf(view: LintView): ReadonlyMap<string, readonly OwnListen[]> {
  const before = known.get(view);
  if (before !== undefined) return before;
  const all = new Map<string, OwnListen[]>();
  for (const server of view.servers) {
    for (const listen of server.listens) {
      // UDP (QUIC too) is no TCP port that a pass could reach.
      if (listen.parameters.has('quic') || listen.parameters.has('udp')) continue;
      const key = listen.path === undefined ? String(listen.port) : `unix:${listen.path}`;
      const same = all.get(key);
      if (same === undefined) all.set(key, [{ server, listen }]);
      else same.push({ server, listen });
    }
  }
  known.set(view, all);
  return all;
}
