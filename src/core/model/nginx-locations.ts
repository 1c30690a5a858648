/**
 * Which location takes a request, from the configuration itself: locations that pass nothing on take requests too.
 * Source: nginx 1.22.1, ngx_http_core_find_location.
 */
import type { ConfigDirective, NginxConfig } from './facts/nginx.ts';
import type { Route, ServerBlock, Topology } from './facts/topology.ts';

const maxDepth = 40;
const longestTested = 300;

/** The directives of a block in order, with what its includes hold in their place. */
export function insideOf(block: readonly ConfigDirective[] | undefined, depth = 0): readonly ConfigDirective[] {
  if (block === undefined || depth > maxDepth) return [];
  return block.flatMap(one =>
    one.name === 'include' && one.included !== undefined ? one.included.flatMap(file => insideOf(file.directives, depth + 1)) : [one],
  );
}

type Chain = readonly ConfigDirective[];

// A configuration with a thousand servers is asked a thousand times: it is walked through once.
const chains = new WeakMap<NginxConfig, ReadonlyMap<string, Chain>>();
const routes = new WeakMap<Topology, ReadonlyMap<string, Route>>();

/** The blocks around and including the server block, outermost first; undefined where the file does not hold it. */
export function chainOfServer(config: NginxConfig, server: ServerBlock): Chain | undefined {
  let known = chains.get(config);
  if (known === undefined) {
    known = chainsIn(config);
    chains.set(config, known);
  }
  return known.get(placeOf(server.origin));
}

function chainsIn(config: NginxConfig): ReadonlyMap<string, Chain> {
  const found = new Map<string, Chain>();
  const walk = (block: readonly ConfigDirective[], around: Chain, depth: number): void => {
    if (depth > 4) return;
    for (const one of insideOf(block)) {
      if (one.name === 'server' && !found.has(placeOf(one))) found.set(placeOf(one), [...around, one]);
      if (one.block !== undefined && one.name !== 'location') walk(one.block, [...around, one], depth + 1);
    }
  };
  walk(config.directives, [], 0);
  return found;
}

function placeOf({ path, line }: { readonly path: string; readonly line: number }): string {
  return `${path}:${line}`;
}

/** The locations that a path ends in, outermost first. `undefined`: an expression stands in the way that is not tested here. */
export function locationsOf(server: ConfigDirective, path: string): readonly ConfigDirective[] | undefined {
  return choose(server, path, 0);
}

function choose(block: ConfigDirective, path: string, depth: number): readonly ConfigDirective[] | undefined {
  if (depth > maxDepth) return [];
  const { exact, prefixes, lengths, expressions } = tableOf(block);
  const same = exact.get(path);
  if (same !== undefined) return [same];
  const length = lengths.find(one => one <= path.length && prefixes.has(path.slice(0, one)));
  const prefix = length === undefined ? undefined : prefixes.get(path.slice(0, length));
  const nested = prefix === undefined ? [] : choose(prefix, path, depth + 1);
  if (nested === undefined) return undefined;
  const below = nested.at(-1);
  if (prefix !== undefined && (modifierOf(prefix) === '^~' || (below !== undefined && ['=', '^~', '~', '~*'].includes(modifierOf(below)))))
    return [prefix, ...nested];
  for (const one of expressions) {
    const matches = test(targetOf(one), modifierOf(one) === '~*', path);
    if (matches === undefined) return undefined;
    if (!matches) continue;
    const inner = choose(one, path, depth + 1);
    return inner === undefined ? undefined : [one, ...inner];
  }
  return prefix === undefined ? [] : [prefix, ...nested];
}

/** The locations of one block, by what nginx looks for first. */
interface LocationTable {
  readonly exact: ReadonlyMap<string, ConfigDirective>;
  readonly prefixes: ReadonlyMap<string, ConfigDirective>;
  /** Of the prefixes, the longest first, each once. */
  readonly lengths: readonly number[];
  readonly expressions: readonly ConfigDirective[];
}

// A server with thousands of locations is asked for thousands of paths.
const tables = new WeakMap<ConfigDirective, LocationTable>();

function tableOf(block: ConfigDirective): LocationTable {
  const known = tables.get(block);
  if (known !== undefined) return known;
  const exact = new Map<string, ConfigDirective>();
  const prefixes = new Map<string, ConfigDirective>();
  const expressions: ConfigDirective[] = [];
  for (const one of insideOf(block.block)) {
    if (one.name !== 'location') continue;
    const [modifier, target] = [modifierOf(one), targetOf(one)];
    if (modifier === '~' || modifier === '~*') expressions.push(one);
    const into = modifier === '=' ? exact : modifier === '^~' || modifier === '' ? prefixes : undefined;
    if (into !== undefined && !into.has(target) && (modifier === '=' || target.startsWith('/'))) into.set(target, one);
  }
  const lengths = [...new Set([...prefixes.keys()].map(target => target.length))].toSorted((a, b) => b - a);
  const table = { exact, prefixes, lengths, expressions };
  tables.set(block, table);
  return table;
}

function modifierOf(location: ConfigDirective): string {
  return location.args.length > 1 ? (location.args[0]?.value ?? '') : '';
}

function targetOf(location: ConfigDirective): string {
  return location.args.at(-1)?.value ?? '';
}

/** Runs an expression of the configuration where it must end soon: no repeated groups, no references, few repetitions. */
function test(pattern: string, ignoresCase: boolean, path: string): boolean | undefined {
  const isSimple =
    pattern.length <= 200 && path.length <= longestTested && !/\)[*+?{]|\\[1-9gk]|\(\?(?!:)/.test(pattern) && (pattern.match(/[*+{]/g) ?? []).length <= 2;
  if (!isSimple) return undefined;
  try {
    return new RegExp(pattern, ignoresCase ? 'i' : '').test(path);
  } catch {
    return undefined;
  }
}

/** Where a request is passed on. */
export interface TakenBy {
  readonly route: Route;
  /** From the outermost block down to the location that holds the pass. */
  readonly blocks: readonly ConfigDirective[];
}

/** The route that a request to this server with this path is passed on by; none where it is not passed on, or where that is not sure. */
export function routeTaking(config: NginxConfig, server: ServerBlock, topology: Topology, path: string): TakenBy | undefined {
  const around = chainOfServer(config, server);
  const block = around?.at(-1);
  const chosen = block === undefined ? undefined : locationsOf(block, path);
  const location = chosen?.at(-1);
  if (around === undefined || block === undefined || chosen === undefined || location === undefined) return undefined;
  const own = passIn(location, server, topology);
  if (own !== undefined) return { route: own, blocks: [...around, ...chosen] };
  const fallback = insideOf(location.block)
    .find(one => one.name === 'try_files')
    ?.args.at(-1)?.value;
  const named = fallback?.startsWith('@') === true ? insideOf(block.block).find(one => one.name === 'location' && targetOf(one) === fallback) : undefined;
  const route = named === undefined ? undefined : passIn(named, server, topology);
  return named === undefined || route === undefined ? undefined : { route, blocks: [...around, named] };
}

/** The route of the pass in this block itself, or in a condition of it. */
function passIn(location: ConfigDirective, server: ServerBlock, topology: Topology): Route | undefined {
  const inside = insideOf(location.block);
  const conditions = inside.filter(one => one.name === 'if' || one.name === 'limit_except').flatMap(one => insideOf(one.block));
  for (const one of [...inside, ...conditions]) {
    if (!one.name.endsWith('_pass')) continue;
    const route = routesByPlace(topology).get(`${server.id} ${placeOf(one)}`);
    if (route !== undefined) return route;
  }
  return undefined;
}

function routesByPlace(topology: Topology): ReadonlyMap<string, Route> {
  let known = routes.get(topology);
  if (known === undefined) {
    // The first of those at one place stays.
    known = new Map(topology.routes.toReversed().map(route => [`${route.serverId} ${placeOf(route.origin)}`, route]));
    routes.set(topology, known);
  }
  return known;
}

/** The path that nginx asks the peer for: a target with a path of its own has it in the place of the location's. Undefined where variables or rewrites decide. */
export function pathAtPeer(taken: TakenBy, uri: string): string | undefined {
  const { route, blocks } = taken;
  if (route.settings['rewrite'] !== undefined) return undefined;
  const scheme = route.target.indexOf('://');
  const rest = route.target.slice(scheme + 3);
  const start = rest.startsWith('unix:') ? rest.indexOf(':', 5) + 1 : rest.indexOf('/');
  const own = start <= 0 ? '' : rest.slice(start);
  if (own === '' || own === '$request_uri') return own === '' && rest.includes('$') && rest.includes('$uri') ? undefined : uri;
  if (own.includes('$')) return undefined;
  const location = blocks.at(-1);
  const prefix = location === undefined ? '' : targetOf(location);
  return prefix.startsWith('/') && uri.startsWith(prefix) ? `${own}${uri.slice(prefix.length)}` : undefined;
}
