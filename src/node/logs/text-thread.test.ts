import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { anyFormat } from './format-choice.ts';
import type { LogsRequest } from './request.ts';
import { rollUpLogs } from './roll-up-logs.ts';
import { readFully, type ByteSource } from './source.ts';
import { slotBytes } from './text-ring.ts';
import { dropText, leastTextBytes, startText, takeText } from './text-thread.ts';

const folder = mkdtempSync(join(tmpdir(), 'badhop-text-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** So many bytes that no slot is full at the end, of lines that compress to a third at most. */
function linesOf(bytes: number): string {
  let seed = 7;
  const random = (): string => ((seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647).toString(36).slice(2);
  const lines: string[] = [];
  for (let length = 0; length < bytes;) {
    const second = String(lines.length % 60).padStart(2, '0');
    const status = lines.length % 7 === 0 ? 502 : 200;
    const line = `203.0.113.9 - - [20/Nov/2026:10:00:${second} +0000] "GET /${random()}${random()} HTTP/1.1" ${status} 17 "-" "${random()}"\n`;
    lines.push(line);
    length += line.length;
  }
  return lines.join('');
}

const text = linesOf(6 * slotBytes + 1000);

function fileOf(name: string, bytes: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

function compressed(program: string, input: string | Uint8Array): Buffer {
  return execFileSync(program, ['-c'], { input, maxBuffer: 1 << 30 });
}

async function all(source: ByteSource, most = text.length + slotBytes): Promise<string> {
  const bytes = new Uint8Array(most);
  const length = await readFully(source, bytes);
  return Buffer.from(bytes.subarray(0, length)).toString('latin1');
}

const go = (): boolean => false;

describe('takeText', () => {
  it.each(['gzip', 'bzip2', 'zstd', 'xz'])('gives the text that %s compressed', async program => {
    const path = fileOf(`whole.${program}`, compressed(program, text));
    const source = takeText(path, go);
    expect((await all(source)) === text).toBe(true);
    expect(source.problems).toEqual([]);
    expect(source.consumed).toBe(statSync(path).size);
    expect(await source.read(new Uint8Array(8))).toBe(0);
    source.close();
  });

  it('gives it in pieces of any size', async () => {
    const source = takeText(fileOf('pieces.gz', compressed('gzip', text)), go);
    const pieces: string[] = [];
    for (let size = 100_000; ; size += 77_777) {
      const piece = new Uint8Array(size);
      const length = await source.read(piece);
      if (length === 0) break;
      pieces.push(Buffer.from(piece.subarray(0, length)).toString('latin1'));
    }
    expect(pieces.join('') === text).toBe(true);
    source.close();
  });

  it('takes the thread that was started for the same file', async () => {
    const path = fileOf('early.gz', compressed('gzip', text));
    startText(path);
    const source = takeText(join(folder, '.', 'early.gz'), go);
    dropText();
    expect((await all(source)) === text).toBe(true);
    source.close();
  });

  it('reads another file than the one that was started', async () => {
    startText(fileOf('unasked.gz', compressed('gzip', 'other')));
    const source = takeText(fileOf('asked.gz', compressed('gzip', text)), go);
    expect((await all(source)) === text).toBe(true);
    source.close();
    dropText();
  });

  it('tells where the data breaks off, after all that came out of it', async () => {
    const whole = compressed('gzip', text);
    const source = takeText(fileOf('broken.gz', whole.subarray(0, whole.length >> 1)), go);
    const came = await all(source);
    expect(came.length).toBeGreaterThan(text.length / 3);
    expect(text.startsWith(came)).toBe(true);
    expect(source.problems).toEqual([`the compressed data breaks off after ${came.length} bytes of log; what came before was read`]);
    source.close();
  });

  it.each([
    ['is gone', join(folder, 'nothing.gz'), 'it does not exist'],
    ['is no file any more', folder, 'it is no longer a file'],
    ['is plain text by now', fileOf('plain.gz', text), 'it is no longer compressed'],
  ])('tells that it %s', async (_, path, problem) => {
    const source = takeText(path, go);
    expect(await all(source)).toBe('');
    expect(source.problems).toEqual([problem]);
    source.close();
  });

  it('waits no longer once it is stopped', async () => {
    const path = fileOf('slow.bz2', compressed('bzip2', text.repeat(3)));
    let isStopped = false;
    const source = takeText(path, () => isStopped);
    const first = await source.read(new Uint8Array(slotBytes));
    isStopped = true;
    let came = 0;
    for (let length = first; length !== 0; length = await source.read(new Uint8Array(slotBytes))) came += length;
    expect(first).toBeGreaterThan(0);
    expect(came).toBeLessThan(text.length * 3);
    source.close();
  });
});

describe('rollUpLogs of one compressed file', () => {
  it('counts the same with another thread and without', async () => {
    const path = fileOf('access.log.1.gz', compressed('gzip', linesOf(4 * leastTextBytes)));
    expect(statSync(path).size).toBeGreaterThan(leastTextBytes);
    const request: LogsRequest = {
      paths: [path],
      formats: anyFormat,
      sinceMs: Number.NEGATIVE_INFINITY,
      untilMs: Number.POSITIVE_INFINITY,
      zone: 'UTC',
      nowMs: Date.UTC(2026, 10, 21),
    };
    const alone = await rollUpLogs({ ...request, threads: 1 });
    const beside = await rollUpLogs({ ...request, threads: 2 });
    expect(beside.rollUp).toEqual(alone.rollUp);
    expect(beside.inputs).toEqual(alone.inputs);
    expect(alone.rollUp.inputs[0]?.lines).toBeGreaterThan(1000);
  });
});
