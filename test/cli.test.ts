import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Report } from '../src/core/model/report.ts';
import { schemaProblems } from './report-schema.ts';
import { root } from './source-files.ts';

const node = join(root, 'node_modules/.bin/node');
const program = join(root, 'src/cli/bin.ts');

interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the program as its own process, without a terminal. */
function badhop(args: readonly string[], options: { readonly env?: NodeJS.ProcessEnv; readonly nodeArgs?: readonly string[] } = {}): Outcome {
  const env = { PATH: process.env['PATH'], LANG: 'C.UTF-8', ...options.env };
  const result = spawnSync(node, [...(options.nodeArgs ?? []), program, ...args], { encoding: 'utf8', env, timeout: 50_000, cwd: tmpdir() });
  return { code: result.status, stdout: result.stdout, stderr: result.stderr };
}

let scratch = '';
beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'badhop-cli-'));
});
afterAll(() => {
  rmSync(scratch, { recursive: true, force: true });
});

describe('help', () => {
  it('prints the version of package.json', () => {
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
    expect(badhop(['--version'])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
    expect(badhop(['-V'])).toMatchObject({ code: 0, stdout: `${version}\n` });
  });

  it('names the commands, the options of the default one, examples and exit codes', () => {
    const { code, stdout, stderr } = badhop(['--help']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    for (const word of [
      'diagnose',
      'collect',
      'explain',
      '--since',
      '--format',
      '--verbose',
      '--no-probe',
      '--bundle',
      '--no-color',
      'Examples:',
      'Exit codes:',
    ])
      expect(stdout).toContain(word);
  });

  it.each([['diagnose'], ['collect'], ['explain']])('has a page for %s', command => {
    const page = badhop(['help', command]);
    expect(page).toMatchObject({ code: 0, stderr: '' });
    expect(page.stdout).toContain(`Usage: badhop ${command}`);
    expect(badhop([command, '--help'])).toEqual(page);
  });
});

describe('wrong use', () => {
  it.each([
    [['frobnicate'], "unknown command 'frobnicate'"],
    [['help', 'frobnicate'], "unknown command 'frobnicate'"],
    [['--frmat', 'json'], "unknown option '--frmat' (Did you mean --format?)"],
    [['diagnose', 'web1'], "too many arguments for 'diagnose'"],
    [['--format', 'yaml'], 'Allowed choices are terminal, json'],
    [['--since', 'a while'], '--since a while: this is neither a duration nor a time'],
    [['--since'], "option '--since <when>' argument missing"],
    [['--width', '3'], 'Give a number of columns'],
    [['collect'], "required option '--out <dir>' not specified"],
    [['collect', '--out', 'x', '--since', 'soon'], 'neither a duration nor a time'],
    [['explain', 'no-such-fault-at-all'], "there is no fault 'no-such-fault-at-all'"],
    [['--bundle', '/nonexistent/bundle'], '/nonexistent/bundle'],
    [['collect', '--out', '/proc/badhop-bundle'], '/proc'],
  ])('%j says what is wrong, on stderr alone, and exits with 2', (args, message) => {
    const { code, stdout, stderr } = badhop(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(message);
    expect(stderr).toMatch(/^badhop: .+\n.+\n$/);
    expect(stderr).not.toMatch(/^ +at /m);
  });

  it('escapes what it quotes', () => {
    expect(badhop(['\u001B[2Jx']).stderr).toContain(String.raw`\x1b[2Jx`);
  });

  it('refuses to record into a folder that holds something', () => {
    writeFileSync(join(scratch, 'something'), '');
    const { code, stderr } = badhop(['collect', '--out', scratch]);
    expect(code).toBe(2);
    expect(stderr).toContain('is not empty');
  });

  it('refuses a Node.js that is too old, before it parses anything else', () => {
    const disguise = `data:text/javascript,Object.defineProperty(process,'versions',{value:{...process.versions,node:'20.10.0'}})`;
    const { code, stdout, stderr } = badhop(['--version'], { nodeArgs: ['--import', disguise] });
    expect({ code, stdout, stderr }).toEqual({ code: 2, stdout: '', stderr: 'badhop: Node.js 20.10.0 is too old. Install Node.js 20.11 or later.\n' });
  });
});

describe('a bug of its own', () => {
  const thrower = `data:text/javascript,setTimeout(()=>{throw new Error('an internal matter')},0);setTimeout(()=>{},9000)`;

  it('is reported in a sentence and exits with 2', () => {
    const { code, stderr } = badhop(['--bundle', '/nonexistent'], { nodeArgs: ['--import', thrower] });
    expect(code).toBe(2);
    expect(stderr).not.toMatch(/^ +at /m);
  });

  it('shows its stack with BADHOP_DEBUG=1', () => {
    const { stderr } = badhop(['--bundle', '/nonexistent'], { env: { BADHOP_DEBUG: '1' } });
    expect(stderr).toMatch(/^ +at /m);
  });
});

describe('the end of the process', () => {
  it('comes quietly when nobody reads any more', async () => {
    const child = spawn(node, [program, '--help'], { stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.destroy();
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    const code = await new Promise(resolve => child.on('close', resolve));
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });

  it('comes with the whole output through a slow pipe', () => {
    const result = spawnSync('sh', ['-c', '"$0" "$1" --help | (sleep 0.5; cat)', node, program], { encoding: 'utf8' });
    expect(result.stdout).toBe(badhop(['--help']).stdout);
  });

  it('says when the output cannot be stored', () => {
    const { status, stderr } = spawnSync('sh', ['-c', '"$0" "$1" --help > /dev/full', node, program], { encoding: 'utf8' });
    expect({ status, stderr: stderr.split('\n')[0] }).toMatchObject({ status: 2, stderr: expect.stringContaining('stdout: ENOSPC') as unknown });
  });

  it('comes soon and with its code, even where a file never answers', () => {
    const fifo = join(scratch, 'fifo');
    expect(spawnSync('mkfifo', [fifo]).status).toBe(0);
    const opener = `data:text/javascript,import fs from 'node:fs';fs.open(${encodeURIComponent(JSON.stringify(fifo))},'r',()=>{})`;
    const startMs = performance.now();
    const { code, stderr } = badhop(['frobnicate'], { nodeArgs: ['--import', opener] });
    expect({ code, stderr: stderr.split('\n')[0] }).toEqual({ code: 2, stderr: "badhop: unknown command 'frobnicate'" });
    expect(performance.now() - startMs).toBeLessThan(10_000);
  });
});

describe('a diagnosis', () => {
  const exitCodes: Readonly<Record<string, number>> = { healthy: 0, recovered: 0, failing: 1, 'at-risk': 1, inconclusive: 3 };

  it('of this machine holds to the schema, and its exit code to the verdict', () => {
    const { code, stdout, stderr } = badhop(['--format', 'json', '--no-probe', '--since', '1m']);
    expect(stderr).toBe('');
    const report = JSON.parse(stdout) as { verdict: string; internalErrors: readonly string[] };
    expect(schemaProblems(report)).toEqual([]);
    expect(report.internalErrors).toEqual([]);
    expect(code).toBe(exitCodes[report.verdict]);
  });

  it('tells what the logs say of a longer time, and not of a recording', () => {
    const { code, stdout, stderr } = badhop(['--format', 'json', '--no-probe', '--since', '1m', '--tail-window', '2d']);
    expect(stderr).toBe('');
    const report = JSON.parse(stdout) as Pick<Report, 'verdict' | 'history' | 'notChecked' | 'internalErrors'>;
    expect(schemaProblems(report)).toEqual([]);
    expect(report.internalErrors).toEqual([]);
    expect(report.history !== undefined || report.notChecked.some(({ what }) => what === 'the logs over a longer time')).toBe(true);
    expect(code).toBe(exitCodes[report.verdict]);
    for (const args of [
      ['--bundle', scratch, '--tail-window', '2d'],
      ['--tail-window', '2090-01-01'],
      ['--tail-window', 'yesterday'],
    ]) {
      expect(badhop(args)).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('--tail-window') as unknown });
    }
  });

  it('recorded by collect says the same when it is replayed', () => {
    const folder = join(scratch, 'bundle');
    const recorded = badhop(['collect', '--out', folder, '--since', '2m', '--no-probe']);
    expect(recorded).toMatchObject({ code: 0, stderr: '' });
    expect(recorded.stdout).toContain(`badhop --bundle ${folder}`);
    const [, verdict = ''] = /the verdict here is ([a-z-]+)/.exec(recorded.stdout) ?? [];
    const replayed = badhop(['--bundle', folder, '--no-probe', '--format', 'json']);
    const report = JSON.parse(replayed.stdout) as { verdict: string };
    expect(schemaProblems(report)).toEqual([]);
    expect(report.verdict).toBe(verdict);
    expect(replayed.code).toBe(exitCodes[verdict]);
    const shown = badhop(['diagnose', '--bundle', folder, '--no-probe', '--width', '60']);
    expect(shown).toMatchObject({ code: exitCodes[verdict], stderr: '' });
    expect(Math.max(...shown.stdout.split('\n').map(row => row.length))).toBeLessThanOrEqual(60);
    expect(shown.stdout).not.toContain('\u001B');
  });
});
