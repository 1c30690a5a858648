import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseIfInet6 } from './proc-if-inet6.ts';

it('lists the addresses in their short form', () => {
  const text = `00000000000000000000000000000001 01 80 10 80       lo
20010db8000000000000000000000012 01 80 00 80       lo
fe80000000000000505400fffe12ab01 02 40 20 80     eth0
`;
  expect(parseIfInet6(text)).toEqual(['::1', '2001:db8::12', 'fe80::5054:ff:fe12:ab01']);
});

it('takes any text', () => {
  fc.assert(fc.property(fc.string(), text => parseIfInet6(text).length >= 0));
  const line = '20010db8000000000000000000000012 01 80 00 80 lo\n';
  fc.assert(fc.property(fc.nat(60), at => parseIfInet6(`${line.slice(0, at)}\n${line}`).length <= 2));
});
