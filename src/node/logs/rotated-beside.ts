import { readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { rotatedName } from './rotation-order.ts';

/** More than rotation keeps; what is older than a window is passed over when it is read. */
const mostFiles = 1000;

/** The log itself and what rotation made of it, in its folder. A folder that cannot be listed gives the log alone. */
export async function withRotated(path: string): Promise<readonly string[]> {
  const folder = dirname(path);
  const names = await readdir(folder).catch(() => []);
  const { family } = rotatedName(basename(path));
  const rotated = names.filter(name => name !== basename(path) && rotatedName(name).family === family).sort();
  return [path, ...rotated.slice(0, mostFiles).map(name => join(folder, name))];
}
