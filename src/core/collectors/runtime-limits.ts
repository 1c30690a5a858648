import { askAll, defineCollector, type Request } from '../model/collector.ts';
import { known, valueOr, type Known } from '../model/fact.ts';
import type { Sourced } from '../model/facts/backend.ts';
import type { ProcessInfo } from '../model/facts/system.ts';
import type { DatabaseLimits, RuntimeLimits } from '../model/facts/timeouts.ts';
import { baseName } from '../parsers/backend-command.ts';
import { parseMysqlConfig, parsePostgresConfig, type DatabaseConfig } from '../parsers/database-config.ts';
import { parseIni } from '../parsers/ini.ts';
import { resolvePath } from '../parsers/listen-address.ts';
import { expandGlobs } from './glob.ts';
import { textOf } from './shared/answers.ts';
import { pidsInContainers } from './shared/containers.ts';

type Steps<T> = Generator<readonly Request[], T, readonly Known<unknown>[]>;
type Settings = Record<string, Sourced<string>>;

const fileLimit = { limit: 524_288 } as const;
const mostMains = 10;
const mostDatabases = 5;
const mostFiles = 200;
/** What an option file of php may say of time. */
const phpNames: ReadonlySet<string> = new Set(['max_execution_time', 'default_socket_timeout', 'mysqlnd.net_read_timeout']);
const mysqlMains = ['/etc/my.cnf', '/etc/mysql/my.cnf'];

export default defineCollector({
  id: 'runtime-limits',
  title: 'time limits of php and of databases on this host',
  needs: ['processes', 'php-fpm-pools'],
  *collect(facts) {
    if (facts.processes.state !== 'known') return facts.processes;
    const problems: string[] = [];
    const php: Record<string, RuntimeLimits['php'][string]> = {};
    const pools = valueOr(facts['php-fpm-pools'], { pools: [], unread: [], globals: {} }).pools;
    const masters = new Map(pools.flatMap(pool => (pool.masterPid === undefined ? [] : [[pool.mainConfig, pool.masterPid] as const])));
    for (const [main, pid] of [...masters].slice(0, mostMains)) {
      const exe = facts.processes.value.find(process => process.pid === pid)?.exe ?? '';
      const settings = yield* readPhpIni(main, exe, problems);
      if (settings !== undefined) php[main] = settings;
    }
    const found = facts.processes.value.flatMap(process => databaseOf(process) ?? []);
    const contained = yield* pidsInContainers(found.map(({ process }) => process.pid));
    const databases: DatabaseLimits[] = [];
    for (const { process, kind } of found.filter(one => !contained.has(one.process.pid)).slice(0, mostDatabases)) {
      const limits = yield* kind === 'postgres' ? readPostgres(process, problems) : readMysql(process, problems);
      databases.push({ name: kind === 'postgres' ? 'PostgreSQL' : 'MySQL or MariaDB', pid: process.pid, limits });
    }
    return known({ php, databases }, problems);
  },
});

/** php.ini and the files of its scan folder, which come after it in the order of their names. Undefined where none is there. */
function* readPhpIni(main: string, exe: string, problems: string[]): Steps<Settings | undefined> {
  const folder = main.slice(0, Math.max(1, main.lastIndexOf('/')));
  const version = /^php-fpm(\d\.\d{1,2})$/.exec(baseName(exe))?.[1];
  const folders = [...new Set([folder, `${folder}/php`, ...(version === undefined ? [] : [`/etc/php/${version}/fpm`])])];
  const mains = yield* askAll(folders.map(each => ({ kind: 'read', path: `${each}/php.ini`, options: fileLimit }) as const));
  const at = mains.findIndex(answer => answer.state !== 'absent');
  const used = folders[at];
  if (used === undefined) return undefined;
  const globs = yield* expandGlobs([`${used}/conf.d/*.ini`, `${used}/php.d/*.ini`]);
  const more = globs.flatMap(glob => glob.paths).slice(0, mostFiles);
  const answers = yield* askAll(more.map(path => ({ kind: 'read', path, options: fileLimit }) as const));
  const settings: Settings = { max_execution_time: { value: '30', source: 'default of php', text: 'max_execution_time = 30' } };
  for (const [index, path] of [`${used}/php.ini`, ...more].entries()) {
    const answer = index === 0 ? mains[at] : answers[index - 1];
    const text = textOf(answer);
    if (text === undefined) {
      // What a file says that cannot be read may be any of it.
      if (answer !== undefined && answer.state !== 'known' && answer.state !== 'absent') {
        problems.push(`${path}: ${answer.why} (run as root to read it)`);
        return undefined;
      }
      continue;
    }
    for (const entry of parseIni(text, 'php').entries)
      if (phpNames.has(entry.key) && !/^(?:PATH|HOST)=/i.test(entry.section))
        settings[entry.key] = { value: entry.value, source: `file:${path}:${entry.line}`, text: entry.text };
  }
  return settings;
}

function databaseOf(process: ProcessInfo): { readonly process: ProcessInfo; readonly kind: 'postgres' | 'mysql' } | undefined {
  const name = baseName(process.argv[0] ?? '');
  if (process.state === 'Z') return undefined;
  // The children of postgres carry titles: `postgres: 15/main: checkpointer`.
  if ((name === 'postgres' || name === 'postmaster') && !(process.argv[0] ?? '').includes(':')) return { process, kind: 'postgres' };
  return name === 'mysqld' || name === 'mariadbd' ? { process, kind: 'mysql' } : undefined;
}

function* readPostgres(process: ProcessInfo, problems: string[]): Steps<DatabaseConfig['limits']> {
  const { argv, cwd } = process;
  const option = (name: string): string | undefined =>
    argv.map((word, index) => (word === '-c' ? (argv[index + 1] ?? '') : word.replace(/^--?c?/, ''))).find(word => word.startsWith(`${name}=`));
  const data = argv[argv.indexOf('-D') + 1] ?? '';
  const folder = argv.includes('-D') && data.startsWith('/') ? data : cwd;
  const named = option('config_file')?.slice('config_file='.length);
  const main = named ?? (folder === undefined ? undefined : `${folder}/postgresql.conf`);
  if (main === undefined) return {};
  const limits = { ...(yield* readTree(main, parsePostgresConfig, '*.conf', problems)) };
  // What ALTER SYSTEM wrote counts after it; its folder is closed to others.
  if (folder !== undefined) Object.assign(limits, yield* readTree(`${folder}/postgresql.auto.conf`, parsePostgresConfig, '*.conf', problems));
  for (const name of ['statement_timeout', 'lock_timeout']) {
    const word = option(name);
    const own = word === undefined ? undefined : parsePostgresConfig(word, '').limits[name];
    if (own !== undefined) limits[name] = { value: own.value, source: `argv of ${process.pid}`, text: word ?? '' };
  }
  return limits;
}

function* readMysql(process: ProcessInfo, problems: string[]): Steps<DatabaseConfig['limits']> {
  const own = process.argv.find(word => word.startsWith('--defaults-file='))?.slice('--defaults-file='.length);
  const limits: Record<string, Sourced<number>> = {};
  for (const main of own === undefined ? mysqlMains : [own]) Object.assign(limits, yield* readTree(main, parseMysqlConfig, '*.cnf', problems));
  return limits;
}

/** A file and what it includes, once: includes of includes are not followed. */
function* readTree(
  main: string,
  parse: (text: string, path: string) => DatabaseConfig,
  pattern: string,
  problems: string[],
): Steps<Readonly<Record<string, Sourced<number>>>> {
  if (!main.startsWith('/')) return {};
  const limits: Record<string, Sourced<number>> = {};
  const [answer] = yield* askAll([{ kind: 'read', path: main, options: fileLimit } as const]);
  const text = textOf(answer);
  if (text === undefined) {
    if (answer !== undefined && answer.state !== 'known' && answer.state !== 'absent') problems.push(`${main}: ${answer.why} (run as root to read it)`);
    return limits;
  }
  const { limits: own, includes } = parse(text, main);
  Object.assign(limits, own);
  const folder = main.slice(0, main.lastIndexOf('/'));
  const globs = yield* expandGlobs(
    includes.slice(0, 50).map(include => `${resolvePath(include.path.replace(/\/$/, ''), folder)}${include.isFolder ? `/${pattern}` : ''}`),
  );
  const paths = globs.flatMap(glob => glob.paths).slice(0, mostFiles);
  const answers = yield* askAll(paths.map(path => ({ kind: 'read', path, options: fileLimit }) as const));
  for (const [index, path] of paths.entries()) {
    const inner = textOf(answers[index]);
    if (inner !== undefined) Object.assign(limits, parse(inner, path).limits);
  }
  return limits;
}
