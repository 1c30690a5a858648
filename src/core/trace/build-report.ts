import type { Attribution } from '../model/fingerprint.ts';
import type { Finding } from '../model/finding.ts';
import type { NotChecked, Report, ReportSymptom, Verdict } from '../model/report.ts';
import type { TraceHop, TraceObservation } from '../model/trace.ts';
import { startLower } from '../model/start-lower.ts';
import { compareOrigin } from './compare-origin.ts';
import { isErrorStatus, statusText } from './error-answer.ts';
import { findingsOf, type GroupFinding } from './findings.ts';
import { isFailed, isTelling, judgeHop, type JudgedHop } from './judge-hop.ts';
import { layersOf } from './layers.ts';
import { nameProblems } from './name-problems.ts';
import { placeOf, type Fingerprints, type Problem } from './problem.ts';
import { redirectProblem } from './redirect-problem.ts';
import { sizeFindings } from './size-findings.ts';
import { traceSection } from './trace-section.ts';

export interface TraceReportInput {
  readonly observation: TraceObservation;
  readonly fingerprints: Fingerprints;
  readonly version: string;
  /** Name, system and user of the machine that asked. */
  readonly machine: { readonly hostname: string; readonly os: string; readonly kernel: string; readonly user: string };
  readonly grpc: boolean;
}

/** What was seen from outside, judged: the report of `badhop trace`. Nothing in it is redacted yet. */
export function buildTraceReport(input: TraceReportInput): Report {
  const { observation } = input;
  const judged = observation.hops.map(hop => judgeHop(contextOf(hop, input)));
  const origin = observation.origin === undefined ? undefined : judgeHop(contextOf(observation.origin, input));
  const all = judged.flatMap(each => each.judged);
  const failed = all.filter(isFailed).length;
  const named = observation.hops.flatMap((hop, index) => nameProblems(hop).map(problem => nameFinding(problem, hop, `n${index + 1}`, failed === 0)));
  const perHop = judged.map((each, index) => findingsOf(each, `t${index + 1}`, failed));
  const last = perHop.length - 1;
  const compared = origin === undefined ? undefined : compare(input, judged, perHop, origin);
  const edge = perHop.slice(0, last).flatMap(each => each.map(({ finding }) => finding));
  const redirect = redirectProblem(observation);
  const redirected = redirect === undefined ? [] : [hostFinding(redirect, observation, 'r1')];
  const findings = order([
    ...named.map(({ finding }) => finding),
    ...redirected.map(({ finding }) => finding),
    ...edge,
    ...(compared?.findings ?? perHop[last]?.map(({ finding }) => finding) ?? []),
    ...sizeFindings(observation.sizes),
  ]);
  const symptoms = [...named, ...redirected, ...perHop.flat(), ...(compared?.groups ?? [])].flatMap(({ symptom }) => symptom ?? []);
  const attributed = attributionOf(judged, origin, input);
  const notChecked = notCheckedOf(judged, observation);
  const { verdict, summary } = verdictOf(findings, judged, observation, attributed, notChecked);
  return {
    schemaVersion: 1,
    tool: { name: 'badhop', version: input.version },
    host: { name: 'trace', nginx: [], ...input.machine },
    startedAt: iso(observation.startedMs),
    durationMs: Math.round(observation.durationMs),
    window: { from: iso(observation.startedMs), to: iso(observation.startedMs + observation.durationMs) },
    verdict,
    summary,
    traffic: { requests: all.filter(isTelling).length, failed, ...sharesOf(findings, failed) },
    topology: { servers: [], routes: [], groups: [], peers: [], services: [], layers: layersOf(judged, attributed?.attribution, perHop[last] ?? []) },
    symptoms,
    findings,
    ruledOut: [],
    notChecked,
    internalErrors: [],
    trace: traceSection(observation, judged, origin, attributed?.attribution),
  };
}

function contextOf(hop: TraceHop, { observation, fingerprints, grpc }: TraceReportInput): Parameters<typeof judgeHop>[0] {
  const { timeoutMs, method, insecure } = observation.question;
  return { hop, fingerprints, nowMs: observation.startedMs, timeoutMs, method, grpc, insecure };
}

function compare(
  { observation }: TraceReportInput,
  judged: readonly JudgedHop[],
  perHop: readonly (readonly GroupFinding[])[],
  origin: JudgedHop,
): { readonly findings: readonly Finding[]; readonly groups: readonly GroupFinding[] } {
  const edge = judged.at(-1);
  const groups = findingsOf(origin, 'o', 0);
  if (edge === undefined) return { findings: groups.map(({ finding }) => finding), groups };
  return { findings: compareOrigin({ observation, edge, origin, edgeFindings: perHop.at(-1) ?? [], originFindings: groups }), groups };
}

function nameFinding(
  problem: Problem,
  hop: TraceHop,
  id: string,
  isAlone: boolean,
): { readonly finding: Finding; readonly symptom: ReportSymptom | undefined } {
  return headFinding(problem, { id, name: hop.host, url: hop.url, share: isAlone ? 1 : 0, atMs: undefined });
}

function hostFinding(
  problem: Problem,
  { hops, startedMs }: TraceObservation,
  id: string,
): { readonly finding: Finding; readonly symptom: ReportSymptom | undefined } {
  return headFinding(problem, { id, name: hops.at(-1)?.host ?? '', url: hops[0]?.url ?? '', share: 1, atMs: startedMs });
}

/** A finding about a name or a chain of redirects: no single request stands for it. */
function headFinding(
  problem: Problem,
  at: { id: string; name: string; url: string; share: number; atMs: number | undefined },
): { readonly finding: Finding; readonly symptom: ReportSymptom | undefined } {
  const isLatent = problem.isLatent === true;
  const finding: Finding = {
    fault: problem.fault,
    layer: problem.layer,
    confidence: problem.confidence,
    status: isLatent ? 'latent' : 'active',
    subject: { kind: 'host', id: at.name, name: at.name, peers: [] },
    title: problem.title,
    explanation: problem.explanation,
    share: isLatent ? 0 : at.share,
    evidence: problem.evidence,
    symptoms: isLatent ? [] : [at.id],
    consequences: [],
    fixes: [problem.next],
    ...(problem.isAdvice === true ? { advice: true as const } : {}),
  };
  if (isLatent) return { finding, symptom: undefined };
  const when = iso(at.atMs ?? 0);
  const [first] = problem.evidence;
  const symptom: ReportSymptom = {
    id: at.id,
    class: problem.symptomClass,
    server: at.name,
    urlTemplate: at.url,
    madeBy: 'unknown',
    count: 0,
    ongoing: true,
    firstAt: when,
    lastAt: when,
    shape: 'every time',
    samples: first === undefined ? [] : [first],
  };
  return { finding, symptom };
}

const statusRanks = { active: 0, latent: 1, past: 2 } as const;

/** Roots first, what fails before what will, the larger share before the smaller, advice last. */
function order(findings: readonly Finding[]): readonly Finding[] {
  return findings.toSorted(
    (a, b) =>
      Number(a.causedBy !== undefined) - Number(b.causedBy !== undefined) ||
      statusRanks[a.status] - statusRanks[b.status] ||
      Number(a.advice === true) - Number(b.advice === true) ||
      b.share - a.share,
  );
}

function sharesOf(findings: readonly Finding[], failed: number): { readonly explainedShare: number; readonly unexplainedShare: number } {
  // Who answered an error is told; why is what the answer alone cannot tell.
  const isAnyActive = findings.some(({ status }) => status === 'active');
  return failed === 0 || isAnyActive ? { explainedShare: failed === 0 ? 0 : 1, unexplainedShare: 0 } : { explainedShare: 0, unexplainedShare: 1 };
}

interface Attributed {
  readonly attribution: Attribution;
  readonly status: number;
}

/** Who made the answer that the report is about: the first error, or else the last answer. */
function attributionOf(judged: readonly JudgedHop[], origin: JudgedHop | undefined, { fingerprints }: TraceReportInput): Attributed | undefined {
  const answers = [...judged, ...(origin === undefined ? [] : [origin])].flatMap(each => each.judged.flatMap(({ attempt }) => attempt.answer?.response ?? []));
  const edgeAnswers = (judged.at(-1)?.judged ?? []).flatMap(({ attempt }) => attempt.answer?.response ?? []);
  const response = answers.find(({ status }) => isErrorStatus(status)) ?? edgeAnswers[0] ?? answers.at(-1);
  return response === undefined ? undefined : { attribution: fingerprints.identify(response), status: response.status };
}

function notCheckedOf(judged: readonly JudgedHop[], { cutShort, hops, sizes }: TraceObservation): readonly NotChecked[] {
  const obstacles = new Map<string, NotChecked>();
  for (const { attempt, obstacle } of judged.flatMap(each => each.judged)) {
    if (obstacle === undefined) continue;
    const how = attempt.address.includes(':')
      ? 'run badhop where there is IPv6, or ask by IPv4 alone with -4'
      : 'run badhop from a machine that has a way there';
    obstacles.set(placeOf(attempt), { what: `The address ${placeOf(attempt)}`, why: obstacle, how });
  }
  const overridden = hops.filter(({ lookup }) => lookup.from === 'hosts-file' && !/(?:^|\.)localhost$/.test(lookup.name));
  const omitted = hops.filter(({ lookup }) => lookup.omitted > 0);
  return [
    ...obstacles.values(),
    ...overridden.map(({ lookup }) => ({
      what: `What DNS says of ${lookup.name}`,
      why: `/etc/hosts of this machine gives it ${lookup.addresses.join(', ')}`,
      how: 'ask as others do with --resolver ADDRESS',
    })),
    ...omitted.map(({ lookup }) => ({
      what: `${lookup.omitted} more addresses of ${lookup.name}`,
      why: 'no more than 16 are asked',
      how: 'ask for one of them with --resolve',
    })),
    ...(cutShort === undefined ? [] : [{ what: 'Further rounds', why: cutShort, how: 'give a smaller --count or --timeout' }]),
    ...sizes.flatMap(({ part, because }) => (because === undefined ? [] : [{ what: `The limit of the ${part}`, why: because, how: '' }])),
  ];
}

function verdictOf(
  findings: readonly Finding[],
  judged: readonly JudgedHop[],
  observation: TraceObservation,
  attributed: Attributed | undefined,
  notChecked: readonly NotChecked[],
): { readonly verdict: Verdict; readonly summary: string } {
  const { url } = observation.question;
  const active = findings.find(({ status }) => status === 'active');
  if (active !== undefined) return { verdict: 'failing', summary: `${active.title}: ${active.subject.name.replace(/\.$/, '')}.` };
  const telling = judged.flatMap(each => each.judged).filter(isTelling);
  const last = (judged.at(-1)?.judged ?? []).filter(isTelling);
  if (last.length === 0) {
    const why = notChecked[0]?.why ?? 'no address was left to ask';
    return { verdict: 'inconclusive', summary: `badhop could not ask ${url}: ${why}.` };
  }
  const latent = findings.find(({ status, advice }) => status === 'latent' && advice !== true);
  if (latent !== undefined) return { verdict: 'at-risk', summary: `Every request was answered, but ${startLower(latent.title)} (${latent.subject.name}).` };
  const statuses = [...new Set(last.flatMap(({ attempt }) => (attempt.answer?.response === undefined ? [] : [statusText(attempt.answer.response)])))];
  const places = new Set(telling.map(({ attempt }) => placeOf(attempt))).size;
  const by = attributed?.attribution.layers.at(-1);
  const who = by === undefined || by.product === 'unknown' ? '' : `, by ${by.title}`;
  return {
    verdict: 'healthy',
    summary: `${telling.length === 1 ? 'The request was' : `All ${telling.length} requests to ${places} ${places === 1 ? 'address' : 'addresses'} were`} answered: ${statuses.join(', ')}${who}.`,
  };
}

function iso(ms: number): string {
  return new Date(Number.isFinite(ms) ? ms : 0).toISOString();
}
