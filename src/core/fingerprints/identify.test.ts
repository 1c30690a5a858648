import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { judge, problemOf, tally } from '../../../lab/answers/judge.ts';
import type { StageAnswer } from '../../../lab/answers/record.ts';
import type { Attribution, Certainty, ResponseEvidence } from '../model/fingerprint.ts';
import { bytesFromLatin1 } from '../parsers/latin1.ts';
import { identify } from './identify.ts';
import { products } from './products/index.ts';

interface PublicAnswer {
  readonly name: string;
  readonly made: string;
  readonly source: string;
  readonly expect: {
    readonly answeredBy: string | null;
    readonly certainty: Certainty | null;
    readonly passedOn: readonly string[];
    readonly candidates?: readonly string[];
    readonly detail?: string;
  };
  readonly answer: Omit<ResponseEvidence, 'body'> & { readonly body: string };
}

const read = (name: string): unknown => JSON.parse(readFileSync(new URL(`recorded.fixtures/${name}.json`, import.meta.url), 'utf8'));
const fromLab = (read('lab') as { readonly answers: readonly StageAnswer[] }).answers;
const fromPublic = (read('public') as { readonly answers: readonly PublicAnswer[] }).answers;

const nginxPage = (footer: string): string =>
  `<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>${footer}</center>\r\n</body>\r\n</html>\r\n`;

function answer(headers: ResponseEvidence['headers'], text: string, more: Partial<ResponseEvidence> = {}): ResponseEvidence {
  const body = bytesFromLatin1(text);
  return { status: 502, reason: 'Bad Gateway', protocol: 'http/1.1', headers, body, bodyBytes: body.length, ...more };
}

/** `nginx`, `behind nginx`. */
function candidatesOf({ narrowed, cannotTell }: Attribution): string[] {
  const candidates = narrowed?.candidates ?? cannotTell?.candidates ?? [];
  return candidates.map(({ place, product }) => (place === 'behind' ? `behind ${product}` : product));
}

describe('answers of real products in the lab', () => {
  const errors = fromLab.filter(one => one.answer.status >= 500);

  it('are many, and of every status', () => {
    expect(errors.length).toBeGreaterThan(250);
    expect(new Set(errors.map(one => one.answer.status))).toEqual(new Set([502, 503, 504]));
  });

  it('are told rightly, or narrowed to few of whom one made them', () => {
    expect(errors.flatMap(one => problemOf(one) ?? [])).toEqual([]);
  });

  it('are named as often as they were', () => {
    const { named, narrowed, hidden, wrong } = tally(errors);
    expect({ wrong, total: named + narrowed + hidden + wrong }).toEqual({ wrong: 0, total: errors.length });
    expect(named).toBeGreaterThanOrEqual(190);
    expect(hidden).toBeLessThanOrEqual(74);
  });

  const standard: Readonly<Record<number, string>> = { 502: 'Bad Gateway', 503: 'Service Unavailable', 504: 'Gateway Timeout' };

  it.each<[string, (one: StageAnswer['answer']) => Omit<ResponseEvidence, 'body'>]>([
    [
      'HTTP/2, with names in lower case, without a reason and Connection',
      ({ status, headers }) => ({
        status,
        reason: '',
        protocol: 'h2',
        headers: headers.filter(([name]) => name.toLowerCase() !== 'connection').map(([name, value]) => [name.toLowerCase(), value] as const),
      }),
    ],
    [
      'a proxy that sorts the fields, as programs in Go do, and writes words of its own for the status',
      ({ status, headers }) => ({
        status,
        reason: standard[status] ?? '',
        protocol: 'http/1.1',
        headers: headers.toSorted(([a], [b]) => (a.toLowerCase() < b.toLowerCase() ? -1 : 1)),
      }),
    ],
    [
      'a proxy that drops Connection and writes all names in lower case',
      ({ status, reason, headers }) => ({
        status,
        reason,
        protocol: 'http/1.1',
        headers: headers.filter(([name]) => name.toLowerCase() !== 'connection').map(([name, value]) => [name.toLowerCase(), value] as const),
      }),
    ],
  ])('are judged without an error behind %s', (_, change) => {
    const wrong = errors.flatMap(one => {
      const body = bytesFromLatin1(one.answer.body);
      const { problem } = judge(one, identify({ ...change(one.answer), body, bodyBytes: body.length }));
      return problem === undefined || problem.includes('in the order') ? [] : [problem];
    });
    expect(wrong).toEqual([]);
  });
});

describe('answers of products that the lab has not', () => {
  it.each(fromPublic)('$name', ({ answer: { body, ...rest }, expect: wanted, made, source }) => {
    expect(made).not.toBe('');
    expect(source).toMatch(/^https:\/\//);
    const bytes = bytesFromLatin1(body);
    const found = identify({ ...rest, body: bytes, bodyBytes: bytes.length });
    expect(found.answeredBy?.product ?? null).toBe(wanted.answeredBy);
    expect(found.answeredBy?.certainty ?? null).toBe(wanted.certainty);
    expect(found.passedOnBy.map(layer => layer.product)).toEqual(wanted.passedOn);
    if (wanted.candidates !== undefined) expect(candidatesOf(found)).toEqual(wanted.candidates);
    if (wanted.detail !== undefined) expect(found.answeredBy?.detail).toBe(wanted.detail);
  });
});

describe('traps', () => {
  const ids = (evidence: ResponseEvidence): string[] => identify(evidence).traps.map(({ id }) => id);

  it('a page of nginx whose Server field was removed is likely, not sure', () => {
    const found = identify(answer([['Content-Type', 'text/html']], nginxPage('nginx')));
    expect(found.answeredBy).toMatchObject({ product: 'nginx', certainty: 'likely' });
    expect(found.traps.map(({ id }) => id)).toEqual(['server-field-removed', 'page-can-be-copied']);
  });

  it("nginx's page in the hands of a load balancer that says it answered itself is a fixed response", () => {
    const found = identify(answer([['Server', 'awselb/2.0']], nginxPage('nginx/1.22.1')));
    expect(found.answeredBy?.product).toBe('aws-alb');
    expect(found.traps.some(({ id, text }) => id === 'page-can-be-copied' && text.includes('nginx'))).toBe(true);
  });

  it("nginx's page under the name of an Apache is doubted", () => {
    const found = identify(
      answer(
        [
          ['Date', 'x'],
          ['Server', 'Apache/2.4.71 (Debian)'],
          ['Content-Type', 'text/html'],
        ],
        nginxPage('nginx'),
      ),
    );
    expect(found.answeredBy).toBeUndefined();
    expect(candidatesOf(found)).toEqual(['nginx', 'apache', 'behind nginx']);
    expect(ids(answer([['Server', 'Apache/2.4.71 (Debian)']], nginxPage('nginx')))).toContain('server-field-of-another');
  });

  it('products that are made of nginx are kept apart by the last line of the page', () => {
    const by = (footer: string, server: string): string | undefined => identify(answer([['Server', server]], nginxPage(footer))).answeredBy?.product;
    expect(by('nginx', 'nginx')).toBe('nginx');
    expect(by('openresty', 'openresty')).toBe('openresty');
    expect(by('Microsoft-Azure-Application-Gateway/v2', 'Microsoft-Azure-Application-Gateway/v2')).toBe('azure-application-gateway');
    expect(by('somebody', 'somebody')).toBeUndefined();
  });

  it('a page of nginx that bears another name than the Server field has passed a second nginx', () => {
    const found = identify(answer([['Server', 'nginx']], nginxPage('nginx/1.18.0')));
    expect(found.layers.map(({ product, part }) => `${product} ${part}`)).toEqual(['nginx passed-on', 'nginx answered']);
    expect(found.answeredBy?.version).toBe('1.18.0');
  });

  it('a file that a server shows is known by its ETag and its size; over whose error it is shown is not', () => {
    const page = '<h1>We are away</h1>\n';
    const by = (etag: string, server: string): string[] =>
      candidatesOf(
        identify(
          answer(
            [
              ['Server', server],
              ['ETag', etag],
            ],
            page,
          ),
        ),
      );
    expect(by('"6b01dd25-15"', 'nginx')).toEqual(['nginx', 'behind nginx']);
    expect(by('"6b01dd25-16"', 'nginx')).toEqual(['behind nginx', 'nginx']);
    expect(by('"15-660cd30aef524"', 'Apache/2.4.71 (Debian)')).toEqual(['apache', 'behind apache']);
    // As Express writes it: milliseconds, not microseconds.
    expect(by('W/"15-18c5a0f0e12"', 'Apache/2.4.71 (Debian)')).toEqual(['behind apache', 'apache']);
  });

  it("Apache's page is not sure where ProxyErrorOverride may have put it in the place of another's", () => {
    const page = (title: string, words: string): string =>
      `<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 4.01//EN" "http://www.w3.org/TR/html4/strict.dtd">\n<html><head>\n<title>502 ${title}</title>\n</head><body>\n<h1>${title}</h1>\n<p>${words}</p></body></html>\n`;
    const apache = (text: string): ResponseEvidence =>
      answer(
        [
          ['Server', 'Apache/2.4.71 (Debian)'],
          ['Content-Type', 'text/html; charset=iso-8859-1'],
        ],
        text,
      );
    const generic = identify(apache(page('Bad Gateway', 'The proxy server received an invalid response from an upstream server.')));
    expect(generic.answeredBy).toMatchObject({ product: 'apache', certainty: 'likely' });
    expect(generic.traps.map(({ id }) => id)).toContain('page-replaced');
    const own = identify(apache(page('Proxy Error', 'Reason: <strong>Error reading from remote server</strong>')));
    expect(own.answeredBy).toMatchObject({ product: 'apache', certainty: 'sure', detail: 'Error reading from remote server' });
  });

  it('a program in Go that writes the name of the status is not Traefik', () => {
    const fields: ResponseEvidence['headers'] = [
      ['Content-Type', 'text/plain; charset=utf-8'],
      ['Date', 'x'],
      ['Content-Length', '11'],
    ];
    expect(identify(answer(fields, 'Bad Gateway')).answeredBy).toMatchObject({ product: 'traefik', certainty: 'likely' });
    const other = identify(answer([...fields, ['X-Content-Type-Options', 'nosniff']], 'Bad Gateway\n'));
    expect(other.answeredBy).toBeUndefined();
    expect(candidatesOf(other)).toContain('traefik');
    expect(identify(answer([...fields, ['X-Powered-By', 'Express']], 'Bad Gateway')).answeredBy?.product).not.toBe('traefik');
  });

  it("an empty answer whose head is not written as Caddy's may have come from behind it", () => {
    const found = identify(
      answer(
        [
          ['Content-Length', '0'],
          ['Server', 'Caddy'],
          ['Date', 'x'],
        ],
        '',
      ),
    );
    expect(found.answeredBy).toBeUndefined();
    expect(candidatesOf(found)).toEqual(['behind caddy']);
  });

  it('API Gateway is told by the error that it names, and only seen where it names none', () => {
    const request: ResponseEvidence['headers'] = [
      ['x-amzn-RequestId', '2db32477'],
      ['x-amz-apigw-id', 'UxPyCE8NoAMFxBw='],
    ];
    const own = identify(answer([...request, ['x-amzn-ErrorType', 'InternalServerErrorException']], '{"message": null}'));
    expect(own.answeredBy).toMatchObject({ product: 'aws-api-gateway', detail: 'InternalServerErrorException' });
    const passed = identify(answer(request, '<h1>Sorry</h1>'));
    expect(passed.answeredBy).toBeUndefined();
    expect(passed.layers.map(({ product }) => product)).toEqual(['aws-api-gateway']);
  });

  it('an answer to HEAD has no page to be known by', () => {
    const found = identify({ ...answer([['Server', 'nginx/1.22.1']], ''), method: 'HEAD' });
    expect(found.answeredBy).toBeUndefined();
    expect(found.cannotTell?.how).toContain('GET');
    expect(found.traps.map(({ id }) => id)).toContain('no-body');
  });

  it('no body from nginx is not nginx', () => {
    const found = identify(
      answer(
        [
          ['Server', 'nginx/1.22.1'],
          ['Content-Length', '0'],
        ],
        '',
      ),
    );
    expect(found.answeredBy).toBeUndefined();
    expect(candidatesOf(found)).toEqual(['behind nginx']);
  });

  it('a page of 200 is nobody to be told', () => {
    const found = identify(answer([['Server', 'nginx/1.22.1']], 'ok', { status: 200, reason: 'OK' }));
    expect(found.answeredBy).toBeUndefined();
    expect(found.layers.map(layer => layer.product)).toEqual(['nginx']);
  });

  it('a proxy that says in Proxy-Status why it answered is believed where nothing else tells it', () => {
    const found = identify(answer([['Proxy-Status', 'edge.example; error=connection_refused; next-hop="192.0.2.7"']], ''));
    expect(found.proxyStatus).toEqual([{ proxy: 'edge.example', error: 'connection_refused', isRegistered: true, nextHop: '192.0.2.7' }]);
    expect(found.answeredBy).toMatchObject({
      product: 'unknown',
      title: 'the proxy that calls itself edge.example',
      certainty: 'likely',
      detail: 'connection_refused',
    });
    expect(found.cannotTell).toBeUndefined();
  });

  it('a proxy that names the status which it received has only passed it on', () => {
    const found = identify(answer([['Proxy-Status', 'edge.example; error=http_response_incomplete; received-status=502']], ''));
    expect(found.answeredBy).toBeUndefined();
  });

  it('Proxy-Status gives the author its reason, and does not take its place', () => {
    const found = identify(
      answer(
        [
          ['Server', 'nginx'],
          ['Proxy-Status', 'envoy; error=dns_error'],
        ],
        nginxPage('nginx'),
      ),
    );
    expect(found.answeredBy).toMatchObject({ product: 'nginx', certainty: 'sure', detail: 'dns_error' });
    expect(identify(answer([['Proxy-Status', 'cloudflare; error=dns_error']], '')).answeredBy?.product).toBe('cloudflare');
  });

  it('names that a server gives itself cannot speak to the terminal', () => {
    const found = identify(
      answer(
        [
          ['Server', 'gunicorn\u001b[2J\u0007'],
          ['Proxy-Status', '"\u001b[31m"; error=x'],
        ],
        'no',
      ),
    );
    expect(found.layers.some(({ title }) => /[\u0000-\u001f]/.test(title))).toBe(false);
    expect(found.summary).not.toMatch(/[\u0000-\u001f]/);
  });
});

describe('hostile answers', () => {
  const field = fc.tuple(
    fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('Server', 'via', 'X-Cache', 'Set-Cookie', 'Proxy-Status', 'cf-ray', 'Content-Type')),
    fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('nginx', 'Caddy', 'cloudflare', 'Varnish', 'awselb/2.0', '1.1 varnish (Varnish/7.1)', 'gunicorn')),
  );
  const page = fc.oneof(fc.uint8Array({ maxLength: 2000 }), fc.constantFrom(...fromLab.slice(0, 60).map(one => bytesFromLatin1(one.answer.body))));

  it('never make it throw, and it always tells who or why not', () => {
    fc.assert(
      fc.property(
        fc.array(field, { maxLength: 12 }),
        page,
        fc.integer({ min: 0, max: 999 }),
        fc.constantFrom('http/0.9', 'http/1.0', 'http/1.1', 'h2', 'h3'),
        (headers, body, status, protocol) => {
          const found = identify({ status, reason: '', protocol, headers, body, bodyBytes: body.length });
          expect([found.answeredBy, found.narrowed, found.cannotTell].filter(each => each !== undefined)).toHaveLength(1);
          expect(found.answeredBy?.certainty).not.toBe('possible');
          expect(found.narrowed?.candidates.length ?? 1).toBeGreaterThan(0);
          expect(found.layers.every(layer => layer.evidence.length > 0)).toBe(true);
          expect(found.layers.flatMap(layer => layer.evidence).every(({ text }) => text.length <= 200)).toBe(true);
        },
      ),
    );
  });

  it('are read in time however long they are', () => {
    const long = 'nginx/'.repeat(1_000_000);
    const started = performance.now();
    const found = identify(
      answer(
        Array.from({ length: 20_000 }, () => ['Via', long] as const),
        long,
      ),
    );
    expect(performance.now() - started).toBeLessThan(2000);
    expect(found.layers.length).toBeLessThan(40);
  });
});

describe('the products', () => {
  it('have ids that are their own, and a mark that tells them', () => {
    expect(new Set(products.map(({ id }) => id)).size).toBe(products.length);
    expect(products.filter(({ marks }) => !marks.some(({ tells }) => tells !== 'style')).map(({ id }) => id)).toEqual([]);
  });

  it('are variants of products that are there', () => {
    const ids = new Set(products.map(({ id }) => id));
    expect(products.flatMap(({ variantOf }) => variantOf ?? []).filter(id => !ids.has(id))).toEqual([]);
  });
});
