import type { LayerRole } from '../model/fingerprint.ts';
import type { Sighting } from './sightings.ts';
import { placeOf, type View } from './view.ts';

/** Where each kind stands as a rule, from the client inwards. */
const depths: Readonly<Record<LayerRole, number>> = {
  cdn: 10,
  firewall: 20,
  platform: 30,
  'load-balancer': 40,
  gateway: 50,
  cache: 60,
  'web-server': 70,
  application: 90,
};

export interface Ordered {
  /** From the client inwards. */
  readonly sightings: readonly Sighting[];
  /** The last of them; more than one where either may stand before the other. */
  readonly innermost: readonly Sighting[];
}

/**
 * Puts the layers that an answer went through into their order: by where their kind stands, and before that by how the answer is written,
 * because the outermost server writes the head in its own way (seen in the lab on nginx 1.22, Caddy 2.6 and Varnish 7.1).
 */
export function orderOf(sightings: readonly Sighting[], view: View): Ordered {
  const outermost = view.isHttp1 ? outermostOf(sightings, view) : undefined;
  const place = (sighting: Sighting): number => (sighting === outermost ? 0 : depths[sighting.product.role]);
  const sorted = sightings.toSorted((a, b) => place(a) - place(b));
  // A web server, a cache and a gateway stand before each other in any order.
  const loose = sorted.filter(sighting => place(sighting) >= depths.gateway && sighting.product.role !== 'application');
  return { sightings: sorted, innermost: loose.length > 1 ? loose : sorted.slice(-1) };
}

function outermostOf(sightings: readonly Sighting[], view: View): Sighting | undefined {
  const byId = (id: string): Sighting | undefined => sightings.find(({ product }) => product.id === id);
  const connection = placeOf(view, 'connection');
  const via = placeOf(view, 'via');
  const caddy = byId('caddy');
  if (caddy !== undefined && isSorted(view)) return caddy;
  // Connection is the outermost server's own: in lower case it is not that of nginx or Varnish, but of a proxy before them.
  if (view.fields[connection]?.written === 'connection') return undefined;
  // nginx writes Server, Date, Content-Type, Content-Length and Connection before all that comes from behind it.
  const nginx = byId('nginx');
  if (nginx !== undefined && placeOf(view, 'server') === 0 && connection >= 0 && via > connection) return nginx;
  const varnish = byId('varnish');
  // Apache leaves Varnish's fields where they are, so that either may stand before the other.
  if (
    varnish !== undefined &&
    byId('apache') === undefined &&
    via >= 0 &&
    connection > via &&
    view.fields.slice(via + 1, connection).every(({ name }) => lateFields.has(name))
  )
    return varnish;
  return undefined;
}

/** What Varnish writes after Via. */
const lateFields: ReadonlySet<string> = new Set(['accept-ranges', 'transfer-encoding', 'via', 'age', 'x-varnish']);

/** Go writes what a handler has set in the order of the alphabet, and Connection and Transfer-Encoding last. */
function isSorted(view: View): boolean {
  const names = view.fields.map(({ name }) => name);
  while (names.at(-1) === 'connection' || names.at(-1) === 'transfer-encoding') names.pop();
  return names.length >= 4 && names.includes('server') && names.every((name, index) => index === 0 || (names[index - 1] ?? '') <= name);
}
