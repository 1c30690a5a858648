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
 * Shares out memory: each pool gets its wish where that fits into every room; otherwise what it needs, and an even share of what is
 * left towards its wish; and where not even the needs fit, the same share of its need. Never more than a room has, and with more
 * memory never less. Rooms are taken in the order given, so an inner one comes before the one around it.
 */
export function allocate(claims: readonly Claim[], rooms: readonly Room[]): ReadonlyMap<string, number> {
  const state = new Map(claims.map(claim => [claim.id, claim]));
  for (const room of rooms) {
    const members = [...state.values()].filter(claim => room.members.has(claim.id));
    const bytes = Math.max(0, Math.floor(room.bytes));
    const wishes = costOf(members, claim => claim.wish);
    if (wishes <= bytes) continue;
    const needs = costOf(members, claim => claim.least);
    for (const claim of members) {
      const floor = Math.min(claim.free, claim.least);
      const granted =
        needs <= bytes ? claim.least + share(claim.wish - claim.least, bytes - needs, wishes - needs) : floor + share(claim.least - floor, bytes, needs);
      state.set(claim.id, { ...claim, wish: granted, least: Math.min(claim.least, granted) });
    }
  }
  return new Map([...state.values()].map(claim => [claim.id, claim.wish]));
}

/** Memory that so many units of each take beyond those that are free. */
export function costOf(claims: readonly Claim[], units: (claim: Claim) => number): number {
  return claims.reduce((sum, claim) => sum + Math.max(0, units(claim) - claim.free) * Math.ceil(claim.bytesEach), 0);
}

/** `units × part / whole`, rounded down without the error of a quotient: it must not be one unit more than there is memory for, nor one less. */
function share(units: number, part: number, whole: number): number {
  if (whole <= 0 || ![units, part, whole].every(number => Number.isSafeInteger(number))) return 0;
  return Number((BigInt(units) * BigInt(Math.min(part, whole))) / BigInt(whole));
}
