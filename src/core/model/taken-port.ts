import type { Hop } from './facts/hop.ts';
import type { SystemdUnit } from './facts/system.ts';
import type { Evidence } from './finding.ts';

/** Node, Go, php-fpm, uWSGI, Java and Python say it in these words; gunicorn says `Connection in use`. */
const inUse = /EADDRINUSE|address already in use|connection in use/i;

/** A unit that cannot listen because its port is another's. */
export interface TakenPort {
  readonly unit: SystemdUnit;
  /** Its own line that says so. */
  readonly said: Evidence;
}

/**
 * The unit that wants the peer's port and says in its journal, within the window, that somebody has it, while a process that is not its
 * own listens there. Whether that process is the one that is meant, this does not tell.
 */
export function unitWithoutPort(hop: Hop, units: readonly SystemdUnit[], sinceMs: number): TakenPort | undefined {
  const { address, listeners } = hop.peer;
  if (address.kind !== 'tcp' || listeners.length === 0) return undefined;
  const port = new RegExp(`(?<![\\d.])${address.port}(?!\\d)`);
  for (const unit of units) {
    if (unit.name === hop.unit?.name || unit.activeState === 'inactive') continue;
    const line = unit.journal.findLast(
      ({ timeMs, identifier, text }) => timeMs >= sinceMs && identifier !== 'systemd' && inUse.test(text.slice(0, 400)) && port.test(text.slice(0, 400)),
    );
    if (line !== undefined) return { unit, said: { source: `journal:${unit.name}`, text: `${line.identifier}: ${line.text}` } };
  }
  return undefined;
}
