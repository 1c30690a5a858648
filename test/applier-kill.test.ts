import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { killApplier } from './applier/kill.ts';

it('leaves no file half written and no change open, wherever it is killed', { timeout: 180_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'badhop-kill-'));
  try {
    const { wrong, found, kills } = await killApplier(folder, 40, 60_000);
    expect(wrong).toEqual([]);
    // A machine that does nothing else takes 25 s for all of them.
    expect(kills).toBeGreaterThan(5);
    // Most kills fall into the middle of a change; without any the test would prove nothing.
    expect(found['rolled-back'] ?? 0).toBeGreaterThan(0);
    expect(Object.keys(found).filter(outcome => outcome !== 'rolled-back' && outcome !== 'finished')).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
