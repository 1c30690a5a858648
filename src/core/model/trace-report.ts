import type { TraceScheme } from './trace.ts';

/** What a report of `badhop trace` holds beside the report's own parts. All text in it is redacted. */
export interface ReportTrace {
  readonly url: string;
  readonly method: string;
  /** Each URL of the redirects that were followed, the one that was asked for first. */
  readonly hops: readonly ReportTraceHop[];
  readonly redirectsEnded?: { readonly why: 'loop' | 'too-many' | 'bad-location'; readonly location: string };
  readonly origin?: ReportTraceHop;
  /** Who made the answer that the report is about. */
  readonly answered?: ReportAttribution;
  readonly sizes: readonly ReportSize[];
  /** Why fewer requests were sent than asked for. */
  readonly cutShort?: string;
}

export interface ReportTraceHop {
  readonly url: string;
  readonly scheme: TraceScheme;
  /** The name, and where its addresses are from. */
  readonly name: string;
  readonly namedBy: 'literal' | 'given' | 'hosts-file' | 'dns';
  readonly addresses: readonly string[];
  readonly aliases: readonly string[];
  readonly lookupMs: number;
  readonly resolvers: readonly {
    readonly resolver: string;
    readonly type: 'A' | 'AAAA';
    readonly checkingDisabled: boolean;
    /** `NOERROR`, `SERVFAIL` …; or `no answer`, `ECONNREFUSED`. */
    readonly result: string;
    readonly addresses: readonly string[];
    readonly ms: number;
  }[];
  readonly requests: readonly ReportTraceRequest[];
  readonly tls: readonly ReportTraceTls[];
}

/** One request. Times in milliseconds; a phase that was not reached is absent. */
export interface ReportTraceRequest {
  readonly round: number;
  /** `203.0.113.7:443`. */
  readonly address: string;
  readonly at: string;
  readonly connectMs?: number;
  readonly tlsMs?: number;
  readonly firstByteMs?: number;
  readonly bodyMs?: number;
  readonly totalMs: number;
  readonly status?: number;
  readonly protocol?: string;
  readonly headerBytes?: number;
  /** The id of what is wrong with it. */
  readonly problem?: string;
  /** In one clause: `502 Bad Gateway`, `ECONNREFUSED`. */
  readonly result: string;
}

/** The handshake at one address; of several in one way, the first. */
export interface ReportTraceTls {
  readonly address: string;
  readonly handshake: 'done' | 'failed';
  readonly serverName?: string;
  readonly error?: string;
  readonly protocol?: string;
  readonly cipher?: string;
  readonly alpn?: string;
  /** OpenSSL's verdict over the chain; the name is judged beside it. */
  readonly verify?: string;
  readonly nameMatches?: boolean;
  readonly clientCertificateRequested?: boolean;
  readonly chain: readonly {
    readonly subject: string;
    readonly issuer: string;
    readonly names: readonly string[];
    readonly validFrom: string;
    readonly validTo: string;
    readonly signedByNext?: boolean;
    readonly fingerprint: string;
  }[];
  /** Versions of TLS that were tried, and whether each was taken. */
  readonly versions?: readonly { readonly version: string; readonly taken: boolean }[];
  /** What a client without a server name gets: `the same certificate`, an error, or another subject. */
  readonly withoutServerName?: string;
}

export interface ReportAttribution {
  readonly summary: string;
  readonly answeredBy?: string;
  readonly certainty?: 'sure' | 'likely' | 'possible';
  /** Where the bytes leave few: one of them made it, the likeliest first. */
  readonly narrowedTo?: readonly ReportCandidate[];
  readonly cannotTell?: { readonly why: string; readonly how: string; readonly command?: string; readonly candidates: readonly ReportCandidate[] };
  readonly layers: readonly {
    readonly product: string;
    readonly title: string;
    readonly role: string;
    readonly part: 'answered' | 'passed-on' | 'seen';
    readonly certainty: 'sure' | 'likely' | 'possible';
    readonly clues: readonly { readonly part: string; readonly text: string; readonly says: string }[];
  }[];
  readonly traps: readonly string[];
  /** Members of `Proxy-Status` (RFC 9209). */
  readonly proxyStatus: readonly { readonly proxy: string; readonly error?: string; readonly details?: string }[];
}

export interface ReportCandidate {
  readonly place: 'itself' | 'behind';
  readonly product: string;
  readonly title: string;
  readonly like: readonly string[];
  readonly because: string;
  readonly tells: string;
  readonly command?: string;
}

export interface ReportSize {
  readonly part: 'header' | 'body';
  readonly address: string;
  readonly takenBytes?: number;
  readonly refusedBytes?: number;
  readonly refusedWith?: string;
  readonly requests: number;
  readonly because?: string;
}
