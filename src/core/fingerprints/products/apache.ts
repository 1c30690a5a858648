import { body, both, either, header, reason, servedFile, without, type Finder } from '../marks.ts';
import { between, defineProduct } from '../product.ts';
import { isEmpty, placeOf, valueOf, valuesOf, type View } from '../view.ts';

const docs = 'https://httpd.apache.org/docs/2.4/mod/mod_proxy.html';

const frame = body({ starts: '<!DOCTYPE HTML PUBLIC "-//IETF//DTD HTML 2.0//EN">' });
const newFrame = body({ starts: '<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 4.01//EN"' });
const words = either(
  body({ has: ['<title>502 Proxy Error</title>'] }),
  body({ has: ['<title>500 Proxy Error</title>'] }),
  body({ has: ['<title>502 Bad Gateway</title>', 'The proxy server received an invalid'] }),
  body({ has: ['<title>503 Service Unavailable</title>', 'The server is temporarily unable to service your'] }),
  body({ has: ['<title>504 Gateway Timeout</title>', 'The gateway did not receive a timely response'] }),
);

/** Servers that write Server before Date; an Apache that passes their answer on writes Date and Server first (2.4.71 in the lab). */
const serverFirst = ['nginx', 'caddy', 'gunicorn', 'openresty'];

const reordered: Finder = view => {
  const [date, server] = view.fields;
  if (!view.isHttp1 || date?.written !== 'Date' || server?.written !== 'Server') return undefined;
  return serverFirst.some(name => server.value.toLowerCase().startsWith(name)) ? { part: 'header', text: 'Date, Server' } : undefined;
};

/** `"16-6570e8c9b2c40"`: size and time in microseconds, in hexadecimal. */
const isFile = servedFile(/^"([0-9a-f]{1,12})-[0-9a-f]{13,14}(?:-gzip)?"$/);

/** A file as Apache alone dates it: the microseconds of its ETag fall into the second of Last-Modified. */
const isDatedFile: Finder = view => {
  const micros = Number.parseInt(/-([0-9a-f]{13,14})(?:-gzip)?"$/.exec(valueOf(view, 'etag') ?? '')?.[1] ?? '', 16);
  return Math.floor(micros / 1_000_000) * 1000 === Date.parse(valueOf(view, 'last-modified') ?? '') ? isFile(view) : undefined;
};

const namesApache = either(header('server', { starts: 'apache/' }), header('server', { is: 'apache' }));

function passes(view: View): string | undefined {
  const servers = valuesOf(view, 'server');
  if (servers.length > 0 && !servers.some(value => /^apache\b/i.test(value))) {
    return 'Apache puts its own name on an error of its own, and this answer bears that of another.';
  }
  return isEmpty(view) && placeOf(view, 'content-type') < 0
    ? 'An error of Apache itself has a page, and this answer has neither a page nor the type of one.'
    : undefined;
}

/** Apache httpd 2.4.71 with mod_proxy in the lab. It keeps the Server field of what it passes on, and writes its own where there is none. */
export default defineProduct({
  id: 'apache',
  title: 'Apache httpd',
  role: 'web-server',
  relayedServer: 'keeps',
  namesItself: true,
  versionAfter: 'Apache/',
  logTells: 'Its error log has a line of mod_proxy (AH00898, AH01102, AH00957, AH01114) for each error of its own.',
  logCommand: "grep -E 'AH00898|AH01102|AH00957|AH01114' /var/log/apache2/error.log | tail",
  ownPageBy: 'ErrorDocument',
  interceptsBy: 'ProxyErrorOverride',
  passes,
  mayReplace: view =>
    view.body.includes(' Proxy Error</title>') ? undefined : 'With ProxyErrorOverride Apache shows this page in the place of one from behind it.',
  detail: (view: View) => between(view.body, 'Reason: <strong>', '</strong>'),
  marks: [
    { see: both(words, either(frame, newFrame)), tells: 'page', basis: 'live', says: "Apache's own error page" },
    {
      see: both(header('content-type', { is: 'text/html; charset=iso-8859-1' }), words),
      tells: 'style',
      basis: 'live',
      says: 'the type and character set that Apache gives its own pages',
    },
    { see: reason({ is: 'Proxy Error' }), tells: 'own', basis: 'live', says: 'words that only Apache has for a 502' },
    { see: namesApache, tells: 'path', basis: 'live', says: 'Apache answered, or passed on an answer without a name' },
    {
      see: without(isDatedFile, namesApache),
      tells: 'page',
      isShared: true,
      basis: 'live',
      says: 'a file whose ETag is made as Apache makes it, of size and microseconds',
    },
    {
      see: without(both(header('content-type', { is: 'text/html; charset=iso-8859-1' }), namesApache), words),
      tells: 'style',
      basis: 'live',
      says: 'the type and character set that Apache gives a text of its configuration',
    },
    {
      see: both(isFile, header('server', { starts: 'apache' })),
      tells: 'shown',
      basis: 'live',
      says: 'a file that Apache shows in the place of a page: size and time of it are its ETag',
    },
    { see: reordered, tells: 'path', isShared: true, basis: 'live', says: 'Apache writes Date and Server first, and the server that is named does not' },
    {
      see: view => (isEmpty(view) && valueOf(view, 'server')?.startsWith('Apache') === true ? { part: 'body', text: '' } : undefined),
      tells: 'style',
      basis: 'live',
      says: 'no page, and Apache writes one for each error of its own',
    },
  ],
  meanings: [
    {
      status: [502],
      text: 'Apache reached the server behind it and got no valid answer; mod_proxy_http answers so to a timeout too.',
      causes: [
        {
          id: 'apache-502-read',
          title: 'The server behind closed or reset the connection, or took longer than ProxyTimeout',
          likelihood: 'common',
          error: 'connection_terminated',
          when: ['Error reading from remote server'],
          tells: 'In the line AH01102 of the error log the number says which: (20014) closed, (104) reset, (70007) timed out.',
          next: 'Read the number in the error log.',
          command: "grep -E 'AH01102|AH00898' /var/log/apache2/error.log | tail",
          basis: 'live',
          source: docs,
        },
        {
          id: 'apache-502-keepalive',
          title: 'The server behind closes idle connections before Apache does (keep-alive race)',
          likelihood: 'occasional',
          error: 'connection_terminated',
          when: ['Error reading from remote server'],
          tells: 'Only some requests fail, more often after a pause.',
          next: 'Set disablereuse=on, or a ttl below the keep-alive time of the server behind, and watch whether it ends.',
          basis: 'live',
        },
        {
          id: 'apache-502-header',
          title: 'A field of the answer is longer than ResponseFieldSize (8192 bytes unless set)',
          likelihood: 'occasional',
          error: 'http_response_header_size',
          tells: 'The error log says AH10124.',
          next: 'Look for it in the error log; raise responsefieldsize for that ProxyPass.',
          command: 'grep AH10124 /var/log/apache2/error.log | tail',
          basis: 'live',
        },
        {
          id: 'apache-502-chunk',
          title: 'The body of the answer is broken in its chunks',
          likelihood: 'rare',
          error: 'http_response_transfer_coding',
          tells: 'The error log says AH01590.',
          next: 'Ask the server behind directly and look at its body.',
          basis: 'live',
        },
      ],
    },
    {
      status: [503],
      text: 'Apache could not connect to the server behind it, or keeps it back after an error.',
      causes: [
        {
          id: 'apache-503-connect',
          title: 'Nothing listens on the address that Apache passes to, or it cannot be reached',
          likelihood: 'common',
          error: 'connection_refused',
          tells: 'The error log says AH00957 with the error: (111) refused, (110) timed out, (113) no route, (13) forbidden by SELinux, (2) no such socket.',
          next: 'Read the error, and whether the server behind listens.',
          command: "grep -E 'AH00957|AH01114|AH02454' /var/log/apache2/error.log | tail",
          basis: 'live',
          source: docs,
        },
        {
          id: 'apache-503-error-state',
          title: 'A balancer member is kept back for 60 seconds after it failed once',
          likelihood: 'common',
          error: 'destination_unavailable',
          tells: 'The error log says AH00959 disabling worker for 60s, and the errors last up to a minute after the server is back.',
          next: 'Mend the member, and set retry= on it to a few seconds.',
          command: "grep -E 'AH00959|AH00940|AH01170' /var/log/apache2/error.log | tail",
          basis: 'live',
        },
        {
          id: 'apache-503-fastcgi',
          title: 'PHP-FPM is not there or its worker died while it answered',
          likelihood: 'occasional',
          error: 'connection_terminated',
          tells: 'The error log says AH01079 or AH01067.',
          next: 'Look at the log of php-fpm at that second.',
          command: "grep -E 'AH01079|AH01067' /var/log/apache2/error.log | tail",
          basis: 'source',
        },
        {
          id: 'apache-503-pool',
          title: 'All connections of the pool to the server behind are in use',
          likelihood: 'rare',
          error: 'connection_limit_reached',
          tells: 'The error log says AH00941.',
          next: 'Raise max= of the worker, or see why the server behind is slow.',
          command: 'grep AH00941 /var/log/apache2/error.log | tail',
          basis: 'source',
        },
      ],
    },
    {
      status: [504],
      text: 'A FastCGI, uwsgi or AJP server behind Apache gave no answer in time; to an HTTP server Apache would have answered 502.',
      causes: [
        {
          id: 'apache-504-fastcgi',
          title: 'The FastCGI server is slower than ProxyTimeout (60 s unless set), or hangs',
          likelihood: 'common',
          error: 'http_response_timeout',
          tells: 'The error log says AH01075 with (70007).',
          next: "Look at php-fpm's slow log and at its status page.",
          command: 'grep AH01075 /var/log/apache2/error.log | tail',
          basis: 'live',
          source: docs,
        },
      ],
    },
    {
      status: [500],
      text: 'Apache says Proxy Error with a 500 where the TLS handshake or the name lookup for the server behind failed.',
      causes: [
        {
          id: 'apache-500-tls',
          title: 'The TLS handshake with the server behind failed',
          likelihood: 'common',
          error: 'tls_protocol_error',
          when: ['Error during SSL Handshake'],
          tells: 'The page gives it as its reason; the error log says AH02003 and AH01084.',
          next: 'Try the handshake from the host of Apache.',
          command: 'openssl s_client -connect BACKEND:443 -servername NAME </dev/null',
          basis: 'live',
        },
        {
          id: 'apache-500-dns',
          title: 'The name of the server behind cannot be resolved',
          likelihood: 'common',
          error: 'dns_error',
          when: ['DNS lookup failure'],
          tells: 'The page gives it as its reason, with the name.',
          next: 'Resolve the name on the host of Apache.',
          command: 'getent ahosts NAME',
          basis: 'live',
        },
      ],
    },
  ],
});
