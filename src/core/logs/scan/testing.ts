import type { FieldValues, LogFormat, Outcome } from './format.ts';
import type { PlanStep } from './plan.ts';
import { createPlainScanner } from './plain-scanner.ts';
import type { Limits } from './limits.ts';
import type { RollUp } from './roll-up.ts';
import type { Scanner, ScanTask } from './scanner.ts';
import { encodeUtf8 } from './text.ts';

/** Formats and helpers for the tests of the engines. */

function requestOutcome(values: FieldValues): Outcome {
  const status = Number(values.status ?? 0);
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
