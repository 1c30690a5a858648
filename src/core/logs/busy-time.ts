import type { InWork } from '../model/facts/logs.ts';

const slotMs = 1000;
const maxSlots = 2048;

/**
 * Adds up the time of requests in slots of a second over a window; where that would be more than 2048 slots, they are longer. What a
 * request took before the window is left out. Memory is bounded by the slots, and time by the number of requests.
 */
export class BusyTime {
  readonly #startMs: number;
  readonly #slotMs: number;
  /** Of each slot, the part that requests took which did not fill it. */
  readonly #parts: Float32Array;
  /** Changes of the number of requests that fill whole slots. */
  readonly #steps: Float32Array;
  readonly #ends: Float32Array;
  #requests = 0;
  #busyMs = 0;

  constructor(sinceMs: number, nowMs: number) {
    const length = Math.max(slotMs, nowMs - sinceMs);
    this.#slotMs = Math.ceil(length / maxSlots / slotMs) * slotMs;
    this.#startMs = Math.floor(sinceMs / slotMs) * slotMs;
    const slots = Math.min(maxSlots, Math.ceil(length / this.#slotMs)) + 1;
    this.#parts = new Float32Array(slots);
    this.#steps = new Float32Array(slots + 1);
    this.#ends = new Float32Array(slots);
  }

  /** A request that ended at this time and had taken so long. */
  add(endMs: number, tookMs: number): void {
    if (!(tookMs >= 0) || !Number.isFinite(endMs)) return;
    const slots = this.#parts.length;
    // In slots from the start of the window.
    const end = Math.min(slots, Math.max(0, (endMs - this.#startMs) / this.#slotMs));
    const from = Math.max(0, Math.min(end, (endMs - tookMs - this.#startMs) / this.#slotMs));
    this.#requests += 1;
    this.#busyMs += (end - from) * this.#slotMs;
    const last = Math.min(slots - 1, Math.floor(end));
    const first = Math.min(slots - 1, Math.floor(from));
    this.#ends[last] = (this.#ends[last] ?? 0) + 1;
    if (first === last) {
      this.#parts[first] = (this.#parts[first] ?? 0) + end - from;
      return;
    }
    this.#parts[first] = (this.#parts[first] ?? 0) + first + 1 - from;
    this.#parts[last] = (this.#parts[last] ?? 0) + end - last;
    this.#steps[first + 1] = (this.#steps[first + 1] ?? 0) + 1;
    this.#steps[last] = (this.#steps[last] ?? 0) - 1;
  }

  /** Takes over what another one of the same window has counted. */
  addAll(other: BusyTime): void {
    for (const [mine, theirs] of [
      [this.#parts, other.#parts],
      [this.#steps, other.#steps],
      [this.#ends, other.#ends],
    ] as const)
      for (const [index, value] of theirs.entries()) mine[index] = (mine[index] ?? 0) + value;
    this.#requests += other.#requests;
    this.#busyMs += other.#busyMs;
  }

  peak(): InWork {
    let filled = 0;
    let peak = 0;
    let at = 0;
    let ended = 0;
    for (const [index, part] of this.#parts.entries()) {
      filled += this.#steps[index] ?? 0;
      ended = Math.max(ended, this.#ends[index] ?? 0);
      if (filled + part <= peak) continue;
      peak = filled + part;
      at = index;
    }
    return {
      requests: this.#requests,
      busyMs: this.#busyMs,
      peak,
      peakMs: this.#startMs + at * this.#slotMs,
      slotMs: this.#slotMs,
      peakRate: ended / (this.#slotMs / 1000),
    };
  }
}
