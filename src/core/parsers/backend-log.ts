/**
 * A backend's log as events: lines with their times, tracebacks read to their last line, details joined to the
 * event before them. The forms of the lines are in the parsers of each server's log.
 */
import type { BackendEvent, ServiceKind } from '../model/facts/backend.ts';
import { parseApacheLine } from './apache-log.ts';
import { isExceptionLine, parseAppLine } from './app-log.ts';
import type { BackendLine } from './backend-line.ts';
import { findDependencyError } from './dependency-error.ts';
import { parseGunicornLine } from './gunicorn-log.ts';
import { parseInnerTime, parseLogTime } from './log-time.ts';
import type { LogTimeOptions } from './log-time.ts';
import { parsePhpFpmLine } from './php-fpm-log.ts';
import { parseSystemdLine } from './systemd-log.ts';
import { parseUwsgiLine } from './uwsgi-log.ts';

/** A line to be judged. `timeMs` is set where the log's carrier has it (the journal). */
export interface RawLine {
  readonly text: string;
  readonly source: string;
  readonly timeMs?: number;
  /** Identifier in the journal: `systemd`, `gunicorn`. */
  readonly identifier?: string;
}

export interface ScanOptions extends LogTimeOptions {
  readonly service: ServiceKind;
  /** Time of lines that neither have one nor follow one that has: the file's last change. */
  readonly fallbackMs: number;
}

/** An event before it is known to which service it belongs. */
export type ScannedEvent = Omit<BackendEvent, 'serviceId'> & { readonly pool?: string };

const maxLineLength = 2000;
const tracebackStart = 'Traceback (most recent call last):';

/** Reads lines in file order. Total and linear; lines that tell nothing are passed over. */
export function scanBackendLog(lines: readonly RawLine[], options: ScanOptions): ScannedEvent[] {
  const events: ScannedEvent[] = [];
  let lastTime: number | undefined;
  let inTraceback = false;
  for (const raw of lines) {
    const full = raw.text.slice(0, maxLineLength);
    const time = parseLogTime(full, options);
    const text = time === undefined ? full : full.slice(time.end);
    lastTime = raw.timeMs ?? time?.timeMs ?? parseInnerTime(full, options) ?? lastTime;
    const timeMs = lastTime ?? options.fallbackMs;
    if (text.trimStart().startsWith(tracebackStart)) {
      inTraceback = true;
      continue;
    }
    let line: BackendLine | undefined;
    if (inTraceback && time === undefined) {
      if (text === '' || /^\s/.test(text)) continue;
      inTraceback = false;
      line = tracebackEnd(text);
    } else {
      inTraceback = false;
      line = classify(text, raw, options.service, time?.timeMs ?? raw.timeMs);
    }
    if (line === undefined) continue;
    if (line.kind === 'detail') joinDetail(events, line);
    else if (line.kind === 'gone') joinGone(events, line, timeMs);
    else events.push(toEvent(line, timeMs, full, raw.source));
  }
  return dropRepeats(events);
}

/** Splits a log's text into lines with their sources, `file:/path:LINE`, or without the number where the start was cut. */
export function toRawLines(text: string, path: string, firstLine: number | undefined): RawLine[] {
  const lines = text.split('\n');
  if (lines[lines.length - 1] === '') lines.pop();
  return lines.map((line, index) => ({
    text: line.endsWith('\r') ? line.slice(0, -1) : line,
    source: firstLine === undefined ? `file:${path}` : `file:${path}:${firstLine + index}`,
  }));
}

function classify(text: string, raw: RawLine, service: ServiceKind, timeMs: number | undefined): BackendLine | undefined {
  if (raw.identifier === 'systemd' || raw.identifier === 'init') return parseSystemdLine(text);
  switch (service) {
    case 'php-fpm':
      return parsePhpFpmLine(text);
    case 'gunicorn':
      return parseGunicornLine(text) ?? parseAppLine(text);
    case 'uwsgi':
      return parseUwsgiLine(text, timeMs) ?? parseAppLine(text);
    case 'apache':
      return parseApacheLine(text);
    case 'nginx':
    case 'haproxy':
      return undefined;
    default:
      return parseAppLine(text);
  }
}

function tracebackEnd(text: string): BackendLine {
  const known = parseAppLine(text);
  if (known !== undefined) return known;
  const dependency = isExceptionLine(text) ? findDependencyError(text) : undefined;
  return dependency === undefined ? { kind: 'app-error' } : { kind: 'dependency-error', ...dependency };
}

function toEvent(line: BackendLine, timeMs: number, text: string, source: string): ScannedEvent {
  const { kind, ...rest } = line;
  return { kind: kind === 'detail' || kind === 'gone' ? 'app-error' : kind, timeMs, text, source, ...rest };
}

/** A detail belongs to the last event of its kind that lacks one, a few events back. */
function joinDetail(events: ScannedEvent[], detail: BackendLine): void {
  const from = Math.max(0, events.length - 4);
  for (let index = events.length - 1; index >= from; index--) {
    const event = events[index];
    if (event === undefined || event.kind !== 'request-killed' || event.uri !== undefined) continue;
    events[index] = {
      ...event,
      ...(detail.uri === undefined ? {} : { uri: detail.uri }),
      ...(detail.seconds === undefined ? {} : { seconds: detail.seconds }),
    };
    return;
  }
}

/** The worker that was to be recycled is gone: until now it could take connections that nobody would serve. */
function joinGone(events: ScannedEvent[], gone: BackendLine, timeMs: number): void {
  const from = Math.max(0, events.length - 64);
  for (let index = events.length - 1; index >= from; index--) {
    const event = events[index];
    if (event === undefined || event.kind !== 'worker-recycled' || event.pid !== gone.pid || event.seconds !== undefined) continue;
    events[index] = { ...event, seconds: Math.max(0, (timeMs - event.timeMs) / 1000) };
    return;
  }
}

/** One failed start is told several times in a row (gunicorn tries an address five times): the first stands for the run. */
function dropRepeats(events: readonly ScannedEvent[]): ScannedEvent[] {
  return events.filter((event, index) => {
    const before = events[index - 1];
    const repeats = event.kind === 'address-in-use' || event.kind === 'boot-failed';
    return !(repeats && before !== undefined && before.kind === event.kind && before.address === event.address && event.timeMs - before.timeMs < 10_000);
  });
}
