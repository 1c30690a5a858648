import { configEvidence, probeEvidence, symptomEvidence } from './evidence.ts';
import type { Hop } from './facts/hop.ts';
import type { Route, Symptom } from './facts/topology.ts';
import type { Detection, Evidence } from './finding.ts';
import { symptomsOf } from './hop-symptoms.ts';
import { answersAsAsked, saysPlainToTls, type ProbeResult } from './probe.ts';

/** What a peer speaks, and how that is known: it answered a probe, or its program and settings say so. */
export interface Spoken {
  /** In the words of people: `FastCGI`, `HTTP`, `TLS`, `Redis`. */
  readonly protocol: string;
  readonly how: 'answered' | 'configured';
  readonly evidence: Evidence;
}

/** Routes that ask a peer in one protocol while it speaks another. */
export interface Mismatch {
  readonly wanted: string;
  readonly spoken: Spoken;
  readonly routes: readonly Route[];
  /** The question as nginx asks it, with what came of it. */
  readonly own: ProbeResult | undefined;
  /** What failed because of it. */
  readonly symptoms: readonly Symptom[];
}

/** What nginx speaks on a route. */
export function protocolOf(route: Route): string {
  if (route.pass === 'proxy') return route.tls ? 'TLS' : 'HTTP';
  if (route.tls) return 'TLS';
  return { fastcgi: 'FastCGI', uwsgi: 'uwsgi', scgi: 'SCGI', grpc: 'HTTP/2', memcached: 'memcached' }[route.pass];
}

/** Classes that a wrong protocol shows in; which of them depends on what the peer does with bytes that mean nothing to it. */
const classes: readonly Symptom['class'][] = [
  'reset',
  'connect-reset',
  'premature-close',
  'protocol-error',
  'no-valid-header',
  'invalid-header',
  'header-too-big',
  'truncated',
  'read-timeout',
  'send-timeout',
  'tls-wrong-version',
  'tls-handshake',
  'tls-other',
  'probe-failed',
];

/** Every pair of a peer and a protocol in which the peer is asked and does not answer, though it answers in another. */
export function mismatchesOf(hop: Hop): Mismatch[] {
  const { peer, routes } = hop;
  if (peer.flags.down || routes.length === 0) return [];
  const kinds = [...new Set(routes.map(protocolOf))];
  return kinds.flatMap(wanted => {
    const own = hop.probes.filter(probe => questionOf(probe) === wanted);
    // Nobody can ask SCGI and the like: an answer in another protocol then needs errors beside it.
    if (own.some(probe => answersAsAsked(probe) && !isRefusedAsHttp(probe, hop))) return [];
    const concerned = routes.filter(route => protocolOf(route) === wanted);
    const symptoms = symptomsOf(hop, classes).filter(symptom => symptom.upstream === peer.id && isOf(symptom, concerned));
    const spoken = spokenBy(hop, wanted);
    if (spoken === undefined || spoken.protocol === wanted) return [];
    const failed = own.find(probe => probe.outcome.state !== 'not-asked');
    if (failed?.outcome.state === 'connect-failed' || failed?.outcome.state === 'connect-timeout') return [];
    if (failed === undefined && symptoms.length === 0) return [];
    // What a program usually speaks is no reason against one that answers nobody, unless nginx complained as it does of this.
    if (spoken.how === 'configured' && !symptoms.some(symptom => symptom.count > 0)) return [];
    return [{ wanted, spoken, routes: concerned, own: failed, symptoms }];
  });
}

/** Lines that prove a mismatch: the answer in the other protocol, the failed question in this one, what nginx logged. */
export function mismatchEvidence({ spoken, own, symptoms }: Mismatch): readonly [Evidence, ...Evidence[]] {
  const logged = symptoms.filter(symptom => symptom.count > 0).flatMap(symptom => symptomEvidence(symptom, 1));
  const failed = own === undefined ? [] : [probeEvidence(own)].filter(one => one.text !== spoken.evidence.text || one.source !== spoken.evidence.source);
  return [spoken.evidence, ...failed, ...logged.slice(0, 2)];
}

/** The protocol that the peer answers in; else the one that it is configured for. */
export function spokenBy(hop: Hop, wanted: string): Spoken | undefined {
  const answers = hop.probes.flatMap(probe => {
    const protocol = isAmbiguous(probe) ? undefined : answerOf(probe);
    return protocol === undefined ? [] : [{ probe, protocol, rank: answersAsAsked(probe) ? 0 : 1 }];
  });
  const best = answers.toSorted((a, b) => a.rank - b.rank)[0];
  if (best !== undefined) return { protocol: best.protocol, how: 'answered', evidence: probeEvidence(best.probe) };
  return configured(hop, wanted);
}

/** A uwsgi question answered as servers of HTTP refuse it, and applications behind uWSGI may, too. */
function isAmbiguous({ request, outcome }: ProbeResult): boolean {
  return request.kind === 'uwsgi' && outcome.state === 'answered' && outcome.speaks === 'http';
}

/** The same where the peer does answer plain HTTP: then it is a server of HTTP. */
function isRefusedAsHttp(probe: ProbeResult, hop: Hop): boolean {
  return isAmbiguous(probe) && hop.probes.some(other => other.request.kind === 'http' && answersAsAsked(other));
}

/** In which protocol a question is asked. A bare connection asks nothing. */
function questionOf({ request }: ProbeResult): string | undefined {
  return { http: 'HTTP', idle: 'HTTP', upgrade: 'HTTP', tls: 'TLS', fastcgi: 'FastCGI', uwsgi: 'uwsgi', ajp: 'AJP', connect: undefined, dns: undefined }[
    request.kind
  ];
}

function answerOf({ request, outcome }: ProbeResult): string | undefined {
  if (outcome.state !== 'answered') return undefined;
  switch (outcome.speaks) {
    case 'http':
      return saysPlainToTls(outcome.answer.head) ? 'TLS' : (bannerOf(outcome.answer.head ?? '') ?? 'HTTP');
    case 'uwsgi':
      return 'uwsgi';
    case 'tls':
      // A plain answer to a TLS question is read as HTTP; a record is TLS, whatever became of the handshake.
      return 'TLS';
    case 'fastcgi':
      return 'FastCGI';
    case 'ajp':
      return 'AJP';
    case 'http2':
      return 'HTTP/2';
    case 'dns':
      return undefined;
    case 'other':
      return request.kind === 'connect' ? undefined : bannerOf(outcome.answer.head ?? '');
  }
}

/** Servers that are no web backends, by the first bytes that they send. */
function bannerOf(head: string): string | undefined {
  if (head.includes('trying to access MongoDB over HTTP')) return 'MongoDB';
  if (head.startsWith('SSH-')) return 'SSH';
  if (head.startsWith('AMQP')) return 'AMQP';
  if (head.startsWith('* OK')) return 'IMAP';
  if (head.startsWith('+OK')) return 'POP3';
  if (head.startsWith('220')) return /ftp/i.test(head.slice(0, 80)) ? 'FTP' : 'SMTP';
  if (head.startsWith('-ERR') || head.startsWith('-NOAUTH') || head.startsWith('-DENIED')) return 'Redis';
  if (head.startsWith('ERROR\r\n')) return 'memcached';
  // A packet of less than 64 KiB, number 0 or 1, with the greeting's version 10 or an error.
  const isPacket = head.length > 8 && head[2] === '\0' && (head[3] === '\0' || head[3] === '\u0001');
  if (isPacket && (head[4] === '\n' || head[4] === '\u00ff')) return 'MySQL';
  return undefined;
}

/** Programs that never speak what nginx can pass. */
const programs: Readonly<Record<string, string>> = {
  sshd: 'SSH',
  'redis-server': 'Redis',
  'valkey-server': 'Redis',
  postgres: 'PostgreSQL',
  mysqld: 'MySQL',
  mariadbd: 'MySQL',
  mongod: 'MongoDB',
  memcached: 'memcached',
  exim4: 'SMTP',
  dovecot: 'IMAP',
};

function configured(hop: Hop, wanted: string): Spoken | undefined {
  const { service, master } = hop;
  const program = master === undefined ? undefined : programs[master.comm];
  if (program !== undefined && master !== undefined) {
    return {
      protocol: program,
      how: 'configured',
      evidence: { source: `proc:${master.pid}`, text: `pid ${master.pid} (${master.comm}) listens on ${hop.peer.id}` },
    };
  }
  if (service?.speaks === undefined || service.kind === 'nginx' || service.kind === 'apache') return undefined;
  const protocol = { http: 'HTTP', fastcgi: 'FastCGI', uwsgi: 'uwsgi', tls: 'TLS', ajp: 'AJP', http2: 'HTTP/2', dns: undefined, other: undefined }[
    service.speaks
  ];
  // Whether a server of HTTP was given a certificate is not always in its command line.
  if (protocol === undefined || (protocol === 'HTTP' && wanted === 'TLS' && service.kind !== 'gunicorn')) return undefined;
  const said = master === undefined ? service.name : `pid ${master.pid}: ${master.argv.join(' ').slice(0, 200)}`;
  return { protocol, how: 'configured', evidence: { source: master === undefined ? service.id : `proc:${master.pid}`, text: said } };
}

/** Whether the failing requests went out in the scheme of these routes, as the log prints it. */
function isOf(symptom: Symptom, routes: readonly Route[]): boolean {
  const schemes = new Set(routes.map(schemeOf));
  return symptom.errorGroups.length === 0 || symptom.errorGroups.some(group => group.scheme === undefined || schemes.has(group.scheme));
}

function schemeOf({ pass, tls }: Route): string {
  if (pass === 'proxy') return tls ? 'https' : 'http';
  if (pass === 'uwsgi') return tls ? 'suwsgi' : 'uwsgi';
  return pass === 'grpc' && tls ? 'grpcs' : pass;
}

/** Ids of messages that `mismatchDetection` fills. */
export type MismatchMessage = 'answered' | 'configured';

/** The finding that a mismatch makes: proven where the peer answered, likely where its program and the log fit. */
export function mismatchDetection(hop: Hop, mismatch: Mismatch): Detection<MismatchMessage> {
  const { wanted, spoken, routes, symptoms } = mismatch;
  const [route] = routes;
  const isOngoing = symptoms.length === 0 || symptoms.some(symptom => symptom.ongoing);
  const directive = route === undefined ? 'nginx' : `${route.pass}_pass ${route.target}`;
  const place = route === undefined ? 'its configuration' : `${route.origin.path}:${route.origin.line}`;
  const [first, ...rest] = mismatchEvidence(mismatch);
  const config = routes.slice(0, 3).map(one => configEvidence(one.origin, `${one.pass}_pass ${one.target};`));
  return {
    confidence: spoken.how === 'answered' ? 'confirmed' : 'likely',
    status: isOngoing ? 'active' : 'past',
    subject: hop.subject,
    messageId: spoken.how,
    data: { directive, place, wanted, spoken: spoken.protocol, address: hop.peer.id, service: hop.service?.name ?? 'a program' },
    evidence: [first, ...rest, ...config],
    symptoms: symptoms.map(symptom => symptom.id),
    fixData: { wanted, spoken: spoken.protocol, places: routes.map(one => one.origin), isOnlyPeer: hop.groups.every(group => group.peerIds.length <= 1) },
  };
}
