import type { TextChange } from '../model/nginx-edits.ts';

/** A fix is taken whole or not at all. Two that change the same bytes in the same way count once. */
export function withoutOverlaps(fixes: readonly (readonly TextChange[])[]): readonly TextChange[] {
  const taken: TextChange[] = [];
  const seen = new Set<string>();
  const byPath = new Map<string, TakenRanges>();
  for (const changes of fixes) {
    const fresh = changes.filter(change => !seen.has(keyOf(change)));
    if (fresh.some(change => byPath.get(change.path)?.meets(change) === true)) continue;
    for (const change of fresh) {
      taken.push(change);
      seen.add(keyOf(change));
      const ranges = byPath.get(change.path) ?? new TakenRanges();
      byPath.set(change.path, ranges);
      ranges.add(change);
    }
  }
  return taken;
}

type Range = Pick<TextChange, 'start' | 'end'>;

/** Ranges of one file that lie apart from each other, so that of those before a place the last alone can reach over it. */
class TakenRanges {
  private readonly ranges: Range[] = [];
  /** Insertions at one place do not disturb each other, nor a range that begins or ends there. */
  private readonly insertions: number[] = [];

  meets({ start, end }: Range): boolean {
    const before = this.ranges[firstAtLeast(this.ranges, end, range => range.start) - 1];
    if (before !== undefined && before.end > start) return true;
    const within = this.insertions[firstAtLeast(this.insertions, start + 1, place => place)];
    return within !== undefined && within < end;
  }

  add(range: Range): void {
    if (range.start === range.end)
      this.insertions.splice(
        firstAtLeast(this.insertions, range.start, place => place),
        0,
        range.start,
      );
    else
      this.ranges.splice(
        firstAtLeast(this.ranges, range.start, one => one.start),
        0,
        range,
      );
  }
}

/** Index of the first of the sorted items that is not below. */
function firstAtLeast<T>(sorted: readonly T[], least: number, valueOf: (item: T) => number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const item = sorted[middle];
    if (item !== undefined && valueOf(item) < least) low = middle + 1;
    else high = middle;
  }
  return low;
}

function keyOf({ path, start, end, text }: TextChange): string {
  return `${start} ${end} ${path.length} ${path} ${text}`;
}
