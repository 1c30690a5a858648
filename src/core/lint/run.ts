import { editSteps, type TextChange } from '../model/nginx-edits.ts';
import type { LintFinding, LintGap, LintReport, LintSeverity } from '../model/lint.ts';
import { withoutOverlaps } from './overlaps.ts';
import { ignoresIn, type IgnoreComment } from './ignores.ts';
import { Places } from './places.ts';
import type { LintProblem, LintRule } from './rule.ts';
import type { LintView } from './view.ts';

export interface LintRun {
  readonly findings: readonly LintFinding[];
  readonly ignored: LintReport['ignored'];
  /** Rules that threw: badhop's own errors. */
  readonly gaps: readonly LintGap[];
  /** What the findings' fixes come to, those that would overlap an earlier one left out. */
  readonly changes: readonly TextChange[];
  readonly lines: number;
}

export interface RunOptions {
  /** How a path is printed. */
  readonly shownPath: (path: string) => string;
  /** Takes secrets out of text. */
  readonly redact: (text: string) => string;
  /** Paths of files that badhop wrote around a fragment; nothing is told of them. */
  readonly madeUp: ReadonlySet<string>;
}

type Found = LintProblem & { readonly rule: string; readonly title: string; readonly severity: LintSeverity };

/** More of one rule say nothing new; the rest is counted. */
const mostOfOneRule = 1000;

/** Runs the rules over a configuration. Never throws: a rule that does is told as a gap. */
export function runLint(view: LintView, rules: readonly LintRule[], options: RunOptions): LintRun {
  const gaps: LintGap[] = [];
  const places = new Places(view.config.files, options.shownPath);
  const found: Found[] = parseProblems(view, places);
  for (const rule of rules) found.push(...problemsOf(rule, view, gaps));
  const seen = new Set<string>();
  const once = found.filter(({ at, rule, message }) => {
    const key = `${rule} ${at.path} ${at.start} ${message}`;
    return !options.madeUp.has(at.path) && !seen.has(key) && seen.add(key);
  });
  const comments = view.config.files.flatMap(file => ignoresIn(file));
  const { kept, ignored } = silence(once, comments, places, new Set(rules.map(rule => rule.meta.id)), options);
  const sorted = kept.toSorted((a, b) => compareText(a.at.path, b.at.path) || a.at.start - b.at.start || compareText(a.rule, b.rule));
  return {
    findings: sorted.map(problem => toFinding(problem, view, places, options)),
    ignored,
    gaps,
    changes: withoutOverlaps(sorted.flatMap(problem => [problem.fix?.changes ?? []])),
    lines: view.config.files.reduce((sum, file) => sum + (options.madeUp.has(file.path) ? 0 : places.lineOf(file.path, file.text.length)), 0),
  };
}

function problemsOf(rule: LintRule, view: LintView, gaps: LintGap[]): Found[] {
  const { meta } = rule;
  const problems: Found[] = [];
  try {
    for (const problem of rule.check(view)) {
      if (problems.length === mostOfOneRule) {
        gaps.push({ what: meta.id, why: `more than ${mostOfOneRule} places; the rest is not listed`, matters: false });
        break;
      }
      const fault = problem.fault ?? meta.fault;
      problems.push({ ...problem, rule: meta.id, title: meta.title, severity: problem.severity ?? meta.severity, ...(fault === undefined ? {} : { fault }) });
    }
  } catch (error) {
    gaps.push({ what: meta.id, why: `badhop's own error: ${error instanceof Error ? error.message : String(error)}`, how: 'Please report it.', matters: true });
  }
  return problems;
}

/** What the parser refused, which nginx would refuse as well. */
function parseProblems(view: LintView, places: Places): Found[] {
  return view.config.problems.map(({ path, line, text }) => ({
    rule: 'nginx-config-invalid',
    fault: 'nginx-config-invalid',
    title: 'nginx would not accept this configuration',
    severity: 'error',
    at: places.wholeLine(path, line),
    message: `${text.charAt(0).toUpperCase()}${text.slice(1)}.`,
    advice: 'Correct it before the next reload or restart: nginx keeps the old configuration at a reload, and does not start with this one.',
  }));
}

function silence(
  found: readonly Found[],
  comments: readonly IgnoreComment[],
  places: Places,
  known: ReadonlySet<string>,
  { shownPath }: RunOptions,
): { readonly kept: readonly Found[]; readonly ignored: LintReport['ignored'] } {
  const byLine = new Map<string, IgnoreComment[]>();
  for (const comment of comments) {
    const key = `${comment.at.path}:${comment.line}`;
    byLine.set(key, [...(byLine.get(key) ?? []), comment]);
  }
  const used = new Set<string>();
  const ignored: LintReport['ignored'][number][] = [];
  const kept = found.filter(({ at, rule }) => {
    const line = places.lineOf(at.path, at.start);
    const comment = byLine.get(`${at.path}:${line}`)?.find(one => one.ids.includes(rule));
    if (comment === undefined) return true;
    used.add(`${comment.at.path} ${comment.at.start} ${rule}`);
    ignored.push({ rule, path: shownPath(at.path), line, reason: comment.reason });
    return false;
  });
  return { kept: [...kept, ...comments.flatMap(comment => aboutComment(comment, used, known))], ignored };
}

function aboutComment(comment: IgnoreComment, used: ReadonlySet<string>, known: ReadonlySet<string>): Found[] {
  const { at, ids, reason } = comment;
  const problems: Found[] = [];
  const add = (rule: string, title: string, message: string, advice: string): void => {
    problems.push({ rule, title, severity: 'warning', at, message, advice });
  };
  if (reason === '')
    add(
      'ignore-without-reason',
      'A comment silences badhop and does not say why',
      'This comment gives no reason.',
      'Write it behind a colon: `# badhop-ignore rule: reason`.',
    );
  for (const id of ids.length === 0 ? [''] : ids) {
    if (used.has(`${at.path} ${at.start} ${id}`)) continue;
    const message = id === '' ? 'This comment names no rule.' : known.has(id) ? `Nothing on line ${comment.line} is told by ${id}.` : `There is no rule ${id}.`;
    add('ignore-unused', 'A comment silences what is not there', message, 'Take it out, or put it on the line it is for or above it.');
  }
  return problems;
}

function toFinding(problem: Found, view: LintView, places: Places, { redact }: RunOptions): LintFinding {
  const { rule, fault, severity, title, message, advice, at, related = [], fix } = problem;
  const raw = [at, ...related.map(one => one.at)].map(spot => places.span(spot));
  const secrets = raw.flatMap(({ source }) => secretsOf(source, redact(source)));
  // What a message quotes of a line may be a piece that does not look like a secret by itself.
  const clean = (text: string): string => secrets.reduce((rest, secret) => rest.replaceAll(secret, redacted), redact(text));
  const [place, ...others] = raw.map(span => ({ ...span, source: redact(span.source) }));
  if (place === undefined) throw new Error('a finding has a place');
  const steps = fix === undefined ? [] : editSteps([view.config], fix.changes);
  return {
    rule,
    ...(fault === undefined ? {} : { fault }),
    severity,
    title,
    message: clean(message),
    advice: clean(advice),
    ...place,
    related: others.map((span, index) => ({ ...span, text: clean(related[index]?.text ?? '') })),
    ...(fix === undefined || steps.length === 0 ? {} : { fix: { summary: clean(fix.summary), diffs: steps.map(step => clean(step.diff)) } }),
  };
}

const redacted = '[redacted]';

/** The pieces of a line that were taken out of it. */
function secretsOf(raw: string, clean: string): readonly string[] {
  if (raw === clean) return [];
  const secrets: string[] = [];
  let at = 0;
  const [first = '', ...rest] = clean.split(redacted);
  at += first.length;
  for (const piece of rest) {
    const end = piece === '' ? raw.length : raw.indexOf(piece, at);
    if (end < 0) return secrets;
    if (end - at >= 4) secrets.push(raw.slice(at, end));
    at = end + piece.length;
  }
  return secrets;
}

function compareText(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}
