import type { RecordedFile } from '../model/change.ts';

/**
 * Where a file of an unfinished change stands, by what is in it. `half`: a write in place was cut off. `foreign`: somebody else
 * has changed it since, and it is left alone.
 */
export type FileStanding = 'before' | 'after' | 'half' | 'foreign';

/** What there is to compare: the hash of what stands there now, and the bytes where the hash tells nothing. `undefined` is no file. */
export interface FileNow {
  readonly sha256: string | undefined;
  readonly bytes: Uint8Array | undefined;
}

/** Judges one file. `before` and `after` are the bytes that the change knows of. */
export function standingOf(file: RecordedFile, now: FileNow, before: Uint8Array | undefined, after: Uint8Array | undefined): FileStanding {
  if (now.sha256 === file.before?.sha256) return 'before';
  if (now.sha256 === file.after?.sha256) return 'after';
  if (file.way === 'in-place' && now.bytes !== undefined && before !== undefined && after !== undefined) {
    if (isHalfWritten(now.bytes, before, after) || isHalfWritten(now.bytes, after, before)) return 'half';
  }
  return 'foreign';
}

/** The first bytes of `next`, and the rest of `old` behind them: what a write in place leaves that was cut off. */
export function isHalfWritten(now: Uint8Array, old: Uint8Array, next: Uint8Array): boolean {
  let same = 0;
  while (same < now.length && same < next.length && now[same] === next[same]) same++;
  if (now.length !== old.length) return now.length > old.length && same === now.length;
  for (let at = same; at < now.length; at++) if (now[at] !== old[at]) return false;
  return true;
}
