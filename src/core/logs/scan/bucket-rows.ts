/**
 * Sums by bucket and column, a row of columns for each bucket. Columns are few and mostly filled in each bucket, so a row takes less
 * than an entry for each sum would, and is found at once while a log goes on in the same bucket.
 */
export class BucketRows {
  #rows = new Map<number, Float64Array>();
  /** Of a new row: as long as the longest. */
  #length = 8;
  #lastBucket = -1;
  #lastRow: Float64Array = new Float64Array(0);

  /** Buckets that have a row. */
  get size(): number {
    return this.#rows.size;
  }

  /** True where the bucket is new. A sum stays where it is once it is 2^53 - 1. */
  add(bucket: number, column: number, value: number): boolean {
    const { size } = this.#rows;
    const row = this.#lastBucket === bucket && column < this.#lastRow.length ? this.#lastRow : this.#rowOf(bucket, column);
    row[column] = Math.min(Number.MAX_SAFE_INTEGER, (row[column] ?? 0) + value);
    return this.#rows.size > size;
  }

  /** In ascending order. */
  buckets(): Float64Array {
    return Float64Array.from(this.#rows.keys()).sort();
  }

  /** Sums by column; columns beyond its end are 0. */
  row(bucket: number): Float64Array {
    return this.#rows.get(bucket) ?? new Float64Array(0);
  }

  /** Buckets become twice as wide. */
  widen(): void {
    const rows = this.#rows;
    this.#rows = new Map();
    this.#lastBucket = -1;
    for (const [bucket, row] of rows) {
      const wide = Math.floor(bucket / 2);
      // A row that is the first of its wider bucket is taken as it is.
      if (!this.#rows.has(wide)) this.#rows.set(wide, row);
      else for (const [column, value] of row.entries()) if (value > 0) this.add(wide, column, value);
    }
  }

  /** What was counted in a column is counted in another from now on; the first may be used anew. */
  moveColumns(to: ReadonlyMap<number, number>): void {
    for (const [bucket, row] of this.#rows) {
      for (const [from, into] of to) {
        const value = row[from] ?? 0;
        if (value === 0) continue;
        row[from] = 0;
        this.add(bucket, into, value);
        // It may have been moved to a longer one.
        const moved = this.#rows.get(bucket);
        if (moved !== row && moved !== undefined) moved[from] = 0;
      }
    }
  }

  #rowOf(bucket: number, column: number): Float64Array {
    let row = this.#rows.get(bucket);
    if (row === undefined || column >= row.length) {
      while (this.#length <= column) this.#length *= 2;
      const longer = new Float64Array(this.#length);
      if (row !== undefined) longer.set(row);
      row = longer;
      this.#rows.set(bucket, row);
    }
    this.#lastBucket = bucket;
    this.#lastRow = row;
    return row;
  }
}
