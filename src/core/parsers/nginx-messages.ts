/**
 * Finds a record's message in the table of known messages, and with it where the message ends.
 *
 * Source of the texts: nginx 1.31.5 and 1.22.1, every log call that a proxied request can reach.
 * A pattern is cut into literal pieces that are searched in order, so the work is linear in the text.
 *
 *     connect() to unix:/run/x.sock failed (2: No such file or directory) while connecting to upstream, client: …
 */
import { messagePatterns } from './nginx-messages-table.ts';

export interface MessageMatch {
  readonly id: string;
  /** Where the message ends: errno, phase or context follow. */
  readonly end: number;
}

type Hole = '*' | '#' | 'w';

interface Pattern {
  readonly id: string;
  readonly literals: readonly string[];
  /** `holes[i]` stands between `literals[i]` and `literals[i + 1]`. */
  readonly holes: readonly Hole[];
  readonly weight: number;
}

/** Texts that can follow a message. */
const followers = [' while ', ', client: ', ', server: ', ', resolver: ', ', udp client: ', ' in /'];
const digits = /^-?\d+$/u;

const byFirst = new Map<string, Pattern[]>();
const openStart: Pattern[] = [];
/** The same by how texts that were seen start: a log repeats itself. */
const byStart = new Map<string, readonly Pattern[]>();
const startLength = 12;
const maxStarts = 500;
for (const pattern of messagePatterns.map(([id, text]) => compile(id, text)).sort((a, b) => b.weight - a.weight)) {
  const first = pattern.literals[0]?.[0];
  if (first === undefined) openStart.push(pattern);
  else byFirst.set(first, [...(byFirst.get(first) ?? []), pattern]);
}

/**
 * The known message that `text` (what follows `*N `) starts with; of several the one with the most literal text.
 * With `cut` the text may end inside the message, after its first 8 literal characters.
 */
export function matchMessage(text: string, cut = false): MessageMatch | undefined {
  for (const pattern of candidatesFor(text.slice(0, startLength))) {
    const end = matchPattern(pattern, text, cut);
    if (end !== undefined) return { id: pattern.id, end };
  }
  for (const pattern of openStart) {
    const end = matchPattern(pattern, text, false);
    if (end !== undefined) return { id: pattern.id, end };
  }
  return undefined;
}

/** Patterns whose head goes together with how a text starts, the one with the most literal text first. */
function candidatesFor(start: string): readonly Pattern[] {
  const known = byStart.get(start);
  if (known !== undefined) return known;
  const found = (byFirst.get(start[0] ?? '') ?? []).filter(({ literals: [head = ''] }) => start.startsWith(head) || head.startsWith(start));
  if (byStart.size < maxStarts) byStart.set(start, found);
  return found;
}

/** The first place at or after `from` where a message can end; the text's end where there is none. */
export function messageEnd(text: string, from: number): number {
  let end = text.length;
  for (const follower of followers) {
    const at = text.indexOf(follower, from);
    if (at !== -1 && at < end) end = at;
  }
  const errno = findErrno(text, from, end);
  return errno ?? end;
}

/** True where the context, an errno, an OpenSSL text or the end stands at `at`. */
export function canEndAt(text: string, at: number): boolean {
  if (at === text.length) return true;
  const next = text[at];
  if (next !== ' ' && next !== ',') return false;
  if (text.startsWith(' (SSL: ', at) || isErrno(text, at)) return true;
  if (followers.some(follower => text.startsWith(follower, at))) return true;
  return text.startsWith(' in ', at) && /^ in [^\s:]{1,512}:\d{1,9}$/u.test(text.slice(at, at + 540));
}

/** True where ` (111: ` stands at `at`. */
export function isErrno(text: string, at: number): boolean {
  if (text[at] !== ' ' || text[at + 1] !== '(') return false;
  let index = at + 2;
  while (index < at + 12 && isDigit(text.charCodeAt(index))) index += 1;
  return index > at + 2 && text[index] === ':' && text[index + 1] === ' ';
}

function findErrno(text: string, from: number, to: number): number | undefined {
  for (let at = text.indexOf(' (', from); at !== -1 && at < to; at = text.indexOf(' (', at + 1)) {
    if (isErrno(text, at) || text.startsWith('SSL: ', at + 2)) return at;
  }
  return undefined;
}

function matchPattern(pattern: Pattern, text: string, cut: boolean): number | undefined {
  const { literals, holes } = pattern;
  const head = literals[0] ?? '';
  if (!text.startsWith(head)) return cut && text.length >= 8 && head.startsWith(text) ? text.length : undefined;
  let at = head.length;
  for (let index = 0; index < holes.length; index += 1) {
    const hole = holes[index] ?? '*';
    const literal = literals[index + 1] ?? '';
    const isLast = index === holes.length - 1;
    const next = isLast ? lastPieceAt(text, at, literal) : text.indexOf(literal, at);
    if (next === -1) return cut && head.length >= 8 ? text.length : undefined;
    if (!fits(hole, text, at, next)) return undefined;
    at = next + literal.length;
  }
  return canEndAt(text, at) ? at : undefined;
}

/** The first occurrence of the closing piece after which a message can end: a value may hold the piece's own text. */
function lastPieceAt(text: string, from: number, literal: string): number {
  if (literal === '') return messageEnd(text, from);
  let at = text.indexOf(literal, from);
  while (at !== -1 && !canEndAt(text, at + literal.length)) at = text.indexOf(literal, at + 1);
  return at;
}

function fits(hole: Hole, text: string, from: number, to: number): boolean {
  if (hole === '*') return true;
  if (hole === '#') return to > from && to - from <= 20 && digits.test(text.slice(from, to));
  return to > from && !text.slice(from, to).includes(' ');
}

function compile(id: string, text: string): Pattern {
  const parts = text.split(/(\{[*#w]\})/u);
  const literals = parts.filter((_, index) => index % 2 === 0);
  const holes = parts.filter((_, index) => index % 2 === 1).map(part => part[1] as Hole);
  return { id, literals, holes, weight: literals.join('').length };
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
}
