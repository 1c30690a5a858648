/**
 * What a known nginx message means: its class, from its id, errno, phase and level.
 *
 * The same text exists on both sides of the proxy; nginx logs the client's side at `info`, or while it sends to or
 * reads from the client. A timeout in the TLS handshake is `tls-handshake`, as the connection itself was made.
 * A failure while the body is read is `truncated`: the status line is already with the client.
 */
import type { MessageClass } from '../model/facts/logs.ts';

export interface MessageFacts {
  readonly id: string | undefined;
  readonly message: string;
  readonly errno: number | undefined;
  readonly phase: string | undefined;
  readonly level: string;
  readonly hasClient: boolean;
  readonly peer: string | undefined;
}

/** Errno of connect(), by number: Linux first, then BSD and macOS. */
const connectClasses: ReadonlyMap<number, MessageClass> = new Map<number, MessageClass>([
  ...entries('connect-refused', 111, 61),
  ...entries('connect-timeout', 110, 60),
  ...entries('connect-reset', 104, 54, 103),
  ...entries('connect-no-file', 2, 20, 40),
  ...entries('connect-denied', 13, 1),
  ...entries('connect-unreachable', 113, 101, 100, 112, 92, 22, 65, 51),
  ...entries('connect-no-local-port', 99, 49, 98),
  ...entries('too-many-open-files', 24, 23),
  ...entries('out-of-memory', 12, 105),
]);

const socketCalls = new Set(
  'recv-failed readv-failed writev-failed sendfile-failed send-failed send-zero kevent-closed-conn kevent-upstream-closed ioctl-fionread tcp-nodelay tcp-cork-on tcp-cork-off fd-getsockname shutdown-failed'.split(
    ' ',
  ),
);
const connectCalls = new Set(['connect-failed-sync', 'connect-failed-async', 'kevent-connect-failed']);

const byId: ReadonlyMap<string, MessageClass> = new Map<string, MessageClass>([
  ...named('worker-connections', 'worker-connections too-many-files-cycle'),
  ...named('notice', 'worker-connections-reuse worker-connections-limit dup-header-ignored more-than-content-length data-after-chunk data-after-trailers'),
  ...named(
    'notice',
    'early-hints-too-big tempfile-warn mc-miss mc-trailer cache-version cache-lock-timeout cache-key-buffer signal access-rule uninitialized-var',
  ),
  ...named('notice', 'open-socket-left limit-key-255 limit-key-65535 unsafe-uri ssl-stale-error close-socket-failed close-socket-n-failed sticky-unsupported'),
  ...named('no-live-upstreams', 'no-live-upstreams'),
  ...named('server-disabled', 'peer-disabled'),
  ...named('resolver-missing', 'no-resolver lb-no-resolver'),
  ...named('out-of-memory', 'zone-memory slab-no-memory sticky-alloc sticky-expire malloc posix-memalign no-respawn fork-failed ssl-new-failed'),
  ...named('client', 'client-timed-out body-invalid-chunked plain-to-https ssl-handshake-rejected proxyproto-broken'),
  ...named('protocol-error', 'prematurely-sent-response upgrade-in-subrequest fcgi-version fcgi-type fcgi-rid-hi fcgi-rid-lo fcgi-unexpected-record'),
  ...named('protocol-error', 'h2-no-connection-data grpcs-unsupported suwsgi-unsupported'),
  ...named('header-too-big', 'too-big-header buffer-too-small-old'),
  ...named('no-valid-header', 'no-valid-http10'),
  ...named('invalid-header', 'invalid-header-line invalid-header-plain dup-header-rejected cl-and-te invalid-content-length unknown-te early-hints-http10'),
  ...named('invalid-header', 'invalid-status-fcgi fcgi-join'),
  ...named('truncated', 'invalid-chunked too-big-trailers invalid-trailer-h1 inflate-failed inflate-end'),
  ...named('tls-verify', 'ssl-verify-error ssl-name-mismatch'),
  ...named('tls-handshake', 'ssl-peer-closed'),
  ...named('config-error', 'url-prefix zero-uri no-port no-port-conf invalid-local-address mc-key-unset cache-not-found thread-pool-missing named-missing'),
  ...named('config-error', 'named-empty-uri loop-rewrite loop-redirect loop-named subrequest-cycle var-cycle rewritten-zero nested-in-memory'),
  ...named('body-too-large', 'body-too-large body-too-large-chunked body-too-large-h2'),
  ...named('rate-limited', 'limit-req delay-req limit-conn'),
  ...named('auth-request', 'auth-request-status'),
  ...named('app-stderr', 'fcgi-stderr'),
  ...named('bind-failed', 'listen-bind listen-still'),
  ...named('worker-died', 'worker-signal worker-fatal shared-locked'),
  ...named('too-many-open-files', 'rlimit-failed'),
]);

const byPrefix: readonly (readonly [prefix: string, of: MessageClass])[] = [
  ['abort-', 'client'],
  ['dns-', 'resolver-error'],
  ['h2-', 'protocol-error'],
  ['mc-', 'protocol-error'],
  ['slice-', 'invalid-header'],
  ['ssl-', 'tls-other'],
  ['conf-', 'config-error'],
  ['transparent-', 'config-error'],
];

/** The class of a message; `other` where nothing can be said. */
export function classifyMessage(facts: MessageFacts): MessageClass {
  const { id, errno, phase, level } = facts;
  if (id === undefined) return classifyUnknown(facts);
  if (connectCalls.has(id) || id === 'socket-failed') return isResolving(phase) ? 'resolver-error' : connectClass(facts);
  if (id === 'bind-failed') return connectClasses.get(errno ?? 0) ?? 'connect-other';
  if (id === 'upstream-timed-out') return timeoutClass(phase, level);
  if (socketCalls.has(id)) return transferClass(facts);
  if (id.startsWith('accept-failed')) return errno === 24 || errno === 23 ? 'too-many-open-files' : 'other';
  if (id === 'premature-close' || id === 'fcgi-stdout-closed' || id === 'fcgi-request-closed' || id === 'h2-closed-stream') return closeClass(phase);
  if (id === 'h2-rst' || id === 'h2-goaway') return isBody(phase) ? 'truncated' : 'reset';
  if (id.startsWith('h2-') && /header|:status|trailer/u.test(id)) return id.includes('too-large') ? 'header-too-big' : 'invalid-header';
  if (id === 'could-not-be-resolved' || id === 'service-not-resolved' || id === 'srv-target-not-resolved') return resolveClass(facts.message);
  if (id === 'url-parse' || id === 'url-parse-implicit') return facts.message.startsWith('host not found') ? 'host-not-found' : 'config-error';
  if (id.startsWith('ssl-') && !byId.has(id)) return tlsClass(facts);
  if (id === 'worker-exit') return facts.message.endsWith(' 0') ? 'notice' : 'worker-died';
  if (/^(?:temp|store|cache|file)-/u.test(id) && !byId.has(id)) return fileClass(facts);
  return byId.get(id) ?? byPrefix.find(([prefix]) => id.startsWith(prefix))?.[1] ?? byLevel(facts);
}

function connectClass({ errno, peer, message, id }: MessageFacts): MessageClass {
  if (errno === 11 || errno === 35) return `${peer} ${message}`.includes('unix:') ? 'connect-queue-full' : 'connect-no-local-port';
  if (id === 'socket-failed') return errno === 24 || errno === 23 ? 'too-many-open-files' : 'connect-other';
  return connectClasses.get(errno ?? 0) ?? 'connect-other';
}

function timeoutClass(phase: string | undefined, level: string): MessageClass {
  if (phase === undefined) return 'read-timeout';
  if (phase.startsWith('connecting')) return 'connect-timeout';
  if (phase.startsWith('SSL handshaking')) return 'tls-handshake';
  if (phase.startsWith('sending request')) return 'send-timeout';
  if (phase.startsWith('proxying upgraded')) return level === 'info' ? 'client' : 'read-timeout';
  return isBody(phase) ? 'truncated' : 'read-timeout';
}

function transferClass({ errno, phase, level }: MessageFacts): MessageClass {
  if (isResolving(phase)) return 'resolver-error';
  if (level === 'info' || isClientPhase(phase)) return 'client';
  if (phase === undefined || phase === '') return 'other';
  if (isBody(phase)) return 'truncated';
  return errno === 110 || errno === 60 ? 'read-timeout' : 'reset';
}

function closeClass(phase: string | undefined): MessageClass {
  if (phase?.startsWith('SSL handshaking') === true) return 'tls-handshake';
  return isBody(phase) || phase === 'sending to client' ? 'truncated' : 'premature-close';
}

function resolveClass(message: string): MessageClass {
  const code = /could not be resolved \((\d{1,6}):/u.exec(message)?.[1];
  if (code === '3') return 'host-not-found';
  return code === '110' || code === '60' ? 'resolver-timeout' : 'resolver-error';
}

function tlsClass({ message, phase, level }: MessageFacts): MessageClass {
  if (level === 'emerg') return 'config-error';
  if (phase === 'SSL handshaking' || isClientPhase(phase) || (level === 'info' && phase?.includes('upstream') !== true)) return 'client';
  if (/certificate verify failed/u.test(message)) return 'tls-verify';
  if (/wrong version number|packet length too long|:http request|:https proxy request|unknown protocol/u.test(message)) return 'tls-wrong-version';
  return phase?.startsWith('SSL handshaking') === true ? 'tls-handshake' : 'tls-other';
}

/** A missing static file is a 404 and logged at `error`; nginx's own temporary and cache files are logged at `crit`. */
function fileClass({ id, errno, level, phase }: MessageFacts): MessageClass {
  if (errno === 28 || errno === 122) return 'disk-full';
  if (errno === 24 || errno === 23) return 'too-many-open-files';
  // A log that cannot be opened, at the start or anew: no request waits for it.
  if (level === 'emerg') return 'config-error';
  if (level === 'error' && phase === undefined && (id === 'temp-open' || id === 'cache-fstat')) return 'notice';
  return 'temp-file';
}

function classifyUnknown(facts: MessageFacts): MessageClass {
  const { message, phase, level } = facts;
  if (isResolving(phase)) return 'resolver-error';
  if (level === 'emerg') return 'config-error';
  if (message.startsWith('upstream prematurely closed')) return closeClass(phase);
  if (message.startsWith('upstream timed out')) return timeoutClass(phase, level);
  if (message.startsWith('upstream sent')) return message.includes('header') ? 'invalid-header' : 'protocol-error';
  if (message.startsWith('client ')) return 'client';
  return byLevel(facts);
}

function byLevel({ level, hasClient }: MessageFacts): MessageClass {
  if (level === 'emerg') return 'config-error';
  if (level === 'info' && hasClient) return 'client';
  return level === 'info' || level === 'notice' || level === 'debug' || level === 'warn' ? 'notice' : 'other';
}

function isBody(phase: string | undefined): boolean {
  return phase === 'reading upstream';
}

function isResolving(phase: string | undefined): boolean {
  return phase?.startsWith('resolving') === true;
}

/** Phases in which nginx speaks with the client; `sending to client` also names the client's socket. */
function isClientPhase(phase: string | undefined): boolean {
  if (phase === undefined) return false;
  return (
    phase.startsWith('sending to client') || /^(?:reading client|waiting for request|keepalive|closing request|SSL handshaking$|sending response)/u.test(phase)
  );
}

function entries(of: MessageClass, ...errnos: readonly number[]): [number, MessageClass][] {
  return errnos.map(errno => [errno, of]);
}

function named(of: MessageClass, ids: string): [string, MessageClass][] {
  return ids.split(' ').map(id => [id, of]);
}
