/**
 * The tail of an error-log record: phase, client, server, request, subrequest, upstream, host, referrer.
 *
 * Source: nginx 1.22.1, ngx_http_log_error_handler; the order is fixed and nothing is escaped.
 *
 *     while connecting to upstream, client: 127.0.0.1, server: a.example, request: "GET /x HTTP/1.1", upstream: "http://unix:/run/x.sock:/x", host: "a"
 */

export interface RecordContext {
  phase?: string;
  client?: string;
  server?: string;
  request?: string;
  subrequest?: string;
  upstream?: string;
  host?: string;
  referrer?: string;
}

type QuotedKey = 'request' | 'subrequest' | 'upstream' | 'host' | 'referrer';
const quotedKeys: readonly QuotedKey[] = ['request', 'subrequest', 'upstream', 'host', 'referrer'];

/** The quoted values in their order: how each opens, and how it ends where one of the later ones follows. */
const quoted = quotedKeys.map((key, index) => ({ key, open: `, ${key}: "`, closes: quotedKeys.slice(index + 1).map(next => `", ${next}: "`) }));
const clientKeys = [', client: ', ', udp client: '] as const;
const phaseEnds = [', client: ', ', resolver: ', ', udp client: '] as const;
const clientEnds = [', server: ', ', request: "'] as const;
const serverEnds = [...quoted.map(({ open }) => open), ', bytes from/to client:'];

/** What stands from `at` on, part by part; a part that was cut off ends with the text. */
export function parseContext(body: string, from: number): RecordContext {
  const context: RecordContext = {};
  let at = from;
  if (body.startsWith(' while ', at)) {
    const end = firstOf(body, phaseEnds, at);
    context.phase = body.slice(at + 7, end);
    at = end;
  }
  const client = clientKeys.find(key => body.startsWith(key, at));
  if (client === undefined) return context;
  const clientEnd = firstOf(body, clientEnds, at + client.length);
  context.client = body.slice(at + client.length, clientEnd);
  at = clientEnd;
  if (body.startsWith(', server: ', at)) {
    const end = firstOf(body, serverEnds, at + 10);
    context.server = body.slice(at + 10, end);
    at = end;
  }
  return readQuoted(body, at, context);
}

/** Peer and scheme of `http://127.0.0.1:8080/x`, `fastcgi://unix:/run/php.sock:`, `http://unix:/run/app.sock/uri`; `uri` is the request's. */
export function peerOf(upstream: string, uri?: string): { peer: string; scheme?: string } | undefined {
  const split = upstream.indexOf('://');
  const scheme = split > 0 && split <= 12 ? upstream.slice(0, split) : undefined;
  const rest = scheme === undefined ? upstream : upstream.slice(split + 3);
  const peer = rest.startsWith('unix:') ? unixPeer(rest, uri) : beforeAny(rest, '/?#');
  if (peer === '') return undefined;
  return scheme === undefined ? { peer } : { peer, scheme };
}

function readQuoted(body: string, from: number, context: RecordContext): RecordContext {
  let at = from;
  for (const { key, open, closes } of quoted) {
    if (!body.startsWith(open, at)) continue;
    const start = at + open.length;
    const end = quotedEnd(body, start, key, closes);
    context[key] = body.slice(start, end);
    at = end + 1;
  }
  return context;
}

/**
 * Where the value that starts at `start` ends: at the first `"` before a key that may follow. A request line ends
 * with its HTTP version, which is preferred. The last value of a record ends with the record.
 */
function quotedEnd(body: string, start: number, key: QuotedKey, closes: readonly string[]): number {
  let best = -1;
  for (const close of closes) {
    let found = body.indexOf(close, start);
    if (found !== -1 && key === 'request') {
      const versioned = findVersioned(body, start, close);
      if (versioned !== -1) found = versioned;
    }
    if (found !== -1 && (best === -1 || found < best)) best = found;
  }
  if (best !== -1) return best;
  // Upstream's record of the stream module goes on with byte counts.
  const bytes = key === 'upstream' ? body.indexOf('", bytes from/to client:', start) : -1;
  if (bytes !== -1) return bytes;
  return body.endsWith('"') && body.length > start ? body.length - 1 : body.length;
}

function findVersioned(body: string, start: number, close: string): number {
  for (let at = body.indexOf(close, start); at !== -1; at = body.indexOf(close, at + 1)) {
    if (/ HTTP\/\d\.\d$/u.test(body.slice(Math.max(start, at - 9), at))) return at;
  }
  return -1;
}

/**
 * A socket's path ends at the `:` before the URI; after the peer was released nginx leaves that `:` out, and the path
 * and the URI run together. Socket names mostly end in `.sock` or `.socket`, so the path is cut there, else before the URI.
 */
function unixPeer(rest: string, uri: string | undefined): string {
  const path = rest.slice(5);
  const colon = path.indexOf(':');
  const query = path.indexOf('?');
  if (colon !== -1 && (query === -1 || colon < query) && (colon === path.length - 1 || path[colon + 1] === '/')) return `unix:${path.slice(0, colon)}`;
  const named = /\.sock(?:et)?(?=\/|$)/u.exec(path);
  if (named !== null) return `unix:${path.slice(0, named.index + named[0].length)}`;
  return `unix:${uri !== undefined && uri.length < path.length && path.endsWith(uri) ? path.slice(0, -uri.length) : path}`;
}

function firstOf(text: string, keys: readonly string[], from: number): number {
  // All of them start alike, and a tail that lacks one would be searched to its end for it.
  for (let at = text.indexOf(', ', from); at !== -1; at = text.indexOf(', ', at + 1)) {
    if (keys.some(key => text.startsWith(key, at))) return at;
  }
  return text.length;
}

function beforeAny(text: string, stops: string): string {
  for (let index = 0; index < text.length; index += 1) {
    if (stops.includes(text[index] ?? '')) return text.slice(0, index);
  }
  return text;
}
