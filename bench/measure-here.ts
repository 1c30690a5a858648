import { execFileSync } from 'node:child_process';
import { median, wrapper, type Run } from './measure.ts';

/** Runs a program on this machine, its output thrown away. */
export function measureHere(argv: readonly string[]): Run {
  return JSON.parse(execFileSync('python3', ['-c', wrapper, ...argv], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })) as Run;
}

export interface Pairing {
  readonly ours: readonly Run[];
  readonly theirs: readonly Run[];
  /** Median over the rounds of our time by theirs. */
  readonly ratio: number;
}

/** Both in turns, so that what else the machine does meets both; one round before that warms the cache. */
export function measurePairs(ours: readonly string[], theirs: readonly string[], rounds: number): Pairing {
  measureHere(ours);
  const runs = Array.from({ length: rounds }, () => ({ ours: measureHere(ours), theirs: measureHere(theirs) }));
  return { ours: runs.map(run => run.ours), theirs: runs.map(run => run.theirs), ratio: median(runs.map(run => run.ours.ms / run.theirs.ms)) };
}
