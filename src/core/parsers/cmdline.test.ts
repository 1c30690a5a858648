import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseCmdline, redactArguments } from './cmdline.ts';

it('keeps a rewritten title as one argument without its padding', () => {
  const text = readFileSync(new URL('./cmdline.fixtures/php-fpm-8.2.txt', import.meta.url), 'utf8');
  expect(parseCmdline(text)).toEqual(['php-fpm: master process (/etc/php/8.2/fpm/php-fpm.conf)']);
});

it('splits at NULs and keeps empty arguments inside', () => {
  expect(parseCmdline('/usr/bin/node\0\0server.js\0')).toEqual(['/usr/bin/node', '', 'server.js']);
  expect(parseCmdline('')).toEqual([]);
});

it.each([
  [
    ['x', '--password=abc'],
    ['x', '--password=[redacted]'],
  ],
  [
    ['x', '--api-key', 'abc', '--port', '80'],
    ['x', '--api-key', '[redacted]', '--port', '80'],
  ],
  [
    ['env', 'DB_PASSWORD=abc', 'X=1'],
    ['env', 'DB_PASSWORD=[redacted]', 'X=1'],
  ],
  [['-Ddb=postgres://u:abc@db:5432/x'], ['-Ddb=postgres://u:[redacted]@db:5432/x']],
  [
    ['--bind', '127.0.0.1:8000', 'http://a/b@c:d'],
    ['--bind', '127.0.0.1:8000', 'http://a/b@c:d'],
  ],
])('%j is shown as %j', (argv, shown) => {
  expect(redactArguments(argv)).toEqual(shown);
});

it('is bounded and never throws', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 5000 }), text => parseCmdline(text.replaceAll(' ', '\0')).length <= 64));
  expect(parseCmdline(`${'a'.repeat(10_000)}\0`)[0]).toHaveLength(512);
});
