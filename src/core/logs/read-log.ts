/** Reads the part of a log, and of its rotated predecessors, that a time window needs. */
import { ask, askAll } from '../model/collector.ts';
import type { Known } from '../model/fact.ts';
import type { ReadResult } from '../model/host.ts';
import { LineSplitter, type LineSink } from './lines.ts';
import { findRotated, type RotatedFile } from './rotated.ts';
import { findWindowStart, sliceBytes, type Asking, type WindowSearch } from './window.ts';

const mebibyte = 1 << 20;
/** As much is read at once, and counted before anything else has its turn: more would keep the answers of programs waiting. */
const readBytes = mebibyte / 4;
const batch = 4;
/** A file up to this size is read whole, which also gives its lines their numbers. */
const wholeBytes = 2 * mebibyte;
const gunzipLimit = 16 * mebibyte;
const gunzipReads = 8;

export interface LogTask extends Omit<WindowSearch, 'size'> {
  /** Most bytes to read; the newest are read first. */
  readonly maxBytes: number;
  /** Where a file is found that had this path, was deleted, and is still written to (`/proc/PID/fd/N`). Its lines are older than those at the path. */
  readonly openAs?: string;
  /** Takes the lines of one of the files. */
  sinkFor(path: string): LineSink;
}

export type LogReading =
  | {
      readonly state: 'read';
      readonly bytesRead: number;
      readonly wholeWindow: boolean;
      readonly rotatedRead: readonly string[];
      readonly problems: readonly string[];
      readonly modifiedMs: number;
    }
  /** It is a device or a pipe: what is written there goes on to the journal or to the container's log. */
  | { readonly state: 'stream' }
  | { readonly state: 'unread'; readonly why: string };

/** What stands at the path of a log. */
type Place =
  | { readonly state: 'file'; readonly real: string; readonly size: number; readonly modifiedMs: number }
  | { readonly state: 'missing'; readonly why: string };

/** Finds the window in the log at `task.path` and hands its lines to the sinks, the oldest file first. */
export function* readLog(task: LogTask): Asking<LogReading> {
  const place = yield* placeOf(task.path);
  if (place.state === 'stream' || place.state === 'unread') return place;
  const head = place.state === 'file' ? yield* headOf(task.path) : undefined;
  if (head !== undefined && head.state !== 'known') return { state: 'unread', why: withHow(head) };
  const deleted = task.openAs === undefined ? undefined : yield* headOf(task.openAs);

  const progress = new Progress();
  const modifiedMs = place.state === 'file' ? place.modifiedMs : task.latestMs;
  const isGzip = head?.value.bytes[0] === 0x1f && head.value.bytes[1] === 0x8b;
  if (isGzip) yield* streamGzip(task, task.path, progress);
  else {
    const parts: Part[] = [];
    let left = task.maxBytes;
    if (place.state === 'file' && head !== undefined) {
      parts.push(yield* partOf(task, { path: task.path, size: place.size, head: head.value.bytes }, left, progress));
      left -= place.size;
    }
    if (task.openAs !== undefined && deleted?.state === 'known' && left > 0) {
      const { size, bytes } = deleted.value;
      parts.unshift(yield* partOf(task, { path: task.openAs, size, head: bytes }, left, progress));
      left -= size;
      progress.problems.push(`${task.path} was deleted, and nginx still writes to what it was: read as ${task.openAs}. \`nginx -s reopen\` begins a new file`);
    }
    const [oldest] = parts;
    if (oldest === undefined || (oldest.start === 0 && startsInside(task, oldest.head))) {
      yield* readRotated(task, place.state === 'file' ? place.real : task.path, left, progress);
      if (oldest === undefined && place.state === 'missing') {
        if (progress.rotatedRead.length === 0) return { state: 'unread', why: place.why };
        progress.problems.push(`${place.why}: only what was rotated away was read`);
      }
    }
    for (const { path, start, size } of parts) yield* stream(task, path, start, size, progress);
  }
  const { bytesRead, wholeWindow, rotatedRead, problems } = progress;
  return { state: 'read', bytesRead, wholeWindow, rotatedRead, problems, modifiedMs };
}

function* placeOf(path: string): Asking<Place | Exclude<LogReading, { state: 'read' }>> {
  const [stat] = yield* ask({ kind: 'stat', path });
  if (stat.state === 'absent') return { state: 'missing', why: withHow(stat) };
  if (stat.state !== 'known') return { state: 'unread', why: withHow(stat) };
  const real = stat.value.kind === 'link' ? stat.value.realPath : path;
  if (real === undefined) return { state: 'unread', why: `${path} is a link to ${stat.value.target ?? 'nowhere'}, which does not exist` };
  if (path === '/dev/null' || real === '/dev/null') return { state: 'unread', why: `${path} is /dev/null: nothing is kept` };
  if (/^\/(?:dev|proc)\//u.test(real)) return { state: 'stream' };
  const [target] = yield* ask({ kind: 'stat', path: real });
  if (target.state !== 'known') return { state: 'unread', why: withHow(target) };
  const { kind, size, modifiedMs } = target.value;
  return kind === 'file' ? { state: 'file', real, size, modifiedMs } : { state: 'unread', why: `it is a ${kind}, not a file` };
}

function* headOf(path: string): Asking<Known<ReadResult>> {
  const [head] = yield* ask({ kind: 'read', path, options: { offset: 0, limit: sliceBytes } });
  return head;
}

interface WholeFile {
  readonly path: string;
  readonly size: number;
  readonly head: Uint8Array;
}
interface Part extends WholeFile {
  readonly start: number;
}

function* partOf(task: LogTask, file: WholeFile, budget: number, progress: Progress): Asking<Part> {
  const { path, size } = file;
  const begin = size <= wholeBytes ? 0 : yield* findWindowStart({ ...task, path, size });
  const start = Math.max(begin, size - budget);
  if (start > begin) progress.lose(`${path}: only the newest ${Math.round(budget / mebibyte)} MiB of the window were read`);
  return { ...file, start };
}

class Progress {
  bytesRead = 0;
  wholeWindow = true;
  readonly rotatedRead: string[] = [];
  readonly problems: string[] = [];

  lose(problem: string): void {
    this.wholeWindow = false;
    this.problems.push(problem);
  }
}

/** True where the file's first line lies in the window, or no line has a time: what came before may be in it too. */
function startsInside(task: LogTask, head: Uint8Array): boolean {
  let start = 0;
  for (let end = head.indexOf(10); end !== -1; end = head.indexOf(10, start)) {
    const timeMs = task.timeOf(head, start, end);
    if (Number.isFinite(timeMs)) return timeMs > task.sinceMs;
    start = end + 1;
  }
  return true;
}

function* readRotated(task: LogTask, path: string, budget: number, progress: Progress): Asking<void> {
  const files = yield* findRotated(path, task.sinceMs);
  let left = budget;
  const plan: { readonly file: RotatedFile; readonly start: number }[] = [];
  for (const file of files) {
    if (left <= 0) {
      progress.lose(`${file.path} reaches into the window and was not read: the limit of ${Math.round(task.maxBytes / mebibyte)} MiB is used up`);
      break;
    }
    if (file.gzip) plan.push({ file, start: 0 });
    else {
      const begin = file.size <= wholeBytes ? 0 : yield* findWindowStart({ ...task, path: file.path, size: file.size });
      const start = Math.max(begin, file.size - left);
      if (start > begin) progress.lose(`${file.path}: only its newest ${Math.round(left / mebibyte)} MiB were read`);
      left -= file.size - start;
      plan.push({ file, start });
    }
  }
  for (const { file, start } of plan.toReversed()) {
    progress.rotatedRead.push(file.path);
    if (file.gzip) yield* streamGzip(task, file.path, progress);
    else yield* stream(task, file.path, start, file.size, progress);
  }
}

function* stream(task: LogTask, path: string, start: number, size: number, progress: Progress): Asking<void> {
  const lines = new LineSplitter(task.sinkFor(path), start, start > 0);
  for (let offset = start; offset < size; offset += batch * readBytes) {
    const requests = [];
    for (let at = offset; at < Math.min(size, offset + batch * readBytes); at += readBytes) {
      requests.push({ kind: 'read', path, options: { offset: at, limit: Math.min(readBytes, size - at) } } as const);
    }
    for (const [index, answer] of (yield* askAll(requests)).entries()) {
      if (answer.state !== 'known') {
        progress.lose(`${path}: ${answer.why}`);
        lines.finish();
        return;
      }
      const { bytes } = answer.value;
      progress.bytesRead += bytes.length;
      lines.push(bytes);
      // The file was cut while it was read.
      if (bytes.length < (requests[index]?.options.limit ?? 0)) {
        lines.finish();
        return;
      }
    }
  }
  lines.finish();
}

/** A compressed log can only be read from its start. */
function* streamGzip(task: LogTask, path: string, progress: Progress): Asking<void> {
  const lines = new LineSplitter(task.sinkFor(path), 0, false);
  let offset = 0;
  for (let round = 0; ; round += 1) {
    if (round === gunzipReads) {
      progress.lose(`${path}: only its first ${(gunzipReads * gunzipLimit) / mebibyte} MiB were read`);
      break;
    }
    const [answer] = yield* ask({ kind: 'read', path, options: { offset, limit: gunzipLimit, gunzip: true } });
    if (answer.state !== 'known') {
      progress.lose(`${path}: ${answer.why}`);
      break;
    }
    const { bytes, atEnd } = answer.value;
    progress.bytesRead += bytes.length;
    offset += bytes.length;
    lines.push(bytes);
    if (atEnd || bytes.length === 0) break;
  }
  lines.finish();
}

function withHow(unknown: { readonly why: string; readonly how?: string }): string {
  return unknown.how === undefined ? unknown.why : `${unknown.why} (${unknown.how})`;
}
