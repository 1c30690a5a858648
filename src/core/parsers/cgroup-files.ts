import { linesOf, wholeNumber, wordsOf } from './text.ts';

/**
 * A limit in bytes: `memory.max` and `memory.high` of v2 (cgroup-v2.rst: `max` for none), `memory.limit_in_bytes` of v1
 * (memory.rst). `undefined` for none, which v1 writes as the largest number of whole pages, and for anything else. Samples:
 * `536870912`, `max`, `9223372036854771712`.
 */
export function parseMemoryLimit(text: string): number | undefined {
  const value = wholeNumber(text.trim());
  return value === undefined || value < 0 ? undefined : value;
}

/**
 * Bytes of files in `memory.stat` that the kernel gives up first, those of groups below included: v1 says `total_inactive_file`, v2
 * `inactive_file`. 0 where neither is there.
 */
export function parseInactiveFile(text: string): number {
  let own = 0;
  for (const line of linesOf(text, 200)) {
    const [name, value] = wordsOf(line, 2);
    const bytes = wholeNumber(value);
    if (bytes === undefined || bytes < 0) continue;
    if (name === 'total_inactive_file') return bytes;
    if (name === 'inactive_file') own = bytes;
  }
  return own;
}

/** Processors that a group may use: `cpu.max` of v2, `200000 100000` or `max 100000`. `undefined` for no limit. */
export function parseCpuMax(text: string): number | undefined {
  const [quota, period] = wordsOf(text.trim(), 2);
  return processors(quota, period);
}

/** The same of v1: `cpu.cfs_quota_us` (-1 for none) and `cpu.cfs_period_us`. */
export function parseCpuQuota(quota: string, period: string): number | undefined {
  return processors(quota.trim(), period.trim());
}

function processors(quota: string | undefined, period: string | undefined): number | undefined {
  const most = wholeNumber(quota);
  const every = wholeNumber(period);
  return most === undefined || every === undefined || most <= 0 || every <= 0 ? undefined : most / every;
}
