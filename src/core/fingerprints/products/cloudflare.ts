import { body, both, certificate, cname, cookie, either, header, wholeBody, without, type Finder } from '../marks.ts';
import { between, defineProduct, type ProductMeaning } from '../product.ts';
import { valueOf, type View } from '../view.ts';

const docs = 'https://developers.cloudflare.com/support/troubleshooting/http-status-codes/cloudflare-5xx-errors';

/** Statuses that Cloudflare alone has: it speaks of the origin. */
const edgeStatuses: ReadonlySet<number> = new Set([520, 521, 522, 523, 524, 525, 526, 527, 530]);
const errorType = header('cf-error-type');
const branded = either(body({ has: ['id="cf-error-details"'] }), body({ has: ['id="cf-wrapper"', '/cdn-cgi/styles/'] }), body({ has: ['Cloudflare Ray ID'] }));

const withStatus =
  (find: Finder, statuses: readonly number[]): Finder =>
  view =>
    statuses.includes(view.status) ? find(view) : undefined;

const plain: Finder = view => wholeBody(`error code: ${view.status}`)(view);

const thousand: Finder = view =>
  view.isWhole && /^error code: 1\d{3}$/.test(view.body.slice(0, 40).trim()) ? { part: 'body', text: view.body.slice(0, 40).trim() } : undefined;

const statusOfItsOwn: Finder = view => (edgeStatuses.has(view.status) ? { part: 'status', text: String(view.status) } : undefined);
const onPath = either(header('cf-ray'), header('server', { is: 'cloudflare' }));

const next = {
  next: 'Ask the origin directly, with the same name, and compare.',
  command: 'badhop trace URL --origin ORIGIN-ADDRESS',
} as const;

function about(status: number, page: string, text: string, causes: ProductMeaning['causes']): ProductMeaning {
  return { status: [status], text, causes: causes.map(cause => ({ ...cause, source: `${docs}/${page}/` })) };
}

/**
 * Cloudflare, by its documents and public samples. With 502 and 504 its page stands in the place of the origin's, and the status is the
 * origin's unless CF-Error-Type is there; 520 to 530 are its own words about the origin; pages of 500 and 503 pass as they are.
 */
export default defineProduct({
  id: 'cloudflare',
  title: 'Cloudflare',
  role: 'cdn',
  relayedServer: 'replaces',
  namesItself: true,
  logTells: 'In its log OriginResponseStatus is 0 where it got no answer, and the status of the origin where that answered.',
  detail: (view: View) => valueOf(view, 'cf-error-type') ?? between(view.body, 'error code: ') ?? between(view.body, 'Error code ', '<'),
  marks: [
    { see: both(errorType, onPath), tells: 'own', basis: 'doc', says: 'Cloudflare puts this on the errors alone that it makes itself' },
    { see: both(statusOfItsOwn, onPath), tells: 'own', basis: 'doc', says: 'a status that only Cloudflare has: it speaks of the origin' },
    { see: both(branded, statusOfItsOwn), tells: 'page', basis: 'doc', says: "Cloudflare's own error page" },
    { see: both(either(plain, thousand), statusOfItsOwn), tells: 'page', basis: 'doc', says: "Cloudflare's own error text" },
    { see: both(thousand, onPath), tells: 'page', basis: 'doc', says: "Cloudflare's own error text, with a number that only it has" },
    {
      see: withStatus(without(both(either(branded, plain), onPath), errorType), [502, 504]),
      tells: 'replaced',
      basis: 'doc',
      says: "Cloudflare's page stands in the place of the origin's: the origin answered so itself",
    },
    {
      see: either(body({ has: ['<hr><center>cloudflare</center>'] }), body({ has: ['<hr><center>cloudflare-nginx</center>'] })),
      tells: 'page',
      basis: 'doc',
      says: "the bare page of Cloudflare's own data centre",
    },
    {
      see: both(body({ has: ['Unable to reach the origin service. The service may be down or it may not be responding to traffic from cloudflared'] }), onPath),
      tells: 'page',
      basis: 'source',
      says: "the text of cloudflared, the origin's end of a tunnel",
    },
    { see: header('server', { is: 'cloudflare' }), tells: 'path', basis: 'doc', says: 'Cloudflare puts its name on all that passes through it' },
    { see: header('cf-ray'), tells: 'path', basis: 'doc', says: 'the number that Cloudflare gives a request, with the airport of its data centre' },
    { see: header('cf-cache-status'), tells: 'path', basis: 'doc', says: 'what the cache of Cloudflare did' },
    { see: cookie('__cf_bm'), tells: 'path', basis: 'doc', says: "a cookie of Cloudflare's" },
    { see: cookie('__cflb'), tells: 'path', basis: 'doc', says: "a cookie of Cloudflare's load balancing" },
    { see: certificate({ has: ['cloudflaressl.com'] }), tells: 'path', basis: 'memory', says: 'a certificate that Cloudflare shares among its customers' },
    { see: cname('cdn.cloudflare.net'), tells: 'path', basis: 'memory', says: 'the name of a zone at Cloudflare' },
  ],
  meanings: [
    about(502, 'error-502-504', 'The origin, or what stands before it, answered 502; with CF-Error-Type Cloudflare itself had the trouble.', [
      {
        id: 'cloudflare-502-origin',
        title: 'A server at the origin answered 502 itself',
        likelihood: 'common',
        error: 'http_response_incomplete',
        tells: 'The page is branded by Cloudflare, and CF-Error-Type is not there.',
        ...next,
        basis: 'doc',
      },
      {
        id: 'cloudflare-502-edge',
        title: "Cloudflare could not read the origin's answer: broken compression, a wrong Content-Length",
        likelihood: 'rare',
        error: 'http_response_content_coding',
        tells: 'The page is blank, without branding.',
        next: 'Switch compression off at the origin and ask again.',
        basis: 'doc',
      },
    ]),
    about(504, 'error-502-504', 'The origin, or what stands before it, answered 504.', [
      {
        id: 'cloudflare-504-origin',
        title: 'A server at the origin answered 504 itself',
        likelihood: 'common',
        error: 'http_response_timeout',
        ...next,
        basis: 'doc',
      },
    ]),
    about(503, 'error-503', 'The origin answered 503, or a data centre of Cloudflare has trouble.', [
      {
        id: 'cloudflare-503-origin',
        title: 'The origin is overloaded or limits requests',
        likelihood: 'common',
        error: 'destination_unavailable',
        tells: 'The page does not speak of Cloudflare.',
        ...next,
        basis: 'doc',
      },
      {
        id: 'cloudflare-503-edge',
        title: 'A data centre of Cloudflare has trouble',
        likelihood: 'rare',
        error: 'proxy_internal_error',
        tells: 'The page names cloudflare.',
        next: "Look at Cloudflare's status page, and ask from elsewhere.",
        basis: 'doc',
      },
    ]),
    about(520, 'error-520', 'The origin answered with nothing, or with what Cloudflare does not understand.', [
      {
        id: 'cloudflare-520-crash',
        title: 'The origin closes or resets the connection: a crash, or an idle time below that of Cloudflare',
        likelihood: 'common',
        error: 'connection_terminated',
        ...next,
        basis: 'doc',
      },
      {
        id: 'cloudflare-520-header',
        title: "The header of the answer is beyond Cloudflare's limit, mostly cookies",
        likelihood: 'occasional',
        error: 'http_response_header_section_size',
        ...next,
        basis: 'doc',
      },
    ]),
    about(521, 'error-521', 'The origin refused the connection.', [
      { id: 'cloudflare-521-down', title: 'The web server at the origin is down', likelihood: 'common', error: 'connection_refused', ...next, basis: 'doc' },
      {
        id: 'cloudflare-521-firewall',
        title: "A firewall of the origin rejects Cloudflare's addresses",
        likelihood: 'common',
        error: 'connection_refused',
        tells: 'The origin answers from elsewhere.',
        next: "Allow Cloudflare's addresses at the origin.",
        command: 'curl -s https://www.cloudflare.com/ips-v4',
        basis: 'doc',
      },
      {
        id: 'cloudflare-521-port',
        title: 'The TLS mode is Full, and nothing listens on port 443 of the origin',
        likelihood: 'occasional',
        error: 'connection_refused',
        next: 'Let the origin listen on 443, or look at the TLS mode.',
        basis: 'doc',
      },
    ]),
    about(522, 'error-522', 'The origin did not take the connection in 19 s, or did not confirm the request in 90 s.', [
      {
        id: 'cloudflare-522-dropped',
        title: "A firewall of the origin drops Cloudflare's packets",
        likelihood: 'common',
        error: 'connection_timeout',
        tells: 'The origin answers from elsewhere.',
        ...next,
        basis: 'doc',
      },
      {
        id: 'cloudflare-522-address',
        title: "The record in Cloudflare's DNS has an address that is not the origin's any more",
        likelihood: 'common',
        error: 'destination_ip_unroutable',
        next: 'Compare the record with the address of the origin.',
        basis: 'doc',
      },
      {
        id: 'cloudflare-522-overload',
        title: 'The origin is overloaded',
        likelihood: 'occasional',
        error: 'connection_timeout',
        next: 'Let badhop look at the origin.',
        command: 'ssh USER@ORIGIN badhop --since 10m',
        basis: 'doc',
      },
    ]),
    about(523, 'error-523', "There is no route to the origin's address.", [
      {
        id: 'cloudflare-523-route',
        title: 'The address of the record is wrong or not announced',
        likelihood: 'common',
        error: 'destination_ip_unroutable',
        next: 'Compare the record with the address of the origin.',
        basis: 'doc',
      },
    ]),
    about(524, 'error-524', 'The origin took the request and gave no answer within 100 to 120 s.', [
      {
        id: 'cloudflare-524-slow',
        title: "The request takes longer than Cloudflare's proxy read timeout",
        likelihood: 'common',
        error: 'http_response_timeout',
        tells: 'The answer comes after 100 to 126 s.',
        next: 'Make the work asynchronous, or move it to a name that is not proxied.',
        basis: 'doc',
      },
    ]),
    about(525, 'error-525', 'The TLS handshake with the origin failed.', [
      {
        id: 'cloudflare-525-handshake',
        title: 'The origin has no certificate for the name, no common version or cipher, or no TLS on that port',
        likelihood: 'common',
        error: 'tls_protocol_error',
        ...next,
        basis: 'doc',
      },
    ]),
    about(526, 'error-526', "The origin's certificate does not stand the check of Full (strict).", [
      {
        id: 'cloudflare-526-certificate',
        title: 'The certificate is expired, self-signed, or for another name',
        likelihood: 'common',
        error: 'tls_certificate_error',
        ...next,
        basis: 'doc',
      },
    ]),
    about(530, 'error-530', 'Cloudflare cannot find the origin; the number of the error, 1xxx, says why.', [
      {
        id: 'cloudflare-1016-dns',
        title: "The origin's name does not resolve (1016)",
        likelihood: 'common',
        error: 'dns_error',
        when: ['1016', '1001'],
        next: "Resolve the target of the record in Cloudflare's DNS.",
        basis: 'doc',
      },
      {
        id: 'cloudflare-1033-tunnel',
        title: 'The tunnel has no connector: cloudflared does not run (1033)',
        likelihood: 'common',
        error: 'destination_unavailable',
        when: ['1033'],
        next: 'Look at cloudflared at the origin.',
        command: 'systemctl status cloudflared',
        basis: 'doc',
      },
    ]),
  ],
});
