/**
 * Who made an error answer: the application, nginx itself or the client, by the upstream variables of its log line.
 *
 * Source: nginx 1.22.1, seen live. nginx writes its own 502 and 504 into `$upstream_status`, so only the header time
 * shows that the backend answered; any other status in it is the backend's own.
 */
import type { MadeBy } from '../model/facts/logs.ts';

export interface AnswerFacts {
  readonly status: number;
  /** Items of each list, one a try; absent where the format lacks the variable, empty where it is `-`. */
  readonly addresses?: readonly string[];
  readonly statuses?: readonly string[];
  readonly connectTimes?: readonly string[];
  readonly headerTimes?: readonly string[];
  readonly bytesReceived?: readonly string[];
}

export interface Attribution {
  readonly madeBy: MadeBy;
  /** Only for `unknown`: what the format lacks. */
  readonly because?: string;
}

/** Statuses with which nginx answers for the client's own doing when no upstream was asked. */
const clientStatuses = new Set([400, 408, 413, 414, 431, 494, 495, 496, 497, 499]);

export function attributeAnswer(facts: AnswerFacts): Attribution {
  const { status, statuses, addresses } = facts;
  if (status === 499) return { madeBy: 'client' };
  if (statuses === undefined) {
    if (addresses?.length === 0) return { madeBy: clientStatuses.has(status) ? 'client' : 'nginx' };
    if (facts.headerTimes !== undefined && (facts.headerTimes.at(-1) ?? '-') === '-') return { madeBy: 'nginx' };
    return { madeBy: 'unknown', because: 'the log format lacks $upstream_status' };
  }
  // Behind a good answer, or one that error_page put in place of the failing one, the failing try counts.
  const hidden = status < 499 ? statuses.findIndex(one => Number(one) >= 500) : -1;
  const failed = hidden === -1 ? statuses.length - 1 : hidden;
  const item = statuses[failed];
  if (item === undefined || item === '-' || item === '') return { madeBy: clientStatuses.has(status) ? 'client' : 'nginx' };
  // A status of `009` is what nginx logs when the backend sent a body without any header.
  if (status < 100) return { madeBy: 'backend' };
  if (Number(item) < 400) return { madeBy: 'nginx' };
  if (item !== '502' && item !== '504') return { madeBy: 'backend' };
  return whoseGatewayError(facts, failed);
}

/** A 502 or 504 in `$upstream_status`: nginx's own, unless a response header came. */
function whoseGatewayError(facts: AnswerFacts, index: number): Attribution {
  // A list of one `-` has no items.
  if (facts.headerTimes !== undefined) return { madeBy: (facts.headerTimes[index] ?? '-') === '-' ? 'nginx' : 'backend' };
  const address = facts.addresses?.[index];
  if (address !== undefined && isGroupName(address)) return { madeBy: 'nginx' };
  if (facts.connectTimes !== undefined && (facts.connectTimes[index] ?? '-') === '-') return { madeBy: 'nginx' };
  if (facts.bytesReceived?.[index] === '0') return { madeBy: 'nginx' };
  return { madeBy: 'unknown', because: 'the log format lacks $upstream_header_time' };
}

/** A name without a port is a group that had no live server. */
function isGroupName(address: string): boolean {
  return address !== '' && !address.startsWith('unix:') && !/:\d+$/u.test(address);
}
