import { close, constants, fstat, lstat, open, read, readdir, readlink, realpath, stat, type Stats } from 'node:fs';
import { promisify } from 'node:util';
import { denied, known, unparsable, type Known } from '../../core/model/fact.ts';
import type { ReadOptions, ReadResult, StatResult } from '../../core/model/host.ts';
import { unknownFrom } from './file-errors.ts';
import { gunzipRange } from './gunzip-range.ts';

const openFile = promisify(open);
const closeFile = promisify(close);
const readAt = promisify(read);
const statOpen = promisify(fstat);
const statPath = promisify(stat);
const statLink = promisify(lstat);
const readLink = promisify(readlink);
const realPathOf = promisify(realpath);
const readFolder = promisify(readdir);

export const defaultLimit = 1024 * 1024;
const maxLimit = 256 * 1024 * 1024;
const chunkSize = 64 * 1024;
// A file without a size (/proc) that is asked for its end has to be read whole.
const maxUnsized = 16 * 1024 * 1024;
// Environments hold secrets; reading kmsg takes the messages away from the system's log; the others are memory.
const forbidden = /^\/proc\/(?:[^/]+\/(?:task\/[^/]+\/)?(?:environ|mem|clear_refs|pagemap)|kmsg|kcore|kpage\w*)$/;

/** Reads a part of a regular file. Devices, fifos and sockets are not opened: that alone can hang or change something. */
export async function readFileRange(path: string, options: ReadOptions = {}): Promise<Known<ReadResult>> {
  if (forbidden.test(path)) return denied(`${path} is never read by badhop`);
  let fd: number | undefined;
  try {
    const before = await statPath(path);
    if (!before.isFile()) return unparsable(`${path} is a ${kindOf(before)}, not a file`);
    // Never waits for a writer, should the path have become a fifo meanwhile.
    fd = await openFile(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
    const opened = await statOpen(fd);
    if (!opened.isFile()) return unparsable(`${path} is a ${kindOf(opened)}, not a file`);
    // A link can lead to a forbidden file under another name; such files have no size.
    if (opened.size === 0 && forbidden.test(await readLink(`/proc/self/fd/${fd}`).catch(() => ''))) return denied(`${path} is never read by badhop`);
    const limit = Math.min(Math.max(0, options.limit ?? defaultLimit), maxLimit);
    const offset = Math.max(-maxLimit, Math.trunc(options.offset ?? 0));
    if (options.gunzip === true) return await gunzipRange(path, fileReader(fd), opened.size, offset, limit);
    return known(opened.size === 0 && offset < 0 ? await readUnsizedEnd(fd, offset, limit) : await readRange(fd, opened.size, offset, limit));
  } catch (error) {
    return unknownFrom(error, path);
  } finally {
    if (fd !== undefined) closeFile(fd).catch(() => undefined);
  }
}

async function readRange(fd: number, size: number, offset: number, limit: number): Promise<ReadResult> {
  const start = offset < 0 ? Math.max(0, size + offset) : offset;
  const parts: Buffer[] = [];
  let got = 0;
  let isEnd = false;
  while (got < limit && !isEnd) {
    const expected = parts.length === 0 && size > start ? size - start : chunkSize;
    const buffer = Buffer.allocUnsafe(Math.min(limit - got, expected));
    const { bytesRead } = await readAt(fd, buffer, 0, buffer.length, start + got);
    // A file that shrinks under us ends early, which is no error.
    if (bytesRead === 0) isEnd = true;
    else parts.push(buffer.subarray(0, bytesRead));
    got += bytesRead;
  }
  return { bytes: joined(parts), size, atEnd: isEnd || (size > 0 && start + got >= size) };
}

async function readUnsizedEnd(fd: number, offset: number, limit: number): Promise<ReadResult> {
  const whole = await readRange(fd, 0, 0, maxUnsized);
  const start = Math.max(0, whole.bytes.length + offset);
  return { bytes: whole.bytes.subarray(start, start + limit), size: 0, atEnd: whole.atEnd && start + limit >= whole.bytes.length };
}

function joined(parts: readonly Buffer[]): Uint8Array {
  const [only] = parts;
  return parts.length === 1 && only !== undefined ? only : Buffer.concat(parts);
}

function fileReader(fd: number): (position: number) => Promise<Uint8Array> {
  return async position => {
    const buffer = Buffer.allocUnsafe(chunkSize);
    const { bytesRead } = await readAt(fd, buffer, 0, chunkSize, position);
    return buffer.subarray(0, bytesRead);
  };
}

/** lstat, and where a link leads. */
export async function statFile(path: string): Promise<Known<StatResult>> {
  try {
    const stats = await statLink(path);
    const result = statResult(stats);
    if (!stats.isSymbolicLink()) return known(result);
    const target = await readLink(path).catch(() => undefined);
    if (target === undefined) return known(result);
    const realPath = await realPathOf(path).catch(() => undefined);
    return known(realPath === undefined ? { ...result, target } : { ...result, target, realPath });
  } catch (error) {
    return unknownFrom(error, path);
  }
}

export async function listFolder(path: string): Promise<Known<readonly string[]>> {
  try {
    return known((await readFolder(path)).sort());
  } catch (error) {
    return unknownFrom(error, path);
  }
}

export function statResult(stats: Stats): StatResult {
  return {
    kind: kindOf(stats),
    size: stats.size,
    mode: stats.mode,
    uid: stats.uid,
    gid: stats.gid,
    inode: stats.ino,
    modifiedMs: stats.mtimeMs,
    changedMs: stats.ctimeMs,
  };
}

function kindOf(stats: Stats): StatResult['kind'] {
  if (stats.isFile()) return 'file';
  if (stats.isDirectory()) return 'directory';
  if (stats.isSocket()) return 'socket';
  if (stats.isFIFO()) return 'fifo';
  if (stats.isSymbolicLink()) return 'link';
  return stats.isCharacterDevice() || stats.isBlockDevice() ? 'device' : 'other';
}
