import type { Evidence, Finding, FindingStatus, FixPlan, FixStep } from '../model/finding.ts';
import type { Report, Verdict } from '../model/report.ts';
import { glue, line, styled, wholeLine, type Line, type Span, type Style } from './layout.ts';
import { drawPath } from './path.ts';
import { escapeText, shellLine, textWidth } from './text.ts';
import { formatShare, readableSource, sentence } from './wording.ts';

/** Findings by their part in the story. */
export interface Story {
  /** The one that the verdict is about; absent where nothing is wrong, or nobody knows what. */
  readonly root: Finding | undefined;
  readonly otherRoots: readonly Finding[];
  readonly consequences: readonly Finding[];
  /** Nothing fails because of them today. */
  readonly advice: readonly Finding[];
}

/** How much of a finding is shown on the first screen. */
export interface Detail {
  readonly evidence: number;
  readonly evidenceRows: number;
  readonly explanationRows: number;
  readonly stepRows: number;
  /** Blank rows between the parts. */
  readonly air: boolean;
  /** Since when and where it fails. */
  readonly circumstances: boolean;
}

const statusOfRoot: Readonly<Partial<Record<Verdict, FindingStatus>>> = { failing: 'active', recovered: 'past', 'at-risk': 'latent' };

/** Splits the findings, each part in the order of the report. */
export function tellStory({ findings, verdict }: Report): Story {
  const causes = findings.filter(finding => finding.causedBy === undefined && !findings.some(cause => cause !== finding && explains(cause, finding)));
  const consequences = findings.filter(finding => !causes.includes(finding));
  // A chain of causes that bites its own tail would leave none: then the first is the one to read.
  const candidates = causes.length > 0 ? causes : findings.slice(0, 1);
  const root = candidates.find(finding => finding.status === statusOfRoot[verdict] && finding.advice !== true);
  const others = candidates.filter(finding => finding !== root);
  const isAdvice = (finding: Finding): boolean => finding.advice === true || finding.status === 'latent';
  return {
    root,
    otherRoots: others.filter(finding => !isAdvice(finding)),
    consequences: consequences.filter(finding => finding !== root),
    advice: others.filter(isAdvice),
  };
}

function explains(cause: Finding, effect: Finding): boolean {
  if (!cause.consequences.includes(effect.fault)) return false;
  const here = new Set([cause.subject.id, ...cause.subject.peers]);
  return cause.subject.peers.length === 0 || effect.subject.peers.length === 0 || [effect.subject.id, ...effect.subject.peers].some(id => here.has(id));
}

/** The mark and style that say how a finding stands; never the colour alone. */
export function statusMark({ status }: Finding): { readonly mark: string; readonly style: Style } {
  return status === 'active' ? { mark: '✗', style: 'bad' } : { mark: '!', style: 'warn' };
}

/** `client → nginx :443 → ✗ php-fpm pool www`. Rows end between hops. */
export function pathLine(report: Report, finding: Finding): Line {
  const { mark, style } = statusMark(finding);
  const spans = drawPath(report, finding).flatMap((hop, index): Span[] => {
    const text = hop.text.replaceAll(' ', glue);
    return [...(index === 0 ? [] : [styled('quiet', ` →${glue}`)]), hop.bad ? styled(style, `${mark}${glue}${text}`) : text];
  });
  return line(2, spans, { hang: 4, maxRows: 5 });
}

/** `confirmed, 97 % of the failures`. */
export function standing(report: Pick<Report, 'traffic'>, finding: Finding): string {
  const when = { active: '', past: ', over now', latent: ', not failing yet' }[finding.status];
  const share = finding.share > 0 && report.traffic.failed > 0 ? `, ${formatShare(finding.share)} of the failures` : '';
  return `${finding.confidence}${when}${share}`;
}

/** Title and explanation of a finding. */
export function causeLines(report: Pick<Report, 'traffic'>, finding: Finding, heading: string, rows: number): Line[] {
  const { style } = statusMark(finding);
  const title = [styled('strong', heading), styled('quiet', ` (${standing(report, finding)}): `), styled(style, finding.title)];
  return [line(0, title, { hang: 2 }), line(2, sentence(finding.explanation), { maxRows: rows })];
}

/** A new file ends with a line break, which is no line of its own. */
function withoutLastBreak(text: string): string {
  return text.endsWith('\n') ? text.slice(0, -1) : text;
}

/** Each piece of evidence beside or under the place where it stands. Pieces from one place share its name. */
export function evidenceLines(
  evidence: readonly Evidence[],
  { pieces, rows, width }: { readonly pieces: number; readonly rows: number; readonly width: number },
): Line[] {
  const lines: Line[] = [];
  let last: string | undefined;
  for (const { source, text } of pickEvidence(evidence, pieces)) {
    const place = styled('quiet', readableSource(source));
    const isShort = source.length + text.length < width && textWidth(escapeText(`${readableSource(source)}: ${text}`)) + 2 <= width;
    if (source !== last && isShort) lines.push(line(2, [place, styled('quiet', ': '), text]));
    else {
      if (source !== last) lines.push(line(2, place, { hang: 4, maxRows: 2 }));
      lines.push(line(4, text, { hang: 6, maxRows: rows }));
    }
    last = source;
  }
  return lines;
}

/** The first of each source before a second of one, in the order given. */
function pickEvidence(evidence: readonly Evidence[], limit: number): readonly Evidence[] {
  const firsts = evidence.filter((each, index) => evidence.findIndex(other => other.source === each.source) === index);
  const picked = new Set([...firsts, ...evidence].slice(0, Math.max(limit, firsts.length)));
  return evidence.filter(each => [...picked].slice(0, limit).includes(each));
}

/** What to do first, and how much comes after it. */
export function nextLines(finding: Finding, stepRows: number): Line[] {
  const [plan] = finding.fixes;
  const heading = styled('strong', 'Do next: ');
  const [step] = plan?.steps ?? [];
  if (!plan || !step) return [line(0, [heading, 'read what it means and what to do:']), wholeLine(2, styled('code', `badhop explain ${finding.fault}`))];
  const steps = plan.steps.length > 1 ? `, ${plan.steps.length} steps` : '';
  return [
    line(0, [heading, plan.summary, styled('quiet', ` (${planFacts(plan)}${steps})`)], { hang: 2, maxRows: 3 }),
    ...stepLines(step, 2, stepRows),
    ...followingCommands(plan),
  ];
}

/** What is run after the first step, in a row each, where it is no more than that. */
function followingCommands({ steps }: FixPlan): Line[] {
  const rest = steps.slice(1);
  if (rest.length > 2 || rest.some(step => step.kind !== 'command')) return [];
  return rest.flatMap(step => (step.kind === 'command' ? [line(2, ['then ', styled('code', shellLine(step.argv))], { hang: 4, maxRows: 1 })] : []));
}

/** `low risk, 2 min`. */
export function planFacts({ risk, minutes }: FixPlan): string {
  return `${risk} risk, ${minutes} min`;
}

/** One step; `rows` bounds the lines of a diff and the number of commands. */
export function stepLines(step: FixStep, indent: number, rows = Infinity): Line[] {
  switch (step.kind) {
    case 'command':
      return [wholeLine(indent, styled('code', shellLine(step.argv))), line(indent + 2, styled('quiet', sentence(step.why)), { maxRows: 2 })];
    case 'manual':
      return [line(indent, step.text, { hang: indent + 2, maxRows: 4 }), ...step.commands.slice(0, rows).map(text => wholeLine(indent, styled('code', text)))];
    case 'edit':
      return diffLines(step, indent, rows);
  }
}

function diffLines(step: Extract<FixStep, { kind: 'edit' }>, indent: number, rows: number): Line[] {
  const before = step.before === '' ? [] : step.before.split('\n').map(text => line(indent, styled('bad', `- ${text}`), { hang: indent + 2, maxRows: 3 }));
  const after =
    step.after === ''
      ? []
      : withoutLastBreak(step.after)
          .split('\n')
          .map(text => line(indent, styled('good', `+ ${text}`), { hang: indent + 2, maxRows: 3 }));
  const place = `${step.path}${step.line === undefined ? '' : `:${step.line}`}`;
  // Of a change longer than the room, what is new matters more than what goes.
  const shown = before.length + after.length <= rows ? [...before, ...after] : after.slice(0, Math.max(1, rows - 1));
  const isCut = shown.length < before.length + after.length;
  return [
    line(indent, ['edit ', styled('code', place)], { hang: indent + 2 }),
    ...shown,
    ...(isCut ? [line(indent, styled('quiet', '… (all of it with --verbose)'))] : []),
  ];
}
