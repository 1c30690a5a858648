import { closeSync, constants, fstatSync, lstatSync, openSync, readFileSync, readSync } from 'node:fs';
import { known, type Known } from '../../core/model/fact.ts';
import type { ReadOptions, ReadResult, StatResult } from '../../core/model/host.ts';
import { errorCode, unknownFrom } from './file-errors.ts';
import { defaultLimit, statResult } from './local-files.ts';

/** File systems on disks of this machine or in its memory. */
const localKinds = /^(?:ext[234]|xfs|btrfs|f2fs|zfs|jfs|bcachefs|overlay|tmpfs|ramfs|squashfs|erofs)$/;
/** A configuration or a unit file. Of more, the thread pool reads while other work goes on. */
const mostBytes = 64 * 1024;
/** Such a file takes 20 µs where the kernel has it in memory. A disk that has to move takes longer: then other work goes on meanwhile. */
const slowMs = 4;
const mostSlow = 3;

/**
 * Reads small files of the root file system at once, which takes a fifth of what the thread pool costs. Where that file system hangs no
 * program can be started either, so nothing is lost. Everything else may hang alone and is left to the thread pool: what is mounted anywhere
 * below, and what a link leads to. Each method gives `undefined` for that.
 */
export class RootFiles {
  /** By folder: whether it is reached without a link and without another file system. */
  readonly #folders = new Map<string, boolean>();
  #mounts: ReadonlySet<string> | undefined;
  #slow = 0;

  /** Whether it is worth trying: the path leads through folders of the root file system alone. */
  holds(path: string): boolean {
    if (this.#slow >= mostSlow || !/^\/[^/\0]/.test(path) || /\/(?:\.{0,2}(?:\/|$))/.test(path)) return false;
    return !this.#mountPoints().has(path) && this.#isPlain(folderOf(path));
  }

  stat(path: string): Known<StatResult> | undefined {
    return this.#timed(path, () => {
      const stats = lstatSync(path, { throwIfNoEntry: false });
      if (stats === undefined) return unknownFrom({ code: 'ENOENT' }, path);
      return stats.isSymbolicLink() ? undefined : known(statResult(stats));
    });
  }

  read(path: string, options: ReadOptions): Known<ReadResult> | undefined {
    const { offset = 0, limit = defaultLimit, gunzip = false } = options;
    if (gunzip || offset < 0 || limit <= 0) return undefined;
    return this.#timed(path, () => {
      const stats = lstatSync(path, { throwIfNoEntry: false });
      if (stats === undefined) return unknownFrom({ code: 'ENOENT' }, path);
      if (!stats.isFile() || stats.size > mostBytes) return undefined;
      return readSmall(path, Math.trunc(offset), limit);
    });
  }

  #timed<T>(path: string, work: () => Known<T> | undefined): Known<T> | undefined {
    const startedMs = performance.now();
    try {
      return work();
    } catch (error) {
      // It became a link since: that is for those who can wait.
      return errorCode(error) === 'ELOOP' ? undefined : unknownFrom(error, path);
    } finally {
      if (performance.now() - startedMs > slowMs) this.#slow += 1;
    }
  }

  #isPlain(folder: string): boolean {
    if (folder === '') return this.#mountPoints().has('/');
    const before = this.#folders.get(folder);
    if (before !== undefined) return before;
    const isPlain = this.#isPlain(folderOf(folder)) && !this.#mountPoints().has(folder) && isNoLink(folder);
    this.#folders.set(folder, isPlain);
    return isPlain;
  }

  /** `/` is among them only where its file system is a local one. */
  #mountPoints(): ReadonlySet<string> {
    this.#mounts ??= readMounts();
    return this.#mounts;
  }
}

function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'));
}

/** A folder that is not there leads nowhere else. */
function isNoLink(folder: string): boolean {
  try {
    return lstatSync(folder, { throwIfNoEntry: false })?.isDirectory() !== false;
  } catch {
    return false;
  }
}

function readSmall(path: string, offset: number, limit: number): Known<ReadResult> | undefined {
  // The folder may change meanwhile: neither a link is followed, nor is a writer waited for.
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY | constants.O_NOFOLLOW);
  try {
    const stats = fstatSync(fd);
    if (!stats.isFile() || stats.size > mostBytes) return undefined;
    const bytes = new Uint8Array(Math.min(limit, Math.max(0, stats.size - offset)));
    let got = 0;
    for (let more = 1; more > 0 && got < bytes.length; got += more) more = readSync(fd, bytes, got, bytes.length - got, offset + got);
    return known({ bytes: bytes.subarray(0, got), size: stats.size, atEnd: offset + got >= stats.size || got < bytes.length });
  } finally {
    closeSync(fd);
  }
}

/**
 * The fifth field of /proc/self/mountinfo is the mount point, with blanks and backslashes in octal; the kind stands behind ` - `
 * (proc_pid_mountinfo(5)). Sample: `28 1 0:25 / / rw,relatime - ext4 /dev/vda1 rw`. Of two at one point the later is on top.
 */
function readMounts(): ReadonlySet<string> {
  const mounts = new Set<string>();
  try {
    for (const line of readFileSync('/proc/self/mountinfo', 'utf8').split('\n')) {
      const point = line.split(' ', 5)[4]?.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
      if (point === undefined) continue;
      const kind = / - (\S+)/.exec(line)?.[1] ?? '';
      if (point === '/' && !localKinds.test(kind)) mounts.delete(point);
      else mounts.add(point);
    }
  } catch {
    // Without /proc nothing is known of the mounts.
    mounts.clear();
  }
  return mounts;
}
