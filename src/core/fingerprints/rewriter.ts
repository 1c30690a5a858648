import type { Layer } from '../model/fingerprint.ts';
import { cut } from './marks.ts';
import type { Sighting } from './sightings.ts';
import type { View } from './view.ts';

/** Products that write field names with capitals: nginx 1.22, Apache 2.4, Caddy 2.6 and Varnish 7.1 in the lab. */
const withCapitals: ReadonlySet<string> = new Set(['nginx', 'openresty', 'apache', 'caddy', 'varnish']);

/**
 * A layer that adds nothing and still shows: field names in lower case on an answer that names a product which writes capitals. HAProxy does
 * so since 2.0, Envoy too; who it was is not said.
 */
export function rewriterOf(view: View, there: readonly Sighting[]): Layer | undefined {
  if (!view.isHttp1 || view.fields.length < 3 || view.fields.some(({ written }) => written !== written.toLowerCase())) return undefined;
  if (there.length === 0 || there.some(({ product }) => !withCapitals.has(product.id))) return undefined;
  const [first] = view.fields;
  return {
    product: 'unknown',
    title: 'a proxy that writes field names in lower case (HAProxy does)',
    role: 'load-balancer',
    part: 'passed-on',
    certainty: 'likely',
    evidence: [
      {
        part: 'header',
        text: cut(`${first?.written ?? ''}: ${first?.value ?? ''}`),
        says: 'names in lower case, where the server behind writes capitals',
      },
    ],
  };
}
