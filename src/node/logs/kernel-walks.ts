import type { KernelMemory } from './kernel-memory.ts';
import { walkModule } from './kernel-walk.ts';

/** Bytes read in this thread after which compiling a program for the rest is worth its while. */
export const walkAfterBytes: number = 24 << 20;
/** Small inputs are read sooner than a program is looked up. */
const leastOwnBytes = 1 << 20;
/** A walk is given up where more than one in so many lines is not for it. */
const leastShare = 4;
const fewLines = 256;

/** The walks that were compiled in this thread, by their bytes; undefined for those that were given up. */
const compiled = new Map<string, WebAssembly.Module | undefined>();
const mostCompiled = 64;
let scannedBytes = 0;

/** Lets a scanner walk lines with a compiled program once much was read in this thread. */
export class KernelWalk {
  readonly #memory: KernelMemory;
  readonly #afterBytes: number;
  /** Of the walk that is set. */
  #key: string | undefined;
  #isDecided = false;
  #ownBytes = 0;
  /** Lines that fitted since it was judged last. */
  #lines = 0;

  constructor(memory: KernelMemory, afterBytes: number) {
    this.#memory = memory;
    this.#afterBytes = afterBytes;
  }

  /** The programs were written anew. */
  reset(): void {
    this.#memory.setWalk(undefined);
    this.#key = undefined;
    this.#isDecided = false;
  }

  /** Before the lines in [from, to) are scanned. */
  prepare(from: number, to: number): void {
    scannedBytes += to - from;
    this.#ownBytes += to - from;
    if (this.#isDecided || scannedBytes <= this.#afterBytes || this.#ownBytes <= Math.min(leastOwnBytes, this.#afterBytes)) return;
    this.#isDecided = true;
    const code = walkModule(this.#memory, from, to);
    if (code === undefined) return;
    const key = Buffer.from(code).toString('latin1');
    if (!compiled.has(key)) {
      if (compiled.size >= mostCompiled) compiled.clear();
      compiled.set(key, moduleOf(code));
    }
    const module = compiled.get(key);
    if (module === undefined) return;
    this.#memory.setWalk(module);
    this.#key = key;
    this.#lines = 0;
  }

  /** After a piece with so many lines that fitted. */
  judge(lines: number): void {
    const { at, u32 } = this.#memory;
    this.#lines += lines;
    const notWalked = u32[at.NOT_WALKED / 4] ?? 0;
    if (this.#key === undefined || notWalked < fewLines) return;
    if (notWalked * leastShare >= this.#lines) {
      compiled.set(this.#key, undefined);
      this.reset();
      this.#isDecided = true;
    }
    u32[at.NOT_WALKED / 4] = 0;
    this.#lines = 0;
  }
}

/** What the engine does not take is walked by the kernel. */
function moduleOf(code: Uint8Array): WebAssembly.Module | undefined {
  try {
    return new WebAssembly.Module(code);
  } catch {
    return undefined;
  }
}
