/**
 * What a line of an nginx access log means, by its upstream variables.
 *
 * Source: nginx 1.22.1, seen live: `$upstream_addr` is a group's name where no server of the group was usable, empty for
 * a try that failed before it had an address; a status below 100 is a backend's body without any header.
 */
import type { MessageClass } from '../../model/facts/logs.ts';
import { upstreamTries } from '../../parsers/upstream-lists.ts';
import { attributeAnswer, type AnswerFacts } from '../attribution.ts';
import type { FieldValues, Outcome } from '../scan/format.ts';
import type { FieldRole } from '../scan/plan.ts';
import { isFailure, methodOf, outcome, present, statusOf } from './outcome.ts';

export type NginxEscape = 'default' | 'json' | 'none';

/** The outcome of lines whose format has the fields of `roles`. */
export function nginxOutcome(roles: readonly FieldRole[], escape: NginxEscape): (values: FieldValues) => Outcome {
  const has = new Set(roles);
  return values => outcomeOf(values, has, escape);
}

function outcomeOf(values: FieldValues, has: ReadonlySet<FieldRole>, escape: NginxEscape): Outcome {
  const status = statusOf(values.status);
  const facts = factsOf(values, status, has, escape);
  const addresses = facts.addresses ?? [];
  const hidden = status > 0 && status < 499 ? failedTries(facts.statuses ?? []) : [];
  const failed = isFailure(status) || hidden.length > 0;
  const attribution = failed ? attributeAnswer(facts) : { madeBy: makerOfGood(facts) };
  const peer = present(addresses.at(-1)) ?? present(values.group);
  const parts = {
    status,
    failed,
    ...attribution,
    peer,
    hiddenPeers: hidden.length === 0 ? undefined : [...new Set(hidden.flatMap(index => present(addresses[index]) ?? []))],
    server: present(values.server),
    method: methodOf(values),
  };
  return outcome({ ...parts, class: failed && hidden.length === 0 ? classOf(status, facts, present(addresses.at(-1))) : undefined });
}

function factsOf(values: FieldValues, status: number, has: ReadonlySet<FieldRole>, escape: NginxEscape): AnswerFacts {
  const list = (role: FieldRole): readonly string[] | undefined => {
    if (!has.has(role)) return undefined;
    const value = values[role] ?? '';
    // A missing value is `-`, or nothing where values are not escaped as text; an address may also be empty.
    return value === '' && (escape !== 'default' || role !== 'peer') ? [] : upstreamTries(value);
  };
  const [addresses, statuses, connectTimes, headerTimes] = [list('peer'), list('upstream-status'), list('connect-time'), list('header-time')];
  return {
    status,
    ...(addresses === undefined ? {} : { addresses }),
    ...(statuses === undefined ? {} : { statuses }),
    ...(connectTimes === undefined ? {} : { connectTimes }),
    ...(headerTimes === undefined ? {} : { headerTimes }),
  };
}

/** Places of the tries that failed. */
function failedTries(statuses: readonly string[]): readonly number[] {
  return statuses.flatMap((one, index) => (Number(one) >= 500 ? [index] : []));
}

function makerOfGood({ statuses, addresses }: AnswerFacts): 'backend' | 'nginx' | 'unknown' {
  const tries = statuses ?? addresses;
  if (tries === undefined) return 'unknown';
  return tries.length > 0 ? 'backend' : 'nginx';
}

function classOf(status: number, { statuses }: AnswerFacts, peer: string | undefined): MessageClass | undefined {
  if (status < 100) return 'no-valid-header';
  const isGroup = peer !== undefined && !peer.startsWith('unix:') && !/:\d{1,5}$/u.test(peer);
  return status === 502 && isGroup && statuses?.at(-1) === '502' ? 'no-live-upstreams' : undefined;
}
