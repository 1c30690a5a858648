import type { Attribution, Layer, ResponseEvidence, Trap } from '../model/fingerprint.ts';
import { parseProxyStatus } from '../parsers/proxy-status.ts';
import { withProxyStatus } from './proxy-status.ts';
import { cannotTell } from './cannot-tell.ts';
import { orderOf } from './order.ts';
import { products } from './products/index.ts';
import { rewriterOf } from './rewriter.ts';
import { authorCertainty, claimOf, has, isNamedByServer, layerOf, pathCertainty, sightingsOf, type Sighting } from './sightings.ts';
import { summaryOf } from './summary.ts';
import { trapsOf } from './traps.ts';
import { valueOf, valuesOf, viewOf, type View } from './view.ts';

/**
 * Who made an answer, and who passed it on. Its page and the fields that a product puts on its own answers alone tell the author, who is the
 * innermost layer that an answer can show; all else that names a product stands before it.
 */
export function identify(evidence: ResponseEvidence): Attribution {
  const view = viewOf(evidence);
  const { there, lookAlikes } = sightingsOf(view, products);
  const proxyStatus = parseProxyStatus(valuesOf(view, 'proxy-status'));
  const author = view.status < 400 ? undefined : authorOf(there);
  const contradiction = author === undefined ? undefined : contradictionOf(author, there, view);
  const replacing = author !== undefined && has(author, 'page') ? author.product.mayReplace?.(view) : undefined;
  const { sightings: fronts, isUncertain } = orderOf(
    there.filter(one => one !== author && has(one, 'path', 'passed', 'replaced')),
    view,
  );
  // Which of several layers of one product stands on which side of another is not told.
  const isSandwich = there.length > 1 && there.some(one => one.product.role !== 'application' && copiesOf(one, view) > 1);
  const rewriter = rewriterOf(view, there);
  const shown: Layer[] = [
    ...(rewriter === undefined ? [] : [rewriter]),
    ...fronts.flatMap(front => frontLayers(front, author !== undefined, view)),
    ...(author === undefined ? [] : authorLayers(author, contradiction !== undefined || replacing !== undefined, view)),
  ];
  const layers = view.status < 400 ? shown : withProxyStatus(shown, proxyStatus);
  const answeredBy = layers.find(({ part }) => part === 'answered');
  const traps: Trap[] = trapsOf({
    view,
    author,
    contradiction,
    replacing,
    lookAlikes,
    there,
    isOrderUncertain: isUncertain || isSandwich,
    rewriter,
    certainty: answeredBy?.certainty,
  });
  const unknown = answeredBy === undefined ? cannotTell(view, fronts, lookAlikes) : undefined;
  const passedOnBy = layers.filter(({ part }) => part === 'passed-on');
  return {
    layers,
    ...(answeredBy !== undefined && { answeredBy }),
    passedOnBy,
    ...(unknown !== undefined && { cannotTell: unknown }),
    summary: summaryOf(view.status, answeredBy, layers, unknown),
    traps,
    proxyStatus,
  };
}

/** The strongest claim; of equals the one with more behind it. Two that are equal in that too cannot both be believed. */
function authorOf(there: readonly Sighting[]): Sighting | undefined {
  // What it wrote stands in the place of another's page.
  const isReplaced = there.some(sighting => has(sighting, 'replaced'));
  const claims = there
    .map(sighting => ({ sighting, claim: claimOf(sighting), marks: sighting.found.length }))
    .filter(({ claim, sighting }) => claim > 0 && !(isReplaced && has(sighting, 'replaced')))
    .toSorted((a, b) => b.claim - a.claim || b.marks - a.marks);
  const [first, second] = claims;
  if (first === undefined) return isReplaced ? undefined : there.find(({ product }) => product.role === 'application');
  return second !== undefined && second.claim === first.claim && second.marks === first.marks ? undefined : first.sighting;
}

/** The Server field names somebody who would not have put his name there: the page is of another. */
function contradictionOf(author: Sighting, there: readonly Sighting[], view: View): Sighting | undefined {
  if (!author.product.namesItself || valueOf(view, 'server') === undefined) return undefined;
  const named = there.find(one => one !== author && one.product.relayedServer === 'keeps' && one.found.some(({ clue }) => /^server:/i.test(clue.text)));
  return there.some(one => isNamedByServer(one, view)) ? undefined : named;
}

/** A layer before the author; as often as the answer shows it. */
function frontLayers(sighting: Sighting, isAuthorKnown: boolean, view: View): Layer[] {
  const relays = isAuthorKnown || has(sighting, 'passed', 'replaced');
  const layer = layerOf(sighting, relays ? 'passed-on' : 'seen', pathCertainty(sighting), view);
  return Array.from({ length: copiesOf(sighting, view) }, () => layer);
}

/** The author, behind further layers of the same product where the answer shows more than one. */
function authorLayers(author: Sighting, isContradicted: boolean, view: View): Layer[] {
  const more = Math.max(copiesOf(author, view), has(author, 'passed') ? 2 : 1) - 1;
  const before = layerOf(author, 'passed-on', pathCertainty(author), view, ['path', 'passed']);
  const isApplication = claimOf(author) === 0;
  const certainty = isApplication ? pathCertainty(author) : authorCertainty(author, isContradicted);
  return [...Array.from({ length: more }, () => before), layerOf(author, 'answered', certainty, view)];
}

const mostCopies = 8;

function copiesOf({ product }: Sighting, view: View): number {
  return Math.min(mostCopies, Math.max(1, product.copies?.(view) ?? 1));
}
