import type { ConfigDirective, NginxConfig } from './facts/nginx.ts';
import { lineDiff } from './fix.ts';
import type { FixStep } from './finding.ts';

/** A piece of a configuration file, by its byte range, and what is to stand there. */
export interface TextChange {
  readonly path: string;
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

type EditStep = Extract<FixStep, { kind: 'edit' }>;

/**
 * Turns changes of byte ranges into edits of whole lines, each with the text that must stand there before. Changes of one
 * line become one edit. A file whose text is not known gives none.
 */
export function editSteps(configs: readonly NginxConfig[], changes: readonly TextChange[]): EditStep[] {
  const texts = new Map(configs.flatMap(config => config.files.map(file => [file.path, file.text] as const)));
  const byLine = new Map<string, { path: string; from: number; to: number; changes: TextChange[] }>();
  for (const change of changes) {
    const text = texts.get(change.path);
    if (text === undefined) continue;
    const from = text.lastIndexOf('\n', change.start - 1) + 1;
    const next = text.indexOf('\n', change.end);
    const to = next === -1 ? text.length : next;
    const key = `${change.path} ${from}`;
    const line = byLine.get(key) ?? { path: change.path, from, to, changes: [] };
    if (!line.changes.some(other => other.start === change.start)) line.changes.push(change);
    byLine.set(key, { ...line, to: Math.max(line.to, to) });
  }
  return [...byLine.values()].map(({ path, from, to, changes: ofLine }) => {
    const text = texts.get(path) ?? '';
    let after = text.slice(from, to);
    for (const change of ofLine.toSorted((a, b) => b.start - a.start))
      after = after.slice(0, change.start - from) + change.text + after.slice(change.end - from);
    const before = text.slice(from, to);
    const line = countLines(text, from);
    return { kind: 'edit', path, line, before: decode(before), after: decode(after), diff: lineDiff(path, line, decode(before), decode(after)) };
  });
}

/** Every directive of a configuration once, blocks and includes walked through, with the names of the blocks around it. */
export function* directivesOf(config: NginxConfig): Generator<{ readonly directive: ConfigDirective; readonly within: readonly string[] }> {
  const seen = new Set<string>();
  for (const one of walk(config.directives, [], 0)) {
    const key = `${one.directive.path} ${one.directive.start}`;
    if (seen.has(key)) continue;
    seen.add(key);
    yield one;
  }
}

function* walk(
  directives: readonly ConfigDirective[],
  within: readonly string[],
  depth: number,
): Generator<{ readonly directive: ConfigDirective; readonly within: readonly string[] }> {
  if (depth > 64) return;
  for (const directive of directives) {
    yield { directive, within };
    if (directive.block !== undefined) yield* walk(directive.block, [...within, directive.name], depth + 1);
    for (const file of directive.included ?? []) yield* walk(file.directives, within, depth + 1);
  }
}

function countLines(text: string, end: number): number {
  let line = 1;
  for (let at = text.indexOf('\n'); at !== -1 && at < end; at = text.indexOf('\n', at + 1)) line++;
  return line;
}

/** File texts hold one character a byte; people and editors want UTF-8. Text that is none is left as it is. */
function decode(latin1: string): string {
  try {
    return decodeURIComponent(escapeBytes(latin1));
  } catch {
    return latin1;
  }
}

function escapeBytes(latin1: string): string {
  let out = '';
  for (let at = 0; at < latin1.length; at++) out += `%${latin1.charCodeAt(at).toString(16).padStart(2, '0')}`;
  return out;
}
