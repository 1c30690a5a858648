import type { CollectContext } from '../model/collector.ts';
import type { Facts } from '../model/facts.ts';
import type { Circumstance } from '../model/facts/changes.ts';
import type { Setting } from '../model/facts/nginx.ts';
import type { Symptom } from '../model/facts/topology.ts';
import type { Fault } from '../model/fault.ts';
import type { Finding } from '../model/finding.ts';
import type { Fix } from '../model/fix.ts';
import { formatLogSource } from '../model/facts/logs.ts';
import type { Report, ReportSymptom, ReportTopology } from '../model/report.ts';
import { startLower } from '../model/start-lower.ts';
import { makeChains, mergeSame, rankOf, type Chain } from './chains.ts';
import { listNotChecked } from './not-checked.ts';
import type { Assessment, Raw } from './run-faults.ts';
import { shareOut, statusRank } from './shares.ts';
import { judge, probesAnswered } from './verdict.ts';

/** Everything that a report is made of. */
export interface ReportInput {
  readonly facts: Facts;
  readonly context: CollectContext;
  readonly assessed: Assessment;
  readonly faults: readonly Fault[];
  readonly fixes: readonly Fix[];
  readonly titles: ReadonlyMap<string, string>;
  readonly hostName: string;
  readonly version: string;
  readonly durationMs: number;
  readonly internalErrors: string[];
  redact(text: string): string;
}

const mostFindings = 60;
const mostRuledOut = 60;

/** Findings into chains, chains into order, and the whole into the report of the contract. */
export function buildReport(input: ReportInput): Report {
  const { facts, context } = input;
  const symptoms: readonly Symptom[] = facts.symptoms.state === 'known' ? facts.symptoms.value : [];
  const chains = makeChains(mergeSame(input.assessed.raw));
  const shares = shareOut(chains, symptoms);
  const ordered = chains
    .map((chain, index) => ({ chain, share: shares.total === 0 ? 0 : (shares.counts[index] ?? 0) / shares.total }))
    .sort(
      (a, b) =>
        statusRank(a.chain) - statusRank(b.chain) ||
        advises(a.chain) - advises(b.chain) ||
        b.share - a.share ||
        rankOf(b.chain.root.detection.confidence) - rankOf(a.chain.root.detection.confidence),
    );
  const roots = ordered.map(({ chain, share }) => toFinding(chain.root, share, chain, input));
  const rootRaws = new Set(ordered.map(({ chain }) => chain.root));
  const seen = new Set<Raw>();
  const effects = ordered.flatMap(({ chain }) =>
    chain.consequences.filter(raw => !rootRaws.has(raw) && !seen.has(raw) && seen.add(raw)).map(raw => toFinding(raw, 0, undefined, input, chain.root)),
  );
  const findings = [...roots, ...effects].slice(0, mostFindings);
  const advice = new Set(input.faults.filter(fault => fault.meta.advice === true).map(fault => fault.meta.id));
  const found = new Set(findings.map(finding => finding.fault));
  const { verdict, summary } = judge({ facts, findings, symptoms, advice, nowMs: context.nowMs });
  const identity = facts['host-identity'].state === 'known' ? facts['host-identity'].value : undefined;
  const instances = facts['nginx-instances'].state === 'known' ? facts['nginx-instances'].value : [];
  const access = facts['nginx-access-log'].state === 'known' ? facts['nginx-access-log'].value : undefined;
  const circumstances = new Map((facts.circumstances.state === 'known' ? facts.circumstances.value : []).map(each => [each.symptomId, each]));
  const report: Report = {
    schemaVersion: 1,
    tool: { name: 'badhop', version: input.version },
    host: {
      name: input.hostName,
      hostname: identity?.hostname ?? '',
      os: identity?.os ?? '',
      kernel: identity?.kernel ?? '',
      user: identity?.user ?? '',
      nginx: instances.map(instance => `${instance.flavour} ${instance.version ?? '(version unknown)'}${instance.running ? '' : ' (not running)'}`),
    },
    startedAt: iso(context.nowMs),
    durationMs: input.durationMs,
    window: { from: iso(context.sinceMs), to: iso(context.nowMs) },
    verdict,
    summary,
    traffic: {
      requests: access?.total ?? 0,
      failed: failedRequests(symptoms, shares.total, access?.total ?? 0),
      explainedShare: shares.total === 0 ? 0 : round((shares.total - shares.unexplained) / shares.total),
      unexplainedShare: shares.total === 0 ? 0 : round(shares.unexplained / shares.total),
    },
    checked: { faults: input.faults.length, probes: probesAnswered(facts) },
    topology: topologyOf(facts),
    symptoms: symptoms.map(symptom => toReportSymptom(symptom, circumstances.get(symptom.id))),
    findings,
    ruledOut: input.assessed.ruledOut.filter(entry => !found.has(entry.fault)).slice(0, mostRuledOut),
    notChecked: listNotChecked(facts, input.assessed, input.titles),
    internalErrors: input.internalErrors,
  };
  // The same few thousand texts stand in a large report a hundred times.
  const redacted = new Map<string, string>();
  const redactOnce = (text: string): string => {
    const known = redacted.get(text);
    if (known !== undefined) return known;
    const made = input.redact(text);
    redacted.set(text, made);
    return made;
  };
  return redactAll(report, redactOnce) as Report;
}

function toFinding(raw: Raw, share: number, chain: Chain | undefined, input: ReportInput, cause?: Raw): Finding {
  const { fault, detection } = raw;
  const title = detection.title ?? fault.meta.title;
  const finding: Finding = {
    fault: fault.meta.id,
    layer: fault.meta.layer,
    confidence: detection.confidence,
    status: detection.status,
    subject: detection.subject,
    title: detection.confidence === 'possible' ? `Possibly ${startLower(title)}` : title,
    explanation: fill(fault.meta.messages[detection.messageId] ?? '', detection.data),
    share: round(share),
    evidence: detection.evidence,
    symptoms: detection.symptoms,
    consequences: [...new Set(chain?.consequences.map(one => one.fault.meta.id) ?? [])],
    ...(cause === undefined ? {} : { causedBy: cause.fault.meta.id }),
    ...(isAdvice(raw) ? { advice: true } : {}),
    fixes: [],
    ...(detection.fixData === undefined ? {} : { fixData: detection.fixData }),
  };
  return { ...finding, fixes: plansFor(finding, input) };
}

function plansFor(finding: Finding, input: ReportInput): Finding['fixes'] {
  return input.fixes
    .filter(fix => fix.fixes.includes(finding.fault))
    .flatMap(fix => {
      try {
        const plan = fix.plan(finding, input.facts);
        return plan === undefined ? [] : [plan];
      } catch (error) {
        input.internalErrors.push(`fix ${fix.id}: ${error instanceof Error ? error.message : String(error)}`);
        return [];
      }
    });
}

/** Puts the values into the `{placeholders}`; one that has no value stays visible. */
function fill(message: string, data: Readonly<Record<string, string | number>>): string {
  return message.replace(/\{(\w+)\}/g, (whole, name: string) => (Object.hasOwn(data, name) ? String(data[name]) : whole));
}

function toReportSymptom(symptom: Symptom, circumstance: Circumstance | undefined): ReportSymptom {
  const { errorGroups, accessGroups, firstMs, lastMs, buckets: _buckets, shape, ...rest } = symptom;
  const records = errorGroups.flatMap(group => group.samples.map(sample => ({ source: formatLogSource(sample.source), text: sample.text })));
  const requests = accessGroups.flatMap(group => group.samples.map(sample => ({ source: formatLogSource(sample.source), text: sample.text })));
  const because = accessGroups.find(group => group.because !== undefined)?.because;
  return {
    ...rest,
    ...(because === undefined ? {} : { because }),
    firstAt: iso(firstMs),
    lastAt: iso(lastMs),
    shape: shape.text,
    ...(circumstance === undefined || circumstance.since.length === 0
      ? {}
      : { since: circumstance.since.map(({ timeMs, ...each }) => ({ ...each, at: iso(timeMs) })) }),
    ...(circumstance?.where === undefined ? {} : { where: circumstance.where }),
    samples: [...records.slice(0, 3), ...requests.slice(0, 2)],
  };
}

/** A request that was tried at two peers left two records in the error log: where the access log has them all, it bounds the count. */
function failedRequests(symptoms: readonly Symptom[], counted: number, requests: number): number {
  const areAllInAccessLog = requests > 0 && symptoms.every(symptom => symptom.count === 0 || symptom.copies === true || symptom.accessGroups.length > 0);
  return areAllInAccessLog ? Math.min(counted, requests) : counted;
}

function topologyOf(facts: Facts): ReportTopology {
  const topology = facts.topology.state === 'known' ? facts.topology.value : { servers: [], routes: [], groups: [], peers: [] };
  // What nginx does without being told is the same everywhere; a thousand servers would say it a thousand times.
  const written = <T extends { readonly settings: Readonly<Record<string, Setting>> }>(part: T): T => ({
    ...part,
    settings: Object.fromEntries(Object.entries(part.settings).filter(([, setting]) => setting.origin.kind !== 'default')),
  });
  return {
    ...topology,
    routes: topology.routes.map(written),
    groups: topology.groups.map(written),
    services: facts.services.state === 'known' ? facts.services.value : [],
  };
}

function advises(chain: Chain): number {
  return isAdvice(chain.root) ? 1 : 0;
}

function isAdvice({ fault, detection }: Raw): boolean {
  return fault.meta.advice === true || (fault.meta.advice === 'latent' && detection.status === 'latent');
}

/** A part without secrets is given back as it is: on a host with hundreds of backends that is nearly all of a report. */
function redactAll(value: unknown, redact: (text: string) => string): unknown {
  if (typeof value === 'string') return redact(value);
  if (typeof value !== 'object' || value === null) return value;
  const parts: readonly unknown[] = Array.isArray(value) ? value : Object.values(value);
  const redacted = parts.map(part => redactAll(part, redact));
  if (redacted.every((part, index) => part === parts[index])) return value;
  return Array.isArray(value) ? redacted : Object.fromEntries(Object.keys(value).map((key, index) => [key, redacted[index]]));
}

function iso(ms: number): string {
  return Number.isFinite(ms) && Math.abs(ms) < 8.64e15 ? new Date(ms).toISOString() : new Date(0).toISOString();
}

function round(share: number): number {
  return Math.round(share * 10_000) / 10_000;
}
