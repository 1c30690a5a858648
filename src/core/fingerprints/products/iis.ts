import { body, both, cookie, header } from '../marks.ts';
import { arrPage } from '../pages.ts';
import { between, defineProduct } from '../product.ts';

const docs = 'https://learn.microsoft.com/en-us/iis/extensions/troubleshooting-application-request-routing/troubleshooting-502-errors-in-arr';
const codes = 'https://learn.microsoft.com/en-us/troubleshoot/developer/webapps/iis/health-diagnostic-performance/http-status-code';
const unavailable = body({ has: ['<h2>Service Unavailable</h2>', 'HTTP Error 503. The service is unavailable.'] });

/** IIS, its proxy Application Request Routing, and the kernel's http.sys, by Microsoft's documents. */
export default defineProduct({
  id: 'iis',
  title: 'IIS',
  role: 'web-server',
  relayedServer: 'unknown',
  namesItself: true,
  versionAfter: 'Microsoft-IIS/',
  logTells: 'In its log sc-substatus and sc-win32-status name the reason of an error of its own; X-ARR-LOG-ID joins it with the log of the server behind.',
  detail: view => between(view.body, 'HTTP Error ', '</'),
  marks: [
    {
      see: arrPage,
      tells: 'page',
      isShared: true,
      basis: 'doc',
      says: "the page of IIS with Application Request Routing, which Azure's gateway of version 1 shows too",
    },
    { see: body({ has: ['<h2>502 - Web server received an invalid response'] }), tells: 'style', basis: 'doc', says: 'in the frame of IIS' },
    {
      see: both(body({ has: ['HTTP Error 502.5'] }), body({ has: ['ANCM'] })),
      tells: 'page',
      basis: 'doc',
      says: 'the page of the ASP.NET Core module of IIS',
    },
    {
      see: both(body({ has: ['HTTP Error 502.3 - Bad Gateway'] }), body({ has: ['There was a connection error while trying to route the request'] })),
      tells: 'page',
      basis: 'field',
      says: 'the detailed page of IIS for an error of Application Request Routing or of the ASP.NET Core module',
    },
    { see: unavailable, tells: 'page', basis: 'field', says: 'the page of http.sys, for an application pool that does not run' },
    {
      see: header('server', { starts: 'microsoft-httpapi/' }),
      tells: 'own',
      basis: 'doc',
      says: "the kernel's http.sys answered: the request has not reached IIS",
    },
    { see: header('server', { starts: 'microsoft-iis/' }), tells: 'path', basis: 'doc', says: 'IIS answered, or passed it on' },
    { see: header('x-powered-by', { starts: 'arr/' }), tells: 'path', basis: 'doc', says: 'Application Request Routing names itself' },
    { see: cookie('ARRAffinity'), tells: 'style', basis: 'doc', says: 'the cookie of its sticky sessions' },
  ],
  meanings: [
    {
      status: [502],
      text: 'The server behind IIS gave no valid answer, or IIS could not start the application.',
      causes: [
        {
          id: 'iis-502-3-timeout',
          title: 'Application Request Routing waited in vain, or lost the connection (502.3)',
          likelihood: 'common',
          error: 'http_response_timeout',
          tells: 'In the log sc-substatus is 3; sc-win32-status is 12002 for a timeout, 12030 for a closed connection, 12152 for an invalid answer.',
          next: 'Read sc-substatus and sc-win32-status in the log of IIS.',
          basis: 'doc',
          source: docs,
        },
        {
          id: 'iis-502-4-none',
          title: 'No server of the farm is online (502.4)',
          likelihood: 'common',
          error: 'destination_unavailable',
          next: "Look at the farm's health in IIS Manager.",
          basis: 'doc',
          source: codes,
        },
        {
          id: 'iis-502-5-start',
          title: 'The ASP.NET Core process does not start (502.5)',
          likelihood: 'common',
          error: 'destination_unavailable',
          when: ['502.5'],
          tells: 'The page says ANCM Out-Of-Process Startup Failure.',
          next: 'Read the Application event log, and start the program by hand.',
          basis: 'field',
          source: codes,
        },
      ],
    },
    {
      status: [503],
      text: 'The application pool does not run, or its queue is full.',
      causes: [
        {
          id: 'iis-503-pool',
          title: 'The application pool is stopped: too many crashes, a wrong password of its user',
          likelihood: 'common',
          error: 'destination_unavailable',
          tells: 'Server is Microsoft-HTTPAPI/2.0, and the log of IIS has no line.',
          next: 'Look at the state of the pool and at the System event log (WAS).',
          command: '%windir%\\system32\\inetsrv\\appcmd list apppool',
          basis: 'doc',
          source: codes,
        },
      ],
    },
  ],
});
