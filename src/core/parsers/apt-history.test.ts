import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseAptHistory } from './apt-history.ts';

const options = { offsetMinutes: 120, nowMs: Date.UTC(2026, 10, 21) };

describe('the history of apt', () => {
  it('tells the runs with their command lines and packages, in local time', () => {
    const text = readFileSync(join(import.meta.dirname, 'apt-history.fixtures/apt-2.6.1.txt'), 'utf8');
    const [first, second, ...more] = parseAptHistory(text, options);
    expect(more).toEqual([]);
    expect(first?.actions.slice(0, 2).map(({ action, name, version }) => [action, name, version])).toEqual([
      ['install', 'libnetfilter-conntrack3', '1.0.9-3'],
      ['install', 'libwrap0', '7.6.q-32'],
    ]);
    expect(first?.actions.find(one => one.action === 'upgrade')).toMatchObject({
      name: 'libcurl4',
      oldVersion: '7.88.1-10+deb12u14',
      version: '7.88.1-10+deb12u15',
    });
    expect(second).toEqual({
      startMs: Date.UTC(2026, 10, 21, 8, 37),
      endMs: Date.UTC(2026, 10, 21, 8, 37, 6),
      command: 'apt-get install -y --no-install-recommends supervisor',
      actions: [{ timeMs: Date.UTC(2026, 10, 21, 8, 37), action: 'install', name: 'supervisor', version: '4.2.5-1' }],
    });
  });

  it('knows no version of what was taken away, and no end of what goes on', () => {
    const text = 'Start-Date: 2026-11-21  07:00:00\nCommandline: apt purge x\nPurge: x:all (1.0)\nRemove: y:amd64 (2.0), z:amd64 (3.0)\n';
    expect(parseAptHistory(text, options)).toMatchObject([
      { command: 'apt purge x', actions: [{ action: 'purge', name: 'x' }, { name: 'y' }, { action: 'remove', name: 'z' }] },
    ]);
    expect(parseAptHistory(text, options)[0]).not.toHaveProperty('endMs');
  });

  it('leaves out a run whose beginning was cut off, and reads any other text', () => {
    expect(parseAptHistory('Install: a:b (1)\nEnd-Date: 2026-11-21  07:00:00\n\n', options)).toEqual([]);
    fc.assert(fc.property(fc.string(), text => Array.isArray(parseAptHistory(`Start-Date: 2026-11-21  07:00:00\nUpgrade: ${text}\n${text}`, options))));
  });

  it('takes a time that grows with the length alone', () => {
    const cost = (length: number): number => {
      const text = `Start-Date: 2026-11-21  07:00:00\nInstall: ${'a (1), '.repeat(length)}\n`;
      const startMs = performance.now();
      for (let turn = 0; turn < 5; turn += 1) parseAptHistory(text, options);
      return performance.now() - startMs;
    };
    cost(20_000);
    expect(cost(80_000)).toBeLessThan(20 * Math.max(cost(20_000), 1));
  });
});
