/**
 * The blocks of a configuration with what nginx's inheritance makes of them (ngx_http_core_module.c, merge_loc_conf of each module):
 * a directive in force is that of the innermost block that has any of its name; lists are never merged with those further out.
 */
import { includePattern } from '../parsers/nginx-conf-include.ts';
import { flatten, makeSetting, namedIn, originOf, type Chain } from '../derive/directives.ts';
import type { ConfigDirective, NginxConfig, Setting } from '../model/facts/nginx.ts';

/** One block, at one place of its surroundings. */
export interface Scope {
  /** The block's directive: `http`, `server`, `location`, `if`, `limit_except`, `upstream`; `main` for the file itself. */
  readonly kind: string;
  /** Which module reads it. `stream` has upstreams and servers of its own. */
  readonly layer: 'main' | 'http' | 'stream' | 'other';
  /** Absent for `main`. */
  readonly directive: ConfigDirective | undefined;
  readonly parent: Scope | undefined;
  /** Its directives in order, with what its includes hold in their place. */
  readonly inside: readonly ConfigDirective[];
  /** False where something in it is not known: an include that was not read, or the surroundings of a fragment. */
  readonly isWhole: boolean;
  /** An include that was not read can only hold parameters (`fastcgi_params` and the like). */
  readonly hidesParameters: boolean;
}

/** The directives of one name that are in force in a block. */
export interface InForce {
  readonly directives: readonly ConfigDirective[];
  /** The block that they stand in. */
  readonly scope: Scope | undefined;
  /** False where a block that was not read whole may hold others, which would take their place or add to them. */
  readonly isSure: boolean;
}

const maxDepth = 40;
/** Files of nginx's packages that hold nothing that a rule asks for, wherever they are missing. */
const harmlessFiles = /(?:^|\/)(?:mime\.types|koi-utf|koi-win|win-utf|options-ssl-nginx\.conf|modules(?:-enabled)?\/\*\.conf)$/;
/** Those that hold parameters for a backend, and nothing else. */
const parameterFiles = /(?:^|\/)(?:fastcgi_params|fastcgi\.conf|uwsgi_params|scgi_params)$/;
/** Those of Debian's that hold directives which rules ask for. */
const packagedFiles = /(?:^|\/)(?:proxy_params|snippets\/(?:fastcgi-php|snakeoil)\.conf)$/;
const walked = new Set(['http', 'stream', 'server', 'location', 'if', 'limit_except', 'upstream', 'events', 'mail', 'types', 'map', 'geo', 'split_clients']);
const leaves = new Set(['upstream', 'types', 'map', 'geo', 'split_clients']);

/** All blocks, outermost first; the first one is `main`. */
export function scopesOf(config: NginxConfig, madeUp: ReadonlySet<string>): readonly Scope[] {
  const folder = config.mainPath.slice(0, config.mainPath.lastIndexOf('/'));
  const unread = config.unread.map(one => one.path);
  const isUnread = (include: ConfigDirective): boolean => {
    const pattern = includePattern(include, folder);
    if (pattern === undefined) return true;
    if (include.included === undefined) return true;
    return unread.some(path => path === pattern || pattern.startsWith(`${path}/`) || include.included?.some(file => file.path === path) === true);
  };
  const scopes: Scope[] = [];
  const enter = (directive: ConfigDirective | undefined, block: readonly ConfigDirective[], parent: Scope | undefined): void => {
    const inside = [...flatten(block)];
    const hidden =
      unread.length === 0
        ? []
        : includesOf(block)
            .filter(isUnread)
            .map(one => one.args[0]?.value ?? '');
    const isMadeUp = madeUp.has(directive?.path ?? config.mainPath);
    const isWhole = !isMadeUp && hidden.every(pattern => isStock(pattern));
    const hidesParameters = hidden.some(pattern => parameterFiles.test(pattern));
    const scope: Scope = { kind: directive?.name ?? 'main', layer: layerOf(directive, parent), directive, parent, inside, isWhole, hidesParameters };
    scopes.push(scope);
    if (directive !== undefined && leaves.has(directive.name)) return;
    const depth = chainOf(scope).length;
    if (depth > maxDepth) return;
    for (const one of inside) if (one.block !== undefined && walked.has(one.name)) enter(one, one.block, scope);
  };
  enter(undefined, config.directives, undefined);
  return scopes;
}

/** Whether what an include names is known to hold nothing but types and parameters. */
export function isStock(pattern: string): boolean {
  return harmlessFiles.test(pattern) || parameterFiles.test(pattern);
}

/** Whether packages bring the file beside nginx.conf, so that it need not lie in a repository. */
export function isPackaged(path: string): boolean {
  return isStock(path) || packagedFiles.test(path);
}

/** The includes of a block, those inside included files too. A file that cannot be read leaves its include without files. */
function includesOf(block: readonly ConfigDirective[], depth = 0): readonly ConfigDirective[] {
  if (depth > maxDepth) return [];
  return namedIn(block, 'include').flatMap(one => [one, ...(one.included ?? []).flatMap(file => includesOf(file.directives, depth + 1))]);
}

function layerOf(directive: ConfigDirective | undefined, parent: Scope | undefined): Scope['layer'] {
  if (directive === undefined || parent === undefined) return 'main';
  if (parent.layer !== 'main') return parent.layer;
  return directive.name === 'http' || directive.name === 'stream' ? directive.name : 'other';
}

const chains = new WeakMap<Scope, Chain>();

/** The flattened blocks around and including this one, outermost first. */
export function chainOf(scope: Scope): Chain {
  let chain = chains.get(scope);
  if (chain === undefined) {
    chain = [...(scope.parent === undefined ? [] : chainOf(scope.parent)), scope.inside];
    chains.set(scope, chain);
  }
  return chain;
}

/** The directives of that name in this block itself. */
export function own(scope: Scope, name: string): readonly ConfigDirective[] {
  return namedIn(scope.inside, name);
}

// Every location asks the blocks around all servers for the same names.
const asked = new WeakMap<Scope, Map<string, InForce>>();

/** What is in force here. Not for passes and rewrites, which are not inherited. */
export function inForce(scope: Scope, name: string): InForce {
  if (scope.layer !== 'main' && scope.kind !== scope.layer) return inForceNow(scope, name);
  let answers = asked.get(scope);
  if (answers === undefined) {
    answers = new Map();
    asked.set(scope, answers);
  }
  const known = answers.get(name) ?? inForceNow(scope, name);
  answers.set(name, known);
  return known;
}

function inForceNow(scope: Scope, name: string): InForce {
  const isSure = scope.isWhole && !(scope.hidesParameters && name.endsWith('_param'));
  const directives = own(scope, name);
  if (directives.length > 0) return { directives, scope, isSure };
  if (scope.parent === undefined) return { directives, scope: undefined, isSure };
  const outer = inForce(scope.parent, name);
  return isSure || !outer.isSure ? outer : { ...outer, isSure };
}

/** The value in force of a directive that stands once in a block: its last one. `undefined` where it is not written. */
export function settingOf(scope: Scope, name: string): (Setting & { readonly directive: string; readonly at: ConfigDirective }) | undefined {
  const directive = inForce(scope, name).directives.at(-1);
  if (directive === undefined) return undefined;
  const words = directive.args.map(arg => arg.value);
  return { ...makeSetting(name, words, originOf(directive)), at: directive };
}

/** True only where nobody has written it: not here, not further out, and nothing is left unread. */
export function isUnset(scope: Scope, name: string): boolean {
  const { directives, isSure } = inForce(scope, name);
  return directives.length === 0 && isSure;
}

/** The nearest block of that kind, this one included. */
export function around(scope: Scope, kind: string): Scope | undefined {
  for (let level: Scope | undefined = scope; level !== undefined; level = level.parent) if (level.kind === kind) return level;
  return undefined;
}
