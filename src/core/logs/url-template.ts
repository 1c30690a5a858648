/**
 * The path of a URL with what differs from request to request left out: `/users/4711/orders/9f86d081-…` becomes
 * `/users/{n}/orders/{id}`. The query is dropped. Requests are grouped by it.
 */

const maxSegments = 12;
const maxLength = 160;
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/iu;

export function urlTemplate(uri: string): string {
  const path = pathOf(uri.slice(0, 4096));
  if (path === '') return '';
  // Runs for every failing request: no arrays of segments.
  let text = '';
  let start = 0;
  for (let count = 0; count <= maxSegments; count += 1) {
    const slash = path.indexOf('/', start);
    text += templateOf(slash === -1 ? path.slice(start) : path.slice(start, slash));
    if (slash === -1) break;
    text += count === maxSegments ? '/…' : '/';
    start = slash + 1;
  }
  return text.length > maxLength ? `${text.slice(0, maxLength)}…` : text;
}

/** Scheme and host of an absolute form are dropped too. */
function pathOf(uri: string): string {
  const absolute = uri.startsWith('/') ? null : /^[a-z]{1,10}:\/\/[^/?#]*/iu.exec(uri);
  const rest = absolute === null ? uri : uri.slice(absolute[0].length) || '/';
  const query = rest.indexOf('?');
  const path = query === -1 ? rest : rest.slice(0, query);
  const fragment = path.indexOf('#');
  return fragment === -1 ? path : path.slice(0, fragment);
}

function templateOf(segment: string): string {
  // Most have no digit, and so nothing that could differ from request to request, but for the letters of a UUID.
  if (segment.length < 36 && !/\d/u.test(segment)) return segment;
  if (/^\d+$/u.test(segment)) return '{n}';
  if (uuid.test(segment)) return '{id}';
  if (segment.length > 64) return '{id}';
  return segment
    .split(/([._~,;=:@!-])/u)
    .map(part => (isIdentifier(part) ? '{id}' : part.replace(/\d{3,}/gu, '{n}').replace(/^\d+$/u, '{n}')))
    .join('');
}

/** Hexadecimal of 8 and more, or a long mix of letters and digits. */
function isIdentifier(part: string): boolean {
  if (part.length < 8 || !/\d/u.test(part)) return false;
  if (/^[0-9a-f]+$/iu.test(part)) return !/^\d+$/u.test(part);
  return part.length >= 20 && /[a-z]/iu.test(part);
}
