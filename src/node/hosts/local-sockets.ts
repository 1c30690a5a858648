import { lstatSync, opendirSync, readdirSync, readlinkSync } from 'node:fs';
import { known, type Known } from '../../core/model/fact.ts';
import type { SocketOwners } from '../../core/model/host.ts';
import { errorCode, unknownFrom } from './file-errors.ts';

/** Programs open their listening sockets before they take connections: where so many links in a row led to none of them, the rest is left. */
const mostInVain = 128;
/** Numbers without a file, after which a folder is listed instead: bash has 0, 1, 2 and 255. */
const mostGaps = 8;
/** Processes that are looked into before others have their turn: about a millisecond. */
const processesAtOnce = 32;
/** Where output goes. Nobody listens there but a program that closed them and opened its sockets after that. */
const outputs: ReadonlySet<number> = new Set([1, 2]);
const none: ReadonlySet<number> = new Set();

/**
 * The processes that hold the given sockets, by the links in /proc/PID/fd: the kernel answers those from its own tables.
 * Processes that this user may not look into are passed over. A folder is not listed where that can be avoided: for each name
 * the kernel makes an entry first, which takes it several times as long as to follow a link. Only `some` processes are looked into where
 * that is said: then quickly, since those who ask go on to all where a socket is left.
 */
export async function findSocketOwners(
  inodes: readonly number[],
  some: readonly number[] | undefined,
  turn: <T>(work: () => T) => Promise<T>,
): Promise<Known<SocketOwners>> {
  const wanted = new Map(inodes.map(inode => [`socket:[${inode}]`, inode]));
  if (some !== undefined) return known(await search(some.toSorted((a, b) => a - b).map(String), wanted, outputs, turn));
  try {
    const names = await turn(() => readdirSync('/proc'));
    const pids = names.filter(name => /^[0-9]{1,10}$/.test(name)).sort((a, b) => Number(a) - Number(b));
    const quick = await search(pids, wanted, outputs, turn);
    return known(quick.owners.length === wanted.size ? quick : await search(pids, wanted, none, turn));
  } catch (error) {
    return unknownFrom(error, '/proc');
  }
}

async function search(
  pids: readonly string[],
  wanted: ReadonlyMap<string, number>,
  skipped: ReadonlySet<number>,
  turn: <T>(work: () => T) => Promise<T>,
): Promise<SocketOwners> {
  const isSized = sizeOf('/proc/self/fd') > 0;
  const owners = new Map<number, number[]>();
  let isWhole = true;
  for (let at = 0; at < pids.length; at += processesAtOnce) {
    await turn(() => {
      for (const pid of pids.slice(at, at + processesAtOnce)) {
        const folder = `/proc/${pid}/fd`;
        const own = new Own(wanted);
        isWhole = (isSized ? lookAtNumbers(folder, own, skipped) : lookAtNames(folder, own)) && isWhole;
        for (const inode of own.inodes) {
          const holders = owners.get(inode);
          if (holders === undefined) owners.set(inode, [Number(pid)]);
          else holders.push(Number(pid));
        }
      }
    });
  }
  return { owners: [...owners].map(([inode, of]) => ({ inode, pids: of })), isWhole };
}

/** The wanted sockets of one process. */
class Own {
  readonly inodes = new Set<number>();
  inVain = 0;
  readonly #wanted: ReadonlyMap<string, number>;

  constructor(wanted: ReadonlyMap<string, number>) {
    this.#wanted = wanted;
  }

  take(link: string): void {
    const inode = this.#wanted.get(link);
    if (inode === undefined) this.inVain += 1;
    else {
      this.inodes.add(inode);
      this.inVain = 0;
    }
  }
}

/** Since Linux 6.2 the size of the folder is the number of its files, which mostly have the lowest numbers. False where files are left. */
function lookAtNumbers(folder: string, own: Own, skipped: ReadonlySet<number>): boolean {
  const size = sizeOf(folder);
  let gaps = 0;
  for (let file = 0, seen = 0; seen < size; file += 1) {
    if (own.inVain >= mostInVain) return false;
    const link = skipped.has(file) ? 'skipped' : linkOf(`${folder}/${file}`);
    if (link === undefined) return true;
    if (link === '') gaps += 1;
    else {
      seen += 1;
      own.take(link);
    }
    if (gaps > mostGaps) return lookAtNames(folder, own);
  }
  return true;
}

/** The same by the names in the folder. */
function lookAtNames(path: string, own: Own): boolean {
  let folder;
  try {
    folder = opendirSync(path, { bufferSize: mostInVain });
    for (let entry = folder.readSync(); entry !== null; entry = folder.readSync()) {
      if (own.inVain >= mostInVain) return false;
      own.take(linkOf(`${path}/${entry.name}`) ?? '');
    }
  } catch {
    // It has ended, or is another user's.
  } finally {
    folder?.closeSync();
  }
  return true;
}

function sizeOf(folder: string): number {
  try {
    return lstatSync(folder, { throwIfNoEntry: false })?.size ?? 0;
  } catch {
    return 0;
  }
}

/** Empty where there is no such file, `undefined` where the process does not let it be read. */
function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch (error) {
    return errorCode(error) === 'ENOENT' ? '' : undefined;
  }
}
