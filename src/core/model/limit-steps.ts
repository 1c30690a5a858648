import { valueOr } from './fact.ts';
import type { Service, Sourced } from './facts/backend.ts';
import type { Facts } from './facts.ts';
import type { SystemdUnit } from './facts/system.ts';
import { lineDiff } from './fix.ts';
import type { FixStep } from './finding.ts';
import { settingEdit } from './setting-edit.ts';
import { dropInSteps, restartStep } from './unit-drop-in.ts';

/** How a backend gets another limit, and what must hold before it is started with it. */
export interface LimitSteps {
  readonly steps: readonly FixStep[];
  readonly validate: readonly (readonly string[])[];
}

/** In the file of its pool, which php-fpm checks before it reads it anew. */
export function poolLimit(service: Service, facts: Facts, name: string, value: string): LimitSteps | undefined {
  const pool = valueOr(facts['php-fpm-pools'], undefined)?.pools.find(one => `php-fpm:${one.name}` === service.id);
  const edit = settingEdit(pool?.values[name], value);
  if (edit === undefined || pool === undefined || service.masterPid === undefined) return undefined;
  const reload = service.unit === undefined ? ['kill', '-USR2', String(service.masterPid)] : ['systemctl', 'reload', service.unit];
  const master = valueOr(facts.processes, []).find(process => process.pid === service.masterPid);
  const why = 'php-fpm starts anew with the new limit; requests that it works on at this moment are cut off';
  return {
    steps: [edit, { kind: 'command', argv: reload, undo: reload, disruptive: true, why }],
    validate: master?.exe === undefined ? [] : [[master.exe, '-t', '-y', pool.mainConfig]],
  };
}

/** On the setting's own line of a file; `more` are lines below it. */
export function fileLimit(unit: string, setting: Sourced<string> | undefined, value: string, more = ''): LimitSteps | undefined {
  const edit = settingEdit(setting, value);
  if (edit === undefined) return undefined;
  const after = `${edit.after}${more}`;
  return { steps: [{ ...edit, after, diff: lineDiff(edit.path, edit.line ?? 1, edit.before, after) }, restart(unit)], validate: [] };
}

/** By a drop-in that starts the unit with another command line. */
export function dropInLimit(unit: SystemdUnit, name: string, commandLine: string): LimitSteps {
  return { steps: [...dropInSteps(unit, name, ['ExecStart=', `ExecStart=${commandLine}`]), restart(unit.name)], validate: [] };
}

function restart(unit: string): FixStep {
  return restartStep(unit, `${unit} starts with the new limit; requests under way are cut off`);
}
