import { readdir } from 'node:fs/promises';

/**
 * The paths that a pattern names: `*`, `?` and `[a-z]` stand for what they do in a shell, one level of folders each; `{a,b}` is
 * not known. Hidden names only where the pattern says so. Sorted. Folders that cannot be read name nothing.
 */
export async function expandGlob(pattern: string): Promise<readonly string[]> {
  let found: readonly string[] = [pattern.startsWith('/') ? '/' : ''];
  const parts = pattern.split('/').filter(part => part !== '');
  for (const [index, part] of parts.entries()) {
    const isLast = index === parts.length - 1;
    if (!isGlob(part)) {
      found = found.map(folder => folder + part + (isLast ? '' : '/'));
      continue;
    }
    const expected = segmentPattern(part);
    const next: string[] = [];
    for (const folder of found) {
      const entries = await readdir(folder === '' ? '.' : folder, { withFileTypes: true }).catch(() => []);
      for (const entry of entries) {
        if (!expected.test(entry.name) || (entry.name.startsWith('.') && !part.startsWith('.'))) continue;
        if (isLast) next.push(folder + entry.name);
        else if (entry.isDirectory() || entry.isSymbolicLink()) next.push(`${folder}${entry.name}/`);
      }
    }
    found = next.sort();
  }
  return found;
}

export function isGlob(path: string): boolean {
  return /[*?[]/u.test(path);
}

/** Runs of `*` are one: `a*****b` costs no more than `a*b`. */
function segmentPattern(segment: string): RegExp {
  let source = '';
  for (let at = 0; at < segment.length;) {
    const one = segment[at] ?? '';
    if (one === '*') {
      while (segment[at] === '*') at += 1;
      source += '[^]*';
      continue;
    }
    const set = one === '[' ? /^\[[!^]?\]?[^\]]*\]/u.exec(segment.slice(at))?.[0] : undefined;
    if (set !== undefined && isSet(set)) {
      source += setSource(set);
      at += set.length;
      continue;
    }
    source += one === '?' ? '[^]' : one.replace(/[\\^$.*+?()[\]{}|/]/u, String.raw`\$&`);
    at += 1;
  }
  return new RegExp(`^${source}$`, 's');
}

function setSource(set: string): string {
  const negated = /^\[[!^]/u.test(set);
  return `[${negated ? '^' : ''}${set.slice(negated ? 2 : 1, -1).replace(/[\\\][^]/gu, String.raw`\$&`)}]`;
}

function isSet(set: string): boolean {
  try {
    return new RegExp(setSource(set)) instanceof RegExp;
  } catch {
    return false;
  }
}
