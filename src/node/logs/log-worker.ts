/** The thread that reads logs beside the main one: does the jobs it is sent, and in the end sends what it counted. */
import { parentPort } from 'node:worker_threads';
import { hourReader } from '../../core/logs/formats/index.ts';
import type { SumParts } from '../../core/logs/scan/sum.ts';
import { LazySum } from './lazy-sum.ts';
import { engineOf } from './engine.ts';
import { FormatChooser, type FormatSpec, type LogZone } from './format-choice.ts';
import { InputReader, type Job, type JobReport } from './read-input.ts';
import type { Window } from './file-places.ts';

export interface WorkerStart {
  readonly window: Window;
  readonly formats: FormatSpec;
  readonly zone: LogZone;
  readonly engine: 'kernel' | 'plain';
  /** [0] is not 0 once the work is to be broken off. */
  readonly stop: Int32Array;
  /** Bytes of the disk that this worker has read, at its place. */
  readonly done: Float64Array;
  readonly place: number;
}

export type ToWorker = { readonly kind: 'start'; readonly start: WorkerStart } | { readonly kind: 'job'; readonly job: Job } | { readonly kind: 'finish' };
export type FromWorker = { readonly kind: 'done'; readonly report: JobReport } | { readonly kind: 'finished'; readonly parts: SumParts };

const port = parentPort;
// Compiled while the main thread still finds out what there is to do.
const ready = engineOf('auto');
let work: ((message: ToWorker) => Promise<void>) | undefined;
// A job that waits (xz) lets the next message in: they are done one after the other.
let last: Promise<void> = Promise.resolve();
port?.on('message', (message: ToWorker) => {
  if (message.kind === 'start') work = worker(message.start, (reply, buffers) => port.postMessage(reply, buffers));
  else last = last.then(() => work?.(message));
});

function worker(start: WorkerStart, send: (message: FromWorker, buffers?: ArrayBuffer[]) => void): (message: ToWorker) => Promise<void> {
  const sum = new LazySum();
  const { place, done, stop } = start;
  const engine = start.engine === ready.name ? ready : engineOf(start.engine);
  const reader = new InputReader({
    window: start.window,
    chooser: new FormatChooser(start.formats),
    hourMs: hourReader(start.zone, start.window.nowMs),
    sum,
    createScanner: engine.createScanner,
    isStopped: () => Atomics.load(stop, 0) !== 0,
    tick: bytes => {
      done[place] = (done[place] ?? 0) + bytes;
    },
    rest: () => undefined,
  });
  return async message => {
    if (message.kind === 'job') return send({ kind: 'done', report: await reader.do(message.job) });
    reader.finish();
    const parts = sum.parts();
    send({ kind: 'finished', parts }, buffersOf(parts));
  };
}

/** They are handed over, not copied. */
function buffersOf({ columns, numbers, cells, latency }: SumParts): ArrayBuffer[] {
  const times = numbers.flatMap(({ requestTime, upstreamTime }) => [requestTime, upstreamTime]);
  return [columns, ...times, cells.numbers, ...cells.columns, latency.numbers, latency.rows, latency.sums].flatMap(array =>
    array === undefined ? [] : [array.buffer],
  );
}
