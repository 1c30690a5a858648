import { formatLogSource } from '../../model/facts/logs.ts';
import type { Confidence, Evidence, Finding, Subject } from '../../model/finding.ts';
import type { LogFormat, LogProduct } from '../scan/format.ts';
import { causesOf, causesOfAnswer, type Cause, type CauseFacts } from './causes.ts';
import type { Group } from './groups.ts';
import type { KnownFault } from './input.ts';
import { reasonOf } from './problem-words.ts';
import type { Told } from './problems.ts';
import type { ReadLine } from './sample-lines.ts';
import { countOf, listText } from './words.ts';
import { startLower } from '../../model/start-lower.ts';

const mostFindings = 20;
const mostCauses = 3;
const ranks: Readonly<Record<Confidence, number>> = { confirmed: 2, likely: 1, possible: 0 };

/** The causes that logs alone prove or suggest, those that explain most first. */
export function findCauses(
  told: readonly Told[],
  faults: readonly KnownFault[],
  formats: readonly LogFormat[],
  lines: () => readonly ReadLine[],
): readonly Finding[] {
  const known = new Map(faults.map(fault => [fault.id, fault]));
  const products = new Map(formats.map(format => [format.id, format.product]));
  const failed = told.reduce((sum, { group }) => sum + group.count, 0);
  const findings = told.flatMap(one => findingsOf(one, failed, known, products, lines));
  return [...asConsequences(mergeSame(findings))]
    .sort((a, b) => order(a) - order(b) || b.share - a.share || ranks[b.confidence] - ranks[a.confidence])
    .slice(0, mostFindings);
}

/** What goes on stands before what is over, and a root before what follows of it. */
function order({ status, causedBy, advice }: Finding): number {
  return (status === 'active' ? 0 : status === 'past' ? 1 : 2) + (causedBy === undefined ? 0 : 4) + (advice === true ? 8 : 0);
}

function findingsOf(
  told: Told,
  failed: number,
  known: ReadonlyMap<string, KnownFault>,
  products: ReadonlyMap<string, LogProduct>,
  lines: () => readonly ReadLine[],
): readonly Finding[] {
  const { problem, group } = told;
  const evidence = evidenceOf(told, lines());
  if (evidence.length === 0) return [];
  const causes = causesOfProblem(told, products)
    .filter(({ fault }) => known.has(fault))
    .slice(0, mostCauses);
  const status = group.kind === 'retries' ? 'latent' : problem.ongoing ? 'active' : 'past';
  return causes.flatMap((cause, index) => {
    const fault = known.get(cause.fault);
    if (fault === undefined) return [];
    return [
      {
        fault: fault.id,
        layer: fault.layer,
        confidence: cause.confidence,
        status: cause.fault === 'logging-not-ready' ? 'latent' : status,
        subject: subjectOf(told),
        title: titleOf(fault, cause, group, products),
        explanation: explain(told, cause, causes),
        // What is not told apart does not explain anything twice.
        share: index === 0 ? Number((group.count / failed).toPrecision(4)) : 0,
        evidence,
        symptoms: [problem.id],
        consequences: [],
        ...(cause.fault === 'logging-not-ready' ? { advice: true as const } : {}),
        fixes: [],
      },
    ];
  });
}

/** What the catalogue says of nginx is left out of what another product's log tells. */
function titleOf({ title }: KnownFault, { confidence }: Cause, { series }: Group, products: ReadonlyMap<string, LogProduct>): string {
  const writers = series.map(({ format }) => products.get(format));
  const isOthers = writers.every(product => product !== undefined && product !== 'nginx');
  const told = isOthers ? title.replace(/: nginx .*$/u, '') : title;
  return confidence === 'possible' ? `Possibly ${startLower(told)}` : told;
}

function causesOfProblem(told: Told, products: ReadonlyMap<string, LogProduct>): readonly Cause[] {
  const { problem, group, messages } = told;
  const facts: CauseFacts = {
    text: messages.map(({ message }) => message ?? '').join('\n'),
    peers: problem.peers.map(({ peer }) => peer),
    products: new Set(messages.flatMap(({ series }) => series.map(({ format }) => products.get(format))).filter(product => product !== undefined)),
    status: problem.status,
    isAtUrl: problem.where.some(({ dimension, amongFailing }) => dimension === 'url' && amongFailing >= 0.5),
    onlyPost: problem.where.some(({ dimension, value, amongFailing }) => dimension === 'method' && value === 'POST' && amongFailing >= 0.9),
  };
  const kinds = [
    ...new Set([...(group.class === undefined ? [] : [group.class]), ...messages.toSorted((a, b) => b.count - a.count).flatMap(each => each.class ?? [])]),
  ];
  // The reason that one cause has for another is no cause of its own while that is there.
  const roots = kinds.length > 1 ? kinds.filter(kind => kind !== 'no-live-upstreams') : kinds;
  const found = roots.flatMap(kind => causesOf(kind, facts));
  const hidden =
    group.kind === 'retries'
      ? [{ fault: 'retries-hide-failures', confidence: 'confirmed', because: 'The log shows the failed tries behind good answers.' } as const]
      : [];
  if (found.length > 0) return [...found.filter(one => ranks[one.confidence] > 0), ...hidden, ...found.filter(one => ranks[one.confidence] === 0)];
  if (hidden.length > 0) return hidden;
  if (group.madeBy === 'unknown' && group.kind === 'requests') {
    return [
      {
        fault: 'logging-not-ready',
        confidence: 'confirmed',
        because: `${problem.because ?? 'The log format lacks what tells'}: who made these answers cannot be told.`,
      },
    ];
  }
  return group.kind === 'messages' ? [] : causesOfAnswer(group.madeBy, group.status);
}

/** Verbatim lines of the messages, or where there are none of the requests. */
function evidenceOf({ group, messages }: Told, lines: readonly ReadLine[]): readonly Evidence[] {
  const keys = new Set(messages.flatMap(({ series }) => series.map(({ outcome }) => `messages\0${outcome?.class ?? ''}\0${outcome?.message ?? ''}`)));
  const own = pick(lines.filter(({ key }) => key === group.key));
  const said = pick(lines.filter(({ key }) => key !== undefined && keys.has(key)));
  return (group.kind === 'messages' ? said : [...said, ...own]).slice(0, 4);
}

/** The first and the last. */
function pick(lines: readonly ReadLine[]): readonly Evidence[] {
  const sorted = lines.toSorted((a, b) => a.line.timeMs - b.line.timeMs || a.line.offset - b.line.offset);
  const chosen = new Set([sorted[0], sorted.at(-1)].filter(line => line !== undefined));
  return [...chosen].map(({ line }) => ({ source: formatLogSource(line), text: line.text.slice(0, 2048) }));
}

function subjectOf({ problem, where }: Told): Subject {
  const bad = where.told.flatMap(({ value: { dimension, value } }) => (dimension === 'peer' ? [value] : []));
  const peers = bad.length > 0 ? bad : problem.peers.map(({ peer }) => peer);
  const [first] = peers;
  if (first === undefined) return { kind: 'nginx', id: 'nginx', name: 'nginx', peers: [] };
  return { kind: peers.length === 1 ? 'peer' : 'upstream', id: first, name: listText(peers, 2), peers };
}

function explain({ problem, messages }: Told, { because, confidence, fault }: Cause, causes: readonly Cause[]): string {
  const [top] = messages.toSorted((a, b) => b.count - a.count);
  const seen =
    top === undefined || problem.messages.length === 0
      ? `${problem.title}.`
      : `${problem.title}. ${countOf(top.count, 'message')} of the error log ${top.count === 1 ? 'says' : 'say'}: ${top.message ?? reasonOf(top.class ?? 'other')}.`;
  const others = causes.filter(one => one.fault !== fault && one.confidence === 'possible').map(one => one.fault);
  const open = confidence === 'possible' ? ` Logs alone do not tell${others.length === 0 ? '' : ` it from ${listText(others)}`}: run badhop on the host.` : '';
  return `${seen} ${because}${open}`;
}

/** One fault at one subject is one finding, whichever problems it explains. */
function mergeSame(findings: readonly Finding[]): readonly Finding[] {
  const byKey = new Map<string, Finding>();
  for (const finding of findings) {
    const key = `${finding.fault}\0${finding.subject.id}`;
    const same = byKey.get(key);
    if (same === undefined) byKey.set(key, finding);
    else {
      const [first, second] = ranks[same.confidence] >= ranks[finding.confidence] ? [same, finding] : [finding, same];
      byKey.set(key, {
        ...first,
        status: first.status === 'active' || second.status === 'active' ? 'active' : first.status,
        share: Number((first.share + second.share).toPrecision(4)),
        symptoms: [...new Set([...first.symptoms, ...second.symptoms])],
        evidence: [...first.evidence, ...second.evidence].slice(0, 6),
      });
    }
  }
  return [...byKey.values()];
}

/** That no server is usable follows of what made them fail, and that tries are repeated of why they fail, wherever that is known. */
function asConsequences(findings: readonly Finding[]): readonly Finding[] {
  const [root] = findings
    .filter(({ fault, advice }) => !(fault in follows) && advice !== true)
    .toSorted((a, b) => ranks[b.confidence] - ranks[a.confidence] || b.share - a.share);
  if (root === undefined) return findings;
  const isEffect = ({ fault }: Finding): boolean => fault in follows && ranks[root.confidence] >= (follows[fault] ?? 0);
  const effects = findings.filter(isEffect);
  return findings.map(finding => {
    if (finding === root) return { ...finding, consequences: [...new Set(effects.map(({ fault }) => fault))] };
    return isEffect(finding) ? { ...finding, causedBy: root.fault } : finding;
  });
}

/** Faults that always have a cause, and how sure it must be to be called that. */
const follows: Readonly<Record<string, number>> = { 'no-live-upstreams': 0, 'retries-hide-failures': 1 };
