/**
 * A format's plan as a flat program, which both engines follow: the plain one (`interpreter.ts`) and the kernel in WebAssembly.
 * What an instruction means is said here to the letter, so that both count the same for any bytes.
 *
 * **Lines.** A line ends before a newline (0x0a) or at the end of the input. Where more than `longestLine` bytes stand before that
 * end it is too long: counted, and not looked at. One carriage return before the end is no part of the line. What is left may be
 * empty: such a line is passed over and counted nowhere. All other bytes, zero too, are nothing special.
 *
 * **Formats.** Each line is tried with the programs in the order of the task, and is of the first that it fits. So what a line is
 * counted as hangs on the line alone, never on those before it, and the parts of a log add up to the whole.
 * A line that fits none is *continued* where the last line that fitted was of an error log, else a *misfit*. Before the first line
 * that fits: continued where the scan began behind the start of the input (offset > 0) and the task's first format is an error log's.
 *
 * **State of a walk**: `at`, a position in [0, end]; for each key slot its bytes or none; two numbers or none; a time or none.
 * A slot, a number and the time are filled once: what comes later for one that is filled must fit all the same, and is left out.
 * A line whose program has filled no time counts as inside of every window and in no bucket.
 *
 * **Fields** `[from, to)` are used like this (`uses`):
 * - skip: not at all.
 * - key: the bytes. first-word: those before the first space (0x20), or all.
 * - shape: each longest run of the bytes `0`–`9` and `.` becomes one `0`.
 * - collapsed: each longest run of digits becomes one `0`, but a run of up to three right behind a `(` stays as it is. What stands
 *   behind a `"` up to the next `"` (or the end) is left out, both quotes stay. The look behind for `(` is at the byte before
 *   the run in the field itself; quoted bytes are not looked at.
 * - authority: where the field has `://` (the first counts), only what follows it: up to the first `/`, or, where `unix:`
 *   follows, `unix:` and what stands behind it up to the next `:`. Where the end is not found: to the field's end. Without `://` all.
 * - Of each of these at most the first `longestKey` bytes (of what results) are kept. A slot may be filled with no bytes, which is
 *   another thing than not being filled.
 * - numbers: see `EPOCH` for the decimal places. The field is cut at each space, comma and colon; pieces may be empty. A piece counts
 *   where all of it is digits, or digits, a `.` and digits. It is taken in whole microseconds (what is smaller is dropped). The number is
 *   the sum of the pieces that count, and `mostMicros` where it is more. None counts (`-`, empty, `-1`, `1e3`): no number, and
 *   a later field may fill it.
 *
 * **Times** are whole milliseconds. A time outside [0, `latestMs`) or NaN is none, and the line does not fit.
 * The bucket of a line is floor(time / `narrowestBucketMs`), a number of 31 bits.
 */
import type { LogFormat } from './format.ts';
import type { FieldRole, FieldUse, JsonKey, PlanStep, TimeStyle } from './plan.ts';
import { encodeUtf8 } from './text.ts';

/** Longest key of a slot, in bytes. */
export const longestKey = 256;
/** Biggest number of a line: 50 days. */
export const mostMicros = 2 ** 42 - 1;
/** First time that is none: in the year 2650. */
export const latestMs = 10_000 * 2 ** 31;
/** Longest text behind a clock (its zone, its year), in bytes. A longer one fits not. */
export const longestSuffix = 64;

/** Numbers (32 bits, signed) in an instruction. */
export const instructionWords = 8;

/**
 * Instructions: word 0 is the opcode, words 1 to 7 are named below; those that are not named are 0. `literal` is a place in
 * `literals` (word 1) and a length (word 2). `until` (word 3) is a byte, or -1 for the end of the line. "Stop" says the line fits not.
 */
export const opcodes = {
  /** Fits if `at` is `end`, else stop. The last instruction of each program of steps. */
  end: 0,
  /** The literal stands at `at`: go behind it. Else stop. */
  literal: 1,
  /** The literal stands at `at`: go behind it. */
  maybe: 2,
  /**
   * The field is from `at` to the first `until` at or behind it, and `at` comes to stand on that (not behind). No such byte: stop.
   * Word 4: use. Word 5: slot (a key slot for keys; for numbers 0 request-time, 1 upstream-time). Word 6: `flags`.
   * - `fieldFlags.list`, where `until` is a space: a space at `p` is passed over where the byte before it is `,` and p > from; or the
   *   two behind it are `: `; or the two before it are ` :` and p - 2 >= from. Where `until` is a comma: one is passed over where a space
   *   is behind it. All inside the line. With any other `until` it means nothing.
   * - `fieldFlags.escaped`: looking from the field's start, a backslash and the byte behind it are passed over.
   */
  field: 3,
  /** The field is from `at` to the first place where the literal stands, or to `end` (also where the literal is empty); `at` goes there. Words 4, 5. */
  text: 4,
  /**
   * The first place at or behind `at` where the literal stands: `at` goes behind it. Nowhere: go on at the instruction whose number is
   * word 7 (the next `seek` or `rest`, or the `end`), `at` as it was.
   */
  seek: 5,
  /** `at` goes to `end`. */
  rest: 6,
  /**
   * A clock. Word 3: `until`, word 4: style (a place in `timeStyles`), word 5: 1 where it is spaced, word 6: length of the prefix.
   * At `at`: the prefix (any bytes), then `:`, two digits (minutes < 60), `:`, two digits (seconds <= 60); then maybe a `.` or `,` with at least
   * one digit behind it: all digits that follow are the fraction, of which the first three count (`.5` is 500 ms). Then the suffix up
   * to the first `until`, where `at` comes to stand; more than `longestSuffix` bytes or no `until`: stop. Where it is spaced and the
   * suffix begins with a space, that one is part of it and no `until`.
   * The time is floor(hourMs(style, prefix, suffix)) + (minutes * 60 + seconds) * 1000 + milliseconds; bytes are handed over as characters of
   * the same number. A task's `hourMs` gives the same for the same text, so that engines may remember it.
   */
  clock: 7,
  /**
   * A number since 1970. Word 3: `until`, word 5: `shift`. At `at`: digits, then maybe `.` and digits, at least one each. Then anything up to the first
   * `until`, where `at` comes to stand; none: stop.
   * The decimal point is moved `shift` places to the right (to the left where negative) and the whole part counts: 3 for seconds, 0 for
   * milliseconds, -3 and -6 for smaller units. So it is for fields that are numbers, with shift 6, 3 and 0 for whole microseconds.
   */
  epoch: 8,
} as const;

export const fieldFlags = { list: 1, escaped: 2 } as const;

/** Numbers of the uses in instructions. */
export const uses = {
  skip: 0,
  key: 1,
  'first-word': 2,
  shape: 3,
  collapsed: 4,
  authority: 5,
  seconds: 6,
  milliseconds: 7,
  microseconds: 8,
} as const satisfies Record<FieldUse, number>;

/** Places the decimal point is moved for a use that is a number: 6, 3, 0. */
export function shiftOfUse(use: number): number {
  return use === uses.seconds ? 6 : use === uses.milliseconds ? 3 : 0;
}

export const timeStyles: readonly TimeStyle[] = ['local', 'iso', 'nginx-error', 'ctime', 'day-first', 'syslog'];

/**
 * A program of `kind` `steps` is walked from instruction 0 with `at` = 0.
 *
 * One of `kind` `json` is a table: an instruction for each key, `field`, `clock` or `epoch` with the key's name as its literal, `until` -1, and
 * word 7 the bits of what is required (0 or one bit). No `end` follows. The line fits where all this holds:
 * 1. Without spaces and tabs (0x20, 0x09) at both ends it begins with `{`, ends with `}`, and is at least two bytes long.
 * 2. It is walked behind the `{`: all up to the next `"` is passed over; the string goes to the next `"` that no backslash passes over (a
 *    backslash passes over itself and the byte behind it). A string that does not end before the line does: it fits not.
 *    Blanks (spaces, tabs) behind the string are passed over; where no `:` follows, the string is nothing, and the walk goes on there.
 *    Else it is a name, and its value stands behind the `:` and blanks. Depth is not looked at, nor is what stands between strings.
 * 3. A value that begins with `"` is a string, which ends as in 2: its value is the bytes between the quotes. One that begins with `{` or `[` is none,
 *    and the walk goes on there. Any other is the longest run of bytes that are none of space, tab, `,`, `}`, `]`, `"`. Where that is empty or
 *    `null` it is none. The walk goes on behind the value.
 * 4. A value whose name is in the table (the same bytes, escapes untouched; the first instruction with that name) sets the bits of word 7. If a `field`:
 *    it is used as a field (string values may be empty). If a `clock` or `epoch`, and no time is filled yet: it must fit, with the value as the line.
 * 5. At least one name of the table had a value, all bits of `required` are set, and where the table has times, a time is filled.
 */
export interface LineProgram {
  readonly kind: 'steps' | 'json';
  /** `instructionWords` numbers an instruction. */
  readonly code: Int32Array;
  readonly literals: Uint8Array;
  /** The role of each instruction, where it has one. */
  readonly roles: readonly (FieldRole | undefined)[];
  /** The role of each key slot. Instructions with the same role share one. At most `mostKeys`. */
  readonly keys: readonly FieldRole[];
  /** Of a table: the bits that have to be set. */
  readonly required: number;
  /** A `clock` or an `epoch` is in it. */
  readonly hasTime: boolean;
}

/** Key slots of a program at most: there are no more roles. */
export const mostKeys = 32;

/**
 * The keys of a line as they are told apart: for each slot two bytes, the length (low byte first; 0xffff: not filled),
 * then that many bytes. Lines of the same program with the same packed keys are one combination.
 */
export const packedKeysMost: number = mostKeys * (longestKey + 2);
export const notFilled = 0xffff;

/**
 * Compiles a plan. A program knows nothing of what its format means but the roles.
 * @throws {RangeError} where the plan is none: a time unit that is no power of ten, more required keys than 30.
 */
export function compilePlan(format: Pick<LogFormat, 'plan'>): LineProgram {
  const { plan } = format;
  const writer = new ProgramWriter();
  if (plan.kind === 'json') for (const key of plan.keys) writer.addKey(key);
  else {
    for (const step of plan.steps) writer.addStep(step);
    writer.add(opcodes.end, undefined, []);
  }
  return writer.finish(plan.kind);
}

class ProgramWriter {
  readonly #code: number[] = [];
  readonly #literals: number[] = [];
  readonly #roles: (FieldRole | undefined)[] = [];
  readonly #keys: FieldRole[] = [];
  #required = 0;
  #requiredKeys = 0;
  #hasTime = false;

  add(opcode: number, role: FieldRole | undefined, words: readonly number[]): void {
    this.#code.push(opcode, ...words);
    while (this.#code.length % instructionWords !== 0) this.#code.push(0);
    this.#roles.push(role);
  }

  addStep(step: PlanStep): void {
    switch (step.do) {
      case 'literal':
        return this.add(opcodes.literal, undefined, this.#literal(step.text));
      case 'maybe':
        return this.add(opcodes.maybe, undefined, this.#literal(step.text));
      case 'field': {
        const flags = (step.list === true ? fieldFlags.list : 0) | (step.escaped === true ? fieldFlags.escaped : 0);
        return this.add(opcodes.field, step.role, [0, 0, untilByte(step.until), ...this.#use(step.role, step.use), flags]);
      }
      case 'text':
        return this.add(opcodes.text, step.role, [...this.#literal(step.before), -1, ...this.#use(step.role, step.use)]);
      case 'seek':
        return this.add(opcodes.seek, undefined, this.#literal(step.text));
      case 'rest':
        return this.add(opcodes.rest, undefined, []);
      case 'time':
        return this.#addTime([0, 0, untilByte(step.until)], step, 0);
    }
  }

  addKey(key: JsonKey): void {
    const isRequired = key.required === true;
    if (isRequired && this.#requiredKeys === 30) throw new RangeError('more than 30 keys of a JSON line are required');
    const bit = isRequired ? 1 << this.#requiredKeys++ : 0;
    this.#required |= bit;
    const head = [...this.#literal(key.name), -1];
    if (key.time !== undefined) this.#addTime(head, key.time, bit, key.role);
    else this.add(opcodes.field, key.role, [...head, ...this.#use(key.role, key.use), 0, bit]);
  }

  finish(kind: 'steps' | 'json'): LineProgram {
    const code = Int32Array.from(this.#code);
    let target = code.length / instructionWords - 1;
    for (let index = target; index >= 0; index -= 1) {
      const opcode = code[index * instructionWords];
      if (opcode === opcodes.seek) code[index * instructionWords + 7] = target;
      if (opcode === opcodes.seek || opcode === opcodes.rest) target = index;
    }
    return { kind, code, literals: Uint8Array.from(this.#literals), roles: this.#roles, keys: this.#keys, required: this.#required, hasTime: this.#hasTime };
  }

  #addTime(head: readonly number[], time: NonNullable<JsonKey['time']>, bit: number, role?: FieldRole): void {
    this.#hasTime = true;
    if (time.form === 'epoch') this.add(opcodes.epoch, role, [...head, 0, shiftOfUnit(time.unitMs), 0, bit]);
    else this.add(opcodes.clock, role, [...head, timeStyles.indexOf(time.style), time.spaced === true ? 1 : 0, time.prefixLength, bit]);
  }

  /** Words 4 and 5. What nobody could be told of is passed over. */
  #use(role: FieldRole | undefined, use: FieldUse): readonly [number, number] {
    if (role === undefined || use === 'skip') return [uses.skip, 0];
    if (use === 'seconds' || use === 'milliseconds' || use === 'microseconds') {
      return role === 'request-time' ? [uses[use], 0] : role === 'upstream-time' ? [uses[use], 1] : [uses.skip, 0];
    }
    if (!this.#keys.includes(role)) this.#keys.push(role);
    return [uses[use], this.#keys.indexOf(role)];
  }

  #literal(text: string): readonly [number, number] {
    const bytes = encodeUtf8(text);
    const at = this.#literals.length;
    for (const byte of bytes) this.#literals.push(byte);
    return [at, bytes.length];
  }
}

/** Of a character that is not ASCII, its first byte: what follows the field says whether it was the right one. */
function untilByte(until: string): number {
  return encodeUtf8(until)[0] ?? -1;
}

function shiftOfUnit(unitMs: number): number {
  const shift = Math.round(Math.log10(unitMs));
  if (!(shift >= -9 && shift <= 9) || Math.abs(10 ** shift - unitMs) > unitMs * 1e-9) throw new RangeError(`a unit of ${unitMs} ms is no power of ten`);
  return shift;
}
