/**
 * What is known of one thing on the host. "Could not be read" is a value of its own and never an
 * empty list: a fault that needs an unread fact is *not assessed*, it does not pass.
 */
export type Known<T> =
  | {
      readonly state: 'known';
      readonly value: T;
      readonly problems?: readonly string[];
      /** Parts that were left out on purpose. */ readonly gaps?: readonly Gap[];
    }
  | Unknown;

/** A part of a fact that was not looked into, and what would do it. */
export interface Gap {
  readonly why: string;
  readonly how: string;
}

/** Why a fact is not there. `how` says what would make it readable, in words for the person at the terminal. */
export interface Unknown {
  readonly state: 'absent' | 'denied' | 'timeout' | 'unparsable';
  readonly why: string;
  readonly how?: string;
}

/** A value that was read. `problems` lists the parts that were not understood or not reached, `gaps` those that a person can still look into. */
export function known<T>(value: T, problems: readonly string[] = [], gaps: readonly Gap[] = []): Known<T> {
  return { state: 'known', value, ...(problems.length === 0 ? {} : { problems }), ...(gaps.length === 0 ? {} : { gaps }) };
}

/** The thing is not there: no such file, program or process. */
export function absent(why: string, how?: string): Unknown {
  return unknown('absent', why, how);
}

/** It is there, and this user may not read it. `how` says what would be needed. */
export function denied(why: string, how?: string): Unknown {
  return unknown('denied', why, how);
}

/** It did not answer in time. */
export function timedOut(why: string, how?: string): Unknown {
  return unknown('timeout', why, how);
}

/** It was read and means nothing to us. */
export function unparsable(why: string, how?: string): Unknown {
  return unknown('unparsable', why, how);
}

/** The value, or `fallback` where it is not known. Only for places where not knowing makes no difference. */
export function valueOr<T, F>(fact: Known<T>, fallback: F): T | F {
  return fact.state === 'known' ? fact.value : fallback;
}

function unknown(state: Unknown['state'], why: string, how: string | undefined): Unknown {
  return how === undefined ? { state, why } : { state, why, how };
}
