import type { ConfigDirective, NginxConfig } from './facts/nginx.ts';
import { directivesOf, editSteps, siblingsOf, type TextChange } from './nginx-edits.ts';

/**
 * Edits that set directives of the passing module, by their names without its prefix (`ssl_protocols`), beside each `*_pass` at one of the
 * places. One that stands in the same block already is replaced.
 */
export function passEdits(
  configs: readonly NginxConfig[],
  places: readonly unknown[],
  wanted: readonly (readonly [name: string, value: string])[],
): ReturnType<typeof editSteps> {
  const changes = configs.flatMap(config =>
    [...directivesOf(config)].flatMap(({ directive }) => (isAt(directive, places) ? changesFor(config, directive, wanted) : [])),
  );
  return editSteps(configs, changes);
}

function isAt(directive: ConfigDirective, places: readonly unknown[]): boolean {
  if (!directive.name.endsWith('_pass')) return false;
  return places.some(
    place =>
      typeof place === 'object' && place !== null && 'path' in place && 'line' in place && place.path === directive.path && place.line === directive.line,
  );
}

function changesFor(config: NginxConfig, pass: ConfigDirective, wanted: readonly (readonly [string, string])[]): TextChange[] {
  const module = pass.name.slice(0, -'_pass'.length);
  const siblings = siblingsOf(config, pass);
  const text = config.files.find(file => file.path === pass.path)?.text ?? '';
  const indent = text.slice(text.lastIndexOf('\n', pass.start - 1) + 1, pass.start);
  const separator = indent.trim() === '' ? `\n${indent}` : ' ';
  const added: string[] = [];
  const changes: TextChange[] = [];
  for (const [name, value] of wanted) {
    const line = `${module}_${name} ${value};`;
    const there = siblings.findLast(one => one.name === `${module}_${name}`);
    if (there === undefined) added.push(line);
    else changes.push({ path: there.path, start: there.start, end: there.end, text: line });
  }
  return added.length === 0
    ? changes
    : [...changes, { path: pass.path, start: pass.start, end: pass.start, text: added.map(line => line + separator).join('') }];
}
