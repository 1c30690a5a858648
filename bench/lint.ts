/**
 * `badhop lint` against `nginx -t` of the same file, in pairs in one run, process starts included: 35,000 lines, ten times fewer and
 * four times more, which shows that the time grows with the length alone; then 500 findings with a change against 2000. Ends with 1 where a limit is missed or a site is judged wrongly.
 *
 *     npm run build && node bench/lint.ts
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeBinary, REPOSITORY } from '../lab/host.ts';
import { printNginxConf } from '../src/core/parsers/nginx-conf.ts';
import { bigConfig, flawedConfig } from './lint-config.ts';
import { measureHere, measurePairs } from './measure-here.ts';
import { median, type Run } from './measure.ts';

const rounds = 5;
/** Of processor time, which does not depend on what else the machine does; nginx is C, and looks no address up here. */
const maxCpuRatio = 10;
const folder = mkdtempSync(join(tmpdir(), 'badhop-lint-bench-'));
const misses: string[] = [];

try {
  console.log('| lines | badhop lint | nginx -t | ratio | processor time | ratio | peak memory |\n| --- | --- | --- | --- | --- | --- | --- |');
  const costs = [3500, 35_000, 140_000].map(lines => compare(lines));
  const [, middle = 0, long = 0] = costs;
  if (long > 6 * middle) misses.push(`four times the lines cost ${(long / middle).toFixed(1)} times the processor time, over 6`);
  const [few = 0, many = 0] = [250, 1000].map(sites => costOfFlawed(sites));
  console.log(`500 and 2000 findings with a change: ${few.toFixed(0)} ms and ${many.toFixed(0)} ms of processor time`);
  if (many > 6 * few) misses.push(`four times the findings cost ${(many / few).toFixed(1)} times the processor time, over 6`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
for (const miss of misses) console.error(miss);
process.exitCode = misses.length === 0 ? 0 : 1;

/** Processor time in ms for the findings and the diff of all changes. */
function costOfFlawed(sites: number): number {
  const path = join(folder, `flawed-${sites}.conf`);
  writeFileSync(path, flawedConfig(sites));
  const argv = [nodeBinary(), join(REPOSITORY, 'dist/cli/bin.js'), 'lint', '--fix', path, '--nginx-version', '1.28.0'];
  return median(Array.from({ length: rounds }, () => measureHere(argv).cpuMs));
}

/** Gives badhop's processor time. */
function compare(lines: number): number {
  const path = join(folder, `${lines}.conf`);
  const text = bigConfig(lines);
  writeFileSync(path, text);
  if (printNginxConf(text) !== text) misses.push(`${lines} lines: not printed as they were`);
  const ours = [nodeBinary(), join(REPOSITORY, 'dist/cli/bin.js'), 'lint', path, '--nginx-version', '1.28.0'];
  const theirs = ['nginx', '-t', '-q', '-c', path, '-e', '/dev/null', '-g', `pid ${join(folder, 'pid')};`];
  const { code } = measureHere(ours);
  if (code !== 0) misses.push(`${lines} lines: badhop ends with ${code}, and there is nothing wrong`);
  const runs = measurePairs(ours, theirs, rounds);
  const cpu = (of: readonly Run[]): number => median(of.map(run => run.cpuMs));
  const ratio = cpu(runs.ours) / cpu(runs.theirs);
  const ms = (of: readonly Run[]): string => `${median(of.map(run => run.ms)).toFixed(0)} ms`;
  const peak = `${(Math.max(...runs.ours.map(run => run.peakBytes)) / 1024 ** 2).toFixed(0)} MiB`;
  console.log(
    `| ${text.split('\n').length - 1} | ${ms(runs.ours)} | ${ms(runs.theirs)} | ${runs.ratio.toFixed(1)} | ${cpu(runs.ours).toFixed(0)} ms, ${cpu(runs.theirs).toFixed(0)} ms | ${ratio.toFixed(1)} | ${peak} |`,
  );
  if (lines === 35_000 && ratio > maxCpuRatio) misses.push(`${lines} lines: ${ratio.toFixed(1)} times the processor time of nginx -t, over ${maxCpuRatio}`);
  return cpu(runs.ours);
}
