import { body, header } from '../marks.ts';
import { defineProduct } from '../product.ts';

/** LiteSpeed; none of it has been checked by anybody. */
export default defineProduct({
  id: 'litespeed',
  title: 'LiteSpeed',
  role: 'web-server',
  relayedServer: 'replaces',
  namesItself: true,
  marks: [
    { see: body({ has: ['Proudly powered by LiteSpeed Web Server'] }), tells: 'page', basis: 'memory', says: "LiteSpeed's own error page" },
    { see: header('server', { starts: 'litespeed' }), tells: 'path', basis: 'memory', says: 'LiteSpeed puts its name on what it answers and passes on' },
  ],
  meanings: [
    {
      status: [502, 503, 504],
      text: 'LiteSpeed got no valid answer from the program or server behind it.',
      causes: [
        {
          id: 'litespeed-backend',
          title: 'The PHP processes or the server behind do not run, or are at their limit',
          likelihood: 'common',
          error: 'destination_unavailable',
          next: "Read LiteSpeed's error log.",
          command: 'tail /usr/local/lsws/logs/error.log',
          basis: 'memory',
        },
      ],
    },
  ],
});
