import type { Layer, ProxyStatusEntry } from '../model/fingerprint.ts';
import { cut, plainName } from './marks.ts';
import { products } from './products/index.ts';

/**
 * What proxies say of themselves (RFC 9209): one that names an error, and no status that it received, made the answer. It becomes the author
 * where nothing else tells one, and its error the detail of an author who gives none.
 */
export function withProxyStatus(layers: readonly Layer[], entries: readonly ProxyStatusEntry[]): Layer[] {
  // The first of the list is the one nearest to the origin.
  const entry = entries.find(({ error, receivedStatus }) => error !== undefined && receivedStatus === undefined);
  if (entry?.error === undefined) return [...layers];
  const author = layers.find(({ part }) => part === 'answered');
  if (author !== undefined) return layers.map(layer => (layer === author && layer.detail === undefined ? { ...layer, detail: cut(entry.error ?? '') } : layer));
  const known = products.find(({ id, title }) => [id, title.toLowerCase()].includes(entry.proxy.toLowerCase()));
  const own: Layer = {
    product: known?.id ?? 'unknown',
    title: known?.title ?? `the proxy that calls itself ${plainName(entry.proxy)}`,
    role: known?.role ?? 'gateway',
    part: 'answered',
    certainty: 'likely',
    detail: cut(entry.error),
    evidence: [
      { part: 'header', text: cut(`Proxy-Status: ${entry.proxy}; error=${entry.error}`), says: 'it says itself that it answered, and why (RFC 9209)' },
    ],
  };
  const before = layers.filter(({ product }) => product !== own.product || product === 'unknown');
  return [...before.map(layer => (layer.part === 'seen' ? { ...layer, part: 'passed-on' as const } : layer)), own];
}
