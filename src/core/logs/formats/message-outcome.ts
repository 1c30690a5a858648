/** What the messages of error logs have in common. */
import { failingClasses, type MadeBy, type MessageClass } from '../../model/facts/logs.ts';
import type { BackendLine } from '../../parsers/backend-line.ts';
import type { Outcome } from '../scan/format.ts';
import { outcome } from './outcome.ts';

const longestMessage = 240;

export interface MessageParts {
  readonly class: MessageClass;
  readonly madeBy: MadeBy;
  readonly level?: string | undefined;
  readonly message: string;
  readonly server?: string | undefined;
  readonly method?: string | undefined;
  readonly peer?: string | undefined;
  /** Where it does not follow from the class. */
  readonly failed?: boolean;
}

export function messageOutcome({ message, failed, ...parts }: MessageParts): Outcome {
  return outcome({ ...parts, status: 0, failed: failed ?? failingClasses.has(parts.class), message: shown(message) });
}

/** The class of a line of a backend's own log; `notice` or `other` by its level where the line is none that tells. */
export function backendClass(line: BackendLine | undefined, level: string): MessageClass {
  const of = line === undefined ? undefined : classes[line.kind];
  return of ?? (/^(?:error|critical|alert|emerg|crit|fatal|severe)$/u.test(level) ? 'other' : 'notice');
}

const classes: Readonly<Partial<Record<BackendLine['kind'], MessageClass>>> = {
  'pool-full': 'pool-full',
  'listen-queue-full': 'pool-full',
  'request-killed': 'request-killed',
  'worker-signal': 'worker-died',
  'worker-exit': 'worker-died',
  'out-of-memory': 'out-of-memory',
  'too-many-open-files': 'too-many-open-files',
  'address-in-use': 'bind-failed',
  'app-error': 'app-error',
  'dependency-error': 'app-error',
  'worker-recycled': 'notice',
  'slow-request': 'notice',
  started: 'notice',
  stopped: 'notice',
  gone: 'notice',
  detail: 'notice',
};

/** A number that was taken out reads `N`, so that nobody takes it for one. */
function shown(message: string): string {
  const text = message.replace(/(?<![(\d])0(?!\d)/gu, 'N').trim();
  return text.length > longestMessage ? `${text.slice(0, longestMessage)}…` : text;
}
