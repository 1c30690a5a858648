import type { Worker } from 'node:worker_threads';
import type { SumParts } from '../../core/logs/scan/sum.ts';
import { takeWorkers, type StartedWorker } from './early-workers.ts';
import type { FromWorker, ToWorker, WorkerStart } from './log-worker.ts';
import type { Job, JobReport } from './read-input.ts';

/** How long a thread that is told to stop may take for it: it may hang on a disk that does not answer. */
const stopMs = 3000;
/** So that a thread never waits for the main one. */
const jobsAhead = 2;

export interface PoolResult {
  readonly parts: readonly SumParts[];
  /** Threads that ended with an error or not at all: what they had counted is lost. */
  readonly lost: readonly { readonly why: string; readonly inputs: readonly number[] }[];
}

/** Threads begin to load what they need at once: started before it is known what there is to do, they are ready by then. */
export function startWorkers(count: number, start: Omit<WorkerStart, 'place'>): readonly StartedWorker[] {
  const workers = takeWorkers(count);
  for (const [place, { worker }] of workers.entries()) send(worker, { kind: 'start', start: { ...start, place } });
  return workers;
}

export async function stopWorkers(workers: readonly StartedWorker[]): Promise<void> {
  await Promise.all(workers.map(({ worker }) => worker.terminate()));
}

/** Hands jobs of a queue that others take from too to threads, as they are done with those before, and ends them. Never rejects. */
export async function runInWorkers(
  workers: readonly StartedWorker[],
  queue: Job[],
  onReport: (report: JobReport) => void,
  signal: AbortSignal | undefined,
): Promise<PoolResult> {
  const result = { parts: [] as SumParts[], lost: [] as { why: string; inputs: number[] }[] };
  await Promise.all(
    workers.map(worker => {
      const inputs = new Set<number>();
      const onDone = (report: JobReport): void => {
        inputs.add(report.input);
        onReport(report);
      };
      return runWorker(worker, queue, onDone, signal).then(
        parts => void result.parts.push(parts),
        (error: unknown) => void result.lost.push({ why: error instanceof Error ? error.message : String(error), inputs: [...inputs] }),
      );
    }),
  );
  return result;
}

/** Rejects where the thread fails or does not stop when it is told to. */
async function runWorker(
  { worker, ended }: StartedWorker,
  queue: Job[],
  onDone: (report: JobReport) => void,
  signal: AbortSignal | undefined,
): Promise<SumParts> {
  const begun: Job[] = [];
  let timer: NodeJS.Timeout | undefined;
  let stop: () => void = () => undefined;
  try {
    return await new Promise<SumParts>((resolve, reject) => {
      const fail = (why: string): void => {
        for (const job of begun.splice(0)) onDone({ input: job.input, bytes: 0, problems: [why], samples: [], formats: [] });
        reject(new Error(why));
      };
      const feed = (): void => {
        while (begun.length < jobsAhead) {
          const job = signal?.aborted === true ? undefined : queue.shift();
          if (job === undefined) break;
          begun.push(job);
          send(worker, { kind: 'job', job });
        }
        if (begun.length === 0) send(worker, { kind: 'finish' });
      };
      stop = () => {
        timer = setTimeout(() => fail('the disk did not answer in time'), stopMs);
      };
      worker.on('message', (message: FromWorker) => {
        if (message.kind === 'finished') return resolve(message.parts);
        begun.shift();
        onDone(message.report);
        feed();
      });
      void ended.then(fail);
      signal?.addEventListener('abort', stop, { once: true });
      if (signal?.aborted === true) stop();
      feed();
    });
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', stop);
    worker.removeAllListeners('message');
    await worker.terminate();
  }
}

function send(worker: Worker, message: ToWorker): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
  worker.postMessage(message);
}
