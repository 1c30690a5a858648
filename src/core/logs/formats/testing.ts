import type { FieldValues, LogFormat, Outcome } from '../scan/format.ts';
import { readFields } from '../scan/read-fields.ts';
import type { RollUp } from '../scan/roll-up.ts';
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
  const [series] = format === undefined ? [] : rollUpOf(line, [format]).series;
  if (series?.outcome === undefined) return undefined;
  return { outcome: series.outcome, at: Number.isFinite(series.firstMs) ? new Date(series.firstMs).toISOString() : '', seconds: series.requestTime.sum / 1e6 };
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
