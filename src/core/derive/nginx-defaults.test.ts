import { expect, it } from 'vitest';
import { defaultOf } from './nginx-defaults.ts';

it.each([
  ['1.22.1', 'TLSv1 TLSv1.1 TLSv1.2'],
  ['1.23.4', 'TLSv1 TLSv1.1 TLSv1.2 TLSv1.3'],
  ['1.27.3', 'TLSv1.2 TLSv1.3'],
])('offers an upstream with nginx %s: %s', (version, protocols) => {
  expect(defaultOf('ssl_protocols', 'proxy', version)?.join(' ')).toBe(protocols);
});

it('passes requests on as HTTP/1.1 since 1.29.7', () => {
  expect([defaultOf('http_version', 'proxy', '1.29.6'), defaultOf('http_version', 'proxy', '1.29.7')]).toEqual([['1.0'], ['1.1']]);
});
