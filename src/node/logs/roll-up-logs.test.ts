import { execFileSync } from 'node:child_process';
import { chmodSync, createWriteStream, mkdtempSync, openSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync, writeSync, closeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sumOfRollUps } from '../../core/logs/scan/merge.ts';
import type { RollUp } from '../../core/logs/scan/roll-up.ts';
import { scanBytes, testFormats, utcHourMs } from '../../core/logs/scan/testing.ts';
import { bordersOf, windowOf } from './file-places.ts';
import { anyFormat, LineReader } from './format-choice.ts';
import { FileSource } from './source.ts';
import type { LogsRequest, LogsResult, Progress } from './request.ts';
import { rollUpLogs, type RollUpOptions } from './roll-up-logs.ts';

const nowMs = Date.UTC(2026, 10, 21, 12);
let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'logs-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const place = (name: string): string => join(folder, name);

function put(name: string, content: string | Uint8Array): string {
  writeFileSync(place(name), content);
  return place(name);
}

function rollUp(paths: readonly string[], over: Partial<LogsRequest> = {}, options: RollUpOptions = {}): Promise<LogsResult> {
  return rollUpLogs({ paths, formats: anyFormat, sinceMs: Number.NEGATIVE_INFINITY, untilMs: Number.POSITIVE_INFINITY, zone: 'UTC', nowMs, ...over }, options);
}

/** Lines that begin at midnight, one each `stepMs`; every 50th failed. */
function access(lines: number, from = 0, stepMs = 1000): string {
  let text = '';
  for (let line = from; line < from + lines; line += 1) {
    const at = new Date(Date.UTC(2026, 10, 21) + line * stepMs).toISOString();
    const status = line % 50 === 0 ? 502 : 200;
    text += `10.0.0.${line % 250} - - [${at.slice(8, 10)}/Nov/2026:${at.slice(11, 19)} +0000] "GET /item/${line} HTTP/1.1" ${status} 157 "-" "curl/7.88.1"\n`;
  }
  return text;
}

function countOf(rollUpOfIt: RollUp, status?: number): number {
  return rollUpOfIt.series.filter(({ outcome }) => status === undefined || outcome?.status === status).reduce((sum, { count }) => sum + count, 0);
}

describe('reading logs', () => {
  it('reads a rotated family, compressed in every way, as one log', async () => {
    const parts = [0, 1, 2, 3, 4].map(part => access(100, part * 100));
    put('access.log', parts[4] ?? '');
    put('access.log.1', parts[3] ?? '');
    for (const [index, [program, ending]] of (
      [
        ['gzip', 'gz'],
        ['xz', 'xz'],
        ['bzip2', 'bz2'],
      ] as const
    ).entries()) {
      const path = put(`access.log.${index + 2}`, parts[2 - index] ?? '');
      execFileSync(program, [path]);
      expect(statSync(`${path}.${ending}`).size).toBeGreaterThan(0);
    }
    const { rollUp: all, inputs, formats } = await rollUp([place('access.log*')]);
    expect(inputs.map(({ path }) => path.slice(folder.length + 1))).toEqual([
      'access.log.4.bz2',
      'access.log.3.xz',
      'access.log.2.gz',
      'access.log.1',
      'access.log',
    ]);
    expect(countOf(all)).toBe(500);
    expect(countOf(all, 502)).toBe(10);
    expect(formats.map(({ id }) => id)).toEqual(['combined']);
    expect(inputs.every(({ problems, unread }) => problems.length === 0 && unread === undefined)).toBe(true);
  });

  it('gives the same in threads as without, with either engine, whatever the files are', { timeout: 120_000 }, async () => {
    const text = access(300_000, 0, 100);
    const paths = [put('a.log', text), put('b.log.gz', gzipSync(access(30_000, 5000, 100))), put('c.log', `${access(50)}half a line`)];
    const alone = await rollUp(paths, { threads: 1, engine: 'plain' });
    const many = await rollUp(paths, { threads: 3, engine: 'auto' });
    expect(many.threads).toBe(2);
    expect(many.rollUp).toEqual(alone.rollUp);
    expect(many.inputs).toEqual(alone.inputs);
    expect(countOf(many.rollUp)).toBe(330_050);
    expect(countOf(many.rollUp, 502)).toBe(6601);
  });

  it('says what it could not read, and reads the rest', async () => {
    const good = put('good.log', access(10));
    const denied = put('denied.log', access(10));
    chmodSync(denied, 0);
    const cut = put('cut.log.gz', gzipSync(access(5000)).subarray(0, 20_000));
    const zip = put('zip.log', 'PK\u0003\u0004 and so on');
    const { inputs, rollUp: all } = await rollUp([good, denied, cut, zip, place('gone.log'), put('empty.log', '')]);
    const unread = Object.fromEntries(inputs.map(input => [input.path.slice(folder.length + 1), input.unread ?? input.problems.join()]));
    expect(unread).toMatchObject({
      'good.log': '',
      'cut.log.gz': expect.stringContaining('breaks off') as string,
      'zip.log': 'it is a zip archive',
      'gone.log': 'it does not exist',
      'empty.log': '',
    });
    if (process.getuid?.() !== 0) expect(unread['denied.log']).toContain('permission denied');
    expect(countOf(all)).toBeGreaterThan(1000);
  });

  it('reads thousands of files with few of them open', { timeout: 60_000 }, async () => {
    for (let file = 0; file < 2000; file += 1) put(`site${file}x.log`, access(3, file));
    const { rollUp: all, inputs } = await rollUp([folder]);
    expect(inputs).toHaveLength(2000);
    expect(countOf(all)).toBe(6000);
  });

  it('reads a log and its compressed copy once', async () => {
    const text = access(200);
    put('a.log.1', text);
    put('a.log.1.gz', gzipSync(text));
    put('a.log.2.gz', gzipSync(access(70, 900)));
    const { rollUp: all, inputs } = await rollUp([place('a.log*')]);
    expect(countOf(all)).toBe(270);
    expect(inputs.find(({ skipped }) => skipped !== undefined)?.skipped).toContain('a.log.1 does');
  });

  it('reads what is piped to it, compressed or not', async () => {
    const gzipped = gzipSync(access(300));
    for (const bytes of [Buffer.from(access(300)), gzipped]) {
      const stdin = (async function* () {
        for (let at = 0; at < bytes.length; at += 1000) yield Promise.resolve(bytes.subarray(at, at + 1000));
      })();
      const { rollUp: all, inputs } = await rollUp(['-'], { stdin });
      expect(countOf(all)).toBe(300);
      expect(inputs).toEqual([{ path: 'standard input', bytes: access(300).length, problems: [] }]);
    }
  });

  it('finds the format that a log changes to where no sample shows it', async () => {
    const json = Array.from(
      { length: 300 },
      (_, line) =>
        `{"time":"2026-11-21T01:02:03+00:00","remote_addr":"10.0.0.1","request":"GET /${line} HTTP/1.1","status":"502","upstream_addr":"127.0.0.1:8080"}\n`,
    ).join('');
    const text = `${access(2000)}${json}${access(2000, 2000)}`;
    for (const path of [put('a.log', text), put('b.log.gz', gzipSync(text))]) {
      const { rollUp: all, formats, inputs } = await rollUp([path]);
      expect(all.inputs[0]?.misfits).toBe(0);
      expect(countOf(all)).toBe(4300);
      expect(countOf(all, 502)).toBe(380);
      expect(formats.length).toBe(2);
      expect(inputs[0]?.bytes).toBe(text.length);
    }
  });

  it('reads a fifo that is named, and can be broken off while nobody writes to it', async () => {
    const path = place('fifo');
    execFileSync('mkfifo', [path]);
    const reading = rollUp([path]);
    const writer = createWriteStream(path);
    writer.end(access(40));
    expect(countOf((await reading).rollUp)).toBe(40);

    const stopped = new AbortController();
    setTimeout(() => stopped.abort(), 100);
    const { partial, rollUp: none } = await rollUp([path], {}, { signal: stopped.signal });
    expect(partial).toBe('reading was broken off');
    expect(countOf(none)).toBe(0);
  });

  it('tells how far it is, and gives what it knows when it is broken off', { timeout: 60_000 }, async () => {
    const path = put('a.log', access(200_000, 0, 100));
    for (const threads of [1, 2]) {
      const seen: Progress[] = [];
      const stopped = new AbortController();
      const result = await rollUp(
        Array.from({ length: 8 }, (_, copy) => {
          if (copy > 0) execFileSync('cp', [path, place(`a${copy}.log`)]);
          return copy === 0 ? path : place(`a${copy}.log`);
        }),
        { threads, engine: 'plain' },
        {
          signal: stopped.signal,
          onProgress: progress => {
            seen.push(progress);
            if (progress.bytesDone > 0) stopped.abort();
          },
        },
      );
      expect(result.partial).toBe('reading was broken off');
      expect(countOf(result.rollUp)).toBeLessThan(1_600_000);
      expect(countOf(result.rollUp)).toBeGreaterThan(0);
      expect(seen.at(-1)?.bytesDone).toBeLessThan(seen.at(-1)?.bytesTotal ?? 0);
    }
  });

  it('reads on to the end of a line that was being written, and tells a file that shrinks', async () => {
    const text = access(10);
    const fd = openSync(put('a.log', text), 'r');
    const read = async (end: number): Promise<{ text: string; problems: readonly string[] }> => {
      const source = new FileSource(fd, 0, end, true);
      const into = new Uint8Array(100);
      let all = '';
      for (let got = source.read(into); got > 0; got = source.read(into)) all += Buffer.from(into.subarray(0, got)).toString();
      return Promise.resolve({ text: all, problems: source.problems });
    };
    const lines = text.split('\n');
    expect(await read(text.indexOf('\n') + 5)).toEqual({ text: `${lines[0]}\n${lines[1]}\n`, problems: [] });
    expect(await read(text.indexOf('\n') + 1)).toEqual({ text: `${lines[0]}\n`, problems: [] });
    expect(await read(text.length + 100)).toEqual({ text, problems: [expect.stringContaining('shorter while it was read')] });
    closeSync(fd);
  });
});

describe('a window of time', () => {
  const sinceMs = Date.UTC(2026, 10, 21, 3);
  const untilMs = Date.UTC(2026, 10, 21, 4);

  it('is found in a plain file without reading what is outside, and counts what is inside to the line', async () => {
    const path = put('a.log', access(40_000));
    const { rollUp: all, inputs } = await rollUp([path], { sinceMs, untilMs });
    expect(countOf(all)).toBe(3600);
    expect(inputs[0]?.bytes).toBeLessThan(statSync(path).size / 2);
  });

  it('is found in a file of 20 GB at once, in either part of it', async () => {
    const path = place('sparse.log');
    const fd = openSync(path, 'w');
    const text = access(20_000);
    writeSync(fd, text, 20e9);
    closeSync(fd);
    const startedMs = performance.now();
    const { rollUp: all, inputs } = await rollUp([path], { sinceMs });
    expect(performance.now() - startedMs).toBeLessThan(3000);
    expect(countOf(all)).toBe(20_000 - 3 * 3600);
    expect(inputs[0]?.bytes).toBeLessThan(text.length);
  });

  it('leaves compressed files out that were done before it, but believes their lines more than their dates', async () => {
    const old = put('a.log.2.gz', gzipSync(access(100)));
    utimesSync(old, sinceMs / 1000 - 3600, sinceMs / 1000 - 3600);
    const odd = put('a.log.1.gz', gzipSync(access(100, 3 * 3600)));
    utimesSync(odd, 1000, 1000);
    const young = put('a.log.gz', gzipSync(access(100, 6 * 3600)));
    const { rollUp: all, inputs } = await rollUp([old, odd, young], { sinceMs, untilMs });
    expect(countOf(all)).toBe(100);
    expect(inputs.map(({ skipped }) => skipped?.slice(0, 24))).toEqual(['it was last written to b', undefined, 'its first line is younge']);
  });

  it('holds every line that lies in it, however lines are out of order by some seconds', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 30 }), { minLength: 300, maxLength: 3000 }), fc.nat({ max: 3000 }), fc.nat({ max: 600 }), (delays, from, length) => {
        const text = delays.map((delay, line) => access(1, line + delay)).join('');
        const path = put('w.log', text);
        const fd = openSync(path, 'r');
        const since = Date.UTC(2026, 10, 21) + from * 1000;
        const window = { sinceMs: since, untilMs: since + length * 1000, nowMs };
        const { start, end } = windowOf(fd, text.length, window, new LineReader(testFormats, utcHourMs));
        closeSync(fd);
        const whole = scanBytes(Buffer.from(text), { task: window });
        const found = scanBytes(Buffer.from(text).subarray(start, end), { task: window, offset: start });
        expect(countOf(found)).toBe(countOf(whole));
      }),
      { numRuns: 40 },
    );
  });
});

describe('ranges', () => {
  const piece = fc.oneof(
    { weight: 6, arbitrary: fc.nat({ max: 2000 }).map(line => access(1, line)) },
    {
      weight: 3,
      arbitrary: fc
        .nat({ max: 59 })
        .map(
          second =>
            `2026/11/21 01:02:${String(second).padStart(2, '0')} [error] 7#8: *9 connect() failed (111: Connection refused), client: 1.2.3.4, upstream: "http://127.0.0.1:80/x"\n`,
        ),
    },
    { weight: 2, arbitrary: fc.constantFrom('  at a line that continues\n', '\n', '\r\n', 'rubbish \u0000\n') },
    { weight: 1, arbitrary: fc.nat({ max: 3000 }).map(length => `${'x'.repeat(length)}\n`) },
  );

  it('however a file is cut, add up to the whole', () => {
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 200 }), fc.integer({ min: 1, max: 5000 }), fc.boolean(), (pieces, length, hasEnd) => {
        const text = hasEnd ? pieces.join('') : pieces.join('').slice(0, -1);
        const path = put('r.log', text);
        const fd = openSync(path, 'r');
        const borders = bordersOf(fd, 0, Buffer.byteLength(text), length, new LineReader(testFormats, utcHourMs));
        closeSync(fd);
        const bytes = readFileSync(path);
        const parts = borders.slice(1).map((to, index) => scanBytes(bytes.subarray(borders[index], to), { offset: borders[index] ?? 0 }));
        expect(sumOfRollUps(parts)).toEqual(sumOfRollUps([scanBytes(bytes)]));
      }),
      { numRuns: 150 },
    );
  });
});
