import { createHash, randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  lstatSync,
  openSync,
  readSync,
  writeSync,
  type Stats,
} from 'node:fs';
import { spawnSync } from 'node:child_process';

/** A configuration file is no larger; a larger one is refused. */
export const mostFileBytes = 64 * 1024 * 1024;

/** Writes all of it, however the system cuts it into pieces. */
export function writeAll(fd: number, bytes: Uint8Array, position: number): void {
  let done = 0;
  while (done < bytes.length) done += writeSync(fd, bytes, done, bytes.length - done, position + done);
}

/** Makes a folder's entries outlast a power cut. File systems that cannot sync a folder say EINVAL. */
export function syncFolder(path: string): void {
  const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    fsyncSync(fd);
  } catch (error) {
    if (codeOf(error) !== 'EINVAL') throw error;
  } finally {
    closeSync(fd);
  }
}

/** Writes a new file, which must not be there, and syncs it. Attributes of `like` are copied onto it first, as far as the system lets us. */
export function writeNewFile(
  path: string,
  bytes: Uint8Array,
  like: { readonly path: string } | undefined,
  owner?: { uid: number; gid: number; mode: number },
): void {
  const copied = like !== undefined && copyAttributes(like.path, path);
  const fd = openSync(
    path,
    copied ? constants.O_WRONLY | constants.O_NOFOLLOW : constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
    0o600,
  );
  try {
    writeAll(fd, bytes, 0);
    if (owner !== undefined) {
      const now = fstatSync(fd);
      // Changing the owner takes setuid bits away, so the mode comes last.
      if (now.uid !== owner.uid || now.gid !== owner.gid) fchownSync(fd, owner.uid, owner.gid);
      fchmodSync(fd, owner.mode);
    }
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/**
 * Writes over the bytes of a file and keeps its inode, so that all its names show the new text. What a kill leaves is the new text's
 * beginning and the old text's rest, which the next run knows how to read.
 */
export function writeInPlace(path: string, bytes: Uint8Array): void {
  const fd = openSync(path, constants.O_WRONLY | constants.O_NOFOLLOW);
  try {
    writeAll(fd, bytes, 0);
    ftruncateSync(fd, bytes.length);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Bytes of a regular file, `undefined` where there is none. Throws for anything else, and for a file that is too large. */
export function readWhole(path: string): { readonly bytes: Buffer; readonly stats: Stats } | undefined {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const stats = fstatSync(fd);
    if (!stats.isFile()) throw new Error(`${path} is no regular file`);
    if (stats.size > mostFileBytes) throw new Error(`${path} is larger than badhop edits`);
    const bytes = Buffer.alloc(stats.size + 1);
    let length = 0;
    for (let got = 1; got > 0 && length < bytes.length; length += got) got = readSync(fd, bytes, length, bytes.length - length, length);
    return { bytes: bytes.subarray(0, length), stats };
  } finally {
    closeSync(fd);
  }
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Whether a name is there at all, a dangling link too. */
export function isThere(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

export function randomHex(bytes: number): string {
  return randomBytes(bytes).toString('hex');
}

export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** An empty file with the owner, mode, ACL, extended attributes and SELinux context of another; false where `cp` cannot do that here. */
function copyAttributes(from: string, to: string): boolean {
  const { status } = spawnSync('cp', ['--attributes-only', '--preserve=mode,ownership,xattr,context', '--no-clobber', '--', from, to], cpOptions);
  if (status === 0 && isThere(to)) return true;
  // Without SELinux, or on a file system without attributes, the whole request is refused by some versions of cp.
  if (isThere(to)) return true;
  const plain = spawnSync('cp', ['--attributes-only', '--preserve=mode,ownership', '--no-clobber', '--', from, to], cpOptions);
  return plain.status === 0 && isThere(to);
}

const cpOptions = { stdio: 'ignore', timeout: 10_000, env: { PATH: '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C' } } as const;
