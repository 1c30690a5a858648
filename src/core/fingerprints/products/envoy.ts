import { header } from '../marks.ts';
import { envoyPage } from '../pages.ts';
import { between, defineProduct } from '../product.ts';

const docs = 'https://www.envoyproxy.io/docs/envoy/latest/configuration/observability/access_log/usage';

/** Envoy by its documents and public samples. Istio, Contour, gateways of clouds and service meshes are made of it. */
export default defineProduct({
  id: 'envoy',
  title: 'Envoy',
  role: 'gateway',
  relayedServer: 'replaces',
  namesItself: true,
  logTells:
    'In its access log %RESPONSE_CODE_DETAILS% is via_upstream where the server behind answered so, and %RESPONSE_FLAGS% names the reason where Envoy did.',
  detail: view => between(view.body, 'reset reason: ') ?? (view.body.length < 100 ? view.body.trim() : undefined),
  marks: [
    { see: envoyPage, tells: 'page', basis: 'field', says: "a local reply of Envoy's" },
    { see: header('server', { is: 'envoy' }), tells: 'path', basis: 'field', says: 'Envoy puts its name on all that it answers and passes on' },
    {
      see: header('x-envoy-upstream-service-time'),
      tells: 'passed',
      basis: 'field',
      says: 'the time that a server behind took: it answered, and Envoy passed it on',
    },
    { see: header('x-envoy-overloaded'), tells: 'own', basis: 'doc', says: 'Envoy drops requests, as a circuit breaker or the overload manager tells it' },
  ],
  meanings: [
    {
      status: [503],
      text: 'Envoy could not connect to the server behind, lost the connection, or had none to ask.',
      causes: [
        {
          id: 'envoy-503-connect',
          title: 'The connection to the server behind failed (UF)',
          likelihood: 'common',
          error: 'connection_refused',
          when: ['connection failure', 'remote connection failure', 'delayed connect error'],
          tells: 'The page says connection failure; with TLS in the reason it is the mutual TLS of the mesh that does not fit.',
          next: 'Compare the port and the protocol of the server behind with what Envoy uses, and its mutual TLS.',
          command: 'istioctl proxy-config endpoints POD | grep SERVICE',
          basis: 'doc',
          source: docs,
        },
        {
          id: 'envoy-503-closed',
          title: 'The server behind closed the connection (UC): a crash, or a keep-alive time below that of Envoy',
          likelihood: 'common',
          error: 'connection_terminated',
          when: ['connection termination', 'remote reset'],
          tells: 'Only some requests fail, more often after a pause.',
          next: 'Let Envoy retry on reset, or set its idle_timeout below the keep-alive time of the server behind.',
          basis: 'doc',
          source: docs,
        },
        {
          id: 'envoy-503-none',
          title: 'No server behind is healthy (UH)',
          likelihood: 'common',
          error: 'destination_unavailable',
          when: ['no healthy upstream'],
          next: 'Ask Envoy which servers it knows and how they are.',
          command: 'curl -s http://127.0.0.1:9901/clusters | grep health_flags',
          basis: 'doc',
          source: docs,
        },
        {
          id: 'envoy-503-overflow',
          title: 'A circuit breaker is open (UO): too many connections or requests at once',
          likelihood: 'occasional',
          error: 'connection_limit_reached',
          when: ['overflow'],
          next: 'Look at the counters of the circuit breakers.',
          command: 'curl -s http://127.0.0.1:9901/stats | grep overflow',
          basis: 'doc',
          source: docs,
        },
        {
          id: 'envoy-503-dns',
          title: 'The name of the server behind cannot be resolved (DF)',
          likelihood: 'rare',
          error: 'dns_error',
          next: 'Resolve the name where Envoy runs.',
          basis: 'doc',
          source: docs,
        },
      ],
    },
    {
      status: [504],
      text: 'The server behind gave no answer within the timeout of the route.',
      causes: [
        {
          id: 'envoy-504-timeout',
          title: 'The route times out (UT)',
          likelihood: 'common',
          error: 'http_response_timeout',
          tells: 'Without a setting the route gives up after 15 s.',
          next: 'Compare the time that the answer took with the timeout of the route.',
          basis: 'doc',
          source: docs,
        },
      ],
    },
    {
      status: [502],
      text: 'The server behind sent what is no valid HTTP.',
      causes: [
        {
          id: 'envoy-502-protocol',
          title: 'The answer broke the protocol (UPE): HTTP/2 spoken to HTTP/1, a bad or too big header',
          likelihood: 'common',
          error: 'http_protocol_error',
          tells: 'The page says protocol error.',
          next: 'Ask the server behind directly and look at the bytes of its answer.',
          command: 'badhop trace http://BACKEND:PORT/',
          basis: 'memory',
          source: docs,
        },
      ],
    },
  ],
});
