import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runCollector, TEST_CONTEXT } from '../collectors/testing.ts';
import accessLog from '../collectors/nginx-access-log.ts';
import errorLog from '../collectors/nginx-error-log.ts';
import type { Request } from '../model/collector.ts';
import { absent, known, type Known } from '../model/fact.ts';
import type { NginxLayout } from '../model/facts/topology.ts';
import circumstances from './circumstances.ts';
import symptoms from './symptoms.ts';

const { nowMs, sinceMs } = TEST_CONTEXT;
const origin = { kind: 'file', path: '/etc/nginx/nginx.conf', line: 7 } as const;
const format = '$remote_addr [$time_iso8601] "$request" $status $body_bytes_sent $request_length "$request_completion"';
const layout: NginxLayout = {
  servers: [
    {
      id: 's',
      instanceId: 'nginx',
      names: ['a.example'],
      listens: [],
      origin: { path: origin.path, line: 1 },
      accessLogs: [{ path: '/access.log', format: 'f', origin }],
      errorLogs: [{ path: '/error.log', level: 'error', origin }],
    },
  ],
  routes: [],
  groups: [],
  logFormats: [{ instanceId: 'nginx', name: 'f', format, escape: 'default', origin }],
  mainErrorLogs: [],
  fixedAnswers: [],
  hostNames: [],
};

interface Sent {
  readonly client?: string;
  readonly method?: string;
  readonly uri?: string;
  readonly status?: number;
  readonly size?: number;
  readonly sent?: number;
  readonly completion?: string;
  readonly atMs?: number;
  /** A record of the error log that goes with it. */
  readonly error?: string;
}

/** What the report would say of where, of a host with these requests in its logs, spread over ten minutes unless they have a time. */
function whereOn(requests: readonly Sent[]): readonly string[] {
  const stepMs = Math.max(1, Math.floor(600_000 / Math.max(1, requests.length)));
  const timed = requests.map((request, index) => ({ ...request, atMs: request.atMs ?? nowMs - 601_000 + index * stepMs })).toSorted((a, b) => a.atMs - b.atMs);
  const iso = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}+00:00`;
  const wall = (ms: number): string => new Date(ms).toISOString().slice(0, 19).replaceAll('-', '/').replace('T', ' ');
  const access = timed.map(
    ({ client = '192.0.2.1', method = 'GET', uri = '/', status = 200, size = 400, sent = 900, completion = 'OK', atMs }) =>
      `${client} [${iso(atMs)}] "${method} ${uri} HTTP/1.1" ${status} ${sent} ${size} "${completion}"\n`,
  );
  const errors = timed.flatMap(({ client = '192.0.2.1', method = 'GET', uri = '/', error, atMs }) =>
    error === undefined
      ? []
      : [
          `${wall(atMs)} [error] 7#7: *4 ${error}, client: ${client}, server: a.example, request: "${method} ${uri} HTTP/1.1", upstream: "http://127.0.0.1:8080${uri}", host: "a.example"\n`,
        ],
  );
  const files: Readonly<Record<string, string>> = { '/access.log': access.join(''), '/error.log': errors.join('') };
  const answer = (request: Request): Known<unknown> | undefined => {
    if (request.kind === 'list') return known(Object.keys(files).map(path => path.slice(1)));
    if (request.kind !== 'read' && request.kind !== 'stat') return absent('not asked');
    const bytes = new TextEncoder().encode(files[request.path] ?? '');
    if (request.kind === 'stat') return known({ kind: 'file', size: bytes.length, modifiedMs: nowMs });
    const { offset = 0, limit = 1 << 20 } = request.options ?? {};
    return known({ bytes: bytes.subarray(offset, offset + limit), size: bytes.length, atEnd: offset + limit >= bytes.length });
  };
  const around = { 'nginx-layout': known(layout), 'nginx-instances': absent('none'), 'host-identity': absent('none') } as const;
  const logs = {
    'nginx-access-log': runCollector(accessLog, around, { answer }).fact,
    'nginx-error-log': runCollector(errorLog, around, { answer }).fact,
  };
  const context = { sinceMs, nowMs, clock: { nowMs, zone: 'UTC', offsetMinutes: 0 }, probing: true };
  const seen = symptoms.derive(
    {
      ...logs,
      'nginx-layout': absent(''),
      topology: absent(''),
      'probe-results': absent(''),
      'nginx-instances': absent(''),
      'nginx-config': absent(''),
      'upgrade-answers': absent(''),
    },
    context,
  );
  const fact = circumstances.derive({ ...logs, symptoms: seen, changes: known([]), topology: absent('') }, context);
  return fact.state === 'known' ? fact.value.flatMap(each => each.where ?? []) : [];
}

const times = (count: number, make: (index: number) => Sent): readonly Sent[] => Array.from({ length: count }, (_, index) => make(index));
/** Requests of two kinds, mixed in time as they come. */
const mixed = (...lists: readonly (readonly Sent[])[]): readonly Sent[] =>
  lists
    .flatMap(list => list.map((one, index) => ({ one, at: (index + 0.5) / list.length })))
    .toSorted((a, b) => a.at - b.at)
    .map(({ one }) => one);
const someone = (index: number): string => `198.51.${index % 90}.${1 + (index % 200)}`;

describe('from whom', () => {
  it('is said of one client that nearly all failures go to and few requests come from', () => {
    const requests = mixed(
      times(40, () => ({ client: '203.0.113.9', status: 502 })),
      times(400, index => ({ client: someone(index) })),
      times(5, () => ({ client: '203.0.113.9' })),
    );
    expect(whereOn(requests)).toEqual(['only from 203.0.113.9']);
  });

  it('is said of the network where its clients fail in turn', () => {
    const requests = mixed(
      times(60, index => ({ client: `203.0.113.${index}`, status: 502 })),
      times(400, index => ({ client: someone(index) })),
    );
    expect(whereOn(requests)).toEqual(['only from 203.0.113.0/24']);
    const sixth = mixed(
      times(60, index => ({ client: `2001:db8:7:${index}::1`, status: 502 })),
      times(400, index => ({ client: `2001:db8:${index + 10}::1` })),
    );
    expect(whereOn(sixth)).toEqual(['only from 2001:db8:7::/48']);
  });

  it('is said as mostly where others fail, too', () => {
    const requests = mixed(
      times(90, () => ({ client: '203.0.113.9', status: 502 })),
      times(10, index => ({ client: someone(index), status: 502 })),
      times(400, index => ({ client: someone(index) })),
    );
    expect(whereOn(requests)).toEqual(['mostly from 203.0.113.9']);
  });

  it.each([
    [
      'one client that sends most of what is sent',
      mixed(
        times(40, () => ({ client: '10.0.0.5', status: 502 })),
        times(900, () => ({ client: '10.0.0.5' })),
        times(60, index => ({ client: someone(index) })),
      ),
    ],
    [
      'a handful of failures',
      mixed(
        times(4, () => ({ client: '203.0.113.9', status: 502 })),
        times(900, index => ({ client: someone(index) })),
      ),
    ],
    [
      'failures of everybody',
      mixed(
        times(60, index => ({ client: someone(index), status: 502 })),
        times(600, index => ({ client: someone(index * 7) })),
      ),
    ],
    [
      'a page that only one client asks for',
      mixed(
        times(60, () => ({ client: '203.0.113.9', uri: '/api', status: 502 })),
        times(600, index => ({ client: someone(index) })),
      ),
    ],
    [
      'a time in which nothing worked and one client was there',
      [
        ...times(300, index => ({ client: someone(index), atMs: nowMs - 400_000 + index * 500 })),
        ...times(100, index => ({ client: '203.0.113.9', status: 502, atMs: nowMs - 60_000 + index * 500 })),
      ],
    ],
    [
      'text that is no address',
      mixed(
        times(60, () => ({ client: 'evil<b>', status: 502 })),
        times(600, index => ({ client: someone(index) })),
      ),
    ],
  ])('is not said of %s', (_name, requests) => {
    expect(whereOn(requests).filter(text => text.includes('from'))).toEqual([]);
  });
});

describe('how large', () => {
  const uploads = (count: number, size: (index: number) => number, status = 200): readonly Sent[] =>
    times(count, index => ({ client: someone(index), method: 'POST', uri: '/upload', size: size(index), status }));

  it('is said where the larger requests for a page fail and the smaller ones pass', () => {
    const requests = mixed(
      uploads(40, index => 1_100_000 + index * 20_000, 502),
      uploads(200, index => 2000 + index * 3000),
      times(300, index => ({ client: someone(index), uri: '/other' })),
    );
    expect(whereOn(requests)).toEqual(['only POST /upload, requests of about 1.0 MiB and more']);
  });

  it('is said of answers that were cut, where the log tells those apart', () => {
    const error = 'upstream prematurely closed connection while reading upstream';
    const requests = mixed(
      times(30, index => ({ client: someone(index), uri: '/export', sent: 2_200_000 + index * 1000, completion: '', error })),
      times(300, index => ({ client: someone(index), uri: '/export', sent: 3000 + index * 1000 })),
    );
    expect(whereOn(requests)).toEqual(['only answers of about 2.0 MiB and more']);
  });

  it.each([
    [
      'failures of every size',
      mixed(
        uploads(60, index => 2000 + index * 9000, 502),
        uploads(300, index => 2000 + index * 2000),
      ),
    ],
    [
      'a page that never works',
      mixed(
        uploads(60, () => 900_000, 502),
        times(300, index => ({ client: someone(index), size: 400 })),
      ),
    ],
    [
      'a handful of failures',
      mixed(
        uploads(4, () => 3_000_000, 502),
        uploads(300, index => 2000 + index),
      ),
    ],
    [
      'large ones that fail no more than half the time',
      mixed(
        uploads(30, () => 3_000_000, 502),
        uploads(40, () => 3_000_000),
        uploads(300, () => 2000),
      ),
    ],
    [
      'answers that clients left',
      mixed(
        times(40, index => ({ client: someone(index), uri: '/video', sent: 5_000_000, completion: '' })),
        times(9, index => ({
          client: someone(index),
          uri: '/video',
          sent: 100,
          completion: '',
          error: 'upstream prematurely closed connection while reading upstream',
        })),
        times(300, index => ({ client: someone(index), uri: '/video', sent: 3000 })),
      ),
    ],
  ])('is not said of %s', (_name, requests) => {
    expect(whereOn(requests).filter(text => text.includes('about'))).toEqual([]);
  });
});

it('says nothing of client or size where chance alone decides what fails', () => {
  const request = fc.record({ who: fc.nat(30), weight: fc.nat(3), big: fc.boolean(), fails: fc.integer({ min: 0, max: 99 }) });
  fc.assert(
    fc.property(fc.array(request, { minLength: 60, maxLength: 300 }), fc.integer({ min: 2, max: 60 }), (all, share) => {
      const requests = all.map(({ who, weight, big, fails }) => ({
        // Few clients send much and many send little.
        client: weight === 0 ? someone(who) : `203.0.113.${weight}`,
        size: big ? 90_000 + who : 500 + who,
        status: fails < share ? 502 : 200,
      }));
      expect(whereOn(requests)).toEqual([]);
    }),
    { numRuns: 60 },
  );
});
