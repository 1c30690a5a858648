/**
 * Tells the formats of a log by its first lines: those of products, behind a header where there is one, and for what is left a guess.
 */
import { LineWalk } from '../scan/interpreter.ts';
import type { FieldRole, LinePlan } from '../scan/plan.ts';
import { compilePlan } from '../scan/program.ts';
import { encodeUtf8 } from '../scan/text.ts';
import type { LogFormat } from '../scan/format.ts';
import { behindHeader, type Header } from './behind-header.ts';
import { guessJsonFormat } from './guess-json.ts';
import { guessTextFormat } from './guess-text.ts';
import { lineOf, linesOf, type Head, type Line } from './head-lines.ts';
import { hourReader } from './hour-reader.ts';
import { jsonBehindHeader } from './json-behind-header.ts';
import { mayFit } from './may-fit.ts';
import { companionsOf, isAnyones } from './named.ts';

export interface Recognised {
  readonly format: LogFormat;
  /** Of the lines that were looked at, those that are this format's: 0 for what may yet come in a log of this kind. */
  readonly share: number;
}

const fewLines = 12;
/** Formats of one log that are told apart. */
const mostUnits = 6;
/** What may be guessed from so few lines is no more than chance. */
const leastGuessed = 2;
const space = 0x20;
const dash = 0x2d;
const angleOpen = 0x3c;
const firstMs = Date.UTC(1995, 0, 1);
const lastMs = Date.UTC(2100, 0, 1);

/** Formats that come together, in the order in which they are tried. */
type Unit = readonly LogFormat[];

/**
 * The formats that the lines of a log's head are in, in the order in which they are to be tried, with the share of lines of each. Empty
 * where nothing fits and nothing can be guessed. Of `headBytes` or more the last line counts only where it is whole. Never throws.
 */
export function recognise(head: Uint8Array, formats: readonly LogFormat[]): readonly Recognised[] {
  const lines = linesOf(head);
  if (lines.length === 0) return [];
  const total = lines.length;
  const units = unitsOf(formats);
  const header = headerOf(lines);
  const whole = header === undefined ? pickWhole(units, lines) : undefined;
  if (whole !== undefined) return sharesOf([whole], total);
  const found = header === undefined ? [] : pick(withHeader(units, header), lines);
  const left = (): readonly Line[] => lines.filter((_, index) => !found.some(({ fits }) => fits[index] === true));
  // Most formats fit none of some lines, and need not be tried with the others; what then is left is tried with all.
  const some = spread(left());
  const likely = units.filter(unit => some.some(line => unitFits(unit, line) !== -1));
  found.push(...pick(likely, left(), lines));
  found.push(...pick(units, left(), lines));
  const rest = left();
  const guessed = rest.length < leastGuessed ? undefined : guess(rest, header, formats);
  if (guessed !== undefined) found.push(...pick([[guessed]], rest, lines));
  return sharesOf(found, total);
}

function sharesOf(found: readonly Found[], total: number): readonly Recognised[] {
  return found.flatMap(({ unit, shares }) => unit.map((format, index) => ({ format, share: (shares[index] ?? 0) / total })));
}

/** A few of the lines, from all over. */
function spread(lines: readonly Line[]): readonly Line[] {
  const step = Math.max(1, Math.ceil(lines.length / fewLines));
  return lines.filter((_, index) => index % step === 0);
}

interface Found {
  readonly unit: Unit;
  /** By line of the head. */
  readonly fits: readonly boolean[];
  /** Lines of each format of the unit. */
  readonly shares: readonly number[];
}

/** The units that explain the most of the lines, one after the other. `all` are the lines of the head, of which these are some. */
function pick(units: readonly Unit[], lines: readonly Line[], all: readonly Line[] = lines): Found[] {
  const fitting = units.map(unit => ({ unit, own: unit.map(format => !isAnyones(format)), of: lines.map(line => unitFits(unit, line)) }));
  const open = new Set(lines.keys());
  const found: Found[] = [];
  while (open.size > 0 && found.length < mostUnits) {
    let best: (typeof fitting)[number] | undefined;
    let most = 0;
    for (const each of fitting) {
      const places = [...open].flatMap(index => each.of[index] ?? -1).filter(place => place !== -1);
      const count = places.length;
      if (!places.some(place => each.own[place] === true)) continue;
      if (count > most || (count === most && count > 0 && best !== undefined && telling(each.unit) > telling(best.unit))) {
        best = each;
        most = count;
      }
    }
    if (best === undefined) break;
    const { unit, of } = best;
    const mine = [...open].filter(index => of[index] !== -1);
    for (const index of mine) open.delete(index);
    const own = new Set(mine.map(index => lines[index]));
    found.push({ unit, fits: all.map(line => own.has(line)), shares: unit.map((_, place) => mine.filter(index => of[index] === place).length) });
  }
  return found;
}

/**
 * What `pick` gives where one unit explains all lines: of those that do, the first of the most telling. Most units are out with the first
 * line, and those that say less than one that is found need not be tried at all.
 */
function pickWhole(units: readonly Unit[], lines: readonly Line[]): Found | undefined {
  const byTelling = units.map(unit => ({ unit, says: telling(unit) })).sort((a, b) => b.says - a.says);
  for (const { unit } of byTelling) {
    const shares = unit.map(() => 0);
    const explains = lines.every(line => {
      const place = unitFits(unit, line);
      if (place !== -1) shares[place] = (shares[place] ?? 0) + 1;
      return place !== -1;
    });
    if (explains && unit.some((format, place) => (shares[place] ?? 0) > 0 && !isAnyones(format))) return { unit, fits: lines.map(() => true), shares };
  }
  return undefined;
}

const headers: readonly (readonly [header: Header, pattern: RegExp])[] = [
  ['cri', /^\d{4}-\d\d-\d\dT\S{1,40} std(?:out|err) [FP] /u],
  ['syslog-iso', /^\d{4}-\d\d-\d\dT\S{1,40} \S{1,255} [\w./@-]{1,64}(?:\[\d{1,10}\])?: /u],
  ['syslog-bsd', /^[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \S{1,255} [\w./@-]{1,64}(?:\[\d{1,10}\])?: /u],
  ['syslog', /^(?:<\d{1,3}>)?(?:[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d|\d{4}-\d\d-\d\dT\S{1,40}) \S{1,255} [\w./@-]{1,64}(?:\[\d{1,10}\])?: /u],
];

/** The header that most of the lines have. */
function headerOf(lines: readonly Line[]): Header | undefined {
  const likely = lines.filter(beginsLikeHeader);
  const isMost = (count: number): boolean => count > lines.length / 2;
  return isMost(likely.length) ? headers.find(([, pattern]) => isMost(likely.filter(({ text }) => pattern.test(text)).length))?.[0] : undefined;
}

/** With `<`, a year and a dash, or a word of three letters: other lines fit none of the patterns. */
function beginsLikeHeader({ head: { bytes }, from }: Line): boolean {
  return bytes[from] === angleOpen || bytes[from + 3] === space || bytes[from + 4] === dash;
}

/** A format says more the more fields it has. */
function telling(unit: Unit): number {
  return Math.max(...unit.map(format => format.roles.length));
}

/** What fields look like whose end is that of the line: without it a short format would take whatever stands at the end of a longer one. */
const shapes: Readonly<Partial<Record<FieldRole, RegExp>>> = {
  client: /^\S*$/u,
  status: /^(?:\d{3}|-|-1|0|)$/u,
  sent: /^(?:\d+|-|)$/u,
  received: /^(?:\d+|-|)$/u,
  'request-time': /^(?:-?\d+(?:\.\d+)?|-|)$/u,
  'upstream-status': /^(?:\d{1,3}|-|)(?:(?:, | : )(?:\d{1,3}|-|))*$/u,
};

/** What tells whether a line is of a format: its walk, and the fields that have to look like what they are. */
interface Reader {
  readonly walk: LineWalk;
  readonly slots: readonly { readonly slot: number; readonly shape: RegExp }[];
  /** Of the server and of the client; -1 where the format has none. */
  readonly server: number;
  readonly client: number;
}

const readers = new WeakMap<LogFormat, Reader>();
const hourMs = hourReader('UTC', lastMs);

/** The place of the unit's first format that the line fits; -1. */
function unitFits(unit: Unit, line: Line): number {
  return unit.findIndex(format => {
    if (format.plan.kind === 'json' && !line.isObject) return false;
    const reader = readers.get(format) ?? (mayBe(line, format) ? readerOf(format) : undefined);
    if (reader === undefined) return false;
    const { walk } = reader;
    const { head, from, to } = line;
    if (!walk.fits(head.bytes, head.view, from, to)) return false;
    // What is read as a time by accident lies anywhere.
    if (walk.program.hasTime && !(walk.timeMs >= firstMs && walk.timeMs < lastMs)) return false;
    return isPlausible(reader, head);
  });
}

/** True where no field of the line that was walked last says something that it cannot. */
function isPlausible({ walk, slots, server, client }: Reader, head: Head): boolean {
  const textAt = (slot: number): string | undefined => {
    const to = walk.keyTo[slot] ?? -1;
    return to === -1 ? undefined : head.textAt(walk.keyFrom[slot] ?? 0, to);
  };
  // A name before a client, or a client before nobody.
  if (server !== -1 && textAt(server) !== undefined && textAt(client) === '-') return false;
  for (let index = 0; index < slots.length; index += 1) {
    const one = slots[index];
    const text = one === undefined ? undefined : textAt(one.slot);
    if (text !== undefined && one?.shape.test(text) === false) return false;
  }
  return true;
}

/** Compiling a plan costs as much as trying it with a hundred lines. */
function mayBe(line: Line, { plan }: LogFormat): boolean {
  if (plan.kind === 'json') return true;
  const { text } = line;
  return text.length !== line.to - line.from || mayFit(plan.steps, text);
}

function readerOf(format: LogFormat): Reader | undefined {
  try {
    const walk = new LineWalk(compilePlan({ plan: withShapedKeys(format.plan) }), hourMs);
    const { keys } = walk.program;
    const slots = keys.flatMap((role, slot) => {
      const shape = shapes[role];
      return shape === undefined ? [] : [{ slot, shape }];
    });
    const reader = { walk, slots, server: keys.indexOf('server'), client: keys.indexOf('client') };
    readers.set(format, reader);
    return reader;
  } catch {
    return undefined;
  }
}

/** The plan with nothing to be read of a line but what its shape is asked of. */
function withShapedKeys(plan: LinePlan): LinePlan {
  const useOf = (role: FieldRole | undefined): 'key' | 'skip' => (role !== undefined && (role === 'server' || shapes[role] !== undefined) ? 'key' : 'skip');
  if (plan.kind === 'json') return { kind: 'json', keys: plan.keys.map(key => ({ ...key, use: useOf(key.role) })) };
  return { kind: 'steps', steps: plan.steps.map(step => (step.do === 'field' || step.do === 'text' ? { ...step, use: useOf(step.role) } : step)) };
}

/** Each format with those whose lines stand in the same log. */
function unitsOf(formats: readonly LogFormat[]): readonly Unit[] {
  const byId = new Map<string, LogFormat[]>();
  for (const format of formats) {
    const same = byId.get(format.id);
    if (same === undefined) byId.set(format.id, [format]);
    else same.push(format);
  }
  const taken = new Set<string>();
  const units: Unit[] = [];
  for (const [id, same] of byId) {
    if (taken.has(id)) continue;
    const companions = same[0] === undefined ? [] : companionsOf(same[0]);
    const ids = new Set([id, ...companions.map(one => one.id)]);
    units.push(companions.length === 0 ? same : formats.filter(one => ids.has(one.id)));
    for (const one of ids) taken.add(one);
  }
  return units;
}

function withHeader(units: readonly Unit[], header: Header): readonly Unit[] {
  return units.flatMap(unit => {
    const behind = unit.flatMap(format => behindHeader(format, header) ?? []);
    return behind.length === 0 ? [] : [behind];
  });
}

/** The format of lines that no other explains, behind their header where they have one. */
function guess(lines: readonly Line[], header: Header | undefined, formats: readonly LogFormat[]): LogFormat | undefined {
  const pattern = headers.find(([of]) => of === header)?.[1];
  const texts = lines.map(({ text }) => (pattern === undefined ? text : text.replace(pattern, '')));
  const json = texts.filter(text => text.trimStart().startsWith('{'));
  const isJson = json.length >= texts.length / 2;
  if (isJson && header !== undefined) {
    const base = commonest(json, formats) ?? guessJsonFormat(json);
    return base === undefined ? undefined : jsonBehindHeader(base, json, header);
  }
  const format = isJson ? guessJsonFormat(json) : guessTextFormat(texts.filter(text => !json.includes(text)));
  return format === undefined || header === undefined ? format : behindHeader(format, header);
}

/** The format of JSON lines that more than half of these are in. */
function commonest(bodies: readonly string[], formats: readonly LogFormat[]): LogFormat | undefined {
  const lines = bodies.map(text => lineOf(encodeUtf8(text)));
  return formats.find(format => format.plan.kind === 'json' && lines.filter(line => unitFits([format], line) !== -1).length > lines.length / 2);
}
