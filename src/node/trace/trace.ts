import type { NameLookup, RedirectEnd, TraceAttempt, TraceHop, TraceObservation } from '../../core/model/trace.ts';
import { isSecretHeader } from '../redact/secret-names.ts';
import { attempt, type AttemptInput } from './attempt.ts';
import { readAuthorities, type Authorities } from './authorities.ts';
import type { WireRequest } from './http1.ts';
import { lookUp } from './look-up.ts';
import { parseRedirect } from './parse-target.ts';
import { probeSizes } from './size-probe.ts';
import { lookWithName, lookWithoutName, readTlsVersions } from './tls-extras.ts';
import { isSecure, type Target, type TraceRequest } from './trace-request.ts';

const maxRedirects = 10;
/** No further round begins after this. */
const longestRoundsMs = 45_000;

interface Run {
  readonly request: TraceRequest;
  readonly authorities: Authorities;
  readonly startMs: number;
}

/** Asks what was to be asked, from this machine, and says what was seen. Never throws for what the other side does. */
export async function trace(request: TraceRequest): Promise<TraceObservation> {
  const startedMs = Date.now();
  const run: Run = { request, authorities: await readAuthorities(request.tls.ca, process.env), startMs: performance.now() };
  const { hops, wire, ended } = await followRedirects(run);
  const last = hops.at(-1);
  const rounds = last === undefined ? undefined : await repeat(run, last, wire);
  const whole = rounds === undefined ? hops : [...hops.slice(0, -1), rounds.hop];
  const origin = await askOrigin(run, wire);
  const sizes = await probeSizes({ request, authorities: run.authorities, wire }, whole.at(-1));
  return {
    question: request.question,
    startedMs,
    durationMs: performance.now() - run.startMs,
    hops: whole,
    ...(ended === undefined ? {} : { redirectsEnded: ended }),
    ...(origin === undefined ? {} : { origin }),
    sizes,
    ...(rounds?.cutShort === undefined ? {} : { cutShort: rounds.cutShort }),
  };
}

/** The first round: each address of each URL once, as far as the answers lead. */
async function followRedirects(run: Run): Promise<{ readonly hops: readonly TraceHop[]; readonly wire: WireRequest; readonly ended?: RedirectEnd }> {
  const { request } = run;
  let wire = firstWire(request);
  const hops: TraceHop[] = [];
  const seen = new Set<string>();
  for (;;) {
    const { target } = wire;
    seen.add(`${wire.method} ${target.url}`);
    request.onProgress(`asking ${target.host}`);
    const lookup = await lookUp(target.host, target.port, request);
    hops.push(await askAll(run, wire, lookup));
    const answer = hops.at(-1)?.attempts.find(each => locationOf(each) !== undefined);
    const location = answer && locationOf(answer);
    if (location === undefined || !request.follow || answer?.answer?.response === undefined) return { hops, wire };
    const next = parseRedirect(location, target);
    if (next === undefined) return { hops, wire, ended: { why: 'bad-location', location } };
    wire = nextWire(wire, next, answer.answer.response.status);
    if (seen.has(`${wire.method} ${next.url}`)) return { hops, wire, ended: { why: 'loop', location } };
    if (hops.length > maxRedirects) return { hops, wire, ended: { why: 'too-many', location } };
  }
}

function locationOf({ answer }: TraceAttempt): string | undefined {
  const response = answer?.response;
  if (response === undefined || ![301, 302, 303, 307, 308].includes(response.status)) return undefined;
  return response.headers.find(([name]) => name.toLowerCase() === 'location')?.[1];
}

function firstWire({ target, method, headers, body, userAgent }: TraceRequest): WireRequest {
  return { method, target, headers, body, userAgent };
}

/** The request that follows a redirect, as RFC 9110 §15.4 and browsers have it: secrets stay with the host that they were for. */
function nextWire(wire: WireRequest, target: Target, status: number): WireRequest {
  const turnsGet = status === 303 ? wire.method !== 'HEAD' : (status === 301 || status === 302) && wire.method === 'POST';
  const isSameOrigin = target.host === wire.target.host && target.port === wire.target.port && target.scheme === wire.target.scheme;
  const isUpgrade = wire.target.host === target.host && !isSecure(wire.target.scheme) && isSecure(target.scheme);
  const kept = wire.headers.filter(([name]) => {
    const key = name.toLowerCase();
    if (!isSameOrigin && key === 'host') return false;
    if (turnsGet && /^content-(?:type|length|encoding)$/.test(key)) return false;
    return isSameOrigin || isUpgrade || !isSecretHeader(name);
  });
  return { ...wire, target, headers: kept, ...(turnsGet ? { method: 'GET', body: undefined } : {}) };
}

async function askAll(run: Run, wire: WireRequest, lookup: NameLookup, round = 1): Promise<TraceHop> {
  const { target } = wire;
  const attempts = await Promise.all(lookup.addresses.map(address => attempt(inputFor(run, wire, lookup, address, target.port, round))));
  return { url: target.url, scheme: target.scheme, host: target.host, port: target.port, lookup, attempts };
}

function inputFor(run: Run, wire: WireRequest, lookup: NameLookup, address: string, port: number, round: number): AttemptInput {
  const { request, authorities } = run;
  return { request, authorities, wire, address, port, round, names: lookup.names, sendsAnyway: request.insecure };
}

/** The further rounds at the last URL, and what is looked at once: versions of TLS, and what comes without a server name. */
async function repeat(run: Run, hop: TraceHop, wire: WireRequest): Promise<{ readonly hop: TraceHop; readonly cutShort: string | undefined }> {
  const { request, startMs } = run;
  const attempts = [...hop.attempts];
  let cutShort: string | undefined;
  // Behind a redirect that is not followed any further the wire is that of the next URL already.
  const same = { ...wire, target: { ...wire.target } };
  for (let round = 2; round <= request.count && hop.attempts.length > 0 && wire.target.url === hop.url; round++) {
    if (performance.now() - startMs > longestRoundsMs) {
      cutShort = `${round - 1} of ${request.count} rounds had taken ${Math.round((performance.now() - startMs) / 1000)} s`;
      break;
    }
    request.onProgress(`round ${round} of ${request.count}`);
    await pause(request.intervalMs);
    attempts.push(...(await askAll(run, same, hop.lookup, round)).attempts);
  }
  const whole = { ...hop, attempts };
  if (wire.target.url !== hop.url) return { hop: whole, cutShort };
  const withHttp1 = await askWithHttp1(run, whole, wire);
  return { hop: await lookAtTls(run, withHttp1 === undefined ? whole : { ...whole, withHttp1 }, wire), cutShort };
}

/** HTTP/2 was taken in the handshake and gave no answer: one request more tells whether it is HTTP/2 that is broken. */
async function askWithHttp1(run: Run, hop: TraceHop, wire: WireRequest): Promise<TraceAttempt | undefined> {
  const broken = hop.attempts.find(({ tls, answer }) => tls?.alpn === 'h2' && answer !== undefined && answer.response === undefined);
  if (broken === undefined || run.request.http !== 'auto' || run.request.grpc || wire.body !== undefined) return undefined;
  const input = inputFor(run, wire, hop.lookup, broken.address, broken.port, broken.round);
  return attempt({ ...input, request: { ...run.request, http: '1.1' } });
}

async function lookAtTls(run: Run, hop: TraceHop, wire: WireRequest): Promise<TraceHop> {
  const first = hop.attempts.find(each => each.tls?.spoke === 'tls');
  if (first === undefined) return hop;
  run.request.onProgress('trying versions of TLS');
  const input = { request: run.request, authorities: run.authorities, wire };
  const [tlsVersions, withoutName, withName] = await Promise.all([readTlsVersions(input, first), lookWithoutName(input, first), lookWithName(input, first)]);
  return {
    ...hop,
    tlsVersions,
    ...(withoutName === undefined ? {} : { withoutName }),
    ...(withName === undefined ? {} : { withName }),
  };
}

/** The same request to the server behind the edge, with the same name in `Host` and SNI. */
async function askOrigin(run: Run, wire: WireRequest): Promise<TraceHop | undefined> {
  const { origin } = run.request;
  if (origin === undefined) return undefined;
  run.request.onProgress('asking the origin');
  const carriesSecret = wire.headers.some(([name]) => isSecretHeader(name));
  const schemes = originSchemes(wire.target, origin.scheme, origin.port);
  let hop: TraceHop | undefined;
  for (const scheme of schemes) {
    const isPlain = scheme === 'http' || scheme === 'ws';
    const port = origin.port ?? (scheme === wire.target.scheme ? wire.target.port : isPlain ? 80 : 443);
    const lookup = { ...(await lookUp(origin.host, port, run.request)) };
    // To the server behind the edge, a certificate that no client would take may be meant so.
    const inputOf = (address: string, round: number): AttemptInput => ({
      ...inputFor(run, { ...wire, target: { ...wire.target, scheme } }, lookup, address, port, round),
      sendsAnyway: run.request.insecure || !carriesSecret,
    });
    const attempts: TraceAttempt[] = [];
    for (let round = 1; round <= run.request.count && performance.now() - run.startMs < 2 * longestRoundsMs; round++) {
      if (round > 1) await pause(run.request.intervalMs);
      attempts.push(...(await Promise.all(lookup.addresses.map(address => attempt(inputOf(address, round))))));
      // A port that speaks no TLS is asked without it, in the next turn.
      if (attempts.every(each => each.tls !== undefined && each.tls.handshake === 'failed' && each.tls.spoke !== 'tls')) break;
    }
    const asked: TraceHop = { url: wire.target.url, scheme, host: origin.host, port, lookup, attempts };
    hop = hop === undefined || attempts.some(each => each.answer?.response !== undefined) ? asked : hop;
    const isPlainPort = attempts.length > 0 && attempts.every(each => each.tls?.handshake === 'failed' && each.tls.spoke !== 'tls');
    if (!isPlainPort) break;
  }
  return hop === undefined || !isSecure(hop.scheme) ? hop : lookAtTls(run, hop, { ...wire, target: { ...wire.target, scheme: hop.scheme } });
}

function originSchemes(target: Target, given: 'http' | 'https' | undefined, port: number | undefined): readonly Target['scheme'][] {
  const isSocket = target.scheme.startsWith('ws');
  const plain = isSocket ? 'ws' : 'http';
  const secure = isSocket ? 'wss' : 'https';
  if (given !== undefined) return [given === 'http' ? plain : secure];
  if (port === 80) return [plain];
  return isSecure(target.scheme) ? [secure, plain] : [plain];
}

function pause(ms: number): Promise<void> {
  return ms <= 0
    ? Promise.resolve()
    : new Promise(resolve => {
        setTimeout(resolve, ms);
      });
}
