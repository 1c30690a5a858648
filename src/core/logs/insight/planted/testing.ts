/** What tests plant in generated traffic, and the products that write it: each is read by the formats that its own lines are recognised as. */
import { expect, it } from 'vitest';
import type { LogProblem } from '../../../model/logs-report.ts';
import { apacheFormat } from '../../formats/apache-format.ts';
import { knownFormats } from '../../formats/named.ts';
import { recognise } from '../../formats/recognise.ts';
import type { LogFormat } from '../../scan/format.ts';
import { encodeUtf8 } from '../../scan/text.ts';
import { describeLogs } from '../describe-logs.ts';
import type { LogsInsight } from '../input.ts';
import { inputOf, localTime, makeLogs, randomOf, scanText, type Entry, type Failure, type Random, type Request, type Traffic } from '../testing.ts';

export const refused = 'connect() failed (111: Connection refused) while connecting to upstream';
export const failure: Failure = { status: 502, madeBy: 'nginx', message: refused };
export const minute = 60_000;

export function pick<T>(random: Random, ...values: readonly [T, ...T[]]): T {
  return values[Math.floor(random() * values.length)] ?? values[0];
}

/** The largest problem of the status; of any, where none is given. */
export function problemOf(insight: LogsInsight, status: number | undefined = 502): LogProblem {
  const problem = insight.problems.find(one => one.status === status);
  if (problem === undefined) throw new Error(`no problem: ${insight.summary}`);
  return problem;
}

/** How a product writes a request. */
export interface Product {
  readonly name: string;
  readonly line: (entry: Entry) => string;
  /** Those that are tried before the known ones. */
  readonly given?: readonly LogFormat[];
  /** A peer as its log calls it. */
  readonly peer: (peer: string) => string;
}

/** With the name of the balancer's worker, as `LogFormat` of a configuration. */
export const apache: Product = {
  name: 'Apache',
  given: [apacheFormat('hops', '%h %l %u %t "%r" %>s %O "%{Referer}i" "%{User-Agent}i" %I %D "%{balancer-worker-name}e"')],
  peer: peer => peer,
  line: ({ request: { client, timeMs, method, uri, agent, received, peer, seconds }, status, sent }) =>
    `${client} - - [${localTime(timeMs)} +0000] "${method} ${uri} HTTP/1.1" ${status} ${sent} "-" "${agent}" ${Math.round(received)} ${Math.round(seconds * 1e6)} "http://${peer}"\n`,
};

/** `option httplog`. */
export const haproxy: Product = {
  name: 'HAProxy',
  peer: peer => `app/${serverName(peer)}`,
  line({ request: { client, timeMs, method, uri, peer, seconds }, failure: failed, status, sent, other }) {
    const ms = Math.round(seconds * 1000);
    const isSaved = failed?.madeBy === 'nginx' && failed.status === undefined;
    const flags =
      failed === undefined || isSaved || failed.madeBy === 'backend' ? '----' : failed.madeBy === 'client' ? 'CH--' : status === 504 ? 'sH--' : 'SH--';
    const answer = flags === '----' ? ms - 1 : -1;
    return `${client}:40112 [${localTime(timeMs)}.${String(Math.floor(timeMs) % 1000).padStart(3, '0')}] web~ app/${serverName(isSaved ? other : peer)} 0/0/1/${answer}/${ms} ${flags === 'CH--' ? -1 : status} ${sent} - - ${flags} 9/9/1/0/${isSaved ? '+1' : '0'} 0/0 "${method} ${uri} HTTP/1.1"\n`;
  },
};

function serverName(peer: string): string {
  return `s${peer.split('.')[3]?.split(':')[0] ?? ''}`;
}

/** As the load balancer has written since 2018. */
export const alb: Product = {
  name: 'ALB',
  peer: peer => peer,
  line({ request: { client, timeMs, method, uri, agent, received, peer, seconds }, failure: failed, status, sent }) {
    const at = new Date(timeMs).toISOString().replace('Z', '104Z');
    const isOwn = failed?.madeBy === 'nginx' && failed.status !== undefined;
    const answer = failed?.madeBy === 'client' ? 460 : status;
    const times = isOwn || failed?.madeBy === 'client' ? '0.000 -1 -1' : `0.000 ${seconds.toFixed(3)} 0.000`;
    return `https ${at} app/shop/50dc6c495c0c9188 ${client}:2817 ${peer} ${times} ${answer} ${isOwn || failed?.madeBy === 'client' ? '-' : status} ${Math.round(received)} ${sent} "${method} https://shop.example:443${uri} HTTP/1.1" "${agent}" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/web/73e2d6bc24d8a067 "Root=1-58337262-36d228ad5d99923122bbe354" "shop.example" "-" 0 ${at} "forward" "-" "-" "${peer}" "${answer}" "-" "-"\n`;
  },
};

/** Lines of JSON by a program of the house: their keys are guessed. */
export const json: Product = {
  name: 'JSON lines',
  peer: peer => peer,
  line({ request: { client, timeMs, method, uri, agent, peer, received, seconds }, failure: failed, status, sent, other }) {
    const isSaved = failed?.madeBy === 'nginx' && failed.status === undefined;
    const isOwn = failed !== undefined && failed.madeBy !== 'backend' && !isSaved;
    return `${JSON.stringify({
      '@timestamp': `${new Date(timeMs).toISOString().slice(0, 19)}+00:00`,
      remote_addr: client,
      request_method: method,
      request_uri: uri,
      status,
      bytes_sent: sent,
      request_length: Math.round(received),
      request_time: Number(seconds.toFixed(3)) + 0.0001,
      http: { user_agent: agent },
      upstream: {
        upstream_addr: isSaved ? `${peer}, ${other}` : peer,
        upstream_status: isSaved ? '502, 200' : failed?.madeBy === 'client' ? '' : String(status),
        upstream_header_time: isOwn ? '' : seconds.toFixed(3),
      },
    })}\n`;
  },
};

/** What is said of the traffic, as the product logs it. */
export function insightBy(product: Product, traffic: Traffic): LogsInsight {
  const { access } = makeLogs(traffic, product.line);
  const found = recognise(encodeUtf8(access.slice(0, 12_288)), [...(product.given ?? []), ...knownFormats()]);
  const formats = found.map(({ format }) => format);
  const rollUp = scanText('/var/log/access.log', access, formats);
  expect(rollUp.inputs[0]).toMatchObject({ misfits: 0 });
  return describeLogs(inputOf(rollUp, formats));
}

const bad = (status: number): Failure => ({ status, madeBy: 'nginx' });

/** Plants the truths that every access log tells, and expects that they are found. */
export function plantIn(product: Product, seed: number): void {
  const random = randomOf(seed * 977);
  const told = (insight: LogsInsight): readonly string[] => problemOf(insight).where.map(({ dimension, value }) => `${dimension} ${value}`);

  it(`a period of 300 s under noise of the same rate is found, with its length (seed ${seed})`, () => {
    let next = random() * 300_000;
    let beat = next;
    const fail = (_: Request, own: Random, sinceMs: number): Failure | undefined => {
      if (sinceMs >= next) {
        beat += 300_000;
        next = beat + (own() * 2 - 1) * 4000;
        return bad(502);
      }
      return own() < 1 / 300 / 0.7 ? bad(502) : undefined;
    };
    const { shape, ongoing } = problemOf(insightBy(product, { seed, hours: 3, rate: 0.7, fail }));
    expect([shape.when, ongoing]).toEqual(['periodic', true]);
    expect(Math.abs((shape.period?.everyMs ?? 0) - 300_000)).toBeLessThanOrEqual(2000);
  });

  it(`a burst of 40 s is found, with its start and end, and is over (seed ${seed})`, () => {
    const startMs = (0.2 + 0.6 * random()) * 4 * 60 * minute;
    const fail = (_: Request, own: Random, sinceMs: number): Failure | undefined =>
      (sinceMs >= startMs && sinceMs < startMs + 40_000 && own() < 0.8) || own() < 0.0004 ? bad(502) : undefined;
    const insight = insightBy(product, { seed, hours: 4, rate: 1, fail });
    const { shape, ongoing } = problemOf(insight);
    expect([insight.verdict, shape.when, ongoing, shape.bursts.length]).toEqual(['recovered', 'burst', false, 1]);
    const began = Date.UTC(2026, 10, 20) + startMs;
    expect(Math.abs(Date.parse(shape.bursts[0]?.from ?? '') - began)).toBeLessThan(15_000);
    expect(Math.abs(Date.parse(shape.bursts[0]?.to ?? '') - began - 40_000)).toBeLessThan(15_000);
  });

  it(`one bad peer of twelve stands out (seed ${seed})`, () => {
    const share = pick(random, 0.05, 0.1, 0.3);
    const others = pick(random, 0, 0.002, 0.005);
    const fail = ({ peer }: Request, own: Random): Failure | undefined =>
      (peer === '10.0.0.7:8080' && own() < share) || own() < others ? bad(502) : undefined;
    const insight = insightBy(product, { seed, hours: 2, rate: 1.5, peers: 12, fail });
    expect(insight.verdict).toBe('failing');
    expect(insight.peers.filter(({ standsOut }) => standsOut).map(({ peer }) => peer)).toEqual([product.peer('10.0.0.7:8080')]);
    expect(told(insight)).toEqual([`peer ${product.peer('10.0.0.7:8080')}`]);
  });

  it(`a failure of POST only is told as that (seed ${seed})`, () => {
    const share = pick(random, 0.05, 0.2, 0.6);
    const fail = ({ method }: Request, own: Random): Failure | undefined => (method === 'POST' && own() < share ? bad(502) : undefined);
    expect(told(insightBy(product, { seed, hours: 2, rate: 1.5, fail }))).toEqual(['method POST']);
  });

  it(`a bad URL at 0.2 % of the traffic is told, with failures elsewhere (seed ${seed})`, () => {
    const share = pick(random, 1, 0.8, 0.4);
    const fail = (request: Request, own: Random): Failure | undefined => {
      if (own() < 0.002) request.uri = `/export/${Math.floor(own() * 1e4)}`;
      return own() < (request.uri.startsWith('/export') ? share : 0.0005) ? bad(502) : undefined;
    };
    expect(told(insightBy(product, { seed, hours: 4, rate: 1.5, fail }))).toEqual(['url /export/{n}']);
  });

  it(`a network whose requests fail is told (seed ${seed})`, () => {
    const fail = (request: Request, own: Random): Failure | undefined => {
      if (own() < 0.01) request.client = `203.0.113.${1 + Math.floor(own() * 250)}`;
      return (request.client.startsWith('203.0.113.') && own() < 0.7) || own() < 0.0003 ? bad(502) : undefined;
    };
    expect(told(insightBy(product, { seed, hours: 2, rate: 1.5, fail }))).toEqual(['network 203.0.113.0/24']);
  });
}

/** What looks bad to those who do not know it: clients that leave, a scanner, a deploy, a retry now and then. */
export function healthy(seed: number): Traffic {
  const random = randomOf(seed * 31);
  const leave = random() * 0.02;
  const rare = random() * 0.0005;
  const deployMs = random() * 3 * 60 * minute;
  let isDeployed = false;
  const fail = (request: Request, own: Random, sinceMs: number): Failure | undefined => {
    if (!isDeployed && sinceMs > deployMs) {
      isDeployed = true;
      return failure;
    }
    if (own() < 0.01) request.uri = `/.env.${Math.floor(own() * 100)}`;
    const chance = own();
    if (chance < leave) return { status: 499, madeBy: 'client' };
    if (chance < leave + rare / 2) return { status: 500, madeBy: 'backend' };
    if (chance < leave + rare) return own() < 0.5 ? { madeBy: 'nginx', message: refused } : failure;
    return undefined;
  };
  return { seed: seed + 500, hours: 3, rate: 0.7 + random(), peers: 1 + Math.floor(random() * 12), swing: 0.8, fail };
}
