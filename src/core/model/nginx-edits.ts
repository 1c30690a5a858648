import type { ConfigDirective, ConfigFile, NginxConfig } from './facts/nginx.ts';
import { lineDiff } from './fix.ts';
import type { FixStep } from './finding.ts';
import { LineIndex } from './line-index.ts';

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
  const byLine = new Map<string, { path: string; from: number; to: number; changes: TextChange[] }>();
  for (const change of changes) {
    const text = fileOf(configs, change.path)?.text;
    if (text === undefined) continue;
    const from = text.lastIndexOf('\n', change.start - 1) + 1;
    const next = text.indexOf('\n', change.end);
    const to = next === -1 ? text.length : next;
    const key = `${change.path} ${from}`;
    const line = byLine.get(key) ?? { path: change.path, from, to, changes: [] };
    if (!line.changes.some(other => other.start === change.start)) line.changes.push(change);
    byLine.set(key, { ...line, to: Math.max(line.to, to) });
  }
  return [...byLine.values()].flatMap(({ path, from, to, changes: ofLine }): EditStep[] => {
    const file = fileOf(configs, path);
    if (file === undefined) return [];
    const { text } = file;
    const index = indexOf(file);
    let after = text.slice(from, to);
    for (const change of ofLine.toSorted((a, b) => b.start - a.start))
      after = after.slice(0, change.start - from) + change.text + after.slice(change.end - from);
    // A line that stands there more than once is given with the lines above it, so that the edit means one place.
    const line = index.uniqueFrom(index.lineOf(from));
    const start = index.starts[line - 1] ?? from;
    after = text.slice(start, from) + after;
    const [before, next] = decodeBoth(text.slice(start, to), after);
    return [{ kind: 'edit', path, line, before, after: next, diff: lineDiff(path, line, before, next) }];
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

// Thousands of findings are turned into edits one by one: what is asked of a file is reckoned once.
const filesByPath = new WeakMap<NginxConfig, ReadonlyMap<string, ConfigFile>>();
const indexes = new WeakMap<ConfigFile, LineIndex>();

/** The file of that path; where several configurations have it, the last one's. */
function fileOf(configs: readonly NginxConfig[], path: string): ConfigFile | undefined {
  for (const config of configs.toReversed()) {
    const files = filesByPath.get(config) ?? new Map(config.files.map(file => [file.path, file]));
    filesByPath.set(config, files);
    const file = files.get(path);
    if (file !== undefined) return file;
  }
  return undefined;
}

function indexOf(file: ConfigFile): LineIndex {
  const index = indexes.get(file) ?? new LineIndex(file.text);
  indexes.set(file, index);
  return index;
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
