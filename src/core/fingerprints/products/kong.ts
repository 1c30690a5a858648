import { body, both, either, header, listed } from '../marks.ts';
import { defineProduct } from '../product.ts';

const words = either(
  body({ has: ['An invalid response was received from the upstream server'] }),
  body({ has: ['The upstream server is currently unavailable'] }),
  body({ has: ['The upstream server is timing out'] }),
);

/** Kong: its words are read in its source (kong/error_handlers.lua), what its fields mean is from memory. */
export default defineProduct({
  id: 'kong',
  title: 'Kong',
  role: 'gateway',
  relayedServer: 'keeps',
  namesItself: true,
  versionAfter: 'kong/',
  marks: [
    { see: words, tells: 'page', basis: 'source', says: "Kong's own words for a server behind that fails" },
    { see: header('server', { starts: 'kong/' }), tells: 'own', basis: 'memory', says: 'Kong writes its name on the answers that it makes itself' },
    {
      see: both(header('x-kong-response-latency'), either(words, header('x-kong-request-id'))),
      tells: 'own',
      basis: 'memory',
      says: 'the time of an answer that Kong made itself',
    },
    { see: header('x-kong-upstream-latency'), tells: 'passed', basis: 'memory', says: 'the time that a server behind took: it answered' },
    { see: listed('via', { has: [' kong/'] }), tells: 'path', basis: 'field', says: 'Kong adds itself to Via' },
    { see: header('x-kong-request-id'), tells: 'path', basis: 'field', says: 'the number that Kong gives a request' },
  ],
  meanings: [
    {
      status: [502],
      text: 'Kong got no valid answer from the server behind it.',
      causes: [
        {
          id: 'kong-502-upstream',
          title: 'The server behind refuses or closes the connection, or its TLS does not fit',
          likelihood: 'common',
          error: 'connection_terminated',
          next: "Read Kong's error log, whose lines are nginx's.",
          command: 'badhop logs /usr/local/kong/logs/error.log',
          basis: 'source',
          source: 'https://github.com/Kong/kong',
        },
      ],
    },
    {
      status: [503],
      text: 'Kong has no server to ask.',
      causes: [
        {
          id: 'kong-503-none',
          title: 'No target of the upstream is healthy, or its name does not resolve',
          likelihood: 'common',
          error: 'destination_unavailable',
          next: "Ask Kong for the health of the upstream's targets.",
          command: 'curl -s http://KONG:8001/upstreams/NAME/health',
          basis: 'memory',
        },
      ],
    },
    {
      status: [504],
      text: 'The server behind gave no answer within read_timeout (60 s unless set).',
      causes: [
        {
          id: 'kong-504-timeout',
          title: 'The server behind is slower than read_timeout, or hangs',
          likelihood: 'common',
          error: 'http_response_timeout',
          next: 'Compare the time of the answer with read_timeout of the service.',
          command: 'curl -s http://KONG:8001/services/NAME',
          basis: 'source',
          source: 'https://github.com/Kong/kong',
        },
      ],
    },
  ],
});
