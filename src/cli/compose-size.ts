import { collectors } from '../core/collectors/index.ts';
import { derivations } from '../core/derive/index.ts';
import { collectFacts } from '../core/engine.ts';
import { fixes } from '../core/fixes/index.ts';
import type { Host } from '../core/model/host.ts';
import type { SizeReport } from '../core/model/size-report.ts';
import { sizeHost, sizingFacts } from '../core/sizing/size-host.ts';
import { redactDeep } from '../node/redact/redact.ts';
import { pause, stepBack, windowOf } from './compose.ts';
import { windowLengthMs, type Since } from './since.ts';

/** What a person may ask of a sizing. */
export interface SizeRequest {
  readonly since: Since | undefined;
  readonly version: string;
  onProgress(stage: string): void;
}

/** Sizes the worker and connection limits of this machine. No backend is asked anything. */
export async function sizeLocal(request: SizeRequest): Promise<SizeReport> {
  stepBack();
  const { createLocalHost } = await import('../node/hosts/local.ts');
  const host = createLocalHost();
  return run(host, request, await windowOf(host, request), pause);
}

/** Sizes those of a host from the folder that `badhop collect` wrote. */
export async function sizeBundle(folder: string, request: SizeRequest): Promise<SizeReport> {
  const { openBundle } = await import('../node/hosts/bundle.ts');
  const { host, meta } = await openBundle(folder);
  const sinceMs = request.since === undefined ? meta.windowMs : windowLengthMs(request.since, await host.clock());
  return run(host, request, sinceMs, () => Promise.resolve());
}

async function run(host: Host, request: SizeRequest, sinceMs: number | undefined, sleep: (ms: number) => Promise<void>): Promise<SizeReport> {
  const collected = await collectFacts(
    {
      host,
      prober: undefined,
      collectors,
      derivations,
      ...(sinceMs === undefined ? {} : { sinceMs }),
      monotonicMs: () => performance.now(),
      sleep,
      onProgress: stage => request.onProgress(stage),
    },
    sizingFacts,
  );
  const titles = new Map([...collectors, ...derivations].map(part => [part.id as string, part.title]));
  return redactDeep(sizeHost({ ...collected, fixes, titles, hostName: host.name, version: request.version }));
}
