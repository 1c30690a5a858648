/**
 * How a line of a log is taken apart: a format of any product as a list of steps that both engines follow, the kernel in
 * WebAssembly and the plain one. Formats are data (`core/logs/formats`); the engines know no product.
 */

/** What a field means, whichever product wrote it. */
export const fieldRoles = [
  // Of a request.
  'client',
  'method',
  'uri',
  'request',
  'protocol',
  'host',
  'status',
  'sent',
  'received',
  'referer',
  'user-agent',
  'request-time',
  // Of the next hop; a list of one item a try where the product retries.
  'peer',
  'group',
  'upstream-status',
  'upstream-time',
  'connect-time',
  'header-time',
  'upstream-bytes',
  // Words of the product about how it ended: HAProxy's termination state, the error reason of a load balancer.
  'flags',
  'reason',
  // Which server block, frontend, pool or load balancer wrote it.
  'server',
  // Of a message.
  'level',
  'module',
  'message',
] as const;

export type FieldRole = (typeof fieldRoles)[number];

/**
 * What is done with a field's bytes in every line.
 * - `skip`: only its place is known; it is read in the lines that are kept as samples.
 * - `key`: lines are counted apart by it. For fields of few values: a status, a peer, a method, a host.
 * - `first-word`: `key`, but only up to the first space (the method of `GET /x HTTP/1.1`).
 * - `shape`: `key`, with each run of digits and dots taken as one `0`: whether a time is there, not how long it is.
 * - `collapsed`: `key`, with each run of digits taken as `0` (but for up to three right behind a `(`: an errno) and what stands
 *   between double quotes left out: a message.
 * - `authority`: `key`, but of `http://127.0.0.1:8080/x` only `127.0.0.1:8080`, of `fastcgi://unix:/run/a.sock:` only
 *   `unix:/run/a.sock`; without `://` all of it.
 * - `seconds`, `milliseconds`, `microseconds`: a number for the histogram of its role (`request-time`, `upstream-time`); of a
 *   list the sum. `-`, an empty value and a negative number count as none.
 */
export type FieldUse = 'skip' | 'key' | 'first-word' | 'shape' | 'collapsed' | 'authority' | 'seconds' | 'milliseconds' | 'microseconds';

/**
 * Where the time stands. `clock`: the text up to the hour (`prefixLength` bytes, its last two the hour), then `:MM:SS`, then maybe a
 * fraction behind `.` or `,`, then what is left up to `until` (a zone, or the year). `epoch`: a number, maybe with a
 * fraction, in `unitMs` milliseconds (`$msec`: 1000). Each may be followed by anything that `until` ends.
 * `spaced`: one space right behind the clock (and its fraction) ends nothing, so that the zone of `01:55:14 +0000` is read where
 * `until` is a space too.
 */
export type TimeStep =
  | { readonly do: 'time'; readonly form: 'clock'; readonly prefixLength: number; readonly until: string; readonly style: TimeStyle; readonly spaced?: true }
  | { readonly do: 'time'; readonly form: 'epoch'; readonly unitMs: number; readonly until: string };

/** How the text around the clock is read; asked for once an hour of the log. */
export type TimeStyle =
  /** `21/Nov/2026:01` and ` +0000` */
  | 'local'
  /** `2026-11-21T01` or `2026-11-21 01`, and `Z`, `+00:00`, ` +0000` or nothing */
  | 'iso'
  /** `2026/11/21 01` */
  | 'nginx-error'
  /** `Sat Nov 21 01` and ` 2026` */
  | 'ctime'
  /** `21-Nov-2026 01` and nothing or ` UTC` */
  | 'day-first'
  /** `Nov 21 01`: the year is the newest that does not lie in the future */
  | 'syslog';

export type PlanStep =
  /** The text must stand here. */
  | { readonly do: 'literal'; readonly text: string }
  /** The text may stand here. */
  | { readonly do: 'maybe'; readonly text: string }
  /**
   * A value up to the first `until` (one ASCII character, or '' for the end of the line), which is not taken. `list`: a
   * space that follows `,`, or stands around ` : `, and a `,` that a space follows, belong to the value. `escaped`: a character
   * behind a backslash ends nothing.
   */
  | { readonly do: 'field'; readonly role?: FieldRole; readonly use: FieldUse; readonly until: string; readonly list?: true; readonly escaped?: true }
  /** A value up to the first occurrence of the text, or to the end of the line. */
  | { readonly do: 'text'; readonly role?: FieldRole; readonly use: FieldUse; readonly before: string }
  /** On to behind the text, wherever it stands. Where it does not, the steps up to the next `seek` or `rest` are left out. */
  | { readonly do: 'seek'; readonly text: string }
  /** Anything may follow to the end of the line. */
  | { readonly do: 'rest' }
  | TimeStep;

/** A key of a JSON line, at any depth; of two the first counts. */
export interface JsonKey {
  readonly name: string;
  readonly role?: FieldRole;
  readonly use: FieldUse;
  /** A line without a value for it does not fit: what tells the lines of a product from any other JSON. */
  readonly required?: true;
  readonly time?: Omit<Extract<TimeStep, { form: 'clock' }>, 'do' | 'until'> | Omit<Extract<TimeStep, { form: 'epoch' }>, 'do' | 'until'>;
}

/** A line fits where all steps do and nothing is left at its end (a carriage return is no part of a line). */
export type LinePlan = { readonly kind: 'steps'; readonly steps: readonly PlanStep[] } | { readonly kind: 'json'; readonly keys: readonly JsonKey[] };
