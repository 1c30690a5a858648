import { body, cname, cookie, header } from '../marks.ts';
import { defineProduct } from '../product.ts';

/** Azure App Service: the front end of web apps, made of IIS with Application Request Routing. */
export default defineProduct({
  id: 'azure-app-service',
  title: 'Azure App Service',
  role: 'platform',
  relayedServer: 'keeps',
  namesItself: false,
  marks: [
    { see: body({ has: [':( Application Error'] }), tells: 'page', basis: 'memory', says: 'its page for an application that does not start' },
    { see: header('x-ms-middleware-request-id'), tells: 'path', basis: 'memory', says: 'its number of a request' },
    { see: cookie('ARRAffinity'), tells: 'path', basis: 'doc', says: 'the cookie of its sticky sessions, which IIS with Application Request Routing sets too' },
    { see: cname('azurewebsites.net'), tells: 'path', basis: 'doc', says: 'the name of a web app' },
  ],
  meanings: [
    {
      status: [502, 503, 504],
      text: 'The application did not answer its front end.',
      causes: [
        {
          id: 'azure-app-service-start',
          title: 'The application does not start, crashes, or listens on another port',
          likelihood: 'common',
          error: 'destination_unavailable',
          next: 'Read the log stream of the web app.',
          command: 'az webapp log tail -g GROUP -n APP',
          basis: 'memory',
        },
        {
          id: 'azure-app-service-slow',
          title: 'The request took longer than the 230 s of the front end',
          likelihood: 'occasional',
          error: 'http_response_timeout',
          tells: 'The answer comes after 230 s.',
          next: 'Make the work asynchronous.',
          basis: 'memory',
        },
      ],
    },
  ],
});
