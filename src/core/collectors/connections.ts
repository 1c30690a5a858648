import { ask, defineCollector } from '../model/collector.ts';
import { known } from '../model/fact.ts';
import type { ConnectionCount, Connections } from '../model/facts/system.ts';
import { formatAddress } from '../model/host.ts';
import { scanProcNetTcp, type TcpSocket } from '../parsers/proc-net-tcp.ts';
import { parseProcNetUnix } from '../parsers/proc-net-unix.ts';
import { scanSsConnections, type SsConnection } from '../parsers/ss.ts';
import { outputOf, textOf } from './shared/answers.ts';

const NET_LIMIT = { limit: 67_108_864 } as const;

export default defineCollector({
  id: 'connections',
  title: 'Connections by state, towards each peer and at each listener',
  needs: [],
  *collect() {
    const [ss, unix] = yield* ask(
      { kind: 'exec', argv: ['ss', '-Htan'], options: { timeoutMs: 3000, maxBytes: 33_554_432 } },
      { kind: 'read', path: '/proc/net/unix', options: NET_LIMIT },
    );
    const printed = outputOf(ss, 'ss');
    const problems: string[] = [];
    const tally = new Tally();
    if (printed.state === 'known') {
      tally.addAll((take, only) => scanSsConnections(printed.value, take, only), problems);
      if (ss.state === 'known' && ss.value.truncated) problems.push('There are more connections than were read.');
    } else {
      // The kernel hands these out in pieces of 4 KB: with many connections this takes ten times as long as ss.
      const [tcp4, tcp6] = yield* ask(
        { kind: 'read', path: '/proc/net/tcp', options: NET_LIMIT },
        { kind: 'read', path: '/proc/net/tcp6', options: NET_LIMIT },
      );
      if (tcp4.state !== 'known') return tcp4;
      const texts = [tcp4, tcp6].map(answer => textOf(answer) ?? '');
      tally.addAll(take => texts.reduce((unread, text) => unread + scanProcNetTcp(text, socket => take(connectionOf(socket))), 0), problems);
      if ([tcp4, tcp6].some(answer => answer.state === 'known' && !answer.value.atEnd)) problems.push('There are more connections than were read.');
    }
    for (const socket of parseProcNetUnix(textOf(unix) ?? '')) if (socket.state === 'connected') tally.addUnix(`unix:${socket.path}`);
    return known(tally.connections(), problems);
  },
});

type Take = (socket: SsConnection) => void;

/** Counts sockets. Those whose own end is a listener's count there, all others towards the peer: either has a few ends and not one for each client. */
class Tally {
  readonly #byRemote = new Map<string, Map<string, number>>();
  readonly #byLocal = new Map<string, Map<string, number>>();
  readonly #byState = new Map<string, number>();

  /** `scan` runs twice: listeners may stand behind their connections. */
  addAll(scan: (take: Take, only?: 'LISTEN') => number, problems: string[]): void {
    const listening = new Set<number>();
    scan(socket => {
      if (socket.state === 'LISTEN') listening.add(socket.localPort);
    }, 'LISTEN');
    const unread = scan(socket => {
      const { state } = socket;
      if (state === 'LISTEN') return;
      this.#byState.set(state, (this.#byState.get(state) ?? 0) + 1);
      if (listening.has(socket.localPort)) countInto(this.#byLocal, state, socket.local());
      else countInto(this.#byRemote, state, socket.remote());
    });
    if (unread > 0) problems.push(`${unread} lines about connections were not understood.`);
  }

  addUnix(local: string): void {
    this.#byState.set('unix', (this.#byState.get('unix') ?? 0) + 1);
    countInto(this.#byLocal, 'unix', local);
  }

  connections(): Connections {
    const list = (counts: Map<string, Map<string, number>>, toCount: (state: string, end: string, count: number) => ConnectionCount): ConnectionCount[] =>
      [...counts].flatMap(([state, ends]) => [...ends].map(([end, count]) => toCount(state, end, count)));
    return {
      byRemote: list(this.#byRemote, (state, remote, count) => ({ state, local: '', remote, count })),
      byLocal: list(this.#byLocal, (state, local, count) => ({ state, local, remote: '', count })),
      byState: Object.fromEntries(this.#byState),
    };
  }
}

function connectionOf(socket: TcpSocket): SsConnection {
  return {
    state: socket.state,
    localPort: socket.localPort,
    local: () => formatAddress({ kind: 'tcp', host: socket.localHost, port: socket.localPort }),
    remote: () => formatAddress({ kind: 'tcp', host: socket.remoteHost, port: socket.remotePort }),
  };
}

function countInto(counts: Map<string, Map<string, number>>, state: string, end: string): void {
  let ends = counts.get(state);
  if (ends === undefined) {
    ends = new Map<string, number>();
    counts.set(state, ends);
  }
  ends.set(end, (ends.get(end) ?? 0) + 1);
}
