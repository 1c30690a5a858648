import { linesOf, wholeNumber } from './text.ts';

/** Names by id. */
export type IdNames = ReadonlyMap<number, string>;

/**
 * The names by id of `/etc/passwd` (passwd(5): `www-data:x:33:33:www-data:/var/www:/usr/sbin/nologin`) or of
 * `/etc/group` (group(5): `www-data:x:33:`). The first name of an id wins, as for getpwuid.
 */
export function parseIdNames(text: string): IdNames {
  const names = new Map<number, string>();
  for (const line of linesOf(text)) {
    const [name, , id] = line.split(':', 3);
    const value = wholeNumber(id);
    if (name !== undefined && name !== '' && value !== undefined && !names.has(value)) names.set(value, name);
  }
  return names;
}

/** The home folders of a user id by `/etc/passwd`, in the order of the file: several names may share an id. */
export function homesOf(text: string, uid: number): readonly string[] {
  const homes: string[] = [];
  for (const line of linesOf(text)) {
    const [, , id, , , home] = line.split(':', 7);
    if (wholeNumber(id) === uid && home !== undefined && home.startsWith('/')) homes.push(home);
  }
  return homes;
}
