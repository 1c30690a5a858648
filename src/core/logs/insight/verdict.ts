import type { LogInput, LogTotals } from '../../model/logs-report.ts';
import type { Finding } from '../../model/finding.ts';
import type { Verdict } from '../../model/report.ts';
import type { Told } from './problems.ts';
import { countOf, countText, shareText } from './words.ts';

export interface VerdictInput {
  readonly told: readonly Told[];
  readonly findings: readonly Finding[];
  readonly totals: LogTotals;
  readonly inputs: readonly LogInput[];
  /** Some line has a time: without any, nothing is known of when and how long. */
  readonly hasTimes: boolean;
}

interface Judgement {
  readonly verdict: Verdict;
  readonly summary: string;
}

/** Of the lines, so many must be understood before silence means that all is well. */
const leastUnderstood = 0.5;

/** The same words as a diagnosis has: failing is what still went on at the end of the data. */
export function judgeLogs(input: VerdictInput): Judgement {
  const { told, findings, inputs } = input;
  const failing = told.filter(({ problem, group }) => problem.ongoing && group.kind !== 'retries');
  const [worst] = failing;
  if (worst !== undefined) return { verdict: 'failing', summary: sentence(worst, findings, failing.length) };
  const lines = inputs.reduce((sum, one) => sum + one.lines - one.outside, 0);
  const misfits = inputs.reduce((sum, one) => sum + one.misfits, 0);
  const over = told.filter(({ group }) => group.kind !== 'retries');
  const [last] = over;
  if (last !== undefined) return { verdict: 'recovered', summary: `It is over by the end of the logs. ${sentence(last, findings, over.length)}` };
  const hidden = told.find(({ group, problem }) => group.kind === 'retries' && problem.ongoing);
  if (hidden !== undefined) return { verdict: 'at-risk', summary: `No request fails, but ${lowerFirst(sentence(hidden, findings, 1))}` };
  if (told[0] !== undefined) return { verdict: 'recovered', summary: `It is over by the end of the logs. ${sentence(told[0], findings, told.length)}` };
  if (lines <= 0) return { verdict: 'inconclusive', summary: nothingRead(inputs) };
  if (misfits > (1 - leastUnderstood) * lines) {
    return { verdict: 'inconclusive', summary: `${shareText(misfits / lines)} of the lines fit no known format, so it is not known whether requests fail.` };
  }
  const failed = input.totals.failed - (input.totals.byMadeBy.client ?? 0) + input.totals.errors;
  if (!input.hasTimes && failed > 0) {
    return { verdict: 'inconclusive', summary: `${allFailed(input.totals)}, but no line has a time, so it is not known when, or whether it goes on.` };
  }
  return { verdict: 'healthy', summary: allWell(input) };
}

function sentence({ problem, where }: Told, findings: readonly Finding[], count: number): string {
  const cause = findings.find(({ symptoms, confidence, advice }) => symptoms.includes(problem.id) && confidence !== 'possible' && advice !== true);
  const place = where.told[0];
  const parts = [
    `${problem.title}${problem.share === undefined ? '' : ` (${shareText(problem.share)} of all)`}`,
    problem.shape.when === 'once' ? undefined : problem.shape.text,
    place?.value.text,
    cause === undefined ? undefined : lowerFirst(cause.title),
  ].filter(part => part !== undefined);
  const more = count > 1 ? ` There ${count === 2 ? 'is 1 more problem' : `are ${count - 1} more problems`}.` : '';
  return `${parts.join('; ')}.${more}`;
}

function nothingRead(inputs: readonly LogInput[]): string {
  const unread = inputs.filter(one => one.unread !== undefined);
  if (unread.length > 0) return `Nothing could be read: ${unread[0]?.path ?? ''}: ${unread[0]?.unread ?? ''}.`;
  return inputs.some(one => one.outside > 0 || one.skipped !== undefined)
    ? 'No line lies in the time that was asked for.'
    : 'There is nothing to read: the logs are empty.';
}

function allWell({ totals }: VerdictInput): string {
  const { requests, failed, errors } = totals;
  if (requests === 0) return errors === 0 ? 'No message tells of a failure.' : `${countOf(errors, 'message')} of a failure, too few to be a problem.`;
  if (failed === 0) return `None of ${countOf(requests, 'request')} failed.`;
  const left = totals.byMadeBy.client ?? 0;
  const clients = left === 0 ? '' : left === failed ? ', all of them because the client left' : `, ${countText(left)} of them because the client left`;
  return `${countText(failed)} of ${countOf(requests, 'request')} failed (${shareText(failed / requests)})${clients}: no more than is usual.`;
}

function allFailed({ requests, failed, errors }: LogTotals): string {
  return requests === 0 ? `${countOf(errors, 'message')} tell of a failure` : `${countText(failed)} of ${countOf(requests, 'request')} failed`;
}

function lowerFirst(text: string): string {
  const second = text.charAt(1);
  return second !== '' && second === second.toLowerCase() ? text.charAt(0).toLowerCase() + text.slice(1) : text;
}
