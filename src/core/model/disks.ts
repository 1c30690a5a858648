import type { Disk } from './facts/system.ts';

/** The path in a message such as `pwrite() "/var/lib/nginx/body/0000000001" failed`. */
export function pathIn(message: string): string | undefined {
  const start = message.indexOf('"/');
  const end = message.indexOf('"', start + 1);
  return start < 0 || end < 0 ? undefined : message.slice(start + 1, end);
}

/** The file system that a path is on: the longest mount that it is below. */
export function diskOf(path: string, disks: readonly Disk[]): Disk | undefined {
  const above = disks.filter(({ mount }) => path === mount || path.startsWith(mount.endsWith('/') ? mount : `${mount}/`));
  return above.toSorted((a, b) => b.mount.length - a.mount.length)[0];
}

/** What is used up: `space`, `inodes`, or nothing. */
export function lacksOf({ totalBytes, availableBytes, inodes, inodesFree }: Disk): 'space' | 'inodes' | undefined {
  if (totalBytes > 0 && (availableBytes === 0 || availableBytes < Math.min(totalBytes * 0.01, 16 * 2 ** 20))) return 'space';
  // Some file systems make inodes as they need them, and count none.
  return inodes > 0 && inodesFree === 0 ? 'inodes' : undefined;
}
