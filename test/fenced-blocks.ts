import { isThere, textOf } from './source-files.ts';

/** A fenced block of a page. */
export interface Block {
  /** Its info string. */
  readonly info: string;
  readonly text: string;
}

/** The fenced blocks of a page with their info strings. */
export function blocksOf(page: string): readonly Block[] {
  if (!isThere(page)) return [];
  return [...textOf(page).matchAll(/^```(.*)\n([\s\S]*?)\n```$/gm)].map(([, info = '', text = '']) => ({ info: info.trim(), text }));
}
