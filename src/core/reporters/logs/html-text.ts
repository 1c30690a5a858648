import { escapeText } from '../text.ts';

/** Markup that is safe to put into a page. Only `element` and `join` make it, so a plain string never becomes markup. */
export class Markup {
  readonly html: string;

  constructor(html: string) {
    this.html = html;
  }
}

export type Content = string | Markup | readonly Content[];

const empty = new Set(['meta', 'rect', 'path', 'line', 'br']);

/**
 * An element with its attributes and content. Text is written out as for a terminal, so that what hides or reorders is seen,
 * and then escaped; nothing that a log holds can become markup.
 */
export function element(name: string, attributes: Readonly<Record<string, string | number>> = {}, ...content: readonly Content[]): Markup {
  const written = Object.entries(attributes).map(([key, value]) => ` ${key}="${escapeHtml(String(value))}"`);
  const start = `<${name}${written.join('')}>`;
  return new Markup(empty.has(name) ? `${start.slice(0, -1)}/>` : `${start}${join(content).html}</${name}>`);
}

/** Pieces in a row. */
export function join(content: Content): Markup {
  if (content instanceof Markup) return content;
  return new Markup(typeof content === 'string' ? escapeHtml(content) : content.map(each => join(each).html).join(''));
}

/** Text as it may stand in an element or between double quotes. */
export function escapeHtml(text: string): string {
  return escapeText(text).replaceAll(/[&<>"'`]/g, char => `&#${char.charCodeAt(0)};`);
}
