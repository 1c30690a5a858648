import { ask, askAll } from '../../model/collector.ts';
import type { CollectContext, Request } from '../../model/collector.ts';
import type { Known } from '../../model/fact.ts';
import type { Sourced } from '../../model/facts/backend.ts';
import type { Evidence } from '../../model/finding.ts';
import { formatAddress, type Address, type ReadResult } from '../../model/host.ts';
import { programEndMs } from '../../model/program-state.ts';
import type { ManagedProgram } from '../../model/facts/managed-program.ts';
import { parseAppLine } from '../../parsers/app-log.ts';
import { toRawLines } from '../../parsers/backend-log.ts';
import type { RawLine } from '../../parsers/backend-log.ts';
import { parseListenAddress } from '../../parsers/listen-address.ts';
import { parseListeningLine } from '../../parsers/listening-line.ts';
import { decodeUtf8 } from '../../parsers/text.ts';

type Steps<T> = Generator<readonly Request[], T, readonly Known<unknown>[]>;

const managerTail = { offset: -262_144, limit: 262_144 } as const;
const programTail = { offset: -32_768, limit: 32_768 } as const;
/** Node prints twenty lines behind the one that names the error. */
const maxWords = 40;
/** A log that was last written this long before the program ended says nothing of that end. */
const beforeEndMs = 10_000;

/** Lines with their numbers, where the whole file was read; the first line of a cut one is left out. */
export function linesOfTail(tail: ReadResult, path: string): readonly RawLine[] {
  const isWhole = tail.size <= tail.bytes.length;
  const text = decodeUtf8(tail.bytes);
  return isWhole ? toRawLines(text, path, 1) : toRawLines(text.slice(text.indexOf('\n') + 1), path, undefined);
}

/** The end of the manager's own log; `undefined` with a word in `problems` where it cannot be read. */
export function* readManagerLog(path: string, what: string, problems: string[]): Steps<readonly RawLine[] | undefined> {
  const [tail] = yield* ask({ kind: 'read', path, options: managerTail });
  if (tail.state === 'known') return linesOfTail(tail.value, path);
  problems.push(`${what}: ${withPath(path, tail.why)} (run as root to read it)`);
  return undefined;
}

/** Most reasons name the path already. */
export function withPath(path: string, why: string): string {
  return why.includes(path) ? why : `${path}: ${why}`;
}

/** Adds what the program's own logs say: where it listened, and its last words if they are of its last end. */
export function* withOwnLogs(program: ManagedProgram, paths: readonly string[], context: CollectContext, problems: string[]): Steps<ManagedProgram> {
  const stats = yield* askAll(paths.map(path => ({ kind: 'stat', path }) as const));
  const tails = yield* askAll(paths.map(path => ({ kind: 'read', path, options: programTail }) as const));
  const addresses: Sourced<Address>[] = [...program.addresses];
  const words: Evidence[] = [];
  const read: string[] = [];
  for (const [index, path] of paths.entries()) {
    const [stat, tail] = [stats[index], tails[index]];
    if (tail === undefined || tail.state !== 'known') {
      if (tail !== undefined && tail.state !== 'absent') problems.push(`${program.label}: ${withPath(path, tail.why)} (run as root to read it)`);
      continue;
    }
    read.push(path);
    const lines = linesOfTail(tail.value, path);
    const told = lastAddress(lines, path);
    if (told !== undefined && !addresses.some(one => formatAddress(one.value) === formatAddress(told.value))) addresses.push(told);
    const endMs = programEndMs(program) ?? context.sinceMs;
    if (stat?.state !== 'known' || stat.value.modifiedMs < endMs - beforeEndMs) continue;
    words.push(
      ...lines
        .filter(line => line.text.trim() !== '')
        .slice(-maxWords)
        .map(({ source, text }) => ({ source, text: text.slice(0, 600) })),
    );
  }
  return { ...program, addresses, words, logFiles: read };
}

/** The last line that says where it listens, or where it could not. */
function lastAddress(lines: readonly RawLine[], path: string): Sourced<Address> | undefined {
  for (const { text, source } of lines.toReversed()) {
    const said = parseListeningLine(text) ?? inUse(text);
    if (said !== undefined) return { value: said, source: source === '' ? `file:${path}` : source, text: text.slice(0, 600) };
  }
  return undefined;
}

function inUse(text: string): Address | undefined {
  const line = parseAppLine(text);
  return line?.kind === 'address-in-use' && line.address !== undefined ? parseListenAddress(line.address) : undefined;
}
