import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ChangeResult, Verification } from '../src/core/model/change.ts';
import type { FixPlan } from '../src/core/model/finding.ts';
import type { Host } from '../src/core/model/host.ts';
import { applyChange, refusal } from '../src/node/apply/apply-change.ts';
import { readHistory } from '../src/node/apply/history.ts';
import { createJournal } from '../src/node/apply/journal-store.ts';
import { prepareFix, type PreparedChange } from '../src/node/apply/prepare.ts';
import { chooseChange, prepareUndo } from '../src/node/apply/prepare-undo.ts';
import { recoverChanges } from '../src/node/apply/recover.ts';
import { checkTrust, openChanges, prepareState, raiseMarker, stateFolder, takeLock, type StateFolder } from '../src/node/apply/state-folder.ts';
import { createLocalHost } from '../src/node/hosts/local.ts';
import { isRealNginx, pictureOf, planFor, startSmallNginx, type SmallNginx } from './applier/small-nginx.ts';

let scratch = '';
let site = '';
let small: SmallNginx;
let state: StateFolder;
let before = '';
let ran: string[] = [];
let answers: ((argv: readonly string[]) => { code: number; stderr: string } | undefined) | undefined;
const local = createLocalHost();
/** This machine, with the commands written down, and some of them answered by the test. */
const host: Host = {
  ...local,
  exec: async (argv, options) => {
    ran.push(argv.join(' '));
    const answer = answers?.(argv);
    return answer === undefined ? local.exec(argv, options) : { state: 'known', value: { stdout: '', truncated: false, ...answer } };
  },
};
const isRoot = process.getuid?.() === 0;
const ended: Verification = { state: 'ended', text: '0 of 3 requests failed', seconds: 1 };

beforeEach(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'badhop-applier-'));
  site = join(scratch, 'site');
  mkdirSync(site);
  small = await startSmallNginx(site);
  state = stateFolder(join(scratch, 'state'));
  prepareState(state);
  before = pictureOf(site);
  ran = [];
  answers = undefined;
});
afterEach(async () => {
  await small.stop();
  rmSync(scratch, { recursive: true, force: true });
});

async function apply(
  plan: FixPlan = planFor(small),
  verify: () => Promise<Verification> = () => Promise.resolve(ended),
  signal?: AbortSignal,
): Promise<ChangeResult> {
  try {
    const change = await prepareFix(host, { plan, toolVersion: 'test', mendsTest: false });
    return await applyChange({ host, state, onStep: () => undefined, verify, ...(signal === undefined ? {} : { signal }) }, change);
  } catch (error) {
    return refusal(error);
  }
}

async function undo(id?: string): Promise<ChangeResult> {
  const prepared = await prepareUndo(host, state, chooseChange(state, id), 'test');
  return 'outcome' in prepared ? prepared : applyChange({ host, state, onStep: () => undefined }, prepared);
}

function expectUntouched(): void {
  expect(pictureOf(site)).toBe(before);
  expect(openChanges(state)).toEqual([]);
  expect(existsSync(state.marker)).toBe(false);
  expect(small.test()).toBe(true);
}

describe('a change', () => {
  it('is applied, and undone to the same bytes, owners, modes and names', async () => {
    expect(await apply()).toMatchObject({ outcome: 'applied', verification: ended });
    expect(pictureOf(site)).not.toBe(before);
    expect(readFileSync(join(site, 'conf.d', 'badhop-made.conf'), 'utf8')).toContain('map');
    // Both names of the snippet show the new text, and its odd bytes are as they were.
    const snippet = readFileSync(join(site, 'snippets', 'proxy.conf'));
    expect(snippet.toString('latin1')).toBe('# \u00e9\u00ff\u00c3(\nproxy_read_timeout 70s;\nproxy_send_timeout 70s;\n');
    expect(readFileSync(join(site, 'snippets', 'also-proxy'))).toEqual(snippet);
    expect(lstatSync(join(site, 'sites-enabled', 'shop')).isSymbolicLink()).toBe(true);
    expect(readHistory(state)).toMatchObject([{ result: 'applied', record: { who: { uid: process.getuid?.() }, plan: { id: 'change-answer' } } }]);
    expect(await undo()).toMatchObject({ outcome: 'applied' });
    expectUntouched();
    expect(readHistory(state).map(({ result }) => result)).toEqual(['applied', 'undone']);
    expect(() => chooseChange(state, undefined)).toThrow('no change of badhop is in force');
  });

  it('is tested before anything takes it up, and taken back where the test fails', async () => {
    const plan = planFor(small);
    const bad = {
      ...plan,
      steps: plan.steps.map(step => (step.kind === 'edit' ? { ...step, after: step.after.replace('return 200 new;', 'return 200 new') } : step)),
    };
    const result = await apply(bad);
    expect(result).toMatchObject({ outcome: 'rolled-back', why: expect.stringContaining('fails its test') });
    expect(ran.filter(line => line.startsWith('kill'))).toEqual([]);
    expectUntouched();
    expect(readHistory(state)).toMatchObject([{ result: 'rolled-back' }]);
  });

  it('is not made where the test fails before it', async () => {
    appendFileSync(join(site, 'sites-available', 'shop'), 'nonsense\n');
    before = pictureOf(site);
    expect(await apply()).toMatchObject({ outcome: 'refused', why: expect.stringContaining('before any change') });
    expect(pictureOf(site)).toBe(before);
    expect(readdirSync(state.changes).sort()).toEqual(['open']);
  });

  it('is taken back where the reload fails, and what runs takes the old files up', async () => {
    answers = argv => (argv[0] === 'kill' && ran.filter(line => line.startsWith('kill')).length === 1 ? { code: 1, stderr: 'no such process' } : undefined);
    expect(await apply()).toMatchObject({ outcome: 'rolled-back', why: expect.stringContaining('no such process') });
    expect(ran.filter(line => line.startsWith('kill'))).toHaveLength(2);
    expectUntouched();
  });

  it.each([
    ['goes on', () => Promise.resolve<Verification>({ state: 'goes-on', text: 'What failed before still fails', seconds: 1 }), 'still fails'],
    ['cannot be looked at for a bug', () => Promise.reject(new Error('bug')), 'bug'],
  ])('is taken back where the symptom %s', async (_, verify, why) => {
    const result = await apply(undefined, verify);
    expect(result).toMatchObject({ outcome: 'rolled-back', why: expect.stringContaining(why) });
    expectUntouched();
    if (isRealNginx) await expect.poll(() => small.ask()).toBe('old');
  });

  it('stays where nobody can say whether it helped, and is said to', async () => {
    expect(await apply(undefined, () => Promise.resolve({ state: 'unknown', text: 'no traffic', seconds: 1 }))).toMatchObject({ outcome: 'unverified' });
    expect(pictureOf(site)).not.toBe(before);
  });

  it('is taken back where it is broken off', async () => {
    const ending = new AbortController();
    const result = await apply(
      undefined,
      () => {
        ending.abort();
        return Promise.resolve(ended);
      },
      ending.signal,
    );
    expect(result).toMatchObject({ outcome: 'rolled-back', why: 'It was broken off.' });
    expectUntouched();
  });

  it('is refused where the file is another one since the diagnosis', async () => {
    const path = join(site, 'sites-available', 'shop');
    writeFileSync(path, readFileSync(path, 'latin1').replace('return 200 old', 'return 200 other'), 'latin1');
    before = pictureOf(site);
    expect(await apply()).toMatchObject({ outcome: 'refused', why: expect.stringContaining('no longer holds') });
    expectUntouched();
  });

  it('is refused for a person’s plan, and for a command that badhop never runs', async () => {
    expect(await apply({ ...planFor(small), automatic: false })).toMatchObject({ outcome: 'refused' });
    const command = { kind: 'command', argv: ['sh', '-c', 'true'], disruptive: false, why: '' } as const;
    expect(await apply({ ...planFor(small), steps: [command] })).toMatchObject({ outcome: 'refused', why: expect.stringContaining('does not run') });
    expect(await apply({ ...planFor(small), validate: [['systemctl', 'restart', 'x']] })).toMatchObject({ outcome: 'refused' });
    expectUntouched();
  });

  it('writes a file once that the plan names by two names', async () => {
    const plan = planFor(small);
    const [first] = plan.steps;
    if (first?.kind !== 'edit') throw new Error('no edit');
    const twice = { ...plan, steps: [first, { ...first, path: join(site, 'sites-available', 'shop') }, ...plan.steps.slice(1)] };
    expect(await apply(twice)).toMatchObject({ outcome: 'applied' });
    expect(readFileSync(join(site, 'sites-available', 'shop'), 'latin1').match(/return 200 new/g)).toHaveLength(1);
  });

  it('says who manages the file', async () => {
    const path = join(site, 'sites-available', 'shop');
    appendFileSync(path, '# This file is managed by Puppet\n');
    expect((await apply()).notes).toContainEqual(expect.stringContaining('Puppet'));
  });

  it('does not run a signal for a process that is another one by now', async () => {
    await apply();
    await small.stop();
    await expect.poll(() => existsSync(`/proc/${small.pid}`)).toBe(false);
    ran = [];
    const result = await undo();
    expect(result).toMatchObject({ outcome: 'applied', notes: [expect.stringContaining('has ended since')] });
    expect(ran.filter(line => line.startsWith('kill'))).toEqual([]);
    expect(pictureOf(site)).toBe(before);
  });

  it.runIf(isRoot)('keeps the owner, the mode and the group’s rights of a file', async () => {
    const path = join(site, 'sites-available', 'shop');
    spawnSync('chown', ['33:34', path]);
    chmodSync(path, 0o640);
    before = pictureOf(site);
    await apply();
    expect(statSync(path)).toMatchObject({ uid: 33, gid: 34, mode: 0o100640 });
    await undo();
    expectUntouched();
  });

  it.runIf(isRoot)('is refused on a file system that is read-only', async () => {
    const mount = join(site, 'sites-available');
    if (spawnSync('mount', ['--bind', mount, mount]).status !== 0) return;
    try {
      spawnSync('mount', ['-o', 'remount,ro,bind', mount]);
      expect(await apply()).toMatchObject({ outcome: 'refused', why: expect.stringContaining('read-only') });
      expectUntouched();
    } finally {
      spawnSync('umount', [mount]);
    }
  });

  it.runIf(isRoot)('is written in place where the file is a mount of its own, as in a container', async () => {
    const path = join(site, 'sites-available', 'shop');
    if (spawnSync('mount', ['--bind', path, path]).status !== 0) return;
    try {
      expect(await apply()).toMatchObject({ outcome: 'applied' });
      expect(await undo()).toMatchObject({ outcome: 'applied' });
      expectUntouched();
    } finally {
      spawnSync('umount', [path]);
    }
  });
});

describe('an undo', () => {
  it('is refused where somebody has changed the file since, and shows what', async () => {
    await apply();
    appendFileSync(join(site, 'sites-available', 'shop'), '# mine\n');
    const now = pictureOf(site);
    expect(await undo()).toMatchObject({ outcome: 'refused', why: expect.stringContaining('somebody else'), diff: expect.stringContaining('+# mine') });
    expect(pictureOf(site)).toBe(now);
  });

  it('is refused where a later change stands on it, and names that', async () => {
    await apply();
    const [first] = readHistory(state);
    const plan = planFor(small);
    const again = {
      ...plan,
      steps: plan.steps.flatMap(step =>
        step.kind === 'edit' && step.line === 4 ? [{ ...step, before: step.after, after: step.after.replace('new', 'newer') }] : [],
      ),
    };
    expect(await apply(again)).toMatchObject({ outcome: 'applied' });
    expect(await undo(first?.id)).toMatchObject({ outcome: 'refused', why: expect.stringMatching(/by \d{8}T\d{6}Z-\w+, which has to be undone first/) });
    await undo();
    await undo(first?.id);
    expectUntouched();
  });

  it('knows no other change than those that are in force', async () => {
    await apply(undefined, () => Promise.reject(new Error('no')));
    const [only] = readHistory(state);
    expect(() => chooseChange(state, only?.id)).toThrow('is not in force');
    expect(() => chooseChange(state, '20200101T000000Z-000000')).toThrow('there is no change');
  });
});

describe('what another badhop left open', () => {
  /** The journal of a change that was killed when it had written this many of its files. */
  async function leaveOpen(): Promise<PreparedChange> {
    const change = await prepareFix(host, { plan: planFor(small), toolVersion: 'test', mendsTest: false });
    createJournal(state, change.record, change.files).append('prepared');
    return change;
  }

  it('is taken back, and a write in place that was cut off is mended', async () => {
    const change = await leaveOpen();
    const index = change.record.files.findIndex(({ way }) => way === 'in-place');
    const { target } = change.record.files[index] ?? { target: '' };
    const bytes = Buffer.from(change.files[index]?.after ?? []);
    const old = readFileSync(target);
    writeFileSync(target, Buffer.concat([bytes.subarray(0, 20), old.subarray(20)]));
    expect(existsSync(state.marker)).toBe(true);
    expect(await recoverChanges(host, state)).toMatchObject([{ outcome: 'rolled-back' }]);
    expectUntouched();
  });

  it('is left alone where somebody else has changed the file since', async () => {
    await leaveOpen();
    appendFileSync(join(site, 'sites-available', 'shop'), '# mine\n');
    expect(await recoverChanges(host, state)).toMatchObject([{ outcome: 'conflict', diff: expect.stringContaining('# mine') }]);
    expect(readFileSync(join(site, 'sites-available', 'shop'), 'latin1')).toContain('# mine');
    expect(openChanges(state)).toEqual([]);
  });

  it('is only put away where its end was written down', async () => {
    const change = await prepareFix(host, { plan: planFor(small), toolVersion: 'test', mendsTest: false });
    createJournal(state, change.record, change.files).append('committed');
    expect(await recoverChanges(host, state)).toMatchObject([{ outcome: 'finished' }]);
    expect(readHistory(state)).toMatchObject([{ result: 'applied' }]);
  });

  it.each([
    ['garbage', 'garbage\u0000\u001B[2J'],
    ['nothing', ''],
    ['commands of somebody else', '{"version":1,"id":"20261121T171503Z-4f2a9c","commands":[{"argv":["sh","-c","touch /tmp/owned"]}]}'],
  ])('is told and never carried out where its journal holds %s', async (_, text) => {
    const folder = join(state.open, '20261121T171503Z-4f2a9c');
    mkdirSync(folder);
    writeFileSync(join(folder, 'record.json'), text);
    raiseMarker(state, '20261121T171503Z-4f2a9c');
    expect(await recoverChanges(host, state)).toMatchObject([{ outcome: 'unreadable' }]);
    expect(ran).toEqual([]);
    expect(existsSync(folder)).toBe(true);
    expect(readHistory(state)).toMatchObject([{ result: 'unreadable' }]);
  });

  it('is brought back from the journal where the copy beside the file is gone', async () => {
    const change = await leaveOpen();
    const index = change.record.files.findIndex(file => file.way === 'rename' && file.before !== undefined);
    const { target } = change.record.files[index] ?? { target: '' };
    const { mode } = statSync(target);
    writeFileSync(`${target}.tmp`, change.files[index]?.after ?? '', { mode: mode & 0o777 });
    renameSync(`${target}.tmp`, target);
    expect(await recoverChanges(host, state)).toMatchObject([{ outcome: 'rolled-back' }]);
    expectUntouched();
  });
});

describe('the journal’s folder', () => {
  it.each([
    ['others may write to it', () => chmodSync(state.changes, 0o777)],
    ['the group may write to it', () => chmodSync(state.open, 0o770)],
    [
      'it is a link',
      () => {
        renameSync(state.changes, `${state.changes}-real`);
        symlinkSync(`${state.changes}-real`, state.changes);
      },
    ],
  ])('is not trusted where %s', (_, spoil) => {
    spoil();
    expect(() => checkTrust(state)).toThrow(/others may write|link/);
    expect(() => prepareState(state)).toThrow();
  });

  it.runIf(isRoot)('is not trusted where it belongs to somebody else', () => {
    spawnSync('chown', ['33', state.changes]);
    expect(() => checkTrust(state)).toThrow('belongs to user 33');
  });

  it('is for one badhop at a time', async () => {
    const lock = await takeLock(state);
    expect(lock).toBeDefined();
    const started = performance.now();
    expect(await takeLock(state, 600)).toBeUndefined();
    expect(performance.now() - started).toBeGreaterThan(500);
    lock?.release();
    const next = await takeLock(state, 5000);
    expect(next).toBeDefined();
    next?.release();
  });
});

/** A file system of that many blocks of a page, with the given number of them free. */
describe.runIf(isRoot && spawnSync('mount', ['--help']).status === 0)('a disk without room', () => {
  it('leaves the files as they were, at whichever write it is full', { timeout: 120_000 }, async () => {
    const disk = join(scratch, 'disk');
    mkdirSync(disk);
    const page = 4096;
    const pages = 80;
    if (spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${pages * page},mode=755`, 'tmpfs', disk]).status !== 0) return;
    try {
      await small.stop();
      const outcomes: string[] = [];
      const full = join(disk, 'site');
      mkdirSync(full);
      small = await startSmallNginx(full);
      before = pictureOf(full);
      for (let free = 0; free <= 40; free++) {
        state = stateFolder(join(disk, `state-${free}`));
        prepareState(state);
        fillBut(disk, free * page);
        const result = await apply();
        rmSync(join(disk, 'fill'), { force: true });
        outcomes.push(result.outcome);
        if (result.outcome === 'applied') {
          expect(await undo()).toMatchObject({ outcome: 'applied' });
        }
        for (const { outcome } of await recoverChanges(host, state)) expect(['rolled-back', 'finished']).toContain(outcome);
        expect(pictureOf(full)).toBe(before);
        expect(openChanges(state)).toEqual([]);
        expect(small.test()).toBe(true);
        rmSync(state.root, { recursive: true });
      }
      // With no room it is not begun, with some it is, and with enough it ends well.
      expect(outcomes[0]).toBe('refused');
      expect(outcomes.at(-1)).toBe('applied');
      expect(outcomes).toContain('rolled-back');
    } finally {
      await small.stop();
      spawnSync('umount', ['-l', disk]);
    }
  });
});

function fillBut(disk: string, freeBytes: number): void {
  const { stdout } = spawnSync('df', ['-B1', '--output=avail', disk], { encoding: 'utf8' });
  const size = Number(stdout.split('\n')[1]) - freeBytes;
  if (size > 0) writeFileSync(join(disk, 'fill'), Buffer.alloc(size));
}
