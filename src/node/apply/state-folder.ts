import { spawn } from 'node:child_process';
import { accessSync, constants, lstatSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { BadhopError } from '../../core/model/error.ts';
import { changeId } from '../../core/changes/journal.ts';
import { codeOf, messageOf, syncFolder } from './durable-files.ts';
import type { StateFolder } from './state-place.ts';

export { stateFolder, type StateFolder } from './state-place.ts';

const lockWaitMs = 30_000;
const lockStepMs = 250;

/** Makes the folder where it is missing, and refuses one that somebody else could write to: what is in it is carried out as root. */
export function prepareState(state: StateFolder): void {
  try {
    mkdirSync(state.root, { recursive: true, mode: 0o755 });
    for (const folder of [state.changes, state.open]) {
      if (lstatSync(folder, { throwIfNoEntry: false }) === undefined) mkdirSync(folder, { mode: 0o700 });
    }
  } catch (error) {
    throw unusable(state, messageOf(error), error);
  }
  checkTrust(state);
  try {
    accessSync(state.open, constants.W_OK);
  } catch (error) {
    throw unusable(state, messageOf(error), error);
  }
}

/** Throws where somebody else may write to the journal, or to a folder on the way to it. */
export function checkTrust(state: StateFolder): void {
  const uid = process.getuid?.() ?? 0;
  for (const folder of [state.open, state.changes, state.root]) {
    const stats = lstatSync(folder, { throwIfNoEntry: false });
    if (stats === undefined) continue;
    if (!stats.isDirectory()) throw untrusted(folder, 'it is no folder, or a link to one');
    if (stats.uid !== uid && stats.uid !== 0) throw untrusted(folder, `it belongs to user ${stats.uid}`);
    if ((stats.mode & 0o022) !== 0) throw untrusted(folder, `others may write to it (mode ${(stats.mode & 0o7777).toString(8)})`);
  }
  for (let folder = dirname(state.root); ; folder = dirname(folder)) {
    const stats = lstatSync(folder, { throwIfNoEntry: false });
    // In a folder with the sticky bit nobody else may rename what is ours.
    if (stats !== undefined && !stats.isSymbolicLink() && (stats.mode & 0o002) !== 0 && (stats.mode & 0o1000) === 0)
      throw untrusted(folder, 'others may write to it, and could put another folder in its place');
    if (folder === dirname(folder)) return;
  }
}

/** Ids of the changes that are not over, oldest first. Empty where there is no folder; throws where it may not be read. */
export function openChanges(state: StateFolder): readonly string[] {
  return names(state.open).filter(name => changeId.test(name));
}

export function closedChanges(state: StateFolder): readonly string[] {
  return names(state.changes).filter(name => changeId.test(name));
}

/** What stands in the folder of open changes and is none. Leftovers of one that was killed while it was written down are removed. */
export function strayNames(state: StateFolder): readonly string[] {
  const strays: string[] = [];
  for (const name of names(state.open)) {
    if (changeId.test(name)) continue;
    if (name.endsWith('.new') && changeId.test(name.slice(0, -'.new'.length))) rmSync(join(state.open, name), { recursive: true, force: true });
    else strays.push(name);
  }
  return strays;
}

export function raiseMarker(state: StateFolder, id: string): void {
  writeFileSync(state.marker, `${id}\n`, { mode: 0o644 });
  syncFolder(state.root);
}

export function lowerMarker(state: StateFolder): void {
  if (openChanges(state).length === 0) rmSync(state.marker, { force: true });
}

export interface Lock {
  release(): void;
}

/**
 * Lets one badhop at a time change this host, and waits for another's end at most `waitMs`; `undefined` where it does not come. The
 * kernel holds the lock for `flock`, which runs `cat` until its input closes: a badhop that is killed gives it back with its last breath.
 */
export async function takeLock(state: StateFolder, waitMs = lockWaitMs): Promise<Lock | undefined> {
  const deadline = performance.now() + waitMs;
  for (;;) {
    const lock = await tryLock(join(state.changes, 'lock'));
    if (lock !== 'taken') return lock;
    if (performance.now() >= deadline) return undefined;
    await new Promise(done => {
      setTimeout(done, lockStepMs);
    });
  }
}

function tryLock(path: string): Promise<Lock | 'taken'> {
  return new Promise((done, fail) => {
    const env = { PATH: '/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin', LC_ALL: 'C' };
    const child = spawn('flock', ['-n', '-x', path, 'cat'], { detached: true, stdio: ['pipe', 'pipe', 'ignore'], env, cwd: '/' });
    child.on('error', error => {
      const why = codeOf(error) === 'ENOENT' ? 'flock (util-linux) is not installed, and without it two changes at once cannot be ruled out' : error.message;
      fail(new BadhopError('change-refused', why, { cause: error, hint: 'Install util-linux, or busybox with flock.' }));
    });
    child.stdin.on('error', () => undefined);
    child.stdout.once('data', () => {
      child.unref();
      done({
        release() {
          child.stdin.end();
        },
      });
    });
    child.on('exit', () => done('taken'));
    child.stdin.write('.\n');
  });
}

function names(folder: string): readonly string[] {
  try {
    return readdirSync(folder).sort();
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return [];
    throw error;
  }
}

function unusable(state: StateFolder, why: string, cause: unknown): BadhopError {
  return new BadhopError('state-unusable', `${state.root}: ${why}`, { cause });
}

function untrusted(folder: string, why: string): BadhopError {
  return new BadhopError('state-untrusted', `${folder}: ${why}`);
}
