import { askAll, type Request } from '../model/collector.ts';
import { isGlobPattern, matchesGlob } from '../parsers/glob.ts';
import type { Known } from '../model/fact.ts';

/** What a pattern stands for on the host. */
export interface GlobResult {
  readonly pattern: string;
  /** Existing paths, in the order of glob(3) in the C locale. A pattern without `*`, `?`, `[` stands for itself, unchecked. */
  readonly paths: readonly string[];
  /** Folders that could not be listed: what matches in them is not known. glob(3) passes over them in silence. */
  readonly unread: readonly { readonly path: string; readonly why: string }[];
}

/** Paths of one pattern are cut here. */
const maxPaths = 5000;

type Steps<T> = Generator<readonly Request[], T, readonly Known<unknown>[]>;

/** Expands absolute patterns as glob(3) with no flags does: `*`, `?`, `[…]`, `\`; names with a leading dot need one in the pattern. Every folder is listed once, those of one depth at once. */
export function* expandGlobs(patterns: readonly string[]): Steps<readonly GlobResult[]> {
  const walks = patterns.map(pattern => new Walk(pattern));
  const folders = new Map<string, Known<readonly string[]>>();
  for (;;) {
    const wanted = [...new Set(walks.flatMap(walk => walk.wanted()))].filter(folder => !folders.has(folder));
    const answers = yield* askAll(wanted.map(path => ({ kind: 'list', path }) as const));
    wanted.forEach((folder, i) => {
      const answer = answers[i];
      if (answer !== undefined) folders.set(folder, answer);
    });
    for (const walk of walks) walk.step(folders);
    if (walks.every(walk => walk.isDone())) break;
  }
  return walks.map(walk => walk.result());
}

/** One pattern on its way from `/` down: the paths that its first parts stand for, and the parts that are left. */
class Walk {
  private readonly pattern: string;
  private readonly rest: string[];
  private bases: readonly string[];
  private readonly unread: { path: string; why: string }[] = [];

  constructor(pattern: string) {
    this.pattern = pattern;
    this.rest = isGlobPattern(pattern) ? pattern.split('/').filter(part => part !== '') : [];
    this.bases = isGlobPattern(pattern) ? [''] : [pattern];
    this.skipPlain();
  }

  isDone(): boolean {
    return this.rest.length === 0 || this.bases.length === 0;
  }

  wanted(): readonly string[] {
    return this.isDone() ? [] : this.bases.map(base => (base === '' ? '/' : base));
  }

  step(folders: ReadonlyMap<string, Known<readonly string[]>>): void {
    if (this.isDone()) return;
    const part = this.rest.shift() ?? '';
    const found: string[] = [];
    for (const base of this.bases) {
      const names = folders.get(base === '' ? '/' : base);
      if (names === undefined) continue;
      if (names.state === 'known') for (const name of names.value) if (found.length < maxPaths && matchesGlob(part, name)) found.push(`${base}/${name}`);
      // A file among the folders, or a folder that is not there, matches nothing.
      if (names.state === 'denied' || names.state === 'timeout' || names.state === 'unparsable')
        this.unread.push({ path: base === '' ? '/' : base, why: names.why });
    }
    this.bases = found;
    this.skipPlain();
  }

  result(): GlobResult {
    return { pattern: this.pattern, paths: this.bases.toSorted(byCodePoint), unread: this.unread };
  }

  /** Plain parts need no listing, except a last one behind wildcards, which has to be there. */
  private skipPlain(): void {
    while (this.rest.length > 1 && !isGlobPattern(this.rest[0] ?? '')) {
      const part = this.rest.shift() ?? '';
      this.bases = this.bases.map(base => `${base}/${part}`);
    }
  }
}

/** strcmp on UTF-8, which is the order of code points. */
function byCodePoint(a: string, b: string): number {
  const left = Array.from(a);
  const right = Array.from(b);
  for (let i = 0; i < Math.min(left.length, right.length); i += 1) {
    const difference = (left[i]?.codePointAt(0) ?? 0) - (right[i]?.codePointAt(0) ?? 0);
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}
