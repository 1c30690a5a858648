import { existsSync, readdirSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { setPriority } from 'node:os';
import { dirname, resolve } from 'node:path';
import { collectors } from '../core/collectors/index.ts';
import { derivations } from '../core/derive/index.ts';
import { defaultWindowMs, diagnose } from '../core/engine.ts';
import { faults } from '../core/faults/index.ts';
import { fixes } from '../core/fixes/index.ts';
import { BadhopError } from '../core/model/error.ts';
import type { Host } from '../core/model/host.ts';
import type { Prober } from '../core/model/probe.ts';
import type { Report } from '../core/model/report.ts';
import { redactText } from '../node/redact/redact.ts';
import { windowLengthMs, type Since } from './since.ts';

/** What a person may ask of a diagnosis. */
export interface DiagnosisRequest {
  readonly since: Since | undefined;
  readonly probing: boolean;
  readonly version: string;
  /** The report is for badhop's own eyes: an edit needs the text as it is. Default false. */
  readonly keepsSecrets?: boolean;
  onProgress(stage: string): void;
}

// Below the services of the host, which have something better to do, and not so low that a busy host starves it.
const niceness = 5;

/** Diagnoses this machine. */
export async function diagnoseLocal(request: DiagnosisRequest): Promise<Report> {
  stepBack();
  const { createLocalHost } = await import('../node/hosts/local.ts');
  const host = createLocalHost();
  return run(host, request.probing ? await makeProber(host, request) : undefined, request, await windowOf(host, request));
}

/** Diagnoses a host from the folder that `badhop collect` wrote. */
export async function diagnoseBundle(folder: string, request: DiagnosisRequest): Promise<Report> {
  const { openBundle } = await import('../node/hosts/bundle.ts');
  const { host, prober, meta } = await openBundle(folder);
  const sinceMs = request.since === undefined ? meta.windowMs : windowLengthMs(request.since, await host.clock());
  return run(host, request.probing ? prober : undefined, request, sinceMs, () => Promise.resolve());
}

/** Diagnoses this machine and keeps what was read, redacted, in a new folder. */
export async function recordBundle(folder: string, request: DiagnosisRequest): Promise<Report> {
  stepBack();
  const { createLocalHost } = await import('../node/hosts/local.ts');
  const { createRecordingHost } = await import('../node/hosts/recording.ts');
  await makeFolder(resolve(folder)).catch((error: unknown) => {
    throw new BadhopError('bundle-unwritable', error instanceof Error ? error.message : folder, { cause: error });
  });
  const host = createLocalHost();
  const windowMs = (await windowOf(host, request)) ?? defaultWindowMs;
  const recording = await createRecordingHost(host, folder, { toolVersion: request.version, windowMs });
  const prober = request.probing ? recording.recordProber(await makeProber(host, request)) : undefined;
  const report = await run(recording.host, prober, request, windowMs);
  await recording.finish();
  return report;
}

async function makeProber(host: Host, { version }: DiagnosisRequest): Promise<Prober> {
  const { createProber } = await import('../node/probes/prober.ts');
  return createProber(host, { version });
}

/** Node's own recursive mkdir never comes back where the file system refuses with ENOENT, as /proc does. */
async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: 0o700 });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error;
    if (error.code === 'EEXIST') return;
    if (error.code !== 'ENOENT' || existsSync(dirname(path))) throw error;
    await makeFolder(dirname(path));
    await mkdir(path, { mode: 0o700 });
  }
}

/** On Linux a priority is a thread's own: those that compile and collect garbage were started before. */
export function stepBack(): void {
  try {
    setPriority(niceness);
    for (const thread of readdirSync('/proc/self/task')) setPriority(Number(thread), niceness);
  } catch {
    // Not allowed here, or a thread has ended; it only was a courtesy.
  }
}

export async function windowOf(host: Host, { since }: Pick<DiagnosisRequest, 'since'>): Promise<number | undefined> {
  return since === undefined ? undefined : windowLengthMs(since, await host.clock());
}

async function run(host: Host, prober: Prober | undefined, request: DiagnosisRequest, sinceMs: number | undefined, sleep = pause): Promise<Report> {
  return diagnose({
    host,
    prober,
    collectors,
    derivations,
    faults,
    fixes,
    version: request.version,
    ...(sinceMs === undefined ? {} : { sinceMs }),
    redact: request.keepsSecrets === true ? text => text : redactText,
    monotonicMs: () => performance.now(),
    sleep,
    onProgress: stage => {
      request.onProgress(stage);
    },
  });
}

export function pause(ms: number): Promise<void> {
  return new Promise(done => {
    setTimeout(done, ms);
  });
}
