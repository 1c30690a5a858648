/** Numbers and spans as they stand in sentences. */

/** `4,120` */
export function countText(count: number): string {
  return String(Math.round(count)).replace(/\B(?=(?:\d{3})+$)/gu, ',');
}

/** `4,120 requests`, `1 request` */
export function countOf(count: number, noun: string): string {
  return `${countText(count)} ${noun}${Math.round(count) === 1 ? '' : 's'}`;
}

/** `0.21 %`, `34 %`; what is not quite none or all is never told as such. */
export function shareText(share: number): string {
  const percent = share * 100;
  if (percent > 0 && percent < 0.001) return 'less than 0.001 %';
  if (percent < 0.1) return `${trim(percent.toFixed(3))} %`;
  if (percent < 1) return `${trim(percent.toFixed(2))} %`;
  if (percent < 10 || (percent > 99 && percent < 100)) return `${trim(percent > 99.9 && percent < 100 ? '99.9' : percent.toFixed(1))} %`;
  return `${Math.round(percent)} %`;
}

/** `40 s`, `300 s`, `12 min`, `3.5 h`, `2 days` */
export function spanText(ms: number): string {
  const seconds = ms / 1000;
  if (seconds < 10) return `${trim(seconds.toFixed(1))} s`;
  if (seconds < 600) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 48 * 3600) return `${trim((seconds / 3600).toFixed(1))} h`;
  return `${trim((seconds / 86_400).toFixed(1))} days`;
}

/** `12 a second`, `4.5 a minute`, `2 an hour`, `3 a day` */
export function rateText(count: number, spanMs: number): string {
  const perSecond = count / Math.max(1, spanMs / 1000);
  for (const [factor, name] of [
    [1, 'a second'],
    [60, 'a minute'],
    [3600, 'an hour'],
  ] as const) {
    const rate = perSecond * factor;
    if (rate >= 0.95) return `${rate < 10 ? trim(rate.toFixed(1)) : countText(rate)} ${name}`;
  }
  return `${trim((perSecond * 86_400).toFixed(1))} a day`;
}

/** `a, b and c` */
export function listText(items: readonly string[], most = 3): string {
  if (items.length > most) return `${items.slice(0, most).join(', ')} and ${countText(items.length - most)} more`;
  if (items.length < 2) return items[0] ?? '';
  return `${items.slice(0, -1).join(', ')} and ${items.at(-1) ?? ''}`;
}

/** ISO 8601; the start of 1970 for what is no time. */
export function isoTime(ms: number): string {
  return Number.isFinite(ms) && Math.abs(ms) < 8.64e15 ? new Date(Math.round(ms)).toISOString() : new Date(0).toISOString();
}

function trim(text: string): string {
  return text.includes('.') ? text.replace(/\.?0+$/u, '') : text;
}
