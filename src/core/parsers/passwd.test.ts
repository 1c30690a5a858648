import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { parseIdNames } from './passwd.ts';

it('reads names by id, the first of an id winning', () => {
  const names = parseIdNames(readFileSync(new URL('./passwd.fixtures/debian-12.txt', import.meta.url), 'utf8'));
  expect([names.get(0), names.get(33), names.get(12_345)]).toEqual(['root', 'www-data', undefined]);
  expect(parseIdNames('a:x:5:\nb:x:5:\n::\nrubbish\nc:x:y:\n')).toEqual(new Map([[5, 'a']]));
});
