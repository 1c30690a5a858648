/**
 * What the columns of an unknown access format mean, by their labels and by what stands in them. A role is given only where every
 * line bears it out; a column that may mean two things has none.
 */
import type { FieldRole, FieldUse, PlanStep } from '../scan/plan.ts';
import type { Column } from './guess-columns.ts';

export interface Guess {
  readonly role?: FieldRole;
  readonly use: FieldUse;
  /** Instead of a field: the line's time. */
  readonly time?: (until: string) => PlanStep;
}

const nothing: Guess = { use: 'skip' };
const isStatus = /^[1-5]\d\d$/u;
/** By IANA, and by nginx, the clouds and other proxies. */
const givenOut = /^(?:10[0-3]|20[0-8]|226|30[0-8]|4[0-2]\d|43[01]|44[049]|45[01]|46[034]|49[4-9]|50\d|51[01]|52\d|530|561|59[89])$/u;
const isRequest = /^(?:[A-Z]{3,16} \S.*|-|(?:\\x[0-9A-Fa-f]{2}.*))$/u;
const isCertainRequest = /^[A-Z]{3,16} \S+(?: HTTP\/\d(?:\.\d)?)?$/u;
const isAddress = /^(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-fA-F:]{2,45}|unix:)$/u;
const isPeer = /^(?:\d{1,3}(?:\.\d{1,3}){3}:\d{1,5}|\[[0-9a-fA-F:.]{2,45}\]:\d{1,5}|unix:\/\S+)$/u;
const isGroup = /^[A-Za-z_][\w.-]{0,100}$/u;
const isSeconds = /^\d{1,7}\.\d{3}$/u;

/** Names by which a column may be labelled, in lower case without underscores. A label counts where the values bear it out. */
const labels: readonly (readonly [names: string, role: FieldRole])[] = [
  ['status s st code statuscode', 'status'],
  ['rt requesttime reqtime', 'request-time'],
  ['us ups upstreamstatus ustatus', 'upstream-status'],
  ['ua upstream upstreamaddr uaddr upaddr backend', 'peer'],
  ['urt upstreamresponsetime uresponse ut upstreamtime', 'upstream-time'],
  ['uht upstreamheadertime uheader', 'header-time'],
  ['uct upstreamconnecttime uconnect', 'connect-time'],
];
const roleOfLabel: ReadonlyMap<string, FieldRole> = new Map(labels.flatMap(([names, role]) => names.split(' ').map(name => [name, role] as const)));

/** A guess for each column; nothing where there is no status that must be one. */
export function guessRoles(columns: readonly Column[]): readonly Guess[] | undefined {
  const guesses: Guess[] = columns.map(() => nothing);
  const give = (index: number, guess: Guess): void => {
    guesses[index] = guess;
  };
  const taken = (index: number): boolean => guesses[index] !== nothing;

  const time = columns.findIndex(column => timeOf(column) !== undefined);
  if (time !== -1) give(time, { use: 'skip', time: timeOf(columns[time] as Column) as (until: string) => PlanStep });
  const request = columns.findIndex((column, index) => !taken(index) && all(column, isRequest) && most(column, isCertainRequest));
  if (request !== -1) give(request, { role: 'request', use: 'first-word' });
  const method = columns.findIndex((column, index) => !taken(index) && all(column, /^[A-Z]{3,16}$/u) && distinct(column) <= 20);
  const uri = columns.findIndex((column, index) => !taken(index) && index === method + 1 && all(column, /^\/\S*$/u));
  const hasMethod = request === -1 && method !== -1 && uri !== -1;
  const status = statusColumn(columns, hasMethod ? uri : request);
  if (status === -1 || taken(status)) return undefined;
  give(status, { role: 'status', use: 'key' });
  if (hasMethod) {
    give(method, { role: 'method', use: 'key' });
    give(uri, { role: 'uri', use: 'skip' });
  }

  const client = columns.findIndex((column, index) => !taken(index) && all(column, isAddress));
  if (client !== -1 && client < 3) give(client, { role: 'client', use: 'skip' });
  giveUpstreams(columns, guesses, status);
  giveTimes(columns, guesses);
  giveNumbers(columns, guesses, status);
  giveWords(columns, guesses, request);
  return guesses;
}

/** Labelled so, or the first column of statuses behind the request, or one right before it; -1 where both may be it. */
function statusColumn(columns: readonly Column[], request: number): number {
  const labelled = columns.findIndex(column => roleIn(column) === 'status' && isStatusColumn(column));
  if (labelled !== -1 || request === -1) return labelled;
  const near = (from: number, to: number): number =>
    columns.findIndex((column, index) => column.label === undefined && index >= from && index <= to && isStatusColumn(column));
  const [before, behind] = [near(request - 2, request - 1), near(request + 1, request + 3)];
  return before === -1 || behind === -1 ? Math.max(before, behind) : -1;
}

/** A size may lie in the same range, but is seldom one of those that are given out. */
function isStatusColumn(column: Column): boolean {
  return all(column, isStatus) && column.values.filter(value => givenOut.test(value)).length >= column.values.length * 0.95;
}

/** Lines from which it can be told that addresses come again and again. */
const leastForPeers = 50;

function giveUpstreams(columns: readonly Column[], guesses: Guess[], status: number): void {
  const statuses = columns[status]?.values ?? [];
  const peers = columns.findIndex((column, index) => guesses[index] === nothing && index > 0 && isPeerColumn(column));
  const upstream = columns.findIndex(
    (column, index) =>
      guesses[index] === nothing && isStatusList(column) && (roleIn(column) === 'upstream-status' || followsPeers(column, columns[peers], statuses)),
  );
  const peerColumn = columns[peers];
  const isSure =
    peerColumn !== undefined &&
    (roleIn(peerColumn) === 'peer' ||
      upstream !== -1 ||
      peerColumn.values.some(value => value === '-' || value.includes(', ')) ||
      (guesses.some(({ role }) => role === 'client') && areFewHosts(peerColumn)));
  if (isSure) guesses[peers] = { role: 'peer', use: 'key' };
  if (upstream !== -1) guesses[upstream] = { role: 'upstream-status', use: 'key' };
}

function isPeerColumn(column: Column): boolean {
  if (column.label !== undefined && roleIn(column) !== 'peer') return false;
  const items = column.values.flatMap(listItems);
  return items.every(item => item === '-' || item === '' || isPeer.test(item) || isGroup.test(item)) && items.some(item => isPeer.test(item));
}

/** Clients have a port of their own with each connection, and a server of its own address has one; peers are few, and at least two. */
function areFewHosts(column: Column): boolean {
  const hosts = new Set(column.values.map(value => value.replace(/:\d+$/u, '')));
  return column.values.length >= leastForPeers && hosts.size >= 2 && distinct(column) <= column.values.length / 4;
}

function isStatusList(column: Column): boolean {
  const items = column.values.flatMap(listItems);
  return items.every(item => item === '-' || item === '' || isStatus.test(item)) && items.some(item => isStatus.test(item));
}

/** As many items as there are addresses, and where there is one, the client mostly got the same. */
function followsPeers(column: Column, peers: Column | undefined, statuses: readonly string[]): boolean {
  if (peers === undefined || column.label !== undefined || column.values.length < 3) return false;
  const singles = column.values.flatMap((value, index) => (isStatus.test(value) ? [value === statuses[index]] : []));
  const same = singles.filter(Boolean).length;
  return column.values.every((value, index) => listItems(value).length === listItems(peers.values[index] ?? '').length) && same >= singles.length * 0.9;
}

/** The times of the request and of its tries: each label, or, without labels, the order of their lengths. */
function giveTimes(columns: readonly Column[], guesses: Guess[]): void {
  const free = columns.flatMap((column, index) => (guesses[index] === nothing && isTimeColumn(column) ? [index] : []));
  for (const index of free) {
    const role = roleIn(columns[index] as Column);
    if (role !== undefined && timeUses[role] !== undefined) guesses[index] = { role, use: timeUses[role] };
  }
  const open = free.filter(index => guesses[index] === nothing && columns[index]?.label === undefined);
  const whole = open.filter(index => columns[index]?.values.every(value => isSeconds.test(value)));
  const request = guesses.some(guess => guess.role === 'request-time')
    ? undefined
    : whole.find(index => open.every(other => isAtMost(columns[other], columns[index])));
  if (request !== undefined) guesses[request] = { role: 'request-time', use: 'seconds' };
  giveTries(
    columns,
    guesses,
    open.filter(index => index !== request),
  );
}

/** A time of nginx's tries: the answer's is a number wherever a try was made; those of the connection and of the header are missing where it failed. */
function giveTries(columns: readonly Column[], guesses: Guess[], tries: readonly number[]): void {
  const peers = columns[guesses.findIndex(guess => guess.role === 'peer')]?.values;
  if (peers === undefined || tries.length === 0 || guesses.some(guess => guess.role !== undefined && triesRoles.has(guess.role))) return;
  const sorted = tries.toSorted((a, b) => total(columns[a]) - total(columns[b]));
  const isOrdered = sorted.every((index, place) => place === 0 || isAtMost(columns[sorted[place - 1] ?? index], columns[index]));
  if (!isOrdered || sorted.length > 3) return;
  const last = sorted.at(-1) ?? -1;
  const isWhole = columns[last]?.values.every((value, row) => peers[row] === '-' || listItems(value).every(item => isSeconds.test(item))) === true;
  const [connect, header] = isWhole ? sorted.slice(0, -1) : sorted;
  if (isWhole) guesses[last] = { role: 'upstream-time', use: 'seconds' };
  // Of one alone nobody knows which it is; that no connection was made is said by both.
  if (connect !== undefined) guesses[connect] = { role: 'connect-time', use: 'shape' };
  if (connect !== undefined && header !== undefined && total(columns[connect]) < total(columns[header]))
    guesses[header] = { role: 'header-time', use: 'shape' };
}

const triesRoles: ReadonlySet<FieldRole> = new Set(['upstream-time', 'connect-time', 'header-time']);

const timeUses: Readonly<Partial<Record<FieldRole, FieldUse>>> = {
  'request-time': 'seconds',
  'upstream-time': 'seconds',
  'connect-time': 'shape',
  'header-time': 'shape',
};

/** Lines from which a unit can be told. */
const leastForUnit = 50;

/**
 * The number behind the status is a size. One more, without a fraction, is Apache's `%D` only where no request took less than
 * 100 of it: in milliseconds some answer takes less, and of microseconds none.
 */
function giveNumbers(columns: readonly Column[], guesses: Guess[], status: number): void {
  const isNumber = (column: Column): boolean => all(column, /^(?:\d{1,15}|-)$/u);
  const next = columns[status + 1];
  if (next !== undefined && guesses[status + 1] === nothing && isNumber(next) && next.label === undefined) guesses[status + 1] = { role: 'sent', use: 'skip' };
  if (guesses.some(guess => guess.role === 'request-time')) return;
  const numbers = columns.flatMap((column, index) => (guesses[index] === nothing && index > status && all(column, /^\d{1,12}$/u) ? [index] : []));
  const [only] = numbers;
  const values = (only === undefined ? undefined : columns[only])?.values.map(Number).sort((a, b) => a - b) ?? [];
  if (only === undefined || numbers.length > 1 || values.length < leastForUnit) return;
  if ((values[0] ?? 0) >= 100 && (values[values.length >> 1] ?? 0) >= 500) guesses[only] = { role: 'request-time', use: 'microseconds' };
}

/** What is read in samples only. */
function giveWords(columns: readonly Column[], guesses: Guess[], request: number): void {
  const next = (from: number, fits: (column: Column) => boolean): number =>
    columns.findIndex((column, index) => index > from && guesses[index] === nothing && fits(column));
  const referer = next(request, column => column.until === '"' && all(column, /^(?:-|https?:\/\/.*)$/u) && column.values.some(value => value !== '-'));
  if (referer !== -1) guesses[referer] = { role: 'referer', use: 'skip' };
  const agent = next(request, column => column.until === '"' && most(column, /Mozilla\/|curl\/|\bbot\b|^[\w.-]+\/\d/u));
  if (agent !== -1) guesses[agent] = { role: 'user-agent', use: 'skip' };
}

function timeOf(column: Column): ((until: string) => PlanStep) | undefined {
  const clockStep =
    (style: 'local' | 'iso' | 'ctime', prefixLength: number) =>
    (until: string): PlanStep => ({
      do: 'time',
      form: 'clock',
      style,
      prefixLength,
      until,
      ...(until === ' ' && column.values.some(value => value.includes(' ')) ? { spaced: true as const } : {}),
    });
  if (all(column, /^\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d(?: [+-]\d{4})?$/u)) return clockStep('local', 14);
  if (all(column, /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?: ?(?:Z|[+-]\d\d:?\d\d))?$/u)) return clockStep('iso', 13);
  if (all(column, /^[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}$/u)) return clockStep('ctime', 13);
  if (all(column, /^1[0-9]{9}(?:\.\d{3})?$/u)) return until => ({ do: 'time', form: 'epoch', unitMs: 1000, until });
  if (all(column, /^1[0-9]{12}$/u)) return until => ({ do: 'time', form: 'epoch', unitMs: 1, until });
  return undefined;
}

function isTimeColumn(column: Column): boolean {
  const items = column.values.flatMap(listItems);
  return items.every(item => item === '-' || item === '' || isSeconds.test(item)) && items.some(item => isSeconds.test(item));
}

/** On no line is the first longer than the second, but for what rounding does. */
function isAtMost(first: Column | undefined, second: Column | undefined): boolean {
  return first?.values.every((value, index) => seconds(value) <= seconds(second?.values[index] ?? '') + 0.0025 * listItems(value).length) === true;
}

function total(column: Column | undefined): number {
  return column?.values.reduce((sum, value) => sum + seconds(value), 0) ?? 0;
}

function seconds(value: string): number {
  return listItems(value).reduce((sum, item) => sum + (isSeconds.test(item) ? Number(item) : 0), 0);
}

function listItems(value: string): readonly string[] {
  return value.split(/, | : /u);
}

function roleIn(column: Column): FieldRole | undefined {
  return column.label === undefined ? undefined : roleOfLabel.get(column.label.replaceAll(/[_-]/gu, ''));
}

function all(column: Column, pattern: RegExp): boolean {
  return column.values.every(value => pattern.test(value));
}

function most(column: Column, pattern: RegExp): boolean {
  return column.values.filter(value => pattern.test(value)).length >= column.values.length * 0.6;
}

function distinct(column: Column): number {
  return new Set(column.values).size;
}
