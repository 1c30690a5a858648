import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { SizeReport } from '../src/core/model/size-report.ts';
import { sizeSchemaProblems } from './report-schema.ts';
import { root } from './source-files.ts';

const node = join(root, 'node_modules/.bin/node');
const program = join(root, 'src/cli/bin.ts');

function size(...args: readonly string[]): { readonly code: number | null; readonly stdout: string; readonly stderr: string } {
  const { status, stdout, stderr } = spawnSync(node, [program, 'size', ...args], { encoding: 'utf8', timeout: 60_000 });
  return { code: status, stdout, stderr };
}

function sizeOf(bundle: string): { readonly code: number | null; readonly report: SizeReport } {
  const { code, stdout } = size('--bundle', join(root, 'test/scenarios', bundle), '--format', 'json');
  return { code, report: JSON.parse(stdout) as SizeReport };
}

describe('badhop size, of recorded hosts', () => {
  it('raises a full pool to what was needed', () => {
    const { code, report } = sizeOf('promotion-day');
    expect(sizeSchemaProblems(report)).toEqual([]);
    expect(code).toBe(1);
    const [pool] = report.pools;
    expect(pool).toMatchObject({ verdict: 'too-small', setting: 'pm.max_children', now: { value: 5 }, needed: { isFull: true } });
    expect(pool?.plans[0]?.steps[0]).toMatchObject({ kind: 'edit', after: `pm.max_children = ${pool?.recommended ?? 0}` });
    expect(report.internalErrors).toEqual([]);
  });

  it('changes nothing where there are workers to spare', () => {
    const { code, report } = sizeOf('healthy-several-backends');
    expect(sizeSchemaProblems(report)).toEqual([]);
    expect({ code, verdict: report.verdict }).toEqual({ code: 0, verdict: 'fits' });
    expect(report.pools.flatMap(pool => pool.plans)).toEqual([]);
    expect(report.pools.map(pool => pool.verdict)).toEqual(['idle', 'fits', 'fits']);
  });

  it('says on a terminal what to change, from what to what, with the sum', () => {
    const { stdout } = size('--bundle', join(root, 'test/scenarios/promotion-day'), '--no-color', '--width', '100');
    expect(stdout).toContain('pm.max_children = 5 → ');
    expect(stdout.replaceAll(/\s+/g, ' ')).toMatch(/GiB available − .* reserve \+ .* held by workers\) \/ .* each by PSS/);
    expect(stdout).toContain('+ pm.max_children = ');
  });

  it('fits a narrow terminal without colour and without Unicode', () => {
    const { stdout } = spawnSync(node, [program, 'size', '--bundle', join(root, 'test/scenarios/promotion-day'), '--width', '60', '--verbose'], {
      encoding: 'utf8',
      env: { ...process.env, LC_ALL: 'C', NO_COLOR: '1' },
    });
    expect(stdout).toMatch(/^[\n\x20-\x7e]+$/);
  });
});

describe('badhop size, used wrongly', () => {
  it('ends with 2 for a folder that is no bundle, an option that it does not know and a wrong time', () => {
    const folder = mkdtempSync(join(tmpdir(), 'badhop-size-'));
    try {
      expect(size('--bundle', folder).code).toBe(2);
      expect(size('--apply').code).toBe(2);
      expect(size('--since', 'noon').code).toBe(2);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
