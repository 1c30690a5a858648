import type { ResponseEvidence } from './fingerprint.ts';

/** What `badhop trace` was asked, without its secrets. */
export interface TraceQuestion {
  /** As it was written, redacted. */
  readonly url: string;
  readonly method: string;
  /** Requests to each address. */
  readonly count: number;
  /** The certificate is told about, and does not stop the request. */
  readonly insecure: boolean;
  readonly origin?: string;
  readonly timeoutMs: number;
  /** Names of the fields that were given with `-H`, for the commands that are advised. */
  readonly headerNames: readonly string[];
}

export type TraceScheme = 'http' | 'https' | 'ws' | 'wss';

/** Everything that was seen from outside; no judgement in it. All text in it is hostile. */
export interface TraceObservation {
  readonly question: TraceQuestion;
  /** Milliseconds since the epoch, by this machine's clock. */
  readonly startedMs: number;
  readonly durationMs: number;
  /** One for each URL of the redirects that were followed, the one that was asked for first. At least one. */
  readonly hops: readonly TraceHop[];
  /** Why no further redirect was followed. */
  readonly redirectsEnded?: RedirectEnd;
  /** The same request without the edge between, to `--origin`. */
  readonly origin?: TraceHop;
  readonly sizes: readonly SizeProbe[];
  /** Why fewer requests were sent than asked for. A clause. */
  readonly cutShort?: string;
}

export interface RedirectEnd {
  readonly why: 'loop' | 'too-many' | 'bad-location';
  /** What the last `Location` said. */
  readonly location: string;
}

/** One URL, each address of its name, and each request that was sent there. */
export interface TraceHop {
  readonly url: string;
  readonly scheme: TraceScheme;
  readonly host: string;
  readonly port: number;
  readonly lookup: NameLookup;
  /** In the order of the rounds. */
  readonly attempts: readonly TraceAttempt[];
  readonly tlsVersions?: TlsVersions;
  /** What a client that sends no server name gets, at one address. */
  readonly withoutName?: { readonly address: string; readonly tls: TlsObservation };
  /** The same over HTTP/1.1, where HTTP/2 was offered and gave no answer. */
  readonly withHttp1?: TraceAttempt;
  /** What the name in the `Host` field gets, where no server name was sent. */
  readonly withName?: { readonly address: string; readonly tls: TlsObservation };
}

export interface NameLookup {
  readonly name: string;
  readonly from: 'literal' | 'given' | 'hosts-file' | 'dns';
  /** Those that are connected to. */
  readonly addresses: readonly string[];
  /** Addresses beyond the most that are asked. */
  readonly omitted: number;
  /** The CNAMEs that led there, the name itself first. */
  readonly names: readonly string[];
  readonly answers: readonly ResolverAnswer[];
  readonly ms: number;
}

/** What one resolver said to one question. */
export interface ResolverAnswer {
  /** `192.0.2.53:53`. */
  readonly resolver: string;
  readonly type: 'A' | 'AAAA';
  /** Asked with the CD bit: the resolver passes on what DNSSEC would make it refuse. */
  readonly checkingDisabled: boolean;
  readonly outcome:
    | {
        readonly state: 'answered';
        readonly rcode: string;
        readonly addresses: readonly string[];
        readonly names: readonly string[];
        /** The resolver says that it has validated the answer. */
        readonly authentic: boolean;
        /** Extended DNS errors (RFC 8914), `6 DNSSEC Bogus: …`. */
        readonly errors: readonly string[];
      }
    | { readonly state: 'no-answer' }
    | { readonly state: 'strange' }
    | { readonly state: 'not-asked'; readonly why: string }
    | { readonly state: 'failed'; readonly code: string };
  readonly ms: number;
}

/** One request to one address. */
export interface TraceAttempt {
  /** From 1. */
  readonly round: number;
  readonly address: string;
  readonly port: number;
  /** Milliseconds since the epoch. */
  readonly atMs: number;
  readonly phases: TracePhases;
  readonly connect: { readonly state: 'connected' } | { readonly state: 'timeout' } | { readonly state: 'failed'; readonly code: string };
  /** Absent without TLS, or without a connection. */
  readonly tls?: TlsObservation;
  /** Absent where nothing was sent. */
  readonly answer?: TraceAnswer;
  /** The connection stood and nothing was sent. A clause. */
  readonly notAsked?: string;
}

/** Milliseconds of each phase alone; `totalMs` of all together. Absent for a phase that was not reached. */
export interface TracePhases {
  readonly connectMs?: number;
  readonly tlsMs?: number;
  /** From the request to the first byte of the answer. */
  readonly firstByteMs?: number;
  /** From the first byte to the last that was read. */
  readonly bodyMs?: number;
  readonly totalMs: number;
}

export interface TlsObservation {
  readonly handshake: 'done' | 'failed';
  /** The server name that was sent. */
  readonly serverName?: string;
  /** OpenSSL's code of what went wrong, in the handshake or right after it. */
  readonly error?: string;
  /** What came instead of a handshake. */
  readonly spoke?: 'tls' | 'http' | 'nothing' | 'other';
  /** The beginning of what came that is no TLS. */
  readonly head?: string;
  readonly protocol?: string;
  readonly cipher?: string;
  readonly alpn?: string;
  /** As the server sent them, its own first. */
  readonly chain: readonly TraceCertificate[];
  /** OpenSSL's verdict over the chain, `OK` where it is good. The name is not part of it. */
  readonly verify?: string;
  /** Whether the last certificate leads to an authority that this machine trusts, whatever the dates say. */
  readonly isAnchored?: boolean;
  /** An authority that is trusted here looks like the issuer's own: the certificate between is missing. */
  readonly nearAuthority?: string;
  /** The certificate is for the name that was asked. */
  readonly nameMatches?: boolean;
  readonly clientCertificateRequested?: boolean;
}

export interface TraceCertificate {
  readonly subject: string;
  readonly issuer: string;
  /** Alternative names, at most 200. */
  readonly names: readonly string[];
  /** ISO 8601. */
  readonly validFrom: string;
  readonly validTo: string;
  readonly selfSigned: boolean;
  readonly authority: boolean;
  /** The next one that was sent has signed it; absent on the last. */
  readonly signedByNext?: boolean;
  /** Where its issuer's certificate can be had (AIA). */
  readonly issuerUrls: readonly string[];
  readonly fingerprint: string;
}

/** Which versions of TLS one address takes. */
export interface TlsVersions {
  readonly address: string;
  readonly versions: readonly { readonly version: string; readonly taken: boolean; readonly error?: string }[];
}

/** What came for a request. */
export interface TraceAnswer {
  /**
   * `whole`: to its end. `cut`: it ended before its own measure. `limit`: longer than is read. `silent`: not one byte. `not-http`: bytes
   * that are none. `invalid`: HTTP that a strict reader refuses.
   */
  readonly state: 'whole' | 'cut' | 'limit' | 'silent' | 'not-http' | 'invalid';
  /** Why no more was read. */
  readonly ended: 'enough' | 'end' | 'reset' | 'timeout' | 'limit';
  readonly error?: string;
  /** The answer as a fingerprint reads it; absent where no status came. */
  readonly response?: ResponseEvidence;
  /** Bytes of status line and fields. */
  readonly headerBytes: number;
  /** Bytes over the wire in all. */
  readonly bytes: number;
  /** The first bytes as they came, as Latin-1. */
  readonly head: string;
  /** What a strict reader complains about. Clauses. */
  readonly problems: readonly string[];
  /** A WebSocket was taken. */
  readonly upgraded?: boolean;
  readonly grpc?: { readonly status: string; readonly message: string };
}

/** Where a limit of size lies: between what was taken and what was refused. */
export interface SizeProbe {
  readonly part: 'header' | 'body';
  readonly address: string;
  /** The largest that got the same status as a small one. */
  readonly takenBytes?: number;
  /** The smallest that did not, and what came for it. */
  readonly refusedBytes?: number;
  readonly refusedWith?: string;
  readonly response?: ResponseEvidence;
  readonly requests: number;
  /** Why nothing is known. A clause. */
  readonly because?: string;
}
