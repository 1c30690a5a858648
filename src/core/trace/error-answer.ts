import type { Attribution, Layer, Meaning, MeaningCause, ResponseEvidence } from '../model/fingerprint.ts';
import type { Confidence, Evidence } from '../model/finding.ts';
import type { TraceAttempt } from '../model/trace.ts';
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
  const { answeredBy } = attribution;
  const meaning = answeredBy === undefined ? undefined : context.fingerprints.meaning(answeredBy.product, response.status, answeredBy.detail);
  const status = statusText(response);
  return {
    fault: 'error-answer',
    layer: layerOf(response.status, answeredBy),
    symptomClass: response.status >= 500 ? 'probe-failed' : 'client',
    key: `${response.status} ${answeredBy?.product ?? '?'}`,
    status: response.status,
    title: answeredBy === undefined ? `The answer is ${status}, and who made it cannot be told` : `${answeredBy.title} answers ${status}`,
    explanation: explain(attribution, meaning),
    confidence: answeredBy === undefined ? 'possible' : confidences[answeredBy.certainty],
    evidence: evidenceOf(attempt, response, attribution, context),
    next: nextOf(attribution, meaning, response, context),
    ...(answeredBy === undefined ? {} : { product: { id: answeredBy.product, name: answeredBy.title } }),
  };
}

/** A gateway that says that it got no answer speaks of what is behind it. */
export function speaksOfNext(status: number): boolean {
  return status === 502 || status === 504 || (status >= 520 && status <= 530);
}

function layerOf(status: number, answeredBy: Layer | undefined): Problem['layer'] {
  if (speaksOfNext(status)) return 'backend';
  return answeredBy?.product === 'nginx' ? 'nginx' : answeredBy === undefined || answeredBy.role === 'application' ? 'app' : 'backend';
}

function explain({ summary, cannotTell, traps }: Attribution, meaning: Meaning | undefined): string {
  const causes = (meaning?.causes ?? []).slice(0, 3).map(cause => `${cause.title}${unproven(cause)}`);
  return [
    summary,
    ...(cannotTell === undefined ? [] : [cannotTell.why]),
    ...(causes.length === 0 ? [] : [`Usually, the likeliest first: ${causes.join('; ')}.`]),
    ...(meaning === undefined ? [] : [meaning.text]),
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
  const bypass: readonly [string, ...string[]] = ['Go past this hop to the server behind it, and compare:', `badhop trace --origin ADDRESS ${context.hop.url}`];
  const { answeredBy, cannotTell } = attribution;
  const isProxy = answeredBy === undefined || answeredBy.role !== 'application';
  const look: readonly [string, ...string[]] =
    answeredBy?.product === 'nginx'
      ? ['On the host that this nginx runs on; its error log names the backend and the reason:', 'badhop --since 10m', `badhop logs --since 10m`]
      : ['On the host behind this hop, let badhop read it:', 'badhop --since 10m'];
  const summary =
    answeredBy === undefined
      ? `Find out who answers: ${cannotTell?.how ?? 'ask each hop by itself'}`
      : speaksOfNext(response.status)
        ? `Look at what ${answeredBy.title} passes requests to`
        : `Look at ${answeredBy.title} itself`;
  const ordered = answeredBy?.product === 'nginx' || steps.length === 0 ? [look, ...steps] : [...steps, look];
  return lookNext('follow-the-answer', summary, [...ordered, ...(isProxy ? [bypass] : [])]);
}
