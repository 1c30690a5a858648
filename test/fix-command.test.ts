import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FixPlan } from '../src/core/model/finding.ts';
import { lineDiff } from '../src/core/model/fix.ts';
import { sampleReports } from '../src/core/reporters/terminal.fixtures/sample-reports.ts';
import { createJournal } from '../src/node/apply/journal-store.ts';
import { prepareFix } from '../src/node/apply/prepare.ts';
import { prepareState, stateFolder, takeLock, type StateFolder } from '../src/node/apply/state-folder.ts';
import { createLocalHost } from '../src/node/hosts/local.ts';
import { changesSchemaProblems } from './report-schema.ts';
import { root } from './source-files.ts';

const node = join(root, 'node_modules/.bin/node');
const program = join(root, 'src/cli/bin.ts');
const isRoot = process.getuid?.() === 0;
let scratch = '';
let state: StateFolder;

beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'badhop-fix-'));
  state = stateFolder(join(scratch, 'state'));
});
afterEach(() => {
  rmSync(scratch, { recursive: true, force: true });
});

function badhop(args: readonly string[], options: { readonly uid?: number } = {}) {
  const env = { PATH: process.env['PATH'], LANG: 'C.UTF-8', BADHOP_STATE: state.root };
  const { status, stdout, stderr } = spawnSync(node, [program, ...args], { encoding: 'utf8', env, timeout: 50_000, cwd: '/', ...options });
  return { code: status, stdout, stderr };
}

function planOf(path: string, before: string, after: string): FixPlan {
  const step = { kind: 'edit', path, line: 1, before, after, diff: lineDiff(path, 1, before, after) } as const;
  return { id: 'say-more', summary: 'Say more', automatic: true, risk: 'low', minutes: 1, steps: [step], validate: [], verify: 'it does' };
}

/** A change as a badhop leaves it that is killed when it has written its file. */
async function leaveOpen(): Promise<string> {
  const path = join(scratch, 'some.conf');
  writeFileSync(path, 'one\ntwo\n');
  prepareState(state);
  const change = await prepareFix(createLocalHost(), { plan: planOf(path, 'one', 'many'), toolVersion: 'test', mendsTest: false });
  createJournal(state, change.record, change.files).append('writing', { index: 0 });
  writeFileSync(path, change.files[0]?.after ?? '');
  return path;
}

describe('help', () => {
  it.each(['fix', 'undo', 'history'])('has a page for %s', command => {
    const page = badhop(['help', command]);
    expect(page).toMatchObject({ code: 0, stderr: '' });
    expect(page.stdout).toContain(`Usage: badhop ${command}`);
  });
});

describe('wrong use', () => {
  it.each([
    [['fix', '--settle', '0'], 'whole seconds from 1 to 600'],
    [['fix', '--report', '/nonexistent'], '--report /nonexistent'],
    [['fix', '--report', '/etc/passwd'], '--report /etc/passwd'],
    [['undo'], 'no change of badhop is in force'],
    [['undo', '20200101T000000Z-000000'], 'there is no change'],
    [['undo', '../../etc'], 'there is no change'],
  ])('%j is told on stderr alone, with 2', (args, message) => {
    const { code, stdout, stderr } = badhop(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(message);
    expect(stderr).not.toMatch(/^ +at /m);
  });

  it('refuses a report with a plan that is none', () => {
    const path = join(scratch, 'report.json');
    const [finding] = sampleReports.failing.findings;
    writeFileSync(path, JSON.stringify({ ...sampleReports.failing, findings: [{ ...finding, fixes: [{ id: 1 }] }] }));
    expect(badhop(['fix', '--report', path])).toMatchObject({ code: 2, stderr: expect.stringContaining('no report of badhop diagnose') });
  });

  it('names no fault that does not exist', () => {
    const path = join(scratch, 'report.json');
    writeFileSync(path, JSON.stringify(sampleReports.failing));
    expect(badhop(['fix', 'no-such-thing', '--report', path])).toMatchObject({ code: 2, stderr: expect.stringContaining("no fault or plan 'no-such-thing'") });
  });
});

describe('the plans of an earlier report', () => {
  it('are shown with their diffs against the files as they are, and nothing is changed', () => {
    const file = join(scratch, 'some.conf');
    writeFileSync(file, 'one\ntwo\nthree\n');
    const path = join(scratch, 'report.json');
    const [finding] = sampleReports.failing.findings;
    const report = { ...sampleReports.failing, findings: [{ ...finding, title: 'Hostile \u001B[2J title', fixes: [planOf(file, 'one', 'many')] }] };
    writeFileSync(path, JSON.stringify(report));
    const shown = badhop(['fix', '--report', path, '--width', '100']);
    expect(shown).toMatchObject({ code: 1, stderr: '' });
    for (const text of ['-one', '+many', ' two', 'low risk', '--apply', String.raw`\x1b[2J`]) expect(shown.stdout).toContain(text);
    expect(shown.stdout).not.toContain('\u001B');
    const json = badhop(['fix', '--report', path, '--format', 'json']);
    expect(changesSchemaProblems(JSON.parse(json.stdout))).toEqual([]);
    expect(readFileSync(file, 'utf8')).toBe('one\ntwo\nthree\n');
    expect(existsSync(state.root)).toBe(false);
  });

  it('are not applied where a new diagnosis does not find the fault', { timeout: 60_000 }, () => {
    const file = join(scratch, 'some.conf');
    writeFileSync(file, 'one\n');
    const path = join(scratch, 'report.json');
    const [finding] = sampleReports.failing.findings;
    writeFileSync(path, JSON.stringify({ ...sampleReports.failing, findings: [{ ...finding, fixes: [planOf(file, 'one', 'many')] }] }));
    const { code, stdout } = badhop(['fix', '--report', path, '--apply', '--format', 'json', '--since', '1m']);
    expect(code).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({ results: [{ result: { outcome: 'refused', why: expect.stringContaining('does not find it any more') } }] });
    expect(readFileSync(file, 'utf8')).toBe('one\n');
  });
});

describe('the history', () => {
  it('is empty on a host that badhop never changed', () => {
    expect(badhop(['history'])).toEqual({ code: 0, stdout: 'badhop has changed nothing on this host.\n', stderr: '' });
    const { stdout } = badhop(['history', '--format', 'json']);
    expect(changesSchemaProblems(JSON.parse(stdout))).toEqual([]);
  });

  it('is not read from a folder that others may write to', () => {
    prepareState(state);
    chmodSync(state.changes, 0o777);
    expect(badhop(['history'])).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('others may write to it') });
    expect(badhop(['undo'])).toMatchObject({ code: 2, stderr: expect.stringContaining('others may write to it') });
  });
});

describe('a change that was left open', () => {
  it.each([[['explain']], [['history']]])('is taken back by badhop %j before anything else', async args => {
    const path = await leaveOpen();
    const { code, stderr } = badhop(args);
    expect(code).toBe(0);
    expect(stderr).toMatch(/Change \d{8}T\d{6}Z-[0-9a-f]{6} \(Say more\): It was not finished, and has been taken back\./);
    expect(readFileSync(path, 'utf8')).toBe('one\ntwo\n');
    expect(badhop(['history']).stdout).toContain('rolled-back');
    expect(badhop(args).stderr).toBe('');
  });

  it('is listed with the person behind it', async () => {
    await leaveOpen();
    badhop(['explain']);
    const { stdout } = badhop(['history', '--format', 'json']);
    const report: unknown = JSON.parse(stdout);
    expect(changesSchemaProblems(report)).toEqual([]);
    expect(report).toMatchObject({ changes: [{ result: 'rolled-back', plan: 'say-more', who: { uid: process.getuid?.() } }] });
  });

  it('is left to the badhop that is at work on it', async () => {
    const path = await leaveOpen();
    const lock = await takeLock(state);
    const { stderr } = badhop(['explain']);
    expect(stderr).toContain('Another badhop is changing this host');
    expect(readFileSync(path, 'utf8')).toBe('many\ntwo\n');
    lock?.release();
  });

  it.runIf(isRoot)('is only told to somebody without the right to end it', async () => {
    const path = await leaveOpen();
    chmodSync(scratch, 0o755);
    const { code, stderr } = badhop(['explain'], { uid: 65_534 });
    expect(code).toBe(0);
    expect(stderr).toContain('Run badhop as root');
    expect(readFileSync(path, 'utf8')).toBe('many\ntwo\n');
  });

  it('is told where its journal is damaged, and nothing of it is carried out', async () => {
    const path = await leaveOpen();
    const [id = ''] = badhop(['history', '--state', join(scratch, 'none')]).stdout === '' ? [] : [readFileSync(state.marker, 'utf8').trim()];
    writeFileSync(join(state.open, id, 'record.json'), '{"version":1,\u001B[2J');
    const { code, stderr } = badhop(['explain']);
    expect(code).toBe(0);
    expect(stderr).toContain('Its journal cannot be read');
    expect(stderr).not.toContain('\u001B');
    expect(readFileSync(path, 'utf8')).toBe('many\ntwo\n');
    expect(badhop(['history'])).toMatchObject({ code: 1, stdout: expect.stringContaining('unreadable') });
  });

  it('keeps no folder that is no journal from being told', () => {
    prepareState(state);
    mkdirSync(join(state.open, 'something'));
    writeFileSync(state.marker, 'x\n');
    expect(badhop(['explain']).stderr).toContain('is no journal');
  });
});
