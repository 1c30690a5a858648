import type { LabHost } from '../lab/host.ts';

/** One run of a command inside a lab host. */
export interface Run {
  readonly ms: number;
  /** Of all processors, its children's included. On a machine that has other work this says more than the clock. */
  readonly cpuMs: number;
  /** Most memory that it or one of its children held at once. */
  readonly peakBytes: number;
  readonly code: number;
}

/** Counts from before the program starts until it has ended; resource use as the kernel accounts it. */
export const wrapper = `
import json, resource, subprocess, sys, time
start = time.monotonic()
code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode
ms = (time.monotonic() - start) * 1000
usage = resource.getrusage(resource.RUSAGE_CHILDREN)
cpu = (usage.ru_utime + usage.ru_stime) * 1000
print(json.dumps({'ms': ms, 'cpuMs': cpu, 'peakBytes': usage.ru_maxrss * 1024, 'code': code}))
`;

export async function measure(host: LabHost, argv: readonly string[], timeoutMs: number): Promise<Run> {
  return JSON.parse(await host.run(['python3', '-c', wrapper, ...argv], { timeoutMs })) as Run;
}

/** The middle one of an odd number of figures. */
export function median(figures: readonly number[]): number {
  return figures.toSorted((a, b) => a - b)[Math.floor(figures.length / 2)] ?? Number.NaN;
}
