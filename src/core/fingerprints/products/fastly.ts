import { body, both, cname, either, header, listed } from '../marks.ts';
import { between, defineProduct } from '../product.ts';

/** Fastly, a Varnish of its own: its page says Mediation where Varnish says Meditation. Page and X-Served-By are from public samples. */
export default defineProduct({
  id: 'fastly',
  title: 'Fastly',
  role: 'cdn',
  relayedServer: 'keeps',
  namesItself: false,
  detail: view => between(view.body, '<title>', '</title>') ?? between(view.body, '<h1>Error ', '</h1>'),
  marks: [
    {
      see: both(either(body({ has: ['<h3>Guru Mediation:</h3>'] }), body({ has: ['<p>Details: cache-'] })), body({ has: ['<p>Varnish cache server</p>'] })),
      tells: 'page',
      basis: 'field',
      says: "Fastly's own error page",
    },
    { see: body({ has: ['<p>Details: cache-'] }), tells: 'style', basis: 'field', says: "with the name of one of Fastly's caches" },
    {
      see: body({ has: ['Fastly error: unknown domain'] }),
      tells: 'page',
      basis: 'field',
      says: 'Fastly does not know the name that was asked for',
    },
    { see: header('x-served-by', { starts: 'cache-' }), tells: 'path', basis: 'field', says: "the names of Fastly's caches" },
    { see: listed('via', { ends: ' varnish' }), tells: 'path', isShared: true, basis: 'field', says: 'Fastly names itself so in Via, and so may a Varnish' },
    { see: header('x-fastly-request-id'), tells: 'path', basis: 'field', says: 'the number that Fastly gives a request' },
    { see: header('x-timer', { starts: 's' }), tells: 'path', isShared: true, basis: 'memory', says: 'the times of a request, as Fastly writes them' },
    { see: cname('fastly.net', 'fastlylb.net'), tells: 'path', basis: 'field', says: 'a name of Fastly' },
  ],
  meanings: [
    {
      status: [503],
      text: 'Fastly got no usable answer from the origin; the title of its page says why.',
      causes: [
        {
          id: 'fastly-503-max-conn',
          title: 'The limit of connections to the origin is reached (200 unless set): the origin is slow',
          likelihood: 'common',
          error: 'connection_limit_reached',
          when: ['max_conn'],
          next: 'Ask the origin directly and look at its times.',
          command: 'badhop trace URL --origin ORIGIN',
          basis: 'field',
        },
        {
          id: 'fastly-503-first-byte',
          title: 'The origin is slower than the first byte timeout (15 s unless set)',
          likelihood: 'common',
          error: 'http_response_timeout',
          when: ['first byte timeout'],
          next: 'Ask the origin directly and look at its times.',
          command: 'badhop trace URL --origin ORIGIN',
          basis: 'memory',
        },
        {
          id: 'fastly-503-read',
          title: "The origin closed the connection: its keep-alive time is below Fastly's",
          likelihood: 'common',
          error: 'connection_terminated',
          when: ['backend read error'],
          next: 'Raise the keep-alive time of the origin.',
          basis: 'memory',
        },
        {
          id: 'fastly-503-connect',
          title: 'The origin was not reached within the connect timeout (1 s unless set), or refuses',
          likelihood: 'common',
          error: 'connection_timeout',
          when: ['connection timed out', 'Connection refused', 'Operation now in progress', 'unhealthy'],
          next: "Ask the origin directly, and see whether Fastly's addresses may come in.",
          command: 'badhop trace URL --origin ORIGIN',
          basis: 'memory',
        },
        {
          id: 'fastly-503-certificate',
          title: "The origin's certificate does not fit",
          likelihood: 'occasional',
          error: 'tls_certificate_error',
          when: ['certificate', 'SSL handshake'],
          next: 'Let the chain of the origin be judged.',
          command: 'badhop trace URL --origin ORIGIN',
          basis: 'memory',
        },
      ],
    },
    {
      status: [502, 504],
      text: 'Fastly answers 503 for its own trouble with an origin: the status is most likely that of the origin.',
      causes: [
        {
          id: 'fastly-502-origin',
          title: 'A server at the origin answered so itself',
          likelihood: 'common',
          error: 'http_response_incomplete',
          next: 'Ask the origin directly, and compare.',
          command: 'badhop trace URL --origin ORIGIN',
          basis: 'memory',
        },
      ],
    },
  ],
});
