import { compareVersions } from '../derive/directives.ts';
import type { NginxConfig } from '../model/facts/nginx.ts';
import { passesOf, type LintPass } from './passes.ts';
import { scopesOf, type Scope } from './scopes.ts';
import { serversOf, type LintServer } from './servers.ts';
import { upstreamsOf, type LintUpstream } from './upstreams.ts';

/** What a rule sees: the configuration as nginx reads it, with its blocks, servers, upstreams and passes looked up. */
export interface LintView {
  readonly config: NginxConfig;
  /** The nginx that is to read it; defaults are those of this version. */
  readonly version: string;
  /** The version of an upgrade that is planned, where one was named. */
  readonly upgradeTo: string | undefined;
  readonly main: Scope;
  /** Every block of the file, outermost first. A file that is included twice gives its blocks twice, each with its own surroundings. */
  readonly scopes: readonly Scope[];
  /** `server` blocks of http and of stream. */
  readonly servers: readonly LintServer[];
  readonly upstreams: readonly LintUpstream[];
  /** Every `*_pass`, the `proxy_pass` of stream servers too. */
  readonly passes: readonly LintPass[];
  /** Whether this nginx is of that version or newer. */
  since(version: string): boolean;
}

export interface ViewOptions {
  readonly version: string;
  readonly upgradeTo?: string | undefined;
  /** Paths of files that badhop wrote around a fragment: nothing is known of what really stands there. */
  readonly madeUp?: ReadonlySet<string>;
}

export function viewOf(config: NginxConfig, { version, upgradeTo, madeUp = new Set() }: ViewOptions): LintView {
  const scopes = scopesOf(config, madeUp);
  const main = scopes[0];
  if (main === undefined) throw new Error('a configuration has a main block');
  const upstreams = upstreamsOf(scopes);
  return {
    config,
    version,
    upgradeTo,
    main,
    scopes,
    servers: serversOf(scopes),
    upstreams,
    passes: passesOf(scopes, upstreams, version),
    since: wanted => compareVersions(version, wanted) >= 0,
  };
}
