/**
 * Takes one access-log line apart by the steps of its format, on bytes, from left to right, without going back.
 *
 * Source: nginx 1.22.1, ngx_http_log_module.c and ngx_http_upstream.c (the lists of `$upstream_*`: `, ` and ` : `).
 *
 *     "127.0.0.1:18098, 127.0.0.1:18097 : 127.0.0.1:18040" "502, 502 : 200"
 */

export type StepKind = 'free' | 'before-slash' | 'number' | 'time-local' | 'time-iso' | 'address-list' | 'number-list';

export interface Step {
  readonly kind: StepKind;
  /** Index of the variable in the spans; -1 where its value is not wanted. */
  readonly slot: number;
  /** What stands behind the value; empty before another variable and at the line's end. */
  readonly literal: Uint8Array;
  readonly isLast: boolean;
  /** A number follows the literal: a value of `escape=none` may hold the literal's text, but seldom a digit after it. */
  readonly beforeNumber: boolean;
}

const space = 0x20;
const quote = 0x22;
const comma = 0x2c;
const dash = 0x2d;
const dot = 0x2e;
const slash = 0x2f;
const colon = 0x3a;
const backslash = 0x5c;

/** What the loop over a line's values does at a step, as numbers: it takes most of the time of reading a log. */
const atQuote = 0;
const atNumberEnd = 1;
const atLiteral = 2;
const otherwise = 3;

/** Reads lines by the steps of one format. */
export class LineMatcher {
  readonly #head: Uint8Array;
  readonly #steps: readonly Step[];
  readonly #escape: 'default' | 'json' | 'none';
  readonly #codes: Uint8Array;
  /** Twice the slot, or -1. */
  readonly #places: Int32Array;

  constructor(head: Uint8Array, steps: readonly Step[], escape: 'default' | 'json' | 'none') {
    this.#head = head;
    this.#steps = steps;
    this.#escape = escape;
    this.#codes = Uint8Array.from(steps, step => codeOf(step, escape));
    this.#places = Int32Array.from(steps, step => (step.slot === -1 ? -1 : 2 * step.slot));
  }

  /** True when the whole line fits; `spans` then holds the places of the values. */
  match(bytes: Uint8Array, start: number, end: number, spans: Int32Array): boolean {
    const steps = this.#steps;
    const codes = this.#codes;
    const places = this.#places;
    spans.fill(-1);
    if (steps.length === 0 || !startsWith(bytes, start, end, this.#head)) return false;
    let at = start + this.#head.length;
    for (let index = 0; index < steps.length; index += 1) {
      const step = steps[index];
      if (step === undefined) return false;
      const code = codes[index];
      let stop = at;
      if (code === atQuote) {
        while (stop < end && bytes[stop] !== quote) stop += 1;
      } else if (code === atNumberEnd) stop = numberEnd(bytes, at, end);
      else stop = code === atLiteral ? literalAt(step, bytes, at, end) : valueEnd(step, this.#escape, bytes, at, end);
      if (stop === -1) return false;
      const place = places[index] ?? -1;
      if (place !== -1) {
        spans[place] = at;
        spans[place + 1] = stop;
      }
      const { literal } = step;
      const { length } = literal;
      if (stop + length > end) return false;
      for (let offset = 0; offset < length; offset += 1) if (bytes[stop + offset] !== literal[offset]) return false;
      at = stop + length;
    }
    return at === end;
  }
}

function codeOf({ kind, literal }: Step, escape: 'default' | 'json' | 'none'): number {
  if (kind === 'number') return atNumberEnd;
  const isList = kind === 'address-list' || kind === 'number-list';
  if (literal[0] === quote && escape === 'default' && (kind === 'free' || isList)) return atQuote;
  return kind === 'free' && literal.length > 0 && literal[0] !== quote ? atLiteral : otherwise;
}

function valueEnd(step: Step, escape: 'default' | 'json' | 'none', bytes: Uint8Array, at: number, end: number): number {
  switch (step.kind) {
    case 'number':
      return numberEnd(bytes, at, end);
    case 'time-local':
      return at + 26 <= end && bytes[at + 2] === slash && bytes[at + 11] === colon ? at + 26 : dashEnd(bytes, at, end);
    case 'time-iso':
      return at + 25 <= end && bytes[at + 4] === dash && bytes[at + 13] === colon ? at + 25 : dashEnd(bytes, at, end);
    case 'before-slash':
      return indexOf(bytes, slash, at, end);
    case 'address-list':
    case 'number-list':
      return step.literal[0] === quote ? freeEnd(step, escape, bytes, at, end) : listEnd(step, bytes, at, end);
    case 'free':
      return freeEnd(step, escape, bytes, at, end);
  }
}

function freeEnd(step: Step, escape: 'default' | 'json' | 'none', bytes: Uint8Array, from: number, end: number): number {
  if (step.isLast) return end;
  const first = step.literal[0];
  // A literal is missing only before a value of fixed shape; nothing tells where this one ends.
  if (first === undefined) return -1;
  if (first === quote && escape === 'json') return jsonEnd(bytes, from, end);
  if (first === quote && escape === 'default') return indexOf(bytes, quote, from, end);
  return literalAt(step, bytes, from, end);
}

function literalAt({ literal, beforeNumber }: Step, bytes: Uint8Array, from: number, end: number): number {
  const first = literal[0];
  for (let at = from; at < end; at += 1) {
    if (bytes[at] !== first || !startsWith(bytes, at, end, literal)) continue;
    const next = bytes[at + literal.length] ?? 0;
    if (!beforeNumber || isNumeric(next) || next === dash) return at;
  }
  return -1;
}

function jsonEnd(bytes: Uint8Array, from: number, end: number): number {
  let at = from;
  while (at < end) {
    const byte = bytes[at];
    if (byte === quote) return at;
    at += byte === backslash ? 2 : 1;
  }
  return -1;
}

function numberEnd(bytes: Uint8Array, from: number, end: number): number {
  if (bytes[from] === dash && from < end) return from + 1;
  let at = from;
  while (at < end && isNumeric(bytes[at] ?? 0)) at += 1;
  return at;
}

/**
 * A list without quotes around it ends where no separator follows an item. Where the literal behind the list begins
 * with `,` too, an item must look like one of its kind.
 */
function listEnd({ kind, literal }: Step, bytes: Uint8Array, from: number, end: number): number {
  const stop = literal[0] ?? -1;
  let at = from;
  for (;;) {
    if (kind === 'number-list') while (at < end && (isNumeric(bytes[at] ?? 0) || bytes[at] === dash)) at += 1;
    else while (at < end && bytes[at] !== space && bytes[at] !== comma && (bytes[at] !== stop || !startsWith(bytes, at, end, literal))) at += 1;
    if (bytes[at] === comma && bytes[at + 1] === space && (stop !== comma || looksLikeItem(kind, bytes, at + 2, end))) at += 2;
    else if (bytes[at] === space && bytes[at + 1] === colon && bytes[at + 2] === space && at + 2 < end) at += 3;
    else return Math.min(at, end);
  }
}

function looksLikeItem(kind: StepKind, bytes: Uint8Array, from: number, end: number): boolean {
  let hasColon = false;
  let hasDot = false;
  let at = from;
  while (at < end && bytes[at] !== space && bytes[at] !== comma) {
    if (bytes[at] === colon) hasColon = true;
    if (bytes[at] === dot) hasDot = true;
    at += 1;
  }
  if (kind === 'address-list') return hasColon;
  return at - from === 3 && !hasDot && isNumeric(bytes[from] ?? 0);
}

function dashEnd(bytes: Uint8Array, at: number, end: number): number {
  return bytes[at] === dash && at < end ? at + 1 : -1;
}

function startsWith(bytes: Uint8Array, at: number, end: number, wanted: Uint8Array): boolean {
  const { length } = wanted;
  if (at + length > end) return false;
  for (let index = 0; index < length; index += 1) {
    if (bytes[at + index] !== wanted[index]) return false;
  }
  return true;
}

function indexOf(bytes: Uint8Array, wanted: number, from: number, end: number): number {
  for (let at = from; at < end; at += 1) {
    if (bytes[at] === wanted) return at;
  }
  return -1;
}

function isNumeric(byte: number): boolean {
  return (byte >= 48 && byte <= 57) || byte === dot;
}
