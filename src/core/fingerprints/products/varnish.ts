import { body, header, listed, members, reason } from '../marks.ts';
import { between, defineProduct } from '../product.ts';
import { isEmpty, placeOf, valueOf, type View } from '../view.ts';

const docs = 'https://varnish-cache.org/docs/trunk/reference/vsl.html';
const log = "varnishlog -g request -q 'FetchError or BerespStatus >= 500'";

/** Its own answers bear its name, and the length that it counts itself stands after Via. */
function passes(view: View): string | undefined {
  const [length, number, age] = ['content-length', 'x-varnish', 'age'].map(name => placeOf(view, name));
  const isAsWritten = number !== undefined && number >= 0 && age === number + 1 && view.isHttp1;
  if (isAsWritten && length !== undefined && length >= 0 && length < number && placeOf(view, 'connection') > age && valueOf(view, 'server') !== 'Varnish') {
    return 'Varnish writes the length of a page of its own after Via, and here it stands among the fields from behind it.';
  }
  const server = valueOf(view, 'server');
  // A server that puts its own name in place hides that of Varnish.
  const isNamed = server === undefined || /^(?:apache|caddy)\b/i.test(server);
  return isEmpty(view) && isNamed ? 'An error of Varnish itself has a page and the name of Varnish, and this answer has neither.' : undefined;
}

/** Varnish 7.1.1 in the lab. Left to itself it answers 503 to everything that goes wrong behind it, and never 502 or 504. */
export default defineProduct({
  id: 'varnish',
  title: 'Varnish',
  role: 'cache',
  relayedServer: 'keeps',
  namesItself: true,
  versionAfter: 'Varnish/',
  logCommand: log,
  ownPageBy: 'vcl_synth or vcl_backend_error',
  passes,
  logTells: 'In varnishlog a FetchError stands beside each error of its own, and BerespStatus is that of an answer from behind.',
  detail: view => between(view.body, '<h1>Error 503 ', '</h1>'),
  copies: view => members(view, 'via').filter(one => one.includes(' varnish (Varnish/')).length,
  marks: [
    { see: body({ has: ['<h3>Guru Meditation:</h3>', '<p>Varnish cache server</p>'] }), tells: 'page', basis: 'live', says: "Varnish's own error page" },
    { see: header('server', { is: 'varnish' }), tells: 'own', basis: 'live', says: 'Varnish writes its name on the answers alone that it makes itself' },
    { see: reason({ is: 'Backend fetch failed' }), tells: 'own', basis: 'live', says: 'words that only Varnish has for a 503' },
    { see: reason({ is: 'VCL failed' }), tells: 'own', basis: 'doc', says: 'words that only Varnish has for a 503' },
    { see: listed('via', { has: [' varnish (varnish/'] }), tells: 'path', basis: 'live', says: 'Varnish adds itself to Via' },
    { see: header('x-varnish'), tells: 'path', basis: 'live', says: 'the numbers that Varnish gives a request' },
  ],
  meanings: [
    {
      status: [503],
      text: 'Varnish got no usable answer from the server behind it, whatever the reason.',
      causes: [
        {
          id: 'varnish-503-connect',
          title: 'The server behind refuses connections or is not reached within connect_timeout (3.5 s)',
          likelihood: 'common',
          error: 'connection_refused',
          tells: 'The FetchError says backend NAME: fail.',
          next: 'Read the FetchError.',
          command: log,
          basis: 'live',
          source: docs,
        },
        {
          id: 'varnish-503-closed',
          title: 'The server behind closed or reset the connection before it had answered',
          likelihood: 'common',
          error: 'connection_terminated',
          tells: 'The FetchError says HTC eof; with POST alone it is a keep-alive race.',
          next: 'Read the FetchError.',
          command: log,
          basis: 'live',
        },
        {
          id: 'varnish-503-slow',
          title: 'The server behind is slower than first_byte_timeout (60 s unless set)',
          likelihood: 'common',
          error: 'http_response_timeout',
          tells: 'The FetchError says first byte timeout.',
          next: 'Read the FetchError.',
          command: log,
          basis: 'live',
        },
        {
          id: 'varnish-503-unhealthy',
          title: 'The health probe says that the server behind is sick, or its connections are at max_connections',
          likelihood: 'common',
          error: 'destination_unavailable',
          tells: 'The FetchError says unhealthy, or busy.',
          next: 'Ask for the state of the servers behind.',
          command: 'varnishadm backend.list -p',
          basis: 'live',
        },
        {
          id: 'varnish-503-header',
          title: 'The answer was no HTTP, or its header too big (http_resp_size, http_resp_hdr_len)',
          likelihood: 'occasional',
          error: 'http_response_header_section_size',
          tells: 'The FetchError says http format error, or overflow.',
          next: 'Read the FetchError.',
          command: log,
          basis: 'live',
        },
      ],
    },
    {
      status: [502, 504],
      text: 'Varnish does not answer so by itself: its VCL does, or the status is that of a server behind it.',
      causes: [
        {
          id: 'varnish-502-vcl',
          title: 'The VCL makes this status (synth, vcl_backend_error)',
          likelihood: 'occasional',
          error: 'proxy_internal_response',
          next: 'Look for it in the VCL that runs.',
          command: "varnishadm vcl.show boot | grep -nE 'synth|status'",
          basis: 'live',
        },
      ],
    },
  ],
});
