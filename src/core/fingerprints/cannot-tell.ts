import type { Attribution } from '../model/fingerprint.ts';
import { has, type Sighting } from './sightings.ts';
import { upperFirst } from './summary.ts';
import { isEmpty, valueOf, type View } from './view.ts';

type CannotTell = NonNullable<Attribution['cannotTell']>;

/** Why the author of an answer is not known, and what would tell him. `fronts` from the client inwards. */
export function cannotTell(view: View, fronts: readonly Sighting[], lookAlikes: readonly Sighting[]): CannotTell {
  const inner = fronts.at(-1);
  const shared = lookAlikes.map(({ product }) => product.id);
  if (view.status < 400) {
    return { why: `An answer with status ${view.status} has no error page to know its author by.`, candidates: [], how: 'Ask for a URL that fails.' };
  }
  const replacing = fronts.find(sighting => has(sighting, 'replaced'));
  if (replacing !== undefined) {
    const { title } = replacing.product;
    return {
      why: `${upperFirst(title)} has put a page of its own in the place of the one that came from behind it.`,
      candidates: [],
      how: `Ask the server behind ${title} directly: badhop trace URL --origin ADDRESS.`,
    };
  }
  if (isEmpty(view)) return empty(inner, shared, view);
  if (!view.isWhole && view.body === '') {
    return { why: 'The body was not read, and a product is known by its page.', candidates: shared, how: 'Ask with GET, and wait for the whole answer.' };
  }
  const own = inner === undefined ? [] : [inner.product.id];
  if (inner === undefined) {
    const isBare = valueOf(view, 'server') === undefined && valueOf(view, 'date') === undefined && view.isHttp1;
    return {
      why:
        shared.length > 0
          ? 'Several products write this page, and nothing else in the answer names one.'
          : "Nothing in the answer names a product, and its page is nobody's default.",
      candidates: [...new Set([...shared, ...(isBare && shared.length === 0 ? ['haproxy'] : []), 'application'])],
      how: 'Ask the next server on the way directly: badhop trace URL --origin ADDRESS.',
    };
  }
  return {
    why: `The page is not one of ${inner.product.title}'s own: somebody has changed it there, or something behind ${inner.product.title} answered.`,
    candidates: [...shared, ...own, 'application'],
    how: inner.product.logTells ?? `The log of ${inner.product.title} tells whether it had an answer from behind.`,
  };
}

/** Products whose errors have no page. */
const withoutPage = ['caddy', 'go-reverse-proxy'] as const;

/** An error without a page. Those that always write one have only passed it on. */
function empty(inner: Sighting | undefined, shared: readonly string[], view: View): CannotTell {
  // Behind one who takes the name away, all come into question who answer without a page.
  const nameless = inner?.product.relayedServer === 'replaces' ? withoutPage : [];
  const candidates = [...new Set([...shared, ...nameless, 'application'])];
  if (inner === undefined) {
    return {
      why: `The answer is ${view.status} without a page, and nothing in it names a product.`,
      candidates,
      how: 'Ask the next server on the way directly: badhop trace URL --origin ADDRESS.',
    };
  }
  const { title, logTells, id, hasNoPage } = inner.product;
  if (hasNoPage === true) {
    return {
      why: `The answer has no page, and its head is not written as ${title} writes it: something behind ${title} answered so, or a proxy before it has written the head anew.`,
      candidates: [...new Set([...candidates, id])],
      how: logTells ?? `The log of ${title} tells whether it had an answer from behind.`,
    };
  }
  return {
    why: `The answer has no page, and ${title} writes one for an error of its own: something behind it answered so, unless the page was taken away.`,
    candidates,
    how: logTells ?? `The log of ${title} tells whether it had an answer from behind.`,
  };
}
