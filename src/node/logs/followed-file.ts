/**
 * A log that is followed by its name, as `tail -F` does, through every way in which logs are rotated.
 *
 * What is guaranteed: every byte that is written to the log, and stays readable under any plain name of its family until the next
 * `poll`, is given out once and in order.
 * - Renamed: the file that was open is read to its end, and on until it has been silent for a minute; files that came and were
 *   renamed between two polls are found by their names and read from their start.
 * - Copied and truncated: what was not read before is read from the copy. Without a copy it is gone. What a writer adds between the
 *   copy and the truncation is in neither, for nobody.
 * - Truncated and grown beyond where reading was: told by the last bytes that were read, which are read again with every
 *   read. Where they are the same at the same place by chance, the new start is taken for what was read.
 * - Deleted: read on for as long as it is written to; what appears under the name is read from its start.
 */
import { closeSync, constants, fstatSync, openSync, readdirSync, readSync, statSync, type BigIntStats } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { inTimeOrder, rotatedName } from './rotation-order.ts';
import { codeOf, told } from './told.ts';

/** Takes the bytes of one file, from one start to one end. */
export interface FollowSink {
  /** `bytes` is used again after the call. `offset` is that of the first. */
  take(bytes: Uint8Array, offset: number): void;
  /** No more bytes come: what is left over is a line. */
  end(): void;
}

export interface FollowOptions {
  readonly openSink: () => FollowSink;
  /** Milliseconds since 1970. */
  readonly nowMs: () => number;
  /** Where reading starts in the file that is there at first. */
  readonly from: 'start' | 'end' | number;
  /** A file that was renamed is closed when nothing has been written to it for so long. Default a minute. */
  readonly silentMs?: number;
  readonly onProblem?: (problem: string) => void;
}

interface Generation {
  readonly fd: number;
  readonly sink: FollowSink;
  readonly id: string;
  position: number;
  /** The last bytes before `position`. */
  mark: Uint8Array;
  grewMs: number;
}

interface Relative {
  readonly path: string;
  readonly id: string;
  readonly size: number;
  readonly modifiedMs: number;
  readonly changed: bigint;
}

const markBytes = 512;
const pieceBytes = 1 << 20;
/** Of a log that is far ahead, in one poll. */
const mostAtOnce = 8 << 20;
const mostTurns = 10;
/** Of a file server. */
const clockSlackMs = 10_000;
/** Of the newest of a family; an older one was there before. */
const mostRelatives = 512;
const compressedName = /\.(?:gz|zst|bz2|xz|z)$/iu;

export class FollowedFile {
  readonly #path: string;
  readonly #options: FollowOptions;
  readonly #buffer = new Uint8Array(markBytes + pieceBytes);
  #current: Generation | undefined;
  #retired: Generation[] = [];
  /** Files of the family that were read, or were there before: how they began. */
  readonly #seen = new Map<string, { readonly head: Uint8Array; changed: bigint }>();
  readonly #startedMs: number;
  #folderChanged: bigint | undefined;
  #isDenied = false;

  constructor(path: string, options: FollowOptions) {
    this.#path = path;
    this.#options = options;
    this.#startedMs = options.nowMs();
    for (const { path: one, id, changed } of this.#family()) this.#seen.set(id, { head: headOf(one), changed });
    this.#open(options.from);
  }

  /** Gives out what has come since the last time. Never throws for what a file does. Returns the number of bytes. */
  poll(): number {
    let taken = 0;
    for (const one of this.#retired) taken += numberOf(this.#drain(one));
    this.#closeSilent();
    // A log that is rotated faster than it is read is followed for a while, then in the next poll.
    for (let turn = 0; turn < mostTurns; turn += 1) {
      if (this.#current === undefined) return taken + this.#open('start');
      const [got, isRenamed] = this.#follow(this.#current);
      taken += got;
      if (!isRenamed) break;
    }
    return taken;
  }

  close(): void {
    for (const one of [...this.#retired, ...(this.#current === undefined ? [] : [this.#current])]) this.#end(one);
    this.#retired = [];
    this.#current = undefined;
  }

  /** Bytes, and whether another file has the name. */
  #follow(old: Generation): readonly [taken: number, isRenamed: boolean] {
    const now = statOf(this.#path);
    const next = now === undefined || idOf(now) === old.id ? undefined : this.#openNext(old.id);
    const folderChanged = statOf(dirname(this.#path))?.mtimeNs;
    let taken = 0;
    if (next === undefined && folderChanged === this.#folderChanged) {
      const got = this.#drain(old, mostAtOnce);
      if (got !== 'truncated') return [got, false];
    }
    this.#folderChanged = folderChanged;
    // Listed when the next file is open already: whatever came between the two has a name by now.
    const family = this.#family();
    const place = next === undefined ? -1 : family.findIndex(({ id }) => id === old.id);
    taken += this.#settle(place === -1 ? family : family.slice(0, place), old, next?.id);
    if (next === undefined) return [taken, false];
    if (this.#current !== undefined) this.#retired.push(this.#current);
    this.#current = next;
    const own = family.findIndex(({ id }) => id === next.id);
    if (place !== -1) taken += this.#readWhole(family.slice(place + 1, own === -1 ? undefined : own), next);
    return [taken + numberOf(this.#drain(next)), true];
  }

  /** Reads the file to its end, and what of it, or of what was written in its place before, lies in files of its family. */
  #settle(family: readonly Relative[], old: Generation, nextId: string | undefined): number {
    let current = old;
    let taken = 0;
    for (const one of family) {
      // In this order: what is a copy of a file that begins otherwise by now is a whole one.
      if (one.id === nextId || !this.#isMissed(one) || beginAlike(headOf(current.fd), headOf(one.path))) continue;
      if (current.position > 0 && isContinued(one.path, current)) {
        taken += this.#readCopy(one, current);
        current = this.#startAnew(current);
      } else taken += this.#readWhole([one], current);
    }
    for (;;) {
      const got = this.#drain(current);
      if (got !== 'truncated') return taken + got;
      this.#options.onProblem?.(`it was emptied when ${current.position} bytes were read; whatever else was in it is gone`);
      current = this.#startAnew(current);
    }
  }

  /** The same file, with nothing in it that was there before. */
  #startAnew(old: Generation): Generation {
    old.sink.end();
    // A writer that does not append goes on where it was, and leaves a hole before that.
    const position = isHole(old) ? old.position : 0;
    this.#current = { fd: old.fd, id: old.id, sink: this.#options.openSink(), position, mark: new Uint8Array(0), grewMs: old.grewMs };
    return this.#current;
  }

  #readCopy(copy: Relative, old: Generation): number {
    const fd = openPlain(copy.path);
    if (fd === undefined) return 0;
    const taken = numberOf(this.#drain({ ...old, fd }));
    this.#seen.set(copy.id, { head: headOf(fd), changed: copy.changed });
    closeSync(fd);
    return taken;
  }

  /** Those that were not read and do not begin as the current one: they may be copies of it that are being made. */
  #readWhole(files: readonly Relative[], current: Generation): number {
    let taken = 0;
    for (const file of files) {
      if (file.id === current.id || !this.#isMissed(file) || beginAlike(headOf(current.fd), headOf(file.path))) continue;
      const fd = openPlain(file.path);
      if (fd === undefined) continue;
      const id = idOf(fstatSync(fd, { bigint: true }));
      if (id === file.id) {
        const one = this.#generation(fd, id, 0);
        taken += numberOf(this.#drain(one));
        // It may be written to still: its writer may not know yet that it was renamed.
        this.#retired.push(one);
      } else closeSync(fd);
    }
    return taken;
  }

  /** Something was written to it since the log is followed, and it was never read. */
  #isMissed(one: Relative): boolean {
    if (one.size === 0 || one.modifiedMs < this.#startedMs - clockSlackMs) return false;
    if (one.id === this.#current?.id || this.#retired.some(({ id }) => id === one.id)) return false;
    const seen = this.#seen.get(one.id);
    if (seen === undefined) return true;
    if (seen.changed === one.changed) return false;
    // The number of an inode is given to a new file as soon as the old one is gone; then it begins otherwise.
    if (!beginAlike(seen.head, headOf(one.path))) return true;
    seen.changed = one.changed;
    return false;
  }

  /** The oldest first. Taken again where names changed meanwhile. */
  #family(): readonly Relative[] {
    const folder = dirname(this.#path);
    for (let turn = 0; ; turn += 1) {
      const before = statOf(folder)?.mtimeNs;
      const family = this.#list(folder);
      if (turn === mostTurns || statOf(folder)?.mtimeNs === before) return family;
    }
  }

  #list(folder: string): readonly Relative[] {
    const own = rotatedName(this.#path).family;
    let names: readonly string[];
    try {
      names = readdirSync(folder);
    } catch {
      return [];
    }
    const paths = names.filter(name => name !== basename(this.#path) && !compressedName.test(name)).map(name => join(folder, name));
    const relatives = inTimeOrder(
      paths.filter(path => rotatedName(path).family === own),
      path => path,
    );
    return relatives.slice(-mostRelatives).flatMap(path => {
      const stats = statOf(path);
      return stats?.isFile() === true ? [{ path, id: idOf(stats), size: Number(stats.size), modifiedMs: Number(stats.mtimeMs), changed: stats.ctimeNs }] : [];
    });
  }

  /** The file that has the name now, where it is another one than before. */
  #openNext(oldId: string): Generation | undefined {
    const fd = openPlain(this.#path, error => this.#deny(error));
    if (fd === undefined) return undefined;
    const id = idOf(fstatSync(fd, { bigint: true }));
    if (id !== oldId) return this.#generation(fd, id, 0);
    closeSync(fd);
    return undefined;
  }

  #open(from: FollowOptions['from']): number {
    const stats = statOf(this.#path);
    if (stats === undefined || !stats.isFile()) return 0;
    const fd = openPlain(this.#path, error => this.#deny(error));
    if (fd === undefined) return 0;
    this.#isDenied = false;
    const opened = fstatSync(fd, { bigint: true });
    const current = this.#generation(fd, idOf(opened), from === 'end' ? Number(opened.size) : from === 'start' ? 0 : from);
    this.#current = current;
    return numberOf(this.#drain(current, mostAtOnce));
  }

  #deny(error: unknown): void {
    if (!this.#isDenied && codeOf(error) !== 'ENOENT') this.#options.onProblem?.(told(error));
    this.#isDenied = true;
  }

  #generation(fd: number, id: string, position: number): Generation {
    const length = Math.min(markBytes, position);
    const mark = new Uint8Array(length);
    const got = length === 0 ? 0 : readSync(fd, mark, 0, length, position - length);
    return { fd, id, sink: this.#options.openSink(), position, mark: mark.subarray(0, got), grewMs: this.#options.nowMs() };
  }

  /** To its end, or to behind `most`; `truncated` where what was read is no longer there. */
  #drain(one: Generation, most = Number.POSITIVE_INFINITY): number | 'truncated' {
    let taken = 0;
    for (;;) {
      const got = this.#read(one);
      if (got === 'truncated' || got === 0) return got === 0 || taken > 0 ? taken : got;
      taken += got;
      if (taken >= most) return taken;
    }
  }

  /** Reads the last bytes again together with the next ones: only where they are the same do these follow them. */
  #read(one: Generation): number | 'truncated' {
    const { length } = one.mark;
    let got: number;
    try {
      got = readSync(one.fd, this.#buffer, 0, length + pieceBytes, one.position - length);
    } catch (error) {
      this.#options.onProblem?.(`at byte ${one.position} ${told(error)}`);
      return 0;
    }
    if (got < length || !isSame(this.#buffer.subarray(0, length), one.mark)) return 'truncated';
    if (got === length) return 0;
    const bytes = this.#buffer.subarray(length, got);
    // The hole that a writer which does not append leaves behind a truncation.
    const text = length === 0 ? bytes.findIndex(byte => byte !== 0) : 0;
    if (text !== -1) one.sink.take(bytes.subarray(text), one.position + text);
    one.position += got - length;
    one.mark = this.#buffer.slice(Math.max(0, got - markBytes), got);
    one.grewMs = this.#options.nowMs();
    return got - length;
  }

  #closeSilent(): void {
    const sinceMs = this.#options.nowMs() - (this.#options.silentMs ?? 60_000);
    const silent = this.#retired.filter(one => one.grewMs < sinceMs);
    if (silent.length === 0) return;
    for (const one of silent) {
      this.#seen.set(one.id, { head: headOf(one.fd), changed: 0n });
      this.#end(one);
    }
    this.#retired = this.#retired.filter(one => !silent.includes(one));
  }

  #end(one: Generation): void {
    one.sink.end();
    closeSync(one.fd);
  }
}

function idOf(stats: BigIntStats): string {
  return `${stats.dev}:${stats.ino}`;
}

function statOf(path: string): BigIntStats | undefined {
  try {
    return statSync(path, { bigint: true });
  } catch {
    return undefined;
  }
}

/** Never waits, should the path have become a fifo. */
function openPlain(path: string, onError?: (error: unknown) => void): number | undefined {
  try {
    const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
    if (fstatSync(fd).isFile()) return fd;
    closeSync(fd);
  } catch (error) {
    onError?.(error);
  }
  return undefined;
}

function numberOf(taken: number | 'truncated'): number {
  return taken === 'truncated' ? 0 : taken;
}

/** Of an open file, or of one by its path. */
function headOf(file: number | string): Uint8Array {
  const fd = typeof file === 'number' ? file : openPlain(file);
  if (fd === undefined) return new Uint8Array(0);
  try {
    const bytes = new Uint8Array(markBytes);
    return bytes.subarray(0, readSync(fd, bytes, 0, markBytes, 0));
  } catch {
    return new Uint8Array(0);
  } finally {
    if (fd !== file) closeSync(fd);
  }
}

/** What a file holds before a position is what was read there. */
function isContinued(path: string, { mark, position }: Generation): boolean {
  const fd = openPlain(path);
  if (fd === undefined) return false;
  try {
    const bytes = new Uint8Array(mark.length);
    return readSync(fd, bytes, 0, mark.length, position - mark.length) === mark.length && isSame(bytes, mark);
  } catch {
    return false;
  } finally {
    closeSync(fd);
  }
}

function isHole({ fd, position, mark }: Generation): boolean {
  const bytes = new Uint8Array(mark.length);
  try {
    const got = readSync(fd, bytes, 0, bytes.length, position - bytes.length);
    return got === bytes.length && got > 0 && bytes.every(byte => byte === 0);
  } catch {
    return false;
  }
}

function beginAlike(a: Uint8Array, b: Uint8Array): boolean {
  const length = Math.min(a.length, b.length);
  return length > 0 && isSame(a.subarray(0, length), b.subarray(0, length));
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
