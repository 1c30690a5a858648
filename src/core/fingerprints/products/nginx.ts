import { both, either, header, reason, servedFile } from '../marks.ts';
import { nginxPage } from '../pages.ts';
import { between, defineProduct } from '../product.ts';
import { isEmpty, placeOf, valueOf, valuesOf, type View } from '../view.ts';

const docs = 'https://nginx.org/en/docs/http/ngx_http_proxy_module.html';

/** `"6b01dcb0-16"`: time and size, in hexadecimal. */
const isFile = servedFile(/^"[0-9a-f]{8}-([0-9a-f]{1,12})"$/);

const isNginx = either(header('server', { is: 'nginx' }), header('server', { starts: 'nginx/' }));

/** Its own words for two statuses; what answers behind it has those of RFC 9110 as a rule, and nginx passes them on. */
const ownWords: Readonly<Record<number, string>> = { 503: 'Service Temporarily Unavailable', 504: 'Gateway Time-out' };

function passes(view: View): string | undefined {
  const words = ownWords[view.status];
  // nginx, or an Apache that puts Date before it, has written this head; who else wrote it may have put other words in.
  const isOwnHead =
    Math.max(placeOf(view, 'server'), placeOf(view, 'date')) === 1 && valuesOf(view, 'server').length === 1 && view.fields[0]?.written !== view.fields[0]?.name;
  if (view.isHttp1 && isOwnHead && words !== undefined && view.reason !== words) {
    return `nginx says "${view.status} ${words}" with an error of its own, whatever its page is; this one came with other words from behind it.`;
  }
  if (isEmpty(view) && (placeOf(view, 'content-type') < 0 || placeOf(view, 'transfer-encoding') >= 0)) {
    return 'An error of nginx itself has a page, and this answer has neither a page nor the type of one.';
  }
  return undefined;
}

/** nginx 1.22.1 in the lab. It puts its own Server field on everything that it passes on. */
export default defineProduct({
  id: 'nginx',
  title: 'nginx',
  role: 'web-server',
  relayedServer: 'replaces',
  namesItself: true,
  versionAfter: 'nginx/',
  // One nginx writes the same name into the field and onto the page.
  copies: view => {
    const page = between(view.body, '<hr><center>', '</center>');
    return page?.startsWith('nginx') === true && isNginx(view) !== undefined && page !== valueOf(view, 'server') ? 2 : 1;
  },
  logCommand: 'ssh USER@NGINX-HOST badhop --since 10m',
  ownPageBy: 'error_page or return',
  interceptsBy: 'proxy_intercept_errors',
  passes,
  logTells:
    'In its access log $upstream_status is a status where a server behind nginx answered, and - where nginx answered alone; its error log has a line for each 502 and 504 of its own.',
  marks: [
    { see: nginxPage('nginx'), tells: 'page', basis: 'live', says: "nginx's own error page, with its name in the last line" },
    { see: isNginx, tells: 'path', basis: 'live', says: 'nginx puts its name on all that it answers and passes on' },
    {
      see: both(isFile, isNginx),
      tells: 'shown',
      basis: 'live',
      says: 'a file that nginx shows in the place of a page: time and size of it are its ETag',
    },
    { see: reason({ is: 'Gateway Time-out' }), tells: 'style', basis: 'live', says: 'the words that nginx has for a 504' },
    { see: reason({ is: 'Service Temporarily Unavailable' }), tells: 'style', basis: 'live', says: 'the words that nginx has for a 503' },
  ],
  meanings: [
    {
      status: [502],
      text: 'nginx reached no server behind it, or got no valid answer from it.',
      causes: [
        {
          id: 'nginx-502-refused',
          title: 'Nothing listens on the address that nginx passes to',
          likelihood: 'common',
          error: 'connection_refused',
          tells: 'The answer comes within a few milliseconds, and the error log says connect() failed (111: Connection refused).',
          next: 'Let badhop look at the host that nginx runs on.',
          command: 'ssh USER@NGINX-HOST badhop --since 10m',
          basis: 'live',
          source: docs,
        },
        {
          id: 'nginx-502-closed',
          title: 'The server behind closed or reset the connection before it had answered',
          likelihood: 'common',
          error: 'connection_terminated',
          tells:
            'The error log says upstream prematurely closed connection, or recv() failed (104: Connection reset by peer); where only POST fails now and then, it is a keep-alive race.',
          next: 'Let badhop look at the host that nginx runs on; it tells a crash from a worker that was killed and from a keep-alive race.',
          command: 'ssh USER@NGINX-HOST badhop --since 10m',
          basis: 'live',
        },
        {
          id: 'nginx-502-header',
          title: 'The answer of the server behind was too big in its header, or no HTTP',
          likelihood: 'occasional',
          error: 'http_response_header_section_size',
          tells:
            'The error log says upstream sent too big header, upstream sent invalid header, or upstream sent no valid HTTP/1.0 header; only some URLs or users fail.',
          next: 'Let badhop look at the host that nginx runs on: it measures the header against proxy_buffer_size.',
          command: 'ssh USER@NGINX-HOST badhop --since 10m',
          basis: 'live',
        },
        {
          id: 'nginx-502-no-live',
          title: 'All servers of the upstream are marked as failed',
          likelihood: 'occasional',
          error: 'destination_unavailable',
          tells: 'The error log says no live upstreams; what made them fail stands in the lines before.',
          next: 'Read what made them fail.',
          command: 'badhop logs /var/log/nginx/error.log',
          basis: 'live',
        },
        {
          id: 'nginx-502-tls',
          title: 'The TLS handshake with the server behind failed',
          likelihood: 'occasional',
          error: 'tls_protocol_error',
          tells: 'The error log says SSL_do_handshake() failed, or upstream SSL certificate verify error.',
          next: 'Let badhop look at the host that nginx runs on: it tries the handshake with each version and with and without a name.',
          command: 'ssh USER@NGINX-HOST badhop --since 10m',
          basis: 'live',
        },
      ],
    },
    {
      status: [503],
      text: 'nginx itself refused the request: it does not answer 503 for a server behind it that is down.',
      causes: [
        {
          id: 'nginx-503-limit',
          title: 'A limit of requests or connections was reached (limit_req, limit_conn)',
          likelihood: 'common',
          error: 'http_request_denied',
          tells: 'The error log says limiting requests, or limiting connections; the next request a moment later passes.',
          next: 'Look for the limit in the error log and in the configuration.',
          command: "grep -E 'limiting (requests|connections)' /var/log/nginx/error.log | tail",
          basis: 'live',
          source: 'https://nginx.org/en/docs/http/ngx_http_limit_req_module.html',
        },
        {
          id: 'nginx-503-no-endpoints',
          title: 'In Kubernetes, the service has no endpoint that is ready',
          likelihood: 'occasional',
          error: 'destination_unavailable',
          tells: "The ingress controller's log has - for upstream_addr.",
          next: 'Ask for the endpoints of the service.',
          command: 'kubectl get endpointslices -l kubernetes.io/service-name=SERVICE',
          basis: 'memory',
        },
        {
          id: 'nginx-503-return',
          title: 'The configuration answers 503 on purpose (return 503, a maintenance page)',
          likelihood: 'occasional',
          error: 'proxy_internal_response',
          next: 'Look for it in the configuration.',
          command: "nginx -T | grep -n '503'",
          basis: 'doc',
          source: 'https://nginx.org/en/docs/http/ngx_http_rewrite_module.html#return',
        },
      ],
    },
    {
      status: [504],
      text: 'nginx waited for the server behind it for as long as it may.',
      causes: [
        {
          id: 'nginx-504-read',
          title: 'The server behind took longer than proxy_read_timeout (60 s unless set), or hangs',
          likelihood: 'common',
          error: 'http_response_timeout',
          tells:
            'The answer comes after a round number of seconds; the error log says upstream timed out (110: Connection timed out) while reading response header.',
          next: 'Let badhop look at the host that nginx runs on: it tells a slow server from one that hangs and from a full pool.',
          command: 'ssh USER@NGINX-HOST badhop --since 10m',
          basis: 'live',
          source: docs,
        },
        {
          id: 'nginx-504-connect',
          title: 'The connection to the server behind was not made in time: packets are dropped',
          likelihood: 'occasional',
          error: 'connection_timeout',
          tells: 'The error log says upstream timed out while connecting to upstream.',
          next: 'Let badhop look at the host that nginx runs on: it names a firewall rule, or the address that answers nobody.',
          command: 'ssh USER@NGINX-HOST badhop --since 10m',
          basis: 'live',
        },
      ],
    },
  ],
});
