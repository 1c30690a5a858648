import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { backupRank } from './backup-names.ts';
import { unifiedDiff } from './file-diff.ts';

const names = { before: 'x.conf.bak', after: 'x.conf' };

describe('a diff of two texts', () => {
  it('shows what changed with two lines around it', () => {
    expect(unifiedDiff('a\nb\nc\nd\ne\nf\n', 'a\nb\nc\nD\ne\nf\n', names)).toBe('--- x.conf.bak\n+++ x.conf\n@@ -2,5 +2,5 @@\n b\n c\n-d\n+D\n e\n f');
  });

  it('parts places that are far from each other', () => {
    const lines = Array.from({ length: 30 }, (_, index) => `line ${index}`);
    const after = lines.with(2, 'two').toSpliced(25, 1);
    expect(unifiedDiff(lines.join('\n'), after.join('\n'), names).match(/^@@.*@@$/gm)).toEqual(['@@ -1,5 +1,5 @@', '@@ -24,5 +24,4 @@']);
  });

  it('says nothing of equal texts, and never more than 40 lines', () => {
    expect(unifiedDiff('a', 'a', names)).toBe('');
    const many = Array.from({ length: 1000 }, (_, index) => `${index}`).join('\n');
    const diff = unifiedDiff(many, many.replaceAll('1', 'x'), names).split('\n');
    expect(diff).toHaveLength(40);
    expect(diff.at(-1)).toMatch(/^… and \d+ more lines$/);
  });

  it('holds every line that is in one text alone', () => {
    const text = fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 12 });
    fc.assert(
      fc.property(text, text, (a, b) => {
        const diff = unifiedDiff(a.join('\n'), b.join('\n'), names);
        if (a.join('\n') === b.join('\n')) return diff === '';
        const of = (tag: string): number =>
          diff
            .split('\n')
            .slice(2)
            .filter(line => line.startsWith(tag)).length;
        return of('+') - of('-') === Math.max(1, b.length) - Math.max(1, a.length);
      }),
    );
  });
});

describe('the name of a backup', () => {
  it.each([
    'shop.conf~',
    'shop.conf.bak',
    'shop.conf.dpkg-old',
    'shop.conf.orig',
    'shop.conf.2026-11-20',
    'shop.conf.20261120-0930',
    'shop.conf.bak.1',
    'shop.bak',
    'shop-old.conf',
  ])('%s is one of shop.conf', name => expect(backupRank('shop.conf', name)).toBe(2));

  it.each(['shop.conf', 'shop.conf.d', 'shop-1.conf', 'shop.com.conf', 'shop2.conf', 'other.bak', 'shop.conf.disabled', ''])('%s is none of shop.conf', name =>
    expect(backupRank('shop.conf', name)).toBe(0),
  );

  it('takes a number after a name without an ending for another site', () => {
    expect(backupRank('shop.conf', 'shop.conf.dpkg-dist')).toBe(1);
    expect(backupRank('default', 'default-1')).toBe(0);
    expect(backupRank('default', 'default.bak')).toBe(2);
    expect(backupRank('default', 'default~')).toBe(2);
  });
});
