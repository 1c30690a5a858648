import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';

// Large enough that most of what a parser makes is dead before it is looked at, and small beside the rest of the program.
const enoughBytes = 8_000_000;
const checkMs = 3;
/** V8 complains on stderr about a flag that it does not know: set only where it is known to be there. */
const newestKnown = 24;

let timer: NodeJS.Timeout | undefined;

/**
 * Keeps V8's space for young objects from growing to the 32 to 128 MiB that it takes where memory is plenty. Its limit is
 * fixed when V8 starts, but the factor by which it grows is read each time: with 1 it stays as it is.
 */
export function keepHeapSmall(): void {
  if (Number(process.versions.node.split('.')[0]) > newestKnown) return;
  timer = setInterval(() => {
    if (youngBytes() < enoughBytes) return;
    setFlagsFromString('--semi-space-growth-factor=1');
    clearInterval(timer);
  }, checkMs);
  timer.unref();
}

/** Takes that back, for work that keeps nearly all of what it makes until its end: there, looking at it again and again is most of the cost. */
export function letHeapGrow(): void {
  if (timer === undefined) return;
  clearInterval(timer);
  setFlagsFromString('--semi-space-growth-factor=2');
}

function youngBytes(): number {
  return getHeapSpaceStatistics().find(space => space.space_name === 'new_space')?.space_size ?? 0;
}
