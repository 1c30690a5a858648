/** Classes of nginx error messages by what happened, whatever caused it. Symptoms are grouped by these. */
export const messageClasses = [
  'connect-refused',
  'connect-timeout',
  'connect-reset',
  'connect-no-file',
  'connect-denied',
  'connect-queue-full',
  'connect-unreachable',
  'connect-no-local-port',
  'connect-other',
  'too-many-open-files',
  'worker-connections',
  'send-timeout',
  'read-timeout',
  'reset',
  'premature-close',
  'truncated',
  'header-too-big',
  'invalid-header',
  'no-valid-header',
  'protocol-error',
  'no-live-upstreams',
  'server-disabled',
  'host-not-found',
  'resolver-timeout',
  'resolver-missing',
  'resolver-error',
  'tls-wrong-version',
  'tls-handshake',
  'tls-verify',
  'tls-other',
  'body-too-large',
  'temp-file',
  'disk-full',
  'auth-request',
  'app-stderr',
  'bind-failed',
  'config-error',
  'worker-died',
  'out-of-memory',
  'rate-limited',
  // Of backends' own logs: no worker is free, a request was stopped because it took too long, the application threw.
  'pool-full',
  'request-killed',
  'app-error',
  'client',
  'notice',
  'other',
] as const;

export type MessageClass = (typeof messageClasses)[number];

/**
 * Classes of messages that stand for a request that failed because of what is behind the proxy or in the proxy itself. A body over
 * the limit is refused by order, like a request over a rate.
 */
export const failingClasses: ReadonlySet<MessageClass> = new Set<MessageClass>([
  'connect-refused',
  'connect-timeout',
  'connect-reset',
  'connect-no-file',
  'connect-denied',
  'connect-queue-full',
  'connect-unreachable',
  'connect-no-local-port',
  'connect-other',
  'too-many-open-files',
  'worker-connections',
  'send-timeout',
  'read-timeout',
  'reset',
  'premature-close',
  'truncated',
  'header-too-big',
  'invalid-header',
  'no-valid-header',
  'protocol-error',
  'no-live-upstreams',
  'host-not-found',
  'resolver-timeout',
  'resolver-missing',
  'resolver-error',
  'tls-wrong-version',
  'tls-handshake',
  'tls-verify',
  'tls-other',
  'temp-file',
  'disk-full',
  'auth-request',
  'worker-died',
  'out-of-memory',
  'pool-full',
  'request-killed',
  'app-error',
]);

/** Where a log line stands. `line` (1-based) only where the file was read from its start. */
export interface LogSource {
  readonly path: string;
  readonly offset: number;
  readonly line?: number;
}

export interface ErrorRecord {
  readonly timeMs: number;
  readonly level: string;
  readonly pid: number;
  readonly connection?: number;
  /** The whole record as it stands in the log (redacted, at most 2048 bytes). */
  readonly text: string;
  /** The part between `*N ` and the context, without errno. */
  readonly message: string;
  /** Id in the table of nginx messages; absent for one that is not in it. */
  readonly messageId?: string;
  readonly class: MessageClass;
  readonly errno?: number;
  /** `connecting to upstream`, `reading response header from upstream` … */
  readonly phase?: string;
  readonly client?: string;
  readonly server?: string;
  readonly method?: string;
  readonly uri?: string;
  readonly subrequest?: string;
  /** As printed: `http://127.0.0.1:8080/x`. */
  readonly upstream?: string;
  /** Peer in its plain form: `127.0.0.1:8080`, `[::1]:80`, `unix:/run/x.sock`, or a group's name. */
  readonly peer?: string;
  readonly scheme?: string;
  readonly host?: string;
  readonly referrer?: string;
  /** The record was cut at nginx's limit of 2048 bytes: parts of its context are missing. */
  readonly cut: boolean;
  readonly source: LogSource;
}

/** Counts in time: `starts[i]` is the start of a 10-second bucket, in order. */
export interface TimeBuckets {
  readonly widthMs: number;
  readonly starts: readonly number[];
  readonly counts: readonly number[];
}

/** Error records alike in class, message, errno, peer, server and URL template. */
export interface ErrorGroup {
  readonly class: MessageClass;
  readonly messageId?: string;
  readonly errno?: number;
  readonly level: string;
  readonly phase?: string;
  readonly peer?: string;
  readonly scheme?: string;
  readonly server?: string;
  readonly method?: string;
  readonly urlTemplate?: string;
  readonly subrequest: boolean;
  readonly count: number;
  readonly firstMs: number;
  readonly lastMs: number;
  readonly buckets: TimeBuckets;
  /** The first, one from the middle and the last. */
  readonly samples: readonly ErrorRecord[];
}

/** How far a log was read. */
export interface LogCoverage {
  readonly path: string;
  readonly bytesRead: number;
  readonly lines: number;
  readonly unparsedLines: number;
  readonly unparsedSamples: readonly string[];
  /** The span the records read really cover. Absent when the window holds none. */
  readonly firstMs?: number;
  readonly lastMs?: number;
  /** False when the byte limit kept us from the start of the window. */
  readonly wholeWindow: boolean;
  readonly rotatedRead: readonly string[];
}

export interface NginxErrorLog {
  readonly coverage: readonly LogCoverage[];
  readonly groups: readonly ErrorGroup[];
  /** Logs that the config names and that could not be read. */
  readonly unread: readonly { readonly path: string; readonly why: string }[];
}

/** Who made an error answer, by the table of upstream variables. `proxy`: another proxy than nginx, the one that wrote the log. */
export type MadeBy = 'backend' | 'nginx' | 'proxy' | 'client' | 'unknown';

/** Failing (status ≥ 499 or 413, or a hidden retry) requests alike in all of these. */
export interface AccessGroup {
  readonly path: string;
  readonly status: number;
  readonly method?: string;
  readonly urlTemplate?: string;
  readonly host?: string;
  /** `$upstream_addr` of the last try, plain; absent when the format lacks it or it is `-`. */
  readonly peer?: string;
  /** All `$upstream_status` items of all tries. */
  readonly upstreamStatuses?: readonly string[];
  /** Addresses of the tries that failed before one that did not, where the answer hides them. */
  readonly hiddenPeers?: readonly string[];
  /** The log says that the client asked for an upgrade to a WebSocket. */
  readonly upgrade?: true;
  readonly tries: number;
  readonly madeBy: MadeBy;
  /** Why `madeBy` is unknown: the variable that the format lacks. */
  readonly because?: string;
  readonly count: number;
  readonly firstMs: number;
  readonly lastMs: number;
  readonly buckets: TimeBuckets;
  readonly requestTime?: NumberSummary;
  readonly upstreamTime?: NumberSummary;
  readonly samples: readonly AccessSample[];
  /** Those who sent most of them, and the networks that they are in. A count may be a little too low. */
  readonly clients?: readonly { readonly key: string; readonly count: number }[];
  readonly networks?: readonly { readonly key: string; readonly count: number }[];
  /** Requests by their size, in half octaves: at `n` those of 2^(n/2) bytes and more. Absent where the format has no size. */
  readonly sizes?: readonly number[];
}

export interface AccessSample {
  readonly text: string;
  readonly timeMs: number;
  readonly source: LogSource;
  /** What was asked for, where the group is one of `refused`. */
  readonly uri?: string;
}

export interface NumberSummary {
  readonly count: number;
  readonly min: number;
  readonly median: number;
  readonly p95: number;
  readonly max: number;
}

/** Requests in work at once, from their times in the log. */
export interface InWork {
  readonly requests: number;
  /** Time of all of them together. */
  readonly busyMs: number;
  /** Most at once, as the mean over one slot of the log's time. */
  readonly peak: number;
  /** Start of that slot, and the length of all slots: a second, or more where the window is long. */
  readonly peakMs: number;
  readonly slotMs: number;
  /** Most requests that ended in one slot, a second. */
  readonly peakRate: number;
}

/** All requests of one template or peer, good and bad: what the failing share is measured against. */
export interface TrafficCount {
  readonly key: string;
  readonly total: number;
  readonly failed: number;
}

/** How large the requests of a template and their answers are, in half octaves of bytes. */
export interface TemplateSizes {
  readonly key: string;
  /** All requests. */
  readonly requests?: readonly number[];
  /** Answers that were sent to their end, and those that were not, by what was sent of them: where the format tells them apart. */
  readonly whole?: readonly number[];
  readonly cut?: readonly number[];
}

export interface NginxAccessLog {
  readonly coverage: readonly LogCoverage[];
  readonly formats: readonly AccessLogFormat[];
  readonly total: number;
  readonly byStatus: Readonly<Record<string, number>>;
  readonly failing: readonly AccessGroup[];
  /**
   * GETs that may have been upgrades to a WebSocket and were not taken as such: answered with 400 or 426, with 404 on a path that
   * sounds like one, or with anything but 101 where the log says that the client asked for one. No failures in themselves.
   */
  readonly refused?: readonly AccessGroup[];
  /** Requests answered with 101 Switching Protocols, by template. */
  readonly switched?: readonly { readonly key: string; readonly total: number }[];
  readonly byTemplate: readonly TrafficCount[];
  readonly byPeer: readonly TrafficCount[];
  readonly byMethod: readonly TrafficCount[];
  readonly byServer: readonly TrafficCount[];
  /** Clients and networks of failing requests with all requests that they sent, at most; `(other)` has the rest. */
  readonly byClient?: readonly TrafficCount[];
  readonly byNetwork?: readonly TrafficCount[];
  /** By template, where the format has sizes. */
  readonly sizes?: readonly TemplateSizes[];
  /**
   * Requests at once by the peer of their last try; without `peer` where the format names none, of the servers that write to the log.
   * `by`: by the time of the backend, or by that of the whole request where the format has no other.
   * `clients`: as clients saw them. Absent where no format has a time.
   */
  readonly inWork?: {
    readonly peers: readonly (InWork & { readonly peer?: string; readonly by: 'upstream' | 'request'; readonly servers: readonly string[] })[];
    readonly clients?: InWork;
  };
  readonly buckets: { readonly all: TimeBuckets; readonly failed: TimeBuckets };
  readonly lastMs?: number;
  /** When the last request was answered well (status below 400). */
  readonly lastGoodMs?: number;
  readonly unread: readonly { readonly path: string; readonly why: string }[];
}

/** An access log that the config names, with its format and what that format can tell. */
export interface AccessLogFormat {
  readonly path: string;
  readonly format: string;
  readonly variables: readonly string[];
  readonly origin: { readonly path: string; readonly line: number };
  /** Server blocks that write to it. */
  readonly servers: readonly string[];
}

/** How evidence names a place in a log: `file:/var/log/nginx/error.log:812`, or by byte where the file was entered in its middle. */
export function formatLogSource(source: LogSource): string {
  if (source.path.startsWith('journal:')) return source.path;
  return source.line === undefined ? `file:${source.path}@${source.offset}` : `file:${source.path}:${source.line}`;
}
