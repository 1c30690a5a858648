/** Series put together to what is told as one: failing requests alike in status, maker and class; requests that a second try saved; messages alike in text. */
import type { MadeBy, MessageClass } from '../../model/facts/logs.ts';
import type { Outcome } from '../scan/format.ts';
import type { RollUp, Series } from '../scan/roll-up.ts';
import { countsOf, type Grid } from './grid.ts';

export interface Group {
  /** Of `keyOf`: samples are given to groups by it. */
  readonly key: string;
  readonly kind: 'requests' | 'retries' | 'messages';
  /** Absent where it is not known, and for retries and messages. */
  readonly status?: number;
  readonly class?: MessageClass;
  readonly madeBy: MadeBy;
  readonly because?: string;
  readonly message?: string;
  readonly level?: string;
  readonly series: readonly Series[];
  readonly count: number;
  /** NaN where no line has a time. */
  readonly firstMs: number;
  readonly lastMs: number;
  /** Failures by bin of the grid. */
  readonly counts: Float64Array;
  /** The peers at which they failed, the most first. */
  readonly peers: ReadonlyMap<string, number>;
}

/** An answer that looks good and has a failed try behind it. Of series that were folded the peers are not known any more. */
export function isRetried({ failed, status, hiddenPeers, class: kind }: Outcome, folded = false): boolean {
  return failed && (hiddenPeers !== undefined || (folded && kind === undefined)) && status >= 100 && status < 499;
}

/** The group that lines of this outcome belong to; undefined for those that did not fail. */
export function keyOf(kind: 'access' | 'error', outcome: Outcome, folded = false): string | undefined {
  if (!outcome.failed) return undefined;
  if (kind === 'error') return `messages\0${outcome.class ?? ''}\0${outcome.message ?? ''}`;
  if (isRetried(outcome, folded)) return 'retries';
  return `requests\0${outcome.status}\0${outcome.madeBy}\0${outcome.class ?? ''}`;
}

/** The peers that a line says failed. */
export function failingPeers(outcome: Outcome): readonly string[] {
  if (isRetried(outcome)) return outcome.hiddenPeers ?? [];
  return outcome.peer === undefined ? [] : [outcome.peer];
}

/** The largest come first. */
export function groupSeries(rollUp: RollUp, grid: Grid): readonly Group[] {
  const byKey = new Map<string, Series[]>();
  for (const series of rollUp.series) {
    const key = series.outcome === undefined ? undefined : keyOf(series.kind, series.outcome, series.folded);
    if (key === undefined) continue;
    const list = byKey.get(key);
    if (list === undefined) byKey.set(key, [series]);
    else list.push(series);
  }
  return [...byKey]
    .map(([key, series]) => ({ key, series, count: series.reduce((sum, { count }) => sum + count, 0) }))
    .sort((a, b) => b.count - a.count || (a.key < b.key ? -1 : 1))
    .slice(0, mostGroups)
    .map(({ key, series, count }) => toGroup(key, series, count, rollUp, grid));
}

const mostGroups = 256;

function toGroup(key: string, series: readonly Series[], count: number, { widthMs }: RollUp, grid: Grid): Group {
  const outcome = series[0]?.outcome;
  const kind = key === 'retries' ? 'retries' : series[0]?.kind === 'error' ? 'messages' : 'requests';
  const times = series.filter(({ firstMs }) => !Number.isNaN(firstMs));
  const peers = new Map<string, number>();
  for (const one of series) {
    for (const peer of one.outcome === undefined ? [] : failingPeers(one.outcome)) peers.set(peer, (peers.get(peer) ?? 0) + one.count);
  }
  const because = series.find(one => one.outcome?.because !== undefined)?.outcome?.because;
  const level = kind === 'messages' ? series.find(one => one.outcome?.level !== undefined)?.outcome?.level : undefined;
  return {
    key,
    kind,
    ...(kind === 'requests' && outcome !== undefined && outcome.status !== 0 ? { status: outcome.status } : {}),
    ...(kind === 'retries' || outcome?.class === undefined ? {} : { class: outcome.class }),
    madeBy: outcome?.madeBy ?? 'unknown',
    ...(because === undefined ? {} : { because }),
    ...(kind === 'messages' && outcome?.message !== undefined ? { message: outcome.message } : {}),
    ...(level === undefined ? {} : { level }),
    series,
    count,
    firstMs: times.reduce((first, { firstMs }) => Math.min(first, firstMs), times.length === 0 ? Number.NaN : Number.POSITIVE_INFINITY),
    lastMs: times.reduce((last, { lastMs }) => Math.max(last, lastMs), times.length === 0 ? Number.NaN : Number.NEGATIVE_INFINITY),
    counts: countsOf(series, widthMs, grid),
    peers: new Map([...peers].sort((a, b) => b[1] - a[1])),
  };
}
