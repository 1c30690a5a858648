/** The value of a promise, or what `late` makes when it does not settle in time. The work itself may go on behind. */
export function withinTime<T>(work: Promise<T>, timeoutMs: number, late: () => T): Promise<T> {
  // Thousands of files are read like this: no promise more than is needed.
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => resolve(late()), timeoutMs);
    const settle = (): void => clearTimeout(timer);
    work.then(resolve, reject);
    work.then(settle, settle);
  });
}

/** Lets at most `most` pieces of work run at once; the others wait in order. */
export function createGate(most: number): <T>(work: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  let running = 0;
  const leave = (): void => {
    running--;
    waiting.shift()?.();
  };
  return <T>(work: () => Promise<T>) =>
    new Promise<T>((resolve, reject) => {
      const enter = (): void => {
        running++;
        const result = new Promise<T>(settle => settle(work()));
        result.then(resolve, reject);
        result.then(leave, leave);
      };
      if (running < most) enter();
      else waiting.push(enter);
    });
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
