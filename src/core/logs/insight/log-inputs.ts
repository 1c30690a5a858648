import type { LogInput } from '../../model/logs-report.ts';
import type { LogFormat } from '../scan/format.ts';
import type { InputCount } from '../scan/roll-up.ts';
import type { InputProblems, LogsInput } from './input.ts';
import { isoTime } from './words.ts';

const longestSample = 400;
const mostSamples = 5;

/** What was read, in the order of the roll-up, then what could not be read at all. */
export function describeInputs({ rollUp, formats, inputs }: Pick<LogsInput, 'rollUp' | 'formats' | 'inputs'>): readonly LogInput[] {
  const known = new Map(formats.map(format => [format.id, format]));
  const problems = new Map(inputs.map(one => [one.path, one]));
  const read = rollUp.inputs.map(count => describe(count, known, problems.get(count.path)));
  const seen = new Set(rollUp.inputs.map(({ path }) => path));
  const rest = inputs.filter(({ path }) => !seen.has(path));
  return [...read, ...rest.map(one => describe({ ...nothing, path: one.path }, known, one))];
}

const nothing = { bytes: 0, lines: 0, outside: 0, formats: [], continued: 0, misfits: 0, misfitSamples: [], tooLong: 0 };

function describe(count: InputCount, known: ReadonlyMap<string, LogFormat>, problems: InputProblems | undefined): LogInput {
  const [first, ...others] = count.formats.toSorted((a, b) => b.lines - a.lines);
  const format = first === undefined ? undefined : known.get(first.id);
  const tooLong = count.tooLong > 0 ? [`${count.tooLong} ${count.tooLong === 1 ? 'line' : 'lines'} of more than 1 MiB passed over`] : [];
  return {
    path: count.path,
    ...(first === undefined ? {} : { format: { id: first.id, title: format?.title ?? first.id } }),
    ...(format === undefined ? {} : { kind: format.kind }),
    bytes: count.bytes,
    lines: count.lines,
    outside: count.outside,
    continued: count.continued,
    misfits: count.misfits,
    ...(others.length === 0 ? {} : { otherFormats: others }),
    misfitSamples: count.misfitSamples.slice(0, mostSamples).map(({ text }) => text.slice(0, longestSample)),
    ...(count.firstMs === undefined || !Number.isFinite(count.firstMs) ? {} : { from: isoTime(count.firstMs) }),
    ...(count.lastMs === undefined || !Number.isFinite(count.lastMs) ? {} : { to: isoTime(count.lastMs) }),
    problems: [...(problems?.problems ?? []), ...tooLong],
    ...(problems?.unread === undefined ? {} : { unread: problems.unread }),
    ...(problems?.skipped === undefined ? {} : { skipped: problems.skipped }),
  };
}
