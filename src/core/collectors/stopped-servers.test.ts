import { describe, expect, it } from 'vitest';
import { absent, known } from '../model/fact.ts';
import type { Facts } from '../model/facts.ts';
import stoppedServers from './stopped-servers.ts';
import { runCollector } from './testing.ts';

const heading = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n';
const hex = (port: number): string => port.toString(16).toUpperCase().padStart(4, '0');
/** A connection within the host, both ends: the server's is not accepted where its inode is 0. */
const pair = (port: number, client: number, inode: number): string =>
  [
    `   1: 0100007F:${hex(port)} 0100007F:${hex(client)} 01 00000000:00000000 00:00000000 00000000     0        0 0 1 0`,
    `   2: 0100007F:${hex(client)} 0100007F:${hex(port)} 01 00000000:00000000 00:00000000 00000000     0        0 ${inode} 1 0`,
    '',
  ].join('\n');

const listener = (port: number, pid: number, host = '127.0.0.1'): object => ({ kind: 'tcp', host, port, queue: 0, backlog: 64, pids: [pid] });
const process = (pid: number, state: string): object => ({ pid, state, comm: 'store' });

function run(tcp: string | undefined, states: Readonly<Record<number, string>>, owners: readonly object[] | undefined, host?: string) {
  const facts = {
    listeners: known([listener(6433, 700, host), listener(6480, 701, host)]),
    processes: known(Object.entries(states).map(([pid, state]) => process(Number(pid), state))),
    services: known([{ workerPids: [31, 32] }, { workerPids: [40] }]),
  } as unknown as Pick<Facts, 'listeners' | 'processes' | 'services'>;
  return runCollector(stoppedServers, facts, {
    ...(tcp !== undefined && { files: { '/proc/net/tcp': heading + tcp } }),
    answer: request => (request.kind === 'owners' ? (owners === undefined ? absent('not allowed') : known({ owners, isWhole: true })) : undefined),
  });
}

describe('stopped-servers', () => {
  it('reads nothing where no server is stopped', () => {
    const { fact, asked } = run('', { 700: 'S', 701: 'R' }, []);
    expect(fact).toEqual(known([]));
    expect(asked).toEqual([]);
  });

  it.each(['127.0.0.1', '0.0.0.0'])('tells which workers are connected to a stopped one at %s', host => {
    const tcp = pair(6433, 50_001, 11) + pair(6433, 50_002, 12) + pair(6433, 50_003, 13) + pair(6480, 50_004, 14);
    const { fact, asked } = run(
      tcp,
      { 700: 'T', 701: 'S' },
      [
        { inode: 11, pids: [31] },
        { inode: 12, pids: [31, 32] },
      ],
      host,
    );
    expect(fact).toEqual(
      known([
        {
          address: `${host}:6433`,
          clients: [
            { pid: 31, connections: 2 },
            { pid: 32, connections: 1 },
          ],
          unseen: 1,
        },
      ]),
    );
    expect(asked.find(request => request.kind === 'owners')).toEqual({ kind: 'owners', inodes: [11, 12, 13], pids: [31, 32, 40] });
  });

  it('counts all as unseen where this user may not look', () => {
    expect(run(pair(6433, 50_001, 11), { 700: 't', 701: 'S' }, undefined).fact).toEqual(known([{ address: '127.0.0.1:6433', clients: [], unseen: 1 }]));
  });

  it('takes no other connection to the same port for one to this server', () => {
    const elsewhere = '   3: 0100007F:C351 0A0200C0:1921 01 00000000:00000000 00:00000000 00000000     0        0 21 1 0\n';
    expect(run(elsewhere, { 700: 'T', 701: 'S' }, [{ inode: 21, pids: [31] }]).fact).toEqual(known([{ address: '127.0.0.1:6433', clients: [], unseen: 0 }]));
  });

  it('is not known where connections cannot be read', () => {
    expect(run(undefined, { 700: 'T', 701: 'S' }, []).fact.state).not.toBe('known');
  });
});
