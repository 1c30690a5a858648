import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeBinary, REPOSITORY } from '../lab/host.ts';
import type { LogsReport } from '../src/core/model/logs-report.ts';
import { accessFormat, writeAccessLog, writeErrorLog } from './log-files.ts';
import { countAccess, countErrors } from './log-reference.ts';
import { measureHere, measurePairs, type Pairing } from './measure-here.ts';
import { median, type Run } from './measure.ts';

/**
 * `badhop logs` against what else reads logs, in pairs in one run, process starts included, and its numbers against those of
 * awk. Ends with 1 where a limit is missed or a number differs. Needs about 17 GB of disk and nearly an hour, most of it for GoAccess; `--quick` takes a hundredth of the sizes
 * and judges the numbers alone. Parts that are named are measured alone.
 *
 *     npm run build && node bench/logs.ts [--quick] [access] [errors] [compressed] [last] [growth]
 */
const quick = process.argv.includes('--quick');
const rounds = 5;
const megabyte = 1_000_000 / (quick ? 100 : 1);
const program = join(REPOSITORY, 'dist/cli/bin.js');
const goaccess = ['goaccess', '--no-global-config', '--date-format=%d/%b/%Y', '--time-format=%T', '--log-format=%h %^[%d:%t %^] "%r" %s %b "%R" "%u" %T %^'];
const lnavQuery = ";SELECT sc_status, timeslice(log_time, '10s') AS slice, count(*) FROM access_log GROUP BY 1, 2";
const misses: string[] = [];
const folder = mkdtempSync(join(tmpdir(), 'badhop-bench-'));

const parts: Readonly<Record<string, () => void>> = { access: accessLogs, errors: errorLogs, compressed, last: lastMinutes, growth };
const named = process.argv.slice(2).filter(word => !word.startsWith('-'));

try {
  for (const name of named.length > 0 ? named : Object.keys(parts)) {
    const measure = parts[name];
    if (measure === undefined) throw new Error(`there is no part "${name}"; there are ${Object.keys(parts).join(', ')}`);
    measure();
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
for (const miss of misses) console.error(miss);
process.exitCode = misses.length === 0 ? 0 : 1;

function badhop(...files: readonly string[]): string[] {
  return [nodeBinary(), program, 'logs', '--format', 'json', '--log-format', accessFormat, '--zone', 'UTC', ...files];
}

/** A command of the shell on one file, its output read by another program. */
function piped(command: string, path: string): string[] {
  return ['sh', '-c', `${command} "$0" | cat > /dev/null`, path];
}

function accessLogs(): void {
  const path = join(folder, 'access.log');
  const bytes = writeAccessLog(path, 1000 * megabyte);
  const report = reportOf(badhop(path));
  console.log(`\nAccess log of ${size(bytes)} with upstream fields, ${report.totals.requests} requests; the whole roll-up against:\n`);
  compareNumbers('access log', countAccess(path), { ...numbersOf(report) });
  head();
  const script = `{ count[$9]++ } END { for (status in count) print status, count[status] }`;
  // grep stops at the first match where its output is /dev/null, even where it counts.
  row('cat', bytes, measurePairs(badhop(path), ['sh', '-c', 'cat "$0" > /dev/null', path], rounds));
  row("grep -c ' 502 '", bytes, measurePairs(badhop(path), piped('grep -c " 502 "', path), rounds), 0.6);
  row("rg -c ' 502 '", bytes, measurePairs(badhop(path), piped('rg -c " 502 "', path), rounds));
  row('awk, counting by status', bytes, measurePairs(badhop(path), ['awk', script, path], rounds));
  row('GoAccess', bytes, measurePairs(badhop(path), [...goaccess, '-o', join(folder, 'goaccess.json'), path], rounds), 1 / 100);
  row('lnav, status by 10 seconds', bytes, measurePairs(badhop(path), ['lnav', '-n', '-c', lnavQuery, path], rounds), 1 / 25);
  rmSync(path);
}

function errorLogs(): void {
  const path = join(folder, 'error.log');
  const bytes = writeErrorLog(path, 500 * megabyte);
  console.log(`\nError log of ${size(bytes)}:\n`);
  compareNumbers('error log', countErrors(path), messagesOf(reportOf(badhop(path))));
  head();
  row('the guides\' grep "502\\|upstream"', bytes, measurePairs(badhop(path), piped("grep '502\\|upstream'", path), rounds), 0.7);
  rmSync(path);
}

function compressed(): void {
  const paths = [1, 2, 3, 4].map(index => join(folder, `access-${index}.log`));
  let bytes = 0;
  for (const path of paths) bytes = writeAccessLog(path, 250 * megabyte);
  const before = numbersOf(reportOf(badhop(...paths)));
  for (const path of paths) execFileSync('gzip', ['-6', path]);
  const [one = '', ...others] = paths.map(path => `${path}.gz`);
  console.log(`\nCompressed, each of ${size(bytes)} before:\n`);
  compareNumbers('compressed logs', before, numbersOf(reportOf(badhop(one, ...others))));
  head();
  row('zcat | wc -l, one file', bytes, measurePairs(badhop(one), ['sh', '-c', 'zcat "$@" | wc -l', 'sh', one], rounds), 0.7);
  row('zcat | wc -l, four files', 4 * bytes, measurePairs(badhop(one, ...others), ['sh', '-c', 'zcat "$@" | wc -l', 'sh', one, ...others], rounds), 0.5);
  for (const path of [one, ...others]) rmSync(path);
}

/** A file that is nearly all hole has the length of 20 GB, and lines only at its end: bisection reads no more of it than of a full one. */
function lastMinutes(): void {
  const path = join(folder, 'sparse.log');
  const lines = join(folder, 'tail.log');
  writeAccessLog(lines, 20_000_000);
  writeFileSync(path, '');
  truncateSync(path, 20e9);
  appendFileSync(path, '\n');
  execFileSync('sh', ['-c', 'cat "$1" >> "$0"', path, lines]);
  const since = ['--since', '2026-11-20T23:50:00Z'];
  const empty = join(folder, 'empty.log');
  writeFileSync(empty, `203.0.113.1 - - [20/Nov/2026:23:59:00 +0000] "GET / HTTP/1.1" 200 1 "-" "-" 0.001 "10.0.0.11:8080" "200" "0.000" "0.001" "0.001"\n`);
  const runs = Array.from({ length: rounds }, () => ({ large: measureHere([...badhop(path), ...since]), start: measureHere([...badhop(empty), ...since]) }));
  const extra = median(runs.map(run => run.large.ms - run.start.ms));
  console.log(`\n--since, the last ten minutes of 20 GB: ${extra.toFixed(0)} ms beside start-up (${median(runs.map(run => run.start.ms)).toFixed(0)} ms)`);
  if (!quick && extra > 300) misses.push(`--since on 20 GB: ${extra.toFixed(0)} ms beside start-up, over 300 ms`);
  rmSync(path);
}

function growth(): void {
  console.log('\n| access log | badhop | rate | processor time | peak memory |\n| --- | --- | --- | --- | --- |');
  const figures = [10, 100, 1000, 10_000].map(megabytes => {
    const path = join(folder, `access-${megabytes}.log`);
    const bytes = writeAccessLog(path, megabytes * megabyte);
    measureHere(badhop(path));
    const runs = Array.from({ length: megabytes > 1000 ? 3 : rounds }, () => measureHere(badhop(path)));
    rmSync(path);
    const ms = median(runs.map(run => run.ms));
    const peak = Math.max(...runs.map(run => run.peakBytes));
    console.log(`| ${size(bytes)} | ${ms.toFixed(0)} ms | ${rate(bytes, ms)} | ${median(runs.map(run => run.cpuMs)).toFixed(0)} ms | ${mebibytes(peak)} |`);
    if (!quick && peak > 200 * 1024 ** 2) misses.push(`${size(bytes)}: ${mebibytes(peak)} of memory, over 200 MiB`);
    return ms;
  });
  const [, , one = 0, ten = 0] = figures;
  if (!quick && ten > 11 * one) misses.push(`10 GB took ${(ten / one).toFixed(1)} times as long as 1 GB`);
}

function head(): void {
  console.log('| against | badhop | the other | badhop / the other | limit | badhop reads | memory |\n| --- | --- | --- | --- | --- | --- | --- |');
}

function row(name: string, bytes: number, { ours, theirs, ratio }: Pairing, limit?: number): void {
  const ms = median(ours.map(run => run.ms));
  const cells = [name, `${ms.toFixed(0)} ms`, `${median(theirs.map(run => run.ms)).toFixed(0)} ms`, factor(ratio), limit === undefined ? '' : factor(limit)];
  console.log(`| ${[...cells, rate(bytes, ms), mebibytes(peakOf(ours))].join(' | ')} |`);
  if (quick) return;
  if (limit !== undefined && ratio > limit) misses.push(`${name}: ${factor(ratio)} of its time, over ${factor(limit)}`);
  if (peakOf(ours) > 200 * 1024 ** 2) misses.push(`${name}: ${mebibytes(peakOf(ours))} of memory, over 200 MiB`);
}

function compareNumbers(what: string, reference: Readonly<Record<string, number>>, ours: Readonly<Record<string, number>>): void {
  const names = [...new Set([...Object.keys(reference), ...Object.keys(ours)])].sort((a, b) => a.localeCompare(b));
  const different = names.filter(name => (reference[name] ?? 0) !== (ours[name] ?? 0));
  console.log(`Numbers of the ${what}: ${names.length - different.length} of ${names.length} equal the reference's.\n`);
  for (const name of different) misses.push(`${what}: ${name} is ${ours[name] ?? 0}, the reference says ${reference[name] ?? 0}`);
}

function reportOf(argv: readonly string[]): LogsReport {
  const [command = '', ...rest] = argv;
  try {
    return JSON.parse(execFileSync(command, rest, { encoding: 'utf8', maxBuffer: 64 << 20, stdio: ['ignore', 'pipe', 'inherit'] })) as LogsReport;
  } catch (error) {
    // 1 says that something failed, which the logs are full of.
    const { status, stdout } = error as { readonly status?: number; readonly stdout?: string };
    if (status === 1 && stdout !== undefined) return JSON.parse(stdout) as LogsReport;
    throw error;
  }
}

function numbersOf({ totals, peers }: LogsReport): Record<string, number> {
  return {
    requests: totals.requests,
    failed: totals.failed,
    'hidden retries': totals.hiddenRetries,
    ...Object.fromEntries(Object.entries(totals.byStatus).map(([status, count]) => [`status ${status}`, count])),
    ...Object.fromEntries(
      peers.flatMap(({ peer, requests, failed }) => [
        [`requests of ${peer}`, requests],
        [`failed of ${peer}`, failed],
      ]),
    ),
  };
}

function messagesOf({ problems }: LogsReport): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { messages } of problems) for (const { class: name, count } of messages) counts[name] = (counts[name] ?? 0) + count;
  return counts;
}

function peakOf(runs: readonly Run[]): number {
  return Math.max(...runs.map(run => run.peakBytes));
}

function factor(value: number): string {
  return value < 0.1 ? `1/${(1 / value).toFixed(0)}` : value.toFixed(2);
}

function rate(bytes: number, ms: number): string {
  return `${(bytes / 1e6 / ms).toFixed(2)} GB/s`;
}

function size(bytes: number): string {
  return bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

function mebibytes(bytes: number): string {
  return `${(bytes / 1024 ** 2).toFixed(0)} MiB`;
}
