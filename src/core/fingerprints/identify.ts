import type { Attribution, Certainty, Layer, ResponseEvidence, Trap } from '../model/fingerprint.ts';
import { parseProxyStatus } from '../parsers/proxy-status.ts';
import { withProxyStatus } from './proxy-status.ts';
import { passingReason } from './candidates.ts';
import { undecided } from './undecided.ts';
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
  const likeliest = view.status < 400 ? undefined : authorOf(there);
  const contradiction = likeliest === undefined ? undefined : contradictionOf(likeliest, there, view);
  const replacing = likeliest !== undefined && has(likeliest, 'page') ? likeliest.product.mayReplace?.(view) : undefined;
  const isContradicted = contradiction !== undefined || replacing !== undefined;
  // What others send too, or a mark that nobody has checked, makes it one of those that come into question, and no more.
  const isDoubtful = likeliest !== undefined && certaintyOf(likeliest, isContradicted) === 'possible';
  const [author, doubted] = isDoubtful ? [undefined, likeliest] : [likeliest, undefined];
  const { sightings: fronts, innermost } = orderOf(
    there.filter(one => one !== likeliest && has(one, 'path', 'passed', 'replaced')),
    view,
  );
  // Which of several layers of one product stands on which side of another is not told.
  const isSandwich = there.length > 1 && there.some(one => one.product.role !== 'application' && copiesOf(one, view) > 1);
  const rewriter = rewriterOf(view, there);
  const scene = { view, there };
  const isBehindKnown = author !== undefined || (doubted !== undefined && has(doubted, 'path'));
  const isRelay = (front: Sighting): boolean => isBehindKnown || has(front, 'passed', 'replaced') || passingReason(front, scene) !== undefined;
  const shown: Layer[] = [
    ...(rewriter === undefined ? [] : [rewriter]),
    ...fronts.flatMap(front => frontLayers(front, isRelay(front), view)),
    ...(doubted === undefined ? [] : frontLayers(doubted, false, view)),
    ...(author === undefined ? [] : authorLayers(author, isContradicted, view)),
  ];
  const layers = view.status < 400 ? shown : withProxyStatus(shown, proxyStatus);
  const answeredBy = layers.find(({ part }) => part === 'answered');
  const traps: Trap[] = trapsOf({
    view,
    author: likeliest,
    contradiction,
    replacing,
    lookAlikes,
    there,
    isOrderUncertain: innermost.length > 1 || isSandwich,
    rewriter,
    certainty: isDoubtful ? 'possible' : answeredBy?.certainty,
  });
  const open = answeredBy === undefined ? undecided({ ...scene, fronts, innermost, lookAlikes, doubted }) : {};
  const passedOnBy = layers.filter(({ part }) => part === 'passed-on');
  return {
    layers,
    ...(answeredBy !== undefined && { answeredBy }),
    passedOnBy,
    ...open,
    summary: summaryOf(view.status, answeredBy, layers, open),
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
function frontLayers(sighting: Sighting, relays: boolean, view: View): Layer[] {
  const layer = layerOf(sighting, relays ? 'passed-on' : 'seen', pathCertainty(sighting), view);
  return Array.from({ length: copiesOf(sighting, view) }, () => layer);
}

/** An application is known by its name alone. */
function certaintyOf(author: Sighting, isContradicted: boolean): Certainty {
  return claimOf(author) === 0 ? pathCertainty(author) : authorCertainty(author, isContradicted);
}

/** The author, behind further layers of the same product where the answer shows more than one. */
function authorLayers(author: Sighting, isContradicted: boolean, view: View): Layer[] {
  const more = Math.max(copiesOf(author, view), has(author, 'passed') ? 2 : 1) - 1;
  const before = layerOf(author, 'passed-on', pathCertainty(author), view, ['path', 'passed']);
  return [...Array.from({ length: more }, () => before), layerOf(author, 'answered', certaintyOf(author, isContradicted), view)];
}

const mostCopies = 8;

function copiesOf({ product }: Sighting, view: View): number {
  return Math.min(mostCopies, Math.max(1, product.copies?.(view) ?? 1));
}
