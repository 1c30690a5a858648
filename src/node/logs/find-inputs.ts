import type { BigIntStats } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isGlobPattern } from '../../core/parsers/glob.ts';
import { expandGlob } from './glob.ts';
import { inTimeOrder } from './rotation-order.ts';
import { codeOf, told } from './told.ts';

/** Something to read, as it was found. */
export type Input =
  | { readonly kind: 'file'; readonly path: string; readonly size: number; readonly modifiedMs: number; readonly notes: readonly string[] }
  /** Read once, as it comes: a fifo that was named itself, or `-`. */
  | { readonly kind: 'fifo'; readonly path: string; readonly notes: readonly string[] }
  | { readonly kind: 'stdin'; readonly path: string; readonly notes: readonly string[] }
  | { readonly kind: 'journal'; readonly path: string; readonly unit: string; readonly notes: readonly string[] }
  /** The same log as another input. */
  | { readonly kind: 'copy'; readonly path: string; readonly why: string }
  | { readonly kind: 'unread'; readonly path: string; readonly why: string };

interface Candidate {
  readonly path: string;
  /** It was named itself, not found in a folder or by a pattern. */
  readonly isNamed: boolean;
}

interface Looked extends Candidate {
  readonly stats?: BigIntStats;
  readonly error?: unknown;
}

/** How stdin is named in reports. */
export const stdinPath = 'standard input';
const atOnce = 32;
// Asks a folder for `access.log`, `access_log-20261121.gz`, `error.log.1`, `site-ssl.log`; not for `login.html` or `logo.png`.
const logName = /(?:^|[._-])log(?:$|[._\d-])/iu;

/**
 * The inputs that paths name: files, the logs in folders, patterns, `-`. A rotated family stands in the order of time, the
 * oldest first. A file that is named twice, or by a link too, is there once. What cannot be read is there with its reason.
 */
export async function findInputs(paths: readonly string[], journalUnits: readonly string[] = []): Promise<readonly Input[]> {
  const inputs: Input[] = journalUnits.map(unit => ({ kind: 'journal', path: `journal of ${unit}`, unit, notes: [] }));
  const candidates: Candidate[] = [];
  for (const path of paths) {
    if (path !== '-') {
      const found = await expand(path);
      if (typeof found === 'string') inputs.push({ kind: 'unread', path, why: found });
      else candidates.push(...found);
    } else if (!inputs.some(input => input.kind === 'stdin')) inputs.push({ kind: 'stdin', path: stdinPath, notes: [] });
  }
  const looked = await inGroups(candidates, look);
  return [...inputs, ...inTimeOrder(once(looked), input => input.path)];
}

/** Candidates, or why there are none. */
async function expand(path: string): Promise<readonly Candidate[] | string> {
  const seen = await look({ path, isNamed: true });
  if (seen.stats === undefined) {
    if (codeOf(seen.error) === 'ENOENT' && isGlobPattern(path)) {
      const found = await expandGlob(path);
      return found.length === 0 ? 'no file has such a name' : found.map(one => ({ path: one, isNamed: false }));
    }
    return told(seen.error);
  }
  if (!seen.stats.isDirectory()) return [{ path, isNamed: true }];
  try {
    const names = (await readdir(path)).filter(name => logName.test(name) && !name.startsWith('.')).sort();
    return names.length === 0 ? 'no file in this folder is named like a log' : names.map(name => ({ path: join(path, name), isNamed: false }));
  } catch (error) {
    return told(error);
  }
}

async function look(candidate: Candidate): Promise<Looked> {
  try {
    return { ...candidate, stats: await stat(candidate.path, { bigint: true }) };
  } catch (error) {
    return { ...candidate, error };
  }
}

function once(looked: readonly Looked[]): readonly Input[] {
  const inputs: Input[] = [];
  const known = new Map<string, { readonly path: string; readonly notes: string[] }>();
  for (const { path, isNamed, stats, error } of looked) {
    if (stats === undefined) {
      inputs.push({ kind: 'unread', path, why: told(error) });
      continue;
    }
    // A folder among the names that a folder or a pattern gives is not what was asked for.
    if (stats.isDirectory()) continue;
    const id = `${stats.dev}:${stats.ino}`;
    const same = known.get(id);
    if (same !== undefined) {
      if (same.path !== path) same.notes.push(`${path} is the same file and is not counted again`);
      continue;
    }
    const notes: string[] = [];
    known.set(id, { path, notes });
    const kind = stats.isFile() ? 'file' : whyNot(stats, isNamed);
    if (kind === 'file') inputs.push({ kind, path, size: Number(stats.size), modifiedMs: Number(stats.mtimeMs), notes });
    else if (kind === 'fifo') inputs.push({ kind, path, notes });
    else inputs.push({ kind: 'unread', path, why: kind });
  }
  return inputs;
}

function whyNot(stats: BigIntStats, isNamed: boolean): string {
  if (stats.isFIFO()) return isNamed ? 'fifo' : 'it is a fifo; name it itself to have it read';
  if (stats.isSocket()) return 'it is a socket, not a file';
  return stats.isCharacterDevice() || stats.isBlockDevice() ? 'it is a device, not a file' : 'it is not a file';
}

async function inGroups<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<readonly R[]> {
  const done: R[] = [];
  for (let at = 0; at < items.length; at += atOnce) done.push(...(await Promise.all(items.slice(at, at + atOnce).map(item => work(item)))));
  return done;
}
