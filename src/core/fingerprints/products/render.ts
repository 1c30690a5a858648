import { cname, header } from '../marks.ts';
import { defineProduct } from '../product.ts';

/** Render, which stands behind Cloudflare; none of it has been checked by anybody. */
export default defineProduct({
  id: 'render',
  title: 'Render',
  role: 'platform',
  relayedServer: 'keeps',
  namesItself: false,
  marks: [
    { see: header('rndr-id'), tells: 'path', basis: 'memory', says: 'the number that Render gives a request' },
    { see: header('x-render-origin-server'), tells: 'passed', basis: 'memory', says: 'the name of the server that answered behind Render' },
    { see: header('x-render-routing'), tells: 'path', basis: 'memory', says: 'how Render led the request' },
    { see: cname('onrender.com'), tells: 'path', basis: 'memory', says: 'a name of Render' },
  ],
  meanings: [
    {
      status: [502, 503, 504],
      text: "The service did not answer Render's router.",
      causes: [
        {
          id: 'render-service',
          title: 'The service does not run, restarts, or listens on another port',
          likelihood: 'common',
          error: 'destination_unavailable',
          next: "Read the log of the service in Render's dashboard.",
          basis: 'memory',
        },
      ],
    },
  ],
});
