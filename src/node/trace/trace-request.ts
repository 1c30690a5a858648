import type { TraceQuestion, TraceScheme } from '../../core/model/trace.ts';

/** Everything that a trace is to do; secrets and all, so it never leaves `node/trace`. */
export interface TraceRequest {
  readonly target: Target;
  readonly question: TraceQuestion;
  readonly method: string;
  /** As they are sent, in order; they stand instead of the fields that badhop would send. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Uint8Array | undefined;
  /** `shop.example:443` to the addresses that it is to have. */
  readonly resolve: ReadonlyMap<string, readonly string[]>;
  readonly resolvers: readonly HostPort[] | undefined;
  readonly count: number;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly origin: OriginTarget | undefined;
  /** `auto`: HTTP/2 where the server takes it by ALPN. */
  readonly http: 'auto' | '1.1' | '2';
  readonly insecure: boolean;
  readonly family: 'any' | 4 | 6;
  readonly follow: boolean;
  /** The server name to send; `none` for none, absent for the host's own. */
  readonly serverName: string | undefined;
  readonly grpc: boolean;
  readonly tls: TlsFiles;
  readonly sizeProbes: readonly ('header' | 'body')[];
  readonly userAgent: string;
  onProgress(stage: string): void;
}

/** PEM texts that were given. */
export interface TlsFiles {
  readonly ca?: Buffer;
  readonly certificate?: Buffer;
  readonly key?: Buffer;
}

/** A URL taken apart. `host` without brackets; `path` with its query, beginning with `/`. */
export interface Target {
  readonly scheme: TraceScheme;
  readonly host: string;
  readonly port: number;
  readonly path: string;
  /** As the `Host` field says it. */
  readonly authority: string;
  /** The whole, without user and fragment. */
  readonly url: string;
}

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

export interface OriginTarget {
  readonly host: string;
  readonly port: number | undefined;
  readonly scheme: 'http' | 'https' | undefined;
}

export function isSecure(scheme: TraceScheme): boolean {
  return scheme === 'https' || scheme === 'wss';
}

export function isWebSocket(scheme: TraceScheme): boolean {
  return scheme === 'ws' || scheme === 'wss';
}
