import { describe, expect, it } from 'vitest';
import { createLogProgress, progressText, type Reading } from './log-progress.ts';

const reading: Reading = { bytesDone: 12e9, bytesTotal: 40e9, filesDone: 0, filesTotal: 1 };

/** What a terminal is sent for readings at these times. */
function shown(timesMs: readonly number[], env: NodeJS.ProcessEnv = { TERM: 'xterm' }): readonly string[] {
  const written: string[] = [];
  const stderr = { isTTY: true, columns: 120, write: (text: string) => written.push(text) } as unknown as NodeJS.WriteStream;
  let nowMs = 0;
  const progress = createLogProgress(stderr, env, () => nowMs);
  for (const timeMs of timesMs) {
    nowMs = timeMs;
    progress.show(reading);
  }
  progress.end();
  return written;
}

describe('the bar', () => {
  it.each([
    [reading, 10_000, 'badhop: [#######-----------------]  30 %, 12 GB of 40 GB, 1.2 GB/s, 24 s left'],
    [{ ...reading, filesDone: 3, filesTotal: 12 }, 10_000, 'badhop: [#######-----------------]  30 %, 12 GB of 40 GB, 1.2 GB/s, 24 s left, 3 of 12 files'],
    [{ ...reading, bytesTotal: 0 }, 10_000, 'badhop: 12 GB read, 1.2 GB/s'],
    [{ ...reading, bytesDone: 0 }, 10_000, 'badhop: [------------------------]   0 %, 0 bytes of 40 GB'],
    [{ ...reading, bytesDone: 50e9 }, 10_000, 'badhop: [########################] 100 %, 50 GB of 40 GB, 5.0 GB/s, 0 ms left'],
  ])('says how far it is and how long it takes yet', (state, elapsedMs, text) => {
    expect(progressText(state, elapsedMs)).toBe(text);
  });

  it('comes after a second, not more often than five times a second, and goes away', () => {
    expect(shown([100, 900])).toEqual([]);
    const rows = shown([1000, 1050, 1100, 1250]);
    expect(rows.filter(text => text.includes('badhop:'))).toHaveLength(2);
    expect(rows.at(-1)).toBe('\r\u001B[K');
  });

  it('is not shown to a log of a CI run', () => {
    expect(shown([2000], { TERM: 'xterm', CI: '1' })).toEqual([]);
  });
});
