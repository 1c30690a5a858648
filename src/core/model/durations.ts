const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000, '': 1000 };

/** A time of nginx's configuration (`60s`, `1m30s`, `500ms`, `10`) in milliseconds; `undefined` for what is none, a variable too. */
export function parseTimeMs(text: string): number | undefined {
  let rest = text.trim();
  let sum = 0;
  if (rest === '') return undefined;
  while (rest !== '') {
    const match = /^(\d{1,12})(ms|[smhdw]?) ?/.exec(rest);
    if (match === null || match[0] === '') return undefined;
    sum += Number(match[1]) * (unitMs[match[2] ?? ''] ?? 1000);
    rest = rest.slice(match[0].length);
  }
  return sum;
}

/** As nginx takes it: whole seconds, or milliseconds below one. */
export function formatTime(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)}ms` : `${Math.ceil(ms / 1000)}s`;
}
