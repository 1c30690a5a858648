import type { LabHost } from '../lab/host.ts';

/** One run of a command inside a lab host. */
export interface Run {
  readonly ms: number;
  /** Most memory that it or one of its children held at once. */
  readonly peakBytes: number;
  readonly code: number;
}

/** Counts from before the program starts until it has ended; resource use as the kernel accounts it. */
const wrapper = `
import json, resource, subprocess, sys, time
start = time.monotonic()
code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode
ms = (time.monotonic() - start) * 1000
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
print(json.dumps({'ms': ms, 'peakBytes': peak, 'code': code}))
`;

export async function measure(host: LabHost, argv: readonly string[], timeoutMs: number): Promise<Run> {
  return JSON.parse(await host.run(['python3', '-c', wrapper, ...argv], { timeoutMs })) as Run;
}

/** The middle one of an odd number of figures. */
export function median(figures: readonly number[]): number {
  return figures.toSorted((a, b) => a - b)[Math.floor(figures.length / 2)] ?? Number.NaN;
}
