import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { isOwnUserNamespace } from './proc-uid-map.ts';

it.each([
  ['         0          0 4294967295\n', true],
  ['         0     100000      65536\n', false],
  ['         0       1000          1\n         1     100000      65536\n', false],
  ['         0          0      65536\n', false],
  ['', undefined],
  ['0 0\n', undefined],
  ['a b c\n', undefined],
])('tells whose ids %j are', (text, is) => {
  expect(isOwnUserNamespace(text)).toBe(is);
});

it('never throws', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary' }), text => [true, false, undefined].includes(isOwnUserNamespace(text))));
});
