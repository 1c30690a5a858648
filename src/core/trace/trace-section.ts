import type { Attribution, Candidate } from '../model/fingerprint.ts';
import type { ReportAttribution, ReportCandidate, ReportSize, ReportTrace, ReportTraceHop, ReportTraceRequest, ReportTraceTls } from '../model/trace-report.ts';
import type { SizeProbe, TlsObservation, TraceAttempt, TraceHop, TraceObservation } from '../model/trace.ts';
import { statusText } from './error-answer.ts';
import { fillCommand } from './fill-command.ts';
import type { Judged, JudgedHop } from './judge-hop.ts';
import { resultOf } from './name-problems.ts';
import { placeOf } from './problem.ts';

/** The facts of a trace as the report holds them. */
export function traceSection(
  observation: TraceObservation,
  judged: readonly JudgedHop[],
  origin: JudgedHop | undefined,
  attribution: Attribution | undefined,
): ReportTrace {
  const { question, redirectsEnded, cutShort, sizes } = observation;
  return {
    url: question.url,
    method: question.method,
    hops: judged.map(hopOf),
    ...(redirectsEnded === undefined ? {} : { redirectsEnded }),
    ...(origin === undefined ? {} : { origin: hopOf(origin) }),
    ...(attribution === undefined ? {} : { answered: attributionOf(attribution, judged.at(-1)?.hop.url ?? question.url) }),
    sizes: sizes.map(sizeOf),
    ...(cutShort === undefined ? {} : { cutShort }),
  };
}

function hopOf({ hop, judged }: JudgedHop): ReportTraceHop {
  const { lookup } = hop;
  return {
    url: hop.url,
    scheme: hop.scheme,
    name: lookup.name,
    namedBy: lookup.from,
    addresses: lookup.addresses,
    aliases: lookup.names.slice(1),
    lookupMs: round(lookup.ms),
    resolvers: lookup.answers.map(answer => ({
      resolver: answer.resolver,
      type: answer.type,
      checkingDisabled: answer.checkingDisabled,
      result: resultOf(answer),
      addresses: answer.outcome.state === 'answered' ? answer.outcome.addresses : [],
      ms: round(answer.ms),
    })),
    requests: judged.map(requestOf),
    tls: tlsOf(hop),
  };
}

function requestOf({ attempt, problems, obstacle }: Judged): ReportTraceRequest {
  const { phases, answer } = attempt;
  const response = answer?.response;
  const [problem] = problems;
  return {
    round: attempt.round,
    address: placeOf(attempt),
    at: new Date(attempt.atMs).toISOString(),
    ...(phases.connectMs === undefined ? {} : { connectMs: round(phases.connectMs) }),
    ...(phases.tlsMs === undefined ? {} : { tlsMs: round(phases.tlsMs) }),
    ...(phases.firstByteMs === undefined ? {} : { firstByteMs: round(phases.firstByteMs) }),
    ...(phases.bodyMs === undefined ? {} : { bodyMs: round(phases.bodyMs) }),
    totalMs: round(phases.totalMs),
    ...(response === undefined ? {} : { status: response.status, protocol: response.protocol }),
    ...(answer === undefined || answer.headerBytes === 0 ? {} : { headerBytes: answer.headerBytes }),
    ...(problem === undefined ? {} : { problem: problem.fault }),
    result: obstacle ?? resultText(attempt, problem?.title),
  };
}

function resultText({ answer, connect, notAsked, tls }: TraceAttempt, problem: string | undefined): string {
  if (connect.state !== 'connected') return connect.state === 'timeout' ? 'no connection in time' : connect.code;
  if (answer?.response !== undefined) {
    const odd = answer.state === 'whole' || answer.state === 'limit' || answer.upgraded === true ? '' : ` (${answer.state})`;
    return `${statusText(answer.response)}${odd}`;
  }
  return notAsked ?? problem ?? tls?.error ?? 'no answer';
}

function sizeOf({ part, address, takenBytes, refusedBytes, refusedWith, requests, because }: SizeProbe): ReportSize {
  return {
    part,
    address,
    ...(takenBytes === undefined ? {} : { takenBytes }),
    ...(refusedBytes === undefined ? {} : { refusedBytes }),
    ...(refusedWith === undefined ? {} : { refusedWith }),
    requests,
    ...(because === undefined ? {} : { because }),
  };
}

/** One a place, and its first handshake: the rounds differ in nothing but their time. */
function tlsOf(hop: TraceHop): readonly ReportTraceTls[] {
  const firsts = hop.attempts.filter(
    (each, index) => each.tls !== undefined && hop.attempts.findIndex(other => placeOf(other) === placeOf(each) && other.tls !== undefined) === index,
  );
  return firsts.flatMap(attempt => {
    const { tls } = attempt;
    if (tls === undefined) return [];
    const versions = hop.tlsVersions?.address === attempt.address ? hop.tlsVersions.versions.map(({ version, taken }) => ({ version, taken })) : undefined;
    const bare = hop.withoutName?.address === attempt.address ? withoutName(tls, hop.withoutName.tls) : undefined;
    return [
      {
        address: placeOf(attempt),
        handshake: tls.handshake,
        ...(tls.serverName === undefined ? {} : { serverName: tls.serverName }),
        ...(tls.error === undefined ? {} : { error: tls.error }),
        ...(tls.protocol === undefined ? {} : { protocol: tls.protocol }),
        ...(tls.cipher === undefined ? {} : { cipher: tls.cipher }),
        ...(tls.alpn === undefined ? {} : { alpn: tls.alpn }),
        ...(tls.verify === undefined ? {} : { verify: tls.verify }),
        ...(tls.nameMatches === undefined ? {} : { nameMatches: tls.nameMatches }),
        ...(tls.clientCertificateRequested === undefined ? {} : { clientCertificateRequested: tls.clientCertificateRequested }),
        chain: tls.chain.map(({ subject, issuer, names, validFrom, validTo, signedByNext, fingerprint }) => ({
          subject,
          issuer,
          names,
          validFrom,
          validTo,
          ...(signedByNext === undefined ? {} : { signedByNext }),
          fingerprint,
        })),
        ...(versions === undefined ? {} : { versions }),
        ...(bare === undefined ? {} : { withoutServerName: bare }),
      },
    ];
  });
}

function withoutName(named: TlsObservation, bare: TlsObservation): string {
  if (bare.handshake === 'failed') return `the handshake fails (${bare.error ?? 'no reason'})`;
  return bare.chain[0]?.fingerprint === named.chain[0]?.fingerprint ? 'the same certificate' : `another certificate: ${bare.chain[0]?.subject ?? 'none'}`;
}

function attributionOf({ summary, answeredBy, narrowed, cannotTell, layers, traps, proxyStatus }: Attribution, url: string): ReportAttribution {
  const filled = (candidates: readonly Candidate[]): readonly ReportCandidate[] =>
    candidates.map(each => (each.command === undefined ? each : { ...each, command: fillCommand(each.command, url) }));
  return {
    summary,
    ...(answeredBy === undefined ? {} : { answeredBy: answeredBy.product, certainty: answeredBy.certainty }),
    ...(narrowed === undefined ? {} : { narrowedTo: filled(narrowed.candidates) }),
    ...(cannotTell === undefined
      ? {}
      : {
          cannotTell: {
            why: cannotTell.why,
            how: cannotTell.how,
            ...(cannotTell.command === undefined ? {} : { command: fillCommand(cannotTell.command, url) }),
            candidates: filled(cannotTell.candidates),
          },
        }),
    layers: layers.map(({ product, title, role, part, certainty, evidence }) => ({ product, title, role, part, certainty, clues: evidence.slice(0, 8) })),
    traps: traps.map(({ text }) => text),
    proxyStatus: proxyStatus.map(({ proxy, error, details }) => ({
      proxy,
      ...(error === undefined ? {} : { error }),
      ...(details === undefined ? {} : { details }),
    })),
  };
}

function round(ms: number): number {
  return Math.round(ms * 10) / 10;
}
