import { gunzipSync, gzipSync } from 'node:zlib';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Request } from '../model/collector.ts';
import { absent, denied, known, type Known } from '../model/fact.ts';
import { readLog, type LogReading } from './read-log.ts';
import type { Asking } from './window.ts';

interface FakeFile {
  readonly bytes: Uint8Array;
  readonly modifiedMs?: number;
  readonly kind?: 'file' | 'fifo' | 'device' | 'directory';
  /** Zero bytes in front that take no memory. */
  readonly hole?: number;
}
type Files = Readonly<Record<string, FakeFile>>;

function answer(files: Files, request: Request): Known<unknown> {
  if (request.kind === 'list') return known(Object.keys(files).map(path => path.slice(request.path.length + 1)));
  if (request.kind !== 'read' && request.kind !== 'stat') return absent('not asked');
  const file = files[request.path];
  if (file === undefined) return absent(`${request.path}: no such file`);
  const hole = file.hole ?? 0;
  const size = hole + file.bytes.length;
  if (request.kind === 'stat') return known({ kind: file.kind ?? 'file', size, modifiedMs: file.modifiedMs ?? 0 });
  const { offset = 0, limit = 1 << 20, gunzip = false } = request.options ?? {};
  expect(limit).toBeLessThanOrEqual(16 << 20);
  const all = gunzip ? new Uint8Array(gunzipSync(file.bytes)) : file.bytes;
  const end = Math.min(hole + all.length, offset + limit);
  const bytes = new Uint8Array(Math.max(0, end - offset));
  if (end > hole) bytes.set(all.subarray(Math.max(0, offset - hole), end - hole), Math.max(0, hole - offset));
  return known({ bytes, size, atEnd: end >= hole + all.length });
}

function drive<T>(asking: Asking<T>, files: Files): { readonly value: T; readonly requests: number } {
  let requests = 0;
  let step = asking.next([]);
  while (step.done !== true) {
    requests += step.value.length;
    step = asking.next(step.value.map(request => answer(files, request)));
  }
  return { value: step.value, requests };
}

/** Lines of the test are `<seconds> text`. */
function timeOf(bytes: Uint8Array, start: number, end: number): number {
  const found = /^(\d{1,12}) /u.exec(String.fromCharCode(...bytes.subarray(start, Math.min(end, start + 16))));
  return found === null ? Number.NaN : Number(found[1]) * 1000;
}

const path = '/log/a.log';
const nowMs = 2_000_000_000;

function window(
  files: Files,
  sinceMs: number,
  maxBytes = 64 << 20,
  openAs?: string,
): { lines: string[]; numbers: (number | undefined)[]; reading: LogReading; requests: number; tooLong: number } {
  const lines: string[] = [];
  const numbers: (number | undefined)[] = [];
  let tooLong = 0;
  const { value, requests } = drive(
    readLog({
      path,
      ...(openAs !== undefined && { openAs }),
      sinceMs,
      latestMs: nowMs,
      maxBytes,
      timeOf,
      sinkFor: () => ({
        line: (bytes, start, end, _offset, number) => {
          if (!(timeOf(bytes, start, end) >= sinceMs)) return;
          lines.push(new TextDecoder().decode(bytes.subarray(start, end)));
          numbers.push(number);
        },
        tooLong: () => {
          tooLong += 1;
        },
      }),
    }),
    files,
  );
  return { lines, numbers, reading: value, requests, tooLong };
}

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

function logOf(from: number, to: number, step: number, pad: number): string {
  const lines: string[] = [];
  for (let second = from; second < to; second += step) lines.push(`${second} ${'x'.repeat(pad)}\n`);
  return lines.join('');
}

describe('a log that is not where it was', () => {
  const open = '/proc/7/fd/3';
  const numbered = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, index) => String(from + index));
  const text = (from: number, to: number): FakeFile => ({ bytes: bytesOf(logOf(from, to, 1, 4)), modifiedMs: nowMs });
  const seconds = (files: Files, maxBytes?: number): string[] => window(files, 1_999_000_000, maxBytes, open).lines.map(line => line.slice(0, 7));

  it('is read through the link of the open file once it was deleted, before what took its place', () => {
    const last = numbered(1_999_990, 2_000_000);
    expect(seconds({ [open]: text(1_990_000, 2_000_000) })).toEqual(numbered(1_999_000, 2_000_000));
    expect(seconds({ [open]: text(1_999_990, 1_999_995), [path]: text(1_999_995, 2_000_000), '/log/a.log.1': text(1_999_980, 1_999_990) })).toEqual([
      ...numbered(1_999_980, 1_999_990),
      ...last,
    ]);
    // Made anew by somebody, and never written to.
    expect(seconds({ [open]: text(1_990_000, 2_000_000), [path]: { bytes: new Uint8Array(0) } })).toEqual(numbered(1_999_000, 2_000_000));
    const { reading } = window({ [open]: text(1_999_990, 2_000_000) }, 1_999_000_000, 64 << 20, open);
    expect(reading).toMatchObject({ state: 'read', problems: [expect.stringContaining('/log/a.log was deleted')] });
  });

  it('is told to be missing where the open file cannot be read either', () => {
    expect(window({}, 1_999_000_000, 64 << 20, open).reading).toMatchObject({ state: 'unread', why: '/log/a.log: no such file' });
    expect(window({ [open]: text(1, 2), [path]: { bytes: new Uint8Array(0), kind: 'directory' } }, 1_999_000_000, 64 << 20, open).reading.state).toBe('unread');
  });

  it('is read from the place it was rotated to, where nothing came after it', () => {
    const moved = window({ '/log/a.log.1': text(1_990_000, 2_000_000) }, 1_999_000_000);
    expect(moved.lines).toHaveLength(1000);
    expect(moved.reading).toMatchObject({ state: 'read', rotatedRead: ['/log/a.log.1'], problems: [expect.stringContaining('rotated away')] });
    expect(window({ '/log/a.log.1': { ...text(1_990_000, 2_000_000), modifiedMs: 1 } }, 1_999_000_000).reading.state).toBe('unread');
  });

  it('gives the newest where not all may be read', () => {
    const both = { [open]: text(1_999_000, 1_999_900), [path]: text(1_999_900, 2_000_000) };
    expect(seconds(both, 1300)).toEqual(numbered(1_999_900, 2_000_000));
    expect(seconds(both, 1300 + 26)).toEqual(numbered(1_999_898, 2_000_000).slice(1));
  });
});

describe('the window of a log', () => {
  it('holds exactly the lines that a scan of the whole file finds', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ step: fc.nat(40), pad: fc.integer({ min: 0, max: 3000 }), jitter: fc.nat(30), times: fc.integer({ min: 1, max: 60 }) }), {
          minLength: 1,
          maxLength: 60,
        }),
        fc.double({ min: 0, max: 1.1, noNaN: true }),
        (parts, share) => {
          const all: string[] = [];
          let second = 1_000_000;
          for (const { step, pad, jitter, times } of parts) {
            for (let index = 0; index < times; index += 1) {
              second += step;
              all.push(`${second - (index % 2) * jitter} ${'y'.repeat(pad)}`);
            }
          }
          const sinceMs = (1_000_000 + (second - 1_000_000) * share) * 1000;
          const expected = all.filter(line => Number.parseInt(line, 10) * 1000 >= sinceMs);
          expect(window({ [path]: { bytes: bytesOf(`${all.join('\n')}\n`) } }, sinceMs).lines).toEqual(expected);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('of a 20 GB file with a sparse start costs no more than its end', () => {
    const end = `\n${logOf(1_999_000, 2_000_000, 1, 2000)}`;
    const sparse = window({ [path]: { bytes: bytesOf(end), hole: 20e9 } }, 1_999_900_000);
    expect(sparse.lines).toHaveLength(100);
    expect(sparse.requests).toBeLessThan(60);
    expect(sparse.reading).toMatchObject({ state: 'read', wholeWindow: true });
    expect(sparse.numbers[0]).toBeUndefined();
  });

  it('is found behind rubbish in the middle and at the start', () => {
    const rubbish = '\u0001\u0002 no time here\n'.repeat(80_000);
    const text = `${rubbish}${logOf(1_990_000, 1_999_000, 1, 500)}${rubbish}${logOf(1_999_000, 2_000_000, 1, 500)}`;
    expect(window({ [path]: { bytes: bytesOf(text) } }, 1_998_500_000).lines).toHaveLength(1500);
  });

  it('of a file of nothing but rubbish is looked for with bounded effort', () => {
    const { requests, lines } = window({ [path]: { bytes: bytesOf('\u0001 no time\n'.repeat(2_000_000)) } }, 1_998_500_000);
    expect(lines).toEqual([]);
    expect(requests).toBeLessThan(300);
  });

  it('is the newest stretch where the clock was set back', () => {
    const text = `${logOf(1_990_000, 2_010_000, 1, 300)}${logOf(1_995_000, 2_000_000, 1, 300)}`;
    const { lines } = window({ [path]: { bytes: bytesOf(text) } }, 1_999_000_000);
    expect(lines.slice(-1000)[0]).toMatch(/^1999000 /u);
  });

  it('says so when the byte limit keeps it from the start', () => {
    const { lines, reading } = window({ [path]: { bytes: bytesOf(logOf(1_990_000, 2_000_000, 1, 1000)) } }, 1_990_000_000, 3 << 20);
    expect(lines.length).toBeGreaterThan(2900);
    expect(lines.at(-1)).toMatch(/^1999999 /u);
    expect(reading).toMatchObject({ wholeWindow: false, problems: [expect.stringContaining('only the newest 3 MiB')] });
  });

  it('numbers the lines of a file that was read from its start', () => {
    expect(window({ [path]: { bytes: bytesOf('1999990 a\r\nx\n1999991 b') } }, 1_999_000_000)).toMatchObject({
      lines: ['1999990 a', '1999991 b'],
      numbers: [1, 3],
    });
  });

  it('does not keep lines without an end', () => {
    const { tooLong, lines } = window({ [path]: { bytes: bytesOf(`1999990 a\n${'z'.repeat(3 << 20)}\n1999991 b\n${'z'.repeat(3 << 20)}`) } }, 1_999_000_000);
    expect(lines).toEqual(['1999990 a', '1999991 b']);
    expect(tooLong).toBe(2);
  });

  it('goes on in the rotated files that reach into it, the oldest first', () => {
    const files: Files = {
      [path]: { bytes: bytesOf('1999990 new\n') },
      [`${path}.1`]: { bytes: bytesOf('1999800 b\n1999900 c\n'), modifiedMs: 1_999_900_000 },
      [`${path}.2.gz`]: { bytes: gzipSync('1999600 z\n1999700 a\n'), modifiedMs: 1_999_700_000 },
      [`${path}.3.gz`]: { bytes: gzipSync('1000 old\n'), modifiedMs: 1_000_000 },
      [`${path}.bak`]: { bytes: bytesOf('1999999 no\n'), modifiedMs: 1_999_999_000 },
    };
    const { lines, reading } = window(files, 1_999_650_000);
    expect(lines).toEqual(['1999700 a', '1999800 b', '1999900 c', '1999990 new']);
    expect(reading).toMatchObject({ rotatedRead: [`${path}.2.gz`, `${path}.1`] });
  });

  it('leaves the rotated files alone where the file itself reaches back far enough', () => {
    const files: Files = { [path]: { bytes: bytesOf('1999000 a\n1999990 b\n') }, [`${path}.1`]: { bytes: bytesOf('1999990 c\n'), modifiedMs: nowMs } };
    expect(window(files, 1_999_500_000)).toMatchObject({ lines: ['1999990 b'], reading: { rotatedRead: [] } });
  });

  it.each<[string, Files, object]>([
    ['a missing file', {}, { state: 'unread', why: `${path}: no such file` }],
    ['a pipe', { [path]: { bytes: bytesOf(''), kind: 'fifo' } }, { state: 'unread', why: 'it is a fifo, not a file' }],
    ['a folder', { [path]: { bytes: bytesOf(''), kind: 'directory' } }, { state: 'unread' }],
    ['an empty file', { [path]: { bytes: bytesOf('') } }, { state: 'read', bytesRead: 0, wholeWindow: true }],
  ])('of %s', (_name, files, expected) => {
    expect(window(files, 0).reading).toMatchObject(expected);
  });

  it('of a file that may not be read says what would be needed', () => {
    const asking = readLog({ path, sinceMs: 0, latestMs: nowMs, maxBytes: 1, timeOf, sinkFor: () => ({ line: () => undefined, tooLong: () => undefined }) });
    asking.next([]);
    const step = asking.next([denied('permission denied', 'run as root')]);
    expect(step).toMatchObject({ done: true, value: { state: 'unread', why: 'permission denied (run as root)' } });
  });
});
