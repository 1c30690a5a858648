import type { Candidate } from '../model/fingerprint.ts';
import type { Product } from './product.ts';
import type { Sighting } from './sightings.ts';
import { upperFirst } from '../model/upper-first.ts';
import { isEmpty, valueOf, type View } from './view.ts';

/** `URL` and `ADDRESS` are for the reader to fill in. */
export const bypassCommand = 'badhop trace --origin ADDRESS URL';

/** Who leaves the head of an answer as it is, but for what is its own: what is read from the order of its fields holds behind it. */
const keepsHead: ReadonlySet<string> = new Set(['nginx', 'openresty', 'apache', 'haproxy', 'caddy', 'varnish', 'application']);

export interface Scene {
  readonly view: View;
  readonly there: readonly Sighting[];
}

/** Why a layer did not make this answer; nothing where it may have. */
export function passingReason({ product }: Sighting, { view, there }: Scene): string | undefined {
  return view.status >= 400 && there.every(one => keepsHead.has(one.product.id)) ? product.passes?.(view) : undefined;
}

/** The product made it: with the page of somebody's own, or with none. */
export function itself(product: Product, view: View, because?: string): Candidate {
  const { id, title, hasNoPage, ownPageBy } = product;
  const isApplication = product.role === 'application';
  const why =
    isEmpty(view) && hasNoPage === true
      ? `An error of ${title} has no page, as this answer.`
      : isApplication
        ? 'Many programs write pages of their own and give no name.'
        : `${title} sends such an answer where its own page was replaced${ownPageBy === undefined ? '' : ` (${ownPageBy})`}.`;
  return {
    place: 'itself',
    product: id,
    title: isApplication ? title : `${title} itself`,
    like: [],
    because: because ?? upperFirst(why),
    tells: product.logTells ?? `The log of ${title} has the reason of each error of its own.`,
    ...(product.logCommand !== undefined && { command: product.logCommand }),
  };
}

/** Something behind these layers made it, of which the last is the innermost. */
export function behind(layers: readonly Product[], view: View, because: string, like: readonly string[]): Candidate {
  const titles = [...new Set(layers.map(({ title }) => title))].join(' and ');
  const innermost = layers.at(-1);
  return {
    place: 'behind',
    product: innermost?.id ?? 'unknown',
    title: `what stands behind ${titles}`,
    like,
    because,
    tells: `Asked past ${titles}, the server behind gives this answer too${isEmpty(view) ? ', without a page' : ''}.`,
    command: bypassCommand,
  };
}

/** Ids of products that answer so and may be hidden behind these layers. */
export function likeOf(view: View, fronts: readonly Sighting[], lookAlikes: readonly Sighting[]): string[] {
  // A Caddy shows its name wherever nobody puts another in its place.
  const isHidden = fronts.some(({ product }) => product.relayedServer === 'replaces');
  const seen = lookAlikes.map(({ product }) => product.id);
  const pageless =
    isEmpty(view) && isHidden && valueOf(view, 'content-type') === undefined ? ['caddy', ...(view.status === 502 ? ['go-reverse-proxy'] : [])] : [];
  return [...new Set([...seen, ...pageless])].filter(id => id !== 'caddy' || isHidden);
}
