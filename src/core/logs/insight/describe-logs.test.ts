import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cloudflareFormats } from '../formats/cloudflare.ts';
import { nginxFormat } from '../formats/nginx-format.ts';
import { emptyRollUp, sumOfRollUps } from '../scan/merge.ts';
import type { RollUp } from '../scan/roll-up.ts';
import { describeLogs } from './describe-logs.ts';
import { keyOf } from './groups.ts';
import type { LogsInput, LogsInsight } from './input.ts';
import { SampleReader } from './sample-lines.ts';
import { combinedFormat, errorFormats, fullFormat, inputOf, insightOf, makeLogs, scanText, type Failure, type Traffic } from './testing.ts';

const hour = 3_600_000;
const formats = [fullFormat, combinedFormat, ...errorFormats];
const nginx = (status: number, message?: string): Failure => ({ status, madeBy: 'nginx', ...(message === undefined ? {} : { message }) });
const refused = 'connect() failed (111: Connection refused) while connecting to upstream';
const noLive = 'no live upstreams while connecting to upstream';
const timedOut = 'upstream timed out (110: Connection timed out) while reading response header from upstream';
const tooBig = 'upstream sent too big header while reading response header from upstream';

function describeText(path: string, text: string, more: Partial<LogsInput> = {}): LogsInsight {
  return describeLogs(inputOf(scanText(path, text, formats), formats, more));
}

function errorsOnly(traffic: Traffic): LogsInsight {
  return describeText('/var/log/nginx/error.log', makeLogs(traffic).error);
}

const outage: Traffic = {
  seed: 1,
  hours: 2,
  rate: 1,
  fail: (_, random, sinceMs) => (sinceMs > hour ? nginx(502, random() < 0.7 ? refused : noLive) : undefined),
};

describe('an outage that goes on', () => {
  const insight = insightOf(outage, true);
  const [problem] = insight.problems;

  it('is one problem: the requests with the messages that belong to them', () => {
    expect(insight.verdict).toBe('failing');
    expect(insight.problems).toHaveLength(1);
    expect(problem).toMatchObject({ status: 502, madeBy: 'nginx', class: 'connect-refused', ongoing: true, shape: { when: 'steady' } });
    expect(problem?.messages.map(message => message.class)).toEqual(['connect-refused', 'no-live-upstreams']);
    expect(problem?.count).toBe(insight.totals.failed);
    expect(problem?.share).toBeCloseTo((problem?.count ?? 0) / insight.totals.requests, 4);
  });

  it('has samples and evidence that stand in the logs as they are, where they say', () => {
    const { access, error } = makeLogs(outage);
    const texts = [...(problem?.samples ?? []), ...insight.findings.flatMap(({ evidence }) => evidence)];
    expect(texts.length).toBeGreaterThan(4);
    for (const { source, text } of texts) {
      const [, path = '', offset = ''] = /^file:(.*)@(\d+)$/u.exec(source) ?? [];
      expect((path.endsWith('access.log') ? access : error).slice(Number(offset), Number(offset) + text.length)).toBe(text);
    }
  });

  it('is not blamed on what follows of it, nor on one cause where the message has several', () => {
    const [first, ...rest] = insight.findings;
    expect(first).toMatchObject({ fault: 'backend-down', confidence: 'possible', status: 'active', share: 1 });
    expect(first?.title).toMatch(/^Possibly /u);
    expect(rest.every(({ share }) => share === 0)).toBe(true);
    expect(insight.findings.map(({ fault }) => fault)).not.toContain('no-live-upstreams');
  });

  it('says what to run, from before the first failure on', () => {
    expect(insight.next[0]?.command).toBe('badhop --since 48h');
  });

  it('has a time line whose sums are the totals', () => {
    const sum = (counts: readonly number[]): number => counts.reduce((all, count) => all + count, 0);
    const { timeline, totals } = insight;
    expect(timeline.requests.length).toBeLessThanOrEqual(240);
    expect([sum(timeline.requests), sum(timeline.failed), sum(timeline.errors)]).toEqual([totals.requests, totals.failed, totals.errors]);
    expect(timeline.median).toHaveLength(timeline.requests.length);
    expect(timeline.byStatus.map(({ status }) => status)).toEqual(['502']);
  });

  it('is told of the error log alone too, with what follows behind what it follows of', () => {
    const alone = errorsOnly(outage);
    expect(alone.verdict).toBe('failing');
    expect(alone.problems.map(each => [each.class, each.share])).toEqual([
      ['connect-refused', undefined],
      ['no-live-upstreams', undefined],
    ]);
    expect(alone.findings[0]?.fault).toBe('backend-down');
    expect(alone.findings.find(({ fault }) => fault === 'no-live-upstreams')?.causedBy).toBe('backend-down');
    expect(alone.notChecked.map(({ what }) => what)).toContain('the share of requests that fails');
  });
});

it('an outage that is over is recovered, with its start and end', () => {
  const fail: Traffic['fail'] = (_, _random, sinceMs) => (sinceMs > 0.5 * hour && sinceMs < hour ? nginx(502, refused) : undefined);
  const insight = insightOf({ ...outage, fail }, true);
  expect(insight).toMatchObject({ verdict: 'recovered', problems: [{ ongoing: false, shape: { when: 'burst' } }] });
  expect(insight.findings.every(({ status }) => status === 'past')).toBe(true);
  expect(insight.problems[0]?.shape.bursts[0]?.from.slice(0, 15)).toBe('2026-11-20T00:3');
  expect(insight.problems[0]?.shape.bursts[0]?.to.slice(0, 14)).toMatch(/^2026-11-20T0[01]:/u);
});

it('messages go to the requests that nginx answers after them', () => {
  const fail: Traffic['fail'] = (request, random) => {
    if (request.uri.startsWith('/api/v1/search') && random() < 0.5) return nginx(504, timedOut);
    return random() < 0.01 ? nginx(502, tooBig) : undefined;
  };
  const insight = insightOf({ seed: 3, hours: 3, rate: 2, fail }, true);
  const classes = new Map(insight.problems.map(({ status, class: kind }) => [status, kind]));
  expect(classes).toEqual(
    new Map([
      [504, 'read-timeout'],
      [502, 'header-too-big'],
    ]),
  );
  expect(insight.findings.map(({ fault, confidence }) => `${confidence} ${fault}`)).toEqual(
    expect.arrayContaining(['confirmed response-header-too-big', 'likely backend-slower-than-timeout']),
  );
});

it('tries that fail behind good answers are told, with the peer, and fail nobody', () => {
  const fail: Traffic['fail'] = ({ peer }, random) => (peer === '10.0.0.2:8080' && random() < 0.4 ? { madeBy: 'nginx', message: refused } : undefined);
  const insight = insightOf({ seed: 4, hours: 2, rate: 1, peers: 5, fail }, true);
  expect(insight).toMatchObject({ verdict: 'at-risk', totals: { failed: 0 } });
  expect(insight.totals.hiddenRetries).toBe(insight.problems[0]?.count);
  expect(insight.peers.find(({ standsOut }) => standsOut)?.peer).toBe('10.0.0.2:8080');
  expect(insight.findings.map(({ fault }) => fault)).toContain('retries-hide-failures');
});

it('a log that cannot say who made an answer says what to add to it', () => {
  const { access } = makeLogs({ seed: 5, hours: 1, rate: 1, fail: (_, random) => (random() < 0.05 ? nginx(502) : undefined) });
  const insight = describeText('/srv/my logs/access.log', access.replace(/ \d+ [\d.]+ "10\..*$/gmu, ''));
  expect(insight.problems).toMatchObject([{ status: 502, madeBy: 'unknown' }]);
  expect(insight.findings).toMatchObject([{ fault: 'logging-not-ready', advice: true }]);
  expect(insight.next.map(({ command }) => command)).toEqual([
    'badhop --since 49h',
    expect.stringMatching(/^log_format badhop .*\$upstream_header_time/u),
    "badhop logs '/srv/my logs/access.log' '/srv/my logs/error.log'",
  ]);
});

describe('nothing is found', () => {
  it('in notices, and in what clients and scanners bring about', () => {
    const line = (at: number, level: string, text: string): string => `2026/11/20 0${at % 10}:00:0${at % 7} [${level}] 5#5: ${text}\n`;
    const from = ', client: 192.0.2.4, server: x, request: "GET /favicon.ico HTTP/1.1", host: "x"';
    const text = Array.from({ length: 100 }, (_, at) =>
      [
        line(at, 'error', `*${at} open() "/var/www/favicon.ico" failed (2: No such file or directory)${from}`),
        line(at, 'error', `*${at} FastCGI sent in stderr: "PHP message: PHP Warning:  x" while reading response header from upstream${from}`),
        line(at, 'error', `*${at} limiting requests, excess: 5.${at} by zone "one"${from}`),
        line(
          at,
          'crit',
          `*${at} SSL_do_handshake() failed (SSL: error:0A00006C:SSL routines::bad key share) while SSL handshaking, client: 192.0.2.4, server: 0.0.0.0:443`,
        ),
        line(at, 'notice', 'signal process started'),
      ].join(''),
    ).join('');
    expect(describeText('/e', text)).toMatchObject({ verdict: 'healthy', problems: [], findings: [] });
  });

  it('in a few messages of a day without anything else', () => {
    const insight = errorsOnly({ seed: 6, hours: 20, rate: 0.2, fail: (_, random) => (random() < 0.0004 ? nginx(502, refused) : undefined) });
    expect(insight.totals.errors).toBeGreaterThan(2);
    expect(insight).toMatchObject({ verdict: 'healthy', problems: [] });
  });
});

describe('too little to judge', () => {
  it.each<[string, RollUp, Partial<LogsInput>, RegExp]>([
    ['nothing', emptyRollUp(), {}, /nothing to read/u],
    ['a file that may not be read', emptyRollUp(), { inputs: [{ path: '/x', problems: [], unread: 'permission denied' }] }, /\/x: permission denied/u],
    [
      'a file that ends before what was asked for',
      emptyRollUp(),
      { inputs: [{ path: '/x', problems: [], skipped: 'it is old' }] },
      /^No line lies in the time/u,
    ],
    ['lines of no format', scanText('/x', 'abc\n'.repeat(100), formats), {}, /100 % of the lines fit no known format/u],
  ])('is %s', (_, rollUp, more, summary) => {
    const insight = describeLogs(inputOf(rollUp, formats, more));
    expect(insight.verdict).toBe('inconclusive');
    expect(insight.summary).toMatch(summary);
  });

  it('is a log without any time', () => {
    const timeless = nginxFormat('timeless', '$remote_addr "$request" $status $body_bytes_sent');
    const rollUp = scanText('/x', '192.0.2.1 "GET / HTTP/1.1" 502 157\n192.0.2.1 "GET / HTTP/1.1" 200 157\n'.repeat(50), [timeless]);
    const insight = describeLogs(inputOf(rollUp, [timeless]));
    expect([insight.verdict, insight.totals.failed, insight.window]).toEqual(['inconclusive', 50, undefined]);
    expect(insight.summary).toBe('50 of 100 requests failed, but no line has a time, so it is not known when, or whether it goes on.');
  });

  it('is not the two lines that somebody asks about', () => {
    const { access } = makeLogs({ seed: 1, hours: 0.002, rate: 1, fail: () => nginx(502) });
    expect(describeText('/x', access)).toMatchObject({ verdict: 'failing', problems: [{ status: 502 }] });
  });

  it('is no line whose clock was wrong', () => {
    const { access } = makeLogs({
      seed: 2,
      hours: 2,
      rate: 1,
      fail: (_, random, sinceMs) => (sinceMs > hour && sinceMs < hour + 40_000 && random() < 0.9 ? nginx(502) : undefined),
    });
    const stray = (access.split('\n', 1)[0] ?? '').replace('/2026:', '/2011:');
    expect(describeText('/x', `${stray}\n${access}`)).toMatchObject({ verdict: 'recovered', problems: [{ shape: { when: 'burst' } }] });
  });
});

it('sampled lines belong to the groups that the engine counted them in', () => {
  const fail: Traffic['fail'] = (_, random) => {
    const chance = random();
    if (chance < 0.1) return nginx(502, `upstream SSL certificate verify error: (10:certificate has expired) while SSL handshaking to upstream`);
    return chance < 0.2 ? { madeBy: 'nginx', message: refused } : chance < 0.3 ? { status: 503, madeBy: 'backend' } : undefined;
  };
  const { access, error } = makeLogs({ seed: 8, hours: 0.5, rate: 1, fail });
  const rollUp = sumOfRollUps([scanText('/a', access, formats), scanText('/e', error, formats)]);
  const samples = new SampleReader(inputOf(rollUp, formats)).readAll(rollUp.failed, 4096);
  const counts = new Map<string, number>();
  for (const { key, line } of samples.lines) counts.set(key ?? '', (counts.get(key ?? '') ?? 0) + line.count);
  const expected = new Map<string, number>();
  for (const { kind, outcome, count } of rollUp.series) {
    const key = outcome === undefined ? undefined : keyOf(kind, outcome);
    if (key !== undefined) expected.set(key, (expected.get(key) ?? 0) + count);
  }
  expect(samples.isWhole).toBe(true);
  expect(counts).toEqual(expected);
});

it('requests that a second try saved are told as such, also where there are too many series', () => {
  const { access } = makeLogs({ seed: 12, hours: 1, rate: 1, fail: (_, random) => (random() < 0.3 ? { madeBy: 'nginx', message: refused } : undefined) });
  const rollUp = scanText('/a', access, formats);
  const series = rollUp.series.map(({ outcome, ...rest }) => {
    if (outcome === undefined) return rest;
    const { status, failed, madeBy } = outcome;
    return { ...rest, folded: true as const, outcome: { status, failed, madeBy } };
  });
  const insight = describeLogs(inputOf({ ...rollUp, series }, formats));
  expect(insight.totals.failed).toBe(0);
  expect(insight.totals.hiddenRetries).toBeGreaterThan(500);
  expect(insight.problems.map(({ id }) => id)).toEqual(['retries']);
});

it('secrets are taken out of all that is told', () => {
  const { access } = makeLogs({ seed: 9, hours: 0.2, rate: 1, fail: request => ((request.uri = '/x?token=hunter2'), nginx(502)) });
  const insight = describeText('/x', access, { redact: text => text.replaceAll('hunter2', '•••') });
  expect(insight.problems[0]?.samples[0]?.text).toContain('token=•••');
  expect(JSON.stringify(insight)).not.toContain('hunter2');
});

it('any lines are described without an error, and in a moment', () => {
  const piece = fc.oneof(
    fc.constantFrom(
      '502',
      '200',
      '"',
      ' ',
      '-',
      '10.0.0.1:80',
      '[20/Nov/2026:01:00:00 +0000]',
      '2026/11/20 01:00:00 [error] 1#1: *1 ',
      refused,
      ', client: 1.2.3.4',
      ', upstream: "http://',
    ),
    fc.string({ maxLength: 20 }),
  );
  const { access, error } = makeLogs({ seed: 10, hours: 0.1, rate: 1, fail: () => nginx(502, refused) });
  const lines = [...access.split('\n'), ...error.split('\n')];
  fc.assert(
    fc.property(
      fc.array(
        fc.oneof(
          fc.array(piece).map(pieces => pieces.join('')),
          fc.constantFrom(...lines),
        ),
        { maxLength: 40 },
      ),
      some => {
        const insight = describeText('/x', some.join('\n'));
        expect(insight.internalErrors).toEqual([]);
        expect(insight.totals.failed).toBeLessThanOrEqual(insight.totals.requests);
        expect(JSON.parse(JSON.stringify(insight))).toEqual(insight);
      },
    ),
    { numRuns: 60 },
  );
});

describe('the log of a product in front of the site', () => {
  const text = Array.from({ length: 6000 }, (_, n) => {
    const origin = `203.0.113.${(n % 12) + 1}`;
    const status = origin === '203.0.113.3' && n % 5 === 0 ? 502 : 200;
    const at = new Date(Date.UTC(2026, 10, 20, 10) + n * 1200).toISOString();
    return `{"EdgeStartTimestamp":"${at}","EdgeResponseStatus":${status},"OriginResponseStatus":${status},"OriginIP":"${origin}","ClientRequestMethod":"GET","ClientRequestURI":"/${n % 7}"}\n`;
  }).join('');
  const faults = [
    { id: 'app-returned-5xx', layer: 'app', title: 'The error comes from the backend itself: nginx passed its answer on', explains: [] },
  ] as const;
  const insight = describeLogs(inputOf(scanText('/logs/edge.json', text, cloudflareFormats), cloudflareFormats, { faults }));

  it('tells at which origin requests fail', () => {
    expect(insight.problems[0]?.where[0]).toMatchObject({ dimension: 'peer', value: '203.0.113.3', amongFailing: 1 });
    expect(insight.peers[0]).toMatchObject({ peer: '203.0.113.3', standsOut: true });
  });

  it('says nothing of nginx', () => {
    expect(insight.findings[0]).toMatchObject({ fault: 'app-returned-5xx', title: 'The error comes from the backend itself' });
  });
});
