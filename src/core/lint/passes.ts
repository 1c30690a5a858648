import { parseSize, parseTime } from '../derive/directives.ts';
import { defaultOf } from '../derive/nginx-defaults.ts';
import { parsePassTarget, passKindOf } from '../derive/pass-target.ts';
import { candidatesOf, mapValues } from '../derive/target-values.ts';
import type { ConfigDirective, ConfigToken } from '../model/facts/nginx.ts';
import type { PassKind } from '../model/facts/topology.ts';
import { writtenAddress } from './addresses.ts';
import { around, chainOf, inForce, type Scope } from './scopes.ts';
import type { LintMember, LintUpstream } from './upstreams.ts';

/** A directive that hands requests (or connections, in stream) on. */
export interface LintPass {
  /** `stream` is the `proxy_pass` of a stream server. */
  readonly kind: PassKind | 'stream';
  readonly directive: ConfigDirective;
  /** What it is given: `http://app/api`. */
  readonly token: ConfigToken;
  /** The block that it stands in. Its settings are those in force there. */
  readonly scope: Scope;
  /** The `server` block around it. */
  readonly server: Scope;
  /** Names of the variables in it as written. */
  readonly variables: readonly string[];
  /** What it can mean: one for each value that `set` and `map` give its variables. */
  readonly targets: readonly LintTarget[];
  /** A setting in force by its name without the module's prefix (`read_timeout`); the default of this nginx where it is not written. */
  setting(name: string): LintSetting;
}

export interface LintTarget {
  readonly text: string;
  readonly tls: boolean;
  /** `host:port` or the upstream's name, as written. */
  readonly authority: string;
  readonly uri: string;
  /** Variables whose values are not known. */
  readonly variables: readonly string[];
  /** The block that it names; absent where it is an address. */
  readonly upstream?: LintUpstream;
  /** Of the upstream, or the address itself. None where it holds variables. */
  readonly members: readonly LintMember[];
}

export interface LintSetting {
  readonly args: readonly string[];
  readonly ms?: number;
  readonly bytes?: number;
  /** Where it is written; absent for a default. */
  readonly at?: ConfigDirective;
  /** False where a block that was not read whole may say otherwise. */
  readonly isSure: boolean;
}

const noMaps: ReadonlyMap<string, readonly string[]> = new Map();

export function passesOf(scopes: readonly Scope[], upstreams: readonly LintUpstream[], version: string): readonly LintPass[] {
  const groups = new Map(upstreams.map(one => [`${one.layer} ${one.name.toLowerCase()}`, one]));
  const maps = new Map<Scope, ReadonlyMap<string, readonly string[]>>();
  const settings = settingsFor(version);
  return scopes.flatMap(scope => {
    const server = around(scope, 'server');
    if (server === undefined || scope.kind === 'upstream') return [];
    return scope.inside.flatMap((directive): LintPass[] => {
      const [token] = directive.args;
      const kind =
        scope.layer === 'stream' ? (directive.name === 'proxy_pass' ? 'stream' : undefined) : scope.layer === 'http' ? passKindOf(directive.name) : undefined;
      if (kind === undefined || token === undefined) return [];
      const variables = parsePassTarget('proxy', token.value).variables;
      const top = around(scope, scope.layer);
      const known = (top && (maps.get(top) ?? mapValues(top.inside))) ?? noMaps;
      if (top !== undefined) maps.set(top, known);
      const texts = variables.length === 0 ? [token.value] : candidatesOf(token.value, chainOf(scope), known);
      const targets = texts.map(text => targetOf(text, kind, directive, token, name => groups.get(`${scope.layer} ${name.toLowerCase()}`)));
      return [{ kind, directive, token, scope, server, variables, targets, setting: name => settings(scope, kind, name) }];
    });
  });
}

function targetOf(
  text: string,
  kind: LintPass['kind'],
  directive: ConfigDirective,
  token: ConfigToken,
  find: (name: string) => LintUpstream | undefined,
): LintTarget {
  const { name: whole, tls, uri, variables, path } = parsePassTarget(kind === 'stream' ? 'memcached' : kind, text);
  // `http://app$request_uri`, `http://app?x=1`: the address ends where the path or the query begins.
  const name = path === undefined ? whole.replace(/\?.*$|\$\{?(?:request_uri|uri|document_uri)\b.*$/u, '') : whole;
  const inAddress = parsePassTarget('proxy', name).variables;
  const upstream = inAddress.length === 0 && path === undefined ? find(name) : undefined;
  const alone: LintMember = {
    directive,
    token,
    address: writtenAddress(name),
    isDown: false,
    isBackup: false,
    resolves: false,
    maxFails: 1,
    failTimeoutMs: 10_000,
  };
  const members = upstream?.members ?? (inAddress.length === 0 ? [alone] : []);
  return { text, tls, authority: name, uri, variables, ...(upstream === undefined ? {} : { upstream }), members };
}

type Settings = (scope: Scope, kind: LintPass['kind'], name: string) => LintSetting;

/** Looks settings up for one version; the names of directives and the defaults are made once a kind. */
function settingsFor(version: string): Settings {
  const tables = new Map<LintPass['kind'], Map<string, { readonly directive: string; readonly fallback: LintSetting }>>();
  return (scope, kind, name) => {
    const table = tables.get(kind) ?? new Map<string, { readonly directive: string; readonly fallback: LintSetting }>();
    tables.set(kind, table);
    let entry = table.get(name);
    if (entry === undefined) {
      const args = kind === 'stream' ? [] : (defaultOf(name, kind, version) ?? []);
      entry = { directive: `${kind === 'stream' ? 'proxy' : kind}_${name}`, fallback: valueOf(args) };
      table.set(name, entry);
    }
    const { directives, isSure } = inForce(scope, entry.directive);
    const at = directives.at(-1);
    const setting = at === undefined ? entry.fallback : writtenSetting(at);
    return isSure ? setting : { ...setting, isSure };
  };
}

const written = new WeakMap<ConfigDirective, LintSetting>();

function writtenSetting(at: ConfigDirective): LintSetting {
  const known = written.get(at) ?? { ...valueOf(at.args.map(arg => arg.value)), at };
  written.set(at, known);
  return known;
}

function valueOf(args: readonly string[]): LintSetting {
  const [first = ''] = args;
  const ms = parseTime(first);
  const bytes = parseSize(first);
  return { args, ...(ms === undefined ? {} : { ms }), ...(bytes === undefined ? {} : { bytes }), isSure: true };
}

/** The port that nginx connects to where none is written: the scheme's for a pass to an address, 80 in an `upstream` block. */
export function effectivePort(pass: LintPass, target: LintTarget, member: LintMember): number | undefined {
  const { path, port, portText } = member.address;
  if (path !== undefined || portText !== undefined) return port;
  if (target.upstream !== undefined) return target.upstream.layer === 'stream' ? undefined : 80;
  if (pass.kind === 'proxy' || pass.kind === 'grpc') return target.tls ? 443 : 80;
  return pass.kind === 'stream' ? undefined : 80;
}

/** Every `*_set_header` or `*_param` in force for a pass, in order; lists are not merged with those further out. */
export function headersOf(pass: LintPass): ReturnType<typeof inForce> {
  return inForce(pass.scope, pass.kind === 'proxy' || pass.kind === 'grpc' ? `${pass.kind}_set_header` : `${pass.kind}_param`);
}

/** The last value given to a request header; `undefined` where none is written. nginx compares names without regard to case. */
export function headerOf(pass: LintPass, name: string): { readonly value: string; readonly at: ConfigDirective } | undefined {
  const at = headersOf(pass).directives.findLast(one => one.args[0]?.value.toLowerCase() === name.toLowerCase());
  return at === undefined ? undefined : { value: at.args[1]?.value ?? '', at };
}
