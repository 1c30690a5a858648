import type { LogInput, LogProblem, LogsReport, PeerCount, Timeline } from '../../../model/logs-report.ts';
import type { Finding } from '../../../model/finding.ts';

const startMs = Date.parse('2026-11-21T06:00:00Z');
const stepMs = 60_000;

function iso(ms: number): string {
  return new Date(ms).toISOString();
}

/** The same noise in every run. */
function noise(index: number): number {
  return Math.abs(Math.sin(index * 12.9898) * 43_758.5453) % 1;
}

function timeline(length: number, widthMs: number, failing: (index: number) => number, peers: readonly string[], isAccess = true): Timeline {
  const steps = Array.from({ length }, (_, index) => index);
  const requests = steps.map(index => (isAccess ? Math.round(9000 + 2500 * Math.sin(index / 20) + 900 * noise(index)) : 0));
  const failed = steps.map(index => Math.round(isAccess ? (requests[index] ?? 0) * failing(index) : 0));
  const errors = steps.map(index => (isAccess ? Math.round((failed[index] ?? 0) * 0.98) : Math.round(200 * failing(index))));
  const load = isAccess ? failed : errors;
  return {
    startsAt: iso(startMs),
    widthMs,
    requests,
    failed,
    errors,
    median: steps.map(index => (isAccess ? 0.08 + 0.02 * noise(index + 7) + failing(index) * 0.4 : null)),
    p95: steps.map(index => (isAccess ? 0.4 + 0.2 * noise(index + 3) + failing(index) * 3 : null)),
    byPeer: peers.map((peer, at) => ({ peer, failed: load.map(count => (at === 0 ? Math.round(count * 0.97) : Math.round((count * 0.03) / (peers.length - 1)))) })),
    byStatus: isAccess
      ? [
          { status: '502', failed: failed.map(count => Math.round(count * 0.92)) },
          { status: '504', failed: failed.map(count => count - Math.round(count * 0.92)) },
        ]
      : [],
  };
}

function sum(list: readonly number[]): number {
  return list.reduce((total, each) => total + each, 0);
}

const bad = '10.0.0.7:8080';
const peers: readonly string[] = [bad, '10.0.0.8:8080', '10.0.0.9:8080', '10.0.0.10:8080'];
const burstStartMs = startMs + 91 * stepMs + 20_000;
const burst = timeline(120, stepMs, index => (index > 90 ? 0.26 + 0.1 * noise(index) : index === 31 ? 0.004 : 0), peers);
const burstRequests = sum(burst.requests);
const burstFailed = sum(burst.failed);

const access: LogInput = {
  path: '/var/log/nginx/access.log',
  format: { id: 'nginx:upstream_time', title: 'nginx access log (upstream_time)' },
  kind: 'access',
  bytes: 251_402_118,
  lines: burstRequests + 1204,
  outside: 0,
  continued: 0,
  misfits: 1204,
  misfitSamples: [
    String.raw`203.0.113.9 - - [21/Nov/2026:07:31:20 +0000] "\x16\x03\x01\x02\x00\x01\x00\x01\xFC\x03\x03" 400 150 "-" "-"`,
    '2026/11/21 07:32:00 [error] 702#702: *4 open() "/srv/www/favicon.ico" failed (2: No such file or directory)',
  ],
  from: iso(startMs),
  to: iso(startMs + 120 * stepMs),
  problems: [],
};

const errorLog: LogInput = {
  path: '/var/log/nginx/error.log',
  format: { id: 'nginx-error', title: 'nginx error log' },
  kind: 'error',
  bytes: 20_118_402,
  lines: sum(burst.errors) + 36,
  outside: 0,
  continued: 36,
  misfits: 0,
  misfitSamples: [],
  from: iso(startMs + 31 * stepMs),
  to: iso(startMs + 120 * stepMs),
  problems: [],
};

const refusedLine =
  '2026/11/21 07:31:20 [error] 702#702: *20771 connect() failed (111: Connection refused) while connecting to upstream, client: 203.0.113.7, server: shop.example.com, request: "POST /export/4711 HTTP/1.1", upstream: "http://10.0.0.7:8080/export/4711", host: "shop.example.com"';
const failedLine = `203.0.113.7 - - [21/Nov/2026:07:31:20 +0000] "POST /export/4711 HTTP/1.1" 502 552 "-" "curl/8.5.0" rt=0.001 ua="${bad}" us="502" ut="0.001"`;

const refused: LogProblem = {
  id: 'problem:1',
  title: `${Math.round(burstFailed * 0.92).toLocaleString('en-US')} requests were answered with 502 by nginx: the backend refused the connection`,
  status: 502,
  class: 'connect-refused',
  madeBy: 'nginx',
  count: Math.round(burstFailed * 0.92),
  share: (burstFailed * 0.92) / burstRequests,
  firstAt: iso(burstStartMs),
  lastAt: iso(startMs + 120 * stepMs - 1000),
  ongoing: true,
  shape: {
    when: 'burst',
    text: 'one burst since 07:31:20 that has not ended; nothing in the hour before it',
    bursts: [{ from: iso(burstStartMs), to: iso(startMs + 120 * stepMs - 1000), count: Math.round(burstFailed * 0.92) }],
  },
  peers: [
    { peer: bad, count: Math.round(burstFailed * 0.9) },
    { peer: '10.0.0.8:8080', count: 212 },
  ],
  where: [
    {
      dimension: 'url',
      value: '/export/{n}',
      amongFailing: 0.91,
      amongOthers: 0.002,
      estimated: true,
      failingShare: 0.78,
      text: '9 of 10 failures are /export/{n}, which is 0.2 % of the other requests',
    },
    { dimension: 'method', value: 'POST', amongFailing: 1, amongOthers: 0.08, estimated: false, failingShare: 0.3, text: 'only POST fails' },
    { dimension: 'network', value: '203.0.113.0/24', amongFailing: 0.4, amongOthers: 0.1, estimated: true, failingShare: 0.1, text: 'clients of 203.0.113.0/24' },
  ],
  messages: [
    {
      text: 'connect() failed (111: Connection refused) while connecting to upstream',
      class: 'connect-refused',
      count: Math.round(burstFailed * 0.9),
      level: 'error',
    },
    { text: 'upstream server temporarily disabled while connecting to upstream', class: 'server-disabled', count: 41, level: 'warn' },
  ],
  samples: [
    { source: 'file:/var/log/nginx/error.log@18204411', at: iso(burstStartMs), text: refusedLine },
    { source: 'file:/var/log/nginx/access.log@204118377', at: iso(burstStartMs), text: failedLine },
  ],
  goesWith: [{ what: 'latency', correlation: 0.81, text: 'the median of all requests rises from 0.09 s to 0.22 s while it lasts' }],
};

const timeouts: LogProblem = {
  ...refused,
  id: 'problem:2',
  title: `${(burstFailed - refused.count).toLocaleString('en-US')} requests were answered with 504 by nginx: the backend did not answer in time`,
  status: 504,
  class: 'read-timeout',
  count: burstFailed - refused.count,
  share: (burstFailed - refused.count) / burstRequests,
  firstAt: iso(startMs + 31 * stepMs),
  shape: { when: 'scattered', text: 'scattered, without bursts or a period', bursts: [] },
  where: [],
  messages: [{ text: 'upstream timed out (110: Connection timed out) while reading response header from upstream', class: 'read-timeout', count: 120, level: 'error' }],
  samples: [],
};

const finding: Finding = {
  fault: 'backend-down',
  layer: 'backend',
  confidence: 'possible',
  status: 'active',
  subject: { kind: 'peer', id: bad, name: bad, peers: [bad] },
  title: 'Nothing listens on the address of the backend',
  explanation: 'The kernel of 10.0.0.7 refuses connections to port 8080 at once, so nothing listened there from 07:31:20 on.',
  share: 0.92,
  evidence: [{ source: 'file:/var/log/nginx/error.log@18204411', text: refusedLine }],
  symptoms: ['problem:1'],
  consequences: [],
  fixes: [],
};

const peerCounts: readonly PeerCount[] = peers.map((peer, index) => ({
  peer,
  requests: Math.round(burstRequests / 4) - index * 31,
  failed: index === 0 ? Math.round(burstFailed * 0.97) : 212 - index * 40,
  share: index === 0 ? (burstFailed * 0.97 * 4) / burstRequests : 0.0007,
  median: 0.09 + index * 0.004,
  p95: 0.51 + index * 0.02,
  standsOut: index === 0,
}));

const failing: LogsReport = {
  schemaVersion: 1,
  kind: 'logs',
  tool: { name: 'badhop', version: '0.1.0' },
  startedAt: '2026-11-21T08:00:02.000Z',
  durationMs: 184,
  window: { from: iso(startMs), to: iso(startMs + 120 * stepMs - 1000) },
  zone: 'UTC',
  verdict: 'failing',
  summary: `${burstFailed.toLocaleString('en-US')} of ${burstRequests.toLocaleString('en-US')} requests failed, nearly all with 502 at ${bad} since 07:31:20, and it goes on`,
  inputs: [access, errorLog],
  totals: {
    requests: burstRequests,
    failed: burstFailed,
    hiddenRetries: 318,
    errors: sum(burst.errors),
    byStatus: { '200': burstRequests - burstFailed - 9204, '404': 9204, '502': refused.count, '504': timeouts.count },
    byMadeBy: { nginx: burstFailed - 40, backend: 30, unknown: 10 },
    latency: { count: burstRequests, median: 0.094, p95: 0.52, p99: 1.8, mean: 0.14, error: 1 / 32 },
  },
  timeline: burst,
  problems: [refused, timeouts],
  peers: peerCounts,
  findings: [finding],
  next: [
    { command: 'badhop diagnose --since 45m', why: 'on this host: whether 10.0.0.7:8080 answers now, and what changed at 07:31' },
    { command: 'journalctl -u app.service --since 2026-11-21T07:30', why: 'on 10.0.0.7: why the backend ended' },
  ],
  notChecked: [{ what: 'Durations of the backend', why: 'the log format lacks $upstream_response_time', how: 'add it to the log_format' }],
  internalErrors: [],
};

const hourly = timeline(240, 30_000, index => (index % 10 === 3 ? 0.02 : 0.0001), [bad, '10.0.0.8:8080']);
const periodicFailed = sum(hourly.failed);

const periodic: LogsReport = {
  ...failing,
  zone: 'Europe/Berlin',
  verdict: 'recovered',
  summary: 'a request in 480 failed, every 300 s for some seconds; the last at 08:58:12, and none since',
  timeline: hourly,
  totals: { ...failing.totals, requests: sum(hourly.requests), failed: periodicFailed, hiddenRetries: 0, errors: 0, byStatus: { '200': 1_080_000, '502': periodicFailed } },
  problems: [
    {
      ...refused,
      title: `${periodicFailed.toLocaleString('en-US')} requests were answered with 502 by nginx: the connection was reset`,
      class: 'reset',
      count: periodicFailed,
      share: periodicFailed / sum(hourly.requests),
      firstAt: iso(startMs + 90_000),
      lastAt: iso(startMs + 118 * stepMs),
      ongoing: false,
      shape: {
        when: 'periodic',
        text: 'every 300 s ± 4 s, 24 times',
        bursts: Array.from({ length: 24 }, (_, index) => ({ from: iso(startMs + 90_000 + index * 300_000), to: iso(startMs + 96_000 + index * 300_000), count: 190 })),
        period: { everyMs: 300_000, plusMinusMs: 4000, pValue: 1.2e-9 },
      },
      where: [],
      messages: [],
      samples: refused.samples.slice(1),
      goesWith: [],
    },
  ],
  peers: peerCounts.map(peer => ({ ...peer, failed: 1200, share: 0.002, standsOut: false })),
  findings: [],
  inputs: [{ ...access, misfits: 0, misfitSamples: [] }],
  notChecked: [],
};

const quiet = timeline(96, 900_000, () => 0, []);

const healthy: LogsReport = {
  ...failing,
  verdict: 'healthy',
  summary: `none of ${sum(quiet.requests).toLocaleString('en-US')} requests failed`,
  window: { from: iso(startMs), to: iso(startMs + 86_400_000) },
  timeline: quiet,
  totals: { ...failing.totals, requests: sum(quiet.requests), failed: 0, hiddenRetries: 0, errors: 0, byStatus: { '200': sum(quiet.requests) }, byMadeBy: {} },
  problems: [],
  peers: [],
  findings: [],
  next: [],
  notChecked: [],
  inputs: [{ ...access, misfits: 0, misfitSamples: [] }],
};

const errorSteps = timeline(60, 10_000, index => (index > 20 && index < 26 ? noise(index) : 0), [bad], false);

/** An error log alone, of a zone given as an offset. */
const errorsOnly: LogsReport = {
  ...failing,
  zone: '+02:00',
  summary: '271 messages tell of failures at 10.0.0.7:8080, in a burst of 50 s at 08:03:30',
  window: { from: iso(startMs), to: iso(startMs + 600_000) },
  timeline: errorSteps,
  totals: { requests: 0, failed: 0, hiddenRetries: 0, errors: sum(errorSteps.errors), byStatus: {}, byMadeBy: {} },
  problems: [
    {
      id: 'problem:1',
      title: '271 times the backend refused the connection',
      class: 'connect-refused',
      madeBy: 'unknown',
      because: 'an error log alone does not say what the client got',
      count: 271,
      firstAt: iso(startMs + 210_000),
      lastAt: iso(startMs + 259_000),
      ongoing: false,
      shape: {
        when: 'burst',
        text: 'one burst of 50 s',
        bursts: [{ from: iso(startMs + 210_000), to: iso(startMs + 259_000), count: 271 }],
      },
      peers: [{ peer: bad, count: 271 }],
      where: [],
      messages: refused.messages.slice(0, 1),
      samples: refused.samples.slice(0, 1),
    },
  ],
  peers: [{ peer: bad, requests: 0, failed: 271, share: 0, standsOut: true }],
  inputs: [{ ...errorLog, path: 'journal:nginx.service' }],
};

const inconclusive: LogsReport = {
  ...failing,
  verdict: 'inconclusive',
  summary: 'no line of the log was understood',
  timeline: { widthMs: 10_000, requests: [], failed: [], errors: [], median: [], p95: [], byPeer: [], byStatus: [] },
  totals: { requests: 0, failed: 0, hiddenRetries: 0, errors: 0, byStatus: {}, byMadeBy: {} },
  problems: [],
  peers: [],
  findings: [],
  next: [{ command: "badhop logs --log-format '$remote_addr [$time_local] $status' app.log", why: 'name the format as the configuration writes it' }],
  inputs: [
    {
      path: 'app.log',
      bytes: 1_204,
      lines: 40,
      outside: 0,
      continued: 0,
      misfits: 40,
      misfitSamples: ['I, [2026-11-21T07:31:20] INFO -- : Started GET "/"', 'I, [2026-11-21T07:31:21] INFO -- : Completed 200 OK in 12ms'],
      problems: [],
    },
    { path: 'secret.log', bytes: 0, lines: 0, outside: 0, continued: 0, misfits: 0, misfitSamples: [], problems: [], unread: 'permission denied' },
  ],
  notChecked: [{ what: 'Everything', why: 'no known format fits app.log', how: 'give it with --log-format' }],
};

const partial: LogsReport = {
  ...failing,
  partial: 'interrupted after 1.2 GB of 40 GB',
  inputs: [...failing.inputs, { ...access, path: '/var/log/nginx/access.log.2.gz', misfits: 0, misfitSamples: [], problems: ['it ends in the middle of a compressed block'] }],
};

const evil = `</script><script>alert(1)</script><img src=x onerror=alert(2)>\u001B[2J\u001B]0;owned\u0007\u202Egnp.exe\u2066\u0000\u2028| \`\`\` [x](javascript:alert(3)) @everyone {{7*7}} <!-- --!> ]]> ${'&amp;'}`;
const longUrl = `/${'%3Cscript%3Ealert(1)%3C/script%3E<script>'.repeat(240)}`;

/** Whoever wrote the log wants the reader's browser, terminal or ticket. */
const hostile: LogsReport = {
  ...failing,
  summary: `requests failed at ${evil}`,
  zone: evil,
  inputs: [
    { ...access, path: `/tmp/${evil}/${longUrl}`, format: { id: evil, title: evil }, misfitSamples: [evil, longUrl], problems: [evil] },
    { ...errorLog, path: evil, unread: evil },
  ],
  totals: { ...failing.totals, byStatus: { ...failing.totals.byStatus, [evil]: 3, __proto__x: 1 } },
  timeline: {
    ...burst,
    byPeer: burst.byPeer.map(each => ({ ...each, peer: `${each.peer}${evil}` })),
    byStatus: burst.byStatus.map(each => ({ ...each, status: `${each.status}${evil}` })),
  },
  problems: Array.from({ length: 30 }, (_, index) => ({
    ...refused,
    id: `problem:${index + 1}${evil}`,
    title: `${refused.title} ${evil}`,
    because: evil,
    shape: { ...refused.shape, text: evil },
    peers: Array.from({ length: 12 }, (__, at) => ({ peer: `${evil}${at}`, count: 3 })),
    where: refused.where.map(each => ({ ...each, value: longUrl, text: `only ${longUrl} fails` })),
    messages: Array.from({ length: 6 }, () => ({ text: `${evil}${longUrl}`, class: 'other' as const, count: 3, level: evil })),
    samples: Array.from({ length: 5 }, () => ({ source: `file:/tmp/${evil}@12`, at: iso(burstStartMs), text: `GET ${longUrl} ${evil}` })),
    goesWith: [{ what: 'load' as const, correlation: 0.4, text: evil }],
  })),
  peers: Array.from({ length: 80 }, (_, index) => ({ ...(peerCounts[0] as PeerCount), peer: `${evil}${longUrl}`, standsOut: index === 0 })),
  findings: [
    {
      ...finding,
      title: evil,
      explanation: longUrl,
      subject: { ...finding.subject, name: evil },
      evidence: [{ source: `file:${evil}`, text: longUrl }],
    },
  ],
  next: [{ command: `echo '${evil}'`, why: evil }],
  notChecked: [{ what: evil, why: evil, how: evil }],
  internalErrors: [evil],
};

export const sampleReports = { failing, periodic, healthy, 'errors-only': errorsOnly, inconclusive, partial, hostile } as const;
