/** The first lines of a log, as formats are recognised by them. */
import { decodeUtf8 } from '../scan/text.ts';

/** As much of a log is looked at. */
export const headBytes = 65_536;
const mostLines = 200;
const longestLine = 16_384;
const space = 0x20;
const braceOpen = 0x7b;

/** The bytes in which lines lie. */
export class Head {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  #text: string | undefined;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  /** Decoded as a whole where each byte is a character, which is much less work than each of many short texts. */
  textAt(from: number, to: number): string {
    const text = (this.#text ??= decodeUtf8(this.bytes));
    return text.length === this.bytes.length ? text.slice(from, to) : decodeUtf8(this.bytes.subarray(from, to));
  }
}

/** Bytes [from, to) of a head. */
export class Line {
  readonly head: Head;
  readonly from: number;
  readonly to: number;
  /** It begins like an object; any other line is of no format of JSON. */
  readonly isObject: boolean;

  /** `first`: the first of its bytes that is no blank. */
  constructor(head: Head, from: number, to: number, first: number) {
    this.head = head;
    this.from = from;
    this.to = to;
    this.isObject = head.bytes[first] === braceOpen;
  }

  get text(): string {
    return this.head.textAt(this.from, this.to);
  }
}

/** The lines of a head; without the last where it may be cut, and without a mark of byte order before the first. */
export function linesOf(bytes: Uint8Array): readonly Line[] {
  const end = Math.min(bytes.length, headBytes);
  const head = new Head(bytes);
  const lines: Line[] = [];
  let from = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
  while (from < end && lines.length < mostLines) {
    const newline = bytes.indexOf(10, from);
    const isCut = newline === -1 || newline >= end;
    if (isCut && lines.length > 0 && bytes.length >= headBytes) break;
    let to = isCut ? end : newline;
    const next = to + 1;
    if (to > from && bytes[to - 1] === 13) to -= 1;
    const first = firstOf(bytes, from, to);
    if (first < to && to - from <= longestLine) lines.push(new Line(head, from, to, first));
    from = next;
  }
  return lines;
}

/** A line alone. */
export function lineOf(bytes: Uint8Array): Line {
  return new Line(new Head(bytes), 0, bytes.length, firstOf(bytes, 0, bytes.length));
}

/** The first byte in [from, to) that is no blank; `to` where there is none. */
function firstOf(bytes: Uint8Array, from: number, to: number): number {
  let at = from;
  while (at < to && (bytes[at] ?? 0) <= space) at += 1;
  return at;
}
