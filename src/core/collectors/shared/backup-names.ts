// Editors, dpkg, ucf, rpm, and what people write: `.bak`, `.bak2`, `.orig`, `-old`, `.2026-11-21`, `.20261121-0930`, `.1`.
const word = '(?:bak|backup|orig|original|old|prev|save|saved)\\d{0,3}|dpkg-old|ucf-old|rpmsave|rpmorig';
const date = '\\d{4}-\\d\\d-\\d\\d|\\d{4,14}|\\d{1,2}';
const suffix = new RegExp(`^(?:~|(?:[._-](?:${word}|${date})){1,3}~?)$`, 'i');
// What a package would have put there: another text, and no earlier state of this one.
const offered = new Set(['.dpkg-dist', '.ucf-dist', '.rpmnew', '.default', '.example', '.sample', '-dist']);
const maxName = 255;

/** How well a file called `name` serves as what the one called `base` was before: 2 an earlier state, 1 the package's text, 0 neither. */
export function backupRank(base: string, name: string): 0 | 1 | 2 {
  if (isBackupName(base, name)) return 2;
  return name.length <= maxName && base !== '' && name.startsWith(base) && offered.has(name.slice(base.length)) ? 1 : 0;
}

/** Whether a file called `name` looks like an earlier state of the one called `base` in the same folder. */
function isBackupName(base: string, name: string): boolean {
  if (name === base || name.length > maxName || base === '') return false;
  const dot = base.lastIndexOf('.');
  if (name.startsWith(base)) {
    const rest = name.slice(base.length);
    return suffix.test(rest) && (dot > 0 || isTelling(rest));
  }
  // `shop.conf` kept as `shop.bak` or as `shop-old.conf`.
  if (dot <= 0) return false;
  const [stem, ending] = [base.slice(0, dot), base.slice(dot)];
  if (!name.startsWith(stem)) return false;
  const rest = name.slice(stem.length);
  const bare = rest.endsWith(ending) ? rest.slice(0, -ending.length) : rest;
  return suffix.test(bare) && isTelling(bare);
}

/** `app-1.conf` beside `app.conf` is another site: where no ending parts the two, a word or a year must say what it is. */
function isTelling(rest: string): boolean {
  return rest === '~' || /bak|backup|orig|old|prev|save|\d{4}/i.test(rest);
}
