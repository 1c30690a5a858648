/**
 * Periods worth a test: those whose frequency and its multiples stand out of the spectrum of the counts.
 *
 * Each power is divided by what is usual near its frequency, so that noise that comes in bursts or grows over the day, which has
 * a spectrum of its own, does not stand out. A row of short pulses has its power in many multiples, a slow wave in one.
 */
import { cosinesOf, fft, type Complex } from './fft.ts';
import type { Pulses } from './period-test.ts';
import { lnGammaTail, quantileOf } from './statistics.ts';

const multiples = [1, 2, 3, 4, 6, 8, 12];
const steps = 4;
const leastOfTwo = 4;

/** Power by frequency: entry i is that of i cycles in `size` bins, in multiples of what noise has there. */
export interface Spectrum {
  readonly size: number;
  readonly power: Float64Array;
}

export function spectrumOf(pulses: Pulses): Spectrum {
  const size = 2 ** Math.ceil(Math.log2(Math.max(16, pulses.bins * 1.5)));
  const power = powerOf(pulses, size);
  whiten(power);
  return { size, power };
}

/** Periods in bins, the likeliest first; at most `most`. */
export function periodCandidates({ size, power }: Spectrum, shortest: number, longest: number, most: number): readonly number[] {
  const lowest = Math.max(2, Math.floor((size / longest) * steps));
  const highest = Math.min((size / 2) * steps, Math.ceil((size / shortest) * steps));
  const { places, scores } = scored(power, lowest, highest);
  const found: number[] = [];
  for (let turn = 0; turn < most; turn += 1) {
    let best = -1;
    let bestScore = 0;
    for (let index = 0; index < scores.length; index += 1) {
      const score = scores[index] ?? 0;
      if (score <= bestScore) continue;
      best = places[index] ?? -1;
      bestScore = score;
    }
    if (best === -1) break;
    found.push(size / (best / steps));
    // Its neighbours say the same.
    const reach = steps * 3;
    for (let index = 0; index < scores.length; index += 1) if (Math.abs((places[index] ?? 0) - best) <= reach) scores[index] = 0;
  }
  return found;
}

/** Frequencies in steps, ascending, and their scores, where those are not 0. */
function scored(power: Float64Array, lowest: number, highest: number): { readonly places: readonly number[]; readonly scores: number[] } {
  const places: number[] = [];
  const scores: number[] = [];
  // Four steps lie nearest to one entry, and twice their frequency to one of three: most entries are out at once.
  for (let entry = entryOf(lowest); entry <= entryOf(highest); entry += 1) {
    const own = power[entry] ?? 0;
    const twice = 2 * entry;
    if (own + (power[twice] ?? 0) < leastOfTwo && own + (power[twice - 1] ?? 0) < leastOfTwo && own + (power[twice + 1] ?? 0) < leastOfTwo) continue;
    const last = Math.min(highest, entry * steps + 1);
    for (let at = Math.max(lowest, entry * steps - 2); at <= last; at += 1) {
      const score = scoreAt(power, at);
      if (score === 0) continue;
      places.push(at);
      scores.push(score);
    }
  }
  return { places, scores };
}

/** There is more at periods of 2 to `longest` bins, which are too short to be tested, than noise has there. */
export function hasShortPeriod({ size, power }: Spectrum, longest: number): boolean {
  const most = Math.log(size) + 5;
  for (let at = Math.floor(size / longest); at < power.length; at += 1) if ((power[at] ?? 0) > most) return true;
  return false;
}

/** Power by frequency. Two neighbouring values go as one complex number, so that the transform is half as long. */
function powerOf(pulses: Pulses, size: number): Float64Array {
  const half = size / 2;
  const { real, imaginary } = fft(inPairs(pulses, half), emptyOf(half));
  const power = new Float64Array(half);
  const cosines = cosinesOf(size);
  const middle = half / 2;
  // An entry and the one as far from the end are made of the same four numbers.
  for (let at = 1, other = half - 1; at <= middle; at += 1, other -= 1) {
    const a = real[at] ?? 0;
    const b = imaginary[at] ?? 0;
    const c = real[other] ?? 0;
    const d = imaginary[other] ?? 0;
    const cos = cosines[at] ?? 0;
    const sin = -(cosines[middle - at] ?? 0);
    // Even values give (z + z*)/2, odd ones (z − z*)/2i turned by the frequency.
    const x = b + d;
    const y = c - a;
    const odd = x * cos - y * sin;
    const oddI = x * sin + y * cos;
    let sum = a + c + odd;
    let sumI = b - d + oddI;
    power[at] = (sum * sum + sumI * sumI) / 4;
    sum = a + c - odd;
    sumI = b - d - oddI;
    power[other] = (sum * sum + sumI * sumI) / 4;
  }
  return power;
}

/** The values, less their mean: those of even bins, and those of odd ones as imaginary parts. */
function inPairs({ bins, filled, amounts, mean }: Pulses, half: number): Complex {
  const { real, imaginary } = emptyOf(half);
  real.fill(-mean, 0, (bins + 1) >> 1);
  imaginary.fill(-mean, 0, bins >> 1);
  for (let index = 0; index < filled.length; index += 1) {
    const at = filled[index] ?? 0;
    const part = (at & 1) === 0 ? real : imaginary;
    part[at >> 1] = (amounts[index] ?? 0) - mean;
  }
  return { real, imaginary };
}

function emptyOf(length: number): Complex {
  return { real: new Float64Array(length), imaginary: new Float64Array(length) };
}

/** Divides it by the mean of its surroundings, as the median tells it: under noise each is then exponential with mean 1. */
function whiten(power: Float64Array): void {
  for (let from = 1; from < power.length;) {
    const to = Math.min(power.length, Math.max(from + 32, Math.ceil(from * 1.25)));
    const usual = quantileOf(power.slice(from, to).sort(), 0.5) / Math.LN2;
    if (usual > 0) for (let at = from; at < to; at += 1) power[at] = (power[at] ?? 0) / usual;
    else power.fill(0, from, to);
    from = to;
  }
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
  return (at + steps / 2) >> 2;
}
