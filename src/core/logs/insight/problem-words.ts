/** Titles of problems. */
import type { MadeBy, MessageClass } from '../../model/facts/logs.ts';
import type { Group } from './groups.ts';
import { countOf, countText, listText } from './words.ts';

/** What happened, so that it reads behind a colon. */
const reasons: Readonly<Partial<Record<MessageClass, string>>> = {
  'connect-refused': 'the connection to the backend was refused',
  'connect-timeout': 'connecting to the backend took too long',
  'connect-reset': 'the connection was reset while it was made',
  'connect-no-file': "the backend's socket is not there",
  'connect-denied': "connecting to the backend's socket is not permitted",
  'connect-queue-full': "the backend's queue of connections is full",
  'connect-unreachable': 'the backend cannot be reached over the network',
  'connect-no-local-port': 'there is no free local port towards the backend',
  'connect-other': 'the connection to the backend failed',
  'too-many-open-files': 'there are too many open files',
  'worker-connections': 'the worker connections are used up',
  'send-timeout': 'sending to the backend took too long',
  'read-timeout': 'the backend did not answer in time',
  reset: 'the backend reset the connection',
  'premature-close': 'the backend closed the connection before it answered',
  truncated: 'the answer broke off',
  'header-too-big': "the header of the backend's answer is too big",
  'invalid-header': "the header of the backend's answer is not valid",
  'no-valid-header': "the backend's answer has no valid header",
  'protocol-error': 'the backend speaks another protocol',
  'no-live-upstreams': 'no server of the upstream is usable',
  'host-not-found': "the backend's name cannot be resolved",
  'resolver-timeout': 'the name server does not answer',
  'resolver-missing': 'no resolver is configured',
  'resolver-error': 'the name server answered with an error',
  'tls-wrong-version': 'the backend does not speak TLS there',
  'tls-handshake': 'the TLS handshake with the backend failed',
  'tls-verify': "the backend's certificate was not accepted",
  'tls-other': 'TLS with the backend failed',
  'temp-file': 'a temporary file could not be written',
  'disk-full': 'the disk is full',
  'auth-request': 'the subrequest for authorisation failed',
  'worker-died': 'a worker process died',
  'out-of-memory': 'there was no memory left',
  'pool-full': 'all workers of the backend are busy',
  'request-killed': 'the backend stopped a request that took too long',
  'app-error': 'the application failed',
};

const makers: Readonly<Record<MadeBy, string>> = {
  backend: ' by the backend itself',
  nginx: ' by nginx',
  proxy: ' by the proxy',
  client: '',
  unknown: '',
};

export function titleOf(group: Group, kind: MessageClass | undefined): string {
  const { count, status, madeBy } = group;
  const reason = kind === undefined ? undefined : reasons[kind];
  if (group.kind === 'retries') {
    const at = group.peers.size === 0 ? 'the first peer' : listText([...group.peers.keys()], 2);
    return `${countOf(count, 'request')} succeeded only at a second try, after ${at} had failed${reason === undefined ? '' : `: ${reason}`}`;
  }
  if (group.kind === 'messages') return `${countOf(count, 'message')}: ${reason ?? group.message ?? 'an error'}`;
  const verb = Math.round(count) === 1 ? 'was' : 'were';
  if (madeBy === 'client')
    return `${countText(count)} clients left before they were answered`.replace(/^1 clients left before they were/u, '1 client left before it was');
  const answer = status === undefined ? 'failed' : `${verb} answered with ${status}${makers[madeBy]}`;
  return `${countOf(count, 'request')} ${answer}${reason === undefined ? '' : `: ${reason}`}`;
}

export function reasonOf(kind: MessageClass): string {
  return reasons[kind] ?? kind;
}
