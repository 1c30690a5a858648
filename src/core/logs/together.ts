import type { Request } from '../model/collector.ts';
import type { Asking } from './window.ts';

/** Runs several readings in step: what they ask at a time is asked at once. At most `width` run together. */
export function* together<T>(readings: readonly Asking<T>[], width = 8): Asking<readonly T[]> {
  const results: T[] = [];
  for (let from = 0; from < readings.length; from += width) results.push(...(yield* inStep(readings.slice(from, from + width))));
  return results;
}

function* inStep<T>(readings: readonly Asking<T>[]): Asking<readonly T[]> {
  const results = new Map<number, T>();
  let open = readings.map((reading, index) => ({ reading, index, step: reading.next([]) }));
  for (;;) {
    const asking: { readonly reading: Asking<T>; readonly index: number; readonly requests: readonly Request[] }[] = [];
    for (const { reading, index, step } of open) {
      if (step.done === true) results.set(index, step.value);
      else asking.push({ reading, index, requests: step.value });
    }
    if (asking.length === 0) return [...results].sort(([a], [b]) => a - b).map(([, result]) => result);
    const answers = yield asking.flatMap(({ requests }) => requests);
    let at = 0;
    open = asking.map(({ reading, index, requests }) => {
      const own = answers.slice(at, at + requests.length);
      at += requests.length;
      return { reading, index, step: reading.next(own) };
    });
  }
}
