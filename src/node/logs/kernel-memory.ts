import { coarseStepOf, histogramSteps } from '../../core/logs/scan/histogram.ts';
import { multipliers } from '../../core/logs/scan/line-hash.ts';

// Neither the language's library nor Node's types name it.
declare global {
  namespace WebAssembly {
    interface Module {
      readonly [Symbol.toStringTag]: string;
    }
    interface Instance {
      readonly exports: Readonly<Record<string, unknown>>;
    }
    interface Memory {
      readonly buffer: ArrayBuffer;
    }
    const Module: new (bytes: Uint8Array) => Module;
    const Instance: new (module: Module, imports: Readonly<Record<string, Readonly<Record<string, unknown>>>>) => Instance;
    const Memory: new (size: { readonly initial: number; readonly maximum: number }) => Memory;
  }
}

/** The numbers that `src/kernel` exports: places in the memory, sizes, and reasons why `scan` came back. */
const names = [
  'STATE',
  'SINCE',
  'UNTIL',
  'SEEDS',
  'MASKS',
  'MULTIPLIERS',
  'COARSE',
  'HOURS',
  'LINES',
  'VECTORS',
  'VECTORS_END',
  'PROGRAM',
  'PROGRAM_END',
  'TABLE',
  'TABLE_SLOTS',
  'COMBINATIONS',
  'MOST_COMBINATIONS',
  'COLUMNS',
  'LATENCY_SUMS',
  'LATENCY',
  'COARSE_STEPS',
  'SAMPLES',
  'COUNTS',
  'HISTOGRAMS',
  'GIVEN',
  'GIVEN_AT',
  'KNOWN',
  'STEPS',
  'INPUT',
  'INPUT_END',
  'DONE',
  'NEW_COMBINATION',
  'NEW_HOUR',
  'NO_ROOM',
  'SAMPLES_FULL',
  'LINE',
  'LINE_FROM',
  'LINE_TO',
  'LINE_NEXT',
  'CLOCK',
  'CLOCK_AT',
  'SAMPLE_COUNT',
  'LAST_IS_ERROR',
  'CONTINUED',
  'THRESHOLDS',
  'FORMAT',
  'KEY_HASH',
  'WALKED',
  'HAS_WALK',
  'NOT_WALKED',
] as const;

export type KernelPlaces = Readonly<Record<(typeof names)[number], number>>;

/** An instance of the kernel and views of its memory. */
export interface KernelMemory {
  readonly at: KernelPlaces;
  readonly bytes: Uint8Array;
  readonly u32: Uint32Array;
  readonly i32: Int32Array;
  readonly f64: Float64Array;
  readonly view: DataView;
  scan(from: number, to: number): number;
  /** 0 where there is no room for what the column counted. */
  giveColumn(column: number, next: number): number;
  /** Lets `scan` walk lines with a module of `kernel-walk.ts`, made for the first program in the memory, or without one. */
  setWalk(walk: WebAssembly.Module | undefined): void;
}

const spare = new WeakMap<WebAssembly.Module, KernelMemory[]>();
/** Instances that are kept for later: as many as inputs are read at once. */
const mostSpare = 4;

/** An instance that nobody uses, with nothing counted in it; `release` gives it back. */
export function acquireMemory(module: WebAssembly.Module): KernelMemory {
  return spare.get(module)?.pop() ?? newMemory(module);
}

/** The memory must be as it was: no counts, no combinations. */
export function releaseMemory(module: WebAssembly.Module, memory: KernelMemory): void {
  const list = spare.get(module) ?? [];
  if (list.length < mostSpare) list.push(memory);
  spare.set(module, list);
}

/** The memory has a fixed size, which `scripts/build-kernel.mjs` names too. */
const memoryPages = 512;

function newMemory(module: WebAssembly.Module): KernelMemory {
  const env = { memory: new WebAssembly.Memory({ initial: memoryPages, maximum: memoryPages }) };
  const { exports } = new WebAssembly.Instance(module, { index: { walk: () => 0n }, env });
  const at = placesOf(exports);
  const { buffer } = env.memory;
  let scan = exports['scan'] as KernelMemory['scan'];
  const memory: KernelMemory = {
    at,
    bytes: new Uint8Array(buffer),
    u32: new Uint32Array(buffer),
    i32: new Int32Array(buffer),
    f64: new Float64Array(buffer),
    view: new DataView(buffer),
    scan: (from, to) => scan(from, to),
    giveColumn: exports['giveColumn'] as KernelMemory['giveColumn'],
    setWalk: walk => {
      memory.u32[at.HAS_WALK / 4] = walk === undefined ? 0 : 1;
      memory.u32[at.NOT_WALKED / 4] = 0;
      if (walk === undefined) return;
      const { exports: made } = new WebAssembly.Instance(walk, { env: { ...exports, ...env } });
      // All that the kernel knows lies in the memory: another instance goes on with it.
      scan = new WebAssembly.Instance(module, { index: { walk: made['walk'] }, env }).exports['scan'] as KernelMemory['scan'];
    },
  };
  const { bytes } = memory;
  bytes.fill(0xff, at.MASKS - 48, at.MASKS + 16);
  bytes.set(new Uint8Array(multipliers.buffer, multipliers.byteOffset, multipliers.byteLength), at.MULTIPLIERS);
  for (let step = 0; step < histogramSteps; step += 1) bytes[at.COARSE + step] = coarseStepOf(step);
  const seeds = bytes.subarray(at.SEEDS, at.SEEDS + 24);
  // V8 seeds these from the system's entropy and nobody is told them, which is what keeps a log from filling one slot.
  for (let place = 0; place < seeds.length; place += 1) seeds[place] = Math.random() * 256;
  // Factors must be odd.
  for (const place of [0, 8, 16]) seeds[place] = (seeds[place] ?? 0) | 1;
  memory.u32[at.GIVEN_AT / 4] = at.GIVEN;
  memory.i32.fill(-1, at.COLUMNS / 4, at.COLUMNS / 4 + 64);
  return memory;
}

function placesOf(exports: WebAssembly.Instance['exports']): KernelPlaces {
  const places: Partial<Record<(typeof names)[number], number>> = {};
  for (const name of names) places[name] = (exports[name] as { readonly value: number }).value;
  return places as KernelPlaces;
}
