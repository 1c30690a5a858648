/** Makes what is told of logs from their roll-up: the heart of `badhop logs`. */
import type { LogInput, LogsReport } from '../../model/logs-report.ts';
import type { RollUp } from '../scan/roll-up.ts';
import { findCauses } from './findings.ts';
import { countsOf, inSteps, makeGrid } from './grid.ts';
import { groupSeries } from './groups.ts';
import type { LogsInput, LogsInsight } from './input.ts';
import { describeInputs } from './log-inputs.ts';
import { listNotChecked, nextSteps, type NextInput } from './next-steps.ts';
import { countPeers } from './peers.ts';
import { findProblems, type Told } from './problems.ts';
import { mostRead, SampleReader, type ReadSamples } from './sample-lines.ts';
import { emptyTimeline, makeTimeline, stepsOf } from './timeline.ts';
import { totalsOf } from './totals.ts';
import { judgeLogs } from './verdict.ts';
import { isoTime } from './words.ts';
import { findZoneShift, type ZoneShift } from './zone-shift.ts';

/** Linear in the size of the roll-up, which is bounded. */
export function describeLogs(input: LogsInput): LogsInsight {
  const { rollUp, formats, partial, nowMs } = input;
  const found = describeInputs(input);
  const totals = totalsOf(rollUp);
  const grid = makeGrid(rollUp.series, rollUp.widthMs);
  const shift = grid === undefined ? undefined : findZoneShift(rollUp, grid, formats, input.zone);
  const inputs = shift === undefined ? found : found.map(one => withShift(one, shift));
  const [firstMs, endMs] = spanOf(rollUp);
  const used = new Set(rollUp.inputs.flatMap(one => one.formats.map(({ id }) => id)));
  let samples: { readonly failed: ReadSamples; readonly good: ReadSamples } | undefined;
  const read = (): NonNullable<typeof samples> => {
    const reader = new SampleReader(input);
    return (samples ??= { failed: reader.readAll(rollUp.failed, mostRead.failed), good: reader.readAll(rollUp.good, mostRead.good) });
  };
  let told: readonly Told[] = [];
  let timeline: LogsReport['timeline'] = emptyTimeline;
  if (grid !== undefined) {
    const steps = stepsOf(grid);
    // All cells of a large log are millions: they are gone through once.
    const load = countsOf(
      rollUp.series.filter(({ kind }) => kind === 'access'),
      rollUp.widthMs,
      grid,
    );
    timeline = makeTimeline(rollUp, steps, inSteps(load, grid, steps));
    const lines = inputs.reduce((sum, one) => sum + one.lines - one.outside, 0);
    const groups = groupSeries(rollUp, grid);
    if (groups.length > 0)
      told = findProblems({
        rollUp,
        grid,
        steps,
        timeline,
        groups,
        requests: totals.requests,
        load: totals.requests === 0 ? undefined : load,
        lines,
        firstMs,
        endMs,
        samples: read,
      });
  }
  const findings = told.length === 0 ? [] : findCauses(told, input.faults, formats, () => read().failed.lines);
  const next: NextInput = { told, inputs, formats: formats.filter(({ id }) => used.has(id)), totals, nowMs, endMs, partial };
  const echoed = new Set(told.flatMap(({ where }) => where.echoedPeers));
  const insight: LogsInsight = {
    schemaVersion: 1,
    kind: 'logs',
    ...(Number.isFinite(firstMs) ? { window: { from: isoTime(firstMs), to: isoTime(endMs) } } : {}),
    zone: input.zone,
    ...judgeLogs({ told, findings, totals, inputs, hasTimes: grid !== undefined }),
    ...(partial === undefined ? {} : { partial }),
    inputs,
    totals,
    timeline,
    problems: told.map(({ problem }) => problem),
    peers: countPeers(rollUp, echoed),
    findings,
    next: nextSteps(next),
    notChecked: listNotChecked(next),
    internalErrors: [],
  };
  return redacted(insight, input);
}

/** The input with a word on its zone, where its times have none. */
function withShift(input: LogInput, { formats, text, zone }: ZoneShift): LogInput {
  if (input.format === undefined || !formats.has(input.format.id)) return input;
  const problem = `it seems to be written in another zone, read it with --zone ${zone}: its messages lie ${text} the requests that fail, and are not joined to them`;
  return { ...input, problems: [...input.problems, problem] };
}

/** Milliseconds of the first and the last line; infinite where none has a time. */
function spanOf({ series }: RollUp): readonly [number, number] {
  let first = Number.POSITIVE_INFINITY;
  let last = Number.NEGATIVE_INFINITY;
  for (const { firstMs, lastMs } of series) {
    if (Number.isNaN(firstMs)) continue;
    first = Math.min(first, firstMs);
    last = Math.max(last, lastMs);
  }
  return [first, last];
}

function redacted(insight: LogsInsight, input: LogsInput): LogsInsight {
  // The time line holds numbers and the peers' names, which stand elsewhere too.
  const { timeline, ...rest } = insight;
  return { ...(redactAll(rest, text => input.redact(text)) as typeof rest), timeline };
}

function redactAll(value: unknown, redact: (text: string) => string): unknown {
  if (typeof value === 'string') return redact(value);
  if (Array.isArray(value)) return value.map(entry => redactAll(entry, redact));
  if (typeof value === 'object' && value !== null) return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, redactAll(entry, redact)]));
  return value;
}
