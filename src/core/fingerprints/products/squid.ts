import { body, both, either, header, listed } from '../marks.ts';
import { defineProduct } from '../product.ts';
import { valueOf } from '../view.ts';

/** Squid; its fields and words have not been checked by anybody. */
export default defineProduct({
  id: 'squid',
  title: 'Squid',
  role: 'gateway',
  relayedServer: 'keeps',
  namesItself: true,
  versionAfter: 'squid/',
  detail: view => valueOf(view, 'x-squid-error'),
  marks: [
    { see: header('x-squid-error'), tells: 'own', basis: 'memory', says: 'Squid puts this on its own errors' },
    {
      see: both(
        either(
          body({ has: ['ERR_CONNECT_FAIL'] }),
          body({ has: ['ERR_READ_TIMEOUT'] }),
          body({ has: ['ERR_ZERO_SIZE_OBJECT'] }),
          body({ has: ['ERR_DNS_FAIL'] }),
        ),
        body({ has: ['(squid'] }),
      ),
      tells: 'page',
      basis: 'memory',
      says: "Squid's error page",
    },
    { see: header('server', { starts: 'squid/' }), tells: 'own', basis: 'memory', says: 'Squid writes its name on its own answers' },
    { see: listed('via', { has: [' (squid'] }), tells: 'path', basis: 'memory', says: 'Squid adds itself to Via' },
  ],
  meanings: [
    {
      status: [502, 503, 504],
      text: 'Squid got no valid answer from the server that it asked.',
      causes: [
        {
          id: 'squid-origin',
          title: 'The server that it asked is not reached, or closes the connection',
          likelihood: 'common',
          error: 'destination_unavailable',
          tells: 'X-Squid-Error names the reason: ERR_CONNECT_FAIL, ERR_READ_TIMEOUT, ERR_ZERO_SIZE_OBJECT, ERR_DNS_FAIL.',
          next: "Read the reason in Squid's access log.",
          command: 'tail /var/log/squid/access.log',
          basis: 'memory',
        },
      ],
    },
  ],
});
