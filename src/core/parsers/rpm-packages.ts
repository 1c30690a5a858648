/**
 * Output of `rpm -qa --queryformat '%{INSTALLTIME} %{NAME} %{VERSION}-%{RELEASE}\n'` (rpm 4, `man rpm`, `rpm --querytags`): of each
 * package when it was installed or last upgraded, in seconds since 1970, whatever the locale. In no order. The form:
 *
 *   1795244062 nginx-core 1.20.1-14.el9
 *   1780000000 gpg-pubkey 5a6340b3-6229229e
 */
import type { PackageAction } from './dpkg-log.ts';

const maxLines = 50_000;
const maxLine = 500;

/** Whether a package was there before is not told: each counts as installed. Keys are no packages. */
export function parseRpmPackages(text: string): readonly PackageAction[] {
  return text
    .split('\n', maxLines)
    .flatMap((line): readonly PackageAction[] => {
      if (line.length > maxLine) return [];
      const [seconds = '', name, version] = line.split(' ');
      if (!/^\d{9,11}$/.test(seconds) || name === undefined || name === '' || version === undefined || name === 'gpg-pubkey') return [];
      return [{ timeMs: Number(seconds) * 1000, action: 'install', name, version }];
    })
    .toSorted((a, b) => a.timeMs - b.timeMs);
}
