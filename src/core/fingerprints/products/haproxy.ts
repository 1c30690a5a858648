import { body, both, header, reason, wholeBody } from '../marks.ts';
import { defineProduct } from '../product.ts';

const docs = 'https://docs.haproxy.org/3.2/configuration.html#8.5';

/** HAProxy 2.6.12 in the lab. It writes no Server field and leaves no mark on what it passes on but names in lower case. */
export default defineProduct({
  id: 'haproxy',
  title: 'HAProxy',
  role: 'load-balancer',
  relayedServer: 'keeps',
  namesItself: false,
  logCommand: "grep -E ' (502|503|504) ' /var/log/haproxy.log | tail",
  ownPageBy: 'errorfile or http-request return',
  logTells: 'In its log the two letters of the termination state tell it: ---- where the server answered so itself, SC, SH, sH or PH where HAProxy did.',
  marks: [
    {
      see: wholeBody(
        '<html><body><h1>502 Bad Gateway</h1>\nThe server returned an invalid or incomplete response.\n</body></html>',
        '<html><body><h1>503 Service Unavailable</h1>\nNo server is available to handle this request.\n</body></html>',
        "<html><body><h1>504 Gateway Time-out</h1>\nThe server didn't respond in time.\n</body></html>",
      ),
      tells: 'page',
      basis: 'live',
      says: "HAProxy's own error page, to the byte",
    },
    {
      see: both(header('cache-control', { is: 'no-cache' }), body({ starts: '<html><body><h1>' })),
      tells: 'style',
      basis: 'live',
      says: 'HAProxy forbids caching of its own pages',
    },
    { see: reason({ is: 'Gateway Time-out' }), tells: 'style', basis: 'live', says: 'the words that HAProxy has for a 504' },
    {
      see: body({ has: ['<h1>Application is not available</h1>', 'The application is currently not serving requests at this endpoint'] }),
      tells: 'page',
      basis: 'memory',
      says: "the page of OpenShift's router, which is an HAProxy",
    },
  ],
  meanings: [
    {
      status: [502],
      text: 'HAProxy reached the server, and got no valid answer from it.',
      causes: [
        {
          id: 'haproxy-502-closed',
          title: 'The server closed or reset the connection before it had answered',
          likelihood: 'common',
          error: 'connection_terminated',
          tells: 'The termination state in the log is SH; where only some requests fail, the server closes idle connections first (keep-alive race).',
          next: 'Read the termination state in the log, and the log of the server at that second.',
          command: "grep ' 502 ' /var/log/haproxy.log | tail",
          basis: 'live',
          source: docs,
        },
        {
          id: 'haproxy-502-invalid',
          title: 'HAProxy refused the answer: no HTTP, a bad field, or a header bigger than its buffer (tune.bufsize, 16 kB)',
          likelihood: 'occasional',
          error: 'http_protocol_error',
          tells: 'The termination state in the log is PH.',
          next: 'Let HAProxy show the bytes that it refused.',
          command: 'echo "show errors" | socat stdio /run/haproxy/admin.sock',
          basis: 'live',
        },
      ],
    },
    {
      status: [503],
      text: 'HAProxy had no server to ask, or could not connect to it.',
      causes: [
        {
          id: 'haproxy-503-none',
          title: 'No server is up: the health checks fail, or no backend fits the request',
          likelihood: 'common',
          error: 'destination_unavailable',
          tells: 'The log has <NOSRV> for the server; the answer comes at once.',
          next: 'See which servers are down and why their check fails.',
          command: 'echo "show stat" | socat stdio /run/haproxy/admin.sock | cut -d, -f1,2,18,37',
          basis: 'live',
          source: docs,
        },
        {
          id: 'haproxy-503-refused',
          title: 'The server refuses connections',
          likelihood: 'common',
          error: 'connection_refused',
          tells: 'The termination state is SC, and the answer takes about a second for each retry.',
          next: 'See whether the server listens.',
          command: "grep ' SC' /var/log/haproxy.log | tail",
          basis: 'live',
        },
        {
          id: 'haproxy-503-connect-timeout',
          title: 'The connection or the TLS handshake with the server was not done in time',
          likelihood: 'occasional',
          error: 'connection_timeout',
          tells: 'The termination state is sC; the time is timeout connect for each attempt.',
          next: 'Try the connection from the host of HAProxy.',
          command: "grep ' sC' /var/log/haproxy.log | tail",
          basis: 'live',
        },
        {
          id: 'haproxy-503-queue',
          title: 'The request waited in the queue for longer than timeout queue: all servers are at maxconn',
          likelihood: 'occasional',
          error: 'connection_limit_reached',
          tells: 'The termination state is sQ.',
          next: 'See how full the queue is.',
          command: 'echo "show stat" | socat stdio /run/haproxy/admin.sock | cut -d, -f1,2,3,5,6',
          basis: 'doc',
          source: docs,
        },
      ],
    },
    {
      status: [504],
      text: 'The server took the request, and gave no answer within timeout server.',
      causes: [
        {
          id: 'haproxy-504-slow',
          title: 'The server is slower than timeout server, or hangs',
          likelihood: 'common',
          error: 'http_response_timeout',
          tells: 'The termination state is sH, and the time that of timeout server.',
          next: 'Let badhop look at the host of the server behind.',
          command: "grep ' sH' /var/log/haproxy.log | tail",
          basis: 'live',
          source: docs,
        },
      ],
    },
  ],
});
