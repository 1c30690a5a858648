import type { Clue } from '../model/fingerprint.ts';
import { valuesOf, type View } from './view.ts';

/** Literal text, so that any answer is matched in linear time. All that is given must hold. */
export interface TextTest {
  readonly is?: string;
  readonly starts?: string;
  readonly ends?: string;
  /** Each of them stands in it. */
  readonly has?: readonly string[];
}

/** Finds a mark: the piece of the answer that shows it, or nothing. */
export type Finder = (view: View) => Pick<Clue, 'part' | 'text'> | undefined;

const mostText = 200;

/** A field with such a value, compared without regard to case; any value without a test. */
export function header(name: string, test: TextTest = {}): Finder {
  const lower = inLowerCase(test);
  return view => {
    const field = view.fields.find(one => one.name === name && holds(one.value.toLowerCase(), lower));
    return field && { part: 'header', text: cut(`${field.written}: ${field.value}`) };
  };
}

/** One member of a list such as Via, and not of its neighbours. */
export function listed(name: string, test: TextTest): Finder {
  const lower = inLowerCase(test);
  return view => {
    const member = members(view, name).find(one => holds(one.toLowerCase(), lower));
    return member === undefined ? undefined : { part: 'header', text: cut(`${name}: ${member}`) };
  };
}

/** A cookie whose name begins so. */
export function cookie(prefix: string): Finder {
  return view => {
    const name = view.cookies.find(one => one.startsWith(prefix));
    return name === undefined ? undefined : { part: 'cookie', text: cut(name) };
  };
}

/** The page. What is quoted is the line with the first of the literals. */
export function body(test: TextTest): Finder {
  return view => (holds(view.body, test) ? { part: 'body', text: lineWith(view.body, test.has?.[0] ?? test.starts ?? test.is ?? '') } : undefined);
}

/** The whole page, but for white space around it. */
export function wholeBody(...texts: readonly string[]): Finder {
  return view => {
    const text = view.body.trim();
    return view.isWhole && texts.includes(text) ? { part: 'body', text: cut(text) } : undefined;
  };
}

export function reason(test: TextTest): Finder {
  return view => (view.isHttp1 && holds(view.reason, test) ? { part: 'status', text: cut(`${view.status} ${view.reason}`) } : undefined);
}

/** A name of the chain of CNAMEs that ends so. */
export function cname(...suffixes: readonly string[]): Finder {
  return view => {
    const name = view.names.find(one => suffixes.some(suffix => one.endsWith(`.${suffix}`)));
    return name === undefined ? undefined : { part: 'dns', text: cut(name) };
  };
}

export function certificate(test: TextTest): Finder {
  return view => {
    const name = view.certificate.find(one => holds(one, test));
    return name === undefined ? undefined : { part: 'tls', text: cut(name) };
  };
}

/** The body is a file as web servers show one: its size, in hexadecimal, is the group of the pattern in ETag. */
export function servedFile(etag: RegExp): Finder {
  return view => {
    const value = valuesOf(view, 'etag')[0]?.replace(/^W\//, '').slice(0, mostText) ?? '';
    const size = etag.exec(value)?.[1];
    return view.isWhole && size !== undefined && Number.parseInt(size, 16) === view.body.length ? { part: 'header', text: `ETag: ${value}` } : undefined;
  };
}

/** All of them are there; the first is quoted. */
export function both(first: Finder, ...others: readonly Finder[]): Finder {
  return view => (others.every(find => find(view) !== undefined) ? first(view) : undefined);
}

/** The first of them that is there. */
export function either(...finders: readonly Finder[]): Finder {
  return view => {
    for (const find of finders) {
      const found = find(view);
      if (found !== undefined) return found;
    }
    return undefined;
  };
}

export function without(find: Finder, absent: Finder): Finder {
  return view => (absent(view) === undefined ? find(view) : undefined);
}

/** Members of a list field, over all its lines. Commas in quoted text are rare enough in the lists that are read here. */
export function members(view: View, name: string): string[] {
  return valuesOf(view, name).flatMap(value => value.split(',').map(one => one.trim()));
}

export function cut(text: string): string {
  return text.length > mostText ? `${text.slice(0, mostText - 1)}…` : text;
}

/** A name that a server gives itself, fit to stand in a sentence. */
export function plainName(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, 40);
}

function holds(text: string, { is, starts, ends, has }: TextTest): boolean {
  if (is !== undefined && text !== is) return false;
  if (starts !== undefined && !text.startsWith(starts)) return false;
  if (ends !== undefined && !text.endsWith(ends)) return false;
  return has === undefined || has.every(piece => text.includes(piece));
}

function inLowerCase({ is, starts, ends, has }: TextTest): TextTest {
  return {
    ...(is !== undefined && { is: is.toLowerCase() }),
    ...(starts !== undefined && { starts: starts.toLowerCase() }),
    ...(ends !== undefined && { ends: ends.toLowerCase() }),
    ...(has !== undefined && { has: has.map(one => one.toLowerCase()) }),
  };
}

function lineWith(text: string, piece: string): string {
  const at = Math.max(0, text.indexOf(piece));
  const start = Math.max(text.lastIndexOf('\n', at) + 1, at - mostText / 2);
  const end = text.indexOf('\n', at + piece.length);
  return cut(text.slice(start, end < 0 ? undefined : end).trim());
}
