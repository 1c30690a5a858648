import { instructionWords, latestMs, opcodes, timeStyles, type LineProgram } from '../../core/logs/scan/program.ts';
import type { ScanTask } from '../../core/logs/scan/scanner.ts';
import { latin1 } from '../../core/logs/scan/text.ts';
import type { KernelMemory } from './kernel-memory.ts';
import type { ClockRecords } from './kernel-program.ts';

/** Longest suffix that fits a record, with what ends it. */
const longestSuffix = 15;
const longestHour = 3_661_000;
const noHour = -1;

/** Lets the kernel know the hour that it came to; false where the line is better counted here. */
export function learnHour({ at, bytes, u32 }: KernelMemory, clocks: ClockRecords, programs: readonly LineProgram[], task: ScanTask): boolean {
  const clock = clocks.get(u32[at.CLOCK / 4] ?? 0);
  const code = clock === undefined ? undefined : programs[clock.format]?.code.subarray(clock.pc, clock.pc + instructionWords);
  if (clock === undefined || code?.[0] !== opcodes.clock) return false;
  const style = timeStyles[code[4] ?? 0];
  const prefixAt = u32[at.CLOCK_AT / 4] ?? 0;
  const prefix = bytes.slice(prefixAt, prefixAt + (code[6] ?? 0));
  const suffix = suffixOf(bytes, prefixAt + prefix.length + 6, u32[at.LINE_TO / 4] ?? 0, clock.until, code[5] === 1);
  if (style === undefined || suffix === undefined || suffix.length > longestSuffix) return false;
  // What would end the text of a JSON string elsewhere, and what stands at the end of lines, is left to the careful.
  if (suffix.some(byte => byte === 0x0d || (clock.isJson && byte === 0x5c))) return false;
  const hour = Math.floor(task.hourMs(style, latin1(prefix, 0, prefix.length), latin1(suffix, 0, suffix.length)));
  if (!Number.isNaN(hour) && !(hour >= 0 && hour + longestHour < latestMs)) return false;
  clocks.write(clock.record, Number.isNaN(hour) ? noHour : hour, prefix, suffix, clock.until);
  return true;
}

/** The text behind a clock and its fraction. */
function suffixOf(bytes: Uint8Array, clockEnd: number, end: number, until: number, isSpaced: boolean): Uint8Array | undefined {
  let from = clockEnd;
  if ((bytes[from] === 0x2e || bytes[from] === 0x2c) && isDigit(bytes[from + 1])) {
    from += 1;
    while (isDigit(bytes[from])) from += 1;
  }
  if (until === -1) return bytes.slice(from, end);
  const found = bytes.subarray(0, end).indexOf(until, isSpaced && bytes[from] === 0x20 ? from + 1 : from);
  return found === -1 ? undefined : bytes.slice(from, found);
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39;
}
