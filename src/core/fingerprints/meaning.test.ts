import { describe, expect, it } from 'vitest';
import { proxyErrors } from '../model/fingerprint.ts';
import { meaningOf } from './meaning.ts';
import { products } from './products/index.ts';

describe('what a status of a product means', () => {
  it('is told with its causes, the likeliest first', () => {
    const meaning = meaningOf('nginx', 502);
    expect(meaning?.text).toBe('nginx reached no server behind it, or got no valid answer from it.');
    expect(meaning?.causes[0]).toMatchObject({ id: 'nginx-502-refused', error: 'connection_refused', likelihood: 'common' });
    const order = { common: 0, occasional: 1, rare: 2 };
    expect(meaning?.causes.map(cause => order[cause.likelihood])).toEqual(meaning?.causes.map(cause => order[cause.likelihood]).toSorted());
  });

  it('is narrowed to what the product itself says of the reason', () => {
    const causes = meaningOf('envoy', 503, 'overflow')?.causes ?? [];
    expect(causes[0]?.id).toBe('envoy-503-overflow');
    expect(causes.some(cause => cause.id === 'envoy-503-connect')).toBe(false);
    expect(meaningOf('cloudflare', 530, '1033')?.causes.map(cause => cause.id)).toEqual(['cloudflare-1033-tunnel']);
  });

  it('is narrowed to the error that Proxy-Status names', () => {
    expect(meaningOf('envoy', 503, 'connection_limit_reached')?.causes[0]?.id).toBe('envoy-503-overflow');
    expect(meaningOf('nginx', 502, 'tls_protocol_error')?.causes[0]?.id).toBe('nginx-502-tls');
  });

  it('keeps all causes where the words of the product fit none', () => {
    expect(meaningOf('envoy', 503, 'something new')?.causes.length).toBe(meaningOf('envoy', 503)?.causes.length);
  });

  it('is said to be unknown for a status that the product does not know, and nothing for a product that nobody knows', () => {
    expect(meaningOf('nginx', 418)).toMatchObject({ causes: [], text: 'What nginx means by 418 is not known to badhop.' });
    expect(meaningOf('nobody', 502)).toBeUndefined();
  });

  it('has permanent ids, names of RFC 9209, sentences, and a source for what was read', () => {
    const variants = new Set(products.filter(product => products.some(other => other !== product && other.meanings === product.meanings)).map(({ id }) => id));
    const causes = products
      .filter(({ id }) => !variants.has(id) || id === 'nginx' || id === 'envoy')
      .flatMap(({ meanings }) => meanings.flatMap(meaning => meaning.causes));
    expect(new Set(causes.map(({ id }) => id)).size).toBe(causes.length);
    expect(causes.flatMap(({ error }) => error ?? []).filter(error => !proxyErrors.includes(error))).toEqual([]);
    expect(causes.filter(({ next, tells }) => !next.endsWith('.') || tells?.endsWith('.') === false).map(({ id }) => id)).toEqual([]);
    expect(causes.filter(({ title }) => title.endsWith('.')).map(({ id }) => id)).toEqual([]);
    expect(causes.filter(({ basis, source }) => basis === 'doc' && source === undefined).map(({ id }) => id)).toEqual([]);
  });

  it('is known of every product for 502, 503 or 504', () => {
    expect(products.filter(({ meanings }) => !meanings.some(({ status }) => status.some(code => code >= 502))).map(({ id }) => id)).toEqual([]);
  });
});
