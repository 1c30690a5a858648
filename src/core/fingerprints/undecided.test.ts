import { describe, expect, it } from 'vitest';
import type { Attribution, ResponseEvidence } from '../model/fingerprint.ts';
import { bytesFromLatin1 } from '../parsers/latin1.ts';
import { identify } from './identify.ts';

/** `Server: nginx | Date: x`; the words of the status stand first. */
function told(reason: string, head: string, page: string, protocol: ResponseEvidence['protocol'] = 'http/1.1'): Attribution {
  const headers = head.split(' | ').map(field => [field.slice(0, field.indexOf(':')), field.slice(field.indexOf(':') + 1).trim()] as const);
  const body = bytesFromLatin1(page);
  return identify({ status: Number(reason.slice(0, 3)), reason: reason.slice(4), protocol, headers, body, bodyBytes: body.length });
}

/** `caddy`; or `behind nginx, nginx`. */
function who({ answeredBy, narrowed, cannotTell }: Attribution): string {
  if (answeredBy !== undefined) return answeredBy.product;
  const candidates = narrowed?.candidates ?? cannotTell?.candidates ?? [];
  return candidates.map(({ place, product }) => (place === 'behind' ? `behind ${product}` : product)).join(', ');
}

const page = '<h1>Sorry</h1>';
const away = '<h1>We are away for a moment.</h1>\n';
const nginx = 'Server: nginx | Date: x';
const apache = 'Date: x | Server: Apache';
const varnish = 'X-Varnish: 98306 | Age: 0 | Via: 1.1 varnish (Varnish/7.1)';
const file = 'Content-Type: text/html | Last-Modified: Sat, 21 Nov 2026 18:04:21 GMT';
const caddyFile = (etag: string): string =>
  `Content-Length: 35 | Content-Type: text/html | Etag: ${etag} | Last-Modified: Sat, 21 Nov 2026 21:13:50 GMT | Server: Caddy | Date: x`;
const long = 'x'.repeat(4000);

describe('where the page names nobody, it was', () => {
  it.each([
    ['behind nginx, by words that nginx has not', '503 Service Unavailable', `${nginx} | Content-Type: text/html`, page, 'behind nginx'],
    ['nginx first, by its words for a 503', '503 Service Temporarily Unavailable', `${nginx} | Content-Type: text/html`, page, 'nginx, behind nginx'],
    ['nginx first, by words that few have but nginx', '504 Gateway Time-out', `${nginx} | Content-Type: text/html`, page, 'nginx, behind nginx'],
    ['behind nginx, by words of 504', '504 Gateway Timeout', `${nginx} | Content-Type: text/html`, page, 'behind nginx'],
    ['open, where another has written the words', '503 Service Unavailable', 'Date: x | Content-Type: text/html | Server: nginx', page, 'behind nginx, nginx'],
    ['open, where a Caddy has written the words', '503 Service Unavailable', 'Date: x | Server: Caddy | Server: nginx', page, 'behind nginx, nginx'],
    ['behind nginx, without a page and a type of one', '502 Bad Gateway', `${nginx} | Content-Length: 0`, '', 'behind nginx'],
    ['open, with the type of a page that is not there', '502 Bad Gateway', `${nginx} | Content-Type: text/html | Content-Length: 0`, '', 'behind nginx, nginx'],
    ['behind Apache, without a page and a type of one', '502 Bad Gateway', `${apache} | Content-Length: 0`, '', 'behind apache'],
    [
      'open behind Apache, with a type',
      '502 Bad Gateway',
      `${apache} | Content-Length: 0 | Content-Type: text/html; charset=UTF-8`,
      '',
      'behind apache, apache',
    ],
    [
      'Apache first, by the type of its texts',
      '503 Service Unavailable',
      `${apache} | Content-Type: text/html; charset=iso-8859-1`,
      page,
      'apache, behind apache',
    ],
    ['not Apache, where another name was passed on', '502 Bad Gateway', 'Date: x | Server: nginx | Content-Type: text/html', page, 'behind nginx, nginx'],
    [
      'behind Varnish, by a length among the fields from behind',
      '503 Service Unavailable',
      `Content-Length: 14 | Date: x | ${varnish} | Connection: close`,
      page,
      'behind varnish',
    ],
    [
      'Varnish, by its name and a length that it counted',
      '503 Service Unavailable',
      `Date: x | Server: Varnish | ${varnish} | Content-Length: 14 | Connection: close`,
      page,
      'varnish',
    ],
    [
      'open, where the name of Varnish was taken out',
      '503 Service Unavailable',
      `Date: x | ${varnish} | Content-Length: 14 | Connection: close`,
      page,
      'behind varnish, varnish',
    ],
    ['behind Caddy, by a length that stands before its name', '502 Bad Gateway', 'Content-Length: 0 | Server: Caddy | Date: x', '', 'behind caddy'],
    ['Caddy, by a length that it counted', '502 Bad Gateway', 'Server: Caddy | Date: x | Content-Length: 0', '', 'caddy'],
    ['Caddy or behind it, by a file as Caddy dates it', '502 Bad Gateway', caddyFile('"tovez2z"'), away, 'caddy, behind caddy'],
    ['open, by a file that another has dated', '502 Bad Gateway', caddyFile('"2z-1"'), away, 'behind caddy, caddy'],
    [
      'open, by a length before its name and with a page, as of a template',
      '502 Bad Gateway',
      'Content-Length: 14 | Server: Caddy | Date: x',
      page,
      'behind caddy, caddy',
    ],
    ['open, where the fields were sorted on the way', '502 Bad Gateway', 'Content-Length: 0 | Date: x | Server: Caddy', '', 'caddy, behind caddy'],
    ['open, where Apache has put the first fields in its order', '502 Bad Gateway', 'Date: x | Server: Caddy | Content-Length: 0', '', 'caddy, behind caddy'],
    [
      'behind Caddy, by a short page that it has not counted',
      '503 x',
      'Content-Type: text/html | Server: Caddy | Date: x | Transfer-Encoding: chunked',
      page,
      'behind caddy',
    ],
    [
      'open, where the page is too long to be counted',
      '503 x',
      'Content-Type: text/html | Server: Caddy | Date: x | Transfer-Encoding: chunked',
      long,
      'behind caddy, caddy',
    ],
    [
      'the application, by the field of a FastCGI program',
      '502 x',
      'Content-Type: text/html | Server: Caddy | Status: 502 Bad Gateway | Date: x | Content-Length: 0',
      '',
      'application',
    ],
    ['the application, by that field and without a type', '502 x', 'Server: Caddy | Status: 502 Bad Gateway | Date: x | Content-Length: 0', '', 'application'],
    [
      'no application by a Status of another kind',
      '502 x',
      'Content-Type: text/html | Server: Caddy | Status: fine | Date: x | Content-Length: 14',
      page,
      'caddy, behind caddy',
    ],
    ['HAProxy or a program, without Date and Server', '503 Service Unavailable', 'content-type: text/html', page, 'haproxy, application'],
    ['hidden, with Date and without Server', '503 Service Unavailable', 'Date: x | Content-Type: text/html', page, 'application, unknown'],
  ])('%s', (_, reason, head, text, expected) => {
    expect(who(told(reason, head, text))).toBe(expected);
  });

  it('open under HTTP/2, which has no words for a status', () => {
    expect(who(told('503 ', 'server: nginx | date: x | content-type: text/html', page, 'h2'))).toBe('behind nginx, nginx');
  });
});

describe('a candidate', () => {
  it('behind a proxy that hides names is said to be like those that answer so', () => {
    const [only] = told('502 Bad Gateway', `${nginx} | Content-Length: 0`, '').narrowed?.candidates ?? [];
    expect(only?.like).toEqual(['caddy', 'go-reverse-proxy']);
    // Go's reverse proxy answers 502 and nothing else.
    expect(told('504 Gateway Timeout', `${nginx} | Content-Length: 0`, '').narrowed?.candidates[0]?.like).toEqual(['caddy']);
  });

  it('is like Apache where the ETag is made of microseconds that fall into Last-Modified', () => {
    const dated = told('503 Service Unavailable', `${nginx} | ${file} | ETag: "23-660cd30aef524"`, away);
    expect(dated.narrowed?.candidates[0]?.like).toEqual(['apache']);
    expect(told('503 Service Unavailable', `${nginx} | ${file} | ETag: "23-650cd30aef524"`, away).narrowed?.candidates[0]?.like).toEqual([]);
  });

  it('says why, what would tell it, and the command', () => {
    const { narrowed, summary } = told('502 Bad Gateway', `${nginx} | Content-Type: text/html`, page);
    expect(summary).toMatch(/^What stands behind nginx, or nginx itself, made the 502\. /);
    const [behind, itself] = narrowed?.candidates ?? [];
    expect(behind).toMatchObject({ title: 'what stands behind nginx', command: 'badhop trace --origin ADDRESS URL' });
    expect(itself?.tells).toContain('$upstream_status');
    expect(itself?.because).toContain('error_page');
  });
});
