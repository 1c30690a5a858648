/** Probabilities, as natural logarithms where they may be too small for a number. */

const lanczos = [
  676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059, 12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6,
  1.5056327351493116e-7,
];

/** The logarithm of the gamma function, for x > 0. */
export function lnGamma(x: number): number {
  if (x < 0.5) return Math.log(Math.PI / Math.sin(Math.PI * x)) - lnGamma(1 - x);
  let sum = 0.99999999999980993;
  for (const [index, term] of lanczos.entries()) sum += term / (x + index);
  const t = x + lanczos.length - 1.5;
  return 0.5 * Math.log(2 * Math.PI) + (x - 0.5) * Math.log(t) - t + Math.log(sum);
}

const lnChoose = (n: number, k: number): number => lnGamma(n + 1) - lnGamma(k + 1) - lnGamma(n - k + 1);

/** The logarithm of the chance that a standard normal variable exceeds `z`. */
export function lnNormalTail(z: number): number {
  if (z < 0) return Math.log1p(-Math.exp(lnNormalTail(-z)));
  // Continued fraction for large values; below, the rational approximation of Abramowitz and Stegun 26.2.17.
  if (z > 5) return -0.5 * z * z - Math.log(z + 1 / (z + 2 / (z + 3 / (z + 4 / z)))) - 0.5 * Math.log(2 * Math.PI);
  const t = 1 / (1 + 0.2316419 * z);
  const sum = t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  return -0.5 * z * z - 0.5 * Math.log(2 * Math.PI) + Math.log(sum);
}

/** The logarithm of the chance that the sum of `shape` (a whole number) exponential variables of mean 1 exceeds `x`. */
export function lnGammaTail(shape: number, x: number): number {
  let term = 1;
  let sum = 1;
  for (let k = 1; k < shape; k += 1) {
    term *= x / k;
    sum += term;
  }
  return Math.min(0, Math.log(sum) - x);
}

/**
 * The logarithm of the chance (Fisher's exact test, one side) that of `a + b` marked among `groupA + groupB` at least `a` lie in the
 * first group by luck. Bounded by 2,000 terms.
 */
export function lnFisherTail(a: number, groupA: number, b: number, groupB: number): number {
  const marked = a + b;
  const all = groupA + groupB;
  if (a <= 0 || groupA <= 0 || marked * groupA >= a * all) return 0;
  const first = lnChoose(groupA, a) + lnChoose(groupB, b) - lnChoose(all, marked);
  let ratio = 1;
  let sum = 1;
  const last = Math.min(marked, groupA, a + 2000);
  for (let x = a; x < last; x += 1) {
    ratio *= ((groupA - x) * (marked - x)) / ((x + 1) * (groupB - marked + x + 1));
    sum += ratio;
    if (ratio < 1e-12) break;
  }
  return Math.min(0, first + Math.log(sum));
}

/** How many times the odds of one group are those of another, with the lower end of its 95 % interval. */
export interface OddsRatio {
  readonly ratio: number;
  readonly low: number;
}

/** Pooled over strata (Mantel and Haenszel; variance after Robins, Breslow and Greenland). Each stratum is [a, not a, b, not b]. */
export function oddsRatio(strata: readonly (readonly [number, number, number, number])[]): OddsRatio {
  let upper = 0;
  let lower = 0;
  let first = 0;
  let middle = 0;
  let last = 0;
  // A half more in each cell of a single table keeps an empty one from making it infinite.
  const more = 0.5 / Math.max(1, strata.length);
  for (const stratum of strata) {
    const [a, notA, b, notB] = [stratum[0] + more, stratum[1] + more, stratum[2] + more, stratum[3] + more];
    const all = a + notA + b + notB;
    const p = (a + notB) / all;
    const q = (notA + b) / all;
    const r = (a * notB) / all;
    const s = (notA * b) / all;
    upper += r;
    lower += s;
    first += p * r;
    middle += p * s + q * r;
    last += q * s;
  }
  const ratio = upper / lower;
  const variance = first / (2 * upper * upper) + middle / (2 * upper * lower) + last / (2 * lower * lower);
  return { ratio, low: Math.exp(Math.log(ratio) - 1.96 * Math.sqrt(variance)) };
}

/** Lower and upper end of the 95 % interval of a share (Wilson). */
export function shareInterval(part: number, all: number): readonly [number, number] {
  if (all <= 0) return [0, 1];
  const z = 1.96;
  const share = part / all;
  const middle = share + (z * z) / (2 * all);
  const half = z * Math.sqrt((share * (1 - share)) / all + (z * z) / (4 * all * all));
  const under = 1 + (z * z) / all;
  return [Math.max(0, (middle - half) / under), Math.min(1, (middle + half) / under)];
}

/** The value below which `share` of the sorted values lie. */
export function quantileOf(sorted: ArrayLike<number>, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.floor(share * sorted.length)))] ?? 0;
}

/** Ranks from 1 on; equal values share their middle rank. */
export function ranksOf(values: ArrayLike<number>): Float64Array {
  const order = Uint32Array.from({ length: values.length }, (_, index) => index).sort((a, b) => (values[a] ?? 0) - (values[b] ?? 0));
  const ranks = new Float64Array(values.length);
  for (let from = 0; from < order.length;) {
    let to = from + 1;
    while (to < order.length && values[order[to] ?? 0] === values[order[from] ?? 0]) to += 1;
    for (let at = from; at < to; at += 1) ranks[order[at] ?? 0] = (from + to + 1) / 2;
    from = to;
  }
  return ranks;
}

/** Pearson's correlation; 0 where one of them does not vary. */
export function correlationOf(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const n = Math.min(a.length, b.length);
  let [sumA, sumB] = [0, 0];
  for (let at = 0; at < n; at += 1) {
    sumA += a[at] ?? 0;
    sumB += b[at] ?? 0;
  }
  let [both, squareA, squareB] = [0, 0, 0];
  for (let at = 0; at < n; at += 1) {
    const x = (a[at] ?? 0) - sumA / n;
    const y = (b[at] ?? 0) - sumB / n;
    both += x * y;
    squareA += x * x;
    squareB += y * y;
  }
  return squareA === 0 || squareB === 0 ? 0 : both / Math.sqrt(squareA * squareB);
}
