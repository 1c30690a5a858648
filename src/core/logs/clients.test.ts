import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ClientCounter, isAddress, networkOf } from './clients.ts';
import { HeavyHitters } from './heavy-hitters.ts';
import { addSizes, placeOf, SizeCounter } from './sizes.ts';

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

function counted(addresses: readonly string[]): ClientCounter {
  const counter = new ClientCounter();
  for (const address of addresses) counter.add(bytesOf(`x${address}y`), 1, 1 + bytesOf(address).length);
  return counter;
}

describe('clients', () => {
  it('are counted by address and by network', () => {
    const counter = counted(['192.0.2.7', '192.0.2.7', '192.0.2.99', '198.51.100.1', '2001:db8:1::5', '2001:db8:1:2::6', '2001:db8::1']);
    expect(counter.total).toBe(7);
    expect([counter.ofClient('192.0.2.7'), counter.ofClient('192.0.2.8'), counter.ofNetwork('192.0.2.0/24')]).toEqual([2, 0, 3]);
    expect([counter.ofNetwork('2001:db8:1::/48'), counter.ofNetwork('2001:db8:0::/48')]).toEqual([2, 1]);
  });

  it.each([
    ['192.0.2.7', '192.0.2.0/24'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1::/48'],
    ['2001:DB8::1', '2001:db8:0::/48'],
    ['::1', '0:0:0::/48'],
    ['fe80::1:2', 'fe80:0:0::/48'],
    ['::ffff:192.0.2.7', undefined],
    ['unix:', undefined],
  ])('of %s are in %s', (address, network) => {
    expect(networkOf(address)).toBe(network);
  });

  it.each(['', '-', 'unix:', '1.2.3', 'a.example', '\u001b[31m', '1.2.3.4\n', '<b>', `${'1'.repeat(60)}.1.1.1`])('%j is none', text => {
    expect(isAddress(text)).toBe(false);
    expect(counted([text]).total).toBe(0);
  });

  it('are never counted too low, however many there are', () => {
    const octet = fc.nat(255);
    const address = fc.oneof(
      fc.tuple(octet, octet, octet, octet).map(parts => parts.join('.')),
      fc.ipV6(),
    );
    fc.assert(
      fc.property(fc.array(address, { maxLength: 300 }), addresses => {
        const halves = [addresses.slice(0, 100), addresses.slice(100)].map(counted);
        const counter = new ClientCounter();
        for (const half of halves) counter.addAll(half);
        for (const one of new Set(addresses)) {
          expect(counter.ofClient(one)).toBeGreaterThanOrEqual(addresses.filter(other => other === one).length);
          const network = networkOf(one);
          if (network !== undefined) expect(counter.ofNetwork(network)).toBeGreaterThanOrEqual(addresses.filter(other => networkOf(other) === network).length);
        }
      }),
      { numRuns: 30 },
    );
    const many = counted(Array.from({ length: 100_000 }, (_, index) => `${10 + (index >> 16)}.${(index >> 8) & 255}.${index & 255}.9`));
    expect(many.ofClient('10.1.1.9')).toBeLessThan(100);
    expect(many.ofClient('203.0.113.77')).toBeLessThan(100);
  });

  it('never throw, whatever the bytes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), bytes => void new ClientCounter().add(bytes, 0, bytes.length)));
  });
});

describe('heavy hitters', () => {
  it('keep who stands for most, and never count too high', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(200), { maxLength: 400 }), fc.nat(300), (others, heavy) => {
        const hitters = new HeavyHitters(16);
        const names = [...others.map(String), ...Array.from({ length: heavy }, () => 'heavy')].sort((a, b) => a.localeCompare(b));
        for (const name of names) hitters.add(name);
        const list = hitters.list();
        expect(list.length).toBeLessThanOrEqual(16);
        const left = list.find(one => one.key === 'heavy')?.count ?? 0;
        expect(left).toBeLessThanOrEqual(heavy);
        expect(left).toBeGreaterThanOrEqual(heavy - names.length / 17);
      }),
    );
  });
});

describe('sizes', () => {
  it('lie two to an octave, in bounds', () => {
    expect([0, 1, 2, 1024, 1449, 1e300, Number.NaN].map(placeOf)).toEqual([0, 0, 2, 20, 21, 63, Number.NaN]);
    const counter = new SizeCounter<string>();
    counter.add('a', 1024);
    counter.add('a', 1100);
    expect(counter.get('a')?.[20]).toBe(2);
    expect(counter.get('b')).toBeUndefined();
    expect(addSizes([1, 2], [1, 1, 1])).toEqual([2, 3, 1]);
  });
});
