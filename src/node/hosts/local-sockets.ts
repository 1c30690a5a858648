import { lstatSync, opendirSync, readdirSync, readlinkSync } from 'node:fs';
import { known, type Known } from '../../core/model/fact.ts';
import type { SocketOwners } from '../../core/model/host.ts';
import { errorCode, unknownFrom } from './file-errors.ts';

/** Programs open their listening sockets before they take connections: those have the lowest numbers. */
const mostFiles = 512;
/** Numbers without a file, after which a folder is listed instead: bash has 0, 1, 2 and 255. */
const mostGaps = 8;
/** Processes that are looked into before others have their turn: about a millisecond. */
const processesAtOnce = 32;

/**
 * The processes that hold the given sockets, by the links in /proc/PID/fd: the kernel answers those from its own tables.
 * Processes that this user may not look into are passed over. A folder with more files than are looked at is not listed:
 * for each name the kernel makes an entry first, which takes it several times as long as to follow a link.
 */
export async function findSocketOwners(inodes: readonly number[], turn: <T>(work: () => T) => Promise<T>): Promise<Known<SocketOwners>> {
  const wanted = new Map(inodes.map(inode => [`socket:[${inode}]`, inode]));
  const holders = new Map<number, number[]>();
  let isWhole = true;
  try {
    const names = await turn(() => readdirSync('/proc'));
    const pids = names.filter(name => /^[0-9]{1,10}$/.test(name)).sort((a, b) => Number(a) - Number(b));
    const isSized = sizeOf('/proc/self/fd') > 0;
    for (let at = 0; at < pids.length; at += processesAtOnce) {
      await turn(() => {
        for (const pid of pids.slice(at, at + processesAtOnce)) {
          const { links, isAll } = isSized ? sizedLinks(`/proc/${pid}/fd`) : firstLinks(`/proc/${pid}/fd`);
          isWhole &&= isAll;
          for (const inode of new Set(links.flatMap(link => wanted.get(link) ?? []))) {
            const found = holders.get(inode);
            if (found === undefined) holders.set(inode, [Number(pid)]);
            else found.push(Number(pid));
          }
        }
      });
    }
  } catch (error) {
    return unknownFrom(error, '/proc');
  }
  return known({ owners: [...holders].map(([inode, of]) => ({ inode, pids: of })), isWhole });
}

interface Links {
  readonly links: readonly string[];
  readonly isAll: boolean;
}

/** Since Linux 6.2 the size of the folder is the number of its files, which mostly have the lowest numbers. */
function sizedLinks(folder: string): Links {
  const size = sizeOf(folder);
  const links: string[] = [];
  let gaps = 0;
  for (let file = 0; links.length < size && file < mostFiles; file += 1) {
    const link = linkOf(`${folder}/${file}`);
    if (link === undefined) return { links, isAll: true };
    if (link !== '') links.push(link);
    else if ((gaps += 1) > mostGaps && size <= mostFiles) return firstLinks(folder);
  }
  return { links, isAll: links.length >= size };
}

/** The first links of a folder of which it is not known how many files it has. */
function firstLinks(path: string): Links {
  const links: string[] = [];
  let folder;
  try {
    folder = opendirSync(path, { bufferSize: 128 });
    for (let entry = folder.readSync(); entry !== null; entry = folder.readSync()) {
      if (links.length >= mostFiles) return { links, isAll: false };
      links.push(linkOf(`${path}/${entry.name}`) ?? '');
    }
  } catch {
    // It has ended, or is another user's.
  } finally {
    folder?.closeSync();
  }
  return { links, isAll: true };
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
