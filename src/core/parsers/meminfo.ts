import type { Resources } from '../model/facts/system.ts';
import { linesOf, wholeNumber, wordsOf } from './text.ts';

/**
 * Reads `/proc/meminfo` (proc_meminfo(5)); `undefined` where it holds no total. Before Linux 3.14 there is no
 * `MemAvailable`: then free memory, buffers and page cache together stand for it. Sample: `MemAvailable:   22943340 kB`.
 */
export function parseMeminfo(text: string): Resources['memory'] {
  const bytes = new Map<string, number>();
  for (const line of linesOf(text, 200)) {
    const colon = line.indexOf(':');
    const value = wholeNumber(wordsOf(line.slice(colon + 1))[0]);
    if (colon > 0 && value !== undefined) bytes.set(line.slice(0, colon), value * 1024);
  }
  const of = (name: string): number => bytes.get(name) ?? 0;
  if (!bytes.has('MemTotal')) return undefined;
  return {
    totalBytes: of('MemTotal'),
    availableBytes: bytes.get('MemAvailable') ?? of('MemFree') + of('Buffers') + of('Cached'),
    swapTotalBytes: of('SwapTotal'),
    swapFreeBytes: of('SwapFree'),
  };
}

/** Reads `/proc/loadavg`: `0.52 0.34 0.20 2/345 12345`. */
export function parseLoadavg(text: string): Resources['load'] {
  const [one, five, fifteen] = wordsOf(text, 3).map(Number);
  if (one === undefined || five === undefined || fifteen === undefined) return undefined;
  return [one, five, fifteen].every(Number.isFinite) ? [one, five, fifteen] : undefined;
}

/** Pressure of one resource in percent of the last ten seconds. */
export interface Pressure {
  readonly someAvg10: number;
  readonly fullAvg10: number;
}

/**
 * Reads `/proc/pressure/*` (PSI, Linux ≥ 4.20); `undefined` where there is no `some` line. Sample:
 * `some avg10=3.06 avg60=3.41 avg300=1.48 total=16525558`
 */
export function parsePressure(text: string): Pressure | undefined {
  let someAvg10: number | undefined;
  let fullAvg10 = 0;
  for (const line of linesOf(text, 10)) {
    const match = /^(some|full) avg10=(\d{1,3}\.\d{1,4}) /.exec(line);
    if (match?.[1] === 'some') someAvg10 = Number(match[2]);
    else if (match?.[1] === 'full') fullAvg10 = Number(match[2]);
  }
  return someAvg10 === undefined ? undefined : { someAvg10, fullAvg10 };
}
