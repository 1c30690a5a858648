/**
 * The time of an access-log line on its bytes. All three forms carry their zone.
 *
 * Source: nginx 1.22.1, ngx_times.c and ngx_http_variables.c.
 *
 *     $time_local 21/Nov/2026:01:55:14 +0000 · $time_iso8601 2026-11-21T01:55:14+00:00 · $msec 1795226114.123
 */
import { accessIndex } from '../model/log-line.ts';

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** Reads the time of a matched line: milliseconds, or NaN where it holds none. Lines of one second are computed once. */
export function accessClock(): (bytes: Uint8Array, spans: Int32Array) => number {
  const last = new Uint8Array(26);
  let lastLength = 0;
  let lastMs = Number.NaN;
  return (bytes, spans) => {
    const msec = spans[2 * accessIndex.msec] ?? -1;
    if (msec !== -1) return decimal(bytes, msec, spans[2 * accessIndex.msec + 1] ?? msec) * 1000;
    const isLocal = spans[2 * accessIndex.time_local] !== -1;
    const slot = isLocal ? accessIndex.time_local : accessIndex.time_iso8601;
    const start = spans[2 * slot] ?? -1;
    const length = (spans[2 * slot + 1] ?? -1) - start;
    if (start === -1 || length < 25) return Number.NaN;
    if (length === lastLength && sameBytes(bytes, start, last, length)) return lastMs;
    for (let index = 0; index < length; index += 1) last[index] = bytes[start + index] ?? 0;
    lastLength = length;
    const text = String.fromCharCode(...bytes.subarray(start, start + length));
    lastMs = isLocal ? parseTimeLocal(text) : parseTimeIso(text);
    return lastMs;
  };
}

/** `21/Nov/2026:01:55:14 +0000` in milliseconds; NaN for anything else. */
export function parseTimeLocal(text: string): number {
  const parts = /^(\d\d)\/([A-Z][a-z]{2})\/(\d{4}):(\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)$/u.exec(text);
  const month = months.indexOf(parts?.[2] ?? '');
  if (parts === null || month === -1) return Number.NaN;
  const at = Date.UTC(Number(parts[3]), month, Number(parts[1]), Number(parts[4]), Number(parts[5]), Number(parts[6]));
  return at - zoneMs(parts[7], parts[8], parts[9]);
}

/** `2026-11-21T01:55:14+00:00` in milliseconds; NaN for anything else. */
export function parseTimeIso(text: string): number {
  const parts = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)([+-])(\d\d):(\d\d)$/u.exec(text);
  if (parts === null || Number(parts[2]) > 12) return Number.NaN;
  const at = Date.UTC(Number(parts[1]), Number(parts[2]) - 1, Number(parts[3]), Number(parts[4]), Number(parts[5]), Number(parts[6]));
  return at - zoneMs(parts[7], parts[8], parts[9]);
}

/** A plain decimal number on bytes; NaN where there is none. */
export function decimal(bytes: Uint8Array, start: number, end: number): number {
  if (start < 0 || end <= start || end - start > 20) return Number.NaN;
  let value = 0;
  let scale = 0;
  for (let at = start; at < end; at += 1) {
    const byte = bytes[at] ?? 0;
    if (byte === 0x2e && scale === 0) scale = 1;
    else if (byte >= 48 && byte <= 57) {
      value = value * 10 + byte - 48;
      scale *= 10;
    } else return Number.NaN;
  }
  return scale > 1 ? value / scale : value;
}

function zoneMs(sign: string | undefined, hours: string | undefined, minutes: string | undefined): number {
  return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60_000;
}

function sameBytes(bytes: Uint8Array, start: number, other: Uint8Array, length: number): boolean {
  // The last digits of the time change first.
  for (let index = length - 1; index >= 0; index -= 1) {
    if (bytes[start + index] !== other[index]) return false;
  }
  return true;
}
