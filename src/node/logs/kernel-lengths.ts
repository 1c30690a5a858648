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
  for (let [line, turn] = [from, 0]; line < to && turn < mostLines; turn += 1) {
    const end = bytes.indexOf(newline, line);
    if (end === -1) break;
    walk(program, latin1(bytes.subarray(line, end)), view, lengths);
    line = end + 1;
  }
  return lengths.map(usualOf);
}

function latin1({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString('latin1');
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
  const middle = lengths.toSorted((a, b) => a - b)[lengths.length >> 1] ?? 64;
  return {
    usual: middle < 64 && lengths.filter(length => length === middle).length >= least ? middle : undefined,
    areShort: lengths.filter(length => length < 16).length >= least,
  };
}

function walk(program: readonly Step[], line: string, view: DataView, lengths: readonly number[][]): void {
  let at = 0;
  for (let index = 0; index < program.length; index += 1) {
    const step = program[index];
    if (step === undefined) return;
    const text = latin1(step.text);
    switch (step.operation) {
      case operations.field:
      case operations.escaped:
      case operations.list:
      case operations.text: {
        const stop = line.indexOf(step.operation === operations.text ? text : String.fromCharCode(step.until), at);
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
