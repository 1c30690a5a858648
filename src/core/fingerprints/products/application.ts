import { cut, plainName, type Finder } from '../marks.ts';
import { defineProduct } from '../product.ts';
import { valuesOf, type View } from '../view.ts';

/** Servers that run an application, as they name themselves in the Server field. */
const servers = [
  'gunicorn',
  'uvicorn',
  'hypercorn',
  'daphne',
  'werkzeug',
  'waitress',
  'wsgiserver',
  'cherrypy',
  'tornadoserver',
  'python/',
  'cowboy',
  'jetty',
  'kestrel',
  'puma',
  'webrick',
  'thin',
  'apache-coyote',
  'undertow',
  'wildfly',
  'phusion passenger',
];
const frameworks = ['express', 'php/', 'asp.net', 'next.js', 'phusion passenger', 'servlet'];

const named =
  (field: string, list: readonly string[]): Finder =>
  view => {
    const value = valuesOf(view, field).find(one => list.some(name => one.toLowerCase().startsWith(name)));
    if (value === undefined || isHeroku(value, view)) return undefined;
    return { part: 'header', text: cut(`${field === 'server' ? 'Server' : 'X-Powered-By'}: ${value}`) };
  };

/** Caddy leaves it in the answer of a FastCGI program (2.6.2 and php-fpm 8.2 in the lab). */
const statusField: Finder = view => {
  const value = valuesOf(view, 'status').find(one => one.startsWith(`${view.status} `) || one === `${view.status}`);
  return value === undefined ? undefined : { part: 'header', text: cut(`Status: ${value}`) };
};

/** Heroku's older router calls itself Cowboy, the server that it is made of. */
function isHeroku(value: string, view: View): boolean {
  return value === 'Cowboy' && valuesOf(view, 'via').some(via => via.includes('vegur'));
}

/** The program at the end of the way: the request has reached it. gunicorn was seen in the lab. */
export default defineProduct({
  id: 'application',
  title: 'the application',
  role: 'application',
  relayedServer: 'replaces',
  namesItself: false,
  titleOf: view => {
    const text = named('server', servers)(view)?.text ?? named('x-powered-by', frameworks)(view)?.text;
    return text === undefined ? undefined : `the application (${plainName(text.slice(text.indexOf(': ') + 2))})`;
  },
  logTells: 'Its own log has the request, with the status that it answered.',
  marks: [
    { see: named('server', servers), tells: 'path', basis: 'live', says: 'the name of a server that runs applications' },
    { see: statusField, tells: 'path', basis: 'live', says: 'the field in which a CGI or FastCGI program gives its status' },
    { see: named('x-powered-by', frameworks), tells: 'path', isShared: true, basis: 'memory', says: 'the name of what applications are made with' },
  ],
  meanings: [
    {
      status: [502, 503, 504],
      text: 'The request reached the application, which made the status itself or passed on that of a service that it asked.',
      causes: [
        {
          id: 'application-dependency',
          title: 'A service that the application asks failed',
          likelihood: 'common',
          error: 'destination_unavailable',
          next: "Read the application's log at the time of the request.",
          command: 'ssh USER@APPLICATION-HOST badhop --since 10m',
          basis: 'field',
        },
        {
          id: 'application-overloaded',
          title: 'The application refuses requests: overload, maintenance, a check of its own',
          likelihood: 'occasional',
          error: 'http_request_denied',
          next: "Read the application's log at the time of the request.",
          command: 'ssh USER@APPLICATION-HOST badhop --since 10m',
          basis: 'field',
        },
      ],
    },
  ],
});
