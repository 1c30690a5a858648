import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { denied, known } from '../model/fact.ts';
import type { Facts } from '../model/facts.ts';
import type { NetworkNamespaces } from '../model/facts/network.ts';
import type { Listener, ProcessInfo } from '../model/facts/system.ts';
import networkNamespaces from './network-namespaces.ts';
import { runCollector, type FakeHost } from './testing.ts';

const id = '9ec39b91f3d70e1beff50a308f77067065ea6be0d91a3378375056cd4422cf3d';
const own = 'net:[4026531840]';
const apart = 'net:[4026532400]';
/** A listener on 0.0.0.0:8000, as the kernel prints it. */
const tcp =
  '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n' +
  '   0: 00000000:1F40 00000000:0000 0A 00000000:00000000 00:00000000 00000000    33        0 21586 1 0000000000000000 100 0 0 10 0\n';
const trie = '           |-- 172.18.0.5\n              /32 host LOCAL\n';

function process(pid: number, change: Partial<ProcessInfo> = {}): ProcessInfo {
  return { pid, ppid: 1, state: 'S', comm: 'x', argv: ['x'], uid: 0, startMs: 0, rssBytes: 1, threads: 1, cpuMs: 0, ...change };
}

const container: FakeHost = {
  stats: {
    '/proc/self/ns/net': { target: own },
    '/proc/10/ns/net': { target: own },
    '/proc/20/ns/net': { target: apart },
    '/proc/20/fd/3': { target: 'socket:[21586]' },
    '/run/netns/edge': { inode: 4_026_532_400 },
  },
  folders: { '/proc/20/fd': ['3'], '/run/netns': ['edge'] },
  files: { '/proc/20/net/tcp': tcp, '/proc/20/net/tcp6': '', '/proc/20/net/fib_trie': trie, '/proc/1/comm': 'systemd\n' },
  programs: {
    'docker ps --no-trunc --format {{json .}}': readFileSync(new URL('../parsers/container-names.fixtures/docker-20.10.txt', import.meta.url), 'utf8'),
  },
};

function collect(host: FakeHost, { listeners = [], nginxPid = 10 }: { readonly listeners?: readonly Listener[]; readonly nginxPid?: number } = {}) {
  const facts = {
    processes: known([process(10), process(20, { cgroup: `/system.slice/docker-${id}.scope` })]),
    'nginx-instances': known([{ id: 'nginx', running: true, masterPid: nginxPid, workers: [] }]),
    'nginx-layout': known({ groups: [{ members: [{ host: '127.0.0.1', port: 8000 }] }] }),
    listeners: known(listeners),
  } as unknown as Pick<Facts, 'processes' | 'nginx-instances' | 'nginx-layout' | 'listeners'>;
  const { fact, asked } = runCollector(networkNamespaces, facts, host);
  const value: Partial<NetworkNamespaces> = fact.state === 'known' ? fact.value : {};
  return { value, problems: fact.state === 'known' ? (fact.problems ?? []) : [], asked };
}

describe('network-namespaces', () => {
  it('looks into a container where nobody here listens on a port that nginx asks for', () => {
    const { value, problems } = collect(container);
    expect(value).toMatchObject({ own, ofInstances: [] });
    expect(value.others).toMatchObject([
      {
        id: apart,
        name: 'edge',
        pids: [20],
        addresses: ['172.18.0.5'],
        container: { engine: 'docker', name: 'shop-api-1', networks: ['shop_back', 'shop_front'] },
      },
    ]);
    expect(value.others?.[0]?.listeners).toMatchObject([{ host: '0.0.0.0', port: 8000, pids: [20] }]);
    expect(problems).toEqual([]);
  });

  it('looks into none where the port is taken here, and asks no engine', () => {
    const here: Listener = { kind: 'tcp', host: '127.0.0.1', port: 8000, queue: 0, backlog: 1, pids: [10] };
    const { value, asked } = collect(container, { listeners: [here] });
    expect(value.others).toEqual([]);
    expect(asked.some(request => request.kind === 'exec')).toBe(false);
  });

  it('says where an nginx is that badhop cannot probe for', () => {
    const { value, problems } = collect(container, { nginxPid: 20 });
    expect(value.ofInstances).toEqual([{ instanceId: 'nginx', pid: 20, namespace: apart }]);
    expect(problems[0]).toContain('nsenter -t 20 -n badhop diagnose');
  });

  it('names a container by its id where the engine does not answer', () => {
    const { value } = collect({ ...container, programs: { 'docker ps --no-trunc --format {{json .}}': denied('permission denied') } });
    expect(value.others?.[0]?.container?.name).toBe('9ec39b91f3d7');
  });

  it('tells networks apart by the number of their list of sockets where the links are closed to this user', () => {
    const stats = {
      '/proc/self/ns/net': { target: own },
      '/proc/10/ns/net': denied('permission denied'),
      '/proc/20/ns/net': denied('permission denied'),
      '/proc/self/net/tcp': { inode: 4_026_531_910 },
      '/proc/10/net/tcp': { inode: 4_026_531_910 },
      '/proc/20/net/tcp': { inode: 4_026_532_203 },
    };
    const { value, problems } = collect({ ...container, stats });
    expect(value.others).toMatchObject([{ id: 'net/tcp of inode 4026532203', pids: [20], addresses: ['172.18.0.5'] }]);
    expect(problems).toEqual([]);
  });

  it('says so where not even that can be seen', () => {
    const stats = {
      '/proc/self/ns/net': { target: own },
      '/proc/20/ns/net': denied('no'),
      '/proc/self/net/tcp': { inode: 1 },
      '/proc/20/net/tcp': denied('no'),
    };
    const { value, problems } = collect({ ...container, stats });
    expect(value).toMatchObject({ others: [], ofInstances: [] });
    expect(problems[0]).toContain('run as root');
  });

  it('knows when badhop itself is in a container for one program, and when in a whole system', () => {
    const stats = { ...container.stats, '/.dockerenv': {} };
    const files = { ...container.files, '/proc/1/comm': 'nginx\n' };
    expect(collect({ ...container, stats, files }).value.inside).toMatchObject({ engine: 'docker' });
    expect(collect({ ...container, stats }).value.inside).toBeUndefined();
    const byGroup = { ...container.files, '/proc/1/comm': 'nginx\n', '/proc/1/cgroup': `0::/kubepods/besteffort/pod1/${id}\n` };
    expect(collect({ ...container, files: byGroup }).value.inside).toMatchObject({ engine: 'kubernetes' });
  });

  it('asks some of a crowd for its network, and all of one in which they differ', () => {
    const workers = Array.from({ length: 60 }, (_, index) => process(100 + index, { ppid: 10 }));
    const linksOf = (apartFrom: number): FakeHost['stats'] =>
      Object.fromEntries(workers.map(({ pid }) => [`/proc/${pid}/ns/net`, { target: pid < apartFrom ? own : apart }]));
    const ask = (apartFrom: number) => {
      const facts = {
        processes: known([process(10), ...workers]),
        'nginx-instances': known([{ id: 'nginx', running: true, masterPid: 10, workers: [] }]),
        'nginx-layout': known({ groups: [{ members: [{ host: '127.0.0.1', port: 8000 }] }] }),
        listeners: known([]),
      } as unknown as Pick<Facts, 'processes' | 'nginx-instances' | 'nginx-layout' | 'listeners'>;
      const { fact, asked } = runCollector(networkNamespaces, facts, { ...container, stats: { ...container.stats, ...linksOf(apartFrom) } });
      const others = fact.state === 'known' ? fact.value.others.flatMap(({ pids }) => pids) : [];
      return { others, links: asked.filter(request => request.kind === 'stat' && request.path.endsWith('/ns/net')).length };
    };
    expect(ask(1000)).toEqual({ others: [], links: 10 });
    expect(ask(150)).toEqual({ others: workers.map(({ pid }) => pid).filter(pid => pid >= 150), links: 62 });
    expect(ask(0)).toEqual({ others: workers.map(({ pid }) => pid), links: 10 });
  });
});
