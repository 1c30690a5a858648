import { closeSync, fstatSync, openSync, readSync, readdirSync, realpathSync, statSync, type Stats } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { readNginxConfig } from '../core/collectors/shared/nginx-files.ts';
import { BadhopError } from '../core/model/error.ts';
import type { ConfigDirective, NginxConfig } from '../core/model/facts/nginx.ts';
import type { LintSubject } from '../core/model/lint.ts';
import { bytesFromLatin1, latin1FromBytes, latin1FromText } from '../core/parsers/latin1.ts';
import { configOfDump } from '../core/parsers/nginx-conf-files.ts';
import { parseNginxConf, quoteConfWord } from '../core/parsers/nginx-conf.ts';
import { parseNginxDump } from '../core/parsers/nginx-dump.ts';
import { LintHost, packaged } from './lint-host.ts';

/** A configuration with all that it includes, and what is known of how it was given. */
export interface LintInput {
  readonly config: NginxConfig;
  readonly form: LintSubject['form'];
  /** As it was given. */
  readonly path: string;
  /** Files that are written around a fragment. */
  readonly madeUp: ReadonlySet<string>;
  /** A site or a snippet whose surroundings are not known. */
  readonly isFragment: boolean;
  /** Where a file of the configuration is on disk; `undefined` where it is not. */
  readonly onDisk: (path: string) => string | undefined;
}

export interface InputOptions {
  /** nginx's `-p`: a relative path is below it. */
  readonly prefix: string | undefined;
  readonly root: string | undefined;
}

const MiB = 1_048_576;
const maxFileBytes = 8 * MiB;
const maxDumpBytes = 64 * MiB;
const firstBytes = 65_536;
const maxFragments = 500;
const mainNames = ['nginx.conf', 'conf/nginx.conf', 'etc/nginx/nginx.conf', 'nginx/nginx.conf'];
const dumpMark = /^# configuration file \/[^\n]*:\r?$/m;

/** Reads what the argument names. Throws a BadhopError where there is nothing to judge. */
export async function readLintInput(argument: string, options: InputOptions): Promise<LintInput> {
  if (argument === '-') return fromStdin(options);
  const path = resolve(options.prefix ?? '.', argument);
  const stats = statOf(path);
  if (stats.isDirectory()) return fromFolder(argument, path, options);
  if (!stats.isFile()) throw unreadable(`${argument} is neither a file nor a folder`);
  const head = readBytes(path, firstBytes);
  refuseBinary(argument, head);
  if (dumpMark.test(latin1FromBytes(head))) return fromDump(argument, readBytes(path, maxDumpBytes), 'dump');
  return fromMain({ argument, path, form: 'file', made: new Map(), options });
}

function statOf(path: string): Stats {
  try {
    return statSync(path);
  } catch (error) {
    throw unreadable(error instanceof Error ? error.message : path, error);
  }
}

async function fromStdin(options: InputOptions): Promise<LintInput> {
  const bytes = await readStdin();
  refuseBinary('standard input', bytes);
  if (dumpMark.test(latin1FromBytes(bytes.subarray(0, firstBytes)))) return fromDump('-', bytes, 'stdin');
  const path = resolve(options.prefix ?? '.', '<stdin>');
  return fromMain({ argument: '-', path, form: 'stdin', made: new Map([[path, bytes]]), options });
}

function fromDump(argument: string, bytes: Uint8Array, form: 'dump' | 'stdin'): LintInput {
  const texts = parseNginxDump(latin1FromBytes(bytes));
  const [mainPath = ''] = texts.keys();
  const config = configOfDump('lint', mainPath, '', texts);
  const cut = bytes.length >= maxDumpBytes ? [{ path: argument, why: `only its first ${maxDumpBytes / MiB} MiB were read` }] : [];
  return { config: { ...config, unread: cut }, form, path: argument, madeUp: new Set(), isFragment: false, onDisk: () => undefined };
}

function fromFolder(argument: string, folder: string, options: InputOptions): Promise<LintInput> {
  const main = mainNames.map(name => join(folder, name)).find(path => isFile(path));
  if (main !== undefined) return fromMain({ argument, path: main, form: 'folder', made: new Map(), options });
  const files = fragmentsBelow(folder);
  if (files.length === 0) throw unreadable(`${argument} holds no nginx.conf and no *.conf`);
  return fromFragments(argument, folder, files, 'folder', options);
}

interface MainFile {
  readonly argument: string;
  readonly path: string;
  readonly form: LintSubject['form'];
  readonly made: ReadonlyMap<string, Uint8Array>;
  readonly options: InputOptions;
}

async function fromMain({ argument, path, form, made, options }: MainFile): Promise<LintInput> {
  const host = new LintHost({ folder: dirname(path), root: options.root === undefined ? undefined : resolve(options.root), made });
  const main = await host.read(path, { limit: maxFileBytes });
  if (main.state !== 'known') throw unreadable(`${argument}: ${main.why}`);
  const { directives } = parseNginxConf(latin1FromBytes(main.value.bytes), path);
  if (placeOfFragment(directives) !== 'main') {
    const bytes = made.get(path);
    return fromFragments(argument, dirname(path), [path], form, options, bytes === undefined ? new Map() : new Map([[path, bytes]]));
  }
  const config = await readConfig(host, path);
  return { config, form, path: argument, madeUp: new Set(), isFragment: false, onDisk: each => (made.has(each) ? undefined : host.onDisk(each)) };
}

/** Sites and snippets, each within the blocks that it needs around it. */
async function fromFragments(
  argument: string,
  folder: string,
  files: readonly string[],
  form: LintSubject['form'],
  options: InputOptions,
  given: ReadonlyMap<string, Uint8Array> = new Map(),
): Promise<LintInput> {
  const places = { http: [] as string[], server: [] as string[], stream: [] as string[] };
  for (const file of files) {
    const { directives } = parseNginxConf(latin1FromBytes(given.get(file) ?? readBytes(file, maxFileBytes)), file);
    const place = placeOfFragment(directives);
    if (place !== 'main') places[place].push(file);
  }
  // Snippets are only judged alone where there is nothing that may include them.
  const snippets = places.http.length + places.stream.length === 0 ? places.server : [];
  const line = (file: string): string => `include ${quoteConfWord(latin1FromText(file.replaceAll(/[*?[\]\\]/g, '\\$&')))};\n`;
  const http = `http {\n${places.http.map(file => line(file)).join('')}${snippets.map(file => `server {\n${line(file)}}\n`).join('')}}\n`;
  const stream = places.stream.length === 0 ? '' : `stream {\n${places.stream.map(file => line(file)).join('')}}\n`;
  // A part in nginx's own folder is included from there.
  const base = packaged.find(each => folder.startsWith(`${each}/`)) ?? folder;
  const path = join(base, '<around the fragment>');
  const host = new LintHost({
    folder: base,
    isPart: true,
    root: options.root === undefined ? undefined : resolve(options.root),
    made: new Map([...given, [path, bytesFromLatin1(`${http}${stream}`)]]),
  });
  const config = await readConfig(host, path);
  const onDisk = (each: string): string | undefined => (each === path || given.has(each) ? undefined : host.onDisk(each));
  return { config, form, path: argument, madeUp: new Set([path]), isFragment: true, onDisk };
}

async function readConfig(host: LintHost, configPath: string): Promise<NginxConfig> {
  const config = await host.collect(readNginxConfig({ id: 'lint', configPath, globalDirectives: '' }));
  if (config.state !== 'known') throw unreadable(config.why);
  return config.value;
}

/** Where the directives of a file belong. A file with `http` or `events` is a main file. */
function placeOfFragment(directives: readonly ConfigDirective[]): 'main' | 'http' | 'server' | 'stream' {
  const names = new Set(directives.map(({ name }) => name));
  const is = (...wanted: readonly string[]): boolean => wanted.some(name => names.has(name));
  if (is('http', 'events', 'stream', 'mail')) return 'main';
  const servers = directives.filter(({ name }) => name === 'server');
  if (servers.some(({ block = [] }) => block.some(({ name }) => name === 'proxy_pass'))) return 'stream';
  if (is('server', 'upstream', 'map', 'log_format', 'limit_req_zone', 'proxy_cache_path', 'geo', 'split_clients', 'limit_conn_zone')) return 'http';
  return is('location', 'listen', 'server_name') || directives.some(({ name }) => /^(?:proxy|fastcgi|uwsgi|scgi|grpc|memcached)_/.test(name))
    ? 'server'
    : 'main';
}

/** `*.conf` and the files of `sites-*` folders below a folder, sorted; each file once, however it is linked. */
function fragmentsBelow(folder: string): readonly string[] {
  const found = new Map<string, string>();
  const walk = (path: string, depth: number): void => {
    if (depth > 6 || found.size >= maxFragments) return;
    const entries = readdirSync(path, { withFileTypes: true }).toSorted((a, b) => (a.name < b.name ? -1 : 1));
    for (const entry of entries) {
      const full = join(path, entry.name);
      if (entry.isDirectory() && !entry.name.startsWith('.') && entry.name !== 'node_modules') walk(full, depth + 1);
      else if ((entry.name.endsWith('.conf') || /\/sites-[\w-]+$/.test(path)) && isFile(full) && found.size < maxFragments) found.set(realpathSync(full), full);
    }
  };
  walk(folder, 0);
  return [...found.values()];
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

function refuseBinary(name: string, bytes: Uint8Array): void {
  const at = bytes.subarray(0, firstBytes).indexOf(0);
  if (at >= 0) throw unreadable(`${name} is no text: byte ${at + 1} is 0`);
}

async function readStdin(): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const chunk of process.stdin as AsyncIterable<Uint8Array>) {
      parts.push(chunk);
      length += chunk.length;
      if (length >= maxDumpBytes) break;
    }
  } catch (error) {
    throw unreadable(error instanceof Error ? error.message : 'standard input', error);
  }
  return Buffer.concat(parts).subarray(0, maxDumpBytes);
}

function readBytes(path: string, limit: number): Uint8Array {
  let file: number | undefined;
  try {
    file = openSync(path, 'r');
    const buffer = Buffer.allocUnsafe(Math.min(limit, fstatSync(file).size));
    let length = 0;
    for (let read = -1; read !== 0 && length < buffer.length; length += read) read = readSync(file, buffer, length, buffer.length - length, length);
    return buffer.subarray(0, length);
  } catch (error) {
    throw unreadable(error instanceof Error ? error.message : path, error);
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

function unreadable(message: string, cause?: unknown): BadhopError {
  return new BadhopError('config-unreadable', message, { cause });
}
