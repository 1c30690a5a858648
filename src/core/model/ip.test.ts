import fc from 'fast-check';
import { expect, it } from 'vitest';
import { plainIp } from './ip.ts';

it.each([
  ['2001:db8::1', '2001:0DB8:0:0::1'],
  ['2001:db8:0:0:1::1', '2001:db8::1:0:0:1'],
  ['::', '0:0:0:0:0:0:0:0'],
  ['[fe80::1%eth0]', 'fe80::1'],
  ['::ffff:192.0.2.7', '192.0.2.7'],
])('%s is %s', (one, other) => {
  expect(plainIp(one)).toBe(plainIp(other));
});

it.each(['192.0.2.1', '::1:::2', '1:2:3', 'no:address', 'unix:/run/x.sock', '1:2:3:4:5:6:7:8:9', ''])('%j stays as it is', text => {
  expect(plainIp(text)).toBe(text);
});

it('takes any text', () => {
  fc.assert(fc.property(fc.string({ maxLength: 200 }), text => typeof plainIp(text) === 'string'));
});
