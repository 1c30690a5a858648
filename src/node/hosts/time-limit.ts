/** The value of a promise, or what `late` makes when it does not settle in time. The work itself may go on behind. */
export async function withinTime<T>(work: Promise<T>, timeoutMs: number, late: () => T): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<T>(resolve => {
    timer = setTimeout(() => resolve(late()), timeoutMs);
  });
  try {
    return await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
}

/** Lets at most `most` pieces of work run at once; the others wait in order. */
export function createGate(most: number): <T>(work: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async work => {
    if (running >= most) await new Promise<void>(resolve => waiting.push(resolve));
    else running++;
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) running--;
      else next();
    }
  };
}

const sliceMs = 8;

/**
 * Runs short synchronous pieces of work, each when its turn comes, and lets timers and sockets in every few
 * milliseconds. For /proc this is several times quicker than the thread pool.
 */
export function createTurns(): <T>(work: () => T) => Promise<T> {
  let queue: (() => void)[] = [];
  const drain = (): void => {
    const endMs = performance.now() + sliceMs;
    let done = 0;
    while (done < queue.length && performance.now() < endMs) queue[done++]?.();
    queue = queue.slice(done);
    if (queue.length > 0) setImmediate(drain);
  };
  return work =>
    new Promise((resolve, reject) => {
      queue.push(() => {
        try {
          resolve(work());
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)));
        }
      });
      if (queue.length === 1) setImmediate(drain);
    });
}
