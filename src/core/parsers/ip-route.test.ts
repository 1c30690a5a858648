import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseIpLink, parseIpMtu, parseIpNeighbour, parseIpRouteGet } from './ip-route.ts';

const capture = readFileSync(new URL('ip-route.fixtures/iproute2-6.1.0.txt', import.meta.url), 'utf8');

/** What stands below `# COMMAND`, up to the next comment. */
function answer(command: string): string {
  const start = capture.indexOf(`# ${command}\n`) + command.length + 3;
  return capture.slice(start, capture.indexOf('\n# ', start) + 1);
}

describe('ip route get', () => {
  it('reads the interface, the router and the own address', () => {
    expect(parseIpRouteGet(answer('ip route get 203.0.113.5'))).toMatchObject({ route: 'found', dev: 'lan0', via: '192.0.2.1', source: '192.0.2.11' });
    expect(parseIpRouteGet(answer('ip route get 2001:db8::5'))).toMatchObject({ route: 'found', dev: 'lan0', source: '2001:db8::11' });
  });

  it.each([
    ['198.51.100.200', 'none'],
    ['198.51.100.7', 'blocked'],
    ['198.51.100.8', 'blocked'],
    ['198.51.100.9', 'blocked'],
  ])('of %s is %s', (address, route) => {
    expect(parseIpRouteGet(answer(`ip route get ${address}`)).route).toBe(route);
  });

  it('knows that it does not know', () => {
    expect(parseIpRouteGet('Error: any valid prefix is expected rather than "x".').route).toBe('unknown');
  });
});

describe('ip neigh and ip link', () => {
  it('read the state', () => {
    expect(parseIpNeighbour(answer('ip neigh show 192.0.2.55'))?.state).toBe('FAILED');
    expect(parseIpNeighbour(answer('ip neigh show 192.0.2.56'))?.state).toBe('REACHABLE');
    expect(parseIpNeighbour('')).toBeUndefined();
    expect(parseIpLink(answer('ip -o link show dev lan0'))?.up).toBe(true);
    expect(parseIpLink(answer('ip -o link show dev lan0 (peer down)'))?.up).toBe(false);
    expect(parseIpLink(answer('ip -o link show dev lan0 (down)'))?.up).toBe(false);
  });
});

it('never throws, and takes long text in linear time', () => {
  fc.assert(
    fc.property(fc.string(), text => {
      parseIpRouteGet(text);
      parseIpNeighbour(text);
      parseIpLink(text);
    }),
  );
  const started = performance.now();
  const long = 'dev via < > src '.repeat(200_000);
  parseIpRouteGet(long);
  parseIpNeighbour(long);
  parseIpLink(long);
  expect(performance.now() - started).toBeLessThan(2000);
});

describe('parseIpMtu', () => {
  it('tells the size of the interface, of a route and of what a router said', () => {
    expect(parseIpMtu('3: lan1@if2: <BROADCAST,UP> mtu 1500 qdisc noqueue state UP\n')).toMatchObject({ mtu: 1500, isCached: false });
    expect(parseIpMtu('198.51.100.12 via 192.0.2.1 dev lan1 src 192.0.2.11 uid 0 \n    cache mtu 1280 \n')).toMatchObject({
      mtu: 1280,
      dev: 'lan1',
      isCached: false,
    });
    expect(parseIpMtu('198.51.100.12 via 192.0.2.1 dev lan1 src 192.0.2.11 uid 0 \n    cache expires 598sec mtu 1400 \n')).toMatchObject({
      mtu: 1400,
      isCached: true,
    });
    expect(parseIpMtu('198.51.100.12 dev lan1 mtu lock 1280')).toMatchObject({ mtu: 1280 });
    expect(parseIpMtu('RTNETLINK answers: Network is unreachable')).toEqual({ isCached: false, text: 'RTNETLINK answers: Network is unreachable' });
  });
});
