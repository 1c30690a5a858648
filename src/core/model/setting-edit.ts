import type { Sourced } from './facts/backend.ts';
import type { FixStep } from './finding.ts';
import { lineDiff } from './fix.ts';

/** Puts another value on the setting's own line, where the line says nothing but that; `undefined` where it cannot be done for sure. */
export function settingEdit(setting: Sourced<string> | undefined, value: string): Extract<FixStep, { kind: 'edit' }> | undefined {
  const place = /^file:(.+):(\d+)$/.exec(setting?.source ?? '');
  const before = setting?.text;
  if (place === null || setting === undefined || before === undefined) return undefined;
  const equals = before.indexOf('=');
  const at = before.indexOf(setting.value, equals + 1);
  if (
    equals < 0 ||
    at < 0 ||
    setting.value === '' ||
    before
      .slice(equals + 1, at)
      .trim()
      .replace(/^["']$/, '') !== ''
  )
    return undefined;
  const after = before.slice(0, at) + value + before.slice(at + setting.value.length);
  const path = place[1] ?? '';
  const line = Number(place[2]);
  return { kind: 'edit', path, line, before, after, diff: lineDiff(path, line, before, after) };
}
