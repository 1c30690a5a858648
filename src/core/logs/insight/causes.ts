/**
 * What a message proves by itself, and what it leaves open.
 *
 * Source: the catalogue of faults and nginx 1.22.1, seen live. `confirmed` is said only where the message names the cause and no
 * other one writes it; everything else has to be told apart on the host.
 */
import type { LogProduct } from '../scan/format.ts';
import type { MessageClass } from '../../model/facts/logs.ts';
import type { Confidence } from '../../model/finding.ts';

export interface Cause {
  readonly fault: string;
  readonly confidence: Confidence;
  /** What speaks for it, as a sentence. */
  readonly because: string;
}

/** What is known of the failures beside their class. */
export interface CauseFacts {
  /** All texts of the messages. */
  readonly text: string;
  readonly peers: readonly string[];
  /** Who wrote the messages. */
  readonly products: ReadonlySet<LogProduct>;
  readonly status: number | undefined;
  /** They are at one URL, or a few. */
  readonly isAtUrl: boolean;
  readonly onlyPost: boolean;
}

const sure = (fault: string, because: string): Cause => ({ fault, confidence: 'confirmed', because });
const likely = (fault: string, because: string): Cause => ({ fault, confidence: 'likely', because });
const maybe = (fault: string, because: string): Cause => ({ fault, confidence: 'possible', because });

/** The likeliest first. Nothing for a class that no fault is known for. */
export function causesOf(kind: MessageClass, facts: CauseFacts): readonly Cause[] {
  return byClass[kind]?.(facts) ?? [];
}

const isNginx = ({ products }: CauseFacts): boolean => products.has('nginx') || products.size === 0;
const isUnix = ({ peers, text }: CauseFacts): boolean => peers.some(peer => peer.startsWith('unix:')) || text.includes('unix:');

const byClass: Readonly<Partial<Record<MessageClass, (facts: CauseFacts) => readonly Cause[]>>> = {
  'worker-connections': () => [sure('nginx-worker-connections-exhausted', 'nginx says that its worker_connections are not enough.')],
  'too-many-open-files': facts =>
    isNginx(facts)
      ? [sure('fd-limit-nginx', 'nginx says that it has too many open files (errno 24).')]
      : [sure('fd-limit-backend', 'The backend says in its own log that it has too many open files.')],
  'header-too-big': () => [sure('response-header-too-big', "nginx says that the header of the backend's answer is bigger than its buffer.")],
  'invalid-header': () => [sure('invalid-response-header', "nginx says what is not valid in the header of the backend's answer.")],
  'no-valid-header': () => [
    maybe('invalid-response-header', 'What the backend sent begins with no valid header.'),
    maybe('protocol-mismatch', 'A backend that speaks another protocol sends something else than a header too.'),
  ],
  'resolver-missing': () => [sure('resolver-missing', 'nginx says that no resolver is defined to resolve the name.')],
  'host-not-found': () => [sure('dns-name-not-found', 'The name server that nginx asks says that the name does not exist.')],
  'resolver-timeout': () => [likely('dns-resolver-unreachable', 'The name server that nginx asks did not answer in time.')],
  'resolver-error': () => [maybe('dns-resolver-unreachable', 'The name server that nginx asks answered with an error.')],
  'connect-no-local-port': () => [likely('ephemeral-ports-exhausted', 'The kernel had no local port for the connection (errno 99).')],
  'connect-queue-full': () => [
    sure('accept-queue-overflow', "The backend's queue of connections was full when nginx connected (errno 11)."),
    maybe('worker-pool-exhausted', 'A queue fills when all workers are busy.'),
  ],
  'connect-refused': connectRefused,
  'connect-no-file': () => [
    maybe('backend-down', 'A backend that is stopped takes its socket away.'),
    maybe('socket-missing', 'The path of the socket in the configuration may be another one than the backend has.'),
    maybe('socket-in-private-tmp', 'A socket in a PrivateTmp is not there for nginx.'),
  ],
  'connect-denied': facts =>
    isUnix(facts)
      ? [
          likely('socket-permission-denied', 'The user of nginx may not connect to the socket (errno 13).'),
          maybe('selinux-denied', 'SELinux denies it with the same number.'),
        ]
      : [maybe('selinux-denied', 'SELinux denies connections with errno 13.'), maybe('apparmor-denied', 'AppArmor denies connections with errno 13.')],
  'connect-unreachable': ({ text }) =>
    text.includes('(101')
      ? [likely('network-unreachable', 'The host has no route to the network of the backend (errno 101).')]
      : [
          maybe('no-route', 'The host of the backend does not answer (errno 113).'),
          maybe('firewall-reject', 'A firewall can reject connections with errno 113.'),
        ],
  'connect-timeout': () => [
    maybe('firewall-drop', 'A firewall that drops packets makes connecting take too long.'),
    maybe('accept-queue-overflow', 'The kernel drops connections to a full queue.'),
    maybe('no-route', 'The host of the backend may be gone.'),
  ],
  'read-timeout': ({ isAtUrl }) =>
    isAtUrl
      ? [
          likely('backend-slower-than-timeout', 'Only some URLs take longer than the proxy waits; the backend answers others.'),
          maybe('backend-hung', 'A backend that hangs looks the same.'),
        ]
      : [
          maybe('backend-slower-than-timeout', 'The backend needs longer than the proxy waits.'),
          maybe('worker-pool-exhausted', 'Requests wait where all workers are busy.'),
          maybe('backend-hung', 'A backend that hangs answers nobody.'),
        ],
  'send-timeout': () => [
    maybe('backend-hung', 'A backend that reads nothing makes sending take too long.'),
    maybe('mtu-blackhole', 'Large packets that get lost do too.'),
  ],
  reset: cutOff,
  'premature-close': cutOff,
  'connect-reset': cutOff,
  truncated: () => [sure('response-truncated', 'The connection to the backend ended in the middle of the answer.')],
  'protocol-error': ({ text }) => [
    maybe(
      /http2|HTTP\/2|grpc/iu.test(text) ? 'http2-upstream-mismatch' : 'protocol-mismatch',
      'What the backend sent is not of the protocol that nginx speaks with it.',
    ),
  ],
  'tls-wrong-version': () => [likely('tls-to-plaintext', 'What came in place of a TLS handshake is no TLS: nginx asks for https at a port that speaks http.')],
  'tls-verify': verification,
  'tls-handshake': handshake,
  'tls-other': handshake,
  'temp-file': ({ text }) =>
    text.includes('(13')
      ? [sure('temp-path-permission', 'nginx may not write its temporary file (errno 13).')]
      : [maybe('temp-path-permission', 'nginx could not write its temporary file.')],
  'disk-full': () => [sure('disk-full', 'There is no space left on the disk (errno 28).')],
  'auth-request': () => [sure('auth-backend-failed', 'nginx says which status the subrequest for authorisation had.')],
  'worker-died': facts =>
    isNginx(facts)
      ? [sure('nginx-worker-crash', 'nginx says by which signal its worker ended.')]
      : [sure('backend-crashing', 'The backend says in its own log by which signal its worker ended.'), ...killed(facts)],
  'out-of-memory': () => [likely('memory-exhausted', 'Memory was refused.')],
  'pool-full': () => [likely('worker-pool-exhausted', 'The backend says in its own log that all its workers are busy.')],
  'request-killed': () => [sure('worker-killed-by-timeout', 'The backend says in its own log that it stopped a worker which took too long.')],
  'app-error': () => [maybe('app-dependency-down', 'The application says in its own log that it failed.')],
  'no-live-upstreams': () => [sure('no-live-upstreams', 'nginx says that no server of the upstream is usable; what made them fail stands before it.')],
};

function connectRefused(facts: CauseFacts): readonly Cause[] {
  if (isUnix(facts))
    return [likely('socket-stale', 'The socket is there, and nobody listens on it (errno 111).'), maybe('backend-down', 'The backend may be stopped.')];
  const isSix = (peer: string): boolean => peer.startsWith('[::1]:');
  const loopback =
    facts.peers.length > 0 && facts.peers.every(isSix)
      ? [likely('localhost-ipv6-mismatch', 'Only ::1 refuses: the backend may listen on 127.0.0.1 alone.')]
      : [];
  return [
    ...loopback,
    maybe('backend-down', 'Nobody may be listening there.'),
    maybe('backend-crash-loop', 'It may start and die again and again.'),
    maybe('address-mismatch', 'It may listen at another address.'),
  ];
}

function cutOff({ isAtUrl, onlyPost }: CauseFacts): readonly Cause[] {
  const atUrl = isAtUrl ? [likely('request-specific-crash', 'Only some URLs are cut off, and others at the same backend are answered.')] : [];
  const race = maybe('keepalive-race', 'The backend may close idle connections before nginx does; a GET is then tried again, a POST is not.');
  const crash = maybe('backend-crashing', 'A worker may die while it answers.');
  const watchdog = maybe('worker-killed-by-timeout', 'A watchdog may kill workers that take too long.');
  return onlyPost ? [...atUrl, race, crash] : [...atUrl, crash, watchdog, race];
}

function killed({ text }: CauseFacts): readonly Cause[] {
  return /SIGKILL|signal 9\b/u.test(text) ? [maybe('backend-oom-killed', 'The kernel kills with this signal where memory runs out.')] : [];
}

/** Numbers of X.509 verification, as OpenSSL names them. */
function verification({ text }: CauseFacts): readonly Cause[] {
  if (/\(10:|expired/u.test(text)) return [sure('tls-certificate-expired', 'nginx says that the certificate has expired.')];
  if (/does not match/u.test(text)) return [sure('tls-name-mismatch', 'nginx says that the certificate is for another name.')];
  if (/\((?:18|19|20|21|2|27):/u.test(text)) return [sure('tls-untrusted-issuer', 'nginx says that it does not trust who issued the certificate.')];
  return [maybe('tls-untrusted-issuer', 'nginx did not accept the certificate.'), maybe('tls-name-mismatch', 'It may be for another name.')];
}

function handshake(): readonly Cause[] {
  return [
    maybe('tls-sni-missing', 'A backend that needs a name in the handshake ends it.'),
    maybe('tls-protocol-mismatch', 'There may be no version or cipher that both know.'),
    maybe('tls-client-certificate-required', 'The backend may ask for a certificate.'),
  ];
}

/** Where no message tells, by who answered and what. */
export function causesOfAnswer(madeBy: string, status: number | undefined): readonly Cause[] {
  if (madeBy === 'backend') return [sure('app-returned-5xx', 'The log shows that the backend itself answered with this status.')];
  if (madeBy !== 'nginx' && madeBy !== 'proxy') return [];
  if (status === 504)
    return [...(byClass['read-timeout']?.(noFacts) ?? []), maybe('firewall-drop', 'A firewall that drops packets makes connecting take too long.')];
  if (status === 502) return [maybe('backend-down', 'Nobody may be listening there.'), maybe('backend-crashing', 'A worker may die while it answers.')];
  return [];
}

const noFacts: CauseFacts = { text: '', peers: [], products: new Set(), status: undefined, isAtUrl: false, onlyPost: false };
