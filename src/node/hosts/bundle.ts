import { constants } from 'node:fs';
import { lstat, open, readFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { BadhopError } from '../../core/model/error.ts';
import { absent, known, unparsable, type Known } from '../../core/model/fact.ts';
import type { Host, HostClock, ReadOptions, ReadResult } from '../../core/model/host.ts';
import type { Prober } from '../../core/model/probe.ts';
import { indexName, keys, rawFolder, type BundleAnswer, type BundleText } from './bundle-format.ts';
import { checkIndex } from './check-index.ts';
import { errorCode } from './file-errors.ts';

export interface Bundle {
  readonly host: Host;
  /** Gives the recorded results; for a question that was not recorded, the outcome `not-asked`. */
  readonly prober: Prober;
  readonly meta: BundleMeta;
}

export interface BundleMeta {
  readonly hostName: string;
  readonly tool: { readonly name: string; readonly version: string };
  readonly clock: HostClock;
  /** The window that was recorded, where the bundle says so. */
  readonly windowMs?: number;
}

const maxIndexBytes = 128 * 1024 * 1024;
const maxRawBytes = 256 * 1024 * 1024;
const notThere = 'not in the bundle';

/** Opens a recorded host. Throws BadhopError `bundle-unreadable` for a folder that is not a sound bundle. */
export async function openBundle(folder: string): Promise<Bundle> {
  const index = checkIndex(await readIndex(folder), join(folder, indexName));
  await checkRawFolder(folder);
  const entries = new Map(index.entries.map(entry => [entry.key, entry.answers]));
  const whole = findWholeFiles(entries);
  const asked = new Map<string, number>();

  const next = (key: string): BundleAnswer | undefined => {
    const answers = entries.get(key);
    if (answers === undefined) return undefined;
    const nth = asked.get(key) ?? 0;
    asked.set(key, nth + 1);
    return answers[Math.min(nth, answers.length - 1)];
  };

  const host: Host = {
    name: `bundle:${basename(resolve(folder))}`,
    exec: async argv => {
      const answer = next(keys.exec(argv));
      if (answer?.state !== 'exec') return unknownOf(answer);
      const [stdout, stderr] = await Promise.all([loadText(folder, answer.stdout), loadText(folder, answer.stderr)]);
      if (stdout.state !== 'known') return stdout;
      if (stderr.state !== 'known') return stderr;
      const { code, truncated } = answer;
      return known({ stdout: stdout.value.toString('utf8'), stderr: stderr.value.toString('utf8'), code, truncated }, answer.problems);
    },
    read: async (path, options = {}) => {
      const answer = next(keys.read(path, options));
      if (answer === undefined) return readFromWhole(folder, whole.get(wholeKey(path, options)), options);
      if (answer.state !== 'read') return unknownOf(answer);
      const bytes = await loadText(folder, answer.bytes);
      return bytes.state === 'known' ? known({ bytes: bytes.value, size: answer.size, atEnd: answer.atEnd }, answer.problems) : bytes;
    },
    stat: path => {
      const answer = next(keys.stat(path));
      return Promise.resolve(answer?.state === 'stat' ? known(answer.stat) : unknownOf(answer));
    },
    list: path => {
      const answer = next(keys.list(path));
      return Promise.resolve(answer?.state === 'list' ? known(answer.names) : unknownOf(answer));
    },
    socketOwners: () => {
      const answer = next(keys.owners());
      return Promise.resolve(answer?.state === 'owners' ? known({ owners: answer.owners, isWhole: answer.isWhole }) : unknownOf(answer));
    },
    // A recorded host has no network; what it would have said is known to the prober alone.
    connect: () => Promise.resolve({ state: 'failed', code: 'ENOTSUP', connectMs: 0 }),
    clock: () => Promise.resolve(index.clock),
  };
  const prober: Prober = request => {
    const answer = next(keys.probe(request));
    if (answer?.state === 'probe') return Promise.resolve({ ...answer.result, request });
    return Promise.resolve({ request, outcome: { state: 'not-asked', why: notThere }, connectMs: 0, ms: 0 });
  };
  return {
    host,
    prober,
    meta: { hostName: index.host.name, tool: index.tool, clock: index.clock, ...(index.windowMs === undefined ? {} : { windowMs: index.windowMs }) },
  };
}

type ReadAnswer = Extract<BundleAnswer, { state: 'read' }>;

/** Files that were recorded from their first byte to the last: any range of them can be given. */
function findWholeFiles(entries: ReadonlyMap<string, readonly BundleAnswer[]>): ReadonlyMap<string, ReadAnswer> {
  const whole = new Map<string, ReadAnswer>();
  for (const [key, answers] of entries) {
    const match = /^(read .*?)(?: 0\+(?:[0-9]+|default))?$/s.exec(key);
    const last = answers.findLast(answer => answer.state === 'read');
    if (match?.[1] !== undefined && last?.state === 'read' && last.atEnd) whole.set(match[1], last);
  }
  return whole;
}

function wholeKey(path: string, options: ReadOptions): string {
  return keys.read(path, options.gunzip === true ? { gunzip: true } : {});
}

async function readFromWhole(folder: string, answer: ReadAnswer | undefined, options: ReadOptions): Promise<Known<ReadResult>> {
  if (answer === undefined) return absent(notThere);
  const all = await loadText(folder, answer.bytes);
  if (all.state !== 'known') return all;
  const offset = options.offset ?? 0;
  const start = offset < 0 ? Math.max(0, all.value.length + offset) : offset;
  const bytes = all.value.subarray(start, start + (options.limit ?? 1024 * 1024));
  return known({ bytes, size: answer.size, atEnd: start + bytes.length >= all.value.length }, answer.problems);
}

function unknownOf(answer: BundleAnswer | undefined): Known<never> {
  if (answer === undefined) return absent(notThere);
  switch (answer.state) {
    case 'absent':
    case 'denied':
    case 'timeout':
    case 'unparsable':
      return answer;
    default:
      return unparsable('the bundle holds an answer of another kind under this name');
  }
}

async function readIndex(folder: string): Promise<unknown> {
  const path = join(folder, indexName);
  let text: string;
  try {
    const stats = await lstat(path);
    if (!stats.isFile()) throw new BadhopError('bundle-unreadable', `${path} is not a file`);
    if (stats.size > maxIndexBytes) throw new BadhopError('bundle-unreadable', `${path} is larger than ${maxIndexBytes} bytes`);
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof BadhopError) throw error;
    const why = errorCode(error) === 'ENOENT' ? 'does not exist' : `cannot be read (${errorCode(error)})`;
    throw new BadhopError('bundle-unreadable', `${path} ${why}`, { cause: error });
  }
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new BadhopError('bundle-unreadable', `${path} is not JSON`, { cause: error });
  }
}

/** The raw folder must be a folder: a link could lead out of the bundle. */
async function checkRawFolder(folder: string): Promise<void> {
  const path = join(folder, rawFolder);
  const stats = await lstat(path).catch(() => undefined);
  // Git keeps no empty folder, and a bundle of small answers alone has none.
  if (stats !== undefined && !stats.isDirectory()) throw new BadhopError('bundle-unreadable', `${path} is not a folder`);
}

async function loadText(folder: string, text: BundleText): Promise<Known<Buffer>> {
  if ('text' in text) return known(Buffer.from(text.text, 'utf8'));
  let file;
  try {
    // Neither follows a link out of the bundle nor waits at a fifo.
    file = await open(join(folder, text.file), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const stats = await file.stat();
    if (!stats.isFile() || stats.size > maxRawBytes) return unparsable(`${text.file} in the bundle is no file of a sensible size`);
    return known(await file.readFile());
  } catch (error) {
    return unparsable(`${text.file} in the bundle cannot be read (${errorCode(error)})`);
  } finally {
    await file?.close().catch(() => undefined);
  }
}
