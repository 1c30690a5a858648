import { timedOut, type Known } from '../../core/model/fact.ts';
import type { Host, ReadResult, StatResult } from '../../core/model/host.ts';
import { localClock } from './local-clock.ts';
import { connectLocal } from './local-connect.ts';
import { execLocal } from './local-exec.ts';
import { listFolder, readFileRange, statFile } from './local-files.ts';
import { isCommandLine, isQuickFile, isQuickPath, listQuick, readCommandLine, readQuick, statQuick } from './local-proc.ts';
import { RootFiles } from './local-root.ts';
import { findSocketOwners } from './local-sockets.ts';
import { createGate, createTurns, withinTime } from './time-limit.ts';

export interface LocalHostOptions {
  /** For one file operation. Default 5000; a network file system whose server is gone never answers. */
  readonly fileTimeoutMs?: number;
}

const defaultFileTimeoutMs = 5000;
const filesAtOnce = 64;
const programsAtOnce = 16;
// Node has few threads for files, and one that hangs never comes back. From here on nothing more is tried.
const maxHanging = 3;

/** This machine. */
export function createLocalHost(options: LocalHostOptions = {}): Host {
  const timeoutMs = options.fileTimeoutMs ?? defaultFileTimeoutMs;
  const fileGate = createGate(filesAtOnce);
  const programGate = createGate(programsAtOnce);
  const turn = createTurns();
  const root = new RootFiles();
  let hanging = 0;

  const limited = <T>(path: string, work: () => Promise<Known<T>>): Promise<Known<T>> =>
    fileGate(() => {
      const late = (): Known<T> =>
        timedOut(`${path}: the file system did not answer within ${timeoutMs / 1000} s`, 'Check the mounts: `findmnt -t nfs,nfs4,cifs,fuse`.');
      if (hanging >= maxHanging) return Promise.resolve(timedOut(`${path}: not tried, because other files of this host do not answer`));
      const running = work();
      return withinTime(running, timeoutMs, () => {
        hanging++;
        void running.finally(() => hanging--);
        return late();
      });
    });

  const atOnce = async <T>(quick: () => Known<T> | undefined, otherwise: () => Promise<Known<T>>): Promise<Known<T>> => (await turn(quick)) ?? otherwise();

  return {
    name: 'local',
    exec: (argv, execOptions) => programGate(() => execLocal(argv, execOptions)),
    read: (path, readOptions = {}) => {
      if (isQuickFile(path, readOptions)) return turn(() => readQuick(path, readOptions));
      const pooled = (): Promise<Known<ReadResult>> =>
        limited(path, () => (isCommandLine(path, readOptions) ? readCommandLine(path, readOptions) : readFileRange(path, readOptions)));
      return root.holds(path) ? atOnce(() => root.read(path, readOptions), pooled) : pooled();
    },
    stat: path => {
      if (isQuickPath(path)) return turn(() => statQuick(path));
      const pooled = (): Promise<Known<StatResult>> => limited(path, () => statFile(path));
      return root.holds(path) ? atOnce(() => root.stat(path), pooled) : pooled();
    },
    list: path => (isQuickPath(path) ? turn(() => listQuick(path)) : limited(path, () => listFolder(path))),
    socketOwners: (inodes, pids) => findSocketOwners(inodes, pids, turn),
    connect: (address, connectOptions) => connectLocal(address, connectOptions),
    clock: () => localClock(),
  };
}
