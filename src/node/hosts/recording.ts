import { createHash } from 'node:crypto';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { formatCommandLines, parseCommandLines, readsCommandLines } from '../../core/model/command-lines.ts';
import { BadhopError } from '../../core/model/error.ts';
import type { Known } from '../../core/model/fact.ts';
import type { ExecResult, Host, ReadOptions, ReadResult } from '../../core/model/host.ts';
import type { Prober } from '../../core/model/probe.ts';
import { redactArgv, redactBytes, redactCommandLine, redactDeep, redactText } from '../redact/redact.ts';
import { bundleFormat, bundleVersion, indexName, keys, rawFolder, rawName, type BundleAnswer, type BundleIndex, type BundleText } from './bundle-format.ts';
import { errorCode } from './file-errors.ts';

/** A host that writes down, redacted, all that it is asked. */
export interface Recording {
  /** Answers as the bundle will: redacted. So a diagnosis while recording and one of the bundle see the same. */
  readonly host: Host;
  /** Wraps a prober so that its results are in the bundle too. Make that prober on the recorded host itself: what it reads is no part of the bundle. */
  recordProber(prober: Prober): Prober;
  /** Writes the index; the bundle is readable from then on. */
  finish(): Promise<void>;
}

export interface RecordingOptions {
  readonly toolVersion: string;
  /** Name for the recorded host; default: the wrapped host's. */
  readonly hostName?: string;
  /** Length of the window that is diagnosed while recording. */
  readonly windowMs?: number;
}

// A slice may begin within a secret whose name stands before it; so much before it is read to see that.
const contextBytes = 16 * 1024;
const maxInlineBytes = 4096;

/**
 * Records a host into a new or empty folder. Throws BadhopError `bundle-exists` when the folder holds anything,
 * `bundle-unwritable` when it cannot be written.
 * `connect` is passed through and not recorded: the probes' results are.
 */
export async function createRecordingHost(host: Host, folder: string, options: RecordingOptions): Promise<Recording> {
  await prepareFolder(folder);
  const clock = await host.clock();
  const entries = new Map<string, BundleAnswer[]>();
  const written = new Map<string, string>();
  const writes: Promise<void>[] = [];
  let firstError: unknown;

  const keep = (text: string, encoding: 'utf8' | 'latin1', key: string, nth: number, suffix = ''): BundleText => {
    const isShort = text.length <= maxInlineBytes && key.startsWith('read /proc/') && /^[\t\n\x20-\x7e]*$/.test(text);
    if (text === '' || isShort) return { text };
    const name = rawName(key, nth, suffix);
    // The second sample of a thing is often the first again.
    const bytes = Buffer.from(text, encoding);
    const identity = `${key}${suffix} ${createHash('sha256').update(bytes).digest('base64')}`;
    const before = written.get(identity);
    if (before !== undefined) return { file: before };
    written.set(identity, name);
    const writing = writeFile(join(folder, name), bytes, { mode: 0o600 }).catch((error: unknown) => {
      firstError ??= error;
    });
    writes.push(writing);
    return { file: name };
  };
  const record = (key: string, make: (nth: number) => BundleAnswer): void => {
    const answers = entries.get(key) ?? [];
    entries.set(key, answers);
    answers.push(make(answers.length));
  };

  const socketOwners = host.socketOwners?.bind(host);
  const recorded: Host = {
    name: host.name,
    exec: async (argv, execOptions) => {
      const answer = redactExec(argv, await host.exec(argv, execOptions));
      const key = keys.exec(argv);
      record(key, nth => {
        if (answer.state !== 'known') return answer;
        const { stdout, stderr, code, truncated } = answer.value;
        return withProblems(answer, {
          state: 'exec',
          stdout: keep(stdout, 'utf8', key, nth),
          stderr: keep(stderr, 'utf8', key, nth, '-stderr'),
          code,
          truncated,
        });
      });
      return answer;
    },
    read: async (path, readOptions = {}) => {
      const answer = await readRedacted(host, path, readOptions);
      const key = keys.read(path, readOptions);
      record(key, nth => {
        if (answer.state !== 'known') return answer;
        const { bytes, size, atEnd } = answer.value;
        return withProblems(answer, { state: 'read', bytes: keep(Buffer.from(bytes).toString('latin1'), 'latin1', key, nth), size, atEnd });
      });
      return answer;
    },
    stat: async path => {
      const answer = redactDeep(await host.stat(path));
      record(keys.stat(path), () => (answer.state === 'known' ? { state: 'stat', stat: answer.value } : answer));
      return answer;
    },
    list: async path => {
      const answer = redactNames(await host.list(path));
      record(keys.list(path), () => (answer.state === 'known' ? { state: 'list', names: answer.value } : answer));
      return answer;
    },
    ...(socketOwners === undefined
      ? {}
      : {
          socketOwners: async (inodes, pids) => {
            const answer = await socketOwners(inodes, pids);
            record(keys.owners(), () => (answer.state === 'known' ? { state: 'owners', ...answer.value } : answer));
            return answer;
          },
        }),
    connect: (address, connectOptions) => host.connect(address, connectOptions),
    clock: () => Promise.resolve(clock),
  };

  return {
    host: recorded,
    recordProber: prober => async request => {
      const result = redactDeep(await prober(request));
      record(keys.probe(request), () => ({ state: 'probe', result }));
      return { ...result, request };
    },
    finish: async () => {
      await Promise.all(writes);
      if (firstError !== undefined) throw cannotWrite(folder, firstError);
      const index: BundleIndex = {
        format: bundleFormat,
        version: bundleVersion,
        tool: { name: 'badhop', version: options.toolVersion },
        host: { name: options.hostName ?? host.name },
        clock,
        ...(options.windowMs === undefined ? {} : { windowMs: options.windowMs }),
        entries: [...entries].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, answers]) => ({ key, answers })),
      };
      await writeFile(join(folder, indexName), `${JSON.stringify(index, undefined, 1)}\n`, { mode: 0o600 }).catch((error: unknown) => {
        throw cannotWrite(folder, error);
      });
    },
  };
}

async function prepareFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    if ((await readdir(folder)).length > 0) throw new BadhopError('bundle-exists', `${folder} is not empty`);
    await mkdir(join(folder, rawFolder), { mode: 0o700 });
  } catch (error) {
    throw error instanceof BadhopError ? error : cannotWrite(folder, error);
  }
}

function cannotWrite(folder: string, cause: unknown): BadhopError {
  return new BadhopError('bundle-unwritable', `${folder} cannot be written (${errorCode(cause)})`, { cause });
}

/** Reads a range with what stands before it, redacts both, and gives the range: every byte at its place. */
async function readRedacted(host: Host, path: string, options: ReadOptions): Promise<Known<ReadResult>> {
  const offset = options.offset ?? 0;
  const isCommandLine = /^\/proc\/[^/]+\/(?:task\/[^/]+\/)?cmdline$/.test(path);
  // From the end of a compressed file the start is not known; its slices come from the front.
  const before = offset > 0 ? Math.min(contextBytes, offset) : offset < 0 && options.gunzip !== true ? contextBytes : 0;
  const limit = options.limit ?? 1024 * 1024;
  const wide = before === 0 ? options : { ...options, offset: offset - before, limit: limit + before };
  const answer = await host.read(path, wide);
  if (answer.state !== 'known') return answer;
  const { bytes, size } = answer.value;
  const redacted = isCommandLine ? redactCommandLine(bytes) : redactBytes(bytes);
  if (before === 0) return { ...answer, value: { ...answer.value, bytes: redacted } };
  // A file shorter than asked for starts at its first byte; one without a size was cut at its own length.
  const length = size > 0 ? size : bytes.length;
  const drop = offset > 0 ? before : Math.max(0, length + offset) - Math.max(0, length + offset - before);
  const kept = redacted.subarray(drop, drop + limit);
  return { ...answer, value: { ...answer.value, bytes: kept, atEnd: answer.value.atEnd && drop + limit >= bytes.length } };
}

function redactExec(argv: readonly string[], answer: Known<ExecResult>): Known<ExecResult> {
  if (answer.state !== 'known') return answer;
  const { stdout, stderr } = answer.value;
  const redacted = readsCommandLines(argv) ? redactCommandLines(stdout) : redactText(stdout);
  return { ...answer, value: { ...answer.value, stdout: redacted, stderr: redactText(stderr) } };
}

/** What was cut off at its end is left out. */
function redactCommandLines(stdout: string): string {
  const lines = [...parseCommandLines(stdout)].map(([pid, line]) => [pid, redactArgv(line.slice(0, -1).split('\0')).join('\0') + '\0'] as const);
  return formatCommandLines(new Map(lines));
}

function redactNames(answer: Known<readonly string[]>): Known<readonly string[]> {
  return answer.state === 'known' ? { ...answer, value: answer.value.map(name => redactText(name)) } : answer;
}

function withProblems(answer: Known<unknown>, made: Extract<BundleAnswer, { state: 'exec' | 'read' }>): BundleAnswer {
  return answer.state === 'known' && answer.problems !== undefined ? { ...made, problems: answer.problems } : made;
}
