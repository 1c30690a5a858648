import { body, both, cname, either, header } from '../marks.ts';
import { between, defineProduct } from '../product.ts';
import { valueOf } from '../view.ts';

const docs = 'https://vercel.com/docs/errors';
const code = either(
  ...['ROUTER_', 'FUNCTION_', 'EDGE_FUNCTION_', 'MIDDLEWARE_', 'NO_RESPONSE_FROM_FUNCTION', 'DNS_HOSTNAME_', 'DEPLOYMENT_', 'TOO_MANY_'].map(word =>
    header('x-vercel-error', { starts: word }),
  ),
);
const words = either(
  body({ has: ['ROUTER_EXTERNAL_TARGET_'] }),
  body({ has: ['FUNCTION_INVOCATION_'] }),
  body({ has: ['NO_RESPONSE_FROM_FUNCTION'] }),
  body({ has: ['DEPLOYMENT_NOT_FOUND'] }),
);

/** Vercel: X-Vercel-Error and its codes are documented and in public samples. */
export default defineProduct({
  id: 'vercel',
  title: 'Vercel',
  role: 'platform',
  relayedServer: 'replaces',
  namesItself: true,
  detail: view => valueOf(view, 'x-vercel-error') ?? between(view.body, '\n\n', '\n'),
  marks: [
    { see: code, tells: 'own', basis: 'field', says: 'Vercel names the error that it made itself' },
    { see: both(words, either(header('x-vercel-id'), header('server', { is: 'vercel' }))), tells: 'page', basis: 'field', says: "one of Vercel's error codes" },
    { see: header('server', { is: 'vercel' }), tells: 'path', basis: 'field', says: 'Vercel puts its name on all that passes through it' },
    { see: header('x-vercel-id'), tells: 'path', basis: 'field', says: 'the number that Vercel gives a request' },
    { see: cname('vercel-dns.com', 'vercel.app'), tells: 'path', basis: 'memory', says: 'a name of Vercel' },
  ],
  meanings: [
    {
      status: [502],
      text: 'Vercel could not reach the external target of a rewrite, or its function gave no answer.',
      causes: [
        {
          id: 'vercel-502-connection',
          title: 'The external target refuses or drops the connection',
          likelihood: 'common',
          error: 'connection_refused',
          when: ['ROUTER_EXTERNAL_TARGET_CONNECTION_ERROR'],
          next: 'Ask the external target directly.',
          command: 'badhop trace TARGET-URL',
          basis: 'doc',
          source: docs,
        },
        {
          id: 'vercel-502-handshake',
          title: 'The TLS handshake with the external target failed',
          likelihood: 'common',
          error: 'tls_protocol_error',
          when: ['ROUTER_EXTERNAL_TARGET_HANDSHAKE_ERROR'],
          next: "Let the target's chain be judged.",
          command: 'badhop trace TARGET-URL',
          basis: 'doc',
          source: docs,
        },
        {
          id: 'vercel-502-target',
          title: 'The external target gave no valid answer within 120 s',
          likelihood: 'common',
          error: 'http_response_timeout',
          when: ['ROUTER_EXTERNAL_TARGET_ERROR'],
          next: 'Ask the external target directly and look at its times.',
          command: 'badhop trace TARGET-URL',
          basis: 'doc',
          source: docs,
        },
        {
          id: 'vercel-502-function',
          title: 'A function gave no answer',
          likelihood: 'occasional',
          error: 'http_response_incomplete',
          when: ['NO_RESPONSE_FROM_FUNCTION'],
          next: 'Read the log of the function.',
          command: 'vercel logs DEPLOYMENT',
          basis: 'memory',
          source: docs,
        },
        {
          id: 'vercel-502-dns',
          title: 'The name of the external target does not resolve',
          likelihood: 'occasional',
          error: 'dns_error',
          when: ['DNS_HOSTNAME'],
          next: 'Resolve the name.',
          command: 'dig +short TARGET',
          basis: 'memory',
          source: docs,
        },
      ],
    },
    {
      status: [504],
      text: 'A function or middleware ran for longer than it may.',
      causes: [
        {
          id: 'vercel-504-timeout',
          title: 'The function is slower than its maximum duration',
          likelihood: 'common',
          error: 'http_response_timeout',
          next: 'Read the log of the function, and what it waits for.',
          command: 'vercel logs DEPLOYMENT',
          basis: 'memory',
          source: docs,
        },
      ],
    },
    {
      status: [503],
      text: 'Too many functions run at once, or a runtime is not there any more.',
      causes: [
        {
          id: 'vercel-503-throttled',
          title: 'The limit of functions that run at once is reached',
          likelihood: 'common',
          error: 'connection_limit_reached',
          when: ['FUNCTION_THROTTLED'],
          next: 'Look at the number of functions that run at once.',
          basis: 'memory',
          source: docs,
        },
      ],
    },
  ],
});
