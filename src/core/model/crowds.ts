import { groupBy } from './group-by.ts';

/**
 * More of one kind than this are a crowd: workers that were forked for the same purpose. So many of them, spread over all, must say
 * the same before it is taken as said of the others.
 */
const mostApart = 32;
const witnessesEach = 8;

export interface Crowd<T> {
  readonly members: readonly T[];
  readonly witnesses: readonly T[];
}

/** Where `kindOf` gives nothing, one stands for itself alone. */
export function crowdsOf<T>(all: readonly T[], kindOf: (one: T) => string | undefined): readonly Crowd<T>[] {
  return [...groupBy(all, kindOf).values()].filter(members => members.length > mostApart).map(members => ({ members, witnesses: spreadOver(members) }));
}

function spreadOver<T>(members: readonly T[]): readonly T[] {
  const places = Array.from({ length: witnessesEach }, (_, index) => Math.floor((index * (members.length - 1)) / (witnessesEach - 1)));
  return places.flatMap(place => members.slice(place, place + 1));
}
