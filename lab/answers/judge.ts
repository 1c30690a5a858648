import { identify } from '../../src/core/fingerprints/identify.ts';
import type { Attribution } from '../../src/core/model/fingerprint.ts';
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

/**
 * What is wrong with what badhop made of an answer; nothing where it is right. To say that it cannot be told is right where the page is
 * somebody's own, or has no mark left: then the author must be among those that come into question. A wrong name is never right but where it
 * is called possible and an answer from behind looks just like it.
 */
export function problemOf(one: StageAnswer): string | undefined {
  const { chain, fault } = one;
  const found = attributionOf(one);
  const author = authorOf(one);
  const way = [...chain, 'application'];
  const name = found.answeredBy?.product;
  const problems = [
    ...(name === undefined ? notToldProblems(one, found) : []),
    ...(name !== undefined && name !== author && !isDoubtful(one, found) ? [`${name} is said to have answered (${found.answeredBy?.certainty ?? ''})`] : []),
    ...found.layers.filter(layer => layer.product !== 'unknown' && !way.includes(layer.product)).map(layer => `${layer.product} is not on the way`),
    ...(isInOrder(found, way) ? [] : [`the layers are in the order ${found.layers.map(layer => layer.product).join(', ')}`]),
  ];
  return problems.length === 0 ? undefined : `${chain.join(' before ')}, ${fault}: ${problems.join('; ')}. The truth is ${author}.`;
}

function notToldProblems(one: StageAnswer, { cannotTell }: Attribution): string[] {
  const { chain, fault } = one;
  const author = authorOf(one);
  // nginx takes the only mark that Caddy's answer has: its Server field.
  const isUnmarked = author === 'caddy' && chain.slice(0, -1).includes('nginx');
  if (!isChanged(fault) && author !== 'application' && !isUnmarked) return ['it is not told who answered'];
  // With a page of somebody's own the product may be hidden altogether.
  if (isChanged(fault)) return [];
  return cannotTell?.candidates.includes(author) === true ? [] : [`only ${cannotTell?.candidates.join(', ') ?? ''} come into question`];
}

/** An application's answer without a body and without a name, whose fields a second server has written anew. */
function isDoubtful({ fault, chain }: StageAnswer, { answeredBy }: Attribution): boolean {
  return fault === 'bare-502' && chain.length > 1 && chain.at(-1) === 'caddy' && answeredBy?.certainty === 'possible';
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

/** Somebody has put a page of his own in the place of the product's. */
function isChanged(fault: StageRequest['fault']): boolean {
  return fault === 'custom' || fault === 'file';
}

function isOfApplication(fault: StageRequest['fault']): boolean {
  return fault.startsWith('app-') || fault === 'bare-502';
}
