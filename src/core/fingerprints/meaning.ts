import type { Meaning, MeaningCause } from '../model/fingerprint.ts';
import type { ProductCause, ProductMeaning } from './product.ts';
import { products } from './products/index.ts';

/**
 * What a status of a product means and what may have caused it, the likeliest first. `detail` is what the layer says of the reason, in its own
 * words or by the names of RFC 9209: causes that go with other words are left out. `undefined` for a product that is not known.
 */
export function meaningOf(product: string, status: number, detail?: string): Meaning | undefined {
  const known = products.find(({ id }) => id === product);
  if (known === undefined) return undefined;
  const meaning = known.meanings.find(one => one.status.includes(status));
  if (meaning === undefined) {
    return { product, title: known.title, status, text: `What ${known.title} means by ${status} is not known to badhop.`, causes: [] };
  }
  return { product, title: known.title, status, text: meaning.text, causes: causesFor(meaning, detail) };
}

const order: Readonly<Record<MeaningCause['likelihood'], number>> = { common: 0, occasional: 1, rare: 2 };

function causesFor({ causes }: ProductMeaning, detail: string | undefined): MeaningCause[] {
  const fits = ({ when, error }: ProductCause): boolean =>
    detail !== undefined && (error === detail || when?.some(word => detail.toLowerCase().includes(word.toLowerCase())) === true);
  const isSaid = causes.some(fits);
  // A cause without words of its own may hide behind any detail, and stands behind those that are said.
  const left = isSaid ? causes.filter(cause => fits(cause) || cause.when === undefined) : causes;
  return left.toSorted((a, b) => Number(fits(b)) - Number(fits(a)) || order[a.likelihood] - order[b.likelihood]);
}
