/**
 * Which logs are one family, and how it was rotated. The names are those of logrotate (`access.log.1`, `access.log.2.gz`,
 * `access.log-20261121.gz`, with `extension`: `access-20261121.log`), of rotatelogs and cronolog (`access.log.2026-11-21-00_00`,
 * `access.log.1795219200`), of Tomcat (`localhost_access_log.2026-11-21.txt`) and of `savelog` (`access.log.0`).
 */

export interface RotatedName {
  /** The folder and the name without what rotation puts into it: the same for all of a family. */
  readonly family: string;
  /** `20261121`, with the time where it is there; '' for none. As text, later is greater. */
  readonly date: string;
  /** Counts up with age; -1 where the name has none. */
  readonly number: number;
}

const compressed = /\.(?:gz|tgz|zst|zstd|bz2|xz|z)$/iu;
const dated = /[._-]?((?:19|20)\d\d)-?(\d\d)-?(\d\d)(?:[-_.T]?(\d\d)(?:[-_.:]?(\d\d)(?:[-_.:]?(\d\d))?)?)?(?!\d)/u;
const epoch = /[._-](\d{9,11})(?!\d)/u;
const numbered = /[._-](\d{1,5})(?=$|\.(?:log|txt|json)$)/u;

/** Total; in linear time. */
export function rotatedName(path: string): RotatedName {
  const slash = path.lastIndexOf('/') + 1;
  let name = withoutCompression(path.slice(slash));
  let date = '';
  const day = dated.exec(name);
  if (day !== null) {
    date = day.slice(1).join('');
    name = without(name, day);
  }
  // logrotate's `dateformat -%Y%m%d-%s` writes both.
  const second = epoch.exec(name);
  if (second !== null) {
    date = timeText(Number(second[1]));
    name = without(name, second);
  }
  const count = numbered.exec(name);
  if (count !== null) name = without(name, count);
  return { family: path.slice(0, slash) + name, date, number: count === null ? -1 : Number(count[1]) };
}

/** The name before it was compressed. */
export function withoutCompression(name: string): string {
  return name.replace(compressed, '');
}

/** The oldest first; families stay in the order in which they were first named. What is compared is `nameOf` each. */
export function inTimeOrder<T>(items: readonly T[], nameOf: (item: T) => string): readonly T[] {
  const families = new Map<string, { readonly name: RotatedName; readonly item: T }[]>();
  for (const item of items) {
    const name = rotatedName(nameOf(item));
    const family = families.get(name.family);
    if (family === undefined) families.set(name.family, [{ name, item }]);
    else family.push({ name, item });
  }
  return [...families.values()].flatMap(family => family.toSorted((a, b) => byAge(a.name, b.name)).map(({ item }) => item));
}

/** What has neither date nor number is still being written. */
function byAge(a: RotatedName, b: RotatedName): number {
  if (a.date !== b.date) {
    // A name with a number alone is newer than all dates only if it is the one in use; else numbers go first.
    if (a.date === '') return a.number < 0 ? 1 : -1;
    if (b.date === '') return b.number < 0 ? -1 : 1;
    return a.date < b.date ? -1 : 1;
  }
  if (a.number !== b.number) {
    if (a.number < 0) return 1;
    if (b.number < 0) return -1;
    return b.number - a.number;
  }
  return 0;
}

function without(name: string, match: RegExpExecArray): string {
  return name.slice(0, match.index) + name.slice(match.index + match[0].length);
}

function timeText(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replaceAll(/\D/gu, '').slice(0, 14);
}
