import { operations } from './kernel-program.ts';

const newline = 0x0a;
const mostLines = 48;
const fewLines = 4;
/** What is true of so many fields is usual. */
const leastShare = 0.95;

/** An instruction, as it lies in the kernel's memory (`src/kernel/index.ts`). */
export interface Step {
  readonly place: number;
  readonly operation: number;
  readonly use: number;
  readonly flags: number;
  readonly until: number;
  readonly slot: number;
  readonly follows: Uint8Array;
  readonly text: Uint8Array;
  /** Where the text lies. */
  readonly textAt: number;
  /** A clock's record, or where to go on. */
  readonly target: number;
  readonly salt: number;
}

/** How long what an instruction reads is in most lines. */
export interface UsualLengths {
  /** One length below 64 that most have. */
  readonly usual: number | undefined;
  /** Most are below 16. */
  readonly areShort: boolean;
}

export const anyLengths: UsualLengths = { usual: undefined, areShort: true };

/** For each instruction, from the first of the lines in [from, to). It is no more than a guess: a line need not fit. */
export function usualLengths(program: readonly Step[], bytes: Uint8Array, view: DataView, from: number, to: number): readonly UsualLengths[] {
  const lengths = program.map((): number[] => []);
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const sought = program.map(step => soughtBy(step));
  for (let [line, turn] = [from, 0]; line < to && turn < mostLines; turn += 1) {
    const end = bytes.indexOf(newline, line);
    if (end === -1) break;
    walk(program, sought, text.toString('latin1', line, end), view, lengths);
    line = end + 1;
  }
  return lengths.map(usualOf);
}

/** The text that a step looks for in a line, one character a byte. */
function soughtBy({ operation, until, text }: Step): string {
  switch (operation) {
    case operations.field:
    case operations.escaped:
    case operations.list:
      return String.fromCharCode(until);
    case operations.text:
    case operations.maybe:
    case operations.seek:
      return Buffer.from(text).toString('latin1');
    default:
      return '';
  }
}

function fractionLength(line: string, at: number): number {
  if (line[at] !== '.' && line[at] !== ',') return 0;
  let length = 1;
  for (let code = line.charCodeAt(at + 1); code >= 0x30 && code <= 0x39; code = line.charCodeAt(at + length)) length += 1;
  return length > 1 ? length : 0;
}

function usualOf(lengths: readonly number[]): UsualLengths {
  if (lengths.length < fewLines) return anyLengths;
  const least = lengths.length * leastShare;
  const middle = Int32Array.from(lengths).sort()[lengths.length >> 1] ?? 64;
  let alike = 0;
  let short = 0;
  for (let index = 0; index < lengths.length; index += 1) {
    const length = lengths[index] ?? 0;
    if (length === middle) alike += 1;
    if (length < 16) short += 1;
  }
  return { usual: middle < 64 && alike >= least ? middle : undefined, areShort: short >= least };
}

function walk(program: readonly Step[], sought: readonly string[], line: string, view: DataView, lengths: readonly number[][]): void {
  let at = 0;
  for (let index = 0; index < program.length; index += 1) {
    const step = program[index];
    if (step === undefined) return;
    const text = sought[index] ?? '';
    switch (step.operation) {
      case operations.field:
      case operations.escaped:
      case operations.list:
      case operations.text: {
        const stop = line.indexOf(text, at);
        if (stop === -1) return;
        lengths[index]?.push(stop - at);
        at = stop;
        break;
      }
      case operations.maybe:
        if (line.startsWith(text, at)) at += text.length;
        break;
      case operations.seek: {
        const found = line.indexOf(text, at);
        if (found === -1) index = program.findIndex(({ place }) => place === step.target) - 1;
        else at = found + text.length;
        break;
      }
      case operations.clock:
        at += step.slot + 6;
        at += fractionLength(line, at) + view.getUint32(step.target + 8, true);
        break;
      default:
    }
    at += step.follows.length;
  }
}
