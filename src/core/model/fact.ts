/**
 * What is known of one thing on the host. "Could not be read" is a value of its own and never an
 * empty list: a fault that needs an unread fact is *not assessed*, it does not pass.
 */
export type Known<T> = { readonly state: 'known'; readonly value: T; readonly problems?: readonly string[] } | Unknown;

/** Why a fact is not there. `how` says what would make it readable, in words for the person at the terminal. */
export interface Unknown {
  readonly state: 'absent' | 'denied' | 'timeout' | 'unparsable';
  readonly why: string;
  readonly how?: string;
}

/** A value that was read. `problems` lists the parts that were not understood or not reached. */
export function known<T>(value: T, problems: readonly string[] = []): Known<T> {
  return problems.length === 0 ? { state: 'known', value } : { state: 'known', value, problems };
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
