import type { AccessDenial, KernelEvent } from '../model/facts/system.ts';
import { linesOf, wholeNumber } from './text.ts';

/** A denial with who met it and, where the record has its own time, when. */
export interface DenialRecord {
  readonly denial: AccessDenial;
  readonly timeMs?: number;
  readonly pid?: number;
  readonly comm?: string;
}

/** What is longer was not written by the kernel. */
const longest = 4096;

/**
 * Reads one record of SELinux or AppArmor, as the kernel writes it to its own log (`audit: type=1400 audit(…)`) or auditd to
 * its file (`type=AVC msg=audit(…)`). Formats: Linux security/selinux/avc.c and security/apparmor/audit.c; the samples in
 * audit-record.fixtures are captures that others published, with their sources.
 * ```
 * type=AVC msg=audit(1352299235.662:570): avc:  denied  { connectto } for  pid=15178 comm="httpd" path="/var/run/shibboleth/shibd.sock" scontext=unconfined_u:system_r:httpd_t:s0 tcontext=unconfined_u:system_r:initrc_t:s0 tclass=unix_stream_socket
 * audit: type=1400 audit(1526317844.763:76): apparmor="DENIED" operation="connect" profile="snap.bluez.bluez" name="/run/dbus/system_bus_socket" pid=2129 comm="bluetoothd" requested_mask="wr" denied_mask="wr" fsuid=0 ouid=0
 * ```
 * What was only reported and not forbidden (`permissive=1`, `apparmor="ALLOWED"`) is no denial.
 */
export function readDenial(text: string): DenialRecord | undefined {
  if (text.length > longest) return undefined;
  const isApparmor = text.includes('apparmor="DENIED"');
  const avc = isApparmor ? -1 : text.search(/avc: {1,2}denied {1,2}\{/);
  if (!isApparmor && avc < 0) return undefined;
  const fields = fieldsOf(text);
  if (!isApparmor && fields.get('permissive') === '1') return undefined;
  const denial = isApparmor ? ofApparmor(fields) : ofSelinux(fields, text, avc);
  if (denial === undefined) return undefined;
  const pid = wholeNumber(fields.get('pid'));
  const comm = fields.get('comm');
  const timeMs = timeOf(text);
  return { denial, ...(timeMs === undefined ? {} : { timeMs }), ...(pid === undefined ? {} : { pid }), ...(comm === undefined ? {} : { comm }) };
}

/** The denials in lines of auditd's own file. A record without a time is left out. */
export function auditEvents(text: string, source: string): readonly KernelEvent[] {
  return [...linesOf(text)].flatMap((line): KernelEvent[] => {
    const record = line.startsWith('type=AVC ') || line.startsWith('type=1400 ') || line.startsWith('type=APPARMOR') ? readDenial(line) : undefined;
    return record?.timeMs === undefined ? [] : [{ kind: 'access-denied', ...record, timeMs: record.timeMs, text: line, source }];
  });
}

function ofSelinux(fields: ReadonlyMap<string, string>, text: string, avc: number): AccessDenial | undefined {
  const open = text.indexOf('{', avc);
  const close = text.indexOf('}', open);
  const domain = typeOf(fields.get('scontext'));
  if (close < 0 || domain === undefined) return undefined;
  const targetType = typeOf(fields.get('tcontext'));
  const objectClass = fields.get('tclass');
  return {
    by: 'selinux',
    action: text.slice(open + 1, close).trim(),
    domain,
    ...placeOf(fields, fields.get('path') ?? fields.get('name')),
    ...(objectClass === undefined ? {} : { objectClass }),
    ...(targetType === undefined ? {} : { targetType }),
  };
}

function ofApparmor(fields: ReadonlyMap<string, string>): AccessDenial | undefined {
  const action = fields.get('operation');
  const domain = fields.get('profile');
  if (action === undefined || domain === undefined) return undefined;
  const objectClass = fields.get('class') ?? fields.get('family');
  return {
    by: 'apparmor',
    action,
    domain,
    ...placeOf(fields, fields.get('name') ?? fields.get('peer_addr')),
    ...(objectClass === undefined ? {} : { objectClass }),
  };
}

function placeOf(fields: ReadonlyMap<string, string>, path: string | undefined): { readonly port?: number; readonly path?: string } {
  const port = wholeNumber(fields.get('dest') ?? fields.get('fport'));
  return { ...(port === undefined ? {} : { port }), ...(path === undefined ? {} : { path }) };
}

/** `user:role:type:level` */
function typeOf(context: string | undefined): string | undefined {
  return context?.split(':')[2];
}

/** `key=value` and `key="value"`, the first of each key. A text with odd characters is written in hex, without quotes. */
function fieldsOf(text: string): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  for (const word of wordsOf(text)) {
    const equals = word.indexOf('=');
    if (equals <= 0) continue;
    const key = word.slice(0, equals);
    const value = word.slice(equals + 1);
    if (!fields.has(key)) fields.set(key, value.startsWith('"') ? value.replaceAll('"', '') : texts.has(key) ? fromHex(value) : value);
  }
  return fields;
}

const texts = new Set(['comm', 'name', 'path', 'profile']);

function fromHex(value: string): string {
  if (!/^(?:[0-9A-F]{2})+$/.test(value)) return value;
  return value.replaceAll(/../g, pair => String.fromCharCode(Number.parseInt(pair, 16)));
}

/** Words between blanks; blanks within quotes belong to the word. */
function* wordsOf(text: string): Generator<string> {
  let start = 0;
  let isQuoted = false;
  for (let at = 0; at <= text.length; at++) {
    const character = text[at];
    if (character === '"') isQuoted = !isQuoted;
    if (at < text.length && (isQuoted || character !== ' ')) continue;
    if (at > start) yield text.slice(start, at);
    start = at + 1;
  }
}

/** The seconds in `audit(1415715270.766:31)`. */
function timeOf(text: string): number | undefined {
  const at = text.indexOf('audit(');
  const match = at < 0 ? null : /^(\d{9,12})\.(\d{3}):/.exec(text.slice(at + 6, at + 30));
  return match === null ? undefined : Number(match[1]) * 1000 + Number(match[2]);
}
