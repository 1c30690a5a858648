/**
 * The journal of a change, as text: `record.json`, written once, and `log`, a line of JSON for each step. Format of badhop's own
 * (version 1). Samples:
 *
 *   {"atMs":1795282503123,"state":"writing","index":0}
 *   {"atMs":1795282503180,"state":"rolled-back","text":"nginx -t failed: …"}
 */
import type { ChangeAuthor, ChangeEvent, ChangeRecord, ChangeState, RecordedCommand, RecordedFile } from '../model/change.ts';
import { isKnownCommand, isTest } from './commands.ts';

export type ParsedRecord = { readonly record: ChangeRecord } | { readonly problem: string };

const states: ReadonlySet<string> = new Set<ChangeState>([
  'prepared',
  'writing',
  'written',
  'validated',
  'command-started',
  'command-ended',
  'verifying',
  'rolling-back',
  'committed',
  'rolled-back',
  'conflict',
]);
const ends: ReadonlySet<ChangeState> = new Set(['committed', 'rolled-back', 'conflict']);
const mostFiles = 1000;
export const changeId = /^\d{8}T\d{6}Z-[0-9a-f]{6}$/;

/** Reads `record.json`. Whatever is not as badhop writes it makes the whole a problem: nothing of it is guessed or executed. */
export function parseRecord(text: string): ParsedRecord {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { problem: 'it is no JSON' };
  }
  if (!isObject(value)) return { problem: 'it is no object' };
  const { version } = value;
  if (version !== 1) return { problem: `its version is ${typeof version === 'number' ? version : 'none'}, and this badhop knows 1` };
  const { id, kind, undoes, toolVersion, at } = value;
  if (typeof id !== 'string' || !changeId.test(id)) return { problem: 'its id is none' };
  if (kind !== 'fix' && kind !== 'undo') return { problem: 'its kind is unknown' };
  if (typeof toolVersion !== 'string' || typeof at !== 'string' || Number.isNaN(Date.parse(at))) return { problem: 'its version or time is missing' };
  const who = authorOf(value['who']);
  const plan = planOf(value['plan']);
  const files = listOf(value['files'], fileOf);
  const folders = listOf(value['folders'], pathOf);
  const emptied = value['emptied'] === undefined ? undefined : listOf(value['emptied'], pathOf);
  const validate = listOf(value['validate'], wordsOf);
  const commands = listOf(value['commands'], commandOf);
  if (who === undefined || plan === undefined) return { problem: 'who made it, or what it is, is missing' };
  if (files === undefined || folders === undefined || (emptied === undefined && value['emptied'] !== undefined))
    return { problem: 'its list of files is damaged' };
  if (validate === undefined || commands === undefined || !validate.every(isTest)) return { problem: 'it holds a command that badhop never runs' };
  return {
    record: {
      version: 1,
      id,
      kind,
      ...(typeof undoes === 'string' ? { undoes } : {}),
      toolVersion,
      at,
      who,
      plan,
      files,
      folders,
      ...(emptied === undefined ? {} : { emptied }),
      validate,
      commands,
    },
  };
}

/** Reads `log`. A last line that was cut off, and blank ones, are passed over; any other that is damaged is counted. */
export function parseLog(text: string): { readonly events: readonly ChangeEvent[]; readonly damaged: number } {
  const events: ChangeEvent[] = [];
  let damaged = 0;
  for (const line of text.split('\n')) {
    if (line.trim() === '') continue;
    const event = eventOf(line);
    if (event === undefined) damaged++;
    else events.push(event);
  }
  return { events, damaged };
}

/** One line, its end included. */
export function formatEvent(event: ChangeEvent): string {
  return `${JSON.stringify({ ...event, ...(event.text === undefined ? {} : { text: event.text.slice(0, 400) }) })}\n`;
}

/** The state that a change has come to its end with; undefined where it has not. */
export function endOf(events: readonly ChangeEvent[]): 'committed' | 'rolled-back' | 'conflict' | undefined {
  const end = events.findLast(({ state }) => ends.has(state))?.state;
  return end === 'committed' || end === 'rolled-back' || end === 'conflict' ? end : undefined;
}

/** Commands that were begun, ended or not, in their order. */
export function startedCommands(events: readonly ChangeEvent[]): readonly number[] {
  return events.flatMap(({ state, index }) => (state === 'command-started' && index !== undefined ? [index] : []));
}

function eventOf(line: string): ChangeEvent | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (!isObject(value)) return undefined;
  const { atMs, state, index, text } = value;
  if (typeof atMs !== 'number' || typeof state !== 'string' || !states.has(state)) return undefined;
  return {
    atMs,
    state: state as ChangeState,
    ...(typeof index === 'number' && Number.isInteger(index) && index >= 0 ? { index } : {}),
    ...(typeof text === 'string' ? { text } : {}),
  };
}

function authorOf(value: unknown): ChangeAuthor | undefined {
  if (!isObject(value)) return undefined;
  const { uid, user, sudoUser } = value;
  if (typeof uid !== 'number' || typeof user !== 'string') return undefined;
  return { uid, user, ...(typeof sudoUser === 'string' ? { sudoUser } : {}) };
}

function planOf(value: unknown): ChangeRecord['plan'] | undefined {
  if (!isObject(value)) return undefined;
  const { id, summary, fault, subject } = value;
  if (typeof id !== 'string' || typeof summary !== 'string') return undefined;
  return { id, summary, ...(typeof fault === 'string' ? { fault } : {}), ...(typeof subject === 'string' ? { subject } : {}) };
}

function fileOf(value: unknown): RecordedFile | undefined {
  if (!isObject(value)) return undefined;
  const path = pathOf(value['path']);
  const target = pathOf(value['target']);
  const way = value['way'];
  const before = value['before'] === undefined ? undefined : beforeOf(value['before']);
  const after = value['after'] === undefined ? undefined : contentOf(value['after']);
  if (path === undefined || target === undefined || (way !== 'rename' && way !== 'in-place')) return undefined;
  if ((before === undefined && value['before'] !== undefined) || (after === undefined && value['after'] !== undefined)) return undefined;
  if (before === undefined && after === undefined) return undefined;
  return { path, target, way, ...(before === undefined ? {} : { before }), ...(after === undefined ? {} : { after }) };
}

function contentOf(value: unknown): { sha256: string; size: number } | undefined {
  if (!isObject(value)) return undefined;
  const { sha256, size } = value;
  return typeof sha256 === 'string' && /^[0-9a-f]{64}$/.test(sha256) && isCount(size) ? { sha256, size } : undefined;
}

function beforeOf(value: unknown): RecordedFile['before'] {
  const content = contentOf(value);
  if (content === undefined || !isObject(value)) return undefined;
  const { uid, gid, mode, modifiedMs } = value;
  if (!isCount(uid) || !isCount(gid) || !isCount(mode) || mode > 0o7777 || typeof modifiedMs !== 'number') return undefined;
  return { ...content, uid, gid, mode, modifiedMs };
}

function commandOf(value: unknown): RecordedCommand | undefined {
  if (!isObject(value)) return undefined;
  const argv = wordsOf(value['argv']);
  const undo = value['undo'] === undefined ? undefined : wordsOf(value['undo']);
  if (argv === undefined || !isKnownCommand(argv) || (undo === undefined) !== (value['undo'] === undefined)) return undefined;
  if (undo !== undefined && !isKnownCommand(undo)) return undefined;
  const processes = value['processes'] === undefined ? undefined : listOf(value['processes'], processOf);
  if (processes === undefined && value['processes'] !== undefined) return undefined;
  const disruptive = value['disruptive'] === true;
  return { argv, ...(undo === undefined ? {} : { undo }), disruptive, ...(processes === undefined ? {} : { processes }) };
}

function processOf(value: unknown): { pid: number; startTicks: string } | undefined {
  if (!isObject(value)) return undefined;
  const { pid, startTicks } = value;
  return isCount(pid) && pid > 1 && typeof startTicks === 'string' && /^\d{1,20}$/.test(startTicks) ? { pid, startTicks } : undefined;
}

function wordsOf(value: unknown): readonly string[] | undefined {
  return Array.isArray(value) && value.length > 0 && value.every(word => typeof word === 'string') ? value : undefined;
}

function pathOf(value: unknown): string | undefined {
  return typeof value === 'string' && value.startsWith('/') && !value.includes('\0') && !value.split('/').includes('..') ? value : undefined;
}

function listOf<T>(value: unknown, read: (item: unknown) => T | undefined): readonly T[] | undefined {
  if (!Array.isArray(value) || value.length > mostFiles) return undefined;
  const items = value.map(read).filter(item => item !== undefined);
  return items.length === value.length ? items : undefined;
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
