import type { Attribution, Candidate } from '../model/fingerprint.ts';
import { behind, bypassCommand, itself, likeOf, passingReason, type Scene } from './candidates.ts';
import type { Product } from './product.ts';
import application from './products/application.ts';
import haproxy from './products/haproxy.ts';
import { has, type Sighting } from './sightings.ts';
import { upperFirst } from '../model/upper-first.ts';
import { eitherOf } from './summary.ts';
import { isEmpty, valueOf, type View } from './view.ts';

type Undecided = Pick<Attribution, 'narrowed' | 'cannotTell'>;

export interface UndecidedFacts extends Scene {
  /** From the client inwards. */
  readonly fronts: readonly Sighting[];
  /** Those of them that may be the last. */
  readonly innermost: readonly Sighting[];
  readonly lookAlikes: readonly Sighting[];
  /** Looks like the author, by what others send too. */
  readonly doubted: Sighting | undefined;
}

const mostCandidates = 3;
const directly = { how: 'Ask the next server on the way directly, past the one that was asked.', command: bypassCommand };

/** Where no layer can be named as the author: the few that come into question, or why it cannot be told. */
export function undecided(facts: UndecidedFacts): Undecided {
  const { view, fronts, doubted } = facts;
  if (view.status < 400) return unknown(`An answer with status ${view.status} has no error page to know its author by.`, { how: 'Ask for a URL that fails.' });
  const replacing = fronts.find(sighting => has(sighting, 'replaced'));
  if (replacing !== undefined) {
    const because = `${upperFirst(replacing.product.title)} has put a page of its own in the place of the one that came from behind it.`;
    return few(because, [behind([replacing.product], view, because, [])]);
  }
  if (!view.isWhole && view.body === '') {
    const products = [...facts.lookAlikes, ...fronts.slice(-1)].map(({ product }) => itself(product, view));
    return unknown('The body was not read, and a product is known by its page.', { how: 'Ask with GET, and wait for the whole answer.' }, products);
  }
  if (doubted !== undefined) return doubtful(doubted, facts);
  return fronts.length === 0 ? nameless(facts) : throughFronts(facts);
}

/** One whose mark others send too: it, the layer that is named beside it, or what stands behind. */
function doubtful(doubted: Sighting, facts: UndecidedFacts): Undecided {
  const { view, fronts } = facts;
  const { product, found } = doubted;
  const first = found.find(({ mark }) => mark.tells === 'page' || mark.tells === 'own') ?? found[0];
  const because = `The answer shows ${first?.mark.says ?? 'its mark'}.`;
  const isApplication = product.role === 'application';
  // What has put its own name on the answer was on the way; the others may have sent a copy.
  const copying = has(doubted, 'path') && !isApplication ? [] : fronts.slice(-1).filter(front => passingReason(front, facts) === undefined);
  const why = `${because} ${isApplication ? 'A proxy may have added it.' : `${upperFirst(product.title)} passes such an answer on from behind as it is, too.`}`;
  return few(why, [
    itself(product, view, because),
    ...copying.map(front => itself(front.product, view)),
    ...(isApplication ? [] : [behind([product], view, `${upperFirst(product.title)} passes such an answer on as it is.`, [])]),
  ]);
}

/** Layers are seen, and none of them shows that it made the answer: the innermost did, or something behind it. */
function throughFronts(facts: UndecidedFacts): Undecided {
  const { view, fronts, innermost, lookAlikes } = facts;
  const able = innermost.filter(front => passingReason(front, facts) === undefined);
  const makers = able.map(({ product }) => product);
  // Wherever those stand that only passed it on: what is behind one that may have made it is behind it in any order.
  const inner = able.length > 0 ? able : innermost;
  const reasons = inner.map(front => passingReason(front, facts));
  const like = likeOf(view, fronts, lookAlikes);
  const relayed = behind(
    inner.map(({ product }) => product),
    view,
    whyBehind(view, makers, reasons, lookAlikes),
    like,
  );
  if (makers.length === 0) return few(relayed.because, [relayed]);
  const own = able.map(front => itself(front.product, view, whyShown(front)));
  // A page is seldom replaced, unless its words or its type are the product's own; that a product without pages sends none is the rule.
  const isPageless = isEmpty(view) && makers.some(({ hasNoPage }) => hasNoPage === true);
  const isShown = able.some(front => has(front, 'shown'));
  const isOwnManner = isPageless || isShown || (able.some(front => has(front, 'style')) && !isEmpty(view));
  const titles = [...new Set(makers.map(({ title }) => title))].join(' or ');
  const knobs = makers.flatMap(({ ownPageBy }) => ownPageBy ?? []).join('; ');
  const why = isOwnManner
    ? [...own.map(each => each.because), ...(isShown ? [] : ['A server behind can send the same bytes.'])].join(' ')
    : `${relayed.because} So it came from behind, unless ${titles} has a page of somebody's own${knobs === '' ? '' : ` (${knobs})`}.`;
  return few(why, isOwnManner ? [...own, relayed] : [relayed, ...own]);
}

function whyBehind(view: View, makers: readonly Product[], reasons: readonly (string | undefined)[], lookAlikes: readonly Sighting[]): string {
  const reason = reasons.find(text => text !== undefined);
  if (makers.length === 0 && reason !== undefined) return reason;
  const titles = [...new Set(makers.map(({ title }) => title))].join(' or ');
  const [like] = lookAlikes;
  if (!isEmpty(view) && like !== undefined) return `${upperFirst(like.product.title)} writes such a page, and ${titles} does not.`;
  const isPageless = makers.some(({ hasNoPage }) => hasNoPage === true);
  if (isEmpty(view))
    return isPageless
      ? 'Its head may have been written anew on the way.'
      : `${upperFirst(titles)} writes a page for each error of its own, and this answer has none.`;
  return isPageless ? `${upperFirst(titles)} writes no page for an error of its own, and this answer has one.` : `The page is not that of ${titles}.`;
}

/** A page of somebody's own may stand over an error from behind as well. */
function whyShown({ product, found }: Sighting): string | undefined {
  const shown = found.find(({ mark }) => mark.tells === 'shown');
  if (shown === undefined) return undefined;
  const { title, interceptsBy } = product;
  const other = interceptsBy === undefined ? 'of one from behind' : `with ${interceptsBy} of one from behind`;
  return `This is ${shown.mark.says}. ${upperFirst(title)} shows it in the place of an error of its own, and ${other}.`;
}

/** What hides altogether. */
const changed: Candidate = {
  place: 'itself',
  product: 'unknown',
  title: 'a proxy whose name and page were both changed',
  like: [],
  because: 'A proxy writes its name into its errors, unless its configuration takes the field away.',
  tells: 'Its configuration has an error page of its own and takes the Server field out.',
};

/** Nothing names a layer. */
function nameless({ view, lookAlikes }: UndecidedFacts): Undecided {
  const isBare = valueOf(view, 'server') === undefined && valueOf(view, 'date') === undefined;
  const program = itself(application, view);
  // Without a date it is none of those that write one into every answer.
  const alike = isBare && isEmpty(view) ? [] : lookAlikes.map(({ product }) => itself(product, view));
  if (alike.length > 0) {
    const all = isEmpty(view) ? [program, ...alike] : [...alike, program];
    return few('Several products send this answer, and nothing else in it names one.', all);
  }
  if (isBare) {
    const why = 'Nothing in the answer names a product, and it has no Date, which nearly every server writes but HAProxy.';
    const balancer = itself(
      haproxy,
      view,
      'HAProxy writes neither Date nor Server into an answer of its own; its page was replaced (errorfile or http-request return).',
    );
    return few(why, isEmpty(view) ? [program, balancer] : [balancer, program]);
  }
  if (isEmpty(view)) return unknown(`The answer is ${view.status} without a page, and nothing in it names a product.`, directly, [program, changed]);
  return unknown("Nothing in the answer names a product, and its page is nobody's default.", directly, [program, changed]);
}

function few(why: string, candidates: readonly Candidate[]): Undecided {
  if (candidates.length > mostCandidates) return unknown(why, directly, candidates);
  return { narrowed: { who: eitherOf(candidates), why, candidates } };
}

function unknown(why: string, next: { readonly how: string; readonly command?: string }, candidates: readonly Candidate[] = []): Undecided {
  return { cannotTell: { why, ...next, candidates } };
}
