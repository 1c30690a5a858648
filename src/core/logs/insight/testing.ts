/** Generated logs for tests: traffic as it is, by a seed, with what a test plants in it; read by the real formats and the real engine. */
import type { MessageClass } from '../../model/facts/logs.ts';
import { hourReader } from '../formats/hour-reader.ts';
import { knownFormats } from '../formats/named.ts';
import { nginxFormat } from '../formats/nginx-format.ts';
import { sumOfRollUps } from '../scan/merge.ts';
import { createPlainScanner } from '../scan/plain-scanner.ts';
import { readFields } from '../scan/read-fields.ts';
import type { RollUp } from '../scan/roll-up.ts';
import type { LogFormat } from '../scan/format.ts';
import { encodeUtf8 } from '../scan/text.ts';
import { describeLogs } from './describe-logs.ts';
import type { KnownFault, LogsInput, LogsInsight } from './input.ts';

const upstreamTail = '"$upstream_addr" "$upstream_status" "$upstream_connect_time" "$upstream_header_time" "$upstream_response_time"';
const combinedText = '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"';

export const fullFormat: LogFormat = nginxFormat('full', `${combinedText} $request_length $request_time ${upstreamTail}`);
export const combinedFormat: LogFormat = nginxFormat('combined', combinedText);
export const errorFormats: readonly LogFormat[] = knownFormats().filter(({ product, kind }) => product === 'nginx' && kind === 'error');

/** A number from 0 to 1, the same for the same seed (mulberry32). */
export type Random = () => number;

export function randomOf(seed: number): Random {
  let state = Math.imul(seed, 0x9e3779b1) >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export interface Request {
  readonly timeMs: number;
  method: string;
  uri: string;
  client: string;
  agent: string;
  received: number;
  peer: string;
  seconds: number;
}

/** How a request fails; without `status` it is saved by a second try. */
export interface Failure {
  readonly status?: number;
  readonly madeBy: 'nginx' | 'backend' | 'client';
  readonly message?: string;
}

export interface Traffic {
  readonly seed: number;
  readonly hours: number;
  /** Requests a second, on average. */
  readonly rate: number;
  readonly peers?: number;
  /** The load goes up and down by this share of it over a day. */
  readonly swing?: number;
  readonly startMs?: number;
  /** What becomes of a request; undefined: it succeeds. May change the request. */
  fail?(request: Request, random: Random, sinceStartMs: number): Failure | undefined;
}

export interface Logs {
  readonly access: string;
  readonly error: string;
}

const agents = [
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36',
  'Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.0 Safari/604.1',
  'Mozilla/5.0 (X11; Linux x86_64; rv:121.0) Gecko/20100101 Firefox/121.0',
  'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)',
  'okhttp/4.12.0',
  'python-requests/2.31.0',
  'curl/8.4.0',
];
const paths = [
  '/',
  '/products/#',
  '/products/#/reviews',
  '/cart',
  '/api/v1/items/#',
  '/api/v1/search?q=#',
  '/static/app.#.js',
  '/login',
  '/account',
  '/orders/#',
  '/images/#.jpg',
  '/feed',
  '/help',
  '/about',
];

const writes = ['/cart', '/login', '/api/v1/items/#', '/orders/#'];

function uriOf(pattern: string | undefined, random: Random): string {
  const number = Math.floor(random() * 1e5);
  if (pattern === undefined) return '/';
  return pattern.includes('#') ? pattern.replace('#', String(number)) : pattern;
}

/** Small numbers are much more frequent. */
function skewed(random: Random, most: number): number {
  return Math.floor(most * random() ** 2.5);
}

export function makeLogs(traffic: Traffic, lineOf: (entry: Entry) => string = nginxLine): Logs {
  const { seed, hours, rate, peers = 4, swing = 0.4, startMs = Date.UTC(2026, 10, 20) } = traffic;
  const random = randomOf(seed);
  const access: string[] = [];
  const error: string[] = [];
  const endMs = startMs + hours * 3_600_000;
  for (let timeMs = startMs; ;) {
    const load = rate * (1 + swing * Math.sin((2 * Math.PI * (timeMs - startMs)) / 86_400_000));
    timeMs += (-Math.log(1 - random()) / load) * 1000;
    if (timeMs >= endMs) break;
    const isWrite = random() < 0.2;
    const request: Request = {
      timeMs,
      method: isWrite ? 'POST' : random() < 0.05 ? 'HEAD' : 'GET',
      uri: uriOf(isWrite ? writes[Math.floor(random() * 4)] : paths[skewed(random, paths.length)], random),
      client: `${10 + skewed(random, 60)}.${skewed(random, 20)}.${Math.floor(random() * 8)}.${1 + skewed(random, 250)}`,
      agent: agents[skewed(random, agents.length)] ?? '',
      received: Math.round(isWrite ? 600 * Math.exp(3 * random() ** 3) : 300 + 400 * random()),
      peer: `10.0.0.${1 + Math.floor(random() * peers)}:8080`,
      seconds: 0.02 * Math.exp(2.5 * random()),
    };
    const failure = traffic.fail?.(request, random, timeMs - startMs);
    const { line, message } = write(request, failure, peers, random, lineOf);
    access.push(line);
    if (message !== undefined) error.push(message);
  }
  return { access: access.join(''), error: error.join('') };
}

/** A request with what became of it, as a product writes it. */
export interface Entry {
  readonly request: Request;
  readonly failure: Failure | undefined;
  readonly status: number;
  readonly sent: number;
  /** The peer that is asked next. */
  readonly other: string;
}

function write(
  request: Request,
  failure: Failure | undefined,
  peers: number,
  random: Random,
  lineOf: (entry: Entry) => string,
): { readonly line: string; readonly message?: string } {
  const { client, timeMs, method, uri, peer } = request;
  const status = failure === undefined ? (random() < 0.03 ? 404 : 200) : (failure.status ?? 200);
  const sent = Math.floor(random() * 9000);
  const other = failure === undefined ? peer : `10.0.0.${1 + (Number(peer.split('.')[3]?.split(':')[0]) % peers)}:8080`;
  const line = lineOf({ request, failure, status, sent, other });
  if (failure?.message === undefined) return { line };
  const context = `client: ${client}, server: shop.example, request: "${method} ${uri} HTTP/1.1", upstream: "http://${peer}${uri}", host: "shop.example"`;
  const day = new Date(timeMs).toISOString();
  return {
    line,
    message: `${day.slice(0, 10).replaceAll('-', '/')} ${day.slice(11, 19)} [error] 812#812: *${Math.floor(random() * 1e6)} ${failure.message}, ${context}\n`,
  };
}

function nginxLine({ request, failure, status, sent, other }: Entry): string {
  const { client, timeMs, method, uri, agent, received, peer, seconds } = request;
  const time = seconds.toFixed(3);
  let tail = `"${peer}" "${status}" "0.001" "${time}" "${time}"`;
  if (failure?.madeBy === 'client') tail = `"${peer}" "-" "0.001" "-" "${time}"`;
  else if (failure?.madeBy === 'nginx' && failure.status === undefined) tail = `"${peer}, ${other}" "502, 200" "-, 0.001" "-, ${time}" "0.000, ${time}"`;
  else if (failure?.madeBy === 'nginx') tail = `"${peer}" "${status}" "-" "-" "${time}"`;
  return `${client} - - [${localTime(timeMs)} +0000] "${method} ${uri} HTTP/1.1" ${status} ${sent} "-" "${agent}" ${Math.round(received)} ${time} ${tail}\n`;
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const twoDigits = Array.from({ length: 60 }, (_, number) => String(number).padStart(2, '0'));
const days = new Map<number, string>();

/** `21/Nov/2026:01:55:14`, in UTC. */
export function localTime(ms: number): string {
  const number = Math.floor(ms / 86_400_000);
  let day = days.get(number);
  if (day === undefined) {
    const iso = new Date(number * 86_400_000).toISOString();
    days.set(number, (day = `${iso.slice(8, 10)}/${months[Number(iso.slice(5, 7)) - 1] ?? ''}/${iso.slice(0, 4)}`));
  }
  const seconds = Math.floor(ms / 1000) - number * 86_400;
  return `${day}:${twoDigits[Math.floor(seconds / 3600)] ?? ''}:${twoDigits[Math.floor(seconds / 60) % 60] ?? ''}:${twoDigits[seconds % 60] ?? ''}`;
}

const nowMs = Date.UTC(2026, 10, 22);
const inUtc = hourReader('UTC', nowMs);

/** The roll-up of a log's text. */
export function scanText(path: string, text: string, formats: readonly LogFormat[], hourMs = inUtc): RollUp {
  const scanner = createPlainScanner({
    path,
    formats,
    sinceMs: Number.NEGATIVE_INFINITY,
    untilMs: Number.POSITIVE_INFINITY,
    nowMs: Date.UTC(2026, 11, 1),
    hourMs,
  });
  const bytes = encodeUtf8(text);
  let [at, left] = [0, 0];
  do {
    const size = Math.min(1 << 20, bytes.length - at);
    scanner.buffer.set(bytes.subarray(at, at + size), left);
    const length = left + size;
    at += size;
    left = scanner.scan(length, at - length, at >= bytes.length);
  } while (at < bytes.length);
  return scanner.result();
}

const explained: readonly (readonly [string, readonly MessageClass[]])[] = [
  ['backend-down', ['connect-refused']],
  ['backend-crash-loop', ['connect-refused']],
  ['address-mismatch', ['connect-refused']],
  ['backend-slower-than-timeout', ['read-timeout']],
  ['backend-hung', ['read-timeout']],
  ['request-specific-crash', ['reset', 'premature-close']],
  ['backend-crashing', ['reset', 'premature-close']],
  ['keepalive-race', ['reset', 'premature-close']],
  ['nginx-worker-connections-exhausted', ['worker-connections']],
  ['response-header-too-big', ['header-too-big']],
  ['no-live-upstreams', ['no-live-upstreams']],
  ['app-returned-5xx', []],
  ['logging-not-ready', []],
  ['retries-hide-failures', []],
];

export const faults: readonly KnownFault[] = explained.map(([id, explains]) => ({ id, layer: 'backend', title: `The fault ${id}`, explains }));

export function inputOf(rollUp: RollUp, formats: readonly LogFormat[], more: Partial<LogsInput> = {}): LogsInput {
  return { rollUp, formats, inputs: [], nowMs, zone: 'UTC', faults, readFields, redact: text => text, ...more };
}

/** What is said of generated traffic; with its error log, where the test wants that. */
export function insightOf(traffic: Traffic, withErrors = false): LogsInsight {
  const { access, error } = makeLogs(traffic);
  const parts = [scanText('/var/log/nginx/access.log', access, [fullFormat])];
  if (withErrors) parts.push(scanText('/var/log/nginx/error.log', error, errorFormats));
  return describeLogs(inputOf(sumOfRollUps(parts), [fullFormat, ...errorFormats]));
}
