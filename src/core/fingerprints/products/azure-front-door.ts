import { body, cname, cookie, header } from '../marks.ts';
import { defineProduct } from '../product.ts';

/** Azure Front Door: its page and its field X-Azure-Ref are from public samples. */
export default defineProduct({
  id: 'azure-front-door',
  title: 'Azure Front Door',
  role: 'cdn',
  relayedServer: 'keeps',
  namesItself: false,
  marks: [
    {
      see: body({ has: ["<h2>Our services aren't available right now</h2>", "We're working to restore all services as soon as possible"] }),
      tells: 'page',
      basis: 'field',
      says: "Front Door's own error page",
    },
    { see: header('x-azure-externalerror'), tells: 'own', basis: 'memory', says: 'why Front Door got no answer' },
    { see: header('x-azure-ref'), tells: 'path', basis: 'field', says: 'the number that Front Door gives a request' },
    { see: cookie('ASLBSA'), tells: 'path', basis: 'memory', says: 'the cookie of its sticky sessions' },
    { see: cname('azurefd.net'), tells: 'path', basis: 'doc', says: 'the name of a Front Door' },
  ],
  meanings: [
    {
      status: [502, 503, 504],
      text: 'Front Door got no valid answer from the origin.',
      causes: [
        {
          id: 'azure-front-door-origin',
          title: 'No origin of the group is healthy, reachable, or has a certificate that fits',
          likelihood: 'common',
          error: 'destination_unavailable',
          next: 'Ask the origin directly with the same name, and compare.',
          command: 'badhop trace URL --origin ORIGIN',
          basis: 'memory',
        },
      ],
    },
  ],
});
