import { randomBytes } from 'node:crypto';
import { chmodSync, chownSync, closeSync, fsyncSync, openSync, readFileSync, realpathSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { BadhopError } from '../core/model/error.ts';
import type { NginxConfig } from '../core/model/facts/nginx.ts';
import type { TextChange } from '../core/model/nginx-edits.ts';
import { bytesFromLatin1 } from '../core/parsers/latin1.ts';
import { printNginxConf } from '../core/parsers/nginx-conf.ts';

/**
 * Puts the changes into the files they are for, each written beside and renamed into its place with its mode and owner; a link stays a
 * link. All texts are made, and compared with what was judged, before the first file is touched. Gives the paths that were written.
 */
export function applyChanges(config: NginxConfig, changes: readonly TextChange[], onDisk: (path: string) => string | undefined): readonly string[] {
  const paths = [...new Set(changes.map(change => change.path))];
  const files = paths.map(path => {
    const place = onDisk(path);
    const text = config.files.find(file => file.path === path)?.text;
    if (place === undefined || text === undefined) throw unwritable(`${path} is not a file of this machine`);
    const after = printNginxConf(
      text,
      changes.filter(change => change.path === path),
    );
    if (after === undefined) throw unwritable(`${path}: the changes do not fit together`);
    return { path: realpathSync(place), before: bytesFromLatin1(text), after: bytesFromLatin1(after) };
  });
  for (const { path, before } of files) if (!readFileSync(path).equals(before)) throw unwritable(`${path} has changed since it was read`);
  for (const { path, after } of files) replaceFile(path, after);
  return files.map(({ path }) => path);
}

function replaceFile(path: string, bytes: Uint8Array): void {
  const { mode, uid, gid, nlink } = statSync(path);
  // Renaming would leave the file's other names with the old text.
  if (nlink > 1) throw unwritable(`${path} has ${nlink} names (hard links)`);
  const beside = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}`);
  let file: number | undefined;
  try {
    file = openSync(beside, 'wx', 0o600);
    for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at);
    chownSync(beside, uid, gid);
    chmodSync(beside, mode & 0o7777);
    fsyncSync(file);
    closeSync(file);
    file = undefined;
    renameSync(beside, path);
  } catch (error) {
    if (file !== undefined) closeSync(file);
    rmSync(beside, { force: true });
    throw unwritable(error instanceof Error ? error.message : path, error);
  }
}

function unwritable(message: string, cause?: unknown): BadhopError {
  return new BadhopError('config-unwritable', message, { cause });
}
