import { wholeNumber } from './text.ts';

/** The inode in a `/proc/PID/fd/N` link of a socket: `socket:[21585]`. */
export function socketInode(target: string | undefined): number | undefined {
  return target?.startsWith('socket:[') === true && target.endsWith(']') ? wholeNumber(target.slice(8, -1)) : undefined;
}
