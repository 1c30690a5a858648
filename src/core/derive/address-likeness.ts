import type { Address } from '../model/host.ts';

/** Why one address may be a slip of the pen for another, and how much that weighs. */
export interface Likeness {
  readonly weight: number;
  readonly text: string;
}

/** What two addresses have in common, as far as it tells of one service. Undefined where it is nothing. */
export function likenessOf(wanted: Address, real: Address): Likeness | undefined {
  if (wanted.kind === 'unix') return real.kind === 'unix' ? pathLikeness(wanted.path, real.path) : undefined;
  if (real.kind === 'unix') return undefined;
  if (wanted.port === real.port) return { weight: 4, text: 'it is the same port on another address' };
  return portLikeness(String(wanted.port), String(real.port));
}

function portLikeness(wanted: string, real: string): Likeness | undefined {
  if (isTransposed(wanted, real)) return { weight: 3, text: 'two digits of the port are transposed' };
  if (wanted.startsWith(real) || real.startsWith(wanted) || isShortened(wanted, real) || isShortened(real, wanted))
    return { weight: 3, text: 'a digit of the port is missing or too many' };
  if (wanted.length === real.length && countDifferent(wanted, real) === 1) return { weight: 2, text: 'the ports differ in one digit' };
  return undefined;
}

function pathLikeness(wanted: string, real: string): Likeness | undefined {
  const [wantedName, realName] = [nameIn(wanted), nameIn(real)];
  if (wantedName === realName) return { weight: 4, text: 'the socket has the same name in another folder' };
  if (withoutVersion(wantedName) === withoutVersion(realName)) return { weight: 3, text: 'the names of the sockets differ in a version only' };
  if (isTransposed(wantedName, realName) || isShortened(wantedName, realName) || isShortened(realName, wantedName))
    return { weight: 3, text: 'the names of the sockets differ in one letter' };
  if (wantedName.length === realName.length && countDifferent(wantedName, realName) === 1)
    return { weight: 3, text: 'the names of the sockets differ in one letter' };
  return undefined;
}

function nameIn(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

function withoutVersion(name: string): string {
  return name.replace(/[0-9._-]/g, '');
}

/** `short` is `long` without one character. */
function isShortened(short: string, long: string): boolean {
  if (short.length + 1 !== long.length) return false;
  let at = 0;
  while (at < short.length && short[at] === long[at]) at++;
  return short.slice(at) === long.slice(at + 1);
}

function isTransposed(a: string, b: string): boolean {
  if (a.length !== b.length) return false;
  let at = 0;
  while (at < a.length && a[at] === b[at]) at++;
  return at + 1 < a.length && a[at] !== a[at + 1] && a[at] === b[at + 1] && a[at + 1] === b[at] && a.slice(at + 2) === b.slice(at + 2);
}

function countDifferent(a: string, b: string): number {
  let count = 0;
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) count++;
  return count;
}

// Words that stand in the names of many services and sites and tell none from another.
const commonWords: ReadonlySet<string> = new Set([
  'www',
  'html',
  'htdocs',
  'app',
  'apps',
  'api',
  'backend',
  'backends',
  'upstream',
  'default',
  'var',
  'srv',
  'run',
  'opt',
  'home',
  'etc',
  'usr',
  'lib',
  'php',
  'fpm',
  'sock',
  'socket',
  'web',
  'site',
  'sites',
  'nginx',
  'service',
  'public',
  'local',
  'localhost',
  'available',
  'enabled',
  'conf',
  'config',
  'http',
  'https',
  'server',
  'servers',
  'gunicorn',
  'uwsgi',
  'node',
  'python',
  'python3',
  'ruby',
  'java',
  'tomcat',
  'puma',
  'unicorn',
  'uvicorn',
  'apache',
  'apache2',
  'master',
  'main',
  'wsgi',
  'asgi',
  'index',
  'com',
  'net',
  'org',
  'internal',
  'example',
  'test',
  'unix',
  'proxy',
  'current',
  'bin',
  'sbin',
  'share',
  'data',
  'tmp',
  'user',
  'root',
  'js',
]);

// What stands beside a service, is named after it, and answers HTTP on a port nearby.
const helperWords: ReadonlySet<string> = new Set([
  'metrics',
  'metric',
  'exporter',
  'prometheus',
  'stats',
  'monitor',
  'monitoring',
  'health',
  'healthcheck',
  'debug',
  'pprof',
  'profiler',
  'admin',
  'management',
  'dashboard',
  'inspector',
]);

/** Whether a name says that it is a helper of a service, and the one that is looked for does not. */
export function hasHelperName(names: ReadonlySet<string>, wanted: ReadonlySet<string>): boolean {
  return [...helperWords].some(word => names.has(word) && !wanted.has(word));
}

/** The words in names and paths that can tell one site or service from another. */
export function tellingWords(texts: readonly string[]): ReadonlySet<string> {
  const words = new Set<string>();
  for (const text of texts) {
    for (const word of text
      .slice(0, 1000)
      .toLowerCase()
      .split(/[^a-z0-9]/)) {
      if (word.length >= 3 && !commonWords.has(word) && !/^\d+$/.test(word)) words.add(word);
    }
  }
  return words;
}

/** A word that both have. */
export function sharedWord(a: ReadonlySet<string>, b: ReadonlySet<string>): string | undefined {
  for (const word of a) if (b.has(word)) return word;
  return undefined;
}
