import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, posix, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));

/** Text of a file of the repository, by its path from the root. */
export function textOf(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}

export function isThere(path: string): boolean {
  return existsSync(join(root, path));
}

/** Paths from the root of all files below a folder that end so, sorted. */
export function filesBelow(folder: string, end: string): readonly string[] {
  if (!isThere(folder)) return [];
  return readdirSync(join(root, folder), { withFileTypes: true, recursive: true })
    .filter(entry => entry.isFile() && entry.name.endsWith(end))
    .map(entry => relative(root, join(entry.parentPath, entry.name)).replaceAll('\\', '/'))
    .toSorted();
}

/** What a TypeScript file imports: a path from the root where the import is relative, else the package as written. */
export function importsOf(path: string): readonly string[] {
  return importedNames(textOf(path)).map(name => (name.startsWith('.') ? posix.join(posix.dirname(path), name) : name));
}

/** The module names in import and re-export statements and in `import()`, in order. */
export function importedNames(text: string): readonly string[] {
  const statements = text.matchAll(/^(?:import|export)\b(?:[^'"`;=()]*?\bfrom)?\s*['"]([^'"]+)['"]/gm);
  const calls = text.matchAll(/\bimport\(\s*['"]([^'"]+)['"]/g);
  return [...statements, ...calls].flatMap(([, name]) => name ?? []);
}
