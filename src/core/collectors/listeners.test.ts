import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import type { Request } from '../model/collector.ts';
import { known } from '../model/fact.ts';
import connections from './connections.ts';
import type { ProcessInfo } from '../model/facts/system.ts';
import listeners from './listeners.ts';
import listeningSockets from './listening-sockets.ts';
import { runCollector, type FakeHost } from './testing.ts';

const sample = (path: string): string => readFileSync(new URL(`../parsers/${path}`, import.meta.url), 'utf8');
const files = {
  '/proc/net/tcp': sample('proc-net-tcp.fixtures/tcp-linux-6.18.txt'),
  '/proc/net/tcp6': sample('proc-net-tcp.fixtures/tcp6-linux-6.18.txt'),
  '/proc/net/unix': sample('proc-net-unix.fixtures/linux-6.18.txt'),
};
const programs = { 'ss -Hltxnpe': sample('ss.fixtures/tcp-unix-iproute2-6.1.0.txt'), 'ss -Htan': sample('ss.fixtures/connections-iproute2-6.1.0.txt') };

/** Both steps: the sockets, and then their owners. */
function runListeners(host: FakeHost, processes: readonly ProcessInfo[] = []): ReturnType<typeof runCollector<'listeners', 'listening-sockets' | 'processes'>> {
  const sockets = runCollector(listeningSockets, {}, host);
  const owners = runCollector(listeners, { 'listening-sockets': sockets.fact, processes: known(processes) }, host);
  return { ...owners, asked: [...sockets.asked, ...owners.asked] };
}

it('joins what the kernel and ss say of a socket', () => {
  const { fact, asked } = runListeners({ files: { '/proc/net/unix': sample('proc-net-unix.fixtures/linux-6.18-queue.txt') }, programs });
  expect(fact).toMatchObject({ state: 'known' });
  const value = fact.state === 'known' ? fact.value : [];
  expect(value).toContainEqual({ kind: 'tcp', host: '127.0.0.1', port: 8100, queue: 3, backlog: 2, inode: 970_360, pids: [2478] });
  expect(value).toContainEqual({ kind: 'tcp', host: '127.0.0.1', port: 8103, queue: 0, backlog: 5, inode: 970_366, pids: [2478] });
  expect(value).toContainEqual({ kind: 'tcp', host: '*', port: 8101, v6only: false, queue: 0, backlog: 5, inode: 970_364, pids: [2478] });
  expect(value).toContainEqual({ kind: 'tcp', host: '::', port: 8102, v6only: true, queue: 0, backlog: 5, inode: 970_365, pids: [2478] });
  expect(value).toContainEqual({ kind: 'unix', host: '', port: 0, path: '/run/with blank.sock', queue: 2, backlog: 2, inode: 970_367, pids: [2478] });
  // The kernel's list of all connections is slow to read where there are many.
  expect(asked.map(request => request.kind)).toEqual(['exec', 'read', 'exec', 'exec']);
});

it('asks for the owners apart, and ss only for what that has left', () => {
  const withOwners = sample('ss.fixtures/tcp-unix-iproute2-6.1.0.txt');
  const quick = withOwners.replace(/ users:\(\(.*?\)\)/g, '');
  expect(quick).not.toContain('pid=');
  const expected = runListeners({ programs }).fact;
  const inodes = expected.state === 'known' ? expected.value.map(({ inode, pids }) => ({ inode: inode ?? 0, pids })) : [];
  const run = (owners: readonly { inode: number; pids: readonly number[] }[], isWhole: boolean): ReturnType<typeof runListeners> =>
    runListeners({
      programs: { 'ss -Hltxne': quick, 'ss -Hltxnpe': withOwners },
      answer: request => (request.kind === 'owners' ? known({ owners: owners.filter(({ inode }) => request.inodes.includes(inode)), isWhole }) : undefined),
    });
  const words = (asked: readonly Request[]): readonly string[] => asked.flatMap(request => (request.kind === 'exec' ? [request.argv.join(' ')] : []));

  const all = run(
    inodes.filter(({ pids }) => pids.length > 0),
    true,
  );
  expect(all.fact).toEqual(expected);
  expect(words(all.asked)).toEqual(['ss -Hltxne', 'ss -Htlnm']);

  const cut = run([], false);
  expect(cut.fact).toEqual(expected);
  expect(words(cut.asked)).toEqual(['ss -Hltxne', 'ss -Htlnm', 'ss -Hltxnpe']);

  const hidden = run([], true);
  expect(words(hidden.asked)).toEqual(['ss -Hltxne', 'ss -Htlnm']);
  expect(hidden.fact).toMatchObject({ problems: [expect.stringContaining('are not known')] });
});

it('looks for owners among some of a crowd first, and among all where these hold a socket or one is left', () => {
  const quick = 'tcp LISTEN 0 511 127.0.0.1:8100 0.0.0.0:* ino:71 sk:1\n';
  const worker = (pid: number): ProcessInfo => ({ pid, ppid: 10, state: 'S', comm: 'x', argv: ['x'], uid: 0, startMs: 0, rssBytes: 1, threads: 1, cpuMs: 0 });
  const crowd = Array.from({ length: 60 }, (_, index) => worker(100 + index));
  const ask = (holders: readonly number[]) => {
    const { fact, asked } = runListeners(
      {
        programs: { 'ss -Hltxne': quick },
        answer: request => {
          if (request.kind !== 'owners') return undefined;
          const pids = holders.filter(pid => request.pids?.includes(pid) !== false);
          return known({ owners: pids.length === 0 ? [] : [{ inode: 71, pids }], isWhole: true });
        },
      },
      [{ ...worker(10), ppid: 1 }, ...crowd],
    );
    return {
      pids: fact.state === 'known' ? fact.value.flatMap(listener => listener.pids) : [],
      looked: asked.flatMap(request => (request.kind === 'owners' ? [request.pids?.length] : [])),
    };
  };
  expect(ask([10])).toEqual({ pids: [10], looked: [9] });
  expect(ask([10, ...crowd.map(({ pid }) => pid)])).toEqual({ pids: [10, ...crowd.map(({ pid }) => pid)], looked: [9, undefined] });
  expect(ask([103])).toEqual({ pids: [103], looked: [9, undefined] });
  expect(ask([])).toEqual({ pids: [], looked: [9, undefined] });
});

it('does without ss: queues from /proc, owners from file descriptors, no backlog', () => {
  const { fact } = runListeners({
    files,
    folders: { '/proc': ['1036', '2', 'net'], '/proc/1036/fd': ['0', '3', '5'], '/proc/2/fd': [] },
    stats: { '/proc/1036/fd/3': { kind: 'link', target: 'socket:[161388]' }, '/proc/1036/fd/5': { kind: 'link', target: 'socket:[161390]' } },
  });
  expect(fact).toMatchObject({ state: 'known', problems: [expect.stringContaining('iproute2'), expect.stringContaining('root')] });
  const value = fact.state === 'known' ? fact.value : [];
  expect(value).toContainEqual({ kind: 'tcp', host: '127.0.0.1', port: 8100, queue: 3, backlog: -1, inode: 161_388, pids: [1036] });
  expect(value).toContainEqual({ kind: 'unix', host: '', port: 0, path: '/run/with blank.sock', queue: 2, backlog: -1, inode: 161_390, pids: [1036] });
});

it('does without /proc/net', () => {
  const { fact } = runListeners({ programs });
  expect(fact.state === 'known' && fact.value.map(one => one.path ?? one.port)).toEqual(expect.arrayContaining([80, 8100, '/run/with blank.sock']));
});

it('is not known where neither answers', () => {
  expect(runListeners({}).fact.state).toBe('absent');
});

it('counts connections by peer, by listener and by state', () => {
  const { fact } = runCollector(connections, {}, { files });
  const value = fact.state === 'known' ? fact.value : undefined;
  expect(value?.byRemote).toContainEqual({ state: 'ESTAB', local: '', remote: '127.0.0.1:8100', count: 3 });
  expect(value?.byRemote).toContainEqual({ state: 'ESTAB', local: '', remote: '[::1]:80', count: 1 });
  expect(value?.byLocal).toContainEqual({ state: 'ESTAB', local: '127.0.0.1:8100', remote: '', count: 3 });
  expect(value?.byLocal).toContainEqual({ state: 'unix', local: 'unix:/run/dbus/system_bus_socket', remote: '', count: 2 });
  expect(value?.byState['ESTAB']).toBe(10);
});

it("counts the same from ss: a listener's clients together, the others by their peer", () => {
  const { fact, asked } = runCollector(connections, {}, { files: { '/proc/net/unix': '' }, programs });
  const value = fact.state === 'known' ? fact.value : undefined;
  expect(value?.byLocal).toContainEqual({ state: 'TIME-WAIT', local: '127.0.0.1:80', remote: '', count: 3 });
  expect(value?.byRemote).toContainEqual({ state: 'TIME-WAIT', local: '', remote: '127.0.0.1:80', count: 3 });
  expect(value?.byRemote).toContainEqual({ state: 'ESTAB', local: '', remote: '127.0.0.4:80', count: 2 });
  expect(value?.byState).toEqual({ ESTAB: 6, 'TIME-WAIT': 6 });
  expect(asked.map(request => request.kind)).toEqual(['exec', 'read']);
});

it('tells what the kernel had dropped before a listener, all sockets of an address together', () => {
  const listening = 'tcp LISTEN 0 2 127.0.0.1:8322 0.0.0.0:* ino:5 sk:1\ntcp LISTEN 0 2 127.0.0.1:8323 0.0.0.0:* ino:6 sk:2\n';
  const drops =
    'LISTEN 0 2 127.0.0.1:8322 0.0.0.0:*\n\t skmem:(r0,d40)\nLISTEN 0 2 127.0.0.1:8322 0.0.0.0:*\n\t skmem:(r0,d2)\nLISTEN 0 2 127.0.0.1:8323 0.0.0.0:*\n';
  const { fact } = runListeners({ programs: { 'ss -Hltxne': listening, 'ss -Htlnm': drops } });
  const value = fact.state === 'known' ? fact.value : [];
  expect(value.map(({ port, dropped }) => [port, dropped])).toEqual([
    [8322, 42],
    [8323, undefined],
  ]);
});
