import { body, cookie, header } from '../marks.ts';
import { defineProduct } from '../product.ts';

/** F5 BIG-IP; none of it has been checked by anybody. It resets connections rather than answer 502. */
export default defineProduct({
  id: 'f5',
  title: 'F5 BIG-IP',
  role: 'load-balancer',
  relayedServer: 'keeps',
  namesItself: false,
  marks: [
    {
      see: body({ has: ['The requested URL was rejected. Please consult with your administrator'] }),
      tells: 'page',
      basis: 'memory',
      says: 'the page of its application firewall',
    },
    { see: header('server', { starts: 'big' }), tells: 'own', basis: 'memory', says: 'it names itself on its own answers' },
    { see: cookie('BIGipServer'), tells: 'path', basis: 'memory', says: 'the cookie of its sticky sessions' },
  ],
  meanings: [
    {
      status: [502, 503, 504],
      text: 'BIG-IP has no member of the pool to ask, or a rule answers so.',
      causes: [
        {
          id: 'f5-pool',
          title: 'No member of the pool is up',
          likelihood: 'common',
          error: 'destination_unavailable',
          next: "Ask for the state of the pool's members.",
          command: 'tmsh show ltm pool POOL members',
          basis: 'memory',
        },
      ],
    },
  ],
});
