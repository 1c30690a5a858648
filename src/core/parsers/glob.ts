/**
 * Patterns of glob(3) and fnmatch(3) with FNM_PERIOD, one part of a path at a time: `*.conf`, `[!a-c]?`, `\*`.
 */

/** True for what is a pattern and no plain path, by nginx's own test: it holds `*`, `?` or `[`. */
export function isGlobPattern(path: string): boolean {
  return /[*?[]/u.test(path);
}

/** Whether a name (without `/`) matches. The time is bounded by the product of both lengths. */
export function matchesGlob(pattern: string, name: string): boolean {
  if (name.startsWith('.') && !pattern.startsWith('.') && !pattern.startsWith('\\.')) return false;
  let at = 0;
  let of = 0;
  /** Where the last `*` stood, and how much of the name it takes so far. */
  let star = -1;
  let taken = 0;
  while (at < name.length) {
    const step = of < pattern.length ? stepAt(pattern, of, name, at) : 0;
    if (of < pattern.length && pattern.charAt(of) === '*') {
      star = of;
      taken = at;
      of += 1;
    } else if (step > 0) {
      of += step;
      at += lengthAt(name, at);
    } else if (star >= 0) {
      taken += lengthAt(name, taken);
      at = taken;
      of = star + 1;
    } else return false;
  }
  while (pattern.charAt(of) === '*') of += 1;
  return of >= pattern.length;
}

/** Whether a whole path matches a whole pattern, part by part. */
export function matchesGlobPath(pattern: string, path: string): boolean {
  const parts = pattern.split('/').filter(part => part !== '');
  const names = path.split('/').filter(part => part !== '');
  return parts.length === names.length && parts.every((part, i) => matchesGlob(part, names[i] ?? ''));
}

/** Length of the pattern's element at `of` where it takes the character at `at`, else 0. */
function stepAt(pattern: string, of: number, name: string, at: number): number {
  const element = pattern.charAt(of);
  if (element === '?') return 1;
  if (element === '[') {
    const set = setAt(pattern, of);
    if (set !== undefined) return set.takes(name.codePointAt(at) ?? 0) ? set.length : 0;
  }
  if (element === '\\' && of + 1 < pattern.length) return sameAt(pattern, of + 1, name, at) ? 1 + lengthAt(pattern, of + 1) : 0;
  return sameAt(pattern, of, name, at) ? lengthAt(pattern, of) : 0;
}

function sameAt(pattern: string, of: number, name: string, at: number): boolean {
  return pattern.codePointAt(of) === name.codePointAt(at);
}

function lengthAt(text: string, at: number): number {
  return (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
}

/** `[abc]`, `[a-c]`, `[!a]`, `[^a]`, `[]a]`; without `]` the bracket stands for itself. */
function setAt(pattern: string, start: number): { readonly length: number; takes(code: number): boolean } | undefined {
  const negated = pattern.charAt(start + 1) === '!' || pattern.charAt(start + 1) === '^';
  const from = start + (negated ? 2 : 1);
  const end = pattern.indexOf(']', from + 1);
  if (end < 0) return undefined;
  const members = Array.from(pattern.slice(from, end), character => character.codePointAt(0) ?? 0);
  const dash = 45;
  const takes = (code: number): boolean => {
    for (let i = 0; i < members.length; i += 1) {
      const low = members[i] ?? 0;
      const high = members[i + 1] === dash && i + 2 < members.length ? (members[i + 2] ?? 0) : low;
      if (code >= low && code <= high) return true;
      if (members[i + 1] === dash && i + 2 < members.length) i += 2;
    }
    return false;
  };
  return { length: end + 1 - start, takes: code => takes(code) !== negated };
}
