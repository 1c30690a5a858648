import { closeSync, constants, lstatSync, openSync, read, readdirSync, readlinkSync, readSync } from 'node:fs';
import { known, type Known } from '../../core/model/fact.ts';
import type { ReadOptions, ReadResult, StatResult } from '../../core/model/host.ts';
import { unknownFrom } from './file-errors.ts';
import { defaultLimit, statResult } from './local-files.ts';

// The kernel answers these from its own tables: they never wait for a disk, a network or a process. `cmdline`, `maps` and
// `smaps` are not among them: they wait for a lock that a hanging process can hold.
const quickFile = /^\/proc\/(?:[0-9]+|self)\/(?:stat|statm|status|cgroup|limits|comm|io|wchan|oom_score|oom_score_adj|sessionid|loginuid|schedstat)$/;
const quickPath = /^\/proc(?:\/(?:[0-9]+|self)(?:\/(?:fd(?:\/[0-9]+)?|exe|cwd|root|ns(?:\/\w+)?|stat|status|cgroup|limits|comm))?)?$/;
const bufferSize = 64 * 1024;
/** seq_file, which most of these files are made with, begins with a page. */
const onePieceBytes = 4096;
/** No Buffer: to copy a part of one takes several times as long. */
const buffer = new Uint8Array(bufferSize);
/** Buffers of reads that are over; as many as reads were ever under way at once. */
const spare: Uint8Array[] = [];

export function isQuickFile(path: string, options: ReadOptions): boolean {
  return options.gunzip !== true && (options.offset ?? 0) === 0 && (options.limit ?? defaultLimit) > 0 && quickFile.test(path);
}

/** The command line of a process: opening it is quick, reading it can wait for a hanging process. */
export function isCommandLine(path: string, options: ReadOptions): boolean {
  return /^\/proc\/(?:[0-9]+|self)\/cmdline$/.test(path) && options.gunzip !== true && (options.offset ?? 0) === 0 && (options.limit ?? defaultLimit) > 0;
}

export function isQuickPath(path: string): boolean {
  return quickPath.test(path);
}

/** Reads a small /proc file at once; see `isQuickFile`. */
export function readQuick(path: string, options: ReadOptions): Known<ReadResult> {
  const limit = Math.min(options.limit ?? defaultLimit, bufferSize);
  let fd: number | undefined;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    let got = 0;
    for (;;) {
      const bytesRead = got < limit ? readSync(fd, buffer, got, limit - got, null) : -1;
      got += Math.max(0, bytesRead);
      // The kernel makes such a file in one piece, and gives all of it where there is room: a second read would say only that it is over.
      const isWhole = bytesRead > 0 && bytesRead < onePieceBytes && got === bytesRead && got < limit;
      if (bytesRead <= 0 || isWhole) return known({ bytes: buffer.slice(0, got), size: 0, atEnd: bytesRead === 0 || isWhole });
    }
  } catch (error) {
    return unknownFrom(error, path);
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/** Reads a command line with one step in the thread pool, where it may wait. */
export function readCommandLine(path: string, options: ReadOptions): Promise<Known<ReadResult>> {
  return new Promise(resolve => {
    let fd: number;
    try {
      fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    } catch (error) {
      resolve(unknownFrom(error, path));
      return;
    }
    const room = spare.pop() ?? new Uint8Array(bufferSize);
    const limit = Math.min(options.limit ?? defaultLimit, bufferSize);
    read(fd, room, 0, limit, 0, (error, bytesRead) => {
      // The kernel gives all that there is in one read. A copy: thousands of processes would hold as many large buffers.
      resolve(error === null ? known({ bytes: room.slice(0, bytesRead), size: 0, atEnd: bytesRead < limit }) : unknownFrom(error, path));
      spare.push(room);
      closeSync(fd);
    });
  });
}

/** lstat of a /proc path. What a link there says is the final path already; it is not followed, which could hang. */
export function statQuick(path: string): Known<StatResult> {
  try {
    const stats = lstatSync(path);
    if (!stats.isSymbolicLink()) return known(statResult(stats));
    const target = readlinkSync(path);
    const isPath = target.startsWith('/') && !target.endsWith(' (deleted)');
    return known(isPath ? { ...statResult(stats), target, realPath: target } : { ...statResult(stats), target });
  } catch (error) {
    return unknownFrom(error, path);
  }
}

export function listQuick(path: string): Known<readonly string[]> {
  try {
    return known(readdirSync(path).sort());
  } catch (error) {
    return unknownFrom(error, path);
  }
}
