import type { KernelEvent } from '../model/facts/system.ts';
import { readDenial } from './audit-record.ts';
import { linesOf, wholeNumber } from './text.ts';

/** A line of the kernel log with the wall-clock time at which it was written. */
export interface KernelLine {
  readonly timeMs: number;
  readonly text: string;
}

/** A kill is told in two lines that follow each other within this time. */
const SAME_KILL_MS = 2000;

/** Trouble that may end requests and has no kind of its own. */
const OTHER = [
  'blocked for more than',
  'soft lockup',
  'remounting filesystem read-only',
  'i/o error',
  'table overflow',
  'fork rejected by pids controller',
  'out of memory -- consider tuning',
  'too many orphaned sockets',
  'no space left on device',
  'page allocation failure',
  'file-max limit',
];

/**
 * Reads `dmesg` in any of its forms; `bootMs` turns seconds since boot into a time. Samples (util-linux 2.38):
 * ```
 * 2026-11-21T07:29:34,373467+00:00 nf_conntrack: nf_conntrack: table full, dropping packet
 * [Sat Nov 21 07:29:34 2026] …      (dmesg -T, in the zone of the host)
 * [ 1183.373467] …
 * ```
 */
export function parseDmesg(text: string, bootMs: number, offsetMinutes: number): readonly KernelLine[] {
  const lines: KernelLine[] = [];
  for (const line of linesOf(text)) {
    const read = isoLine(line) ?? secondsLine(line, bootMs) ?? ctimeLine(line, offsetMinutes);
    if (read !== undefined) lines.push(read);
  }
  return lines;
}

/**
 * The events in lines of the kernel log. The pids are those of the kernel's own namespace: in a container they are
 * not the ones that its processes see; name, control group and time are what can be compared.
 */
export function kernelEvents(lines: readonly KernelLine[], source: string): readonly KernelEvent[] {
  const events: KernelEvent[] = [];
  for (const { timeMs, text } of lines) {
    const event = readEvent(text.slice(0, 4096), timeMs, source);
    if (event === undefined) continue;
    const before = events.findLastIndex(
      one => one.kind === 'oom-kill' && event.kind === 'oom-kill' && one.pid === event.pid && Math.abs(one.timeMs - timeMs) <= SAME_KILL_MS,
    );
    const first = events[before];
    if (first === undefined) events.push(event);
    else events[before] = { ...first, ...event, timeMs: first.timeMs, text: `${first.text}\n${event.text}` };
  }
  return events;
}

function readEvent(text: string, timeMs: number, source: string): KernelEvent | undefined {
  const event = (kind: KernelEvent['kind'], more: Partial<KernelEvent> = {}): KernelEvent => ({ kind, timeMs, text, source, ...more });
  if (text.startsWith('oom-kill:')) return event('oom-kill', oomRecord(text));
  const killed = text.indexOf('Killed process ');
  if (killed >= 0 && text.slice(0, killed).toLowerCase().includes('out of memory')) return event('oom-kill', killedProcess(text.slice(killed + 15)));
  const crash = /^(?:traps: )?([^[]{1,64})\[(?:pid:)?(\d{1,10})\]:? (?:segfault|trap|general protection|bad frame)/.exec(text);
  if (crash !== null) return event('segfault', { comm: (crash[1] ?? '').trim(), ...pidOf(crash[2]) });
  if (text.includes('nf_conntrack') && text.includes('table full')) return event('conntrack-full');
  if (text.includes('ossible SYN flooding')) return event('syn-flood');
  const denied = readDenial(text);
  if (denied !== undefined) {
    const { timeMs: own, ...more } = denied;
    return { ...event('access-denied', more), ...(own === undefined ? {} : { timeMs: own }) };
  }
  const lower = text.toLowerCase();
  return OTHER.some(words => lower.includes(words)) ? event('other') : undefined;
}

/** `oom-kill:constraint=CONSTRAINT_MEMCG,…,oom_memcg=/a,task_memcg=/a/b,task=php-fpm8.2,pid=1234,uid=33` (Linux ≥ 4.19) */
function oomRecord(text: string): Partial<KernelEvent> {
  const tail = /,task=(.{0,64}),pid=(\d{1,10}),uid=\d{1,10}$/.exec(text);
  const before = tail === null ? text : text.slice(0, tail.index);
  const cgroup = afterKey(before, 'task_memcg=') ?? afterKey(before, 'oom_memcg=');
  return { ...(tail?.[1] === undefined ? {} : { comm: tail[1] }), ...pidOf(tail?.[2]), ...(cgroup === undefined ? {} : { cgroup }) };
}

/** `1234 (php-fpm8.2) total-vm:2048kB, anon-rss:1024kB, file-rss:0kB, shmem-rss:0kB, UID:33 …` */
function killedProcess(text: string): Partial<KernelEvent> {
  const pid = /^(\d{1,10}),? /.exec(text);
  const open = text.indexOf('(');
  const sizes = text.lastIndexOf('total-vm:');
  const close = text.lastIndexOf(')', sizes < 0 ? text.length : sizes);
  const comm = open >= 0 && close > open ? text.slice(open + 1, close) : undefined;
  let rss = 0;
  let counted = false;
  for (const match of text.slice(Math.max(0, sizes)).matchAll(/(?:anon|file|shmem)-rss:(\d{1,15})kB/g)) {
    rss += Number(match[1]) * 1024;
    counted = true;
  }
  return { ...pidOf(pid?.[1]), ...(comm === undefined ? {} : { comm }), ...(counted ? { rssBytes: rss } : {}) };
}

function afterKey(text: string, key: string): string | undefined {
  const at = text.lastIndexOf(key);
  if (at < 0) return undefined;
  const end = text.indexOf(',', at);
  return text.slice(at + key.length, end < 0 ? text.length : end);
}

function pidOf(text: string | undefined): { readonly pid?: number } {
  const pid = wholeNumber(text);
  return pid === undefined ? {} : { pid };
}

function isoLine(line: string): KernelLine | undefined {
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d),(\d{3})\d{0,3}([+-]\d\d:?\d\d|Z) (.*)$/.exec(line);
  if (match === null) return undefined;
  const zone = match[3] ?? 'Z';
  const timeMs = Date.parse(`${match[1]}.${match[2]}${zone.length === 5 ? `${zone.slice(0, 3)}:${zone.slice(3)}` : zone}`);
  return Number.isNaN(timeMs) ? undefined : { timeMs, text: match[4] ?? '' };
}

function secondsLine(line: string, bootMs: number): KernelLine | undefined {
  const match = /^\[ *(\d{1,12})\.(\d{3})\d{0,6}\] (.*)$/.exec(line);
  return match === null ? undefined : { timeMs: bootMs + Number(match[1]) * 1000 + Number(match[2]), text: match[3] ?? '' };
}

function ctimeLine(line: string, offsetMinutes: number): KernelLine | undefined {
  const match = /^\[\w{3} (\w{3}) +(\d{1,2}) (\d\d:\d\d:\d\d) (\d{4})\] (.*)$/.exec(line);
  if (match === null) return undefined;
  const month = 'JanFebMarAprMayJunJulAugSepOctNovDec'.indexOf(match[1] ?? '?') / 3 + 1;
  if (!Number.isInteger(month) || month < 1) return undefined;
  const timeMs = Date.parse(`${match[4]}-${String(month).padStart(2, '0')}-${(match[2] ?? '').padStart(2, '0')}T${match[3]}Z`);
  return Number.isNaN(timeMs) ? undefined : { timeMs: timeMs - offsetMinutes * 60_000, text: match[5] ?? '' };
}
