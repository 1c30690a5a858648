/** Lines above that may be needed to tell a line from others like it. */
const mostAbove = 20;

/** Where the lines of a text begin, and which of them stand there more than once. What is asked is reckoned once for the whole text. */
export class LineIndex {
  private readonly text: string;
  /** Offset of each line. */
  readonly starts: readonly number[];
  /** `kinds[n][line]`: the same number for all lines that are alike with the n lines above them, indentation aside. */
  private readonly kinds: (readonly number[])[] = [];
  private readonly counts: (readonly number[])[] = [];

  constructor(text: string) {
    this.text = text;
    const starts = [0];
    for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
    this.starts = starts;
  }

  /** 1-based line of an offset. */
  lineOf(offset: number): number {
    let low = 0;
    let high = this.starts.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((this.starts[middle] ?? 0) <= offset) low = middle;
      else high = middle;
    }
    return low + 1;
  }

  /** The nearest line at or above this one from which on the text down to it stands there once; at most 20 lines up. */
  uniqueFrom(line: number): number {
    const last = Math.min(mostAbove, line - 1);
    for (let above = 0; above <= last; above++) {
      const kind = this.kindsWith(above)[line - 1] ?? 0;
      if (this.counts[above]?.[kind] === 1) return line - above;
    }
    return line - last;
  }

  private kindsWith(above: number): readonly number[] {
    const known = this.kinds[above];
    if (known !== undefined) return known;
    const alone = above === 0 ? [] : this.kindsWith(0);
    const before = above === 0 ? [] : this.kindsWith(above - 1);
    const numbers = new Map<string, number>();
    const counts: number[] = [];
    const kinds = this.starts.map((start, index) => {
      const key =
        above === 0 ? this.text.slice(start, (this.starts[index + 1] ?? this.text.length + 1) - 1).trim() : `${alone[index]} ${before[index - 1] ?? -1}`;
      const kind = numbers.get(key) ?? numbers.size;
      numbers.set(key, kind);
      counts[kind] = (counts[kind] ?? 0) + 1;
      return kind;
    });
    this.kinds[above] = kinds;
    this.counts[above] = counts;
    return kinds;
  }
}
