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
    // A line that stands there more than once is given with the lines above it, so that the edit means one place.
    const start = uniqueFrom(text, from, to);
    after = text.slice(start, from) + after;
    const line = countLines(text, start);
    const [before, next] = decodeBoth(text.slice(start, to), after);
    return { kind: 'edit', path, line, before, after: next, diff: lineDiff(path, line, before, next) };
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

/** What stands in the same block as the directive, includes walked through, the directive itself too. */
export function siblingsOf(config: NginxConfig, directive: ConfigDirective): readonly ConfigDirective[] {
  return blockWith(config.directives, directive, 0) ?? [];
}

function blockWith(directives: readonly ConfigDirective[], wanted: ConfigDirective, depth: number): readonly ConfigDirective[] | undefined {
  if (depth > 64) return undefined;
  const flat = flatten(directives, depth);
  if (flat.some(one => one.path === wanted.path && one.start === wanted.start)) return flat;
  for (const one of flat) {
    const found = one.block === undefined ? undefined : blockWith(one.block, wanted, depth + 1);
    if (found !== undefined) return found;
  }
  return undefined;
}

function flatten(directives: readonly ConfigDirective[], depth: number): ConfigDirective[] {
  if (depth > 64) return [];
  return directives.flatMap(one => [one, ...(one.included ?? []).flatMap(file => flatten(file.directives, depth + 1))]);
}

const mostContextLines = 20;

function uniqueFrom(text: string, from: number, to: number): number {
  let start = from;
  for (let lines = 0; lines < mostContextLines && start > 0; lines++) {
    const piece = text.slice(start, to);
    if (text.indexOf(piece) === start && !text.includes(piece, start + 1)) return start;
    start = text.lastIndexOf('\n', start - 2) + 1;
  }
  return start;
}

function countLines(text: string, end: number): number {
  let line = 1;
  for (let at = text.indexOf('\n'); at !== -1 && at < end; at = text.indexOf('\n', at + 1)) line++;
  return line;
}

/** File texts hold one character a byte; people and editors want UTF-8. Where one of the two is none, both are left as they are. */
function decodeBoth(before: string, after: string): readonly [string, string] {
  try {
    return [decodeURIComponent(escapeBytes(before)), decodeURIComponent(escapeBytes(after))];
  } catch {
    return [before, after];
  }
}

function escapeBytes(latin1: string): string {
  let out = '';
  for (let at = 0; at < latin1.length; at++) out += `%${latin1.charCodeAt(at).toString(16).padStart(2, '0')}`;
  return out;
}
