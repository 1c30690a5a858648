import { cname, header, listed } from '../marks.ts';
import { defineProduct } from '../product.ts';

/** Fly.io; none of it has been checked by anybody. */
export default defineProduct({
  id: 'fly',
  title: 'Fly.io',
  role: 'platform',
  relayedServer: 'replaces',
  namesItself: true,
  marks: [
    { see: header('server', { starts: 'fly/' }), tells: 'path', basis: 'memory', says: 'Fly.io puts its name on what passes through it' },
    { see: header('fly-request-id'), tells: 'path', basis: 'memory', says: 'the number that Fly.io gives a request' },
    { see: listed('via', { ends: ' fly.io' }), tells: 'path', basis: 'memory', says: 'Fly.io adds itself to Via' },
    { see: cname('fly.dev'), tells: 'path', basis: 'memory', says: 'a name of Fly.io' },
  ],
  meanings: [
    {
      status: [502, 503, 504],
      text: "Fly.io's proxy got no valid answer from a machine.",
      causes: [
        {
          id: 'fly-machine',
          title: 'No machine of the application is healthy, or it listens on another port',
          likelihood: 'common',
          error: 'destination_unavailable',
          next: 'Look at the machines and at the log.',
          command: 'fly status -a APP; fly logs -a APP',
          basis: 'memory',
        },
      ],
    },
  ],
});
