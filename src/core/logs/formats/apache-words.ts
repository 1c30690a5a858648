/** What the messages of Apache's proxy mean, whichever release wrote them: the error of the system and the reason of an answer. */
import type { MessageClass } from '../../model/facts/logs.ts';
import { present } from './outcome.ts';

const connectErrors: Readonly<Record<string, MessageClass>> = {
  '111': 'connect-refused',
  '110': 'connect-timeout',
  '113': 'connect-unreachable',
  '101': 'connect-unreachable',
  '104': 'connect-reset',
  '2': 'connect-no-file',
  '13': 'connect-denied',
  '11': 'connect-queue-full',
  '99': 'connect-no-local-port',
  '24': 'too-many-open-files',
};

/** What it means that a connection was not made, by the error before it: `(111)Connection refused`. */
export function connectClass(before: string): MessageClass {
  if (before.includes('timeout specified has expired')) return 'connect-timeout';
  return connectErrors[/^\((\d{1,3})\)/u.exec(before)?.[1] ?? ''] ?? 'connect-other';
}

/** What it means that an answer could not be read, by the error before it. */
export function readClass(before: string): MessageClass {
  if (before.includes('timeout specified has expired') || before.startsWith('(110)')) return 'read-timeout';
  if (before.startsWith('(104)') || before.startsWith('(32)')) return 'reset';
  return 'premature-close';
}

/** `AH00898` gives the reason of the answer; where that is the reading, the line before it has told already. */
export function returnedClass(text: string): MessageClass {
  if (text.startsWith('DNS lookup failure')) return 'host-not-found';
  if (text.startsWith('Error during SSL Handshake')) return 'tls-handshake';
  return text.startsWith('Error reading from remote server') ? 'notice' : 'protocol-error';
}

/** A peer as it is told elsewhere. */
export function peerIn(value: string | undefined): string | undefined {
  const peer = present(value);
  return peer?.startsWith('/') === true ? `unix:${peer}` : peer;
}
