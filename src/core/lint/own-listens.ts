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
  return listensOf(view).filter(({ listen }) => {
    if (path !== undefined || listen.path !== undefined) return path !== undefined && path === listen.path;
    if (host === undefined || port !== listen.port) return false;
    if (listen.host.toLowerCase() === host.toLowerCase()) return isIpLiteral(host);
    if (!isLoopback(host)) return false;
    if (host === '::1') return listen.host === '::';
    return listen.host === '*' || isLoopback(listen.host);
  });
}

const known = new WeakMap<LintView, readonly OwnListen[]>();

function listensOf(view: LintView): readonly OwnListen[] {
  let all = known.get(view);
  if (all === undefined) {
    // UDP (QUIC too) is no TCP port that a pass could reach.
    all = view.servers.flatMap(server =>
      server.listens.filter(({ parameters }) => !parameters.has('quic') && !parameters.has('udp')).map(listen => ({ server, listen })),
    );
    known.set(view, all);
  }
  return all;
}
