import { chmodSync, closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import type * as Threads from 'node:worker_threads';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { hourReader } from '../../core/logs/formats/index.ts';
import { createPlainScanner } from '../../core/logs/scan/plain-scanner.ts';
import { anyFormat, FormatChooser } from './format-choice.ts';
import { LazySum } from './lazy-sum.ts';
import { InputReader } from './read-input.ts';
import type { LogsRequest, LogsResult } from './request.ts';
import { rollUpLogs } from './roll-up-logs.ts';
import { FileSource } from './source.ts';

const threads = vi.hoisted(() => ({ fail: false }));

/** Threads that end as soon as they have begun, where a test wants that: the system has killed them, or they had no memory left. */
vi.mock('node:worker_threads', async original => {
  const real = await original<typeof Threads>();
  class Worker extends real.Worker {
    constructor(...args: ConstructorParameters<typeof real.Worker>) {
      if (threads.fail) super('process.exit(3)', { eval: true });
      else super(...args);
    }
  }
  return { ...real, Worker };
});

const nowMs = Date.UTC(2026, 10, 22);
let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'faults-'));
  chmodSync(folder, 0o755);
});
afterEach(() => {
  threads.fail = false;
  rmSync(folder, { recursive: true, force: true });
});

function line(index: number): string {
  return `10.0.0.${index % 250} - - [21/Nov/2026:06:${String(index % 60).padStart(2, '0')}:00 +0000] "GET /item/${index} HTTP/1.1" ${index % 50 === 0 ? 502 : 200} 157 "-" "curl/7.88.1"\n`;
}

const block = Array.from({ length: 1000 }, (_, index) => line(index)).join('');

function put(name: string, text: string | Uint8Array, mode = 0o644): string {
  writeFileSync(join(folder, name), text, { mode });
  return join(folder, name);
}

function rollUp(paths: readonly string[], more: Partial<LogsRequest> = {}): Promise<LogsResult> {
  return rollUpLogs({ paths, formats: anyFormat, sinceMs: -Infinity, untilMs: Infinity, zone: 'UTC', nowMs, ...more });
}

function linesOf({ rollUp: { inputs } }: LogsResult): number {
  return inputs.reduce((sum, { lines }) => sum + lines, 0);
}

describe('a disk that cannot read', () => {
  // Where no memory of the process is, the system answers as for a bad block.
  const bad = '/proc/self/mem';

  it('ends a file with what was read, and says where', () => {
    const fd = openSync(bad, 'r');
    const source = new FileSource(fd, 0, 4096);
    expect(source.read(new Uint8Array(64))).toBe(0);
    expect(source.read(new Uint8Array(64))).toBe(0);
    expect(source.problems).toEqual(['at byte 0 the disk could not read it; what came before was read']);
    closeSync(fd);
  });

  it('is told of the input', async () => {
    const sum = new LazySum();
    const reader = new InputReader({
      window: { sinceMs: -Infinity, untilMs: Infinity, nowMs },
      chooser: new FormatChooser(anyFormat),
      hourMs: hourReader('UTC', nowMs),
      sum,
      createScanner: createPlainScanner,
      isStopped: () => false,
      tick: () => undefined,
      rest: () => undefined,
    });
    const report = await reader.do({ kind: 'range', input: 0, path: bad, start: 0, end: 4096, samples: [], formats: ['combined'] });
    reader.finish();
    expect(report).toMatchObject({ input: 0, bytes: 0, problems: [expect.stringContaining('the disk could not read it')] });
    expect(sum.result().series).toEqual([]);
  });
});

describe('a thread that is lost', () => {
  it('leaves a part out, and says which and why; the rest is counted', async () => {
    const files = ['a', 'b', 'c', 'd'].map(name => put(`${name}.log`, block.repeat(80)));
    const whole = await rollUp(files, { threads: 2 });
    expect(whole.threads).toBeGreaterThan(0);
    expect(whole.partial).toBeUndefined();
    expect(linesOf(whole)).toBe(320_000);
    threads.fail = true;
    const result = await rollUp(files, { threads: 2 });
    const missing = result.inputs.filter(({ problems, unread }) => unread !== undefined || problems.length > 0);
    expect(result.partial).toBe('a thread ended by itself');
    expect(missing.length).toBeGreaterThan(0);
    for (const { problems, unread } of missing) expect([...problems, unread].join(' ')).toContain('a thread ended by itself');
    expect(linesOf(result)).toBe(320_000 - 80_000 * missing.length);
  });
});

describe.runIf(process.getuid?.() === 0 && typeof process.seteuid === 'function')('a user who may not read everything', () => {
  it('is told what is left out, and gets the rest', async () => {
    const open = put('open.log', block);
    const paths = [open, put('closed.log', block, 0o600), put('closed.log.1.gz', gzipSync(block), 0o600)];
    mkdirSync(join(folder, 'secret'), { mode: 0o700 });
    put('secret/access.log', block);
    process.seteuid?.(65_534);
    try {
      const result = await rollUp([...paths, join(folder, 'secret'), join(folder, 'secret/access.log'), join(folder, '*.log')]);
      const unread = result.inputs.flatMap(one => (one.unread === undefined ? [] : [one.unread]));
      expect(linesOf(result)).toBe(1000);
      expect(unread.length).toBeGreaterThanOrEqual(4);
      expect(new Set(unread)).toEqual(new Set(['permission denied: run as root, or as a user who may read it']));
    } finally {
      process.seteuid?.(0);
    }
  });
});

describe('formats that were named', () => {
  it('are taken where they fit, and a log of another kind beside them is recognised', async () => {
    const error = put(
      'error.log',
      '2026/11/21 06:00:00 [error] 1#1: *1 connect() failed (111: Connection refused) while connecting to upstream, client: 10.0.0.1\n',
    );
    const result = await rollUp([put('access.log', block), error, put('rubbish.log', 'what is this\n'.repeat(9))], {
      formats: { ...anyFormat, names: ['combined'] },
    });
    const byPath = new Map(result.rollUp.inputs.map(input => [input.path.split('/').at(-1), input]));
    expect(byPath.get('access.log')).toMatchObject({ misfits: 0, formats: [{ id: 'combined', lines: 1000 }] });
    expect(byPath.get('error.log')).toMatchObject({ misfits: 0, formats: [{ id: 'nginx-error', lines: 1 }] });
    expect(byPath.get('rubbish.log')).toMatchObject({ misfits: 9 });
  });
});
