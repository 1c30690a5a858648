import type { Certainty, Clue, Layer } from '../model/fingerprint.ts';
import type { Mark, Product, Tells } from './product.ts';
import { valueOf, type View } from './view.ts';

/** A product with what of it is in an answer. */
export interface Sighting {
  readonly product: Product;
  readonly found: readonly { readonly mark: Mark; readonly clue: Clue }[];
}

export interface Sightings {
  /** Something shows that they are there. */
  readonly there: readonly Sighting[];
  /** Only a page that others write too. */
  readonly lookAlikes: readonly Sighting[];
}

export function sightingsOf(view: View, products: readonly Product[]): Sightings {
  const all = products.map(product => examine(product, view)).filter(({ found }) => found.length > 0);
  const there = all.filter(isThere);
  const lookAlikes = all.filter(sighting => !isThere(sighting) && sighting.found.some(({ mark }) => mark.tells === 'page'));
  // A variant is the product that it is made of, with a mark of its own: the two are one layer.
  const variants = new Set(there.flatMap(({ product }) => product.variantOf ?? []));
  return { there: there.filter(({ product, found }) => !variants.has(product.id) || found.some(({ mark }) => isOwnPath(mark))), lookAlikes };
}

/** A mark of what a variant does not share with it. */
function isOwnPath({ tells, isShared }: Mark): boolean {
  return tells === 'path' && isShared !== true;
}

function examine(product: Product, view: View): Sighting {
  const found = product.marks.flatMap(mark => {
    const seen = mark.see(view);
    return seen === undefined ? [] : [{ mark, clue: { ...seen, says: mark.says } }];
  });
  return { product, found };
}

function isThere({ found }: Sighting): boolean {
  return found.some(({ mark }) => mark.tells !== 'style' && !(mark.tells === 'page' && mark.isShared === true));
}

export function has(sighting: Sighting, ...tells: readonly Tells[]): boolean {
  return sighting.found.some(({ mark }) => tells.includes(mark.tells));
}

/** How strongly a sighting says that the product made the answer; 0 where it does not. What it puts on its own answers alone says most. */
export function claimOf(sighting: Sighting): number {
  const claims = sighting.found.map(({ mark }) => {
    if (mark.tells !== 'own' && mark.tells !== 'page') return 0;
    if (mark.basis === 'memory') return 1;
    if (mark.isShared === true) return mark.tells === 'page' ? 2 : 1;
    return mark.tells === 'own' ? 4 : 3;
  });
  return Math.max(0, ...claims);
}

/** Of the author: a strong mark with a second one that agrees is sure, one alone is likely. */
export function authorCertainty(sighting: Sighting, isContradicted: boolean): Certainty {
  const claim = claimOf(sighting);
  // Two marks that rest on the same bytes are one.
  const agreeing = new Set(sighting.found.flatMap(({ mark, clue }) => (mark.basis === 'memory' ? [] : [clue.text]))).size;
  // A page that others write too is believed where two more marks go with it.
  if (claim <= 1 || (claim === 2 && agreeing < 3)) return 'possible';
  if (agreeing >= 2) return isContradicted ? 'likely' : 'sure';
  return isContradicted ? 'possible' : 'likely';
}

/** Of a layer that the answer went through. */
export function pathCertainty({ found }: Sighting): Certainty {
  const strong = found.filter(({ mark }) => mark.tells !== 'style' && mark.basis !== 'memory' && mark.isShared !== true).length;
  if (strong === 0) return 'possible';
  return strong === 1 ? 'likely' : 'sure';
}

export function layerOf({ product, found }: Sighting, part: Layer['part'], certainty: Certainty, view: View, only?: readonly Tells[]): Layer {
  const shown = only === undefined ? found : found.filter(({ mark }) => only.includes(mark.tells));
  const version = versionOf(product, view, part === 'answered');
  const detail = part === 'answered' ? product.detail?.(view) : undefined;
  return {
    product: product.id,
    title: product.titleOf?.(view) ?? product.title,
    role: product.role,
    part,
    certainty,
    ...(version !== undefined && { version }),
    ...(detail !== undefined && { detail }),
    evidence: (shown.length > 0 ? shown : found).map(({ clue }) => clue),
  };
}

/** Of the author the page counts first: the field may be that of a layer of the same product before it. */
function versionOf({ versionAfter }: Product, view: View, isAuthor: boolean): string | undefined {
  if (versionAfter === undefined) return undefined;
  const named = view.fields.filter(({ name }) => name === 'server' || name === 'via').map(({ value }) => value);
  for (const text of isAuthor ? [view.body, ...named] : named) {
    const at = text.indexOf(versionAfter);
    const version = at < 0 ? undefined : /^\d[\w.-]{0,30}/.exec(text.slice(at + versionAfter.length, at + versionAfter.length + 32))?.[0];
    if (version !== undefined) return version;
  }
  return undefined;
}

/** The Server field names this product. */
export function isNamedByServer({ product, found }: Sighting, view: View): boolean {
  const server = valueOf(view, 'server');
  return (
    server !== undefined &&
    product.relayedServer !== 'keeps' &&
    found.some(({ clue }) => clue.part === 'header' && clue.text.toLowerCase().startsWith('server:'))
  );
}
