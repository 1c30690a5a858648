/** How formats are called that were guessed. */
import type { FieldRole, LinePlan } from '../scan/plan.ts';

const words: Readonly<Partial<Record<FieldRole, string>>> = {
  status: 'status',
  'request-time': 'time of the request',
  peer: 'upstream address',
  'upstream-status': 'upstream status',
  'upstream-time': 'upstream time',
  'header-time': 'upstream header time',
  'connect-time': 'upstream connect time',
  server: 'server',
  reason: 'reason',
};

/** The same for the same plan, whichever file it was guessed from. */
export function guessedId(plan: LinePlan): string {
  return `guessed-${planHash(plan)}`;
}

/** Eight digits that tell plans apart. */
export function planHash(plan: unknown): string {
  let hash = 0x811c9dc5;
  for (const character of JSON.stringify(plan)) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193) >>> 0;
  return hash.toString(16).padStart(8, '0');
}

/** `access log of an unknown format (guessed: status, upstream address)` */
export function guessedTitle(what: string, roles: readonly FieldRole[]): string {
  return `${what} (guessed: ${roles.flatMap(role => words[role] ?? []).join(', ')})`;
}
