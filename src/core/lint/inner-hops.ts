import { locationsOf } from '../model/nginx-locations.ts';
import type { ConfigDirective } from '../model/facts/nginx.ts';
import { ownListens } from './own-listens.ts';
import { effectivePort, type LintPass } from './passes.ts';
import type { Scope } from './scopes.ts';
import { targetsOf } from './upstreams-used.ts';
import type { LintView } from './view.ts';

/** A pass to a server of this very configuration, and a pass in there that takes some of its requests. */
export interface InnerPass {
  readonly outer: LintPass;
  readonly inner: LintPass;
}

/** Locations with more passes than this are not looked through for each pass that leads to them. */
const mostPasses = 200;

/**
 * Chains of two hops inside one configuration. Only where one server alone can be meant by the address, and where the paths show that
 * requests of the outer location reach the inner one; expressions that cannot be judged by their text give none.
 */
export function* innerPasses(view: LintView): Generator<InnerPass> {
  const byServer = new Map<Scope, LintPass[]>();
  for (const pass of view.passes) {
    const known = byServer.get(pass.server);
    if (known === undefined) byServer.set(pass.server, [pass]);
    else known.push(pass);
  }
  for (const { pass: outer, target } of targetsOf(view)) {
    if (outer.kind !== 'proxy' || target.variables.length > 0) continue;
    const servers = new Set(target.members.flatMap(member => ownListens(view, member.address, effectivePort(outer, target, member))).map(one => one.server));
    const [server] = servers;
    if (server === undefined || servers.size > 1 || server.scope === outer.server) continue;
    for (const inner of (byServer.get(server.scope) ?? []).slice(0, mostPasses)) {
      if (inner.kind !== 'stream' && isReached(outer, target.uri, inner)) yield { outer, inner };
    }
  }
}

function isReached(outer: LintPass, uri: string, inner: LintPass): boolean {
  const [from, to] = [prefixOf(outer), prefixOf(inner)];
  if (from === undefined || to === undefined) return false;
  const mapped = uri === '' ? from : uri;
  const asked = to.startsWith(mapped) ? to : mapped.startsWith(to) ? mapped : undefined;
  if (asked === undefined) return false;
  const given = uri === '' ? asked : from + asked.slice(uri.length);
  return endsIn(outer, given) && endsIn(inner, asked);
}

/** The path of a location that is none of an expression and has no name; `/` for a server's own pass. */
function prefixOf({ scope }: LintPass): string | undefined {
  if (scope.kind !== 'location') return undefined;
  const [first, second] = (scope.directive?.args ?? []).map(arg => arg.value);
  if (second === undefined) return first?.startsWith('/') === true ? first : undefined;
  return first === '=' || first === '^~' ? second : undefined;
}

function endsIn({ server, scope }: LintPass, path: string): boolean {
  if (server.directive === undefined) return false;
  return isSame(locationsOf(server.directive, path)?.at(-1), scope.directive);
}

function isSame(a: ConfigDirective | undefined, b: ConfigDirective | undefined): boolean {
  return a !== undefined && b !== undefined && a.path === b.path && a.start === b.start;
}
