/**
 * Periods worth a test: those whose frequency and its multiples stand out of the spectrum of the counts.
 *
 * Each power is divided by what is usual near its frequency, so that noise that comes in bursts or grows over the day, which has
 * a spectrum of its own, does not stand out. A row of short pulses has its power in many multiples, a slow wave in one.
 */
import { fft, turnsOf } from './fft.ts';
import { lnGammaTail, quantileOf } from './statistics.ts';

const multiples = [1, 2, 3, 4, 6, 8, 12];
const steps = 4;
const leastOfTwo = 4;

/** Power by frequency: entry i is that of i cycles in `size` bins, in multiples of what noise has there. */
export interface Spectrum {
  readonly size: number;
  readonly power: Float64Array;
}

export function spectrumOf(values: Float64Array): Spectrum {
  const size = 2 ** Math.ceil(Math.log2(Math.max(16, values.length * 1.5)));
  return { size, power: whitened(powerOf(values, size)) };
}

/** Periods in bins, the likeliest first; at most `most`. */
export function periodCandidates({ size, power }: Spectrum, shortest: number, longest: number, most: number): readonly number[] {
  const lowest = Math.max(2, Math.floor((size / longest) * steps));
  const highest = Math.min((size / 2) * steps, Math.ceil((size / shortest) * steps));
  const scores = new Float64Array(Math.max(0, highest + 1 - lowest));
  for (let at = lowest; at <= highest; at += 1) scores[at - lowest] = scoreAt(power, at);
  const found: number[] = [];
  for (let turn = 0; turn < most; turn += 1) {
    let best = -1;
    let bestScore = 0;
    for (let at = 0; at < scores.length; at += 1) {
      const score = scores[at] ?? 0;
      if (score <= bestScore) continue;
      best = at;
      bestScore = score;
    }
    if (best === -1) break;
    found.push(size / ((best + lowest) / steps));
    // Its neighbours say the same.
    const reach = steps * 3;
    scores.fill(0, Math.max(0, best - reach), best + reach + 1);
  }
  return found;
}

/** There is more at periods of 2 to `longest` bins, which are too short to be tested, than noise has there. */
export function hasShortPeriod({ size, power }: Spectrum, longest: number): boolean {
  const most = Math.log(size) + 5;
  return power.subarray(Math.floor(size / longest)).some(each => each > most);
}

/** Power by frequency. Two neighbouring values go as one complex number, so that the transform is half as long. */
function powerOf(values: Float64Array, size: number): Float64Array {
  const half = size / 2;
  let mean = 0;
  const { length } = values;
  for (let at = 0; at < length; at += 1) mean += (values[at] ?? 0) / length;
  const real = new Float64Array(half);
  const imaginary = new Float64Array(half);
  for (let at = 0; at < length; at += 2) {
    real[at >> 1] = (values[at] ?? 0) - mean;
    if (at + 1 < length) imaginary[at >> 1] = (values[at + 1] ?? 0) - mean;
  }
  fft(real, imaginary);
  const power = new Float64Array(half);
  const { cosines, sines } = turnsOf(size);
  for (let at = 1; at < half; at += 1) {
    const a = real[at] ?? 0;
    const b = imaginary[at] ?? 0;
    const c = real[half - at] ?? 0;
    const d = -(imaginary[half - at] ?? 0);
    const cos = cosines[at] ?? 0;
    const sin = sines[at] ?? 0;
    // Even values give (z + z*)/2, odd ones (z − z*)/2i turned by the frequency.
    const x = (b - d) / 2;
    const y = (c - a) / 2;
    power[at] = ((a + c) / 2 + x * cos - y * sin) ** 2 + ((b + d) / 2 + x * sin + y * cos) ** 2;
  }
  return power;
}

/** Divided by the mean of its surroundings, as the median tells it: under noise each is then exponential with mean 1. */
function whitened(power: Float64Array): Float64Array {
  const result = new Float64Array(power.length);
  for (let from = 1; from < power.length;) {
    const to = Math.min(power.length, Math.max(from + 32, Math.ceil(from * 1.25)));
    const usual = quantileOf(power.slice(from, to).sort(), 0.5) / Math.LN2;
    for (let at = from; at < to; at += 1) result[at] = usual > 0 ? (power[at] ?? 0) / usual : 0;
    from = to;
  }
  return result;
}

/** Minus the logarithm of the chance of so much power at the frequency, in steps, and its multiples. */
function scoreAt(power: Float64Array, at: number): number {
  // Pulses have about as much in each of their multiples.
  if ((power[entryOf(at)] ?? 0) + (power[entryOf(at * 2)] ?? 0) < leastOfTwo) return 0;
  let sum = 0;
  let best = 0;
  let next = 0;
  const last = Math.min(multiples.at(-1) ?? 1, Math.floor(((power.length - 1) * steps) / at));
  for (let multiple = 1; multiple <= last; multiple += 1) {
    sum += power[entryOf(at * multiple)] ?? 0;
    if (multiple !== multiples[next]) continue;
    next += 1;
    // Below twice what noise has, it cannot be the best by far.
    if (sum > 2 * multiple) best = Math.max(best, -lnGammaTail(multiple, sum));
  }
  return best;
}

/** The entry of the spectrum that is nearest to a frequency in steps. */
function entryOf(at: number): number {
  return Math.round(at / steps);
}
