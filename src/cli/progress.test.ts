import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { createProgress } from './progress.ts';

/** What a stderr of this kind gets to see of a short diagnosis. */
function shown(isTTY: boolean, env: NodeJS.ProcessEnv, stage = 'reading logs'): string {
  const stream = Object.assign(new PassThrough(), { isTTY, columns: 40 });
  const progress = createProgress(stream as unknown as NodeJS.WriteStream, env);
  progress.show(stage);
  progress.end();
  return String(stream.read() ?? '');
}

describe('the progress line', () => {
  it('is shown on a terminal and erased at the end', () => {
    expect(shown(true, { TERM: 'xterm' })).toBe('\r\u001B[Kbadhop: reading logs ...\r\u001B[K');
  });

  it('keeps within the row, and escapes what it shows', () => {
    const text = shown(true, {}, `\u001B[2J${'x'.repeat(200)}`);
    expect(text).toMatch(/^\r\u001B\[Kbadhop: \\x1b\[2Jx{24}\r\u001B\[K$/);
  });

  it.each([
    ['a pipe', false, { TERM: 'xterm' }],
    ['a dumb terminal', true, { TERM: 'dumb' }],
    ['CI', true, { TERM: 'xterm', CI: 'true' }],
  ])('is not shown to %s', (_, isTTY, env) => {
    expect(shown(isTTY, env)).toBe('');
  });

  it('leaves no listener behind', () => {
    const before = process.listenerCount('exit');
    shown(true, {});
    expect(process.listenerCount('exit')).toBe(before);
  });
});
