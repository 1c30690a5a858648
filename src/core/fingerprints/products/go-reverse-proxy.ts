import { header, without, type Finder } from '../marks.ts';
import { defineProduct } from '../product.ts';
import { isEmpty, valueOf } from '../view.ts';

const empty: Finder = view =>
  isEmpty(view) && view.status === 502 && valueOf(view, 'content-type') === undefined ? { part: 'length', text: 'no body' } : undefined;

/** httputil.ReverseProxy of Go's library, inside of many programs: 502 and nothing else. */
export default defineProduct({
  id: 'go-reverse-proxy',
  title: "a program with Go's reverse proxy",
  role: 'gateway',
  relayedServer: 'keeps',
  namesItself: false,
  hasNoPage: true,
  logTells: 'Its log has a line http: proxy error with the reason.',
  marks: [
    {
      see: without(empty, header('server', { is: 'caddy' })),
      tells: 'page',
      isShared: true,
      basis: 'memory',
      says: "nothing but the status, as Go's library answers",
    },
  ],
  meanings: [
    {
      status: [502],
      text: 'The program could not get an answer from the server behind it.',
      causes: [
        {
          id: 'go-reverse-proxy-502',
          title: 'The server behind refuses or closes the connection',
          likelihood: 'common',
          error: 'connection_refused',
          next: "Read the program's log: http: proxy error says why.",
          basis: 'memory',
        },
      ],
    },
  ],
});
