import { describe, expect, it } from 'vitest';
import { known } from '../model/fact.ts';
import type { Facts } from '../model/facts.ts';
import type { MessageClass } from '../model/facts/logs.ts';
import type { ProbeOutcome, ProbeRequest, ProbeResult } from '../model/probe.ts';
import pathSizes from './path-sizes.ts';
import { runCollector, TEST_CONTEXT } from './testing.ts';

const id = '198.51.100.12:8080';

function facts(kind: MessageClass, local = false): Pick<Facts, 'topology' | 'nginx-error-log'> {
  const [host = '', port] = id.split(':');
  const peer = { id, address: { kind: 'tcp', host, port: Number(port) }, local, flags: { down: false }, routeIds: ['r'] };
  const route = {
    id: 'r',
    serverId: 's',
    location: 'location /',
    pass: 'proxy',
    tls: false,
    target: `http://${id}`,
    settings: { read_timeout: { ms: 60_000 } },
    headers: [],
  };
  const group = { class: kind, peer: id, method: 'GET', count: 3, subrequest: false, samples: [{ uri: '/report' }] };
  return {
    topology: known({ servers: [], routes: [route], groups: [], peers: [peer] }),
    'nginx-error-log': known({ coverage: [], groups: [group], unread: [] }),
  } as unknown as Pick<Facts, 'topology' | 'nginx-error-log'>;
}

const programs = {
  'ip route get 198.51.100.12': '198.51.100.12 via 192.0.2.254 dev lan1 src 192.0.2.11 uid 0 \n    cache \n',
  'ip -o link show dev lan1': '3: lan1@if2: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP mode DEFAULT group default qlen 1000\n',
};

/** A peer that gets requests of up to so many bytes in a packet, and answers all but the report. */
function peerBehind(largest: number) {
  return (request: ProbeRequest): ProbeOutcome => {
    const packet = request.kind === 'http' ? (request.padToBytes ?? 100) + 52 : 0;
    if (packet > largest || (request.kind === 'http' && request.path === '/report')) return { state: 'no-answer' };
    return { state: 'answered', speaks: 'http', answer: { status: 404, bytes: 150, complete: true } };
  };
}

function run(given: ReturnType<typeof facts>, peer: (request: ProbeRequest) => ProbeOutcome, context = TEST_CONTEXT) {
  return runCollector(
    pathSizes,
    given,
    {
      programs,
      answer: request =>
        request.kind === 'probe' ? known({ request: request.request, outcome: peer(request.request), connectMs: 1, ms: 2 } satisfies ProbeResult) : undefined,
    },
    context,
  );
}

describe('path-sizes', () => {
  it('searches the largest packet that is answered, between two plain questions', () => {
    const { fact } = run(facts('read-timeout'), peerBehind(1420));
    const [path] = fact.state === 'known' ? fact.value : [];
    expect(path).toMatchObject({ mtu: 1500, address: '198.51.100.12', page: { outcome: { state: 'no-answer' } } });
    const answers = path?.asked.map(one => [one.packetBytes, one.probe.outcome.state]) ?? [];
    expect(answers.at(0)).toEqual([0, 'answered']);
    expect(answers.at(-1)).toEqual([0, 'answered']);
    expect(answers).toContainEqual([1420, 'answered']);
    expect(answers.filter(([size]) => size === 1450)).toEqual([1450, 1450, 1450].map(size => [size, 'no-answer']));
    expect(answers.filter(([size]) => size === 0)).toHaveLength(3);
  });

  it('comes to no end where a packet of the full size is answered the second time', () => {
    let asked = 0;
    const busyOnce = (request: ProbeRequest): ProbeOutcome => {
      const isFull = request.kind === 'http' && (request.padToBytes ?? 0) > 1500;
      return isFull && asked++ === 0 ? { state: 'no-answer' } : peerBehind(9000)(request);
    };
    const { fact } = run(facts('read-timeout'), busyOnce);
    const full = fact.state === 'known' ? fact.value[0]?.asked.filter(one => one.packetBytes === 1500) : [];
    expect(full?.map(one => one.probe.outcome.state)).toEqual(['no-answer', 'answered']);
  });

  it('asks no more sizes where a full packet is answered', () => {
    const { fact, asked } = run(facts('send-timeout'), peerBehind(9000));
    expect(fact.state === 'known' && fact.value[0]?.asked).toHaveLength(2);
    // Two small ones, the full one, and the page that timed out.
    expect(asked.filter(request => request.kind === 'probe')).toHaveLength(4);
  });

  it('asks nothing of peers on this host, of peers that cannot be connected to, and without leave to probe', () => {
    expect(run(facts('read-timeout', true), peerBehind(1420)).asked).toEqual([]);
    expect(run(facts('connect-timeout'), peerBehind(1420)).asked).toEqual([]);
    expect(run(facts('read-timeout'), peerBehind(1420), { ...TEST_CONTEXT, probing: false }).asked.every(request => request.kind === 'exec')).toBe(true);
  });
});
