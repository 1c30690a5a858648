import { body, cname, either, header, listed } from '../marks.ts';
import { defineProduct } from '../product.ts';

const docs = 'https://devcenter.heroku.com/articles/error-codes';
const log = 'heroku logs -a APP | grep at=error';
const onPath = either(listed('via', { ends: ' vegur' }), listed('via', { ends: ' heroku-router' }));

/** Heroku's router answers 503 to nearly all of its H codes, and the log alone says which; page and Via are from public samples. */
export default defineProduct({
  id: 'heroku',
  title: "Heroku's router",
  role: 'platform',
  relayedServer: 'keeps',
  namesItself: false,
  logTells: 'Its log has a line heroku[router]: at=error code=H… for each error of its own.',
  marks: [
    {
      see: either(
        body({ has: ['herokucdn.com/error-pages/application-error.html'] }),
        body({ has: ['herokucdn.com/error-pages/no-such-app.html'] }),
        body({ has: ['herokucdn.com/error-pages/maintenance-mode.html'] }),
      ),
      tells: 'page',
      basis: 'field',
      says: "Heroku's own error page",
    },
    {
      see: body({ has: ['<title>Application Error</title>', '<iframe src="//www.herokucdn.com/'] }),
      tells: 'style',
      basis: 'field',
      says: "in Heroku's frame",
    },
    { see: onPath, tells: 'path', basis: 'field', says: "Heroku's router adds itself to Via" },
    { see: header('nel', { has: ['heroku'] }), tells: 'path', basis: 'memory', says: "Heroku's network error log" },
    { see: cname('herokudns.com', 'herokuapp.com'), tells: 'path', basis: 'field', says: 'a name of Heroku' },
  ],
  meanings: [
    {
      status: [503],
      text: 'The router got no valid answer from a dyno; the H code in its log says why.',
      causes: [
        {
          id: 'heroku-h10',
          title: 'The dyno has crashed (H10), or does not run (H14)',
          likelihood: 'common',
          error: 'destination_unavailable',
          next: 'Read the H code, and what the dyno said before.',
          command: log,
          basis: 'doc',
          source: docs,
        },
        {
          id: 'heroku-h12',
          title: 'The first byte took more than 30 s (H12)',
          likelihood: 'common',
          error: 'http_response_timeout',
          tells: 'The answer comes after 30 s.',
          next: 'Read the H code, and what the request waits for.',
          command: log,
          basis: 'doc',
          source: docs,
        },
        {
          id: 'heroku-h13',
          title: 'The program closed the connection without an answer (H13), or in the middle of it (H18)',
          likelihood: 'common',
          error: 'connection_terminated',
          next: 'Read the H code; gunicorn and Unicorn close so at their own timeout.',
          command: log,
          basis: 'doc',
          source: docs,
        },
        {
          id: 'heroku-h21',
          title: 'The program does not listen on $PORT (H21)',
          likelihood: 'occasional',
          error: 'connection_refused',
          next: 'Read the H code.',
          command: log,
          basis: 'doc',
          source: docs,
        },
      ],
    },
  ],
});
