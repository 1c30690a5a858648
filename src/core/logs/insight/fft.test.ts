import { expect, it } from 'vitest';
import { fft, type Complex } from './fft.ts';
import { randomOf } from './testing.ts';

const emptyOf = (length: number): Complex => ({ real: new Float64Array(length), imaginary: new Float64Array(length) });

function summed({ real, imaginary }: Complex): Complex {
  const n = real.length;
  const sums = emptyOf(n);
  for (let entry = 0; entry < n; entry += 1) {
    for (let at = 0; at < n; at += 1) {
      const angle = (-2 * Math.PI * ((entry * at) % n)) / n;
      const [a, b] = [real[at] ?? 0, imaginary[at] ?? 0];
      sums.real[entry] = (sums.real[entry] ?? 0) + a * Math.cos(angle) - b * Math.sin(angle);
      sums.imaginary[entry] = (sums.imaginary[entry] ?? 0) + a * Math.sin(angle) + b * Math.cos(angle);
    }
  }
  return sums;
}

it.each([4, 8, 16, 32, 64, 128, 256])('a transform of %i values is what the sums say', length => {
  const random = randomOf(length);
  const values = emptyOf(length);
  for (let at = 0; at < length; at += 1) {
    values.real[at] = random() - 0.5;
    values.imaginary[at] = random() - 0.5;
  }
  const wanted = summed(values);
  const { real, imaginary } = fft(values, emptyOf(length));
  for (let at = 0; at < length; at += 1) {
    expect(real[at]).toBeCloseTo(wanted.real[at] ?? 0, 10);
    expect(imaginary[at]).toBeCloseTo(wanted.imaginary[at] ?? 0, 10);
  }
});
