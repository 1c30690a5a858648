/**
 * The lists of `$upstream_addr`, `$upstream_status` and the upstream times: one item a try.
 *
 * Source: nginx 1.22.1, ngx_http_upstream.c: tries of one pass are joined by `, `, passes by ` : `. A value of `-` means
 * that no upstream was tried; an empty item is a try that failed before it had an address.
 *
 *     127.0.0.1:18098, 127.0.0.1:18097 : unix:/run/a.sock
 */

/** Passes with their tries, in order; empty for `-`. At most 1000 tries are kept. */
export function parseUpstreamList(text: string): readonly (readonly string[])[] {
  if (text === '-') return [];
  let left = 1000;
  const passes: string[][] = [];
  for (const pass of text.slice(0, 64_000).split(' : ')) {
    const items = pass.split(', ').slice(0, left);
    left -= items.length;
    if (items.length > 0) passes.push(items.map(item => item.trim()));
  }
  return passes;
}

/** All tries of all passes in one row. */
export function upstreamTries(text: string): readonly string[] {
  // Nearly always there is one.
  if (!text.includes(', ') && !text.includes(' : ')) return text === '-' ? [] : [text.slice(0, 64_000).trim()];
  return parseUpstreamList(text).flat();
}
