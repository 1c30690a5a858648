import type { TraceAttempt, TraceHop } from '../model/trace.ts';
import { answerProblems } from './answer-problems.ts';
import { connectProblems, ownObstacle } from './connect-problems.ts';
import { placeOf, type Problem, type ProblemContext } from './problem.ts';
import { tlsProblems } from './tls-problems.ts';

/** One request with what is wrong with it. */
export interface Judged {
  readonly attempt: TraceAttempt;
  /** The first is why it failed; empty for a good one. Latent ones stand behind. */
  readonly problems: readonly Problem[];
  /** This machine could not ask: it says nothing about the other side. */
  readonly obstacle?: string;
}

/** Requests that share a problem. */
export interface ProblemGroup {
  readonly problem: Problem;
  readonly judged: readonly Judged[];
  /** `203.0.113.7:443`, each once. */
  readonly places: readonly string[];
}

export interface JudgedHop {
  readonly hop: TraceHop;
  readonly judged: readonly Judged[];
  readonly groups: readonly ProblemGroup[];
}

export function judgeHop(context: ProblemContext): JudgedHop {
  const judged = context.hop.attempts.map(attempt => judgeAttempt(attempt, context));
  return { hop: context.hop, judged, groups: groupsOf(judged) };
}

/** Requests that failed, and those that say something at all. */
export function isFailed({ problems }: Judged): boolean {
  return problems.some(problem => problem.isLatent !== true);
}

export function isTelling({ obstacle }: Judged): boolean {
  return obstacle === undefined;
}

function judgeAttempt(attempt: TraceAttempt, context: ProblemContext): Judged {
  const obstacle = ownObstacle(attempt);
  if (obstacle !== undefined) return { attempt, problems: [], obstacle };
  const problems = [...connectProblems(attempt, context), ...tlsProblems(attempt, context)];
  // A client certificate that is wanted is told by the handshake and once more by the page.
  const isTold = problems.some(({ fault }) => fault === 'tls-client-certificate-required');
  return { attempt, problems: [...problems, ...(isTold ? [] : answerProblems(attempt, context))] };
}

function groupsOf(judged: readonly Judged[]): readonly ProblemGroup[] {
  const groups = new Map<string, { problem: Problem; judged: Judged[] }>();
  for (const each of judged) {
    for (const problem of each.problems) {
      const key = `${problem.fault} ${problem.key ?? ''}`;
      const group = groups.get(key) ?? { problem, judged: [] };
      if (!group.judged.includes(each)) group.judged.push(each);
      groups.set(key, group);
    }
  }
  return [...groups.values()].map(group => ({ ...group, places: [...new Set(group.judged.map(({ attempt }) => placeOf(attempt)))] }));
}

/** How a problem lies over the addresses and the rounds: everywhere, at some addresses, or now and then. */
export type Spread =
  | { readonly kind: 'all' }
  | { readonly kind: 'addresses'; readonly bad: number; readonly all: number }
  | { readonly kind: 'some'; readonly bad: number; readonly all: number; readonly isOneAddress: boolean };

export function spreadOf({ judged: bad, places }: ProblemGroup, { judged }: JudgedHop): Spread {
  const telling = judged.filter(isTelling);
  const all = [...new Set(telling.map(({ attempt }) => placeOf(attempt)))];
  if (bad.length === telling.length) return { kind: 'all' };
  const isSteady = telling.filter(({ attempt }) => places.includes(placeOf(attempt))).length === bad.length;
  if (isSteady && places.length < all.length) return { kind: 'addresses', bad: places.length, all: all.length };
  return { kind: 'some', bad: bad.length, all: telling.length, isOneAddress: places.length === 1 && all.length > 1 };
}
