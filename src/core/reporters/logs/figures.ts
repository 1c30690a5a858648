import { formatCount } from '../wording.ts';

/** `0.34 %`, `3.1 %`, `34 %`. What is not all and not nothing never rounds to it: `<0.01 %`, `>99.9 %`. */
export function finePercent(share: number): string {
  if (!Number.isFinite(share) || share <= 0) return '0 %';
  if (share >= 1) return '100 %';
  const percent = share * 100;
  if (percent < 0.01) return '<0.01 %';
  if (percent > 99.9) return '>99.9 %';
  return `${percent < 1 ? percent.toFixed(2) : percent < 9.95 || percent > 99 ? percent.toFixed(1) : percent.toFixed(0)} %`;
}

/** Seconds for people: `840 µs`, `12 ms`, `0.34 s`, `61 s`. */
export function secondsText(seconds: number): string {
  if (!Number.isFinite(seconds) || seconds < 0) return '-';
  if (seconds < 0.0005) return seconds === 0 ? '0 s' : `${Math.round(seconds * 1e6)} µs`;
  if (seconds < 0.0995) return `${Number((seconds * 1000).toPrecision(2))} ms`;
  return `${seconds < 9.95 ? seconds.toFixed(seconds < 0.995 ? 2 : 1) : formatCount(seconds)} s`;
}

/** `1.2 GB`, in powers of ten as tools that show file sizes to people do. */
export function bytesText(bytes: number): string {
  const units = ['bytes', 'KB', 'MB', 'GB', 'TB', 'PB'] as const;
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 || value >= 9.95 ? Math.round(value) : value.toFixed(1)} ${units[unit] ?? ''}`;
}

/** A length of time: `40 s`, `5 min`, `2.5 h`, `3 days`. */
export function lengthText(ms: number): string {
  const seconds = ms / 1000;
  if (seconds < 1) return `${Math.round(ms)} ms`;
  if (seconds < 120) return `${tidy(seconds)} s`;
  if (seconds < 7200) return `${tidy(seconds / 60)} min`;
  if (seconds < 172_800) return `${tidy(seconds / 3600)} h`;
  return `${tidy(seconds / 86_400)} days`;
}

function tidy(value: number): string {
  return String(Number(value.toFixed(value < 10 ? 1 : 0)));
}

/** The text cut to a number of characters, with what it was: a URL of 10,000 characters tells no more than its start. */
export function shorten(text: string, most: number): string {
  if (text.length <= most) return text;
  // A surrogate pair is not cut in half.
  const end = /[\uD800-\uDBFF]/.test(text[most - 1] ?? '') ? most - 1 : most;
  return `${text.slice(0, end)}… (${formatCount(text.length)} characters)`;
}
