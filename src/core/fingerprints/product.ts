import type { LayerRole, MeaningCause } from '../model/fingerprint.ts';
import type { Finder } from './marks.ts';
import type { View } from './view.ts';

/** How a row is known; `live` in the lab, `memory` by nobody yet. */
export type Basis = MeaningCause['basis'];

/**
 * What a mark tells. `page`: the product wrote this page. `own`: a field or phrase that it puts on its own answers alone. `path`: the answer
 * went through it. `passed`: it relays what another made. `replaced`: it made the page, and another made the status. `shown`: it
 * shows a page of somebody's own, over an error of its own or of one behind it. `style`: fits it, and
 * tells nothing alone.
 */
export type Tells = 'page' | 'own' | 'path' | 'passed' | 'replaced' | 'shown' | 'style';

export interface Mark {
  readonly see: Finder;
  readonly tells: Tells;
  readonly basis: Basis;
  /** A clause for the reader. */
  readonly says: string;
  /** Others write the same. A shared page counts for this product only where something else shows it. */
  readonly isShared?: true;
}

/** A product that answers for others: how it is known, and what its errors mean. One file each. */
export interface Product {
  /** The file's name; permanent. */
  readonly id: string;
  readonly title: string;
  readonly role: LayerRole;
  /** What it does with the Server field of an answer that it relays. `adds`: its own before the other's. */
  readonly relayedServer: 'replaces' | 'keeps' | 'adds' | 'unknown';
  /** Its own answers bear a Server field unless somebody has removed it. */
  readonly namesItself: boolean;
  readonly marks: readonly Mark[];
  /** Its pages are those of this product; a mark of its own tells it apart. */
  readonly variantOf?: string;
  /** Another title, by what is seen: `gunicorn` of the application servers. */
  titleOf?(view: View): string | undefined;
  /** Text before its version, in the Server field or on its page: `nginx/`. */
  readonly versionAfter?: string;
  /** Its errors have no page, unless somebody has given them one. */
  readonly hasNoPage?: true;
  /** Why its own page may stand in the place of one from behind: a whole sentence. It is then not sure who made the status. */
  mayReplace?(view: View): string | undefined;
  /** Why this answer was made behind it and not by it: a whole sentence. Asked where nothing before it has written the head anew. */
  passes?(view: View): string | undefined;
  /** What makes it show its page over an error from behind: `proxy_intercept_errors`. */
  readonly interceptsBy?: string;
  /** What makes it answer with a page of somebody's own: `error_page or return`. */
  readonly ownPageBy?: string;
  /** How many layers of it the answer shows, where it can be counted. */
  copies?(view: View): number;
  /** How its own log tells an error of its own from one that it relays. A whole sentence. */
  readonly logTells?: string;
  /** The command that shows it there. */
  readonly logCommand?: string;
  /** What it says of the reason, where its page or fields do. */
  detail?(view: View): string | undefined;
  readonly meanings: readonly ProductMeaning[];
}

export interface ProductMeaning {
  readonly status: readonly number[];
  readonly text: string;
  readonly causes: readonly ProductCause[];
}

export interface ProductCause extends MeaningCause {
  /** Words of the product's detail that this cause goes with. With another detail it is not a cause. */
  readonly when?: readonly string[];
}

/** Typed identity. */
export function defineProduct(product: Product): Product {
  return product;
}

/** The text between two pieces; to the end of the line without the second. */
export function between(text: string, before: string, after = '\n'): string | undefined {
  const start = text.indexOf(before);
  if (start < 0) return undefined;
  const from = start + before.length;
  const end = text.indexOf(after, from);
  const found = text.slice(from, Math.min(end < 0 ? text.length : end, from + 160)).trim();
  return found === '' ? undefined : found;
}
