import { ask, askAll, type Request } from '../../model/collector.ts';
import type { Known } from '../../model/fact.ts';
import type { StatResult } from '../../model/host.ts';
import { isNginxBinary, parseNginxCommandLine, type NginxCommand } from '../../parsers/nginx-argv.ts';
import { execCommand, parseSystemctlShow } from '../../parsers/systemctl.ts';
import { linesOf, wholeNumber } from '../../parsers/text.ts';
import { expandGlobs } from '../glob.ts';
import { textOf } from './answers.ts';

type Steps<T> = Generator<readonly Request[], T, readonly Known<unknown>[]>;

/** A unit whose main process is an nginx. */
export interface NginxUnit {
  readonly name: string;
  readonly command: NginxCommand;
  /** It is meant to run: enabled, failed, or on its way up. */
  readonly isWanted: boolean;
  /** systemd says that it runs. */
  readonly isActive: boolean;
  /** Ids of its `User=`; root's without one, `undefined` where the user is not in /etc/passwd. */
  readonly uid?: number;
  readonly gid?: number;
}

const unitFolders = ['/etc/systemd/system', '/run/systemd/system', '/usr/local/lib/systemd/system', '/usr/lib/systemd/system', '/lib/systemd/system'] as const;
const unitProperties = 'Id,LoadState,ActiveState,UnitFileState,User,ExecStart';
const maxUnits = 100;

/** Where builds and packages put the binary. */
const binaryPatterns = [
  '/usr/sbin/nginx',
  '/usr/bin/nginx',
  '/usr/local/sbin/nginx',
  '/usr/local/bin/nginx',
  '/usr/local/nginx/sbin/nginx',
  '/usr/local/openresty/nginx/sbin/nginx',
  '/usr/local/tengine/sbin/nginx',
  '/usr/sbin/angie',
  '/opt/*/sbin/nginx',
  '/opt/*/nginx/sbin/nginx',
];

/** Units that start an nginx, by what they start and not by their name. */
export function* findNginxUnits(hasSystemd: boolean): Steps<readonly NginxUnit[]> {
  const folders = yield* askAll(unitFolders.map(path => ({ kind: 'list', path }) as const));
  const files = new Map<string, string>();
  folders.forEach((names, i) => {
    const folder = unitFolders[i] ?? '';
    if (names.state !== 'known') return;
    for (const name of names.value) {
      // What the administrator wrote may have any name; packages name theirs after the product.
      const isCandidate = folder.startsWith('/etc/') || /nginx|openresty|tengine|angie/u.test(name);
      if (isCandidate && name.endsWith('.service') && !name.includes('@.') && !files.has(name) && files.size < maxUnits) files.set(name, `${folder}/${name}`);
    }
  });
  const entries = [...files];
  const texts = yield* askAll(entries.map(([, path]) => ({ kind: 'read', path, options: { limit: 65_536 } }) as const));
  const found = new Map<string, Map<string, string>>();
  entries.forEach(([name], i) => {
    const properties = parseUnitFile(textOf(texts[i]) ?? '');
    if (isServer(parseNginxCommandLine(properties.get('ExecStart') ?? ''))) found.set(name, properties);
  });
  if (hasSystemd && found.size > 0) {
    // Drop-ins may start another command than the file says.
    const [answer] = yield* ask({ kind: 'exec', argv: ['systemctl', 'show', `--property=${unitProperties}`, '--', ...found.keys()] });
    if (answer.state === 'known') takeShown(answer.value.stdout, found);
  }
  const [passwd] = found.size === 0 ? [undefined] : yield* ask({ kind: 'read', path: '/etc/passwd' });
  return [...found].flatMap(([name, properties]) => unitOf(name, properties, textOf(passwd) ?? ''));
}

/** Binaries at the usual places. */
export function* findNginxBinaries(ownUid: number): Steps<readonly string[]> {
  const results = yield* expandGlobs(binaryPatterns);
  return yield* trustedBinaries(
    results.flatMap(result => result.paths),
    ownUid,
  );
}

/** Of these paths the programs that nobody but root (or badhop's own user) can have written, each once. */
export function* trustedBinaries(paths: readonly string[], ownUid: number): Steps<readonly string[]> {
  const stats = yield* askAll(paths.map(path => ({ kind: 'stat', path }) as const));
  const real = paths.map((path, i) => linkedFrom(path, stats[i]));
  const targets = yield* askAll(real.map(path => ({ kind: 'stat', path }) as const));
  const seen = new Set<string>();
  return paths.filter((_, i) => {
    const stat = targets[i];
    const target = real[i] ?? '';
    if (stat?.state !== 'known' || seen.has(target)) return false;
    seen.add(target);
    return isTrusted(stat.value, ownUid);
  });
}

function isTrusted({ kind, uid, gid, mode }: StatResult, ownUid: number): boolean {
  const isOwned = uid === 0 || uid === ownUid;
  return kind === 'file' && (mode & 0o111) !== 0 && isOwned && (mode & 0o002) === 0 && ((mode & 0o020) === 0 || gid === 0);
}

function linkedFrom(path: string, stat: Known<StatResult> | undefined): string {
  return stat?.state === 'known' ? (stat.value.realPath ?? path) : path;
}

function isServer(command: NginxCommand): boolean {
  return isNginxBinary(command.binary) && !command.isOneShot;
}

function takeShown(text: string, found: Map<string, Map<string, string>>): void {
  for (const shown of parseSystemctlShow(text)) {
    const name = shown.get('Id')?.[0] ?? '';
    const properties = found.get(name);
    if (properties === undefined) continue;
    for (const key of ['LoadState', 'ActiveState', 'UnitFileState', 'User']) properties.set(key, shown.get(key)?.[0] ?? '');
    const command = shown
      .get('ExecStart')
      ?.map(execCommand)
      .findLast(value => value !== undefined);
    if (command !== undefined) properties.set('ExecStart', command);
  }
}

function unitOf(name: string, properties: ReadonlyMap<string, string>, passwd: string): readonly NginxUnit[] {
  const command = parseNginxCommandLine(properties.get('ExecStart') ?? '');
  if (!isServer(command) || properties.get('LoadState') === 'masked') return [];
  const isWanted = properties.get('UnitFileState') === 'enabled' || ['failed', 'activating', 'reloading'].includes(properties.get('ActiveState') ?? '');
  const user = properties.get('User') ?? '';
  return [{ name, command, isWanted, isActive: properties.get('ActiveState') === 'active', ...(user === '' ? { uid: 0, gid: 0 } : userIds(user, passwd)) }];
}

function userIds(user: string, passwd: string): { readonly uid?: number; readonly gid?: number } {
  for (const line of linesOf(passwd)) {
    const [name, , uid, gid] = line.split(':', 4);
    if (name === user || uid === user) return numbers(wholeNumber(uid), wholeNumber(gid));
  }
  return {};
}

function numbers(uid: number | undefined, gid: number | undefined): { readonly uid?: number; readonly gid?: number } {
  return uid === undefined || gid === undefined ? {} : { uid, gid };
}

/** `ExecStart=` and `User=` of a unit file (systemd.service(5)): lines that end in `\` go on, the last setting counts. */
function parseUnitFile(text: string): Map<string, string> {
  const properties = new Map<string, string>();
  for (const line of linesOf(text.replaceAll('\\\n', ' '), 2000)) {
    const equals = line.indexOf('=');
    const key = line.slice(0, Math.max(0, equals)).trim();
    const value = line.slice(equals + 1).trim();
    // Quotes are taken off, as in what systemctl prints; `-@:+!` before the path are systemd's own.
    if (key === 'ExecStart' && value !== '') properties.set(key, value.replace(/^[-@:+!]+/u, '').replaceAll(/["']/gu, ''));
    if (key === 'User') properties.set(key, value);
  }
  return properties;
}
