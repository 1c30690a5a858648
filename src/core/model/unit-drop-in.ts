import type { SystemdUnit } from './facts/system.ts';
import { lineDiff } from './fix.ts';
import type { FixStep } from './finding.ts';

const mostPrefix = 8;

/**
 * A drop-in of badhop's own that sets these lines of `[Service]`, and what makes systemd read it. systemd reads the drop-ins of a unit in
 * the order of their names, whatever folder they are in, and the last one wins: it gets a name behind all that are there, as `override.conf`
 * of `systemctl edit` would take its settings back. The unit runs on with what it was started with.
 */
export function dropInSteps(unit: Pick<SystemdUnit, 'name' | 'dropIns'>, name: string, settings: readonly string[]): FixStep[] {
  const path = `/etc/systemd/system/${unit.name}.d/${fileName(unit.dropIns, name)}`;
  const after = `[Service]\n${settings.join('\n')}\n`;
  const reload = ['systemctl', 'daemon-reload'];
  return [
    { kind: 'edit', path, before: '', after, diff: lineDiff(path, 1, '', after) },
    { kind: 'command', argv: reload, undo: reload, disruptive: false, why: 'systemd reads the drop-in' },
  ];
}

/** Starts the unit anew, and does so again where the change is taken back. */
export function restartStep(unit: string, why: string): FixStep {
  const argv = ['systemctl', 'restart', unit];
  return { kind: 'command', argv, undo: argv, disruptive: true, why };
}

function fileName(dropIns: readonly string[], name: string): string {
  const others = dropIns.map(path => path.slice(path.lastIndexOf('/') + 1));
  let own = `badhop-${name}.conf`;
  for (let prefix = 'z'; prefix.length <= mostPrefix && others.some(other => other > own); prefix += 'z') own = `${prefix}-badhop-${name}.conf`;
  return own;
}
