/**
 * supervisord's own log and the answer of `supervisorctl status`. Captured from supervisor 4.2.5. Samples:
 *
 *   2026-11-21 10:41:47,591 WARN exited: bad (exit status 1; not expected)
 *   2026-11-21 10:41:54,979 INFO gave up: web entered FATAL state, too many start retries too quickly
 *   2026-11-21 10:41:58,267 WARN exited: pair_11 (terminated by SIGSEGV; not expected)
 *
 *   shop:web                         FATAL     Exited too quickly (process log may have details)
 *   shop:pair_10                     RUNNING   pid 15, uptime 0:00:03
 */
import type { ProgramState } from '../model/facts/managed-program.ts';
import type { RawLine } from './backend-log.ts';
import { parseLogTime, type LogTimeOptions } from './log-time.ts';
import type { AppLine, ManagerLog } from './pm2-log.ts';
import { linesOf } from './text.ts';

const maxLine = 600;
const maxLines = 4000;

/** Reads lines in file order. `program` is the process name, which stands without its group here. A failed spawn names none. Total and linear. */
export function parseSupervisordLog(raw: readonly RawLine[], options: LogTimeOptions): ManagerLog {
  const lines: AppLine[] = [];
  let since = 0;
  for (const { text: full, source } of raw) {
    const line = full.slice(0, maxLine);
    const time = parseLogTime(line, options);
    if (time === undefined) continue;
    const level = /^[A-Z]{4,5} /.exec(line.slice(time.end))?.[0] ?? '';
    const text = line.slice(time.end + level.length);
    if (text.startsWith('supervisord started with pid ')) since = lines.length;
    const said = readText(text);
    if (said !== undefined) lines.push({ ...said, instance: said.program, timeMs: time.timeMs, text: line, source });
  }
  const cut = Math.max(0, lines.length - maxLines);
  return { lines: lines.slice(cut), since: Math.max(0, since - cut) };
}

type Said = Omit<AppLine, 'timeMs' | 'text' | 'source' | 'instance'>;

function readText(text: string): Said | undefined {
  const spawned = /^spawned: '([^']{1,200})' with pid (\d{1,10})/.exec(text);
  if (spawned !== null) return { kind: 'starting', program: spawned[1] ?? '', pid: Number(spawned[2]) };
  const success = nameAfter(text, 'success: ', ' entered RUNNING state');
  if (success !== undefined) return { kind: 'running', program: success };
  const gone = nameAfter(text, 'gave up: ', ' entered FATAL state');
  if (gone !== undefined) return { kind: 'gave-up', program: gone };
  const waited = nameAfter(text, 'waiting for ', ' to stop');
  if (waited !== undefined) return { kind: 'stop-asked', program: waited };
  if (text.startsWith('spawnerr: ')) return { kind: 'spawn-failed', program: '' };
  const end = /^(exited|stopped): (.{1,200}?) \((?:exit status (-?\d{1,5})|terminated by (?:SIG)?([A-Za-z0-9 ]{1,20}))/.exec(text);
  if (end === null) return undefined;
  return {
    kind: 'ended',
    program: end[2] ?? '',
    ...(end[1] === 'stopped' ? { asked: true as const } : {}),
    ...(end[3] === undefined ? {} : { status: Number(end[3]) }),
    ...(end[4] === undefined ? {} : { signal: end[4].trim() }),
  };
}

function nameAfter(text: string, before: string, after: string): string | undefined {
  if (!text.startsWith(before)) return undefined;
  const end = text.indexOf(after, before.length);
  return end < 0 ? undefined : text.slice(before.length, end);
}

/** One row of `supervisorctl status`. */
export interface StatusRow {
  /** `web`, or `shop:web` where its group has another name. */
  readonly name: string;
  readonly word: string;
  readonly state: ProgramState;
  readonly pid?: number;
  readonly text: string;
}

const states: Readonly<Record<string, ProgramState>> = {
  RUNNING: 'running',
  STARTING: 'starting',
  BACKOFF: 'waiting',
  STOPPED: 'stopped',
  STOPPING: 'stopped',
  EXITED: 'exited',
  FATAL: 'given-up',
  UNKNOWN: 'given-up',
};

/** The rows; lines of any other form (an error, a warning of Python's) are passed over. */
export function parseSupervisorStatus(text: string): readonly StatusRow[] {
  const rows: StatusRow[] = [];
  for (const line of linesOf(text, 2000)) {
    const match = /^(\S{1,200}) {1,80}([A-Z]{5,8})(?: |$)/.exec(line);
    const word = match?.[2] ?? '';
    const state = states[word];
    if (match === null || state === undefined) continue;
    const pid = / pid (\d{1,10})(?:,|$)/.exec(line)?.[1];
    rows.push({ name: match[1] ?? '', word, state, text: line.trimEnd().slice(0, maxLine), ...(pid === undefined ? {} : { pid: Number(pid) }) });
  }
  return rows;
}
