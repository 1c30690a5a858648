import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { coarseSteps } from './histogram.ts';
import { createPlainScanner } from './plain-scanner.ts';
import type { RollUp } from './roll-up.ts';
import { longestLine } from './scanner.ts';
import { accessFormat, anyLog, errorFormat, jsonFormat, scanBytes, scanText, testTask, tightLimits } from './testing.ts';
import { encodeUtf8 } from './text.ts';

const access = (clock: string, status = '200', more = '0.250 10.0.0.1:80 0.125') =>
  `192.0.2.1 - - [21/Nov/2026:${clock} +0000] "GET /a HTTP/1.1" ${status} 157 "-" "curl" ${more}\n`;
const error = (clock: string, message: string) =>
  `2026/11/21 ${clock} [error] 7#8: *9 ${message}, client: 1.2.3.4, upstream: "http://10.0.0.1:80/x", host: "h"\n`;
const at = (clock: string) => Date.parse(`2026-11-21T${clock}Z`);
const total = (numbers: Iterable<number>) => [...numbers].reduce((sum, number) => sum + number, 0);

function inputOf(rollUp: RollUp) {
  const [input] = rollUp.inputs;
  if (input === undefined || rollUp.inputs.length !== 1) throw new Error('there is one input');
  return input;
}

describe('the plain engine', () => {
  it('counts lines by outcome and bucket', () => {
    const { series, latency, ...rest } = scanText(
      access('01:00:00') + access('01:00:09', '502', '1.000 10.0.0.1:80, 10.0.0.2:80 0.5, 0.25') + access('01:00:12'),
    );
    const outcome = { failed: false, madeBy: 'unknown', peer: '10.0.0.1:80', method: 'GET' };
    const bucket = at('01:00:00') / 10_000;
    expect(series).toEqual([
      {
        format: 'test-access',
        kind: 'access',
        outcome: { ...outcome, status: 200 },
        count: 2,
        firstMs: at('01:00:00'),
        lastMs: at('01:00:12'),
        buckets: Int32Array.of(bucket, bucket + 1),
        counts: Float64Array.of(1, 1),
        requestTime: { steps: [137], counts: [2], sum: 500_000 },
        upstreamTime: { steps: [121], counts: [2], sum: 250_000 },
      },
      {
        format: 'test-access',
        kind: 'access',
        outcome: { ...outcome, status: 502, failed: true, peer: '10.0.0.1:80, 10.0.0.2:80' },
        count: 1,
        firstMs: at('01:00:09'),
        lastMs: at('01:00:09'),
        buckets: Int32Array.of(bucket),
        counts: Float64Array.of(1),
        requestTime: { steps: [169], counts: [1], sum: 1_000_000 },
        upstreamTime: { steps: [161], counts: [1], sum: 750_000 },
      },
    ]);
    expect(latency).toMatchObject({ buckets: Int32Array.of(bucket, bucket + 1), sums: Float64Array.of(1_250_000, 250_000) });
    expect([total(latency.counts.subarray(0, coarseSteps)), total(latency.counts.subarray(coarseSteps))]).toEqual([2, 1]);
    expect(rest).toMatchObject({ version: 1, widthMs: 10_000, seriesBelow: 2 ** 32, foldedBelow: 2 ** 32 });
  });

  it('keeps lines as samples, the same once', () => {
    const text = access('01:00:00') + access('01:00:01', '502') + access('01:00:01', '502');
    const { failed, good } = scanText(text, { offset: 100 });
    expect(good.lines).toMatchObject([{ text: access('01:00:00').trimEnd(), count: 1, timeMs: at('01:00:00'), offset: 100 }]);
    expect(failed.lines).toMatchObject([
      { text: access('01:00:01', '502').trimEnd(), count: 2, path: '/var/log/test.log', offset: 100 + access('01:00:00').length, format: 'test-access' },
    ]);
  });

  it('counts each line as that of the first format that it fits', () => {
    const combined = access('01:00:00', '200', '').replace(' \n', '\n');
    const { inputs } = scanText(combined + access('01:00:00') + error('01:00:00', 'x') + '{"time":5,"status":200}\n' + combined);
    expect(inputs[0]?.formats).toEqual([
      { id: 'test-access', lines: 1 },
      { id: 'test-combined', lines: 2 },
      { id: 'test-error', lines: 1 },
      { id: 'test-json', lines: 1 },
    ]);
  });

  it('takes what follows a message for its continuation, and what follows a request for a misfit', () => {
    const text = `#0 start\n${error('01:00:00', 'PHP message')}Stack trace:\n#0 {main}\n${access('01:00:00')}odd\n`;
    expect(inputOf(scanText(text))).toMatchObject({ lines: 6, continued: 2, misfits: 2, misfitSamples: [{ text: 'odd' }, { text: '#0 start' }] });
    expect(inputOf(scanText('#0 {main}\n', { task: { formats: [errorFormat] }, offset: 7 }))).toMatchObject({ continued: 1, misfits: 0 });
    expect(inputOf(scanText('#0 {main}\n', { task: { formats: [errorFormat] } }))).toMatchObject({ continued: 0, misfits: 1 });
    expect(inputOf(scanText('#0 {main}\n', { offset: 7 }))).toMatchObject({ continued: 0, misfits: 1 });
  });

  it('reads lines with a carriage return, without an end, and none at all', () => {
    const whole = scanText(access('01:00:00') + access('01:00:05'));
    expect(scanText((access('01:00:00') + access('01:00:05')).replaceAll('\n', '\r\n')).series).toEqual(whole.series);
    expect(scanText((access('01:00:00') + access('01:00:05')).trimEnd()).series).toEqual(whole.series);
    expect(scanText(`${access('01:00:00')}${access('01:00:05').trimEnd()}\r`).series).toEqual(whole.series);
    expect(scanText(`\n\r\n${access('01:00:00')}\n\n${access('01:00:05')}\r\n\n`)).toMatchObject({ series: whole.series, inputs: [{ lines: 2, misfits: 0 }] });
    expect(inputOf(scanText(''))).toEqual({
      path: '/var/log/test.log',
      bytes: 0,
      lines: 0,
      outside: 0,
      continued: 0,
      misfits: 0,
      tooLong: 0,
      formats: [],
      misfitSamples: [],
    });
  });

  it('passes over lines of more than 1 MiB, wherever they end', () => {
    const longest = access('01:00:00').replace('curl', 'x'.repeat(longestLine - access('01:00:00').length + 5));
    expect(longest).toHaveLength(longestLine + 1);
    for (const pieces of [[1 << 20], [1000, 1 << 18], [1 << 21]]) {
      expect(inputOf(scanText(longest, { pieces })), 'the longest').toMatchObject({ lines: 1, tooLong: 0, misfits: 0, formats: [{ lines: 1 }] });
      expect(inputOf(scanText(`x${longest}`, { pieces })), 'longer').toMatchObject({ lines: 1, tooLong: 1, formats: [], bytes: longestLine + 2 });
      expect(inputOf(scanText(`x${longest}`.trimEnd(), { pieces })), 'longer, without an end').toMatchObject({ lines: 1, tooLong: 1 });
      expect(inputOf(scanText(`${'x'.repeat(3 << 20)}\n${access('01:00:00')}`, { pieces })), 'another after it').toMatchObject({
        lines: 2,
        tooLong: 1,
        formats: [{ lines: 1 }],
        bytes: (3 << 20) + 1 + access('01:00:00').length,
      });
    }
  });

  it('keeps 4096 bytes of a long line, and half a character as what it is', () => {
    const { failed } = scanText(access('01:00:00', '502').replace('curl', `x${'é'.repeat(3000)}`));
    expect(failed.lines[0]?.text).toMatch(/é\u{fffd}?$/u);
    expect(encodeUtf8(failed.lines[0]?.text ?? '').length).toBeLessThanOrEqual(4098);
  });

  it('leaves out what is outside of the window', () => {
    const task = { sinceMs: at('01:00:05'), untilMs: at('01:00:10') };
    const { inputs, series, failed, good } = scanText(['01:00:04', '01:00:05', '01:00:09', '01:00:10'].map(clock => access(clock)).join('') + 'odd\n', {
      task,
    });
    expect(inputs[0]).toMatchObject({ lines: 5, outside: 2, misfits: 1, formats: [{ lines: 2 }], firstMs: at('01:00:05'), lastMs: at('01:00:09') });
    expect(series).toMatchObject([{ count: 2 }]);
    expect(failed.lines.length + good.lines.length).toBe(2);
    expect(scanText(error('01:00:00', 'x') + '#0 {main}\n', { task }).inputs[0]).toMatchObject({ outside: 1, continued: 1 });
  });

  it('counts lines without a time in no bucket', () => {
    const formats = [{ ...jsonFormat, plan: { kind: 'steps', steps: [{ do: 'field', role: 'status', use: 'key', until: '' }] } } as const];
    expect(scanText('200\n200\n', { task: { formats, sinceMs: 5 } })).toMatchObject({
      series: [{ count: 2, firstMs: Number.NaN, lastMs: Number.NaN, buckets: new Int32Array(0), counts: new Float64Array(0) }],
      latency: { buckets: new Int32Array(0) },
      good: { lines: [{ timeMs: Number.NaN, count: 2 }] },
    });
  });

  it('takes times as they come: backwards, and an hour twice where clocks are set back', () => {
    const lines = ['01:59:59 +0200', '02:30:00 +0200', '02:30:00 +0100', '02:30:00 +0200'].map(clock => access(clock).replace(' +0000', ''));
    const [series] = scanText(lines.join('')).series;
    expect(series).toMatchObject({ firstMs: at('00:00:00') - 1000, lastMs: at('01:30:00'), counts: Float64Array.of(1, 2, 1) });
  });

  it('asks for each hour once, and takes a line whose hour is none for a misfit', () => {
    const asked: string[] = [];
    const hourMs = (_: string, prefix: string, suffix: string) => {
      asked.push(prefix + suffix);
      return prefix.endsWith('02') ? Number.NaN : 3_600_000;
    };
    const { inputs } = scanText(['01:00:00', '01:59:00', '02:00:00', '01:00:00', '02:00:01'].map(clock => access(clock)).join(''), {
      task: { formats: [accessFormat], hourMs },
    });
    expect(asked).toEqual(['21/Nov/2026:01 +0000', '21/Nov/2026:02 +0000']);
    expect(inputs[0]).toMatchObject({ lines: 5, misfits: 2 });
  });

  it('may be asked for what it knows before the end', () => {
    const scanner = createPlainScanner(testTask());
    const text = encodeUtf8(access('01:00:00') + access('01:00:01'));
    scanner.buffer.set(text);
    const left = scanner.scan(text.length - 5, 0, false);
    expect(left).toBe(access('01:00:01').length - 5);
    expect(inputOf(scanner.result())).toMatchObject({ lines: 1, bytes: access('01:00:00').length });
    scanner.buffer.set(text.subarray(text.length - 5), left);
    expect(scanner.scan(left + 5, access('01:00:00').length, true)).toBe(0);
    expect(scanner.result()).toEqual(scanBytes(text));
    expect(scanner.result()).toEqual(scanBytes(text));
  });
});

describe('for any bytes', { timeout: 60_000 }, () => {
  it('every line is counted once', () => {
    fc.assert(
      fc.property(anyLog, fc.boolean(), (bytes, isTight) => {
        const rollUp = scanBytes(bytes, isTight ? { limits: tightLimits } : {});
        const { lines, outside, continued, misfits, tooLong, formats, bytes: read } = inputOf(rollUp);
        const text = Buffer.from(bytes).toString('latin1');
        expect(lines).toBe(text.split('\n').filter(line => line !== '' && line !== '\r').length);
        expect(read).toBe(bytes.length);
        expect(outside + continued + misfits + tooLong + total(formats.map(format => format.lines))).toBe(lines);
        expect(total(rollUp.series.map(({ count }) => count))).toBe(total(formats.map(format => format.lines)));
        for (const series of rollUp.series) expect(total(series.counts)).toBe(series.count);
        expect(total(rollUp.latency.sums)).toBe(total(rollUp.series.map(({ requestTime }) => requestTime.sum)));
      }),
    );
  });

  it('how they come makes no difference', () => {
    const pieces = fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(anyLog, pieces, (bytes, sizes) => {
        expect(scanBytes(bytes, { pieces: sizes })).toEqual(scanBytes(bytes));
      }),
    );
  });

  it('how much is remembered of combinations makes no difference', () => {
    fc.assert(
      fc.property(anyLog, bytes => {
        expect(scanBytes(bytes, { limits: { ...tightLimits, mostCombinations: 1 } })).toEqual(
          scanBytes(bytes, { limits: { ...tightLimits, mostCombinations: 99 } }),
        );
      }),
    );
  });

  it('what is held stays within the limits', () => {
    fc.assert(
      fc.property(anyLog, bytes => {
        const { series, failed, good, inputs } = scanBytes(bytes, { limits: tightLimits });
        expect(series.filter(one => one.outcome !== undefined && one.folded !== true).length).toBeLessThanOrEqual(tightLimits.mostSeries);
        expect(series.filter(one => one.folded === true).length).toBeLessThanOrEqual(tightLimits.mostFolded);
        expect(new Set(series.flatMap(one => one.buckets)).size * tightLimits.leastSeries).toBeLessThanOrEqual(tightLimits.mostCells);
        expect(failed.lines.length).toBeLessThanOrEqual(tightLimits.mostSamples.failed);
        expect(good.lines.length).toBeLessThanOrEqual(tightLimits.mostSamples.good);
        expect(inputs[0]?.misfitSamples.length).toBeLessThanOrEqual(tightLimits.mostMisfits);
      }),
    );
  });
});
