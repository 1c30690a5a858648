import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseRpmPackages } from './rpm-packages.ts';

it('puts packages into the order of their installation and leaves keys out', () => {
  const text = '1795244062 nginx-core 1.20.1-14.el9\n1795244060 openssl-libs 3.0.7-25.el9\n1780000000 gpg-pubkey 5a6340b3-6229229e\nerror: rpmdb\n';
  expect(parseRpmPackages(text)).toEqual([
    { timeMs: 1_795_244_060_000, action: 'install', name: 'openssl-libs', version: '3.0.7-25.el9' },
    { timeMs: 1_795_244_062_000, action: 'install', name: 'nginx-core', version: '1.20.1-14.el9' },
  ]);
});

it('reads any other text', () => {
  fc.assert(fc.property(fc.string(), text => Array.isArray(parseRpmPackages(`1795244062 ${text}\n${text}`))));
});
