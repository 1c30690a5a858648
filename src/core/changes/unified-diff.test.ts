import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { unifiedDiff } from './unified-diff.ts';

describe('a unified diff', () => {
  it('shows what changed with three lines around it', () => {
    const before = 'a\nb\nc\nd\ne\nf\ng\nh\n';
    expect(unifiedDiff('/etc/x', before, before.replace('e', 'E\nE2'))).toBe(
      ['--- /etc/x', '+++ /etc/x', '@@ -2,7 +2,8 @@', ' b', ' c', ' d', '-e', '+E', '+E2', ' f', ' g', ' h'].join('\n'),
    );
  });

  it('shows a file that comes, one that goes, and nothing for the same', () => {
    expect(unifiedDiff('/x', undefined, 'a\n')).toBe('--- /dev/null\n+++ /x\n@@ -0,0 +1,1 @@\n+a');
    expect(unifiedDiff('/x', 'a\n', undefined)).toBe('--- /x\n+++ /dev/null\n@@ -1,1 +0,0 @@\n-a');
    expect(unifiedDiff('/x', 'a\n', 'a\n')).toBe('');
  });

  it('says where the last line has no end', () => {
    expect(unifiedDiff('/x', 'a', 'a\n')).toContain('No newline at end of file');
  });

  it('gives back both texts, whatever they are', () => {
    const lines = fc.array(fc.constantFrom('a', 'b', 'c', '}', 'long line'), { maxLength: 60 });
    fc.assert(
      fc.property(lines, lines, (old, next) => {
        const text = (all: readonly string[]): string => all.map(each => `${each}\n`).join('');
        // All of the old file is in the diff where a change stands in every third line of it.
        const rows = unifiedDiff('/x', text(old), text(next)).split('\n').slice(2);
        const [oldCount, newCount] = [rows.filter(row => /^[ -]/.test(row)).length, rows.filter(row => /^[ +]/.test(row)).length];
        expect(oldCount - newCount).toBe(rows.length === 0 ? 0 : old.length - next.length);
        expect(patched(old, rows)).toEqual(next);
      }),
    );
  });

  it('stays quick for two files that have nothing in common', () => {
    const long = (mark: string): string => Array.from({ length: 35_000 }, (_, n) => `${mark}${n}\n`).join('');
    const started = performance.now();
    expect(unifiedDiff('/x', long('a'), long('b')).split('\n')).toHaveLength(70_003);
    expect(performance.now() - started).toBeLessThan(3000);
  });
});

/** What `patch` would make of it. */
function patched(old: readonly string[], rows: readonly string[]): readonly string[] {
  const out: string[] = [];
  let at = 0;
  for (const row of rows) {
    const head = /^@@ -(\d+),(\d+) /.exec(row);
    if (head !== null) {
      const from = Number(head[1]) - (head[2] === '0' ? 0 : 1);
      while (at < from) out.push(old[at++] ?? '');
    } else if (row.startsWith('+')) out.push(row.slice(1));
    else {
      expect(row.slice(1)).toBe(old[at]);
      if (row.startsWith(' ')) out.push(row.slice(1));
      at++;
    }
  }
  return [...out, ...old.slice(at)];
}
