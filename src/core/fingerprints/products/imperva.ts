import { body, cname, cookie, either, header } from '../marks.ts';
import { defineProduct } from '../product.ts';

/** Imperva (Incapsula); none of it has been checked by anybody. */
export default defineProduct({
  id: 'imperva',
  title: 'Imperva',
  role: 'firewall',
  relayedServer: 'keeps',
  namesItself: false,
  marks: [
    {
      see: either(body({ has: ['Incapsula incident ID'] }), body({ has: ['_Incapsula_Resource'] })),
      tells: 'page',
      basis: 'memory',
      says: "Imperva's own page, with the number of the incident",
    },
    { see: header('x-iinfo'), tells: 'path', basis: 'memory', says: "Imperva's notes on a request" },
    { see: either(header('x-cdn', { is: 'imperva' }), header('x-cdn', { is: 'incapsula' })), tells: 'path', basis: 'memory', says: 'Imperva names itself' },
    { see: cookie('incap_ses_'), tells: 'path', basis: 'memory', says: "a cookie of Imperva's" },
    { see: cname('incapdns.net'), tells: 'path', basis: 'memory', says: 'a name of Imperva' },
  ],
  meanings: [
    {
      status: [502, 503, 504],
      text: 'Imperva got no valid answer from the origin, or refused the request.',
      causes: [
        {
          id: 'imperva-origin',
          title: 'The origin does not answer Imperva, or its addresses are kept out',
          likelihood: 'common',
          error: 'destination_unavailable',
          next: 'Ask the origin directly, and compare.',
          command: 'badhop trace URL --origin ORIGIN',
          basis: 'memory',
        },
      ],
    },
  ],
});
