import { formatAddress, type Address } from './host.ts';

/** One question to one backend, in one protocol. One connection a question; never a POST. */
export type ProbeRequest =
  | { readonly kind: 'connect'; readonly address: Address }
  | {
      readonly kind: 'http';
      readonly address: Address;
      readonly path: string;
      readonly hostHeader: string;
      readonly timeoutMs?: number;
      /** The request is filled up to this many bytes with a field that means nothing; at most 16,000. */
      readonly padToBytes?: number;
    }
  | {
      readonly kind: 'tls';
      readonly address: Address;
      readonly serverName?: string;
      readonly version?: 'TLSv1.2' | 'TLSv1.3';
      /** A file of the host with the authorities to judge by; without one, the host's own. */
      readonly caFile?: string;
      /** The name that the certificate is to be for, where that is not `serverName` (which is sent). */
      readonly verifyName?: string;
      readonly path?: string;
      readonly hostHeader?: string;
      readonly timeoutMs?: number;
    }
  | { readonly kind: 'fastcgi'; readonly address: Address; readonly params: Readonly<Record<string, string>>; readonly timeoutMs?: number }
  | { readonly kind: 'uwsgi'; readonly address: Address; readonly params: Readonly<Record<string, string>>; readonly timeoutMs?: number }
  /** A container's own ping (CPing), answered without a request. */
  | { readonly kind: 'ajp'; readonly address: Address; readonly timeoutMs?: number }
  /**
   * A GET that asks to keep the connection, and then nothing: how long the peer leaves it open. `idleMs` bounds that wait; it
   * never lasts longer than 8 s, to which the 3 s for the answer come.
   */
  | { readonly kind: 'idle'; readonly address: Address; readonly path: string; readonly hostHeader: string; readonly idleMs: number }
  /**
   * The opening handshake of a WebSocket (RFC 6455 §4.1), which is a GET; a connection that is taken is closed at once. `as` sends
   * of it what a proxy between would pass on.
   */
  | {
      readonly kind: 'upgrade';
      readonly address: Address;
      readonly path: string;
      readonly hostHeader: string;
      readonly tls?: { readonly serverName?: string };
      readonly as?: PassedHandshake;
      readonly timeoutMs?: number;
    }
  | { readonly kind: 'dns'; readonly resolver: Address; readonly name: string; readonly timeoutMs?: number };

/** What is left of a handshake behind a proxy: the version of the request, and the two headers that hold for one hop alone. */
export interface PassedHandshake {
  readonly version: '1.0' | '1.1';
  readonly upgrade?: string;
  readonly connection?: string;
}

/** What came back. `ms` is the whole time, `connectMs` the connection alone. */
export interface ProbeResult {
  readonly request: ProbeRequest;
  readonly outcome: ProbeOutcome;
  readonly connectMs: number;
  readonly ms: number;
}

export type ProbeOutcome =
  /** Nothing was sent: the answer is not in the bundle, or the question has no form in its protocol. Says nothing about the peer. */
  | { readonly state: 'not-asked'; readonly why: string }
  /** The connection was not made. `code` is the errno name: ECONNREFUSED, ENOENT, EACCES, EAGAIN, EHOSTUNREACH … */
  | { readonly state: 'connect-failed'; readonly code: string }
  | { readonly state: 'connect-timeout' }
  /** Connected, and that was all that was asked. */
  | { readonly state: 'connected' }
  /** Connected, asked, and no byte came within the time. */
  | { readonly state: 'no-answer' }
  /** Connected, and the peer closed (`end`) or reset (`reset`) without a byte. */
  | { readonly state: 'closed'; readonly how: 'end' | 'reset' }
  /** Bytes came. `speaks` is the protocol that they are valid in. */
  | { readonly state: 'answered'; readonly speaks: WireProtocol; readonly answer: ProbeAnswer };

export type WireProtocol = 'http' | 'fastcgi' | 'uwsgi' | 'tls' | 'dns' | 'http2' | 'ajp' | 'other';

export interface ProbeAnswer {
  /** Status of an HTTP, CGI or uwsgi answer. */
  readonly status?: number;
  /** Bytes that came in all, of an HTTP answer. */
  readonly bytes?: number;
  /** Bytes of the status line and header. */
  readonly headerBytes?: number;
  /** Header field names in lower case with their values (redacted). */
  readonly headers?: readonly (readonly [string, string])[];
  /** The first bytes, as text with control characters kept; at most 512. */
  readonly head?: string;
  /** FastCGI: the records' stderr text, at most 2048. */
  readonly stderr?: string;
  /** php-fpm status page, key by key. */
  readonly body?: string;
  readonly tls?: TlsAnswer;
  readonly dns?: { readonly rcode: string; readonly addresses: readonly string[] };
  /** What became of the connection that was left unused after the answer, and after how long. `not-kept`: the peer kept none. */
  readonly idle?: { readonly ended: 'closed' | 'reset' | 'open' | 'not-kept'; readonly ms: number };
  /** The peer took the WebSocket: 101, with the answer to the key that was sent. */
  readonly upgraded?: true;
  /** The answer was complete and well-formed in its protocol. */
  readonly complete: boolean;
  /** The peer reset or cut the connection before the answer was complete. */
  readonly cut?: 'end' | 'reset' | 'timeout' | 'limit';
}

export interface TlsAnswer {
  readonly handshake: 'done' | 'failed';
  readonly protocol?: string;
  readonly error?: string;
  /** OpenSSL's verification code name, `OK` where the chain is good. */
  readonly verify?: string;
  readonly subject?: string;
  readonly issuer?: string;
  readonly validFrom?: string;
  readonly validTo?: string;
  readonly names?: readonly string[];
  readonly clientCertificateRequested?: boolean;
}

/** The page with which nginx, Apache and others say that they were asked without TLS on a port that speaks it. */
export function saysPlainToTls(head: string | undefined): boolean {
  return head?.includes('plain HTTP request was sent to HTTPS port') === true || head?.includes('speaking plain HTTP to an SSL-enabled server port') === true;
}

/** Whether the peer gave an answer that is valid in the protocol it was asked in, whatever the answer says. */
export function answersAsAsked({ request, outcome }: ProbeResult): boolean {
  if (request.kind === 'connect') return outcome.state === 'connected';
  if (outcome.state !== 'answered') return false;
  if (request.kind === 'tls') return outcome.speaks === 'tls' && outcome.answer.tls?.handshake === 'done';
  // An application behind uWSGI may refuse a request in the very words of a server of HTTP.
  if (request.kind === 'uwsgi' && outcome.speaks === 'http') return true;
  if (request.kind === 'idle' || request.kind === 'upgrade') return outcome.speaks === 'http';
  return outcome.speaks === request.kind && !(request.kind === 'http' && saysPlainToTls(outcome.answer.head));
}

/** One name for a question, the same in every run: the key in a bundle, and what evidence quotes as its source. */
export function probeKey(request: ProbeRequest): string {
  const address = request.kind === 'dns' ? request.resolver : request.address;
  const where = address.kind === 'unix' ? `unix:${address.path}` : `${address.kind}:${address.host}:${address.port}`;
  switch (request.kind) {
    case 'connect':
    case 'ajp':
      return `${request.kind} ${where}`;
    case 'http':
      return `http ${where} ${request.hostHeader} ${request.path}${request.padToBytes === undefined ? '' : ` padded to ${request.padToBytes}`}`;
    case 'idle':
      return `idle ${where} ${request.hostHeader} ${request.path}`;
    case 'tls':
      return `tls ${where} ${request.serverName ?? '-'} ${request.version ?? '-'} ${request.hostHeader ?? '-'} ${request.path ?? '-'}${request.caFile === undefined ? '' : ` by ${request.caFile}`}${request.verifyName === undefined ? '' : ` as ${request.verifyName}`}`;
    case 'upgrade':
      return `upgrade${request.tls === undefined ? '' : ` tls ${request.tls.serverName ?? '-'}`} ${where} ${request.hostHeader} ${request.path}${request.as === undefined ? '' : ` as ${JSON.stringify(request.as)}`}`;
    case 'fastcgi':
    case 'uwsgi':
      return `${request.kind} ${where} ${JSON.stringify(request.params)}`;
    case 'dns':
      return `dns ${where} ${request.name}`;
  }
}

/** The question as evidence names it: `http 127.0.0.1:8080 /cart`. Several questions may share a name; a key is unique. */
export function probeName(request: ProbeRequest): string {
  switch (request.kind) {
    case 'connect':
    case 'ajp':
      return `${request.kind} ${formatAddress(request.address)}`;
    case 'http':
      return `http ${formatAddress(request.address)} ${request.path}${request.padToBytes === undefined ? '' : `, a request of ${request.padToBytes} bytes`}`;
    case 'idle':
      return `idle ${formatAddress(request.address)} ${request.path}`;
    case 'tls':
      return `tls ${formatAddress(request.address)}${request.serverName === undefined ? '' : ` for ${request.serverName}`}${request.version === undefined ? '' : ` ${request.version}`}${request.caFile === undefined ? '' : ` by ${request.caFile}`}`;
    case 'upgrade':
      return `upgrade ${formatAddress(request.address)} ${request.path}${request.as === undefined ? '' : ', as nginx passes it on'}`;
    case 'fastcgi':
    case 'uwsgi':
      return `${request.kind} ${formatAddress(request.address)} ${request.params['REQUEST_URI'] ?? ''}`.trimEnd();
    case 'dns':
      return `dns ${request.name} at ${formatAddress(request.resolver)}`;
  }
}

/** Asks one question. Never throws, always ends within the request's time. */
export type Prober = (request: ProbeRequest) => Promise<ProbeResult>;
