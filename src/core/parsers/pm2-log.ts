/**
 * PM2's own log, $PM2_HOME/pm2.log. Captured from PM2 7.0.4; the texts are those of lib/God.js, lib/God/ActionMethods.js and
 * lib/Worker.js since version 2. Samples:
 *
 *   2026-11-21T10:37:55: PM2 log: App [orders:3] exited with code [1] via signal [SIGINT]
 *   2026-11-21T10:37:59: PM2 log: Script /srv/orders/server.js had too many unstable restarts (16). Stopped. "errored"
 *   2026-11-21T10:38:00: PM2 log: Stopping app:api id:0
 *   2026-11-21T10:42:30: PM2 log: [PM2][WORKER] Process 4 restarted because it exceeds --max-memory-restart value (current_memory=…
 */
import type { ProgramLine } from '../model/facts/managed-program.ts';
import type { RawLine } from './backend-log.ts';
import { parseLogTime, type LogTimeOptions } from './log-time.ts';

/** A line with the app that it is about. */
export interface AppLine extends ProgramLine {
  readonly program: string;
}

export interface ManagerLog {
  readonly lines: readonly AppLine[];
  /** Index in `lines` of the first one of the manager that runs now. */
  readonly since: number;
}

const maxLine = 600;
const maxLines = 4000;
/** A stop that was asked for ends the process within pm2's kill timeout, which few set higher than this. */
const stopMs = 30_000;

/**
 * PM2_HOME of a daemon by its title, `PM2 v7.0.4: God Daemon (/home/shop/.pm2)`. A title has no more room than the command line
 * had: `isCut` where the home goes on.
 */
export function pm2Home(title: string): { readonly path: string; readonly isCut: boolean } | undefined {
  const match = /^PM2 v[\w.-]{1,30}: God Daemon \((\/[^)]{0,400})(\)?)/.exec(title.slice(0, 512));
  return match === null ? undefined : { path: match[1] ?? '', isCut: match[2] !== ')' };
}

/** Reads lines in file order; what tells nothing of an app is passed over. Total and linear. */
export function parsePm2Log(raw: readonly RawLine[], options: LogTimeOptions): ManagerLog {
  const lines: AppLine[] = [];
  const names = new Map<string, string>();
  const asked = new Map<string, number>();
  let since = 0;
  let lastMs: number | undefined;
  for (const { text: full, source } of raw) {
    const line = full.slice(0, maxLine);
    const time = parseLogTime(line, options);
    lastMs = time?.timeMs ?? lastMs;
    if (lastMs === undefined) continue;
    const mark = line.indexOf(': ', time?.end ?? 0);
    const text = mark < 0 || !line.slice(time?.end ?? 0).startsWith('PM2') ? line.slice(time?.end ?? 0) : line.slice(mark + 2);
    if (text.includes('New PM2 Daemon started')) {
      since = lines.length;
      names.clear();
      asked.clear();
      continue;
    }
    const said = readText(text, names, lines);
    if (said === undefined) continue;
    const key = `${said.program}:${said.instance}`;
    names.set(said.instance, said.program);
    if (said.kind === 'stop-asked') asked.set(key, lastMs);
    const stop = said.kind === 'ended' ? asked.get(key) : undefined;
    if (said.kind === 'ended' || said.kind === 'starting') asked.delete(key);
    lines.push({ ...said, timeMs: lastMs, text: line, source, ...(stop !== undefined && lastMs - stop <= stopMs ? { asked: true as const } : {}) });
  }
  const cut = Math.max(0, lines.length - maxLines);
  return { lines: lines.slice(cut), since: Math.max(0, since - cut) };
}

type Said = Omit<AppLine, 'timeMs' | 'text' | 'source'>;

function readText(text: string, names: ReadonlyMap<string, string>, before: readonly AppLine[]): Said | undefined {
  if (text.startsWith('App [')) return appLine(text);
  if (text.startsWith('Stopping app:')) {
    const at = text.lastIndexOf(' id:');
    return at < 0 ? undefined : { kind: 'stop-asked', program: text.slice('Stopping app:'.length, at), instance: text.slice(at + 4).trim() };
  }
  if (text.startsWith('Script ') && text.includes(' had too many unstable restarts (')) {
    // The line names the script alone: the app is the one that has just ended.
    const last = before.at(-1)?.kind === 'ended' ? before.at(-1) : before.findLast(line => line.kind === 'ended');
    const tries = /unstable restarts \((\d{1,6})\)/.exec(text)?.[1];
    return last === undefined
      ? undefined
      : { kind: 'gave-up', program: last.program, instance: last.instance, ...(tries === undefined ? {} : { tries: Number(tries) }) };
  }
  const worker = /^\[PM2\]\[WORKER\] Process (\d{1,6}) restarted because it exceeds --max-memory-restart value/.exec(text)?.[1];
  const program = worker === undefined ? undefined : names.get(worker);
  return worker === undefined || program === undefined ? undefined : { kind: 'memory', program, instance: worker };
}

/** `App [NAME:ID] …`; the name may hold colons and brackets. */
function appLine(text: string): Said | undefined {
  const close = closingBracket(text);
  const colon = close === undefined ? -1 : text.lastIndexOf(':', close);
  if (close === undefined || colon < 5) return undefined;
  const app = { program: text.slice(5, colon), instance: text.slice(colon + 1, close) };
  const rest = text.slice(close + 2);
  if (rest.startsWith('online')) return { kind: 'running', ...app };
  if (rest.startsWith('starting in')) return { kind: 'starting', ...app };
  if (rest.startsWith('will restart in')) return { kind: 'waiting', ...app };
  const end = /^exited with code \[(-?\d{1,5}|null)\] via signal \[(?:SIG)?([A-Z0-9]{1,10})\]/.exec(rest);
  if (end === null) return undefined;
  // A process that ends by itself is told to have ended by SIGINT.
  const signal = end[2] === 'INT' ? undefined : end[2];
  const status = Number(end[1]);
  return { kind: 'ended', ...app, ...(Number.isNaN(status) ? {} : { status }), ...(signal === undefined ? {} : { signal }) };
}

function closingBracket(text: string): number | undefined {
  for (const verb of ['] online', '] starting in', '] will restart in', '] exited with code']) {
    const at = text.indexOf(verb);
    if (at > 0) return at;
  }
  return undefined;
}
