import { askAll } from '../model/collector.ts';
import type { Request } from '../model/collector.ts';
import type { Known } from '../model/fact.ts';
import type { Sourced } from '../model/facts/backend.ts';
import { apacheModules, holdsCondition } from '../parsers/apache-conditions.ts';
import type { ApacheCommand } from '../parsers/apache-start.ts';
import { fillVariables, parseApacheConf, parseApacheVariables } from '../parsers/apache-conf.ts';
import type { ApacheLine } from '../parsers/apache-conf.ts';
import { isAboutProxying, type PlacedDirective } from '../parsers/apache-proxy.ts';
import { resolvePath } from '../parsers/listen-address.ts';
import { isGlobPattern } from '../parsers/glob.ts';
import { expandGlobs } from './glob.ts';
import { textOf } from './shared/answers.ts';

type Steps<T> = Generator<readonly Request[], T, readonly Known<unknown>[]>;
type Values = Record<string, Sourced<string>>;

export interface ApacheTree {
  /** Settings of the main server by their names in lower case; `listen[1]`, `error-logfile[1]` where there are several; `mpm` where a module tells it. */
  readonly values: Readonly<Values>;
  /** What all servers say of passing requests on, in order. */
  readonly proxying: readonly PlacedDirective[];
  readonly files: readonly string[];
  readonly unread: readonly { readonly path: string; readonly why: string }[];
  readonly problems: readonly string[];
}

interface Draft {
  readonly values: Values;
  readonly proxying: PlacedDirective[];
  readonly files: string[];
  readonly unread: { path: string; why: string }[];
  readonly problems: string[];
  readonly modules: Set<string>;
  readonly defines: Set<string>;
  readonly variables: Map<string, string>;
  /** Files that are being read, each included by the one before it. */
  readonly open: string[];
  serverRoot: string;
  directives: number;
  characters: number;
}

const fileLimit = { limit: 1_048_576 } as const;
const maxDepth = 8;
const maxFiles = 1000;
const maxDirectives = 200_000;
const maxCharacters = 8_000_000;
const maxProblems = 10;
/** Sections within each other of which the names are kept. */
const maxNested = 32;
const maxProxying = 10_000;
/** What is kept of the main server's settings. A virtual host repeats only where it logs. */
const kept = new Set([
  'maxrequestworkers',
  'maxclients',
  'serverlimit',
  'threadsperchild',
  'threadlimit',
  'startservers',
  'listenbacklog',
  'timeout',
  'keepalive',
  'keepalivetimeout',
]);

/** Reads a main configuration and its include closure in httpd's order. `undefined` where none of its main files is there. */
export function* readApacheTree(start: ApacheCommand): Steps<ApacheTree | undefined> {
  const answers = yield* askAll(start.mains.map(path => ({ kind: 'read', path, options: fileLimit }) as const));
  const at = answers.findIndex(answer => answer.state !== 'absent');
  const main = start.mains[at];
  const answer = answers[at];
  if (main === undefined || answer === undefined) return undefined;
  const text = textOf(answer);
  if (text === undefined)
    return { values: {}, proxying: [], files: [], unread: [{ path: main, why: answer.state === 'known' ? 'it could not be read' : answer.why }], problems: [] };
  const draft: Draft = {
    values: {},
    proxying: [],
    files: [main],
    unread: [],
    problems: [],
    modules: new Set(),
    defines: new Set(start.defines),
    variables: new Map(yield* variablesOf(main)),
    serverRoot: start.serverRoot ?? rootOf(main),
    open: [main],
    directives: 0,
    characters: text.length,
  };
  yield* take(draft, 'command line', parseApacheConf(start.before.join('\n')), 0, []);
  yield* take(draft, `file:${main}`, parseApacheConf(text), 0, []);
  yield* take(draft, 'command line', parseApacheConf(start.after.join('\n')), 0, []);
  const mpm = apacheModules.mpm.find(name => draft.modules.has(`mpm_${name}_module`));
  if (mpm !== undefined) draft.values['mpm'] = { value: mpm, source: `LoadModule mpm_${mpm}_module` };
  if (draft.directives >= maxDirectives) draft.problems.push(`${main}: more than ${maxDirectives} directives; the rest was not read`);
  const problems = [...new Set(draft.problems)];
  const more = problems.length > maxProblems ? [`${main}: ${problems.length - maxProblems} more parts of it could not be read`] : [];
  return {
    values: draft.values,
    proxying: draft.proxying,
    files: [...new Set(draft.files)],
    unread: draft.unread,
    problems: [...problems.slice(0, maxProblems), ...more],
  };
}

/** `within`: the sections around the lines that are no conditions; without any they are the main server's. */
function* take(draft: Draft, source: string, lines: readonly ApacheLine[], depth: number, within: readonly string[]): Steps<void> {
  const sections: { readonly name: string; readonly holds: boolean; readonly within: readonly string[] }[] = [];
  for (const line of lines) {
    if (draft.directives++ >= maxDirectives) return;
    const outer = sections.at(-1) ?? { holds: true, within };
    const where = source.startsWith('file:') ? `${source}:${line.line}` : source;
    if (line.kind === 'close') {
      if (sections.at(-1)?.name === line.name) sections.pop();
      continue;
    }
    const args = line.args.map(arg => fillVariables(arg, draft.variables));
    if (line.kind === 'open') {
      const holds = holdsCondition(line.name, args, draft);
      if (outer.holds && holds === 'unknown') draft.problems.push(`${where}: whether <${line.name}> holds is not known; what it holds was not read`);
      const inside = holds === 'none' && outer.within.length < maxNested ? [...outer.within, `${line.name}#${where} ${args.join(' ')}`] : outer.within;
      sections.push({ name: line.name, holds: outer.holds && (holds === true || holds === 'none'), within: inside });
      continue;
    }
    if (!outer.holds) continue;
    if (line.name === 'include' || line.name === 'includeoptional') yield* include(draft, args[0] ?? '', depth, outer.within);
    else setting(draft, line.name, args, where, line.text, outer.within.length > 0);
    if (isAboutProxying(line.name) && draft.proxying.length < maxProxying)
      draft.proxying.push({ name: line.name, args, source: where, text: line.text.trim() || `${line.name} ${args.join(' ')}`, within: outer.within });
  }
}

function* include(draft: Draft, written: string, depth: number, within: readonly string[]): Steps<void> {
  if (written === '' || written.includes('${')) {
    if (written !== '') draft.problems.push(`Include ${written}: the value of a variable in it is not known`);
    return;
  }
  if (depth >= maxDepth || draft.files.length >= maxFiles || draft.characters >= maxCharacters) {
    draft.problems.push(`Include ${written}: too deep, too many files or too much text; it was not read`);
    return;
  }
  const path = resolvePath(written, draft.serverRoot);
  const found = isGlobPattern(path) ? yield* expandGlobs([path]) : [{ paths: [path], unread: [] }];
  for (const part of found) draft.unread.push(...part.unread);
  const wanted = found.flatMap(part => part.paths).slice(0, Math.max(0, maxFiles - draft.files.length));
  const paths = wanted.filter(one => !draft.open.includes(one));
  for (const one of wanted) if (draft.open.includes(one)) draft.problems.push(`${one} includes itself, over ${draft.open.length} files`);
  const answers = yield* askAll(paths.map(one => ({ kind: 'read', path: one, options: fileLimit }) as const));
  for (const [index, one] of paths.entries()) {
    const answer = answers[index];
    const text = textOf(answer);
    if (text === undefined) {
      // A folder stands for all files in it; what is not there is httpd's own complaint.
      if (answer !== undefined && answer.state !== 'known' && answer.state !== 'absent') draft.unread.push({ path: one, why: answer.why });
      continue;
    }
    draft.files.push(one);
    draft.characters += text.length;
    if (draft.characters >= maxCharacters) continue;
    draft.open.push(one);
    yield* take(draft, `file:${one}`, parseApacheConf(text), depth + 1, within);
    draft.open.pop();
  }
}

function setting(draft: Draft, name: string, args: readonly string[], source: string, text: string, isInside: boolean): void {
  const [first = ''] = args;
  const value = { source, ...(text === '' ? {} : { text }) };
  if (name === 'errorlog') {
    if (!first.startsWith('|') && !first.startsWith('syslog') && !first.includes('${') && first !== '')
      draft.values[freeName(draft.values, 'error-logfile')] = { ...value, value: resolvePath(first, draft.serverRoot) };
  } else if (isInside) return;
  else if (name === 'define') {
    draft.defines.add(first);
    if (args[1] !== undefined) draft.variables.set(first, args[1]);
  } else if (name === 'undefine') {
    draft.defines.delete(first);
    draft.variables.delete(first);
  } else if (name === 'loadmodule') for (const one of apacheModules.namesOf(first, args[1] ?? '')) draft.modules.add(one);
  else if (name === 'serverroot') draft.serverRoot = resolvePath(first, draft.serverRoot);
  else if (name === 'listen') draft.values[freeName(draft.values, 'listen')] = { ...value, value: args.slice(0, 2).join(' ') };
  else if (kept.has(name)) draft.values[name === 'maxclients' ? 'maxrequestworkers' : name] = { ...value, value: first };
}

function freeName(values: Values, name: string): string {
  if (!(name in values)) return name;
  let index = 1;
  while (`${name}[${index}]` in values && index < 64) index += 1;
  return `${name}[${index}]`;
}

/** Debian's `envvars` lies beside the main file, and the folder's suffix is that of the instance; Red Hat's systemd reads /etc/sysconfig/httpd. */
function* variablesOf(main: string): Steps<ReadonlyMap<string, string>> {
  const folder = main.slice(0, main.lastIndexOf('/'));
  const suffix = /^\/etc\/apache2(-[\w.-]{1,100})?$/.exec(folder)?.[1] ?? '';
  const [debian, redHat] = yield* askAll([
    { kind: 'read', path: `${folder}/envvars`, options: { limit: 65_536 } },
    { kind: 'read', path: '/etc/sysconfig/httpd', options: { limit: 65_536 } },
  ] as const);
  const given = new Map([
    ['SUFFIX', suffix],
    ['APACHE_CONFDIR', folder],
  ]);
  return parseApacheVariables(textOf(debian) ?? textOf(redHat) ?? '', given);
}

/** The folder that relative paths are below where neither `-d` nor ServerRoot says: httpd's own layouts put the file in it, or in its `conf`. */
function rootOf(main: string): string {
  const folder = main.slice(0, Math.max(1, main.lastIndexOf('/')));
  return folder.endsWith('/conf') ? folder.slice(0, -5) : folder;
}
