import { body, cname, cookie, either, header } from '../marks.ts';
import { between, defineProduct } from '../product.ts';

/** Akamai. Its Server field is from public samples; its pages have not been checked by anybody. */
export default defineProduct({
  id: 'akamai',
  title: 'Akamai',
  role: 'cdn',
  relayedServer: 'keeps',
  namesItself: true,
  detail: view => between(view.body, 'Reference&#32;&#35;', '<') ?? between(view.body, 'Reference #', '<'),
  marks: [
    {
      see: header('server', { starts: 'akamaighost' }),
      tells: 'own',
      basis: 'field',
      says: "Akamai's edge writes its name on the answers that it makes itself",
    },
    {
      see: either(
        body({ has: ['Reference&#32;&#35;', 'An error occurred while processing your request'] }),
        body({ has: ['An error occurred while processing your request', 'Reference #'] }),
      ),
      tells: 'page',
      basis: 'memory',
      says: "Akamai's error page with its reference number",
    },
    { see: header('akamai-grn'), tells: 'path', basis: 'memory', says: 'the number that Akamai gives a request' },
    { see: header('x-akamai-request-id'), tells: 'path', basis: 'field', says: 'the number that Akamai gives a request' },
    { see: header('x-cache', { has: ['akamaitechnologies.com'] }), tells: 'path', basis: 'field', says: 'what the cache of Akamai did' },
    {
      see: header('server-timing', { has: ['cdn-cache; desc='] }),
      tells: 'path',
      isShared: true,
      basis: 'field',
      says: 'the times of edge and origin, as Akamai writes them',
    },
    { see: cookie('ak_bmsc'), tells: 'path', basis: 'memory', says: "a cookie of Akamai's" },
    { see: cname('edgekey.net', 'edgesuite.net', 'akamaiedge.net'), tells: 'path', basis: 'field', says: 'a name of Akamai' },
  ],
  meanings: [
    {
      status: [502, 503, 504],
      text: 'Akamai got no valid answer from the origin; the reference number leads to the reason in its tools.',
      causes: [
        {
          id: 'akamai-origin',
          title: 'The origin does not answer, or its TLS or name does not fit',
          likelihood: 'common',
          error: 'destination_unavailable',
          next: "Translate the reference number in Akamai's Control Center, and ask the origin directly.",
          command: 'badhop trace URL --origin ORIGIN',
          basis: 'memory',
        },
      ],
    },
  ],
});
