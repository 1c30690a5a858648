import { readdir } from 'node:fs/promises';
import { isGlobPattern, matchesGlob } from '../../core/parsers/glob.ts';

/**
 * The paths that a pattern names: `*`, `?` and `[a-z]` stand for what they do in a shell, one level of folders each; `{a,b}` is
 * not known. Hidden names only where the pattern says so. Sorted. Folders that cannot be read name nothing.
 */
export async function expandGlob(pattern: string): Promise<readonly string[]> {
  let found: readonly string[] = [pattern.startsWith('/') ? '/' : ''];
  const parts = pattern.split('/').filter(part => part !== '');
  for (const [index, part] of parts.entries()) {
    const isLast = index === parts.length - 1;
    if (!isGlobPattern(part)) {
      found = found.map(folder => folder + part + (isLast ? '' : '/'));
      continue;
    }
    const next: string[] = [];
    for (const folder of found) {
      const entries = await readdir(folder === '' ? '.' : folder, { withFileTypes: true }).catch(() => []);
      for (const entry of entries) {
        if (!matchesGlob(part, entry.name)) continue;
        if (isLast) next.push(folder + entry.name);
        else if (entry.isDirectory() || entry.isSymbolicLink()) next.push(`${folder}${entry.name}/`);
      }
    }
    found = next.sort();
  }
  return found;
}
