/** Entry i is that of i of `size` parts of a turn, backwards. */
export interface Turns {
  readonly cosines: Float64Array;
  readonly sines: Float64Array;
}

/** By size: a search for periods asks for a few, each several times. */
const known = new Map<number, Turns>();

/** Of half a turn, which is all that a transform needs. `size` is a power of two. */
export function turnsOf(size: number): Turns {
  let turns = known.get(size);
  if (turns !== undefined) return turns;
  turns = { cosines: new Float64Array(size / 2), sines: new Float64Array(size / 2) };
  for (let at = 0; at < size / 2; at += 1) {
    turns.cosines[at] = Math.cos((2 * Math.PI * at) / size);
    turns.sines[at] = -Math.sin((2 * Math.PI * at) / size);
  }
  known.set(size, turns);
  return turns;
}

/** Discrete Fourier transform in place; the length must be a power of two. Linear times its logarithm. */
export function fft(real: Float64Array, imaginary: Float64Array): void {
  const n = real.length;
  for (let at = 1, mirrored = 0; at < n; at += 1) {
    let bit = n >> 1;
    for (; (mirrored & bit) !== 0; bit >>= 1) mirrored ^= bit;
    mirrored ^= bit;
    if (at < mirrored) {
      swap(real, at, mirrored);
      swap(imaginary, at, mirrored);
    }
  }
  // Of twice the length, as a transform of real values needs them too.
  const { cosines, sines } = turnsOf(2 * n);
  for (let size = 2; size <= n; size *= 2) {
    const half = size / 2;
    const step = (2 * n) / size;
    for (let from = 0; from < n; from += size) {
      for (let at = 0; at < half; at += 1) {
        const cos = cosines[at * step] ?? 0;
        const sin = sines[at * step] ?? 0;
        const low = from + at;
        const high = low + half;
        const a = real[low] ?? 0;
        const b = imaginary[low] ?? 0;
        const c = real[high] ?? 0;
        const d = imaginary[high] ?? 0;
        const x = c * cos - d * sin;
        const y = c * sin + d * cos;
        real[high] = a - x;
        imaginary[high] = b - y;
        real[low] = a + x;
        imaginary[low] = b + y;
      }
    }
  }
}

function swap(values: Float64Array, a: number, b: number): void {
  const value = values[a] ?? 0;
  values[a] = values[b] ?? 0;
  values[b] = value;
}
