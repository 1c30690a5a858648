import type { Attribution, Candidate, Layer } from '../model/fingerprint.ts';
import { speaksOfNext } from '../model/speaks-of-next.ts';
import { upperFirst } from '../model/upper-first.ts';

const doubt: Readonly<Record<Layer['certainty'], string>> = { sure: 'answered', likely: 'most likely answered', possible: 'may have answered' };

/** Who answered and by whose hands, for a person who reads one line. */
export function summaryOf(
  status: number,
  answeredBy: Layer | undefined,
  layers: readonly Layer[],
  { narrowed, cannotTell: unknown }: Pick<Attribution, 'narrowed' | 'cannotTell'>,
): string {
  const before = layers.filter(layer => layer !== answeredBy).map(({ title }) => title);
  if (narrowed !== undefined) return `${narrowed.who} made the ${status}. ${narrowed.why}`;
  if (answeredBy === undefined) {
    const way = before.length === 0 ? '' : ` It came through ${listOf(before)}.`;
    return `Who answered ${status} cannot be told.${way}${unknown === undefined ? '' : ` ${unknown.why}`}`;
  }
  const { title, certainty, role } = answeredBy;
  const front = speaksOfNext(status) ? ` ${before.length === 0 ? 'It' : upperFirst(title)} is the front of the bad hop: look at what it passes to.` : '';
  const next = role === 'application' ? ' The request has reached it.' : front;
  if (before.length === 0) return `${upperFirst(title)} ${doubt[certainty]} ${status}.${next}`;
  return `${upperFirst(listOf(before))} passed on the ${status} that ${title} ${doubt[certainty]}.${next}`;
}

/** `Caddy itself, or what stands behind it,`; for the beginning of a sentence. */
export function eitherOf(candidates: readonly Candidate[]): string {
  const titles = candidates.map(({ title, place, product }, index) =>
    place === 'behind' && index > 0 && candidates[index - 1]?.product === product ? 'what stands behind it' : title,
  );
  return upperFirst(titles.length < 2 ? titles.join('') : `${titles.join(', or ')},`);
}

/** `A`, `A and B`, `A, B and C`. */
function listOf(names: readonly string[]): string {
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1) ?? ''}`;
}
