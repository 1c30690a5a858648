import type { PathFile, PathPart } from './facts.ts';
import type { SystemdUnit } from './facts/system.ts';

/** As whom a process opens a path. */
export interface Identity {
  readonly uid: number;
  readonly gids: readonly number[];
}

/** The first part of a path that keeps somebody out, and the right that is missing there. */
export interface Refusal {
  readonly part: PathPart;
  readonly right: 'search' | 'write';
}

/**
 * What keeps an identity from connecting to a socket, by the mode bits: search on every folder, write on the socket itself
 * (unix(7)). Undefined where nothing does, or where the path ends early. Access control lists are not known here.
 */
export function refusalOf(file: PathFile, { uid, gids }: Identity): Refusal | undefined {
  if (uid === 0) return undefined;
  for (const part of file.chain) {
    if (part.kind === 'link') continue;
    const right = part.kind === 'directory' ? 'search' : 'write';
    const bit = right === 'search' ? 1 : 2;
    const shift = part.uid === uid ? 6 : gids.includes(part.gid) ? 3 : 0;
    if (((part.mode >> shift) & bit) === 0) return { part, right };
  }
  return undefined;
}

/** The setting of a unit that closes a path to all its processes, and the folder that it closes; the modes of the files do not show it. */
export function closedToUnit(file: PathFile, unit: SystemdUnit): { readonly setting: string; readonly folder: string } | undefined {
  const homes = unit.protectHome === true ? ['/home', '/root', '/run/user'] : [];
  const inside = (folder: string): boolean => file.chain.some(part => part.path === folder);
  const home = homes.find(inside);
  if (home !== undefined) return { setting: 'ProtectHome=yes', folder: home };
  const closed = unit.inaccessiblePaths?.find(path => path !== '/' && inside(path));
  return closed === undefined ? undefined : { setting: `InaccessiblePaths=${closed}`, folder: closed };
}

/** `srw-rw---- root:www-data /run/php/x.sock`, as `ls -ld` shows it. */
export function describePart({ path, kind, mode, uid, gid, owner, group }: PathPart): string {
  const letter = kind === 'directory' ? 'd' : kind === 'socket' ? 's' : kind === 'link' ? 'l' : '-';
  const bits = [8, 7, 6, 5, 4, 3, 2, 1, 0].map(bit => ((mode >> bit) & 1 ? 'rwx'.charAt((8 - bit) % 3) : '-')).join('');
  return `${letter}${bits} ${owner ?? uid}:${group ?? gid} ${path}`;
}
