import type { ListedUnit } from '../model/facts/unit-names.ts';
import { linesOf, wholeNumber, wordsOf } from './text.ts';

/** Reads `systemctl list-units --all --type=service --plain --no-legend`. Sample (systemd 252): `loop.service loaded activating auto-restart Loops` */
export function parseListUnits(text: string): readonly ListedUnit[] {
  const units: ListedUnit[] = [];
  for (const line of linesOf(text, 20_000)) {
    const words = wordsOf(line, 5);
    // systemd before 246 marks failed units with a dot even in the plain form.
    const [name, load, active, sub] = words[0] !== undefined && !words[0].includes('.') ? words.slice(1) : words;
    if (name?.includes('.') === true && load !== undefined && active !== undefined && sub !== undefined) units.push({ name, load, active, sub });
  }
  return units;
}

/** The properties of one unit; a property that is printed more than once has all its values. */
export type UnitProperties = ReadonlyMap<string, readonly string[]>;

/**
 * Reads `systemctl show UNIT… -p …`: `Name=value` lines, an empty line between units. Values are printed on one line.
 * Sample (systemd 252): `ExecStart={ path=/bin/false ; argv[]=/bin/false ; ignore_errors=no ; … ; status=1 }`
 */
export function parseSystemctlShow(text: string): readonly UnitProperties[] {
  const units: Map<string, string[]>[] = [];
  let current: Map<string, string[]> | undefined;
  for (const line of linesOf(text)) {
    if (line === '') {
      current = undefined;
      continue;
    }
    const equals = line.indexOf('=');
    if (equals < 1) continue;
    if (current === undefined) {
      current = new Map();
      units.push(current);
    }
    const name = line.slice(0, equals);
    const values = current.get(name) ?? [];
    values.push(line.slice(equals + 1));
    current.set(name, values);
  }
  return units;
}

/** The command in an `Exec*` property: `{ path=… ; argv[]=/usr/bin/gunicorn --bind … ; ignore_errors=no ; …`. */
export function execCommand(value: string): string | undefined {
  const at = value.indexOf('argv[]=');
  if (at < 0) return undefined;
  const end = value.indexOf(' ; ignore_errors=', at);
  return value.slice(at + 7, end < 0 ? value.length : end);
}

/**
 * A time as systemctl prints it, in ms: `@1795246204` or `Sat 2026-11-21 07:30:04 UTC`. A zone other than UTC is taken
 * for the host's own. `undefined` for an empty value, `n/a` and `0`.
 */
export function parseSystemdTime(text: string | undefined, offsetMinutes: number): number | undefined {
  if (text === undefined) return undefined;
  if (text.startsWith('@')) {
    const seconds = wholeNumber(text.slice(1));
    return seconds === undefined ? undefined : seconds * 1000;
  }
  const match = /^(?:\w{3} )?(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.\d{1,6})? (\S{1,40})$/.exec(text);
  if (match === null) return undefined;
  const asUtc = Date.parse(`${match[1]}T${match[2]}Z`);
  if (Number.isNaN(asUtc)) return undefined;
  return match[3] === 'UTC' || match[3] === 'GMT' ? asUtc : asUtc - offsetMinutes * 60_000;
}
