/** The thread that uncompresses a log for the one that counts its lines. */
import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { workerData } from 'node:worker_threads';
import { compressionOf } from './compression.ts';
import { FileSource, readFully, type ByteSource } from './source.ts';
import { TextRing } from './text-ring.ts';
import { told } from './told.ts';
import { uncompressed } from './uncompress.ts';

export interface TextWorkerData {
  readonly buffer: SharedArrayBuffer;
  readonly path: string;
}

const markBytes = 8;
/** So that they fit into a slot. */
const mostProblems = 50;

async function run({ buffer, path }: TextWorkerData): Promise<void> {
  const ring = new TextRing(buffer);
  let fd: number | undefined;
  let source: ByteSource | undefined;
  let problems: readonly string[];
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
    source = await sourceOf(fd);
    await pump(source, ring);
    problems = source.problems;
  } catch (error) {
    problems = [...(source?.problems ?? []), told(error)];
  } finally {
    source?.close();
    if (fd !== undefined) closeSync(fd);
  }
  const slot = ring.free();
  if (slot === undefined) return;
  const end = Buffer.from(JSON.stringify(problems.slice(0, mostProblems)));
  slot.set(end);
  ring.fill(-1 - end.length, source?.consumed ?? 0);
}

async function sourceOf(fd: number): Promise<ByteSource> {
  const stats = fstatSync(fd);
  if (!stats.isFile()) throw new Error('it is no longer a file');
  const mark = new Uint8Array(markBytes);
  const compression = compressionOf(mark.subarray(0, await readFully(new FileSource(fd, 0, stats.size), mark)));
  if (compression === undefined) throw new Error('it is no longer compressed');
  return await uncompressed(new FileSource(fd, 0, stats.size), compression);
}

async function pump(source: ByteSource, ring: TextRing): Promise<void> {
  for (let slot = ring.free(); slot !== undefined; slot = ring.free()) {
    const length = await readFully(source, slot);
    if (length > 0) ring.fill(length, source.consumed);
    if (length < slot.length) return;
  }
}

void run(workerData as TextWorkerData);
