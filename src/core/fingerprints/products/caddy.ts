import { both, either, header, listed, without, type Finder } from '../marks.ts';
import { defineProduct } from '../product.ts';
import { isEmpty, placeOf, valueOf, valuesOf, type View } from '../view.ts';

const source = 'https://caddyserver.com/docs/caddyfile/directives/reverse_proxy';

/** A FastCGI program behind Caddy may answer without a body too; it gives a type all the same, and its Status. */
const empty: Finder = view =>
  isEmpty(view) && view.status >= 500 && placeOf(view, 'content-type') < 0 && placeOf(view, 'status') < 0 ? { part: 'length', text: 'no body' } : undefined;

/** Another server's name beside Caddy's own: the answer came from there. */
const named: Finder = view => {
  const other = valuesOf(view, 'server').find(value => value !== 'Caddy');
  return other === undefined ? undefined : { part: 'header', text: `Server: ${other}` };
};

/** Where Caddy stands before Caddy, the outer one has written the fields anew. */
const isOne: Finder = view => (caddies(view) === 1 ? isCaddy(view) : undefined);

const isCaddy = header('server', { is: 'caddy' });

/** Go writes a Content-Length that it counted itself after Date, and one that came from behind in the order of the alphabet. */
const ownLength: Finder = view => {
  const [server, date, length] = ['server', 'date', 'content-length'].map(name => placeOf(view, name));
  const isOwn = view.isHttp1 && server !== undefined && date !== undefined && length !== undefined && server >= 0 && server < date && date < length;
  return isOwn ? { part: 'header', text: 'Server, Date, Content-Length' } : undefined;
};

const relayedLength: Finder = view => {
  const [server, length] = [placeOf(view, 'server'), placeOf(view, 'content-length')];
  return view.isHttp1 && length >= 0 && length < server ? { part: 'header', text: 'Content-Length, Server' } : undefined;
};

/** `"tovez2z"`: time and size, each to the base of 36. */
const isFile: Finder = view => {
  const [etag, seconds] = [valueOf(view, 'etag'), Date.parse(valueOf(view, 'last-modified') ?? '') / 1000];
  if (etag === undefined || !view.isWhole || !Number.isFinite(seconds)) return undefined;
  return etag === `"${seconds.toString(36)}${view.body.length.toString(36)}"` ? { part: 'header', text: `ETag: ${etag}` } : undefined;
};

/** How much of a body Go's server keeps back to count its length, unless the handler sends it on at once. */
const countedBytes = 2048;

/** Only where Date stands after Server, the head is as this Caddy wrote it: another program in Go before it sorts all fields. */
function passes(view: View): string | undefined {
  if (named(view) !== undefined) return 'An answer of Caddy itself bears its name alone, and this one that of another too.';
  const [server, date, length] = ['server', 'date', 'content-length'].map(name => placeOf(view, name));
  if (!view.isHttp1 || server === undefined || server < 0 || date === undefined || date < server || caddies(view) !== 1) return undefined;
  // A page that Caddy itself shows from a file, or makes of a template, has its length among its other fields too.
  if (isEmpty(view) && length !== undefined && length >= 0 && length < server) {
    return 'Caddy writes the length of an error of its own after Date, and here it stands among the fields from behind it.';
  }
  const isChunked = valuesOf(view, 'transfer-encoding').includes('chunked') && placeOf(view, 'content-encoding') < 0;
  return isChunked && view.isWhole && view.body.length < countedBytes
    ? 'Caddy counts the length of a short answer of its own, and this one has none: it was sent on as it came from behind.'
    : undefined;
}

/** Caddy 2.6.2 in the lab: an error of its own has no body, and an answer from behind gets a second Server field. */
export default defineProduct({
  id: 'caddy',
  title: 'Caddy',
  role: 'web-server',
  relayedServer: 'adds',
  namesItself: true,
  hasNoPage: true,
  logCommand: 'journalctl -u caddy --since -10min | grep http.log.error',
  ownPageBy: 'handle_errors or respond',
  interceptsBy: 'handle_response',
  passes,
  logTells: 'Its log has an entry http.log.error with the reason (dial tcp, EOF, timeout) for each error of its own.',
  copies: caddies,
  marks: [
    {
      see: without(empty, either(both(isCaddy, named), both(relayedLength, isOne))),
      tells: 'page',
      isShared: true,
      basis: 'live',
      says: "an error without a body, as Caddy's are",
    },
    { see: isCaddy, tells: 'path', basis: 'live', says: 'Caddy puts its name on all that it answers and passes on' },
    { see: listed('via', { ends: ' caddy' }), tells: 'passed', basis: 'memory', says: 'newer versions name themselves so on what they pass on' },
    {
      see: both(isFile, isCaddy),
      tells: 'shown',
      basis: 'live',
      says: 'a file that Caddy shows in the place of a page: time and size of it are its ETag',
    },
    { see: without(isFile, isCaddy), tells: 'page', isShared: true, basis: 'live', says: 'a file whose ETag is made as Caddy makes it, of time and size' },
    { see: both(ownLength, isCaddy), tells: 'style', basis: 'live', says: 'the length was counted by Caddy itself' },
  ],
  meanings: [
    {
      status: [502],
      text: 'Caddy reached no server behind it, or got no valid answer from it.',
      causes: [
        {
          id: 'caddy-502-refused',
          title: 'Nothing listens on the address that Caddy passes to',
          likelihood: 'common',
          error: 'connection_refused',
          tells: 'The log says dial tcp … connect: connection refused.',
          next: 'Read the reason in the log.',
          command: 'journalctl -u caddy --since -10min | grep http.log.error',
          basis: 'live',
          source,
        },
        {
          id: 'caddy-502-closed',
          title: 'The server behind closed or reset the connection before it had answered',
          likelihood: 'common',
          error: 'connection_terminated',
          tells: 'The log says EOF, or connection reset by peer.',
          next: 'Look at the log of the server behind at that second.',
          command: 'journalctl -u caddy --since -10min | grep http.log.error',
          basis: 'live',
        },
        {
          id: 'caddy-502-dns',
          title: 'The name of the server behind cannot be resolved',
          likelihood: 'occasional',
          error: 'dns_error',
          tells: 'The log says no such host.',
          next: 'Resolve the name on the host, or in the container, of Caddy.',
          command: 'getent ahosts NAME',
          basis: 'live',
        },
        {
          id: 'caddy-502-no-http',
          title: 'The server behind speaks no HTTP on that port, or TLS where Caddy speaks none',
          likelihood: 'occasional',
          error: 'http_protocol_error',
          tells: 'The log says malformed HTTP response.',
          next: 'Ask the port what it speaks; with TLS, write https:// in reverse_proxy.',
          command: 'journalctl -u caddy --since -10min | grep malformed',
          basis: 'live',
        },
        {
          id: 'caddy-502-certificate',
          title: 'The certificate of the server behind is not trusted',
          likelihood: 'occasional',
          error: 'tls_certificate_error',
          tells: 'The log says x509.',
          next: 'See which name and issuer the certificate has.',
          command: 'openssl s_client -connect BACKEND:443 -servername NAME </dev/null',
          basis: 'memory',
        },
      ],
    },
    {
      status: [503],
      text: 'Caddy has no server left that it would ask.',
      causes: [
        {
          id: 'caddy-503-none',
          title: 'All servers behind are marked as unhealthy or are at their limit',
          likelihood: 'common',
          error: 'destination_unavailable',
          tells: 'The log says no upstreams available.',
          next: 'See what failed before that, and what the health check asks.',
          command: "journalctl -u caddy --since -10min | grep -E 'no upstreams|health'",
          basis: 'live',
          source,
        },
      ],
    },
    {
      status: [504],
      text: 'The server behind gave no answer in the time that Caddy was told to wait.',
      causes: [
        {
          id: 'caddy-504-slow',
          title: 'The server behind is slower than response_header_timeout, or the connection was not made within dial_timeout (3 s)',
          likelihood: 'common',
          error: 'http_response_timeout',
          tells: 'The log says timeout awaiting response headers, or i/o timeout.',
          next: 'Read which of the two in the log.',
          command: 'journalctl -u caddy --since -10min | grep timeout',
          basis: 'live',
          source,
        },
      ],
    },
  ],
});

function caddies(view: View): number {
  return valuesOf(view, 'server').filter(value => value === 'Caddy').length;
}
