/** The first quarter of a turn in `size / 4` parts: entry i is the cosine of `i / size` turns, and that at `size / 4 - i` its sine. */
const known = new Map<number, Float64Array>();

/** `size` is a power of two from 8 on. A search for periods asks for a few sizes, each several times. */
export function cosinesOf(size: number): Float64Array {
  let cosines = known.get(size);
  if (cosines !== undefined) return cosines;
  const quarter = size / 4;
  const part = (2 * Math.PI) / size;
  cosines = new Float64Array(quarter + 1);
  for (let at = 0; at < quarter; at += 1) cosines[at] = Math.cos(part * at);
  known.set(size, cosines);
  return cosines;
}

/** Complex numbers by index. */
export interface Complex {
  readonly real: Float64Array;
  readonly imaginary: Float64Array;
}

/**
 * Discrete Fourier transform; the length must be a power of two from 4 on. Linear times its logarithm. `values` and `spare`, of the same
 * length, are both written to, and one of them is given back. Four parts are joined at a time, from one array into the other, which leaves
 * each value where it belongs (Stockham): a program that runs once is slow by the number of its steps.
 */
export function fft(values: Complex, spare: Complex): Complex {
  const n = values.real.length;
  // Of twice the length, as a transform of real values needs them too.
  const cosines = cosinesOf(2 * n);
  let [from, to] = [values, spare];
  let stride = 1;
  for (let length = n; length > 1; length = length === 2 ? 1 : length / 4) {
    if (length === 2) joinTwo(from, to, stride);
    else joinFour(from, to, length / 4, stride, cosines);
    stride *= 4;
    [from, to] = [to, from];
  }
  return from;
}

function joinTwo(from: Complex, to: Complex, stride: number): void {
  const { real, imaginary } = from;
  const { real: toReal, imaginary: toImaginary } = to;
  for (let at = 0, other = stride; at < stride; at += 1, other += 1) {
    const a = real[at] ?? 0;
    const b = imaginary[at] ?? 0;
    const c = real[other] ?? 0;
    const d = imaginary[other] ?? 0;
    toReal[at] = a + c;
    toImaginary[at] = b + d;
    toReal[other] = a - c;
    toImaginary[other] = b - d;
  }
}

function joinFour(from: Complex, to: Complex, parts: number, stride: number, cosines: Float64Array): void {
  const { real, imaginary } = from;
  const { real: toReal, imaginary: toImaginary } = to;
  const quarter = parts * stride;
  let first = 0;
  for (let part = 0; part < parts; part += 1) {
    // Of one, two and three times the angle, backwards.
    const cos = cosines[2 * first] ?? 0;
    const sin = -(cosines[2 * (quarter - first)] ?? 0);
    const cos2 = cos * cos - sin * sin;
    const sin2 = 2 * cos * sin;
    const cos3 = cos2 * cos - sin2 * sin;
    const sin3 = cos2 * sin + sin2 * cos;
    let put = 4 * first;
    const end = first + stride;
    for (let at = first; at < end; at += 1, put += 1) {
      const at2 = at + quarter;
      const at3 = at2 + quarter;
      const at4 = at3 + quarter;
      let x = real[at] ?? 0;
      let y = real[at3] ?? 0;
      const evenSum = x + y;
      const evenDifference = x - y;
      x = imaginary[at] ?? 0;
      y = imaginary[at3] ?? 0;
      const evenSumI = x + y;
      const evenDifferenceI = x - y;
      x = real[at2] ?? 0;
      y = real[at4] ?? 0;
      const oddSum = x + y;
      const oddDifference = x - y;
      x = imaginary[at2] ?? 0;
      y = imaginary[at4] ?? 0;
      const oddSumI = x + y;
      const oddDifferenceI = x - y;
      toReal[put] = evenSum + oddSum;
      toImaginary[put] = evenSumI + oddSumI;
      const put2 = put + stride;
      x = evenDifference + oddDifferenceI;
      y = evenDifferenceI - oddDifference;
      toReal[put2] = x * cos - y * sin;
      toImaginary[put2] = x * sin + y * cos;
      const put3 = put2 + stride;
      x = evenSum - oddSum;
      y = evenSumI - oddSumI;
      toReal[put3] = x * cos2 - y * sin2;
      toImaginary[put3] = x * sin2 + y * cos2;
      const put4 = put3 + stride;
      x = evenDifference - oddDifferenceI;
      y = evenDifferenceI + oddDifference;
      toReal[put4] = x * cos3 - y * sin3;
      toImaginary[put4] = x * sin3 + y * cos3;
    }
    first = end;
  }
}
