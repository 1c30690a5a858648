import { ask, askAll } from '../model/collector.ts';
import type { Request } from '../model/collector.ts';
import type { Known } from '../model/fact.ts';
import type { PhpFpmPool, Sourced } from '../model/facts/backend.ts';
import { resolvePath } from '../parsers/listen-address.ts';
import { parsePhpFpmConfig, parsePhpFpmListen } from '../parsers/php-fpm-config.ts';
import type { PhpFpmConfigFile } from '../parsers/php-fpm-config.ts';
import { expandGlobs } from './glob.ts';
import { textOf } from './shared/answers.ts';
import { definedOf } from './shared/defined.ts';

type Steps<T> = Generator<readonly Request[], T, readonly Known<unknown>[]>;
type Settings = Record<string, Sourced<string>>;

/** One main configuration with everything it includes. */
export interface PhpFpmTree {
  readonly globals: Readonly<Settings>;
  readonly pools: readonly PhpFpmPool[];
  readonly unread: readonly { readonly path: string; readonly why: string }[];
  readonly problems: readonly string[];
}

interface PoolDraft {
  readonly name: string;
  readonly path: string;
  readonly line: number;
  readonly values: Settings;
}

interface Draft {
  readonly globals: Settings;
  readonly pools: Map<string, PoolDraft>;
  readonly unread: { path: string; why: string }[];
  readonly problems: string[];
  readonly seen: Set<string>;
  readonly prefix: string;
}

const fileLimit = { limit: 1_048_576 } as const;
const maxDepth = 5;
const maxFiles = 500;

/** Reads a main configuration and its include closure in php-fpm's order; a pool that stands in several files is one pool, later lines win. */
export function* readPhpFpmTree(mainPath: string): Steps<PhpFpmTree | undefined> {
  const [answer] = yield* ask({ kind: 'read', path: mainPath, options: fileLimit });
  const text = textOf(answer);
  if (text === undefined) {
    if (answer.state === 'known' || answer.state === 'absent') return undefined;
    return { globals: {}, pools: [], unread: [{ path: mainPath, why: answer.why }], problems: [] };
  }
  const draft: Draft = { globals: {}, pools: new Map(), unread: [], problems: [], seen: new Set([mainPath]), prefix: prefixOf(mainPath) };
  yield* takeFile(draft, mainPath, parsePhpFpmConfig(text), '', 0);
  const pools = [...draft.pools.values()].map(pool => finishPool(pool, draft, mainPath));
  return { globals: draft.globals, pools, unread: draft.unread, problems: draft.problems };
}

function* takeFile(draft: Draft, path: string, file: PhpFpmConfigFile, outerSection: string, depth: number): Steps<void> {
  for (const problem of file.problems.slice(0, 20)) draft.problems.push(`${path}:${problem.line}: ${problem.text}`);
  for (const section of file.sections) {
    if (section.name !== 'global' && !draft.pools.has(section.name))
      draft.pools.set(section.name, { name: section.name, path, line: section.line, values: {} });
  }
  for (const setting of file.settings) {
    const section = setting.section === '' ? outerSection : setting.section;
    const target = section === 'global' || section === '' ? draft.globals : draft.pools.get(section)?.values;
    if (target !== undefined)
      target[setting.key] = { value: setting.value.replaceAll('$pool', section), source: `file:${path}:${setting.line}`, text: setting.text };
  }
  if (file.includes.length === 0) return;
  if (depth >= maxDepth) {
    draft.problems.push(`${path}: more than ${maxDepth} nested includes; the rest was not read`);
    return;
  }
  const patterns = file.includes.map(include => resolvePath(include.pattern, draft.prefix));
  const results = yield* expandGlobs(patterns);
  for (const result of results) draft.unread.push(...result.unread);
  const wanted = results.flatMap((result, index) => result.paths.map(found => ({ found, section: file.includes[index]?.section ?? '' })));
  const fresh = wanted.filter(({ found }) => !draft.seen.has(found)).slice(0, Math.max(0, maxFiles - draft.seen.size));
  for (const { found } of fresh) draft.seen.add(found);
  const answers = yield* askAll(fresh.map(({ found }) => ({ kind: 'read', path: found, options: fileLimit }) as const));
  for (const [index, { found, section }] of fresh.entries()) {
    const answer = answers[index];
    const text = textOf(answer);
    if (text === undefined) draft.unread.push({ path: found, why: answer === undefined || answer.state === 'known' ? 'it could not be read' : answer.why });
    else yield* takeFile(draft, found, parsePhpFpmConfig(text), section, depth + 1);
  }
}

function finishPool(pool: PoolDraft, draft: Draft, mainConfig: string): PhpFpmPool {
  const listen = pool.values['listen'];
  const prefix = pool.values['prefix']?.value ?? draft.prefix;
  const address = listen === undefined ? undefined : parsePhpFpmListen(listen.value, prefix);
  const log = draft.globals['error_log']?.value;
  return {
    name: pool.name,
    path: pool.path,
    line: pool.line,
    values: pool.values,
    mainConfig,
    ...definedOf({
      listen: listen === undefined || address === undefined ? undefined : { value: address, source: listen.source },
      errorLog: log === undefined || log === 'syslog' ? undefined : resolvePath(log, `${draft.prefix}/var`),
    }),
  };
}

/** Relative paths are below the prefix that php was built with: what stands before `/etc/` in the main file's path, `/usr` for the system's own. */
function prefixOf(mainPath: string): string {
  const at = mainPath.indexOf('/etc/');
  return at > 0 ? mainPath.slice(0, at) : '/usr';
}
