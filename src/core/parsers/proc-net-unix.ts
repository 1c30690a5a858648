import { linesOf, wholeNumber } from './text.ts';

/** A unix socket of type stream that has a path. */
export interface UnixSocket {
  readonly path: string;
  /** `waiting`: a connection in its listener's accept queue, which has no inode yet. */
  readonly state: 'listening' | 'connected' | 'waiting' | 'other';
  readonly inode: number;
}

/** `SS_CONNECTED` of `include/uapi/linux/net.h`. */
const CONNECTED = 3;
const ACCEPTS_CONNECTIONS = 0x10000;

/**
 * Reads `/proc/net/unix` (Linux, `unix_seq_show`). The path is the rest of the line and may hold blanks; an abstract
 * name starts with `@`. On the server's side an accepted connection carries the listener's path. Sample:
 * `00000000015048176: 00000002 00000000 00010000 0001 01 19560 /run/systemd/private`
 */
export function parseProcNetUnix(text: string): readonly UnixSocket[] {
  const sockets: UnixSocket[] = [];
  for (const line of linesOf(text)) {
    const match = /^[0-9a-fA-F]+: [0-9A-F]+ [0-9A-F]+ ([0-9A-F]+) ([0-9A-F]{4}) ([0-9A-F]{2}) +(\d+) (.+)$/.exec(line);
    const inode = wholeNumber(match?.[4]);
    const path = match?.[5];
    if (match === null || inode === undefined || path === undefined || match[2] !== '0001') continue;
    const listening = (Number.parseInt(match[1] ?? '0', 16) & ACCEPTS_CONNECTIONS) !== 0;
    const connected = Number.parseInt(match[3] ?? '0', 16) === CONNECTED;
    sockets.push({ path, inode, state: listening ? 'listening' : inode === 0 ? 'waiting' : connected ? 'connected' : 'other' });
  }
  return sockets;
}
