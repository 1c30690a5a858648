import type { ConfigDirective, Setting } from '../model/facts/nginx.ts';
import type { PassKind, Route } from '../model/facts/topology.ts';
import { enter, inForce, makeSetting, toSetting, type Chain } from './directives.ts';
import { clientSendTimeout, coreDirectives, defaultOf, routeDirectives } from './nginx-defaults.ts';
import { isIpLiteral, parsePassTarget, passKindOf, type PassTarget } from './pass-target.ts';
import { candidatesOf } from './target-values.ts';

/** A pass as it stands in the configuration, with the target it can mean. */
export interface FoundRoute {
  readonly route: Route;
  readonly target: PassTarget;
}

interface Place {
  readonly serverId: string;
  readonly version: string;
  readonly maps: ReadonlyMap<string, readonly string[]>;
}

// Deeper nesting than this is not what a person writes, and recursion has to end.
const maxDepth = 40;

/** Every pass below a server block. A target made of `set` and `map` variables gives one route for each value it can have. */
export function* routesOf(server: ConfigDirective, outer: Chain, place: Place): Generator<FoundRoute> {
  yield* walk(enter(outer, server), 'server', undefined, place, 0);
}

function* walk(chain: Chain, location: string, samplePath: string | undefined, place: Place, depth: number): Generator<FoundRoute> {
  if (depth > maxDepth) return;
  for (const directive of chain.at(-1) ?? []) {
    const pass = passKindOf(directive.name);
    if (pass !== undefined) yield* passRoutes(directive, pass, chain, location, samplePath, place);
    else if (directive.block !== undefined && directive.name === 'location') {
      const words = directive.args.map(arg => arg.value);
      yield* walk(enter(chain, directive), `location ${words.join(' ')}`, samplePathOf(words), place, depth + 1);
    } else if (directive.block !== undefined && (directive.name === 'if' || directive.name === 'limit_except')) {
      yield* walk(enter(chain, directive), location, samplePath, place, depth + 1);
    }
  }
}

function* passRoutes(
  directive: ConfigDirective,
  pass: PassKind,
  chain: Chain,
  location: string,
  samplePath: string | undefined,
  place: Place,
): Generator<FoundRoute> {
  const written = directive.args[0]?.value ?? '';
  const whole = parsePassTarget(pass, written);
  const candidates = whole.variables.length === 0 ? [written] : candidatesOf(written, chain, place.maps);
  for (const [index, text] of candidates.entries()) {
    const target = parsePassTarget(pass, text);
    const named = target.host !== undefined && !isIpLiteral(target.host) && target.variables.length === 0;
    yield {
      target,
      route: {
        id: `${place.serverId} ${location} ${directive.path}:${directive.line}${index === 0 ? '' : `#${index + 1}`}`,
        serverId: place.serverId,
        location,
        ...(samplePath === undefined ? {} : { samplePath }),
        pass,
        target: written,
        tls: target.tls,
        origin: { path: directive.path, line: directive.line },
        variables: whole.variables,
        ...(named ? { hostName: target.host } : {}),
        settings: settingsOf(chain, pass, place.version),
        headers: headersOf(chain, pass),
      },
    };
  }
}

function settingsOf(chain: Chain, pass: PassKind, version: string): Record<string, Setting> {
  const { names, list } = settingsAsked(pass, version);
  const written = chain.map(block => settingsIn(block, names)).filter(block => block.size > 0);
  const settings: Record<string, Setting> = {};
  for (const [key, directive, fallback] of list) {
    const found = written.findLast(block => block.has(directive))?.get(directive);
    if (found !== undefined) settings[key] = toSetting(found);
    else if (fallback !== undefined) settings[key] = fallback;
  }
  return settings;
}

const settingsOfBlock = new WeakMap<ReadonlySet<string>, WeakMap<readonly ConfigDirective[], ReadonlyMap<string, ConfigDirective>>>();

/** The last of each of these directives in one block. The blocks around are those of thousands of locations. */
function settingsIn(block: readonly ConfigDirective[], names: ReadonlySet<string>): ReadonlyMap<string, ConfigDirective> {
  const blocks = settingsOfBlock.get(names) ?? new WeakMap<readonly ConfigDirective[], ReadonlyMap<string, ConfigDirective>>();
  settingsOfBlock.set(names, blocks);
  const before = blocks.get(block);
  if (before !== undefined) return before;
  const found = new Map<string, ConfigDirective>();
  for (const directive of block) if (names.has(directive.name)) found.set(directive.name, directive);
  blocks.set(block, found);
  return found;
}

interface Asked {
  readonly names: ReadonlySet<string>;
  readonly list: readonly (readonly [key: string, directive: string, fallback: Setting | undefined])[];
}

const asked = new Map<string, Asked>();

/** The settings of a route with their defaults, which all routes of a kind share. */
function settingsAsked(pass: PassKind, version: string): Asked {
  const id = `${pass} ${version}`;
  const known = asked.get(id);
  if (known !== undefined) return known;
  const names = [
    ...routeDirectives.map(suffix => [suffix, `${pass}_${suffix}`] as const),
    ...coreDirectives.map(core => [core, core] as const),
    clientSendTimeout,
  ];
  const list = names.map(([key, directive]) => {
    const fallback = defaultOf(key, pass, version);
    return [key, directive, fallback === undefined ? undefined : makeSetting(directive, fallback, { kind: 'default', version })] as const;
  });
  if (asked.size > 100) asked.clear();
  const made = { names: new Set(names.map(([, directive]) => directive)), list };
  asked.set(id, made);
  return made;
}

function headersOf(chain: Chain, pass: PassKind): Setting[] {
  return inForce(chain, pass === 'proxy' || pass === 'grpc' ? `${pass}_set_header` : `${pass}_param`).map(toSetting);
}

/** A path that the location takes. Regular expressions are not run: a guess is made for the common ones. */
function samplePathOf(words: readonly string[]): string | undefined {
  const [first = '', second] = words;
  if (second === undefined) return first.startsWith('/') ? first : undefined;
  if (first === '=' || first === '^~') return second;
  return second.includes('php') ? '/index.php' : undefined;
}
