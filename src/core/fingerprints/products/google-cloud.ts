import { body, both, cname, cookie, either, header, listed } from '../marks.ts';
import { defineProduct } from '../product.ts';

const docs = 'https://cloud.google.com/load-balancing/docs/https/https-logging-monitoring';
const query = "gcloud logging read 'resource.type=\"http_load_balancer\" httpRequest.status>=500' --limit 10 --format 'value(jsonPayload.statusDetails)'";

/** Google Cloud's HTTPS load balancer and front ends. The words of its page are known from public code; its fields are from memory. */
export default defineProduct({
  id: 'google-cloud',
  title: "Google Cloud's load balancer",
  role: 'load-balancer',
  relayedServer: 'keeps',
  namesItself: false,
  logTells: 'In its log statusDetails is response_sent_by_backend where the backend answered so itself, and names the reason where the load balancer did.',
  marks: [
    {
      see: both(
        either(body({ has: ['Error: Server Error'] }), body({ has: ['(Server Error)!!1</title>'] })),
        body({ has: ['The server encountered a temporary error and could not complete your request'] }),
      ),
      tells: 'page',
      basis: 'field',
      says: "Google's own error page",
    },
    { see: body({ has: ['Please try again in 30 seconds'] }), tells: 'style', basis: 'field', says: "words of Google's page" },
    { see: listed('via', { ends: ' google' }), tells: 'path', basis: 'memory', says: "Google's front end adds itself to Via" },
    { see: header('server', { is: 'google frontend' }), tells: 'path', basis: 'memory', says: "Google's front end of App Engine and Cloud Run" },
    { see: cookie('GCLB'), tells: 'path', basis: 'memory', says: 'the cookie of its sticky sessions' },
    { see: cname('run.app', 'ghs.googlehosted.com'), tells: 'path', basis: 'memory', says: 'a name of Google Cloud' },
  ],
  meanings: [
    {
      status: [502, 503],
      text: 'The load balancer could not get a valid answer from a backend.',
      causes: [
        {
          id: 'google-cloud-502-closed',
          title: "The backend closed the connection: its keep-alive time must be above the load balancer's 600 s",
          likelihood: 'common',
          error: 'connection_terminated',
          tells: 'statusDetails is backend_connection_closed_before_data_sent_to_client.',
          next: 'Read statusDetails in the log.',
          command: query,
          basis: 'doc',
          source: docs,
        },
        {
          id: 'google-cloud-502-none',
          title: 'No backend is healthy: the health check fails or a firewall rule keeps it out',
          likelihood: 'common',
          error: 'destination_unavailable',
          tells: 'statusDetails is failed_to_pick_backend.',
          next: 'Ask for the health of the backend service.',
          command: 'gcloud compute backend-services get-health SERVICE --global',
          basis: 'doc',
          source: docs,
        },
        {
          id: 'google-cloud-502-connect',
          title: 'The connection to the backend failed',
          likelihood: 'occasional',
          error: 'connection_refused',
          tells: 'statusDetails is failed_to_connect_to_backend.',
          next: 'Read statusDetails in the log.',
          command: query,
          basis: 'doc',
          source: docs,
        },
        {
          id: 'google-cloud-502-timeout',
          title: 'The backend is slower than the timeout of the backend service (30 s unless set)',
          likelihood: 'common',
          error: 'http_response_timeout',
          tells: 'statusDetails is backend_timeout.',
          next: 'Compare the time of the answer with the timeout.',
          command: "gcloud compute backend-services describe SERVICE --global --format 'value(timeoutSec)'",
          basis: 'doc',
          source: docs,
        },
      ],
    },
    {
      status: [504],
      text: 'The backend gave no answer in time.',
      causes: [
        {
          id: 'google-cloud-504-timeout',
          title: 'The backend is slower than the timeout of the backend service',
          likelihood: 'common',
          error: 'http_response_timeout',
          next: 'Compare the time of the answer with the timeout.',
          command: "gcloud compute backend-services describe SERVICE --global --format 'value(timeoutSec)'",
          basis: 'field',
          source: docs,
        },
      ],
    },
  ],
});
