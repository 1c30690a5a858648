import { spawn, spawnSync } from 'node:child_process';
import { appendFileSync, chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LogsReport } from '../src/core/model/logs-report.ts';
import { logsSchemaProblems } from './report-schema.ts';
import { root } from './source-files.ts';

const node = join(root, 'node_modules/.bin/node');
const program = join(root, 'src/cli/bin.ts');
const isRoot = process.getuid?.() === 0;

interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

let scratch = '';
beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'badhop-logs-'));
  writeFileSync(join(scratch, 'good.log'), goodLines(0, 600).join(''));
  writeFileSync(join(scratch, 'bad.log'), [...goodLines(0, 400), ...failingLines(400, 200)].join(''));
  mkdirSync(join(scratch, 'folder'));
  writeFileSync(join(scratch, 'folder/access.log'), goodLines(300, 300).join(''));
  writeFileSync(join(scratch, 'folder/access.log.1.gz'), gzipSync(goodLines(0, 300).join('')));
  writeFileSync(join(scratch, 'folder/notes.txt'), 'nothing');
  mkdirSync(join(scratch, 'empty-folder'));
  writeFileSync(join(scratch, 'empty.log'), '');
  writeFileSync(join(scratch, 'garbage.log'), Buffer.from(Array.from({ length: 40_000 }, (_, index) => (index * 7919 + (index >> 3)) % 256)));
  writeFileSync(join(scratch, 'rubbish.log'), `${'lorem ipsum dolor sit amet '.repeat(3)}\n`.repeat(128));
  writeFileSync(join(scratch, 'secret.log'), goodLines(0, 10).join(''));
  chmodSync(join(scratch, 'secret.log'), 0);
});
afterAll(() => {
  rmSync(scratch, { recursive: true, force: true });
});

const startMs = Date.parse('2026-11-20T06:00:00Z');
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

function timeLocal(index: number): string {
  const iso = new Date(startMs + index * 1000).toISOString();
  return `${iso.slice(8, 10)}/${months[Number(iso.slice(5, 7)) - 1] ?? ''}/${iso.slice(0, 4)}:${iso.slice(11, 19)} +0000`;
}

function line(index: number, request: string, status: number): string {
  return `203.0.113.${index % 200} - - [${timeLocal(index)}] "${request} HTTP/1.1" ${status} 512 "-" "curl/8.5.0"\n`;
}

function goodLines(from: number, count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => line(from + index, `GET /item/${index}`, 200));
}

function failingLines(from: number, count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => line(from + index, `POST /export/${index}?token=s3cr3t-of-mine`, 502));
}

/** With the compiled sources of the runs before: compiling takes most of the time of a run. */
function environment(): NodeJS.ProcessEnv {
  return { PATH: process.env['PATH'], LANG: 'C.UTF-8', NODE_COMPILE_CACHE: join(scratch, 'compiled') };
}

function badhop(args: readonly string[], options: { readonly uid?: number } = {}): Outcome {
  const result = spawnSync(node, [program, 'logs', ...args], {
    encoding: 'utf8',
    env: { ...environment(), TZ: 'UTC' },
    timeout: 50_000,
    cwd: scratch,
    stdio: ['ignore', 'pipe', 'pipe'],
    ...options,
  });
  return { code: result.status, stdout: result.stdout, stderr: result.stderr };
}

function report(args: readonly string[]): LogsReport {
  return JSON.parse(badhop([...args, '--format', 'json']).stdout) as LogsReport;
}

describe('badhop logs', () => {
  it('says what fails, and exits with 1', () => {
    const { code, stdout, stderr } = badhop(['bad.log']);
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
    expect(stdout.split('\n')[0]).toContain('FAILING');
    expect(stdout).toContain('200');
    expect(stdout).toContain('502');
    expect(stdout).toContain('06:06:40');
    expect(stdout.split('\n').length - 1).toBeLessThanOrEqual(24);
  });

  it('finds nothing wrong in a log where nothing is, and exits with 0', () => {
    expect(badhop(['good.log'])).toMatchObject({ code: 0, stderr: '', stdout: expect.stringContaining('HEALTHY') as unknown });
  });

  it('writes JSON that holds to the published schema', () => {
    for (const path of ['bad.log', 'good.log', 'garbage.log', 'folder']) expect(logsSchemaProblems(report([path])), path).toEqual([]);
  });

  it('reads a folder, rotated and compressed files too, each line once', () => {
    expect(report(['folder']).totals.requests).toBe(600);
    expect(report(['folder/access.log', 'folder', 'folder/access.log*']).totals.requests).toBe(600);
  });

  it('reads standard input where it is piped in, and where it is named', () => {
    for (const name of ['-', '']) {
      const piped = spawnSync('sh', ['-c', `cat good.log | "$0" "$1" logs ${name} --format json`, node, program], {
        encoding: 'utf8',
        cwd: scratch,
        env: environment(),
      });
      expect((JSON.parse(piped.stdout) as LogsReport).totals.requests).toBe(600);
    }
  });

  it('counts what lies between --since and --until alone', () => {
    const { totals } = report(['good.log', '--since', '2026-11-20T06:01:00', '--until', '2026-11-20T06:02:00Z', '--zone', 'UTC']);
    expect(totals.requests).toBe(60);
    expect(report(['good.log', '--since', '2026-11-20T07:01', '--until', '2026-11-20T07:02', '--zone', '+01:00']).totals.requests).toBe(60);
  });

  it('says of a compressed log that lies outside of it that it was left out', () => {
    const options = ['folder/access.log.1.gz', '--until', '2026-11-20T05:00:00Z', '--zone', 'UTC'];
    const { summary, inputs } = report(options);
    expect(summary).toBe('No line lies in the time that was asked for.');
    expect(inputs).toMatchObject([{ lines: 0, skipped: 'its first line is younger than what was asked for' }]);
    expect(badhop([...options, '--verbose']).stdout).toMatch(/access\.log\.1\.gz: left out: its first line is younger/u);
  });

  it.each([
    ['report.html', /^<!doctype html>/],
    ['report.md', /^# /],
    ['report.json', /^\{/],
    ['report.txt', /FAILING|RECOVERED/],
  ])('writes %s in the form that its name says, and tells where it is', (name, start) => {
    const { stdout, stderr } = badhop(['bad.log', '--out', name]);
    expect(stderr).toBe('');
    expect(stdout).toContain(`The report is in ${name}`);
    expect(readFileSync(join(scratch, name), 'utf8')).toMatch(start);
  });

  it('shows no secret of a line', () => {
    for (const form of ['terminal', 'json', 'markdown', 'html']) {
      const { stdout } = badhop(['bad.log', '--format', form, '--verbose']);
      expect(stdout).toContain('/export/');
      expect(stdout, form).not.toContain('s3cr3t-of-mine');
    }
  });

  it.each([
    ['a name', 'combined'],
    ['a text', '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"'],
    ['a configuration', 'nginx.conf'],
    ['the text of a LogFormat', '%h %l %u %t "%r" %>s %O "%{Referer}i" "%{User-Agent}i"'],
    ['a configuration of Apache', 'apache2.conf'],
  ])('takes the format of the log as %s', (_, format) => {
    writeFileSync(
      join(scratch, 'nginx.conf'),
      `http { log_format mine '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent '\n '"$http_referer" "$http_user_agent"'; }`,
    );
    writeFileSync(join(scratch, 'apache2.conf'), String.raw`LogFormat "%h %l %u %t \"%r\" %>s %O \"%{Referer}i\" \"%{User-Agent}i\"" mine`);
    expect(report(['bad.log', '--log-format', format]).totals).toMatchObject({ requests: 600, failed: 200 });
  });

  it('counts the same with the plain engine', () => {
    const [plain, other] = [report(['bad.log', '--engine', 'plain']), report(['bad.log'])];
    expect({ ...plain, startedAt: '', durationMs: 0 }).toEqual({ ...other, startedAt: '', durationMs: 0 });
  });

  it('has a page of help with examples and exit codes', () => {
    const { code, stdout } = badhop(['--help']);
    expect(code).toBe(0);
    for (const word of ['--since', '--until', '--format', '--log-format', '--out', '--journal', '--follow', '--threads', '--zone', 'Examples:', 'Exit codes:'])
      expect(stdout).toContain(word);
    expect(stdout).not.toContain('--engine');
  });
});

describe('bad input', () => {
  it.each<readonly [readonly string[], string]>([
    [['nope.log'], 'nope.log: it does not exist'],
    [['nope*.log'], 'nope*.log'],
    [['empty-folder'], 'empty-folder: no file in this folder is named like a log'],
    [['/dev/zero'], '/dev/zero: it is a device'],
    [['good.log', '--frobnicate'], "unknown option '--frobnicate'"],
    [['good.log', '--format', 'yaml'], '--format yaml: this is no form of a report'],
    [['good.log', '--format', 'haproxy'], '--format haproxy: this is no form of a report'],
    [['good.log', '--log-format', 'no-such'], '--log-format no-such: this is no known format'],
    [['good.log', '--log-format', 'good.log'], '--log-format good.log: no log_format and no LogFormat'],
    [['good.log', '--since', 'a while'], '--since a while: this is neither a duration nor a time'],
    [['good.log', '--until', 'soon'], '--until soon: this is neither'],
    [['good.log', '--since', '1h', '--until', '2h'], '--until lies before --since'],
    [['good.log', '--zone', 'Mars/Olympus'], '--zone Mars/Olympus: there is no such time zone'],
    [['good.log', '--threads', '0'], 'Give a number of threads'],
    [['good.log', '--width', '3'], 'Give a number of columns'],
    [['good.log', '--out', 'no/such/folder/x.html'], '--out no/such/folder/x.html'],
    [['good.log', '--out', 'empty-folder'], '--out empty-folder: it is a folder'],
    [['good.log', '--follow', '--format', 'json'], '--follow: what is followed'],
    [['good.log', '--follow', '--until', '1m'], '--follow has no end'],
    [['good.log', '--out', 'good.log'], '--out good.log: this is a log that is to be read'],
  ])('%j is told in two lines on stderr, and exits with 2', (args, message) => {
    const before = readFileSync(join(scratch, 'good.log'));
    const { code, stdout, stderr } = badhop(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(message);
    expect(stderr).toMatch(/^badhop: .+\n.+\n$/);
    expect(readFileSync(join(scratch, 'good.log'))).toEqual(before);
  });

  it('points to --log-format where --format is a format of logs', () => {
    for (const format of ['haproxy', '$status $request', 'good.log']) expect(badhop(['good.log', '--format', format]).stderr).toContain('--log-format');
    expect(badhop(['good.log', '--log-format', 'no-such']).stderr).toMatch(/combined.*nginx-error/);
  });

  it.each([
    ['an empty file', 'empty.log'],
    ['binary garbage', 'garbage.log'],
    ['10 KB of rubbish', 'rubbish.log'],
  ])('cannot tell anything from %s: inconclusive, with what to do', (_, path) => {
    const { code, stdout, stderr } = badhop([path]);
    expect({ code, stderr }).toEqual({ code: 3, stderr: '' });
    expect(stdout).toContain('INCONCLUSIVE');
    expect(stdout.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
    expect(badhop([path, '--verbose']).stdout).toContain(path);
  });

  it.runIf(isRoot)('names what it may not read, and reads the rest', () => {
    chmodSync(scratch, 0o755);
    const alone = badhop(['secret.log'], { uid: 65_534 });
    // Some systems keep the program itself from that user.
    if (alone.stderr.includes('badhop:')) {
      expect(alone).toMatchObject({ code: 2, stdout: '' });
      expect(alone.stderr).toContain('secret.log: permission denied');
    }
    const both = badhop(['secret.log', 'nope.log', 'good.log']);
    expect(both.code).not.toBe(2);
    expect(both.stdout).toContain('nope.log');
  });

  it('says when the machine has no nginx and nothing was named', () => {
    const { code, stderr } = badhop([]);
    if (code === 2) expect(stderr).toMatch(/^badhop: (?:no log was named|\/.+)\n.+\n$/);
    else expect([0, 1, 3]).toContain(code);
  });
});

describe('the end of it', () => {
  it('comes quietly when nobody reads any more', () => {
    const result = spawnSync('bash', ['-c', '"$0" "$1" logs bad.log --verbose | head -n 1; echo "${PIPESTATUS[0]}"', node, program], {
      encoding: 'utf8',
      cwd: scratch,
      env: { ...process.env, ...environment() },
    });
    expect(result.stderr).toBe('');
    expect(result.stdout.trimEnd().split('\n').at(-1)).toBe('1');
  });

  it('comes with a report of what was read, when Ctrl-C breaks it off', async () => {
    const child = spawn(node, [program, 'logs', '-'], { cwd: scratch, stdio: ['pipe', 'pipe', 'pipe'], env: environment() });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.stdin.on('error', () => undefined);
    const written = failingLines(0, 20_000).join('');
    child.stdin.write(written);
    // The first megabyte is through before the pipe, which is a tenth of it, takes the last.
    await new Promise<void>(resolve => child.stdin.write(written, () => resolve()));
    await new Promise(done => setTimeout(done, 1500));
    child.kill('SIGINT');
    const code = await new Promise(resolve => child.on('close', resolve));
    expect({ code, stderr }).toEqual({ code: 130, stderr: '' });
    expect(stdout).toContain('Only a part was read');
    expect(stdout).toMatch(/FAILING|RECOVERED/);
  });

  it('comes to what follows with Ctrl-C, or when nobody reads any more', async () => {
    const path = join(scratch, 'growing.log');
    writeFileSync(path, goodLines(0, 10).join(''));
    const child = spawn(node, [program, 'logs', '--follow', path], {
      cwd: scratch,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: environment(),
    });
    let stdout = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    let written = 0;
    const writer = setInterval(() => {
      appendFileSync(path, failingLines(1000 + written, 10).join(''));
      written += 10;
    }, 200);
    const untilMs = performance.now() + 30_000;
    while (!stdout.includes('failed') && performance.now() < untilMs) await new Promise(done => setTimeout(done, 100));
    clearInterval(writer);
    await new Promise(done => setTimeout(done, 1000));
    child.kill('SIGINT');
    const code = await new Promise(resolve => child.on('close', resolve));
    expect(code).toBe(130);
    // What was there before it began does not count.
    expect(stdout).toMatch(/^\d\d:\d\d:\d\d {2}[\d,]+ requests, [\d,]+ failed \(100 %\): 502 × [\d,]+\n/);
    expect(stdout).toMatch(/[\d,]+ requests, [\d,]+ failed \(100 %\)/);

    // Nobody is told that the reader is gone before the next row.
    const script = '(while sleep 0.3; do cat good.log >> growing.log; done) & "$0" "$1" logs --follow growing.log --since 2026-11-20 | head -n 1; kill $!';
    const read = spawnSync('bash', ['-c', script, node, program], { encoding: 'utf8', cwd: scratch, timeout: 50_000, killSignal: 'SIGKILL' });
    expect(read.status).toBe(0);
    expect(read.stdout).toContain('requests');
  });
});
