import { ask } from '../../model/collector.ts';
import type { Request } from '../../model/collector.ts';
import type { Known } from '../../model/fact.ts';
import type { SocketUnit, SystemdUnit } from '../../model/facts/system.ts';
import { parseListenAddress } from '../../parsers/listen-address.ts';
import { parseSystemctlShow } from '../../parsers/systemctl.ts';

const MAX_SOCKETS = 60;

/** Asks for the sockets that systemd holds for these units: by the name of the unit that each starts. */
export function* readUnitSockets(
  units: readonly SystemdUnit[],
): Generator<readonly Request[], ReadonlyMap<string, readonly SocketUnit[]>, readonly Known<unknown>[]> {
  const byUnit = new Map<string, SocketUnit[]>();
  const names = new Set(units.flatMap(unit => unit.triggeredBy?.filter(name => name.endsWith('.socket') && !name.startsWith('-')) ?? []));
  if (names.size === 0) return byUnit;
  const [show] = yield* ask({
    kind: 'exec',
    argv: ['systemctl', 'show', '--no-pager', '-p', 'Id', '-p', 'Listen', '-p', 'ActiveState', '-p', 'Result', '--', ...[...names].slice(0, MAX_SOCKETS)],
    options: { timeoutMs: 2000 },
  });
  if (show.state !== 'known') return byUnit;
  for (const properties of parseSystemctlShow(show.value.stdout)) {
    const [name, activeState = 'unknown', result = 'unknown'] = ['Id', 'ActiveState', 'Result'].map(property => properties.get(property)?.[0]);
    if (name === undefined) continue;
    const addresses = (properties.get('Listen') ?? []).flatMap(value => streamAddress(value) ?? []);
    for (const unit of units)
      if (unit.triggeredBy?.includes(name) === true) byUnit.set(unit.name, [...(byUnit.get(unit.name) ?? []), { name, activeState, result, addresses }]);
  }
  return byUnit;
}

/** The address in a `Listen` property of a socket unit. Samples (systemd 252): `/run/django.sock (Stream)`, `[::]:8000 (Stream)`. */
function streamAddress(value: string): SocketUnit['addresses'][number] | undefined {
  return value.endsWith(' (Stream)') ? parseListenAddress(value.slice(0, -' (Stream)'.length)) : undefined;
}
