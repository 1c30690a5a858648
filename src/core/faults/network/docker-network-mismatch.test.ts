import { describe, expect, it } from 'vitest';
import type { Hop } from '../../model/facts/hop.ts';
import type { ManagedProgram } from '../../model/facts/managed-program.ts';
import type { NetworkNamespace, NetworkNamespaces } from '../../model/facts/network.ts';
import type { Listener, ProcessInfo } from '../../model/facts/system.ts';
import { detections, hopOf, lostHop, peerOf, probeOf, processOf, serviceOf, symptomOf, unitOf, without } from '../backend/testing.ts';
import dockerNetworkMismatch from './docker-network-mismatch.ts';

const id = '9ec39b91f3d70e1beff50a308f77067065ea6be0d91a3378375056cd4422cf3d';
const app: ProcessInfo = processOf(4711, { argv: ['node', 'server.js'], comm: 'node', cgroup: `/docker/${id}` });

function listener(host: string, port = 8017, pids: readonly number[] = [4711]): Listener {
  return { kind: 'tcp', host, port, queue: 0, backlog: -1, inode: 99, pids };
}

function namespace(listeners: readonly Listener[], change: Partial<NetworkNamespace> = {}): NetworkNamespace {
  const container = { id, engine: 'docker', name: 'shop-api-1', networks: ['shop_back'], published: '8017/tcp' };
  return { id: 'net:[4026532400]', container, units: [], pids: [4711], listeners, addresses: ['172.18.0.5'], ...change };
}

function hostWith(others: readonly NetworkNamespace[], change: Partial<NetworkNamespaces> = {}): NetworkNamespaces {
  return { own: 'net:[4026531840]', others, ofInstances: [], ...change };
}

const unknown: Hop = without(lostHop(), 'service', 'unit');

function found(namespaces: NetworkNamespaces, hop: Hop = unknown, processes: readonly ProcessInfo[] = [app], listeners: readonly Listener[] = []) {
  return detections(dockerNetworkMismatch, { hops: [hop], 'network-namespaces': namespaces, processes, listeners, 'systemd-units': [], 'lost-peers': [] });
}

describe('docker-network-mismatch fires', () => {
  it('as likely on a container that listens on the port that nothing publishes', () => {
    const [finding] = found(hostWith([namespace([listener('0.0.0.0')])]));
    expect(finding).toMatchObject({
      confidence: 'likely',
      messageId: 'perhaps',
      data: { listens: '0.0.0.0:8017', reach: '; that place has the address 172.18.0.5' },
    });
    expect(finding?.data['there']).toBe('the container shop-api-1 (docker, network shop_back)');
    expect(finding?.fixData).toMatchObject({ kind: 'container', container: 'shop-api-1', port: 8017 });
  });

  it('as confirmed where the peer is the service that runs there, by its settings or its command line', () => {
    const service = serviceOf({ masterPid: 4711, workerPids: [], listening: [] });
    const here = { ...lostHop({ service }), unit: unitOf() };
    expect(found(hostWith([namespace([listener('127.0.0.1')])]), here)).toMatchObject([{ confidence: 'confirmed', messageId: 'elsewhere' }]);
    const named = { ...app, argv: ['node', 'server.js', '--listen=127.0.0.1:8017'] };
    expect(found(hostWith([namespace([listener('127.0.0.1')])]), unknown, [named])).toMatchObject([{ confidence: 'confirmed' }]);
    const longer = { ...app, argv: ['node', 'server.js', '--listen=127.0.0.1:80179'] };
    expect(found(hostWith([namespace([listener('127.0.0.1')])]), unknown, [longer])).toMatchObject([{ confidence: 'likely' }]);
  });

  it('where nginx is apart and what it asks for listens in the network of badhop', () => {
    const hop = { ...unknown, probes: [], peer: peerOf({ listeners: [], namespace: 'net:[4026532400]' }) };
    const edge = { id: 'net:[4026532400]', name: 'edge', units: ['nginx.service'], pids: [7], listeners: [], addresses: [] };
    expect(found(hostWith([edge]), hop, [app], [listener('127.0.0.1')])).toMatchObject([
      { data: { here: 'the network namespace "edge"', listens: '127.0.0.1:8017' } },
    ]);
  });

  it('as likely inside of a container for one program, where nothing else runs', () => {
    const inside = { engine: 'docker', sign: '/.dockerenv is there', path: '/.dockerenv' };
    const nginx = processOf(1, { ppid: 0, comm: 'nginx', argv: ['nginx: master process nginx -g daemon off;'] });
    expect(found(hostWith([], { inside }), unknown, [nginx])).toMatchObject([{ confidence: 'likely', messageId: 'inside' }]);
    expect(found(hostWith([], { inside }), unknown, [processOf(1, { ppid: 0, comm: 's6-svscan' }), nginx])).toMatchObject([{ confidence: 'possible' }]);
  });

  it('on a published port at whose end the program listens on another port or on its loopback', () => {
    const argv = '/usr/bin/docker-proxy -proto tcp -host-ip 127.0.0.1 -host-port 8017 -container-ip 172.18.0.5 -container-port 80'.split(' ');
    const proxy = processOf(31, { comm: 'docker-proxy', argv });
    const hop = hopOf({
      peer: peerOf({ listeners: [listener('127.0.0.1', 8017, [31])] }),
      probes: [probeOf({ state: 'closed', how: 'end' })],
      symptoms: [symptomOf('premature-close')],
    });
    expect(found(hostWith([namespace([listener('127.0.0.1', 80)])]), hop, [proxy])).toMatchObject([
      { messageId: 'published', data: { target: '172.18.0.5:80', inside: '127.0.0.1:80' } },
    ]);
    expect(found(hostWith([namespace([listener('0.0.0.0', 3000)])]), hop, [proxy])).toMatchObject([{ confidence: 'confirmed', fixData: { port: 3000 } }]);
    expect(found(hostWith([namespace([listener('0.0.0.0', 80)])]), hop, [proxy])).toEqual([]);
    expect(found(hostWith([namespace([])]), hop, [proxy])).toEqual([]);
  });
});

describe('docker-network-mismatch is silent', () => {
  it('when the service that should listen here does not run, whatever a container has on that port', () => {
    expect(found(hostWith([namespace([listener('0.0.0.0')])]), lostHop())).toEqual([]);
  });

  it('when the program of a process manager that should listen here was stopped, whoever has the same command elsewhere', () => {
    const web: ManagedProgram = {
      id: 'supervisor:web',
      manager: 'supervisor',
      name: 'web',
      label: 'supervisor program web',
      state: 'stopped',
      word: 'STOPPED',
      home: '/etc/supervisor/supervisord.conf',
      pids: [],
      instances: 1,
      command: 'node server.js --listen=127.0.0.1:8017',
      addresses: [],
      logFiles: [],
      lines: [],
      words: [],
    };
    const twin = { ...app, argv: ['node', 'server.js', '--listen=127.0.0.1:8017'] };
    const hop = { ...without(lostHop(), 'unit'), program: web };
    expect(found(hostWith([namespace([listener('127.0.0.1')])]), hop, [twin])).toEqual([]);
    const moved: Hop = { ...hop, program: { ...web, state: 'running', word: 'RUNNING', pids: [4711] } };
    expect(found(hostWith([namespace([listener('127.0.0.1')])]), moved, [twin])).toMatchObject([{ confidence: 'confirmed' }]);
  });

  it('when nobody listens on the port anywhere, and when somebody does where nginx is', () => {
    expect(found(hostWith([namespace([listener('0.0.0.0', 9000)])]))).toEqual([]);
    expect(found(hostWith([namespace([listener('0.0.0.0')])]), hopOf({ symptoms: [symptomOf('connect-refused')] }))).toEqual([]);
  });

  it('when the address there is one that does not take this one', () => {
    expect(found(hostWith([namespace([listener('172.18.0.5')])]))).toEqual([]);
  });

  it('when nothing was refused', () => {
    expect(found(hostWith([namespace([listener('0.0.0.0')])]), { ...unknown, probes: [], symptoms: [] })).toEqual([]);
  });
});
