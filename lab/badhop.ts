import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Report } from '../src/core/model/report.ts';
import { REPOSITORY, nodeBinary } from './host.ts';
import type { LabHost } from './host.ts';

export interface BadhopOptions {
  /** Whom it runs as; default root. */
  readonly user?: string;
  /** Arguments that run it: `['unshare', '--pid']`. */
  readonly wrap?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly timeoutMs?: number;
}

/** One run of the real program inside a lab host. */
export interface BadhopRun {
  /** -1 where it was killed. */
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  /** From outside, the way into the host included. */
  readonly ms: number;
  /** The most memory that it held; absent where it could not say so. */
  readonly maxMiB?: number;
  /** What stdout holds, where that is a JSON report. */
  readonly report?: Report;
}

/** Runs badhop with these arguments inside a host. */
export type RunBadhop = (args: readonly string[], options?: BadhopOptions) => Promise<BadhopRun>;

const MEASURE = join(REPOSITORY, 'lab', 'report-memory.mjs');

/** The command line that starts badhop in a host. */
export function badhopArgv(program: string, args: readonly string[]): readonly string[] {
  return [nodeBinary(), '--import', MEASURE, program, ...args];
}

export async function runBadhop(program: string, host: LabHost, args: readonly string[], options: BadhopOptions = {}): Promise<BadhopRun> {
  if (!existsSync(program)) throw new Error(`${program} is not there: run npm run build`);
  const { wrap = [], timeoutMs = 120_000, ...rest } = options;
  // Nothing of the lab is to be found beside what the story says: only background requests go on.
  await host.browser.close();
  const started = performance.now();
  const outcome = await host.exec([...wrap, ...badhopArgv(program, args)], { timeoutMs, ...rest });
  const ms = Math.round(performance.now() - started);
  const said = /\n?lab-max-rss (\d+)\n/.exec(outcome.stderr);
  const report = reportIn(outcome.stdout);
  return {
    exitCode: outcome.code,
    stdout: outcome.stdout,
    stderr: outcome.stderr.replace(said?.[0] ?? '', ''),
    ms,
    ...(said?.[1] !== undefined && { maxMiB: Number(said[1]) / 1024 }),
    ...(report && { report }),
  };
}

function reportIn(text: string): Report | undefined {
  try {
    return text.startsWith('{') ? (JSON.parse(text) as Report) : undefined;
  } catch {
    return undefined;
  }
}

/** What no run of badhop may do, whatever it meets. */
export function misbehaviour({ exitCode, stdout, stderr }: BadhopRun): string[] {
  const text = `${stderr}\n${stdout}`;
  return [
    ...(exitCode < 0 ? ['badhop was killed, or did not end'] : []),
    ...(/^\s+at .{1,200}:\d+:\d+\)?$/m.test(text) ? [`badhop showed a stack:\n${text.slice(0, 1500)}`] : []),
    ...(/\b(?:ExperimentalWarning|DeprecationWarning|UnhandledPromiseRejection|heap out of memory)\b/.test(stderr)
      ? [`Node.js warned:\n${stderr.slice(0, 1000)}`]
      : []),
  ];
}
