import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { root } from './source-files.ts';

/** Bad input that needs no host of the lab: tools that misbehave, a person who presses Ctrl-C, a place that is gone. */
const node = join(root, 'node_modules/.bin/node');
const program = join(root, 'src/cli/bin.ts');
const toolNames = ['ss', 'systemctl', 'journalctl', 'iptables-save', 'nft', 'getent', 'dmesg', 'df'];
const isLinux = process.platform === 'linux';

interface Outcome {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly ms: number;
}

interface RunOptions {
  /** Script of each tool that badhop asks; they stand first in PATH. */
  readonly tools?: string;
  readonly cwd?: string;
  /** Sent after `afterMs`. */
  readonly signal?: NodeJS.Signals;
  readonly afterMs?: number;
  /** Run once it stands in its folder. */
  readonly onceStarted?: () => void;
}

let scratch = '';
beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'badhop-bad-'));
});
afterAll(() => {
  rmSync(scratch, { recursive: true, force: true });
});

function badhop(args: readonly string[], { tools, cwd = tmpdir(), signal, afterMs = 0, onceStarted }: RunOptions = {}): Promise<Outcome> {
  const folder = mkdtempSync(join(scratch, 'tools-'));
  for (const name of tools === undefined ? [] : toolNames) writeFileSync(join(folder, name), `#!/bin/sh\n${tools ?? ''}\n`, { mode: 0o755 });
  const startedMs = performance.now();
  return new Promise(resolve => {
    const child = spawn(node, [program, ...args], {
      cwd,
      env: { PATH: `${folder}:${process.env['PATH'] ?? ''}`, LANG: 'C.UTF-8' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString('utf8')));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString('utf8')));
    const giveUp = setTimeout(() => child.kill('SIGKILL'), 40_000);
    if (signal !== undefined) setTimeout(() => child.kill(signal), afterMs);
    onceStarted?.();
    child.on('close', (code, endedBy) => {
      clearTimeout(giveUp);
      resolve({ code, signal: endedBy, stdout, stderr, ms: performance.now() - startedMs });
    });
  });
}

function expectReport({ code, stdout, stderr }: Outcome): void {
  expect(stderr).toBe('');
  const report = JSON.parse(stdout) as { internalErrors: string[] };
  expect(report.internalErrors).toEqual([]);
  expect([0, 1, 3]).toContain(code);
}

/** Processes whose command line holds the text. */
function running(text: string): string[] {
  return readdirSync('/proc').filter(name => {
    if (!/^\d+$/.test(name)) return false;
    try {
      return readFileSync(`/proc/${name}/cmdline`, 'latin1').includes(text);
    } catch {
      return false;
    }
  });
}

describe.skipIf(!isLinux)('tools that misbehave', () => {
  it.each([
    ['write without end', 'exec yes \'LISTEN 0 4096 0.0.0.0:99999999 x users:(("a",pid=-1,fd=x))\''],
    ['write rubbish', 'head -c 300000 /dev/urandom'],
    ['die of a signal', 'kill -SEGV $$'],
    ['end with an error and escape codes', "printf '\\033[2J\\033]0;owned\\007' >&2; exit 9"],
    ['say nothing', 'exit 0'],
    ['leave a child that holds their output', 'sleep 20 & echo x'],
  ])('%s: there is a report', { timeout: 45_000 }, async (_, tools) => {
    const outcome = await badhop(['--no-probe', '--format', 'json'], { tools });
    expectReport(outcome);
    expect(outcome.ms).toBeLessThan(20_000);
  });

  it('never end: there is a report all the same, which names them, and none is left behind', { timeout: 45_000 }, async () => {
    const outcome = await badhop(['--no-probe', '--format', 'json'], { tools: 'exec sleep 4713' });
    expectReport(outcome);
    expect(outcome.stdout).toContain('did not end within');
    expect(running('sleep\x004713')).toEqual([]);
  });
});

describe.skipIf(!isLinux)('a person who does not wait', () => {
  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)('%s ends it at once with %i, and what it has started', { timeout: 45_000 }, async (signal, code) => {
    const outcome = await badhop(['--no-probe', '--format', 'json'], { tools: 'exec sleep 4712', signal, afterMs: 1500 });
    expect(outcome).toMatchObject({ code, stdout: '', stderr: '' });
    // Waiting for the tools takes eight seconds.
    expect(outcome.ms).toBeLessThan(6500);
    expect(running('sleep\x004712')).toEqual([]);
  });

  it('leaves no recording that could be taken for a whole one', { timeout: 45_000 }, async () => {
    const folder = join(scratch, 'cut');
    await badhop(['collect', '--no-probe', '--out', folder], { tools: 'exec sleep 4714', signal: 'SIGINT', afterMs: 1500 });
    const replay = await badhop(['--bundle', folder]);
    expect(replay).toMatchObject({ code: 2, stdout: '' });
    expect(replay.stderr).toContain('bundle.json does not exist');
    expect(replay.stderr).not.toMatch(/^\s+at /m);
  });
});

describe.skipIf(!isLinux)('a place that is gone', () => {
  it('is no obstacle: the working folder was removed', { timeout: 45_000 }, async () => {
    const cwd = join(scratch, 'gone');
    mkdirSync(cwd);
    const outcome = await badhop(['--no-probe', '--format', 'json'], { cwd, onceStarted: () => rmSync(cwd, { recursive: true }) });
    expect(existsSync(cwd)).toBe(false);
    expectReport(outcome);
  });
});
