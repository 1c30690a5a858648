import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseUpstreamList, upstreamTries } from './upstream-lists.ts';

it('tells passes and their tries', () => {
  expect(parseUpstreamList('127.0.0.1:18098, 127.0.0.1:18097 : unix:/run/a.sock')).toEqual([['127.0.0.1:18098', '127.0.0.1:18097'], ['unix:/run/a.sock']]);
  expect(parseUpstreamList('-')).toEqual([]);
});

it('gives all tries in a row, of one as of many', () => {
  const part = fc.oneof(fc.constantFrom('-', ' ', ',', ':', ', ', ' : ', '502', '10.0.0.1:80'), fc.string({ maxLength: 4 }));
  fc.assert(
    fc.property(fc.array(part, { maxLength: 8 }), parts => {
      const text = parts.join('');
      expect(upstreamTries(text)).toEqual(parseUpstreamList(text).flat());
    }),
  );
});
