import { body, both, cname, either, header } from '../marks.ts';
import { defineProduct } from '../product.ts';

const onPath = either(header('server', { is: 'netlify' }), header('x-nf-request-id'));

/** Netlify: its field X-NF-Request-ID is in public samples; so are its words for a function that failed. */
export default defineProduct({
  id: 'netlify',
  title: 'Netlify',
  role: 'platform',
  relayedServer: 'replaces',
  namesItself: true,
  marks: [
    {
      see: both(either(body({ has: ['error decoding lambda response'] }), body({ has: ['Function invocation failed'] })), onPath),
      tells: 'page',
      basis: 'field',
      says: 'its words for a function that failed',
    },
    { see: header('server', { is: 'netlify' }), tells: 'path', basis: 'field', says: 'Netlify puts its name on all that passes through it' },
    { see: header('x-nf-request-id'), tells: 'path', basis: 'field', says: 'the number that Netlify gives a request' },
    { see: cname('netlify.app', 'netlify.com'), tells: 'path', basis: 'memory', says: 'a name of Netlify' },
  ],
  meanings: [
    {
      status: [502],
      text: 'A function failed, or the target of a proxy rule gave no valid answer.',
      causes: [
        {
          id: 'netlify-502-function',
          title: 'A function crashed or answered in another shape',
          likelihood: 'common',
          error: 'http_response_incomplete',
          next: 'Read the log of the function.',
          command: 'netlify logs:function NAME',
          basis: 'memory',
        },
      ],
    },
    {
      status: [504],
      text: 'A function, or the target of a proxy rule, gave no answer in time.',
      causes: [
        {
          id: 'netlify-504-timeout',
          title: 'It is slower than Netlify waits',
          likelihood: 'common',
          error: 'http_response_timeout',
          next: 'Read the log of the function.',
          command: 'netlify logs:function NAME',
          basis: 'memory',
        },
      ],
    },
  ],
});
