import { bytesText, lengthText } from '../core/reporters/logs/figures.ts';
import { plural } from '../core/reporters/wording.ts';
import { createStatusLine } from './progress.ts';

export interface Reading {
  readonly bytesDone: number;
  /** 0 where it cannot be known. */
  readonly bytesTotal: number;
  readonly filesDone: number;
  readonly filesTotal: number;
}

// What is done in less needs no bar.
const quietMs = 1000;
const redrawMs = 200;
const barWidth = 24;

/** A bar with rate and time left, for anything over a second. Time is in milliseconds from the start. */
export function createLogProgress(
  stderr: NodeJS.WriteStream,
  env: NodeJS.ProcessEnv,
  elapsedMs: () => number,
): { readonly show: (reading: Reading) => void; readonly end: () => void } {
  const { write, end } = createStatusLine(stderr, env);
  let shownMs = Number.NEGATIVE_INFINITY;
  return {
    show(reading) {
      const nowMs = elapsedMs();
      if (nowMs < quietMs || nowMs - shownMs < redrawMs) return;
      shownMs = nowMs;
      write(progressText(reading, nowMs));
    },
    end,
  };
}

/** `badhop: [#####-------]  31 %, 12 of 40 GB, 1.4 GB/s, 20 s left`. */
export function progressText({ bytesDone, bytesTotal, filesDone, filesTotal }: Reading, elapsedMs: number): string {
  const perSecond = bytesDone / Math.max(0.001, elapsedMs / 1000);
  const rate = bytesDone > 0 ? [`${bytesText(perSecond)}/s`] : [];
  const files = filesTotal > 1 ? [`${filesDone} of ${plural(filesTotal, 'file')}`] : [];
  if (bytesTotal <= 0) return `badhop: ${[`${bytesText(bytesDone)} read`, ...rate, ...files].join(', ')}`;
  const share = Math.min(1, bytesDone / bytesTotal);
  const filled = Math.floor(share * barWidth);
  const bar = `[${'#'.repeat(filled)}${'-'.repeat(barWidth - filled)}]`;
  const left = perSecond > 0 ? [`${lengthText(Math.ceil(Math.max(0, bytesTotal - bytesDone) / perSecond) * 1000)} left`] : [];
  return `badhop: ${bar} ${String(Math.floor(share * 100)).padStart(3)} %, ${[`${bytesText(bytesDone)} of ${bytesText(bytesTotal)}`, ...rate, ...left, ...files].join(', ')}`;
}
