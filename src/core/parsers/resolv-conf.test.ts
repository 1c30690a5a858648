import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseResolvConf } from './resolv-conf.ts';

it('reads the name servers, at most three', () => {
  expect(
    parseResolvConf('# made by hand\nsearch corp.example\nnameserver 192.0.2.53\n;nameserver 192.0.2.54\nnameserver fe80::1%eth0\noptions timeout:1\n'),
  ).toEqual(['192.0.2.53', 'fe80::1']);
  expect(parseResolvConf('nameserver 1.1.1.1\n'.repeat(9))).toHaveLength(3);
});

it('knows that glibc asks the local host where there is none', () => {
  expect(parseResolvConf('nameserver\nnameserver not-an-address\n')).toEqual(['127.0.0.1']);
});

it('never throws, and takes long text in linear time', () => {
  fc.assert(fc.property(fc.string(), text => Array.isArray(parseResolvConf(text))));
  const started = performance.now();
  parseResolvConf('nameserver '.repeat(500_000));
  expect(performance.now() - started).toBeLessThan(2000);
});
