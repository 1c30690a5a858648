/** What one telling line of a backend's log says: the shape that the parsers of each server's log share. */
import type { BackendEvent } from '../model/facts/backend.ts';

export interface BackendLine {
  /**
   * `detail` adds to the event before it (uWSGI tells the request of a harakiri on a line of its own); `gone` ends the
   * recycling of the worker that it names.
   */
  readonly kind: BackendEvent['kind'] | 'detail' | 'gone';
  readonly pid?: number;
  readonly signal?: number;
  readonly seconds?: number;
  readonly uri?: string;
  readonly address?: string;
  /** Pool of php-fpm. */
  readonly pool?: string;
}

/** The decimal number that stands in `text` right after `mark`, if any. */
export function numberAfter(text: string, mark: string): number | undefined {
  const at = text.indexOf(mark);
  if (at < 0) return undefined;
  const match = /^-?\d{1,12}(?:\.\d{1,9})?/.exec(text.slice(at + mark.length, at + mark.length + 24));
  return match === null ? undefined : Number(match[0]);
}

/** The text between two marks, if both are there in this order. */
export function textBetween(text: string, before: string, after: string): string | undefined {
  const from = text.indexOf(before);
  if (from < 0) return undefined;
  const to = text.indexOf(after, from + before.length);
  return to < 0 ? undefined : text.slice(from + before.length, to);
}

/** Takes keys whose value is `undefined` out, as `exactOptionalPropertyTypes` asks. */
export function backendLine(
  kind: BackendLine['kind'],
  rest: { readonly [Key in keyof Omit<BackendLine, 'kind'>]?: BackendLine[Key] | undefined } = {},
): BackendLine {
  const kept = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined));
  return { kind, ...(kept as Omit<BackendLine, 'kind'>) };
}
