import { body, cname, header } from '../marks.ts';
import { defineProduct } from '../product.ts';

/** Railway; none of it has been checked by anybody. */
export default defineProduct({
  id: 'railway',
  title: 'Railway',
  role: 'platform',
  relayedServer: 'replaces',
  namesItself: true,
  marks: [
    { see: body({ has: ['"Application failed to respond"'] }), tells: 'page', basis: 'memory', says: "Railway's own error text" },
    { see: header('server', { is: 'railway-edge' }), tells: 'path', basis: 'memory', says: 'Railway puts its name on what passes through it' },
    { see: header('x-railway-request-id'), tells: 'path', basis: 'memory', says: 'the number that Railway gives a request' },
    { see: cname('up.railway.app'), tells: 'path', basis: 'memory', says: 'a name of Railway' },
  ],
  meanings: [
    {
      status: [502, 503, 504],
      text: "The application did not answer Railway's edge.",
      causes: [
        {
          id: 'railway-port',
          title: 'The application does not run, or does not listen on $PORT of all addresses',
          likelihood: 'common',
          error: 'connection_refused',
          next: 'Read the log of the deployment.',
          command: 'railway logs',
          basis: 'memory',
        },
      ],
    },
  ],
});
