import fc from 'fast-check';
import type { FieldValues, LogFormat, Outcome } from './format.ts';
import type { PlanStep } from './plan.ts';
import { createPlainScanner } from './plain-scanner.ts';
import type { Limits } from './limits.ts';
import type { RollUp } from './roll-up.ts';
import type { Scanner, ScanTask } from './scanner.ts';
import { encodeUtf8 } from './text.ts';

/** Formats and helpers for the tests of the engines. */

function requestOutcome(values: FieldValues): Outcome {
  const status = Number(values.status) || 0;
  const { peer, request } = values;
  return {
    status,
    failed: status >= 499,
    madeBy: 'unknown',
    ...(peer !== undefined && { peer }),
    ...(request !== undefined && { method: request }),
    ...(values.reason !== undefined && { message: values.reason }),
  };
}

const beforeStatus: readonly PlanStep[] = [
  { do: 'field', role: 'client', use: 'skip', until: ' ' },
  { do: 'literal', text: ' - ' },
  { do: 'field', use: 'skip', until: ' ' },
  { do: 'literal', text: ' [' },
  { do: 'time', form: 'clock', prefixLength: 14, until: ']', style: 'local' },
  { do: 'literal', text: '] "' },
  { do: 'field', role: 'request', use: 'first-word', until: '"', escaped: true },
  { do: 'literal', text: '" ' },
  { do: 'field', role: 'status', use: 'key', until: ' ' },
  { do: 'literal', text: ' ' },
  { do: 'field', role: 'sent', use: 'skip', until: ' ' },
  { do: 'literal', text: ' "' },
  { do: 'field', role: 'referer', use: 'skip', until: '"' },
  { do: 'literal', text: '" "' },
  { do: 'field', role: 'user-agent', use: 'skip', until: '"' },
  { do: 'literal', text: '"' },
];

/** `1.2.3.4 - - [21/Nov/2026:01:02:03 +0000] "GET / HTTP/1.1" 502 157 "-" "curl" 0.003 127.0.0.1:80, 127.0.0.1:81 0.001, 0.002` */
export const accessFormat: LogFormat = {
  id: 'test-access',
  title: 'access log of the tests',
  product: 'nginx',
  kind: 'access',
  plan: {
    kind: 'steps',
    steps: [
      ...beforeStatus,
      { do: 'literal', text: ' ' },
      { do: 'field', role: 'request-time', use: 'seconds', until: ' ' },
      { do: 'literal', text: ' ' },
      { do: 'field', role: 'peer', use: 'key', until: ' ', list: true },
      { do: 'literal', text: ' ' },
      { do: 'field', role: 'upstream-time', use: 'seconds', until: '' },
    ],
  },
  roles: ['client', 'request', 'status', 'sent', 'referer', 'user-agent', 'request-time', 'peer', 'upstream-time'],
  outcome: requestOutcome,
};

export const combinedFormat: LogFormat = {
  ...accessFormat,
  id: 'test-combined',
  plan: { kind: 'steps', steps: beforeStatus },
};

/** `2026/11/21 01:02:03 [error] 7#8: *9 connect() failed (111: …), client: 1.2.3.4, …, upstream: "http://127.0.0.1:80/x", host: "h"` */
export const errorFormat: LogFormat = {
  id: 'test-error',
  title: 'error log of the tests',
  product: 'nginx',
  kind: 'error',
  plan: {
    kind: 'steps',
    steps: [
      { do: 'time', form: 'clock', prefixLength: 13, until: ' ', style: 'nginx-error' },
      { do: 'literal', text: ' [' },
      { do: 'field', role: 'level', use: 'key', until: ']' },
      { do: 'literal', text: '] ' },
      { do: 'field', use: 'skip', until: ' ' },
      { do: 'literal', text: ' ' },
      { do: 'text', role: 'message', use: 'collapsed', before: ', client: ' },
      { do: 'seek', text: ', client: ' },
      { do: 'field', role: 'client', use: 'skip', until: ',' },
      { do: 'seek', text: 'upstream: "' },
      { do: 'field', role: 'peer', use: 'authority', until: '"' },
      { do: 'rest' },
    ],
  },
  roles: ['level', 'message', 'client', 'peer'],
  outcome: values => ({
    status: 0,
    failed: values.level === 'error',
    madeBy: 'unknown',
    ...(values.level !== undefined && { level: values.level }),
    ...(values.message !== undefined && { message: values.message }),
    ...(values.peer !== undefined && { peer: values.peer }),
  }),
};

/** `{"time": 1795222923.5, "status": 502, "rt": "0.003", "up": {"peer": "127.0.0.1:80"}}` */
export const jsonFormat: LogFormat = {
  id: 'test-json',
  title: 'JSON log of the tests',
  product: 'nginx',
  kind: 'access',
  plan: {
    kind: 'json',
    keys: [
      { name: 'time', use: 'skip', time: { form: 'epoch', unitMs: 1000 } },
      { name: 'at', use: 'skip', time: { form: 'clock', prefixLength: 13, style: 'iso' } },
      { name: 'status', role: 'status', use: 'key', required: true },
      { name: 'rt', role: 'request-time', use: 'seconds' },
      { name: 'ut', role: 'upstream-time', use: 'milliseconds' },
      { name: 'peer', role: 'peer', use: 'key' },
      { name: 'req', role: 'request', use: 'first-word' },
      { name: 'flags', role: 'reason', use: 'shape' },
      { name: 'uri', role: 'uri', use: 'skip' },
    ],
  },
  roles: ['status', 'request-time', 'peer', 'request', 'uri'],
  outcome: requestOutcome,
};

export const testFormats: readonly LogFormat[] = [accessFormat, combinedFormat, errorFormat, jsonFormat];

const months = 'JanFebMarAprMayJunJulAugSepOctNovDec';

/** UTC, or the offset that stands behind a time. */
export const utcHourMs: ScanTask['hourMs'] = (style, prefix, suffix) => {
  const local = /^(\d\d)\/(\w{3})\/(\d{4}):(\d\d)$/u.exec(prefix);
  const iso = /^(\d{4})[-/](\d\d)[-/](\d\d)[ T](\d\d)$/u.exec(prefix);
  if ((style === 'local') !== (local !== null)) return Number.NaN;
  const zone = /^ ?([+-])(\d\d):?(\d\d)$/u.exec(suffix);
  const offsetMs = zone === null ? 0 : Number(`${zone[1]}1`) * (Number(zone[2]) * 60 + Number(zone[3])) * 60_000;
  if (local !== null) return Date.UTC(Number(local[3]), months.indexOf(local[2] ?? '') / 3, Number(local[1]), Number(local[4])) - offsetMs;
  return iso === null ? Number.NaN : Date.UTC(Number(iso[1]), Number(iso[2]) - 1, Number(iso[3]), Number(iso[4])) - offsetMs;
};

export function testTask(over: Partial<ScanTask> = {}): ScanTask {
  return {
    path: '/var/log/test.log',
    formats: testFormats,
    sinceMs: Number.NEGATIVE_INFINITY,
    untilMs: Number.POSITIVE_INFINITY,
    nowMs: Date.UTC(2026, 10, 21, 12),
    hourMs: utcHourMs,
    ...over,
  };
}

export interface ScanOptions {
  readonly task?: Partial<ScanTask>;
  readonly limits?: Limits;
  /** Where the first byte stands in the input. */
  readonly offset?: number;
  /** How many bytes are put into the buffer each time; they take turns. */
  readonly pieces?: readonly number[];
  readonly create?: (task: ScanTask, limits?: Limits) => Scanner;
}

/** The roll-up of these bytes. */
export function scanBytes(bytes: Uint8Array, { task, limits, offset = 0, pieces = [1 << 20], create = createPlainScanner }: ScanOptions = {}): RollUp {
  const scanner = create(testTask(task), limits);
  let at = 0;
  let left = 0;
  for (let turn = 0; at < bytes.length; turn += 1) {
    const { buffer } = scanner;
    const piece = bytes.subarray(at, at + Math.min(buffer.length - left, pieces[turn % pieces.length] ?? 1));
    buffer.set(piece, left);
    at += piece.length;
    left = scanner.scan(left + piece.length, offset + at - piece.length - left, false);
  }
  scanner.scan(left, offset + at - left, true);
  return scanner.result();
}

export function scanText(text: string, options: ScanOptions = {}): RollUp {
  return scanBytes(encodeUtf8(text), options);
}

const times = fc.oneof(
  fc.integer({ min: 0, max: 600 }).map(seconds => Date.UTC(2026, 10, 21, 0, 58) + seconds * 1000),
  fc.integer({ min: Date.UTC(2024, 0), max: Date.UTC(2028, 0) }),
);
const peers = fc.constantFrom('10.0.0.1:80', '10.0.0.2:80', '10.0.0.1:80, 10.0.0.2:80', '-', 'unix:/run/a.sock', 'a : b');
const seconds = fc.constantFrom('-', '0.000', '0.003', '1.5', '0.001, 0.002', '12.345 : 0.1', '1e3', '86400', '99999999999');
const words = fc.constantFrom('GET /a', 'POST /b/c', 'x', '', 'a\\"b', '{}', '日本', '-1');
const statuses = fc.constantFrom('200', '404', '499', '502', '504', '-');
const requests = fc.record({ at: times, peer: peers, time: seconds, word: words, status: statuses, client: fc.integer({ min: 1, max: 9 }) });

function clockOf(ms: number): string {
  return new Date(ms).toISOString().slice(10, 19);
}

const accessLine = requests.map(({ at, peer, time, word, status, client }) => {
  const day = new Date(at).toISOString();
  const month = months.slice(Number(day.slice(5, 7)) * 3 - 3).slice(0, 3);
  const start = `10.0.0.${client} - - [${day.slice(8, 10)}/${month}/${day.slice(0, 4)}:${clockOf(at).slice(1)} +0000] "${word}" ${status} 157 "-" "curl"`;
  return word === 'x' ? start : `${start} ${time.split(',')[0]} ${peer} ${time}`;
});

const errorLine = requests.map(
  ({ at, peer, word, status, client }) =>
    `${new Date(at).toISOString().slice(0, 10).replaceAll('-', '/')} ${clockOf(at).slice(1)} [${status === '200' ? 'warn' : 'error'}] 7#8: *${client} failed ${word} (111: no)` +
    (word === 'x' ? '' : `, client: 10.0.0.${client}, server: s, upstream: "http://${peer}/x", host: "h"`),
);

const jsonLine = requests.map(({ at, peer, time, word, status }) =>
  JSON.stringify({ ...(word === 'x' ? { at: new Date(at).toISOString() } : { time: at / 1000 }), status, up: { peer, rt: time }, req: word }),
);

/** Lines that fit one of the test formats, also as they are after a fault, and any bytes at all; without newlines. */
export const anyLine: fc.Arbitrary<Uint8Array> = fc.oneof(
  { weight: 8, arbitrary: fc.oneof(accessLine, errorLine, jsonLine).map(encodeUtf8) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(
        fc.oneof(accessLine, errorLine, jsonLine).map(encodeUtf8),
        fc.nat(),
        fc.constantFrom('\0', '\r', ' ', '"', '\\', '[', ']', ',', '{', '}', ':', 'x', '9', 'é'),
        fc.boolean(),
      )
      .map(([line, at, char, isCut]) => {
        const place = at % line.length;
        return isCut ? line.slice(0, place) : Uint8Array.from([...line.slice(0, place), ...encodeUtf8(char), ...line.slice(place + 1)]);
      }),
  },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 60 }).map(bytes => bytes.filter(byte => byte !== 10)) },
  { weight: 1, arbitrary: fc.constantFrom('', '\r', '  at Object.<anonymous>', '#0 {main}', '\r\r').map(encodeUtf8) },
);

/** Lines that all fit a format, each with its end. */
export const fittingLine: fc.Arbitrary<Uint8Array> = fc
  .tuple(fc.oneof(accessLine, errorLine, jsonLine), fc.constantFrom('\n', '\r\n'))
  .map(parts => encodeUtf8(parts.join('')));

/** Any log: with and without a newline at its end. */
export const anyLog: fc.Arbitrary<Uint8Array> = fc
  .tuple(fc.array(fc.tuple(anyLine, fc.constantFrom([10], [10], [13, 10])), { maxLength: 40 }), fc.option(anyLine))
  .map(([lines, last]) => Uint8Array.from([...lines.flatMap(([line, end]) => [...line, ...end]), ...(last ?? [])]));

/** Limits that a few lines reach. */
export const tightLimits: Limits = {
  mostSeries: 4,
  mostFolded: 2,
  mostCells: 24,
  leastSeries: 2,
  mostSamples: { failed: 5, good: 3 },
  mostMisfits: 2,
  mostCombinations: 3,
};
