import type { FieldValues, LogFormat, Outcome } from '../scan/format.ts';
import { LineWalk } from '../scan/interpreter.ts';
import { KeyPacker } from '../scan/packed-keys.ts';
import { compilePlan } from '../scan/program.ts';
import { readFields } from '../scan/read-fields.ts';
import type { RollUp } from '../scan/roll-up.ts';
import { valuesOf } from '../scan/tally.ts';
import { scanText } from '../scan/testing.ts';
import { encodeUtf8 } from '../scan/text.ts';
import { hourReader } from './hour-reader.ts';
import { knownFormats } from './named.ts';
import { recognise, type Recognised } from './recognise.ts';

/** Helpers for the tests of formats. */

export const nowMs: number = Date.UTC(2026, 10, 21, 18);

export function rollUpOf(text: string, formats: readonly LogFormat[]): RollUp {
  return scanText(text, { task: { formats, nowMs, hourMs: hourReader('UTC', nowMs) } });
}

/** What the engine makes of one line, and when it was; undefined where the line does not fit. */
export function seriesOf(
  format: LogFormat | undefined,
  line: string,
): { readonly outcome: Outcome; readonly at: string; readonly seconds: number } | undefined {
  if (format === undefined) return undefined;
  const walk = new LineWalk(compilePlan(format), hourReader('UTC', nowMs));
  const bytes = encodeUtf8(line);
  if (!walk.fits(bytes, new DataView(bytes.buffer, bytes.byteOffset, bytes.length), 0, bytes.length)) return undefined;
  const packer = new KeyPacker();
  packer.pack(walk, bytes);
  const outcome = format.outcome(valuesOf(walk.program, packer.bytes.subarray(0, packer.length)));
  return { outcome, at: walk.timeMs === -1 ? '' : new Date(walk.timeMs).toISOString(), seconds: walk.requestTime === -1 ? 0 : walk.requestTime / 1e6 };
}

export function outcomeOf(format: LogFormat | undefined, line: string): Outcome | undefined {
  return seriesOf(format, line)?.outcome;
}

export function fieldsOf(format: LogFormat | undefined, line: string): FieldValues | undefined {
  return format === undefined ? undefined : readFields(format, line);
}

export function recogniseText(text: string, formats: readonly LogFormat[] = knownFormats()): readonly Recognised[] {
  return recognise(encodeUtf8(text), formats);
}

/** Ids of the formats that lines were found in. */
export function idsIn(text: string, formats?: readonly LogFormat[]): readonly string[] {
  return recogniseText(text, formats).flatMap(({ format, share }) => (share > 0 ? [format.id] : []));
}
