import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hourReader, knownFormats, nginxFormat } from '../../core/logs/formats/index.ts';
import type { LogFormat } from '../../core/logs/scan/format.ts';
import type { Limits } from '../../core/logs/scan/limits.ts';
import { fieldRoles, type FieldUse, type LinePlan, type PlanStep } from '../../core/logs/scan/plan.ts';
import { longestLine, type Scanner, type ScanTask } from '../../core/logs/scan/scanner.ts';
import { anyLog, fittingLine, scanBytes, scanText, testFormats, tightLimits, type ScanOptions } from '../../core/logs/scan/testing.ts';
import { encodeUtf8 } from '../../core/logs/scan/text.ts';
import { acquireMemory, releaseMemory } from './kernel-memory.ts';
import { walkModule } from './kernel-walk.ts';
import { createKernelScanner, loadKernel } from './kernel.ts';

const module = loadKernel();
if (module === undefined) throw new Error('the kernel is not built');
const create = (task: ScanTask, limits?: Limits): Scanner => createKernelScanner(task, module, limits, Number.POSITIVE_INFINITY);
/** Walks lines with the compiled program from the first one on. */
const createCompiled = (task: ScanTask, limits?: Limits): Scanner => createKernelScanner(task, module, limits, -1);

function expectTheSame(bytes: Uint8Array, options: ScanOptions = {}): void {
  const expected = scanBytes(bytes, options);
  expect(scanBytes(bytes, { ...options, create })).toEqual(expected);
  expect(scanBytes(bytes, { ...options, create: createCompiled })).toEqual(expected);
}

/** Of the programs that were scanned with last. */
const expectAValidWalk = (): void => {
  const memory = acquireMemory(module);
  releaseMemory(module, memory);
  const code = walkModule(memory, memory.at.INPUT, memory.at.INPUT_END);
  if (code !== undefined) expect(() => new WebAssembly.Module(code)).not.toThrow();
};

const nowMs = Date.UTC(2026, 10, 21, 18);
const product: Partial<ScanTask> = { nowMs, hourMs: hourReader('UTC', nowMs) };
const folder = new URL('../../core/logs/formats/products.fixtures/', import.meta.url);
const nginxLines = [
  '10.1.2.3 - - [21/Nov/2026:01:02:03 +0000] "GET /a?b=1 HTTP/1.1" 200 157 "https://example.com/" "Mozilla/5.0 (X11)" 0.003 "10.0.0.1:80" "200" "0.001"',
  '10.1.2.4 - bob [21/Nov/2026:01:02:04 +0000] "POST /c HTTP/1.1" 502 157 "-" "curl/8" 1.503 "10.0.0.1:80, 10.0.0.2:80 : unix:/run/a.sock" "502, 504 : 200" "0.001, - : 1.250"',
];
const quoted = nginxFormat(
  'main',
  '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent" $request_time "$upstream_addr" "$upstream_status" "$upstream_response_time"',
  'default',
);
const bare = nginxFormat(
  'bare',
  '$time_iso8601 $remote_addr $status $upstream_addr $upstream_status $upstream_response_time $request_time "$request"',
  'default',
);
const json = nginxFormat('json', '{"t":"$time_iso8601","s":$status,"r":"$request","u":"$upstream_addr","us":"$upstream_status","rt":$request_time}', 'json');
const others = [
  '2026-11-21T01:02:03+00:00 10.1.2.3 502 10.0.0.1:80, 10.0.0.2:80 502, 504 0.001, 0.120 0.121 "GET / HTTP/1.1"',
  '{"t":"2026-11-21T01:02:03+00:00","s":502,"r":"GET \\"x\\" HTTP/1.1","u":"10.0.0.1:80","us":"502","rt":0.004}',
  '2026/11/21 01:02:03 [error] 7#8: *9 connect() failed (111: Connection refused) while connecting to upstream, client: 1.2.3.4, server: s, request: "GET / HTTP/1.1", upstream: "http://10.0.0.1:80/", host: "h"',
  '#0 /app/index.php(12): fail()',
];
const recorded = readdirSync(folder).flatMap(name => readFileSync(new URL(name, folder), 'utf8').split('\n').slice(0, 12));
const realLines = [...nginxLines, ...others, ...recorded].filter(line => line !== '').map(encodeUtf8);
const realFormats: readonly LogFormat[] = [quoted, bare, json, ...knownFormats()];

const pieces = fc.array(fc.constantFrom(1, 3, 16, 17, 100, 4096, 1 << 20), { minLength: 1, maxLength: 4 });

describe('the kernel counts as the plain engine does', () => {
  it('any log of known lines, faulty lines and other bytes', () => {
    fc.assert(
      fc.property(anyLog, pieces, fc.constantFrom(0, 5000), fc.constantFrom(undefined, tightLimits), (log, sizes, offset, limits) =>
        expectTheSame(log, { pieces: sizes, offset, ...(limits !== undefined && { limits }) }),
      ),
      { numRuns: 400 },
    );
  });

  it('in a window', () => {
    const time = fc.integer({ min: Date.UTC(2026, 10, 21, 0, 55), max: Date.UTC(2026, 10, 21, 1, 10) });
    fc.assert(
      fc.property(anyLog, time, time, (log, sinceMs, untilMs) => expectTheSame(log, { task: { sinceMs, untilMs } })),
      { numRuns: 100 },
    );
  });

  it('with the formats in any order, or none', () => {
    fc.assert(
      fc.property(anyLog, fc.shuffledSubarray([...testFormats]), (log, formats) => expectTheSame(log, { task: { formats } })),
      { numRuns: 200 },
    );
  });

  it('real lines of every product, also with a fault in them', () => {
    const line = fc.oneof(fc.constantFrom(...realLines), fc.constantFrom(...realLines).chain(spoiled));
    const log = fc.array(fc.tuple(line, fc.constantFrom([10], [10], [10], [13, 10], [])), { maxLength: 30 });
    const formats = fc.oneof(fc.constant(realFormats), fc.shuffledSubarray([...realFormats], { minLength: 1, maxLength: 3 }));
    fc.assert(
      fc.property(log, formats, pieces, (lines, chosen, sizes) =>
        expectTheSame(Uint8Array.from(lines.flatMap(([bytes, end]) => [...bytes, ...end])), { task: { ...product, formats: chosen }, pieces: sizes }),
      ),
      { numRuns: 300 },
    );
  });

  it('any plan, over lines that nearly fit it', () => {
    fc.assert(
      fc.property(fc.array(planned, { minLength: 1, maxLength: 3 }), fc.nat(), (plans, seed) => {
        const formats = plans.map(({ plan }, index) => formatOf(plan, index));
        // Usual ones first, of which the compiled walk learns how long fields are.
        const lines = plans.flatMap(({ line }) => [...Array.from({ length: seed % 9 }, () => line), mutated(line, seed), mutated(line, seed * 7 + 3), line]);
        expectTheSame(encodeUtf8(`${lines.join('\n')}\n`), { task: { formats } });
        expectAValidWalk();
      }),
      { numRuns: 400 },
    );
  });

  it('keys that are nearly the same', () => {
    const all = [
      '',
      '0',
      '12',
      '13',
      '345',
      '6789',
      '9876',
      '(',
      ')',
      '"',
      '.',
      '-',
      'a',
      'b',
      ' ',
      '/',
      '://',
      'unix:',
      ':',
      '\0',
      'x'.repeat(15),
      'y'.repeat(250),
    ];
    const base = fc.array(fc.constantFrom(...all, '(', '"', '://unix:a/', '://b/'), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(fc.constantFrom(...uses), base, (use, parts) => {
        const texts = parts.flatMap((_, place) => all.map(other => parts.with(place, other).join('')));
        const steps: readonly PlanStep[] = [
          { do: 'field', role: 'peer', use, until: '|' },
          { do: 'literal', text: '|' },
          { do: 'field', role: 'request-time', use, until: '' },
        ];
        const lines = texts.map((text, index) => `${text}|${texts[index >> 1] ?? ''}`);
        expectTheSame(encodeUtf8(lines.join('\n')), { task: { formats: [formatOf({ kind: 'steps', steps }, 0)] } });
      }),
      { numRuns: 200 },
    );
  });

  it('JSON lines with whatever names and values, in any order', () => {
    fc.assert(
      fc.property(fc.array(jsonLine, { minLength: 1, maxLength: 4 }), fc.array(fc.nat(3), { maxLength: 40 }), fc.nat(), (kinds, order, seed) => {
        const lines = order.map((kind, turn) => {
          const line = kinds[kind % kinds.length] ?? '';
          return turn % 5 === 4 ? mutated(line, seed + turn) : line.replaceAll('#', String(turn % 7));
        });
        expectTheSame(encodeUtf8(lines.join('\n')));
        expectAValidWalk();
      }),
      { numRuns: 300 },
    );
  });

  it('a text where the line before has something else in front of one', () => {
    const line = (value: string): string => `{"time":"2026-11-21T01:02:03Z","status":"200","ut":${value}}`;
    for (const odd of ['\r', 'x', '-', '1']) expectTheSame(encodeUtf8([line(`${odd}"0.004"`), line('"0.005"'), line(`${odd}"0.006"`)].join('\n')));
  });

  it('lines about as long as the longest', () => {
    for (const length of [longestLine - 1, longestLine, longestLine + 1, longestLine * 2 + 5]) {
      const start = '10.0.0.1 - - [21/Nov/2026:01:02:03 +0000] "GET /';
      const end = ' HTTP/1.1" 502 157 "-" "curl" 0.5 10.0.0.1:80 0.5';
      const long = start + 'x'.repeat(length - start.length - end.length) + end;
      for (const log of [`${long}\n${start}a${end}\n`, `${start}a${end}\n${long}`, `${long}\r\n${start}${end}`])
        for (const piece of [1 << 20, 300_000]) expectTheSame(encodeUtf8(log), { pieces: [piece] });
    }
  });

  it('more combinations than there is room for', () => {
    const lines = Array.from(
      { length: 9000 },
      (_, index) =>
        `10.0.0.1 - - [21/Nov/2026:01:${String(index % 60).padStart(2, '0')}:03 +0000] "M${index % 4700} /" 502 1 "-" "curl" 0.${index} 10.0.0.1:80 0.5`,
    );
    expectTheSame(encodeUtf8(lines.join('\n')));
  });

  it('more buckets than there is room for', () => {
    const text = Array.from({ length: 30_000 }, (_, index) => {
      const time = new Date(Date.UTC(2026, 7, 1) + index * 10_000).toISOString().slice(0, 19);
      return `${time}+00:00 10.1.2.3 ${index % 5 === 0 ? 502 : 200} 10.0.0.1:80 200 0.001 0.${100 + (index % 900)} "GET / HTTP/1.1"\n`;
    }).join('');
    expectTheSame(encodeUtf8(text), { task: { ...product, formats: [bare] } });
  });

  it('a log that goes back and forth in time', () => {
    const lines = Array.from(
      { length: 3000 },
      (_, index) =>
        `10.0.0.1 - - [21/Nov/2026:${String((index * 7) % 24).padStart(2, '0')}:${String((index * 13) % 60).padStart(2, '0')}:03 +0${index % 3}00] "GET /" 200 1 "-" "-" 0.1 a 0`,
    );
    expectTheSame(encodeUtf8(lines.join('\n')));
  });
});

describe('the kernel', () => {
  it('asks for help with few lines only, whatever the format', () => {
    for (const line of [
      ...nginxLines,
      ...others.slice(0, 3),
      '1.2.3.4:5 [21/Nov/2026:14:01:19.938] in bad/s2 0/0/1/2/3 502 61 - - SH-- 1/1/0/0/0 0/0 "GET /bad/x HTTP/1.1"',
    ]) {
      const log = Array.from({ length: 5000 }, (_, index) =>
        line
          .replaceAll(/\b3\b/gu, String(index % 10))
          .replace('*9', `*${index}`)
          .replace(/0\.(?:003|121|004)/u, `0.${index}`),
      );
      let calls = 0;
      const memory = acquireMemory(module);
      releaseMemory(module, { ...memory, scan: (from, to) => ((calls += 1), memory.scan(from, to)) });
      const { inputs } = scanText(`${log.join('\n')}\n`, { create, task: { ...product, formats: realFormats } });
      expect(inputs[0]).toMatchObject({ lines: 5000, misfits: 0 });
      expect(calls).toBeGreaterThan(0);
      expect(calls, line).toBeLessThan(200);
      // The next scanner gets it as it was.
      acquireMemory(module);
    }
  });

  it('walks the usual lines of all products with a compiled program, and gives it up where they are few', () => {
    const kept = (formats: readonly LogFormat[], lines: readonly string[]): boolean => {
      const log = Array.from({ length: 4000 }, (_, index) => lines[index % lines.length]).join('\n');
      expectTheSame(encodeUtf8(`${log}\n`), { task: { ...product, formats }, pieces: [1 << 14] });
      const memory = acquireMemory(module);
      releaseMemory(module, memory);
      return memory.u32[memory.at.HAS_WALK / 4] === 1;
    };
    const [good = '', bad = ''] = nginxLines;
    expect(kept([quoted], [good])).toBe(true);
    expect(kept([quoted], [good, good, good, good, bad])).toBe(true);
    expect(kept([json], [others[1]?.replaceAll('\\"', '') ?? ''])).toBe(true);
    expect(kept([bare], [others[0] ?? ''])).toBe(true);
    expect(
      kept(
        knownFormats().filter(({ id }) => id === 'nginx-error'),
        [others[2] ?? ''],
      ),
    ).toBe(true);
    const haproxy = '1.2.3.4:5 [21/Nov/2026:14:01:19.938] in bad/s2 0/0/1/2/3 502 61 - - SH-- 1/1/0/0/0 0/0 "GET /bad/x HTTP/1.1"';
    expect(
      kept(
        knownFormats().filter(({ id }) => id === 'haproxy-http'),
        [haproxy],
      ),
    ).toBe(true);
    expect(kept([bare, quoted], [good])).toBe(false);
    expect(kept([quoted], ['no line of it', good])).toBe(false);
  });

  it('gives its memory back, and what it counted does not reach the next scanner', () => {
    const text = '10.0.0.1 - - [21/Nov/2026:01:02:03 +0000] "GET /" 502 1 "-" "curl" 0.1 a 0\n';
    const first = scanText(text, { create });
    for (let turn = 0; turn < 20; turn += 1) expect(scanText(text, { create })).toEqual(first);
  });

  it('keeps scanners apart that scan at the same time, and tells what it has at any moment', () => {
    fc.assert(
      fc.property(fc.array(fittingLine, { maxLength: 20 }), fc.array(fittingLine, { maxLength: 20 }), (one, other) => {
        const scanners = [one, other].map(() => create({ ...product, path: 'x', formats: testFormats, sinceMs: 0, untilMs: 1e14, nowMs, hourMs: () => 3.6e6 }));
        const offsets = [0, 0];
        for (let turn = 0; turn < 20; turn += 1) {
          for (const [index, lines] of [one, other].entries()) {
            const [scanner, line] = [scanners[index], lines[turn]];
            if (scanner === undefined || line === undefined) continue;
            scanner.buffer.set(line);
            expect(scanner.scan(line.length, offsets[index] ?? 0, false)).toBe(0);
            offsets[index] = (offsets[index] ?? 0) + line.length;
            expect(scanner.result().inputs[0]?.lines).toBe(turn + 1);
          }
        }
      }),
      { numRuns: 30 },
    );
  });
});

/** A real line in which something is cut, doubled, or turned over. */
function spoiled(line: Uint8Array): fc.Arbitrary<Uint8Array> {
  const place = fc.nat(line.length);
  const odd = fc.constantFrom(
    '\0',
    '\r',
    '"',
    '"" ',
    '\\',
    '\\"',
    ' ',
    ', ',
    ' : ',
    '[',
    ']',
    '-',
    '9',
    '99999999999999999999',
    'null',
    '{',
    '}',
    'é',
    'x'.repeat(300),
    '1.5.'.repeat(80),
  );
  return fc.oneof(
    place.map(at => line.slice(0, at)),
    fc.tuple(place, odd).map(([at, text]) => joined(line.slice(0, at), encodeUtf8(text), line.slice(at))),
    fc.tuple(place, odd).map(([at, text]) => joined(line.slice(0, at), encodeUtf8(text), line.slice(at + 1))),
    fc.tuple(place, place).map(([from, to]) => joined(line.slice(0, to), line.slice(from))),
    fc.tuple(place, fc.nat(7)).map(([at, bit]) => line.map((byte, index) => (index === at && (byte ^ (1 << bit)) !== 10 ? byte ^ (1 << bit) : byte))),
  );
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap(part => [...part]));
}

const blank = fc.constantFrom('', '', '', ' ', '\t', '  ');
const jsonName = fc.constantFrom('time', 'at', 'status', 'rt', 'ut', 'peer', 'req', 'flags', 'uri', 'other', 'sta\\"tus', '');
const jsonValue = fc.constantFrom(
  '"502"',
  '502',
  'null',
  '"-"',
  '""',
  '"0.00#"',
  '0.12#',
  '179522292#.5',
  '"179522292#.5"',
  '"2026-11-21T01:02:0#Z"',
  '"2026-11-21T0#:02:03.5+01:00"',
  'true',
  '"GET /# x"',
  '"a\\"b"',
  '"a\\\\"',
  '{}',
  '["a", "b" ]',
  '[1,#]',
  '{"peer":"10.0.0.#:80"}',
  '"10.0.0.#:80"',
  'nulls',
  '',
  '"\\u0041"',
  '"2026-11-21T01:02:03\\"Z"',
);
/** `#` stands for a number that differs from line to line. */
const jsonLine: fc.Arbitrary<string> = fc
  .tuple(blank, fc.array(fc.tuple(blank, jsonName, blank, blank, jsonValue, blank), { maxLength: 7 }), blank, fc.boolean())
  .map(([before, entries, after, hasUsual]) => {
    const usual = hasUsual ? ['"time":1795222923', '"status":"200"'] : [];
    const all = entries.map(([a, name, b, c, value, d]) => `${a}"${name}"${b}:${c}${value}${d}`);
    return `${before}{${[...usual, ...all].join(',')}}${after}`;
  });

interface Planned {
  readonly plan: LinePlan;
  /** A line that may well fit it. */
  readonly line: string;
}

const texts = fc.constantFrom(' ', '"', ', ', '" "', ' - ', 'x', ': "', 'upstream: "', ', client: ', '');
const values = fc.constantFrom(
  '',
  '-',
  '0.003',
  '12',
  '1.5, 2',
  '10.0.0.1:80',
  'http://10.0.0.1:80/x',
  'http://unix:/run/a:/b',
  'GET /x',
  'failed (111: no) "x1" 77',
  'a\\"b',
  '1 : 2',
  'x'.repeat(40),
  '5.',
  ' ',
  '/1.2.3.4',
  '(1234) (12) (1',
);
const untils = fc.constantFrom(' ', '"', ',', '', ']', '/', '\\', 'é');
const uses: readonly FieldUse[] = ['skip', 'key', 'first-word', 'shape', 'collapsed', 'authority', 'seconds', 'milliseconds', 'microseconds'];
const role = fc.option(fc.constantFrom(...fieldRoles, 'request-time' as const, 'upstream-time' as const), { nil: undefined });

const planStep: fc.Arbitrary<{ readonly step: PlanStep; readonly text: string }> = fc.oneof(
  { weight: 2, arbitrary: texts.map(text => ({ step: { do: 'literal' as const, text }, text })) },
  { weight: 1, arbitrary: fc.tuple(texts, fc.boolean()).map(([text, isThere]) => ({ step: { do: 'maybe' as const, text }, text: isThere ? text : '' })) },
  {
    weight: 6,
    arbitrary: fc
      .tuple(role, fc.constantFrom(...uses), untils, values, fc.boolean(), fc.boolean())
      .map(([what, use, until, value, list, escaped]) => ({
        step: { do: 'field' as const, use, until, ...(what !== undefined && { role: what }), ...(list && { list }), ...(escaped && { escaped }) },
        text: value,
      }))
      .chain(one => fc.boolean().map(isEnded => (isEnded && one.step.until !== '' ? { ...one, text: one.text + one.step.until } : one))),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(role, fc.constantFrom(...uses), texts, values)
      .map(([what, use, before, value]) => ({ step: { do: 'text' as const, use, before, ...(what !== undefined && { role: what }) }, text: value + before })),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(texts, values, fc.boolean())
      .map(([text, value, isThere]) => ({ step: { do: 'seek' as const, text }, text: isThere ? value + text : '' })),
  },
  { weight: 1, arbitrary: values.map(text => ({ step: { do: 'rest' as const }, text })) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(
        untils,
        fc.constantFrom('', '.5', ',1234', '.'),
        fc.constantFrom('', ' +0100', 'Z', '+01:00', ' x'),
        fc.boolean(),
        fc.constantFrom('00:00', '59:60', '60:00', '12:34'),
      )
      .map(([until, fraction, suffix, spaced, clock]) => ({
        step: { do: 'time' as const, form: 'clock' as const, prefixLength: 13, style: 'iso' as const, until, ...(spaced && { spaced }) },
        text: `2026-11-21T01:${clock}${fraction}${suffix}${until}`,
      })),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(
        untils,
        fc.constantFrom(1000, 1, 0.001, 1e-6),
        fc.constantFrom('1795222923.5', '1795222923', '1795222923123', '0', '99999999999999999999.1', '5.', '.5', '1795222923123456789'),
      )
      .map(([until, unitMs, text]) => ({ step: { do: 'time' as const, form: 'epoch' as const, unitMs, until }, text: text + until })),
  },
);
const planned: fc.Arbitrary<Planned> = fc
  .array(planStep, { minLength: 1, maxLength: 9 })
  .map(parts => ({ plan: { kind: 'steps' as const, steps: parts.map(({ step }) => step) }, line: parts.map(({ text }) => text).join('') }));

function formatOf(plan: LinePlan, index: number): LogFormat {
  return {
    id: `any-${index}`,
    title: 'any',
    product: 'nginx',
    kind: index === 1 ? 'error' : 'access',
    plan,
    roles: [],
    outcome: ({ status, ...rest }) => ({ status: 0, failed: index === 0, madeBy: 'unknown', message: JSON.stringify([status, rest]) }),
  };
}

function mutated(line: string, seed: number): string {
  const at = seed % (line.length + 1);
  const odd = ['', ' ', '"', '\\', ',', '0', '\r', '\0'][seed % 8] ?? '';
  return line.slice(0, at) + odd + line.slice(at + (seed % 2));
}
