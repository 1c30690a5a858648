import type { BackendEvent } from './facts/backend.ts';
import type { Hop } from './facts/hop.ts';

/** A watchdog gives a worker some seconds to end by itself before it kills it. */
const graceMs = 10_000;

/** The watchdog's own line that stands behind a worker's death, where there is one: the same worker, a little earlier. */
export function watchdogOf(hop: Hop, death: BackendEvent): BackendEvent | undefined {
  return hop.events.find(
    event =>
      event.kind === 'request-killed' &&
      (event.pid === undefined || death.pid === undefined || event.pid === death.pid) &&
      death.timeMs - event.timeMs <= graceMs &&
      event.timeMs - death.timeMs <= 2_000,
  );
}
