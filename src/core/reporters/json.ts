import type { Finding } from '../model/finding.ts';
import type { Report } from '../model/report.ts';

export interface JsonOptions {
  /** Spaces of one level; 0 gives one line. Default 2. */
  readonly indent?: number;
}

/** The contract as text: keys in the order of the contract, valid JSON for any text, and nothing in it that a terminal acts on. Ends with a newline. */
export function renderJson(report: Report, options: JsonOptions = {}): string {
  return jsonText(inOrder(report), options);
}

/** Any report as text, with what a terminal acts on escaped. Ends with a newline. */
export function jsonText(report: object, { indent = 2 }: JsonOptions = {}): string {
  const text = JSON.stringify(report, undefined, indent);
  const isAllFinite = !text.includes('null') || hasFiniteNumbers(report);
  return `${(isAllFinite ? text : JSON.stringify(report, finite, indent)).replaceAll(unsafe, escapeCode)}\n`;
}

// JSON.stringify escapes C0 and lone surrogates; DEL, C1, zero-width and bidi characters may stand in JSON text, and a terminal acts on them.
const unsafe = /[\u007F-\u009F\u00AD\u061C\u200B-\u200F\u2028-\u202E\u2060-\u206F\uFEFF\uFFF9-\uFFFB]|[\uDB40-\uDB43][\uDC00-\uDFFF]/g;

function escapeCode(text: string): string {
  return Array.from({ length: text.length }, (_, at) => `\\u${text.charCodeAt(at).toString(16).padStart(4, '0')}`).join('');
}

/** Infinity is written as null. Looking for it first is many times quicker than a replacer, which is called for every value. */
function hasFiniteNumbers(value: unknown): boolean {
  if (typeof value === 'number') return Number.isFinite(value);
  if (typeof value !== 'object' || value === null) return true;
  for (const part of Array.isArray(value) ? value : Object.values(value)) if (!hasFiniteNumbers(part)) return false;
  return true;
}

/** JSON has no infinity; the schema has no null. */
function finite(_key: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isFinite(value) ? -1 : value;
}

function inOrder(report: Report): Report {
  const { schemaVersion, tool, host, startedAt, durationMs, window, verdict, summary, traffic, topology, symptoms, findings, ruledOut, notChecked, ...rest } =
    report;
  return {
    schemaVersion,
    tool,
    host,
    startedAt,
    durationMs,
    window,
    verdict,
    summary,
    traffic,
    topology,
    symptoms,
    findings: findings.map(findingInOrder),
    ruledOut,
    notChecked,
    ...rest,
  };
}

function findingInOrder(finding: Finding): Finding {
  const { fault, layer, confidence, status, subject, title, explanation, share, evidence, symptoms, consequences, fixes, ...rest } = finding;
  return { fault, layer, confidence, status, subject, title, explanation, share, evidence, symptoms, consequences, fixes, ...rest };
}
