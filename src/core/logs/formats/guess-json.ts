/**
 * A plan for lines of JSON of an unknown layout, by how people call the keys and by what their values look like. A key is
 * found at any depth by its last name; a name that stands more than once in a line is left alone.
 *
 *     {"@timestamp":"2026-11-21T01:55:14+00:00","status":502,"request_time":0.004,"upstream_addr":"10.0.0.1:80"}
 */
import type { LogFormat } from '../scan/format.ts';
import type { FieldRole, FieldUse, JsonKey } from '../scan/plan.ts';
import { hoplessOutcome } from './combined.ts';
import { guessedId, guessedTitle } from './guessed.ts';
import { nginxOutcome } from './nginx-outcome.ts';
import { jsonClock } from './steps.ts';

interface Known {
  /** In lower case, without anything but letters and digits; the likeliest first. */
  readonly names: string;
  readonly role: FieldRole;
  readonly use: FieldUse;
  /** Every value. */
  readonly fits: RegExp;
  /** One of the values at least. */
  readonly proof?: RegExp;
}

const list = (item: string): RegExp => new RegExp(`^(?:(?:${item}|-)(?:(?:, | : )(?:${item}|-))*)?$`, 'u');
const anything = /^/u;
const seconds = list('\\d{1,7}(?:\\.\\d{1,9})?');

/** Times whose name tells no unit are taken where they are nginx's. */
const known: readonly Known[] = [
  {
    names: 'status statuscode httpstatus responsestatus responsecode httpstatuscode st code s',
    role: 'status',
    use: 'key',
    fits: /^(?:[1-5]\d\d|0|000|009)$/u,
  },
  { names: 'requestmethod method httpmethod verb m', role: 'method', use: 'key', fits: /^(?:[A-Z]{1,16}|-|)$/u },
  { names: 'request req requestline r', role: 'request', use: 'first-word', fits: /^(?:[A-Z]{3,16} \S.*|-||\\x.*|[^{[].*)$/u },
  { names: 'requesturi uri url path requestpath u', role: 'uri', use: 'skip', fits: anything },
  {
    names: 'upstreamaddr upstreamaddress upstream ua upstreamhost',
    role: 'peer',
    use: 'key',
    fits: list('[^\\s,/]{1,200}|unix:\\S{1,200}'),
    proof: /\d:\d{1,5}(?:$|[, ])|^unix:\//,
  },
  { names: 'upstreamstatus us upstreamstatuscode', role: 'upstream-status', use: 'key', fits: list('\\d{3}') },
  { names: 'requesttime rt reqtime', role: 'request-time', use: 'seconds', fits: /^\d{1,7}\.\d{1,9}$/u },
  {
    names: 'requesttimems requestmsec durationms latencyms elapsedms responsetimems tookms',
    role: 'request-time',
    use: 'milliseconds',
    fits: /^\d{1,10}(?:\.\d{1,9})?$/u,
  },
  { names: 'requesttimeus durationus latencyus elapsedus', role: 'request-time', use: 'microseconds', fits: /^\d{1,13}$/u },
  { names: 'upstreamresponsetime urt upstreamtime', role: 'upstream-time', use: 'seconds', fits: seconds },
  { names: 'upstreamheadertime uht uh', role: 'header-time', use: 'shape', fits: seconds },
  { names: 'upstreamconnecttime uct uc', role: 'connect-time', use: 'shape', fits: seconds },
  { names: 'servername vhost virtualhost', role: 'server', use: 'key', fits: /^[\w.*:~-]{0,200}$/u },
  { names: 'host httphost requesthost authority', role: 'host', use: 'skip', fits: anything },
  {
    names: 'remoteaddr clientip remoteip client clientaddr ip remotehost',
    role: 'client',
    use: 'skip',
    fits: /^[0-9a-fA-F:.]{2,51}(?::\d{1,5})?$|^(?:unix:|-)?$/u,
  },
  { names: 'httpuseragent useragent agent', role: 'user-agent', use: 'skip', fits: anything },
  { names: 'httpreferer referer referrer httpreferrer', role: 'referer', use: 'skip', fits: anything },
  { names: 'bodybytessent bytessent size bytes responsesize', role: 'sent', use: 'skip', fits: /^(?:\d{1,15}|-|)$/u },
  { names: 'requestlength bytesreceived requestsize', role: 'received', use: 'skip', fits: /^(?:\d{1,15}|-|)$/u },
  { names: 'serverprotocol protocol httpversion proto', role: 'protocol', use: 'skip', fits: anything },
];
const timeNames =
  'timestamp ts timeiso8601 time timelocal datetime date msec t isotime requesttimestamp starttime startutc timestampiso8601 eventtime logtime'.split(' ');

/** Values by key, of the lines that have it. */
type Table = ReadonlyMap<string, readonly string[]>;

const mostDepth = 8;

/** The format that lines of JSON seem to have: nothing unless nearly all of them have a status and a time that are certain. */
export function guessJsonFormat(lines: readonly string[]): LogFormat | undefined {
  const twice = new Set<string>();
  const rows = lines.flatMap(line => rowOf(line, twice) ?? []);
  if (rows.length === 0 || rows.length < lines.length * 0.95) return undefined;
  const table = tableOf(rows, twice);
  const status = findKey(table, rows.length, known[0] as Known);
  const time = findTime(table, rows.length);
  if (status === undefined || time === undefined) return undefined;
  const keys: JsonKey[] = [time, { ...status, required: true }];
  for (const each of known.slice(1)) {
    if (keys.some(key => key.role === each.role)) continue;
    const key = findKey(table, 1, each);
    if (key !== undefined && !keys.some(one => one.name === key.name)) keys.push(key);
  }
  const plan = { kind: 'json', keys } as const;
  const roles = keys.flatMap(key => key.role ?? []);
  const hasHop = roles.includes('peer') || roles.includes('upstream-status') || roles.includes('header-time');
  return {
    id: guessedId(plan),
    title: guessedTitle('access log of JSON lines', roles),
    product: 'nginx',
    kind: 'access',
    plan,
    roles,
    outcome: hasHop ? nginxOutcome(roles, 'json') : hoplessOutcome,
  };
}

function findKey(table: Table, least: number, { names, role, use, fits, proof = anything }: Known): JsonKey | undefined {
  for (const wanted of names.split(' ')) {
    for (const [name, values] of table) {
      if (simple(name) === wanted && values.length >= least && values.every(value => fits.test(value)) && values.some(value => proof.test(value)))
        return { name, role, use };
    }
  }
  return undefined;
}

function findTime(table: Table, least: number): JsonKey | undefined {
  for (const wanted of timeNames) {
    for (const [name, values] of table) {
      if (simple(name) !== wanted || values.length < least) continue;
      const all = (pattern: RegExp): boolean => values.every(value => pattern.test(value));
      if (all(/^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?: ?(?:Z|[+-]\d\d:?\d\d))?$/u)) return { name, use: 'skip', time: jsonClock('iso') };
      if (all(/^\d\d\/[A-Za-z]{3}\/\d{4}:\d\d:\d\d:\d\d(?: [+-]\d{4})?$/u)) return { name, use: 'skip', time: jsonClock('local') };
      const unitMs = unitOf(values);
      if (unitMs !== undefined) return { name, use: 'skip', time: { form: 'epoch', unitMs } };
    }
  }
  return undefined;
}

/** By the number of digits that the years from 2001 to 2286 have. */
function unitOf(values: readonly string[]): number | undefined {
  const units: readonly (readonly [digits: number, unitMs: number])[] = [
    [10, 1000],
    [13, 1],
    [16, 1e-3],
    [19, 1e-6],
  ];
  return units.find(([digits]) => values.every(value => new RegExp(`^\\d{${digits}}(?:\\.\\d{1,9})?$`, 'u').test(value)))?.[1];
}

function simple(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z\d]/gu, '');
}

/** The values of a line by their keys, as they stand in it. Keys that stand in it more than once are added to `twice`. */
function rowOf(line: string, twice: Set<string>): ReadonlyMap<string, string> | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    // nginx leaves a number that it has not got out: `"bytes":,`.
    try {
      value = JSON.parse(line.replaceAll(/:(?=[,}])/gu, ':null'));
    } catch {
      return undefined;
    }
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const row = new Map<string, string>();
  const walk = (object: object, depth: number): void => {
    for (const [name, one] of Object.entries(object) as [string, unknown][]) {
      if (typeof one === 'object' && one !== null && depth < mostDepth) walk(one, depth + 1);
      if (typeof one !== 'string' && typeof one !== 'number') continue;
      if (row.has(name)) twice.add(name);
      row.set(name, typeof one === 'number' ? numberText(line, name, one) : one);
    }
  };
  walk(value, 0);
  return row;
}

/** As it is written: a number of nanoseconds has more digits than a number can hold. */
function numberText(line: string, name: string, value: number): string {
  const at = line.indexOf(`${JSON.stringify(name)}:`);
  const written = at === -1 ? null : /^: ?(-?\d[\d.eE+-]*)/u.exec(line.slice(at + JSON.stringify(name).length, at + JSON.stringify(name).length + 40));
  return written?.[1] ?? String(value);
}

function tableOf(rows: readonly ReadonlyMap<string, string>[], without: ReadonlySet<string>): Table {
  const table = new Map<string, string[]>();
  for (const row of rows) {
    for (const [name, value] of row) {
      if (without.has(name)) continue;
      const values = table.get(name);
      if (values === undefined) table.set(name, [value]);
      else values.push(value);
    }
  }
  return table;
}
