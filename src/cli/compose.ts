import { collectors } from '../core/collectors/index.ts';
import { derivations } from '../core/derive/index.ts';
import { diagnose } from '../core/engine.ts';
import { faults } from '../core/faults/index.ts';
import { fixes } from '../core/fixes/index.ts';
import type { Host } from '../core/model/host.ts';
import type { Prober } from '../core/model/probe.ts';
import type { Report } from '../core/model/report.ts';
import { openBundle } from '../node/hosts/bundle.ts';
import { createLocalHost } from '../node/hosts/local.ts';
import { createRecordingHost } from '../node/hosts/recording.ts';
import { createProber } from '../node/probes/prober.ts';
import { redactText } from '../node/redact/redact.ts';
import { windowLengthMs, type Since } from './since.ts';

/** What a person may ask of a diagnosis. */
export interface DiagnosisRequest {
  readonly since: Since | undefined;
  readonly probing: boolean;
  readonly version: string;
  onProgress(stage: string): void;
}

/** Diagnoses this machine. */
export async function diagnoseLocal(request: DiagnosisRequest): Promise<Report> {
  const host = createLocalHost();
  return run(host, request.probing ? createProber(host) : undefined, request);
}

/** Diagnoses a host from the folder that `badhop collect` wrote. */
export async function diagnoseBundle(folder: string, request: DiagnosisRequest): Promise<Report> {
  const { host, prober } = await openBundle(folder);
  return run(host, request.probing ? prober : undefined, request, () => Promise.resolve());
}

/** Diagnoses this machine and keeps what was read, redacted, in a new folder. */
export async function recordBundle(folder: string, request: DiagnosisRequest): Promise<Report> {
  const local = createLocalHost();
  const recorder = await createRecordingHost(local, folder);
  return run(recorder, request.probing ? createProber(recorder) : undefined, request);
}

async function run(host: Host, prober: Prober | undefined, request: DiagnosisRequest, sleep = pause): Promise<Report> {
  const sinceMs = request.since && windowLengthMs(request.since, await host.clock());
  return diagnose({
    host,
    prober,
    collectors,
    derivations,
    faults,
    fixes,
    version: request.version,
    ...(sinceMs === undefined ? {} : { sinceMs }),
    redact: redactText,
    monotonicMs: () => performance.now(),
    sleep,
    onProgress: stage => {
      request.onProgress(stage);
    },
  });
}

function pause(ms: number): Promise<void> {
  return new Promise(resolve => {
    setTimeout(resolve, ms);
  });
}
