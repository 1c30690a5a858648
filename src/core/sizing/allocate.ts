/** What one pool claims of the memory that it shares. */
export interface Claim {
  readonly id: string;
  /** What it needs at least, and what it would like to have; whole numbers, `least <= wish`. */
  readonly least: number;
  readonly wish: number;
  /** Units that cost nothing more, as threads that are there already. */
  readonly free: number;
  /** Rounded up. */
  readonly bytesEach: number;
}

/** Memory, and the claims that it has to bear. */
export interface Room {
  readonly bytes: number;
  readonly members: ReadonlySet<string>;
}

/**
 * Shares out memory: each pool gets its wish where that fits into every room; otherwise what it needs, and of what is left as much as
 * any other, up to its wish; and where not even the needs fit, as much as any other, up to its need. So the largest are cut, and a small
 * one is left alone. Never more than a room has, and with more memory never less. Rooms are taken in the order given, so an inner one
 * comes before the one around it.
 */
export function allocate(claims: readonly Claim[], rooms: readonly Room[]): ReadonlyMap<string, number> {
  const state = new Map(claims.map(claim => [claim.id, claim]));
  for (const room of rooms) {
    const members = [...state.values()].filter(claim => room.members.has(claim.id));
    const bytes = Math.max(0, Math.floor(room.bytes));
    if (costOf(members, claim => claim.wish) <= bytes) continue;
    const needs = costOf(members, claim => claim.least);
    const granted =
      needs <= bytes
        ? fill(members, bytes - needs, claim => [Math.max(claim.least, Math.min(claim.free, claim.wish)), claim.wish])
        : fill(members, bytes, claim => [Math.min(claim.free, claim.least), claim.least]);
    for (const [claim, units] of granted) state.set(claim.id, { ...claim, wish: units, least: Math.min(claim.least, units) });
  }
  return new Map([...state.values()].map(claim => [claim.id, claim.wish]));
}

/** Raises every claim from the one number of units to the other, each by the same memory, as far as the bytes go. */
function fill(claims: readonly Claim[], bytes: number, range: (claim: Claim) => readonly [from: number, to: number]): ReadonlyMap<Claim, number> {
  const open = claims
    .map(claim => {
      const [from, to] = range(claim);
      return { claim, from, more: to - from, each: Math.max(1, Math.ceil(claim.bytesEach)) };
    })
    .toSorted((a, b) => a.more * a.each - b.more * b.each);
  let left = bytes;
  return new Map(
    open.map(({ claim, from, more, each }, index) => {
      // Those that want least come first: what they leave is there for the others.
      const part = left / (open.length - index);
      const units = Math.min(more, Math.floor(part / each));
      left -= units === more ? more * each : part;
      return [claim, from + units];
    }),
  );
}

/** Memory that so many units of each take beyond those that are free. */
export function costOf(claims: readonly Claim[], units: (claim: Claim) => number): number {
  return claims.reduce((sum, claim) => sum + Math.max(0, units(claim) - claim.free) * Math.ceil(claim.bytesEach), 0);
}
