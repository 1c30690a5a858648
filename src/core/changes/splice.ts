import type { FixStep } from '../model/finding.ts';
import { latin1FromText } from '../parsers/latin1.ts';

export type EditStep = Extract<FixStep, { kind: 'edit' }>;

/** A byte range of a file, and what is to stand there. Text has one character a byte. */
export interface Splice {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

export type Spliced = { readonly state: 'made'; readonly after: string } | { readonly state: 'refused'; readonly why: string };

/** Files of badhop's own, which it may write whole: `90-badhop-somaxconn.conf`, `badhop-workers.conf`, `z-badhop-workers.conf`. */
const ownFile = /\/(?:(?:\d+|z+)-)?badhop-[\w-]+\.conf$/;

/**
 * Makes all edits of one file at once, each where it is meant in the text as it was: bytes outside of them stay. `text` is
 * the file with one character a byte, `undefined` where there is none. An edit whose place does not hold what it expects
 * is refused, and with it the whole.
 */
export function spliceEdits(text: string | undefined, edits: readonly EditStep[]): Spliced {
  const [first] = edits;
  if (first === undefined) return text === undefined ? refused('there is nothing to write') : { state: 'made', after: text };
  if (first.before === '' && edits.length === 1) return newFile(text, first);
  if (text === undefined) return refused(`${first.path} is not there any more`);
  const splices: Splice[] = [];
  for (const edit of edits) {
    const splice = edit.before === '' ? undefined : placeOf(text, edit);
    if (splice === undefined) return refused(`${edit.path}${edit.line === undefined ? '' : `:${edit.line}`} no longer holds what the plan expects there`);
    splices.push(splice);
  }
  return applySplices(text, splices);
}

/** Puts the splices in; those that overlap are refused, and those at one place stay in their order. */
export function applySplices(text: string, splices: readonly Splice[]): Spliced {
  const ordered = splices.map((splice, index) => ({ splice, index })).sort((a, b) => a.splice.start - b.splice.start || a.index - b.index);
  const parts: string[] = [];
  let at = 0;
  for (const { splice } of ordered) {
    if (splice.start < at || splice.end < splice.start || splice.end > text.length) return refused('two edits of the plan meet in one place');
    parts.push(text.slice(at, splice.start), splice.text);
    at = splice.end;
  }
  parts.push(text.slice(at));
  return { state: 'made', after: parts.join('') };
}

function newFile(text: string | undefined, { path, after }: EditStep): Spliced {
  const wanted = latin1FromText(after);
  if (text === undefined || ownFile.test(path)) return text === wanted ? refused(`${path} says so already`) : { state: 'made', after: wanted };
  return refused(`${path} is there already, and the plan would make it`);
}

/** The smallest change at the edit's place. A text that is no UTF-8 is held as one character a byte. */
function placeOf(text: string, edit: EditStep): Splice | undefined {
  const isBytes = !/[^\u0000-\u00FF]/.test(edit.before + edit.after);
  for (const encode of [latin1FromText, ...(isBytes ? [(same: string) => same] : [])]) {
    const before = encode(edit.before);
    const start = startOf(text, before, edit.line);
    if (start !== undefined) return smallest(text, start, before, encode(edit.after));
  }
  return undefined;
}

function startOf(text: string, before: string, line: number | undefined): number | undefined {
  if (line === undefined) {
    const at = text.indexOf(before);
    return at !== -1 && !text.includes(before, at + 1) ? at : undefined;
  }
  const lineStart = offsetOfLine(text, line);
  if (lineStart === undefined) return undefined;
  const blank = /[ \t\u00EF\u00BB\u00BF]*/y;
  blank.lastIndex = lineStart;
  const indent = blank.exec(text)?.[0].length ?? 0;
  return [lineStart, lineStart + indent].find(start => text.startsWith(before, start) && endsLine(text, start + before.length));
}

function offsetOfLine(text: string, line: number): number | undefined {
  let at = 0;
  for (let number = 1; number < line; number++) {
    const next = text.indexOf('\n', at);
    if (next === -1) return undefined;
    at = next + 1;
  }
  return at;
}

/** Nothing but blanks stands between here and the end of the line. */
function endsLine(text: string, from: number): boolean {
  let at = from;
  while (at < text.length && /[ \t\r]/.test(text.charAt(at))) at++;
  return at === text.length || text[at] === '\n';
}

function smallest(text: string, start: number, before: string, after: string): Splice {
  const shorter = Math.min(before.length, after.length);
  let same = 0;
  while (same < shorter && before[same] === after[same]) same++;
  let tail = 0;
  while (tail < shorter - same && before[before.length - 1 - tail] === after[after.length - 1 - tail]) tail++;
  const changed = after.slice(same, after.length - tail);
  // New lines end as the lines around them do.
  const lineEnd = text.indexOf('\n', start);
  const isCrlf = lineEnd > 0 && text[lineEnd - 1] === '\r';
  return { start: start + same, end: start + before.length - tail, text: isCrlf ? changed.replaceAll(/\r?\n/g, '\r\n') : changed };
}

function refused(why: string): Spliced {
  return { state: 'refused', why };
}
