import { BadhopError } from '../core/model/error.ts';
import type { HostClock } from '../core/model/host.ts';

/** Where the window starts: a length back from now, or a moment. */
export type Since =
  | { readonly kind: 'length'; readonly ms: number }
  | { readonly kind: 'moment'; readonly text: string; readonly ms: number; readonly hasZone: boolean };

const unitMs: Readonly<Record<string, number>> = { s: 1000, m: 60_000, min: 60_000, h: 3_600_000, d: 86_400_000 };
const longestMs = 366 * 86_400_000;
const examples = 'Give a duration such as 90s, 10m, 2h or 1d, or a time such as 2026-11-21T07:25 or 2026-11-21T07:25:00Z.';

/** Reads the value of `--since`, or of another option that names a moment. */
export function parseSince(text: string, option: string | undefined = '--since'): Since {
  const duration = /^(\d{1,9})\s?(s|m|min|h|d)$/.exec(text.trim());
  if (duration) {
    const ms = Number(duration[1]) * (unitMs[duration[2] ?? ''] ?? Number.NaN);
    if (ms > 0 && ms <= longestMs) return { kind: 'length', ms };
    throw new BadhopError('usage', `${option} ${text}: the window must be longer than nothing and at most 366d`, { hint: examples });
  }
  const time = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?))?\s?(Z|[+-]\d\d:?\d\d)?$/i.exec(text.trim());
  const zone = time?.[3]?.toUpperCase().replace(/^([+-]\d\d)(\d\d)$/, '$1:$2');
  const ms = time ? Date.parse(`${time[1]}T${time[2] ?? '00:00'}${zone ?? 'Z'}`) : Number.NaN;
  if (Number.isNaN(ms)) throw new BadhopError('usage', `${option} ${text}: this is neither a duration nor a time`, { hint: examples });
  return { kind: 'moment', text, ms, hasZone: zone !== undefined };
}

/** The length of the window by the host's clock. A moment without a zone is one in the host's zone. */
export function windowLengthMs(since: Since, clock: HostClock): number {
  if (since.kind === 'length') return since.ms;
  const startMs = since.hasZone ? since.ms : since.ms - clock.offsetMinutes * 60_000;
  const lengthMs = clock.nowMs - startMs;
  if (lengthMs > 0 && lengthMs <= longestMs) return lengthMs;
  const now = new Date(clock.nowMs).toISOString();
  const problem = lengthMs <= 0 ? 'lies in the future' : 'is more than 366 days ago';
  throw new BadhopError('usage', `--since ${since.text} ${problem}; the host's clock says ${now}`, { hint: examples });
}
