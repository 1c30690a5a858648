import type { Attribution, Layer, Meaning, MeaningCause, ResponseEvidence } from '../model/fingerprint.ts';
import type { Confidence, Evidence } from '../model/finding.ts';
import { speaksOfNext } from '../model/speaks-of-next.ts';
import { upperFirst } from '../model/upper-first.ts';
import type { TraceAttempt } from '../model/trace.ts';
import { fillCommand } from './fill-command.ts';
import { lookNext, milliseconds, placeOf, sourceOf, type Problem, type ProblemContext } from './problem.ts';

/** Below 500 those that a hop says of itself or of its client's connection: 421, 408, and what nginx and ALB have of their own. */
const ownStatuses: ReadonlySet<number> = new Set([408, 421, 460, 463, 464, 494, 495, 496, 497, 499]);
const confidences: Readonly<Record<Layer['certainty'], Confidence>> = { sure: 'confirmed', likely: 'likely', possible: 'possible' };
const mostCauses = 4;

/** Names of the statuses that a request in trouble gets. */
const names: Readonly<Record<number, string>> = {
  500: 'Internal Server Error',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
  408: 'Request Timeout',
  421: 'Misdirected Request',
};

/** Whether a status says that the request failed on the way, and not that it was refused for what it is. */
export function isErrorStatus(status: number): boolean {
  return status >= 500 || ownStatuses.has(status);
}

export function statusText({ status, reason }: Pick<ResponseEvidence, 'status' | 'reason'>): string {
  const name = names[status] ?? reason;
  return name === '' ? String(status) : `${status} ${name}`;
}

/** An error status: who made it, what it means there, and what to look at next. */
export function errorAnswer(attempt: TraceAttempt, response: ResponseEvidence, context: ProblemContext): Problem {
  const attribution = context.fingerprints.identify(response);
  const { answeredBy, narrowed } = attribution;
  const meaning = answeredBy === undefined ? undefined : context.fingerprints.meaning(answeredBy.product, response.status, answeredBy.detail);
  const status = statusText(response);
  return {
    fault: 'error-answer',
    layer: layerOf(response.status, answeredBy),
    symptomClass: response.status >= 500 ? 'probe-failed' : 'client',
    key: `${response.status} ${answeredBy?.product ?? narrowed?.candidates.map(each => `${each.place} ${each.product}`).join() ?? '?'}`,
    status: response.status,
    title: titleOf(attribution, status),
    explanation: explain(attribution, meaning),
    // One place alone is told, if not by name.
    confidence: answeredBy !== undefined ? confidences[answeredBy.certainty] : narrowed?.candidates.length === 1 ? 'likely' : 'possible',
    evidence: evidenceOf(attempt, response, attribution, context),
    next: nextOf(attribution, meaning, response, context),
    ...productOf(attribution),
  };
}

function titleOf({ answeredBy, narrowed }: Attribution, status: string): string {
  if (answeredBy !== undefined) return upperFirst(`${answeredBy.title} answers ${status}`);
  if (narrowed === undefined) return `The answer is ${status}, and who made it cannot be told`;
  return `${narrowed.who} answers ${status}`;
}

/** The layer at which the way that is known ends. */
function productOf({ answeredBy, narrowed, layers }: Attribution): Pick<Problem, 'product'> {
  if (answeredBy !== undefined) return { product: { id: answeredBy.product, name: answeredBy.title } };
  const known = layers.filter(({ product }) => product !== 'unknown');
  const candidates = narrowed?.candidates ?? [];
  const [last = known.at(-1)] = candidates.flatMap(each => known.filter(({ product }) => product === each.product).slice(-1));
  if (last === undefined) return {};
  const isBehind = narrowed !== undefined && candidates.every(({ place }) => place === 'behind');
  return { product: { id: last.product, name: last.title, place: isBehind ? 'behind' : 'or-behind' } };
}

function layerOf(status: number, answeredBy: Layer | undefined): Problem['layer'] {
  if (speaksOfNext(status)) return 'backend';
  return answeredBy?.product === 'nginx' ? 'nginx' : answeredBy === undefined || answeredBy.role === 'application' ? 'app' : 'backend';
}

function explain({ summary, narrowed, cannotTell, traps }: Attribution, meaning: Meaning | undefined): string {
  const causes = (meaning?.causes ?? []).slice(0, 3).map(cause => `${cause.title}${unproven(cause)}`);
  const may = (cannotTell?.candidates ?? []).map(({ title }) => title);
  return [
    // The title says who it may have been.
    narrowed?.why ?? cannotTell?.why ?? summary,
    ...(may.length === 0 ? [] : [`It may be ${may.join(', or ')}.`]),
    ...(meaning === undefined ? [] : [meaning.text]),
    ...(causes.length === 0 ? [] : [`Usually, the likeliest first: ${causes.join('; ')}.`]),
    ...traps.slice(0, 2).map(trap => trap.text),
  ]
    .filter((text, index, all) => text !== '' && !all.slice(0, index).some(before => before.includes(text)))
    .join(' ');
}

function unproven({ basis }: MeaningCause): string {
  return basis === 'memory' ? ' (possible)' : '';
}

function evidenceOf(attempt: TraceAttempt, response: ResponseEvidence, { layers, answeredBy }: Attribution, context: ProblemContext): readonly Evidence[] {
  const source = sourceOf(attempt, context);
  const timing = attempt.phases.firstByteMs === undefined ? '' : ` after ${milliseconds(attempt.phases.firstByteMs)}`;
  const own = [...(answeredBy?.evidence ?? []), ...layers.filter(layer => layer !== answeredBy).flatMap(layer => layer.evidence)];
  return [
    { source, text: `${response.protocol} ${response.status}${response.reason === '' ? '' : ` ${response.reason}`}${timing} from ${placeOf(attempt)}` },
    ...own.slice(0, 6).map(clue => ({ source, text: `${clue.part}: ${clue.text} (${clue.says})` })),
  ];
}

function nextOf(attribution: Attribution, meaning: Meaning | undefined, response: ResponseEvidence, context: ProblemContext): Problem['next'] {
  const steps = (meaning?.causes ?? [])
    .slice(0, mostCauses)
    .map((cause): readonly [string, ...string[]] => [
      `${cause.title}${unproven(cause)}? ${cause.next}${cause.tells === undefined ? '' : ` ${cause.tells}`}`,
      ...(cause.command === undefined ? [] : [cause.command]),
    ]);
  const { url } = context.hop;
  const { answeredBy } = attribution;
  if (answeredBy === undefined) return findOut(attribution, url);
  const bypass: readonly [string, ...string[]] = [
    'Go past this hop to the server behind it, and compare:',
    fillCommand('badhop trace --origin ADDRESS URL', url),
  ];
  const isProxy = answeredBy.role !== 'application';
  const look: readonly [string, ...string[]] =
    answeredBy.product === 'nginx'
      ? ['On the host that this nginx runs on; its error log names the backend and the reason:', 'badhop --since 10m', `badhop logs --since 10m`]
      : ['On the host behind this hop, let badhop read it:', 'badhop --since 10m'];
  const summary = speaksOfNext(response.status) ? `Look at what ${answeredBy.title} passes requests to` : `Look at ${answeredBy.title} itself`;
  const ordered = answeredBy.product === 'nginx' || steps.length === 0 ? [look, ...steps] : [...steps, look];
  return lookNext('follow-the-answer', summary, [...ordered, ...(isProxy ? [bypass] : [])]);
}

/** The author is not named: one step for each who may have answered, with what shows that it was he. */
function findOut({ narrowed, cannotTell }: Attribution, url: string): Problem['next'] {
  const candidates = narrowed?.candidates ?? cannotTell?.candidates ?? [];
  const [only] = candidates;
  const isPlace = narrowed !== undefined && candidates.length === 1 && only !== undefined;
  // The log of one that is known says which of them it was; the others are asked after it.
  const ordered = candidates.toSorted((a, b) => Number(a.place === 'behind') - Number(b.place === 'behind'));
  const tellings = ordered.map(({ title, tells, command }) => stepOf(isPlace ? tells : `Was it ${title}? ${tells}`, command, url));
  const how = cannotTell === undefined ? [] : [stepOf(cannotTell.how, cannotTell.command, url)];
  const look = ['On the host of each server behind, let badhop read it:', 'badhop --since 10m'] as const;
  return lookNext('follow-the-answer', isPlace ? `Look at ${only.title}` : 'Find out who answers', [...how, ...tellings, look]);
}

function stepOf(text: string, command: string | undefined, url: string): readonly [string, ...string[]] {
  return command === undefined ? [text] : [text, fillCommand(command, url)];
}
