import type { Address } from '../host.ts';
import type { AccessGroup, ErrorGroup, MadeBy, MessageClass, TimeBuckets } from './logs.ts';
import type { Setting, SettingOrigin } from './nginx.ts';
import type { Listener } from './system.ts';

export type PassKind = 'proxy' | 'fastcgi' | 'uwsgi' | 'scgi' | 'grpc' | 'memcached';

/** listen → server → location → upstream → peer → listener → process → unit or pool. Ids are unique in one report. */
export interface Topology {
  readonly servers: readonly ServerBlock[];
  readonly routes: readonly Route[];
  readonly groups: readonly UpstreamGroup[];
  readonly peers: readonly Peer[];
}

export interface ListenAddress {
  readonly address: Address;
  readonly tls: boolean;
  readonly defaultServer: boolean;
  readonly origin: SettingOrigin;
}

export interface ServerBlock {
  readonly id: string;
  readonly instanceId: string;
  readonly names: readonly string[];
  readonly listens: readonly ListenAddress[];
  readonly origin: { readonly path: string; readonly line: number };
  readonly accessLogs: readonly { readonly path: string; readonly format: string; readonly origin: SettingOrigin }[];
  readonly errorLogs: readonly { readonly path: string; readonly level: string; readonly origin: SettingOrigin }[];
  /** Error logs that single locations have instead. */
  readonly locationErrorLogs?: readonly { readonly path: string; readonly level: string; readonly origin: SettingOrigin }[];
}

/** The configuration read as places that take and pass requests, before any name is resolved. */
export interface NginxLayout {
  readonly servers: readonly ServerBlock[];
  readonly routes: readonly Route[];
  readonly groups: readonly WrittenGroup[];
  readonly logFormats: readonly LogFormat[];
  /** Error logs in force at the main and http level, for messages outside any server. */
  readonly mainErrorLogs: readonly { readonly instanceId: string; readonly path: string; readonly level: string; readonly origin: SettingOrigin }[];
  /** Error answers that the configuration itself gives: `return 503;`. */
  readonly fixedAnswers: readonly { readonly status: number; readonly origin: { readonly path: string; readonly line: number } }[];
  /** Names to resolve: in `server`, in `*_pass`, in `resolver`. */
  readonly hostNames: readonly string[];
}

/** A `log_format`, `combined` included. Log paths are absolute, or `stderr`, or `syslog:…`; `off` gives none. */
export interface LogFormat {
  readonly instanceId: string;
  readonly name: string;
  /** The pieces joined, unescaped. */
  readonly format: string;
  readonly escape: 'default' | 'json' | 'none';
  readonly origin: SettingOrigin;
}

/** An upstream group with its servers as they are written. */
export interface WrittenGroup extends Omit<UpstreamGroup, 'peerIds'> {
  readonly instanceId: string;
  readonly members: readonly WrittenMember[];
}

export interface WrittenMember {
  /** `localhost:8080`, `unix:/run/x.sock`. */
  readonly written: string;
  readonly host?: string;
  readonly port?: number;
  readonly path?: string;
  readonly resolve: boolean;
  readonly flags: Peer['flags'];
  readonly origin: { readonly path: string; readonly line: number };
}

/** A location (or server) that passes requests on. */
export interface Route {
  readonly id: string;
  readonly serverId: string;
  /** `location ~ \.php$`; `server` where the pass stands in the server block itself. */
  readonly location: string;
  /** A request path that this location takes, where one could be made. */
  readonly samplePath?: string;
  readonly pass: PassKind;
  /** As written: `http://app`, `unix:/run/php/php8.2-fpm.sock`. */
  readonly target: string;
  readonly tls: boolean;
  readonly origin: { readonly path: string; readonly line: number };
  /** Absent when the target holds variables. */
  readonly groupId?: string;
  /** The target's variables, where it has any. */
  readonly variables: readonly string[];
  /** The host name in a target with variables, or in one resolved at start. */
  readonly hostName?: string;
  /**
   * Directives in force here by their name without the module's prefix: `connect_timeout`, `read_timeout`, `next_upstream`,
   * `buffer_size`, `buffers`, `ssl_server_name`, `http_version` … and `resolver`. Defaults of this version included.
   */
  readonly settings: Readonly<Record<string, Setting>>;
  /** Every `*_set_header` / `*_param` in force, in order. */
  readonly headers: readonly Setting[];
}

export interface UpstreamGroup {
  readonly id: string;
  /** The `upstream` block's name, or the address text for an implicit group. */
  readonly name: string;
  readonly explicit: boolean;
  readonly origin: { readonly path: string; readonly line: number };
  readonly peerIds: readonly string[];
  readonly keepalive?: Setting;
  readonly zone: boolean;
  readonly settings: Readonly<Record<string, Setting>>;
  /** Host names of its servers with `resolve`: nginx asks its resolver for them while it runs. */
  readonly resolvedNames?: readonly string[];
}

/** One address that nginx connects to. Its id is the text that the error log prints. */
export interface Peer {
  /** `127.0.0.1:9000`, `[::1]:80`, `unix:/run/x.sock`. */
  readonly id: string;
  readonly address: Address;
  readonly groupIds: readonly string[];
  readonly routeIds: readonly string[];
  /** As written in the config: `localhost:8080`. */
  readonly written: string;
  /** The name it was resolved from, where it was a name. */
  readonly hostName?: string;
  readonly origin: { readonly path: string; readonly line: number };
  readonly flags: { readonly down: boolean; readonly backup: boolean; readonly maxFails: number; readonly failTimeoutMs: number; readonly maxConns: number };
  /** The address is one of this host. */
  readonly local: boolean;
  /**
   * The nginx that asks for it is in this network namespace (`net:[4026532400]`), another one than badhop's: `local` and `listeners` are
   * those of that namespace, and no probe of badhop's reaches it. Of an address that several nginx use in several namespaces, the one
   * whose nginx logs failures is kept; where that tells nothing, the one at which nobody listens.
   */
  readonly namespace?: string;
  /** What listens there now. Empty = nothing. */
  readonly listeners: readonly Listener[];
  readonly serviceId?: string;
  /** Seen in the log but not in the config on disk. */
  readonly onlyInLog?: boolean;
}

/** A group of failing requests, or a failing live probe: what has to be explained. */
export interface Symptom {
  readonly id: string;
  readonly class: MessageClass | 'backend-answered-5xx' | 'unattributed-5xx' | 'client-refused' | 'probe-failed' | 'client-closed' | 'upgrade-lost';
  /** Peer or group as the log prints it. */
  readonly upstream?: string;
  readonly server?: string;
  readonly urlTemplate?: string;
  readonly method?: string;
  readonly status?: number;
  readonly madeBy: MadeBy;
  /** Failing requests. A failing probe counts 0 and has `probe`. */
  readonly count: number;
  readonly firstMs: number;
  readonly lastMs: number;
  /** Still going on at the end of the window, judged by its own rhythm. */
  readonly ongoing: boolean;
  readonly buckets?: TimeBuckets;
  readonly shape: Shape;
  readonly errorGroups: readonly ErrorGroup[];
  readonly accessGroups: readonly AccessGroup[];
  /** Copies of requests that nginx sent besides (`mirror`): whatever became of them, the clients got other answers. */
  readonly copies?: true;
  /** Key of the failing probe. */
  readonly probe?: string;
}

export interface Shape {
  readonly when: 'once' | 'burst' | 'steady' | 'periodic' | 'unknown';
  readonly periodMs?: number;
  readonly text: string;
}
