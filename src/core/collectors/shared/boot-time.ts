import type { HostClock } from '../../model/host.ts';

/** How far a clock that was read at another moment, or in another container, may be off. */
const mostMs = 1500;

/** The time of the boot as exactly as it is known: /proc/stat leaves out the fraction of its second. */
export function fineBootMs({ bootMs }: HostClock, wholeMs: number | undefined): number | undefined {
  if (wholeMs === undefined || bootMs === undefined) return wholeMs;
  return Math.abs(bootMs - wholeMs) <= mostMs ? bootMs : wholeMs;
}
