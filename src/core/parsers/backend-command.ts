/**
 * Which backend a command line starts. A title that the program sets itself is the strongest sign, then the program
 * behind interpreters and launchers. Titles captured from php-fpm 8.2, Puma 5.6, nginx 1.22; gunicorn's with
 * setproctitle, unicorn's and PM2's are from their sources. Samples:
 *
 *   php-fpm: pool www                         /usr/bin/python3 /usr/bin/gunicorn -w 2 -b 127.0.0.1:9201 app
 *   puma: cluster worker 0: 18496 [bk]        /usr/bin/java -Dcatalina.base=/var/lib/tomcat10 … org.apache.catalina.startup.Bootstrap start
 */
import type { BackendCommand, ServiceKind } from '../model/facts/backend.ts';
import { phpFpmMasterConfig, phpFpmWorkerPool } from './php-fpm-config.ts';

export interface RecognisedCommand {
  readonly service: ServiceKind;
  readonly role: BackendCommand['role'];
  /** Arguments after the program; empty where a title has taken their place. */
  readonly args: readonly string[];
  /** What the title or the command names: pool, app, script. */
  readonly app?: string;
  /** Bind addresses that the title tells (Puma). */
  readonly binds?: readonly string[];
}

type Sort = 'process' | 'unit';

const interpreters = /^(?:python[\d.]*|pypy[\d.]*|ruby[\d.]*|perl[\d.]*)$/;
const launchers = new Set([
  'env',
  'exec',
  'nice',
  'ionice',
  'timeout',
  'sudo',
  'setpriv',
  'runuser',
  'poetry',
  'pipenv',
  'bundle',
  'uv',
  'numactl',
  'stdbuf',
  'tini',
  'dumb-init',
  'newrelic-admin',
  'ddtrace-run',
  'opentelemetry-instrument',
  'chpst',
  'setuidgid',
  'gosu',
  'su-exec',
  'flock',
  'npx',
  'run',
  'run-program',
  '--',
]);
/** Launchers that take one word before the program: a user, a time, a lock file. */
const wordLaunchers = new Set(['timeout', 'chpst', 'setuidgid', 'gosu', 'su-exec', 'flock']);

const programs: readonly (readonly [RegExp, ServiceKind])[] = [
  [/^gunicorn3?(?:-?[\d.]+)?$/, 'gunicorn'],
  [/^uwsgi(?:[-_][\w.]+)?$/, 'uwsgi'],
  [/^php-?fpm[\d.]*$/, 'php-fpm'],
  [/^php\d?-fpm[\d.]*$/, 'php-fpm'],
  [/^puma(?:[\d.]*)$/, 'puma'],
  [/^unicorn(?:_rails)?$/, 'unicorn'],
  [/^uvicorn$/, 'uvicorn'],
  [/^node(?:js)?$/, 'node'],
  [/^java$/, 'java'],
  [/^(?:nginx|openresty|angie|freenginx|tengine)$/, 'nginx'],
  [/^(?:apache2|httpd|start_apache2|apachectl|apache2ctl)(?:[-.]\w+)?$/, 'apache'],
  [/^haproxy$/, 'haproxy'],
];

/** Processes of a crowd share one argv, and several facts ask about the same processes. */
const recognised = new WeakMap<readonly string[], { readonly sort: Sort; readonly exe: string | undefined; readonly command: RecognisedCommand | undefined }>();

/** What the argv starts; `undefined` for no backend that is known by name. A unit's ExecStart may go through launchers and `sh -c`. */
export function recogniseCommand(argv: readonly string[], sort: Sort, exe?: string): RecognisedCommand | undefined {
  const before = recognised.get(argv);
  if (before !== undefined && before.sort === sort && before.exe === exe) return before.command;
  const command = recognise(argv, sort, exe);
  recognised.set(argv, { sort, exe, command });
  return command;
}

function recognise(argv: readonly string[], sort: Sort, exe: string | undefined): RecognisedCommand | undefined {
  const first = argv[0] ?? '';
  const titled = sort === 'process' ? fromTitle(first, argv) : undefined;
  if (titled !== undefined) return titled;
  const program = findProgram(argv, sort);
  const known = program === undefined ? undefined : serviceOf(program.name);
  if (program !== undefined && known !== undefined) return finish(known, program.args);
  // A program that overwrote its whole title is still known by its file (`next-server (v14)`).
  const byFile = sort === 'process' && exe !== undefined && !first.startsWith('/') ? serviceOf(baseName(exe.replace(/ \(deleted\)$/, ''))) : undefined;
  return byFile === undefined ? undefined : finish(byFile, argv.slice(1));
}

function fromTitle(first: string, argv: readonly string[]): RecognisedCommand | undefined {
  const title = first.trim();
  if (phpFpmMasterConfig(title) !== undefined) return { service: 'php-fpm', role: 'master', args: [] };
  const pool = phpFpmWorkerPool(title);
  if (pool !== undefined) return { service: 'php-fpm', role: 'worker', args: [], app: pool };
  if (title.startsWith('nginx: ')) return { service: 'nginx', role: title.startsWith('nginx: master') ? 'master' : 'worker', args: [] };
  const gunicorn = /^gunicorn: (master|worker) \[([^\]]{0,200})\]/.exec(title);
  if (gunicorn !== null) return { service: 'gunicorn', role: gunicorn[1] === 'master' ? 'master' : 'worker', args: [], app: gunicorn[2] ?? '' };
  const uwsgi = /^uWSGI (master|worker \d+|http \d+)/.exec(title);
  if (uwsgi !== null) return { service: 'uwsgi', role: uwsgi[1] === 'master' ? 'master' : 'worker', args: [] };
  const worker = /^puma: cluster worker \d+: \d+ ?(?:\[([^\]]{0,200})\])?/.exec(title);
  if (worker !== null) return { service: 'puma', role: 'worker', args: [], ...(worker[1] === undefined ? {} : { app: worker[1] }) };
  const puma = /^puma [\w.]{1,20} \(([^)]{0,2000})\)(?: \[([^\]]{0,200})\])?/.exec(title);
  if (puma !== null)
    return { service: 'puma', role: 'master', args: [], binds: (puma[1] ?? '').split(','), ...(puma[2] === undefined ? {} : { app: puma[2] }) };
  const unicorn = /^unicorn(?:_rails)? (master|worker\[\d+\]) ?/.exec(title);
  if (unicorn !== null) {
    const args = [...title.slice(unicorn[0].length).split(/\s/), ...argv.slice(1)].filter(word => word !== '');
    return { service: 'unicorn', role: unicorn[1] === 'master' ? 'master' : 'worker', args };
  }
  if (/^PM2 v[\w.]{1,20}: God Daemon/.test(title)) return { service: 'node', role: 'master', args: [], app: 'PM2' };
  return undefined;
}

function finish(service: ServiceKind, args: readonly string[]): RecognisedCommand {
  const isTomcat = service === 'java' && args.some(arg => arg.startsWith('org.apache.catalina.startup.') || arg.startsWith('-Dcatalina.base='));
  return { service: isTomcat ? 'tomcat' : service, role: 'any', args };
}

function findProgram(argv: readonly string[], sort: Sort): { name: string; args: readonly string[] } | undefined {
  let rest = argv;
  for (let depth = 0; depth < 8 && rest.length > 0; depth++) {
    const name = baseName(rest[0] ?? '');
    if (serviceOf(name) !== undefined) return { name, args: rest.slice(1) };
    if (interpreters.test(name)) rest = interpreted(rest.slice(1));
    else if (sort === 'unit' && /^(?:ba|da|z|k)?sh$/.test(name)) rest = shellCommand(rest.slice(1));
    else if (sort === 'unit' && launchers.has(name)) rest = launched(rest.slice(1), wordLaunchers.has(name));
    else return undefined;
  }
  return undefined;
}

/** The program that an interpreter runs: after its own options, or the module of `-m`. */
function interpreted(args: readonly string[]): readonly string[] {
  for (let index = 0; index < args.length; index++) {
    const arg = args[index] ?? '';
    if (arg === '-m') return args.slice(index + 1);
    if (arg === '-c' || arg === '-e') return [];
    if (arg === '-W' || arg === '-X' || arg === '-I') index += 1;
    else if (!arg.startsWith('-')) return args.slice(index);
  }
  return [];
}

function launched(args: readonly string[], takesWord: boolean): readonly string[] {
  let index = 0;
  while (index < args.length && ((args[index] ?? '').startsWith('-') || /^[A-Za-z_]\w{0,60}=/.test(args[index] ?? '') || /^\d+$/.test(args[index] ?? '')))
    index += 1;
  const next = args[index] ?? '';
  return takesWord && serviceOf(baseName(next)) === undefined && !interpreters.test(baseName(next)) ? args.slice(index + 1) : args.slice(index);
}

function shellCommand(args: readonly string[]): readonly string[] {
  const at = args.findIndex(arg => /^-[a-z]*c$/.test(arg));
  // systemd shows the words of a quoted script without its quotes, joined by blanks.
  const words = at < 0 ? [...args] : splitWords(args.slice(at + 1).join(' '));
  // The last of several commands is the one that stays.
  const start = Math.max(words.lastIndexOf('&&'), words.lastIndexOf(';')) + 1;
  return words.slice(start);
}

/** Splits a line into words as systemd and simple shells do: blanks, single and double quotes, backslashes. */
export function splitWords(line: string): string[] {
  const words: string[] = [];
  let word = '';
  let quote = '';
  let started = false;
  for (let index = 0; index < Math.min(line.length, 32_768); index++) {
    const character = line.charAt(index);
    if (character === '\\' && quote !== "'" && index + 1 < line.length) {
      word += line.charAt(++index);
      started = true;
    } else if (quote !== '') {
      if (character === quote) quote = '';
      else word += character;
    } else if (character === '"' || character === "'") {
      quote = character;
      started = true;
    } else if (/\s/.test(character)) {
      if (started || word !== '') words.push(word);
      word = '';
      started = false;
    } else word += character;
  }
  if (started || word !== '') words.push(word);
  return words;
}

/** argv of a unit's ExecStart: as written in its file, or as `systemctl show` prints it (`{ path=… ; argv[]=… ; … }`). */
export function parseExecStart(text: string): readonly string[] {
  const mark = text.indexOf('argv[]=');
  const end = mark < 0 ? -1 : text.indexOf(' ; ', mark);
  const line = mark < 0 ? text : text.slice(mark + 7, end < 0 ? undefined : end);
  const [program, ...rest] = splitWords(line.trim());
  return program === undefined ? [] : [program.replace(/^[@:!+|-]+/, ''), ...rest];
}

function serviceOf(name: string): ServiceKind | undefined {
  return programs.find(([pattern]) => pattern.test(name))?.[1];
}

/** The last part of a path. */
export function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
