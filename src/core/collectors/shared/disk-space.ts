import { ask, type Request } from '../../model/collector.ts';
import { valueOr, type Known } from '../../model/fact.ts';
import type { Disk } from '../../model/facts/system.ts';
import { parseDf } from '../../parsers/df.ts';

/** The file systems that these paths are on, one disk a mount; empty where df is missing. */
export function* askDisks(paths: readonly string[]): Generator<readonly Request[], readonly Disk[], readonly Known<unknown>[]> {
  const [bytes, inodes] = yield* ask(
    { kind: 'exec', argv: ['df', '-P', '-B1', ...paths], options: { timeoutMs: 2000 } },
    { kind: 'exec', argv: ['df', '-P', '-i', ...paths], options: { timeoutMs: 2000 } },
  );
  // df ends with 1 where one of the paths is missing; what it printed for the others is good.
  const counted = new Map(parseDf(valueOr(inodes, undefined)?.stdout ?? '').map(line => [line.mount, line]));
  const disks = new Map<string, Disk>();
  for (const { mount, total, available } of parseDf(valueOr(bytes, undefined)?.stdout ?? '')) {
    const { total: all = 0, available: left = 0 } = counted.get(mount) ?? {};
    disks.set(mount, { mount, path: mount, totalBytes: total, availableBytes: available, inodes: all, inodesFree: left });
  }
  return [...disks.values()];
}
