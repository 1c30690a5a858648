/** `1,843`. */
export function formatCount(count: number): string {
  return String(Math.round(count)).replaceAll(/\B(?=(?:\d{3})+$)/g, ',');
}

/** `3 server blocks`, `1 backend`. */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}

/** `97 %`. What is not all and not nothing never rounds to it: `>99 %`, `<1 %`. */
export function formatShare(share: number): string {
  if (!Number.isFinite(share) || share <= 0) return '0 %';
  if (share >= 1) return '100 %';
  if (share < 0.01) return '<1 %';
  return share > 0.99 ? '>99 %' : `${Math.round(share * 100)} %`;
}

/** The clock time in an ISO text as it is written there, `07:25:00`. */
export function clockTime(iso: string): string {
  return /T(\d\d:\d\d:\d\d)/.exec(iso)?.[1] ?? iso;
}

/** `2026-11-21 07:25:00–07:40:00 UTC`, the day of the end only where it is another one. */
export function formatWindow(window: { readonly from: string; readonly to: string }): string {
  const [fromDay, toDay] = [window.from.slice(0, 10), window.to.slice(0, 10)];
  const zone = window.to.endsWith('Z') ? ' UTC' : (/[+-]\d\d:?\d\d$/.exec(window.to)?.[0] ?? '').replace(/^/, ' ').trimEnd();
  return `${fromDay} ${clockTime(window.from)}–${fromDay === toDay ? '' : `${toDay} `}${clockTime(window.to)}${zone}`;
}

/** The length of the window in words: `15 min`, `2 h`, `90 s`. */
export function windowLength(window: { readonly from: string; readonly to: string }): string {
  const seconds = Math.round((Date.parse(window.to) - Date.parse(window.from)) / 1000);
  if (!Number.isFinite(seconds)) return 'the window';
  if (seconds >= 172_800 && seconds % 86_400 === 0) return `${seconds / 86_400} days`;
  if (seconds >= 3600 && seconds % 3600 === 0) return `${seconds / 3600} h`;
  return seconds >= 120 ? `${Math.round(seconds / 60)} min` : `${seconds} s`;
}

/** The sentence with one full stop at its end. */
export function sentence(text: string): string {
  const trimmed = text.trim();
  return /[.!?:…]$/u.test(trimmed) ? trimmed : `${trimmed}.`;
}

/** Why something is not known and what would help, as one or two sentences. */
export function reason({ why, how }: { readonly why: string; readonly how: string }): string {
  if (how === '') return sentence(why);
  return /^\p{Ll}/u.test(how) ? `${why.replace(/\.$/, '')}; ${sentence(how)}` : `${sentence(why)} ${sentence(how)}`;
}

/** Where evidence stands, as a person would look it up: a path with its line, a command behind `$`. */
export function readableSource(source: string): string {
  const colon = source.indexOf(':');
  const rest = source.slice(colon + 1);
  switch (source.slice(0, Math.max(colon, 0))) {
    case 'file':
    case 'config':
      return rest;
    case 'exec':
      return `$ ${rest}`;
    case 'probe':
      return `probe ${rest}`;
    case 'journal':
      return `journal of ${rest}`;
    default:
      return source;
  }
}
