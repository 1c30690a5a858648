import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inTimeOrder, rotatedName } from './rotation-order.ts';

const ordered = (...names: string[]) => inTimeOrder(names, name => name);

describe('the order of rotated logs', () => {
  it('puts numbered ones before the one in use, by number and not by text', () => {
    expect(ordered('/l/a.log', '/l/a.log.1', '/l/a.log.10.gz', '/l/a.log.2.gz', '/l/a.log.9.gz')).toEqual([
      '/l/a.log.10.gz',
      '/l/a.log.9.gz',
      '/l/a.log.2.gz',
      '/l/a.log.1',
      '/l/a.log',
    ]);
  });

  it('puts dated ones in the order of their dates, whichever way they are written', () => {
    expect(ordered('a.log', 'a.log-20261121', 'a.log-20261120.gz', 'a.log-20251231.gz')).toEqual([
      'a.log-20251231.gz',
      'a.log-20261120.gz',
      'a.log-20261121',
      'a.log',
    ]);
    expect(ordered('x_log.2026-11-21.txt', 'x_log.2026-11-03.txt')).toEqual(['x_log.2026-11-03.txt', 'x_log.2026-11-21.txt']);
    expect(ordered('a.log', 'a.log-20261121-1795219200.gz', 'a.log-2026112103.zst', 'a.log-2026112101.zst').at(-1)).toBe('a.log');
    expect(ordered('a.log', 'a-20261121.log', 'a-20261120.log')).toEqual(['a-20261120.log', 'a-20261121.log', 'a.log']);
    expect(ordered('a.log', 'a.log.1795219200', 'a.log.1795132800')).toEqual(['a.log.1795132800', 'a.log.1795219200', 'a.log']);
  });

  it('keeps families apart, in the order in which they were named', () => {
    expect(ordered('/l/e.log', '/l/a.log', '/l/a.log.1', '/l/e.log.1', '/m/a.log.1')).toEqual([
      '/l/e.log.1',
      '/l/e.log',
      '/l/a.log.1',
      '/l/a.log',
      '/m/a.log.1',
    ]);
  });

  it('takes no digits of the name itself for a rotation', () => {
    expect(rotatedName('/l/site2.access.log')).toEqual({ family: '/l/site2.access.log', date: '', number: -1 });
    expect(rotatedName('/l/api-v2.log').family).not.toBe(rotatedName('/l/api-v3.log').family);
    expect(rotatedName('/l/10.0.0.1-access.log').number).toBe(-1);
    expect(rotatedName('/l/localhost:8080.log')).toMatchObject({ date: '', number: -1 });
  });

  it('orders any names, without losing one', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: fc.constantFrom('a', '.', '-', '_', '1', '2', '0', '9', '/', 'g', 'z', 'log') })), names => {
        expect([...inTimeOrder(names, name => name)].sort()).toEqual([...names].sort());
        expect(inTimeOrder(names, name => name)).toHaveLength(names.length);
      }),
    );
  });
});
