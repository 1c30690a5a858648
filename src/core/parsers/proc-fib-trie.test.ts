import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseFibTrie } from './proc-fib-trie.ts';

it('lists the addresses of the interfaces, and neither networks nor the loopback', () => {
  expect(parseFibTrie(readFileSync(new URL('proc-fib-trie.fixtures/linux-6.18.txt', import.meta.url), 'utf8'))).toEqual(['192.0.2.2']);
});

it('takes any text', () => {
  fc.assert(fc.property(fc.array(fc.constantFrom('|-- 1.2.3.4\n', '   /32 host LOCAL\n', 'x\n', '|-- \n')), lines => parseFibTrie(lines.join('')).length <= 1));
});
