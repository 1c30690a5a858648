import { certificate, wholeBody, type Finder } from '../marks.ts';
import { defineProduct } from '../product.ts';
import { valueOf } from '../view.ts';

const source = 'https://github.com/traefik/traefik/blob/master/pkg/proxy/httputil/proxy.go';

const texts = ['Bad Gateway', 'Gateway Timeout', 'no available server'];
/** What Go writes beside the three fields of such an answer. */
const fields: ReadonlySet<string> = new Set(['content-type', 'content-length', 'date', 'connection', 'x-content-type-options']);

/** The text as Traefik writes it, to the byte, and no field that it does not write: programs in Go end such a text with a new line. */
const traefikAlone: Finder = view => {
  const isText =
    ['Bad Gateway', 'Gateway Timeout', 'no available server\n'].includes(view.body) && valueOf(view, 'content-type') === 'text/plain; charset=utf-8';
  return view.isWhole && isText && view.fields.every(({ name }) => fields.has(name)) ? { part: 'body', text: view.body.trim() } : undefined;
};

/** Read in its source: the page is the status's own name, in plain text, and there is no Server field. */
export default defineProduct({
  id: 'traefik',
  title: 'Traefik',
  role: 'load-balancer',
  relayedServer: 'keeps',
  namesItself: false,
  logTells: 'In its access log OriginStatus is 0 or absent where Traefik answered itself; the reason is logged at level DEBUG alone.',
  marks: [
    {
      see: traefikAlone,
      tells: 'page',
      basis: 'source',
      says: 'plain text with nothing but the name of the status, as Traefik writes it',
    },
    {
      see: wholeBody(...texts),
      tells: 'page',
      isShared: true,
      basis: 'source',
      says: 'nothing but the name of the status, as Traefik writes it',
    },
    { see: certificate({ is: 'TRAEFIK DEFAULT CERT' }), tells: 'path', basis: 'field', says: "Traefik's certificate for names that it has none for" },
  ],
  meanings: [
    {
      status: [502],
      text: 'Traefik could not connect to the server behind it, or the connection ended before the answer.',
      causes: [
        {
          id: 'traefik-502-connect',
          title: 'The server behind refuses the connection: down, another port, another Docker network',
          likelihood: 'common',
          error: 'connection_refused',
          tells: 'At level DEBUG the log says dial tcp … connection refused.',
          next: 'Set log.level=DEBUG and read the reason; compare the port with the one that the container listens on.',
          basis: 'source',
          source,
        },
        {
          id: 'traefik-502-closed',
          title: 'The server behind closed the connection: a crash, or a keep-alive time below the 90 s of Traefik',
          likelihood: 'common',
          error: 'connection_terminated',
          tells: 'At level DEBUG the log says EOF or connection reset by peer.',
          next: 'Set log.level=DEBUG and read the reason.',
          basis: 'source',
          source,
        },
      ],
    },
    {
      status: [503],
      text: 'Traefik has no server to ask.',
      causes: [
        {
          id: 'traefik-503-none',
          title: 'All servers of the service fail their health check, or there is none',
          likelihood: 'common',
          error: 'destination_unavailable',
          next: "Look at the service in Traefik's dashboard or API.",
          command: 'curl -s http://TRAEFIK:8080/api/http/services/SERVICE@docker',
          basis: 'source',
          source,
        },
      ],
    },
    {
      status: [504],
      text: 'The server behind did not take the connection in 30 s, or gave no answer within responseHeaderTimeout.',
      causes: [
        {
          id: 'traefik-504-timeout',
          title: 'Packets to the server behind are dropped, or it hangs',
          likelihood: 'common',
          error: 'connection_timeout',
          next: 'Connect to the server behind from the host of Traefik.',
          command: 'badhop trace http://BACKEND:PORT/',
          basis: 'source',
          source,
        },
      ],
    },
  ],
});
