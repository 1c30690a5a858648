import { join } from 'node:path';
import { labObstacles } from '../lab/available.ts';
import { bootHost, nodeBinary, REPOSITORY } from '../lab/host.ts';
import { bigHost, makeBig } from './big-host.ts';
import { measure, median, type Run } from './measure.ts';
import { breakHost, fillLogs, guide } from './outage.ts';

/**
 * A whole diagnosis against the guides' search through the logs, on one lab host, in one run; then on a big host. Ratios
 * are what counts: the machine is the same for both. Ends with 1 where badhop misses its own limits.
 */
const gibibyte = 1024 ** 3;
const rows = [
  { name: 'the last 20 minutes only', holeBytes: 0 },
  { name: '1 GiB before them', holeBytes: gibibyte },
  { name: '20 GiB before them', holeBytes: 20 * gibibyte },
];
const rounds = 5;
const settleMs = 10_000;
const limits = { diagnoseMs: 2000, peakBytes: 150 * 1024 ** 2, growth: 1.25 };
const program = join(REPOSITORY, 'dist/cli/bin.js');

const obstacles = await labObstacles();
if (obstacles.length > 0) {
  console.error(`The benchmark runs on a lab host. ${obstacles.join(' ')}`);
  process.exitCode = 2;
} else {
  const misses = [...(await measureLogs()), ...(await measureBigHost())];
  for (const miss of misses) console.error(miss);
  process.exitCode = misses.length === 0 ? 0 : 1;
}

async function measureLogs(): Promise<string[]> {
  const host = await bootHost({ hostname: 'bench' });
  const misses: string[] = [];
  try {
    await breakHost(host);
    host.traffic({ urls: ['http://127.0.0.1/cart/1'], rps: 20, seconds: 600 });
    console.log('| access log | badhop diagnose | processor time | peak memory | guide: grep, awk, sort | guide / badhop |');
    console.log('| --- | --- | --- | --- | --- | --- |');
    let smallest: number | undefined;
    for (const { name, holeBytes } of rows) {
      await fillLogs(host, holeBytes);
      const ours: Run[] = [];
      const theirs: Run[] = [];
      // In turns, so that what else the machine does meets both.
      for (let round = 0; round < rounds; round += 1) {
        ours.push(await measure(host, [nodeBinary(), program, 'diagnose', '--format', 'json'], 60_000));
        theirs.push(await measure(host, guide, 600_000));
      }
      const ms = median(ours.map(run => run.ms));
      const guideMs = median(theirs.map(run => run.ms));
      smallest ??= ms;
      console.log(`| ${name} | ${columnsOf(ours)} | ${guideMs.toFixed(0)} ms | ${(guideMs / ms).toFixed(1)} |`);

      misses.push(...missesOf(name, ours));
      if (ms > smallest * limits.growth) misses.push(`${name}: the time grew by more than ${limits.growth} against the short log`);
    }
  } finally {
    await host.stop();
  }
  return misses;
}

/** The time beside the probes' own waits: every backend of the big host answers at once or refuses. */
async function measureBigHost(): Promise<string[]> {
  const host = await bootHost({ hostname: 'big' });
  try {
    await makeBig(host);
    host.traffic({ urls: ['http://127.0.0.1/item/1', 'http://127.0.0.1/item/2'], headers: { host: 'site49.example' }, rps: 50, seconds: 300 });
    const command = [nodeBinary(), program, 'diagnose', '--format', 'json'];
    const whole: Run[] = [];
    const reading: Run[] = [];
    // The host has just started two thousand processes and twenty thousand connections: that is over before anything is measured.
    await new Promise(resolve => setTimeout(resolve, settleMs));
    await measure(host, command, 60_000);
    for (let round = 0; round < rounds; round += 1) {
      whole.push(await measure(host, command, 60_000));
      reading.push(await measure(host, [...command, '--no-probe'], 60_000));
    }
    const { serverBlocks, upstreams, peersEach, processes, connections } = bigHost;
    const name = `${serverBlocks} server blocks, ${upstreams} × ${peersEach} peers, ${processes} processes, ${connections} connections`;
    console.log('\n| big host | badhop diagnose | processor time | peak memory |');
    console.log('| --- | --- | --- | --- |');
    console.log(`| ${name} | ${columnsOf(whole)} |`);
    console.log(`| the same, asking no backend anything | ${columnsOf(reading)} |`);
    // The limit is one beside the probes' own waits.
    return missesOf('the big host without probes', reading);
  } finally {
    await host.stop();
  }
}

function columnsOf(runs: readonly Run[]): string {
  const peak = Math.max(...runs.map(run => run.peakBytes));
  return `${median(runs.map(run => run.ms)).toFixed(0)} ms | ${median(runs.map(run => run.cpuMs)).toFixed(0)} ms | ${(peak / 1024 ** 2).toFixed(0)} MiB`;
}

function missesOf(name: string, runs: readonly Run[]): string[] {
  const ms = median(runs.map(run => run.ms));
  const peak = Math.max(...runs.map(run => run.peakBytes));
  return [
    ...(runs.some(run => run.code !== 1) ? [`${name}: badhop ended with ${runs.map(run => run.code).join(', ')} instead of 1 (findings)`] : []),
    ...(ms > limits.diagnoseMs ? [`${name}: ${ms.toFixed(0)} ms is over ${limits.diagnoseMs} ms`] : []),
    ...(peak > limits.peakBytes ? [`${name}: ${(peak / 1024 ** 2).toFixed(0)} MiB is over ${limits.peakBytes / 1024 ** 2} MiB`] : []),
  ];
}
