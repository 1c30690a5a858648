import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseDpkgLog } from './dpkg-log.ts';

const options = { offsetMinutes: 120, nowMs: Date.UTC(2026, 10, 21) };

describe('the log of dpkg', () => {
  it('tells what was upgraded, in local time, and leaves the states out', () => {
    const text = readFileSync(join(import.meta.dirname, 'dpkg-log.fixtures/dpkg-1.21.22.txt'), 'utf8');
    expect(parseDpkgLog(text, options)).toEqual([
      { timeMs: Date.UTC(2025, 5, 24, 12, 36, 25), action: 'upgrade', name: 'libsystemd0', version: '252.38-1~deb12u1', oldVersion: '252.36-1~deb12u1' },
    ]);
  });

  it('knows no version of what was installed or taken away without one', () => {
    const text = '2026-11-21 07:14:46 install puma:amd64 <none> 5.6.5-3\n2026-11-21 07:14:47 remove nginx:all 1.22.1-9 <none>\n';
    expect(parseDpkgLog(text, options).map(({ action, name, version }) => [action, name, version])).toEqual([
      ['install', 'puma', '5.6.5-3'],
      ['remove', 'nginx', undefined],
    ]);
  });

  it('reads a tail that begins within a line, and any other text', () => {
    expect(parseDpkgLog('14:46 install puma:amd64 <none> 5.6\n2026-11-21 07:14:47 upgrade\n\n', options)).toEqual([]);
    fc.assert(fc.property(fc.string(), text => Array.isArray(parseDpkgLog(`2026-11-21 07:14:46 ${text}`, options))));
  });

  it('takes a time that grows with the length alone', () => {
    const startMs = performance.now();
    parseDpkgLog('2026-11-21 07:14:46 upgrade '.repeat(200_000), options);
    parseDpkgLog('\n'.repeat(2_000_000), options);
    expect(performance.now() - startMs).toBeLessThan(1500);
  });
});
