import { createHash } from 'node:crypto';
import type { Unknown } from '../../core/model/fact.ts';
import type { HostClock, ReadOptions, SocketOwners, StatResult } from '../../core/model/host.ts';
import { probeKey, type ProbeRequest, type ProbeResult } from '../../core/model/probe.ts';
import { redactArgv, redactText } from '../redact/redact.ts';

export const bundleFormat = 'badhop-bundle';
export const bundleVersion = 1;
export const indexName = 'bundle.json';
export const rawFolder = 'raw';

/** What `bundle.json` holds. Texts of any size stand in files of their own under `raw/`; small ones of /proc stand here. */
export interface BundleIndex {
  readonly format: typeof bundleFormat;
  readonly version: typeof bundleVersion;
  readonly tool: { readonly name: string; readonly version: string };
  readonly host: { readonly name: string };
  readonly clock: HostClock;
  /** Length of the window that was recorded, in milliseconds: a replay looks at the same one. */
  readonly windowMs?: number;
  /** In the order of their keys, so that two bundles of the same answers are the same. */
  readonly entries: readonly BundleEntry[];
}

/** One question and its answers in the order they came; one more ask gets the last again. */
export interface BundleEntry {
  readonly key: string;
  readonly answers: readonly BundleAnswer[];
}

export type BundleAnswer =
  | Unknown
  | {
      readonly state: 'exec';
      readonly stdout: BundleText;
      readonly stderr: BundleText;
      readonly code: number;
      readonly truncated: boolean;
      readonly problems?: readonly string[];
    }
  | { readonly state: 'read'; readonly bytes: BundleText; readonly size: number; readonly atEnd: boolean; readonly problems?: readonly string[] }
  | { readonly state: 'stat'; readonly stat: StatResult }
  | { readonly state: 'list'; readonly names: readonly string[] }
  | ({ readonly state: 'owners' } & SocketOwners)
  | { readonly state: 'probe'; readonly result: ProbeResult };

/** A text in the index, or the file under the bundle that holds it. */
export type BundleText = { readonly text: string } | { readonly file: string };

/** Keys name a question in words; what is secret in it is redacted, on recording and on replay alike. */
export const keys = {
  exec: (argv: readonly string[]): string => `exec ${redactArgv(argv).map(quoteWord).join(' ')}`,
  read: (path: string, options: ReadOptions = {}): string =>
    `read ${path}${options.gunzip === true ? ' gunzip' : ''}${options.offset === undefined && options.limit === undefined ? '' : ` ${options.offset ?? 0}+${options.limit ?? 'default'}`}`,
  stat: (path: string): string => `stat ${path}`,
  list: (path: string): string => `list ${path}`,
  /** Asked once in a diagnosis, for all sockets that listen: which ones they are is in the answer. */
  owners: (): string => 'owners of sockets',
  probe: (request: ProbeRequest): string => `probe ${redactText(probeKey(request))}`,
};

/** Words with blanks or quotes in them are quoted, so that two command lines never share a key. */
function quoteWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : JSON.stringify(word);
}

/** `raw/read-etc-nginx-nginx.conf-1a2b3c4d`: for people to find, for programs unique. */
export function rawName(key: string, nth: number, suffix = ''): string {
  const words = key
    .slice(0, 200)
    .replace(/[^A-Za-z0-9._]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 80);
  const hash = createHash('sha256').update(key).digest('hex').slice(0, 8);
  return `${rawFolder}/${words}-${hash}${nth === 0 ? '' : `-${nth + 1}`}${suffix}.txt`;
}
