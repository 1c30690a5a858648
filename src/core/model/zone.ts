/** Milliseconds east of UTC at a time, by the rules of a zone of the IANA database; `undefined` where this machine does not know its name. */
export function zoneOffset(name: string): ((utcMs: number) => number) | undefined {
  let format: Intl.DateTimeFormat;
  try {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone: name,
      hourCycle: 'h23',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
    });
  } catch {
    return undefined;
  }
  return utcMs => {
    // Beyond what a date can be.
    if (!(Math.abs(utcMs) < 8.64e15)) return 0;
    const parts = new Map(format.formatToParts(utcMs).map(({ type, value }) => [type, Number(value)]));
    const get = (type: Intl.DateTimeFormatPartTypes): number => parts.get(type) ?? 0;
    const local = Date.UTC(get('year'), get('month') - 1, get('day'), get('hour'), get('minute'), get('second'));
    return Number.isFinite(local) ? local - Math.floor(utcMs / 1000) * 1000 : 0;
  };
}

/**
 * The offset of a wall-clock time (milliseconds as if it were UTC). One that the clocks passed twice is taken as the later one, unless that
 * lies in the future; `undefined` for one that they left out.
 */
export function offsetOfWall(local: number, nowMs: number, offsetAt: (utcMs: number) => number): number | undefined {
  const offsets = [offsetAt(local - 86_400_000), offsetAt(local + 86_400_000)];
  const fitting = offsets.filter(offset => offsetAt(local - offset) === offset).sort((a, b) => a - b);
  return fitting.find(offset => local - offset <= nowMs + 300_000) ?? fitting.at(-1);
}

/** `UTC+05:30`: a zone that has no name, by its minutes east of UTC. */
export function formatOffset(minutes: number): string {
  const absolute = Math.abs(minutes);
  const pad = (value: number): string => String(value).padStart(2, '0');
  return `UTC${minutes < 0 ? '-' : '+'}${pad(Math.floor(absolute / 60))}:${pad(absolute % 60)}`;
}
