import type { Finding } from '../model/finding.ts';
import type { ProbeRequest, ProbeResult } from '../model/probe.ts';
import type { Report } from '../model/report.ts';

type HttpRequest = Extract<ProbeRequest, { kind: 'http' | 'tls' }>;

const safePath = /^\/[\w\-./~%]*$/;

/**
 * A GET through nginx to a page that the finding makes fail, as a client would ask: a page of the log where one failed, else a path
 * that the location of its backend takes. `undefined` where none is known; requests that failed with another method are not repeated.
 */
export function liveRequest(report: Report, finding: Finding): HttpRequest | undefined {
  if (!isForGet(finding)) return undefined;
  const { topology } = report;
  const symptoms = report.symptoms.filter(symptom => finding.symptoms.includes(symptom.id) && symptom.probe === undefined);
  const groups = new Set(topology.peers.filter(peer => finding.subject.peers.includes(peer.id)).flatMap(peer => peer.groupIds));
  const routes = topology.routes.filter(route => route.groupId !== undefined && groups.has(route.groupId));
  const asked = symptoms.find(({ method, urlTemplate }) => (method ?? 'GET') === 'GET' && urlTemplate !== undefined && safePath.test(urlTemplate));
  const route = routes.find(one => one.samplePath !== undefined && safePath.test(one.samplePath));
  const server =
    topology.servers.find(one => asked?.server !== undefined && one.names.includes(asked.server)) ??
    topology.servers.find(one => one.id === (route ?? routes[0])?.serverId) ??
    (topology.servers.length === 1 ? topology.servers[0] : undefined);
  const path = asked?.urlTemplate ?? (symptoms.some(({ method }) => method !== undefined && method !== 'GET') ? undefined : route?.samplePath);
  const listen = server?.listens.find(one => !one.tls) ?? server?.listens[0];
  if (server === undefined || listen === undefined || path === undefined) return undefined;
  const { address } = listen;
  if (address.kind === 'udp') return undefined;
  const wild: Readonly<Record<string, string>> = { '*': '127.0.0.1', '0.0.0.0': '127.0.0.1', '::': '::1', '[::]': '::1' };
  const here = address.kind === 'tcp' ? { ...address, host: wild[address.host] ?? address.host } : address;
  const name = server.names.find(one => /^[\w.-]+$/.test(one) && one !== '_') ?? 'localhost';
  const common = { address: here, path, hostHeader: name, timeoutMs: 15_000 } as const;
  return listen.tls ? { kind: 'tls', serverName: name, ...common } : { kind: 'http', ...common };
}

/** The handshake of a WebSocket is no page, and a large body is no GET: what a GET gets says nothing of them. */
function isForGet({ fault }: Finding): boolean {
  return fault !== 'websocket-upgrade-missing' && fault !== 'request-body-too-large' && fault !== 'request-header-too-big-for-backend';
}

/** What keeps badhop itself from asking, and says nothing of nginx. */
const ownLimits: ReadonlySet<string> = new Set(['EADDRNOTAVAIL', 'EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM', 'EACCES', 'EPERM']);

/** Whether a client would have got a page; `undefined` where the question could not be asked. */
export function isServed({ outcome }: ProbeResult): boolean | undefined {
  if (outcome.state === 'not-asked' || (outcome.state === 'connect-failed' && ownLimits.has(outcome.code))) return undefined;
  if (outcome.state !== 'answered') return false;
  const { status } = outcome.answer;
  return status === undefined ? undefined : status < 500;
}

/** What came, in a few words: `502`, `no answer`. */
export function answerText({ outcome }: ProbeResult): string {
  switch (outcome.state) {
    case 'answered':
      return outcome.answer.status === undefined ? 'something that is no HTTP' : String(outcome.answer.status);
    case 'connect-failed':
      return outcome.code;
    case 'connect-timeout':
    case 'no-answer':
      return 'no answer in time';
    case 'closed':
      return 'a closed connection';
    case 'connected':
    case 'not-asked':
      return 'nothing';
  }
}
