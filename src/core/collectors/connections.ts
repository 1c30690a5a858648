import { ask, defineCollector } from '../model/collector.ts';
import { known } from '../model/fact.ts';
import type { ConnectionCount } from '../model/facts/system.ts';
import { formatAddress } from '../model/host.ts';
import { scanProcNetTcp } from '../parsers/proc-net-tcp.ts';
import { parseProcNetUnix } from '../parsers/proc-net-unix.ts';
import { textOf } from './shared/answers.ts';

const NET_LIMIT = { limit: 67_108_864 } as const;

export default defineCollector({
  id: 'connections',
  title: 'Connections by state, towards each peer and at each listener',
  needs: [],
  *collect() {
    const [tcp4, tcp6, unix] = yield* ask(
      { kind: 'read', path: '/proc/net/tcp', options: NET_LIMIT },
      { kind: 'read', path: '/proc/net/tcp6', options: NET_LIMIT },
      { kind: 'read', path: '/proc/net/unix', options: NET_LIMIT },
    );
    if (tcp4.state !== 'known') return tcp4;
    const byRemote = new Map<string, ConnectionCount>();
    const byLocal = new Map<string, ConnectionCount>();
    const byState = new Map<string, number>();
    const problems: string[] = [];
    for (const answer of [tcp4, tcp6]) {
      const unread = scanProcNetTcp(textOf(answer) ?? '', socket => {
        if (socket.state === 'LISTEN') return;
        const local = formatAddress({ kind: 'tcp', host: socket.localHost, port: socket.localPort });
        const remote = formatAddress({ kind: 'tcp', host: socket.remoteHost, port: socket.remotePort });
        byState.set(socket.state, (byState.get(socket.state) ?? 0) + 1);
        countInto(byRemote, socket.state, '', remote);
        countInto(byLocal, socket.state, local, '');
      });
      if (unread > 0) problems.push(`${unread} lines of /proc/net/tcp were not understood.`);
      if (answer.state === 'known' && !answer.value.atEnd) problems.push('There are more connections than were read.');
    }
    for (const socket of parseProcNetUnix(textOf(unix) ?? '')) {
      if (socket.state !== 'connected') continue;
      byState.set('unix', (byState.get('unix') ?? 0) + 1);
      countInto(byLocal, 'unix', `unix:${socket.path}`, '');
    }
    return known({ byRemote: [...byRemote.values()], byLocal: [...byLocal.values()], byState: Object.fromEntries(byState) }, problems);
  },
});

function countInto(groups: Map<string, ConnectionCount>, state: string, local: string, remote: string): void {
  const key = `${state} ${local} ${remote}`;
  const before = groups.get(key);
  groups.set(key, { state, local, remote, count: (before?.count ?? 0) + 1 });
}
