import type { Finding, FindingStatus, Subject } from '../model/finding.ts';
import type { ReportSymptom } from '../model/report.ts';
import { speaksOfNext } from '../model/speaks-of-next.ts';
import { startLower } from '../model/start-lower.ts';
import { isFailed, isTelling, spreadOf, type JudgedHop, type ProblemGroup, type Spread } from './judge-hop.ts';
import { placeOf, type Problem } from './problem.ts';

export interface GroupFinding {
  readonly finding: Finding;
  readonly symptom: ReportSymptom | undefined;
  readonly group: ProblemGroup;
}

const mostEvidence = 12;

/** A finding for each problem of a URL, told with where it shows: `1 of 4 addresses fails`. */
export function findingsOf(judged: JudgedHop, prefix: string, failedInAll: number): readonly GroupFinding[] {
  return judged.groups.map((group, index) => {
    const failing = group.problem.isLatent === true ? 0 : group.judged.length;
    const symptom = failing === 0 ? undefined : symptomOf(group, judged, `${prefix}-${index + 1}`);
    return { group, symptom, finding: findingOf(group, judged, symptom, failedInAll === 0 ? 0 : failing / failedInAll) };
  });
}

function findingOf(group: ProblemGroup, judged: JudgedHop, symptom: ReportSymptom | undefined, share: number): Finding {
  const { problem } = group;
  const spread = spreadOf(group, judged);
  const status: FindingStatus = problem.isLatent === true ? 'latent' : 'active';
  return {
    fault: problem.fault,
    layer: problem.layer,
    confidence: problem.confidence,
    status,
    subject: subjectOf(group, judged),
    title: titleOf(problem, spread),
    explanation: `${problem.explanation}${spreadText(spread, group, judged)}`,
    share: Math.min(1, Math.round(share * 10_000) / 10_000),
    evidence: evidenceOf(group, judged, spread),
    symptoms: symptom === undefined ? [] : [symptom.id],
    consequences: [],
    fixes: [problem.next],
  };
}

function titleOf({ title }: Problem, spread: Spread): string {
  switch (spread.kind) {
    case 'all':
      return title;
    case 'addresses':
      return `${spread.bad} of ${spread.all} addresses ${spread.bad === 1 ? 'fails' : 'fail'}: ${startLower(title)}`;
    case 'some':
      return `${spread.bad} of ${spread.all} requests ${spread.bad === 1 ? 'fails' : 'fail'}: ${startLower(title)}`;
  }
}

function spreadText(spread: Spread, { places }: ProblemGroup, { judged }: JudgedHop): string {
  if (spread.kind === 'all') return '';
  const good = judged.filter(each => isTelling(each) && !isFailed(each));
  const goodPlaces = [...new Set(good.map(({ attempt }) => placeOf(attempt)))];
  const well =
    goodPlaces.length === 0 ? '' : `; ${goodPlaces.slice(0, 4).join(', ')}${goodPlaces.length > 4 ? ' and others' : ''} answered well${resultsOf(good)}`;
  if (spread.kind === 'addresses') return ` It shows at ${places.join(', ')} in every round${well}. Clients fail when the name leads them there.`;
  return ` It comes and goes: ${spread.bad} of ${spread.all} requests${spread.isOneAddress ? `, all of them to ${places.join(', ')}` : ''}${well}. One of several servers behind ${places.length === 1 ? 'this address' : 'these addresses'} may be the bad one, or one that is short of workers.`;
}

function resultsOf(good: readonly { readonly attempt: { readonly answer?: { readonly response?: { readonly status: number } } } }[]): string {
  const statuses = [...new Set(good.flatMap(({ attempt }) => attempt.answer?.response?.status ?? []))];
  return statuses.length === 0 ? '' : ` (${statuses.join(', ')})`;
}

/** Of where it shows first, and where others do not fail one that does well. */
function evidenceOf({ problem, judged }: ProblemGroup, hop: JudgedHop, spread: Spread): Finding['evidence'] {
  const more = judged.slice(1).flatMap(each => each.problems.find(other => other.fault === problem.fault && other.key === problem.key)?.evidence[0] ?? []);
  const good = spread.kind === 'all' ? undefined : hop.judged.find(each => isTelling(each) && !isFailed(each));
  const well =
    good === undefined
      ? []
      : [
          {
            source: `probe:${hop.hop.url} at ${placeOf(good.attempt)}`,
            text: `${good.attempt.answer?.response?.status ?? 'the handshake'} in ${Math.round(good.attempt.phases.totalMs)} ms`,
          },
        ];
  const all = [...problem.evidence, ...well, ...more];
  return all.filter((each, index) => all.findIndex(other => other.source === each.source && other.text === each.text) === index).slice(0, mostEvidence);
}

function subjectOf({ problem, places }: ProblemGroup, { hop }: JudgedHop): Subject {
  const [place = hop.host] = places;
  if (problem.product !== undefined) {
    const { id, name, place: where } = problem.product;
    // A gateway's 502 or 504 speaks of what is behind it, whichever of the two made it.
    const isNext = where === 'behind' || (problem.status !== undefined && speaksOfNext(problem.status) && id !== 'unknown');
    return {
      kind: isNext ? 'upstream' : 'service',
      id: isNext ? `behind:${id}` : id,
      name: isNext ? `what ${name} passes requests to` : `${name}${where === undefined ? '' : ' or what stands behind it,'} at ${place}`,
      peers: [...places],
    };
  }
  if (places.length === 1) return { kind: 'peer', id: place, name: `${place}${place.startsWith(hop.host) ? '' : ` (${hop.host})`}`, peers: [...places] };
  return { kind: 'host', id: hop.host, name: `${hop.host}${places.length === 0 ? '' : ` (${places.length} addresses)`}`, peers: [...places] };
}

function symptomOf({ problem, judged, places }: ProblemGroup, hop: JudgedHop, id: string): ReportSymptom {
  const times = judged.map(({ attempt }) => attempt.atMs).toSorted((a, b) => a - b);
  const [source = problem.evidence[0]] = problem.evidence;
  const spread = spreadOf({ problem, judged, places }, hop);
  return {
    id,
    class: problem.symptomClass,
    upstream: places.slice(0, 4).join(', '),
    server: hop.hop.host,
    urlTemplate: hop.hop.url,
    ...(problem.status === undefined ? {} : { status: problem.status }),
    madeBy: 'unknown',
    count: judged.length,
    ongoing: true,
    firstAt: new Date(times[0] ?? 0).toISOString(),
    lastAt: new Date(times.at(-1) ?? 0).toISOString(),
    shape: spread.kind === 'some' ? 'now and then' : 'every time',
    samples: source === undefined ? [] : [source],
  };
}
