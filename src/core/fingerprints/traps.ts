import type { Certainty, Layer, Trap } from '../model/fingerprint.ts';
import { claimOf, has, type Sighting } from './sightings.ts';
import { upperFirst } from '../model/upper-first.ts';
import { isEmpty, valueOf, type View } from './view.ts';

export interface TrapFacts {
  readonly view: View;
  readonly author: Sighting | undefined;
  readonly contradiction: Sighting | undefined;
  /** Why the author's page may stand in the place of another's. */
  readonly replacing: string | undefined;
  readonly lookAlikes: readonly Sighting[];
  readonly there: readonly Sighting[];
  readonly isOrderUncertain: boolean;
  readonly rewriter: Layer | undefined;
  readonly certainty: Certainty | undefined;
}

/** What may make the reading wrong, as far as this answer is concerned. */
export function trapsOf({ view, author, contradiction, replacing: mayReplace, lookAlikes, there, isOrderUncertain, rewriter, certainty }: TrapFacts): Trap[] {
  const traps: Trap[] = [];
  if (author !== undefined) traps.push(...ofAuthor(author, contradiction, certainty, view), ...otherPages(author, there));
  if (author !== undefined && lookAlikes.length > 0 && claimOf(author) === 2) {
    traps.push({ id: 'same-page', text: `The page alone does not tell it: ${names(lookAlikes)} write the same.` });
  }
  if (author === undefined && lookAlikes.length > 0) {
    traps.push({
      id: 'same-page',
      text: `${names(lookAlikes)} and many programs answer so: ${isEmpty(view) ? 'without a page they are not told apart' : 'the page tells nobody apart'}.`,
    });
  }
  const replacing = there.find(sighting => has(sighting, 'replaced'));
  if (replacing !== undefined) {
    traps.push({ id: 'page-replaced', text: `The page is that of ${replacing.product.title}, the status is that of a server behind it.` });
  }
  if (mayReplace !== undefined) traps.push({ id: 'page-replaced', text: mayReplace });
  if (isOrderUncertain) traps.push({ id: 'order-unknown', text: 'Which of the layers stands before which is not told by the answer.' });
  if (rewriter !== undefined) {
    traps.push({ id: 'hidden-layers', text: 'A proxy before the others has left nothing but the way in which the head is written.' });
  }
  if (view.status >= 400 && !view.isWhole) {
    traps.push(
      view.body === ''
        ? { id: 'no-body', text: 'The answer was taken without its body, by which most products are known.' }
        : { id: 'body-cut', text: 'The body was not read to its end.' },
    );
  }
  return traps;
}

function ofAuthor(author: Sighting, contradiction: Sighting | undefined, certainty: Certainty | undefined, view: View): Trap[] {
  const { title, namesItself } = author.product;
  const traps: Trap[] = [];
  if (contradiction !== undefined) {
    const other = contradiction.product.title;
    traps.push({
      id: 'server-field-of-another',
      text: `The page is that of ${title} and the Server field that of ${other}: the field of ${title} was removed behind ${other}, or the page is a copy.`,
    });
  }
  const isNamed = author.found.some(({ clue }) => clue.part === 'header');
  if (namesItself && has(author, 'page') && !isNamed && valueOf(view, 'server') === undefined) {
    traps.push({ id: 'server-field-removed', text: `${upperFirst(title)} puts its name into the Server field of its errors; here somebody has removed it.` });
  }
  if (certainty !== 'sure' && has(author, 'page') && !isEmpty(view)) {
    traps.push({ id: 'page-can-be-copied', text: 'A page is only text: a rule with a fixed response, or an application, can send the same.' });
  }
  return traps;
}

/** A page of another in the hands of one who says that he answered himself: a fixed response, or an error page of somebody's own. */
function otherPages(author: Sighting, there: readonly Sighting[]): Trap[] {
  const other = there.find(one => one !== author && has(one, 'page'));
  if (other === undefined || !has(author, 'own')) return [];
  return [
    {
      id: 'page-can-be-copied',
      text: `The page looks like that of ${other.product.title}, and the fields say that ${author.product.title} made the answer: a fixed response can show any page.`,
    },
  ];
}

function names(sightings: readonly Sighting[]): string {
  return sightings.map(({ product }) => product.title).join(', ');
}
