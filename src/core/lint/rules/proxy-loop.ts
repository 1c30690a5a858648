import { insideOf, locationsOf } from '../../model/nginx-locations.ts';
import { namesakes, ownListens } from '../own-listens.ts';
import { effectivePort, headerOf, headersOf, type LintPass } from '../passes.ts';
import { defineLintRule, spotOf } from '../rule.ts';
import { own, type Scope } from '../scopes.ts';
import type { LintServer } from '../servers.ts';
import type { LintView } from '../view.ts';

/** A chain of nginx's own servers longer than this is not followed. */
const maxHops = 6;
const unclear = ['rewrite', 'return', 'if', 'auth_request', 'internal'];

/**
 * A request that comes back to where it was passed on. An address of nginx's own is no loop by itself: sites are often chained on one
 * host. So the request is followed as nginx would take it: the server by the Host header that is sent, the location by the path.
 */
export default defineLintRule({
  meta: {
    id: 'proxy-loop',
    title: 'nginx passes requests to itself, back to the same location',
    severity: 'error',
    fault: 'proxy-loop',
  },
  *check(view) {
    const passes = passesByPlace(view);
    const told = new Set<LintPass>();
    for (const pass of view.passes) {
      const path = samplePath(pass.scope);
      if (told.has(pass) || path === undefined) continue;
      const trip = roundTrip(view, passes, pass, path);
      if (trip === undefined) continue;
      const { isByName, round } = trip;
      for (const one of round) told.add(one);
      const [, next] = round;
      yield {
        at: spotOf(pass.directive, pass.token),
        message:
          next === undefined
            ? `${isByName ? 'This is a name of this very server; where it leads to this machine,' : 'This is an address of this nginx, and'} a request for ${path} comes back to this very location: it goes round until all worker connections are used, and the client gets a 5xx.`
            : `A request for ${path} goes from here through ${round.length} passes of this nginx and comes back: it goes round until all worker connections are used, and the client gets a 5xx.`,
        advice:
          'Write the address of the backend. If another server block is meant, send it a Host header that is one of its names, or give it a port of its own.',
        related: next === undefined ? [] : round.slice(1).map(one => ({ at: spotOf(one.directive, one.token), text: 'It is passed on here.' })),
        ...(isByName ? { severity: 'warning' as const } : {}),
      };
    }
  },
});

type ByPlace = ReadonlyMap<string, readonly LintPass[]>;

function roundTrip(
  view: LintView,
  passes: ByPlace,
  start: LintPass,
  path: string,
): { readonly round: readonly LintPass[]; readonly isByName: boolean } | undefined {
  const round: LintPass[] = [start];
  let at = path;
  let isByName = false;
  for (let hop = 0; hop < maxHops; hop++) {
    const pass = round.at(-1) ?? start;
    const next = nextStop(view, pass, at);
    if (next === undefined) return undefined;
    isByName ||= next.isByName;
    const [following, ...more] = passAt(passes, next.server, next.path);
    // With several passes in one block, conditions choose among them.
    if (following === undefined || more.length > 0) return undefined;
    if (following === start) return next.path === path ? { round, isByName } : undefined;
    if (round.includes(following)) return undefined;
    round.push(following);
    at = next.path;
  }
  return undefined;
}

interface Stop {
  readonly server: LintServer;
  readonly path: string;
  /** The name is one of this nginx's; whether it leads here, DNS says. */
  readonly isByName: boolean;
}

/** The server of this nginx that takes what the pass sends, and the path that it is asked for. */
function nextStop(view: LintView, pass: LintPass, path: string): Stop | undefined {
  const [target, ...others] = pass.targets;
  const [member, ...rest] = target?.members.filter(one => !one.isDown && !one.isBackup) ?? [];
  if (pass.kind !== 'proxy' || target === undefined || member === undefined || others.length > 0 || rest.length > 0) return undefined;
  const port = effectivePort(pass, target, member);
  const byAddress = ownListens(view, member.address, port);
  const isByName = byAddress.length === 0;
  const listens = (isByName ? namesakes(view, member.address, port) : byAddress).filter(
    ({ listen, server }) => listen.isTls === target.tls && server.layer === 'http' && !listen.parameters.has('proxy_protocol'),
  );
  const host = hostSent(pass, target.authority);
  if (host === undefined || listens.length === 0) return undefined;
  const named = host === 'same' ? listens.find(({ server }) => server.scope === pass.server) : listens.find(({ server }) => server.names.includes(host));
  // A name that no server has in so many words may match a pattern of one of them.
  const hasPatterns = listens.some(({ server }) => server.names.some(name => /[*~]|^\./.test(name)));
  const chosen = named ?? (hasPatterns || host === 'same' ? undefined : (listens.find(({ listen }) => isDefault(listen.parameters)) ?? listens[0]));
  if (chosen === undefined) return undefined;
  const location = pathOf(pass.scope);
  const sent = target.uri === '' || location === undefined ? path : `${target.uri}${path.slice(location.length)}`;
  return target.variables.some(name => name !== 'request_uri') ? undefined : { server: chosen.server, path: sent.split('?')[0] ?? sent, isByName };
}

/** `same`: the name that the client asked for. `undefined`: not known. */
function hostSent(pass: LintPass, authority: string): string | undefined {
  if (!headersOf(pass).isSure) return undefined;
  const value = headerOf(pass, 'Host')?.value;
  const sent = value === undefined || value === '$proxy_host' ? authority : value;
  if (/^\$(?:host|http_host|\{host\}|\{http_host\})(?::\$server_port)?$/.test(sent)) return 'same';
  return sent.includes('$')
    ? undefined
    : sent
        .toLowerCase()
        .replace(/:\d+$/, '')
        .replace(/^\[|\]$/g, '');
}

function isDefault(parameters: ReadonlySet<string>): boolean {
  return parameters.has('default_server') || parameters.has('default');
}

/** The passes that a request to this server for this path ends in; none where rewrites or conditions decide. */
function passAt(passes: ByPlace, { scope }: LintServer, path: string): readonly LintPass[] {
  const { directive } = scope;
  if (directive === undefined || !scope.isWhole || unclear.some(name => own(scope, name).length > 0)) return [];
  const location = locationsOf(directive, path)?.at(-1);
  if (location === undefined || insideOf(location.block).some(one => unclear.includes(one.name))) return [];
  const server = `${directive.path}:${directive.start}`;
  const here = passes.get(`${server} ${location.path}:${location.start}`) ?? [];
  const fallback = insideOf(location.block)
    .find(one => one.name === 'try_files')
    ?.args.at(-1)?.value;
  return here.length > 0 || fallback?.startsWith('@') !== true ? here : (passes.get(`${server} ${fallback}`) ?? []);
}

/** By the server and the location that they stand in; those of a named location by its name. */
function passesByPlace(view: LintView): ByPlace {
  const places = new Map<string, LintPass[]>();
  for (const pass of view.passes) {
    const { scope, server } = pass;
    if (scope.directive === undefined || server.directive === undefined) continue;
    const name = scope.directive.args[0]?.value ?? '';
    const place = name.startsWith('@') ? name : `${scope.directive.path}:${scope.directive.start}`;
    const key = `${server.directive.path}:${server.directive.start} ${place}`;
    places.set(key, [...(places.get(key) ?? []), pass]);
  }
  return places;
}

/** The prefix or exact path of a location; `undefined` for an expression or a name. */
function pathOf({ directive, kind }: Scope): string | undefined {
  const words = directive?.args.map(arg => arg.value) ?? [];
  if (kind !== 'location') return undefined;
  if (words.length === 1) return words[0]?.startsWith('/') === true ? words[0] : undefined;
  return words[0] === '=' || words[0] === '^~' ? words[1] : undefined;
}

/** A path that leads to this location, whatever stands in it before the pass. */
function samplePath(scope: Scope): string | undefined {
  if (scope.kind !== 'location' || unclear.some(name => own(scope, name).length > 0)) return undefined;
  const words = scope.directive?.args.map(arg => arg.value) ?? [];
  const path = pathOf(scope);
  if (path !== undefined) return words[0] === '=' ? path : `${path}${path.endsWith('/') ? '' : '/'}badhop-sample`;
  return words[0]?.startsWith('@') === true ? '/badhop-sample' : undefined;
}
