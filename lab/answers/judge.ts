import { identify } from '../../src/core/fingerprints/identify.ts';
import type { Attribution, Candidate } from '../../src/core/model/fingerprint.ts';
import { bytesFromLatin1 } from '../../src/core/parsers/latin1.ts';
import type { StageAnswer, StageRequest } from './record.ts';

/** Who really answered: the last product of the chain, unless an application behind it did. */
export function authorOf({ chain, fault }: StageRequest): string {
  return isOfApplication(fault) ? 'application' : (chain.at(-1) ?? chain[0]);
}

/** What badhop makes of an answer of the stage. */
export function attributionOf({ answer }: StageAnswer): Attribution {
  const body = bytesFromLatin1(answer.body);
  return identify({ status: answer.status, reason: answer.reason, protocol: 'http/1.1', headers: answer.headers, body, bodyBytes: body.length });
}

/** What badhop made of an answer, held against what is so. */
export interface Judgement {
  /** `named`: rightly, and alone. `narrowed`: to few, of whom one made it. `hidden`: somebody's own page, or no mark of any layer. */
  readonly kind: 'named' | 'narrowed' | 'hidden' | 'wrong';
  /** What is wrong with it, in words. */
  readonly problem?: string;
}

/** A candidate is a product itself, or what stands behind one: a layer of that name with the author behind it. */
export function judge(one: StageAnswer, found: Attribution = attributionOf(one)): Judgement {
  const { chain, fault } = one;
  const author = authorOf(one);
  const way = [...chain, 'application'];
  const problems = [
    ...authorProblems(one, found),
    ...found.layers.filter(layer => layer.product !== 'unknown' && !way.includes(layer.product)).map(layer => `${layer.product} is not on the way`),
    ...(isInOrder(found, way) ? [] : [`the layers are in the order ${found.layers.map(layer => layer.product).join(', ')}`]),
  ];
  if (problems.length > 0) return { kind: 'wrong', problem: `${chain.join(' before ')}, ${fault}: ${problems.join('; ')}. The truth is ${author}.` };
  if (found.answeredBy !== undefined) return { kind: 'named' };
  return { kind: isChanged(fault) || found.narrowed === undefined ? 'hidden' : 'narrowed' };
}

export function problemOf(one: StageAnswer): string | undefined {
  return judge(one).problem;
}

/** How many of each kind. */
export function tally(answers: readonly StageAnswer[]): Readonly<Record<Judgement['kind'], number>> {
  const counts = { named: 0, narrowed: 0, hidden: 0, wrong: 0 };
  for (const one of answers) counts[judge(one).kind]++;
  return counts;
}

const mostCandidates = 3;

function authorProblems(one: StageAnswer, { answeredBy, narrowed, cannotTell, layers }: Attribution): string[] {
  const author = authorOf(one);
  if (answeredBy !== undefined) {
    if (answeredBy.certainty === 'possible') return [`${answeredBy.product} is named with no more than possible`];
    return answeredBy.product === author ? [] : [`${answeredBy.product} is said to have answered (${answeredBy.certainty})`];
  }
  const candidates = narrowed?.candidates ?? cannotTell?.candidates ?? [];
  const isHidden = isChanged(one.fault) || layers.length === 0;
  return [
    ...(narrowed === undefined && !isHidden ? ['it is not told who answered'] : []),
    ...(candidates.length > mostCandidates ? [`${candidates.length} come into question`] : []),
    ...(candidates.some(candidate => holds(candidate, one)) ? [] : [`only ${candidates.map(({ title }) => title).join(', ')} come into question`]),
  ];
}

function holds({ place, product }: Candidate, { chain, fault }: StageAnswer): boolean {
  if (product === 'unknown') return isChanged(fault);
  const before = isOfApplication(fault) ? chain : chain.slice(0, -1);
  return place === 'behind' ? before.some(name => name === product) : product === authorOf({ chain, fault });
}

function isInOrder({ layers, traps }: Attribution, way: readonly string[]): boolean {
  if (traps.some(({ id }) => id === 'order-unknown')) return true;
  let at = 0;
  for (const { product } of layers) {
    if (product === 'unknown') continue;
    const place = way.indexOf(product, at);
    if (place < 0) return false;
    at = place + 1;
  }
  return true;
}

/** Somebody has put a page of his own in the place of the product's, or of the application's. */
const changed: ReadonlySet<StageRequest['fault']> = new Set(['custom', 'file', 'emptied', 'intercepted']);

function isChanged(fault: StageRequest['fault']): boolean {
  return changed.has(fault);
}

function isOfApplication(fault: StageRequest['fault']): boolean {
  return /^(?:app|bare|plain)-/.test(fault) || fault === 'fcgi-503' || fault === 'fcgi-bare' || fault === 'intercepted';
}
