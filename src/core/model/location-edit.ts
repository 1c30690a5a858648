import type { ConfigDirective, NginxConfig, NginxInstance } from './facts/nginx.ts';
import type { Route } from './facts/topology.ts';
import type { Facts } from './facts.ts';
import type { FixStep } from './finding.ts';
import { reloadCommand, testCommand } from './nginx-commands.ts';
import { directivesOf, editSteps, siblingsOf, type TextChange } from './nginx-edits.ts';

/** How a directive of one location is changed, and how nginx takes it up. */
export interface LocationEdit {
  readonly edits: readonly FixStep[];
  /** The line stands in a file that other locations may include too. */
  readonly isShared: boolean;
  /** Undefined where no running master is known. */
  readonly reload: FixStep | undefined;
  readonly validate: readonly (readonly string[])[];
}

/**
 * Gives one location another value of a directive: beside its `*_pass`, its own directive gets the value, and one that is
 * inherited is set anew for it alone. `undefined` where the place is not found.
 */
export function locationEdit(facts: Facts, routeId: string, directive: string, value: string): LocationEdit | undefined {
  if (facts['nginx-config'].state !== 'known' || facts.topology.state !== 'known') return undefined;
  const configs = facts['nginx-config'].value;
  const route = facts.topology.value.routes.find(one => one.id === routeId);
  if (route === undefined) return undefined;
  for (const config of configs) {
    const pass = passOf(config, route);
    if (pass === undefined) continue;
    const own = siblingsOf(config, pass).findLast(one => one.name === directive);
    const edits = editSteps(configs, [own === undefined ? added(pass, directive, value) : changed(own, value)]);
    return edits.length === 0 ? undefined : { edits, isShared: own !== undefined && own.path !== pass.path, ...takeUp(facts, config.instanceId) };
  }
  return undefined;
}

/** The `*_pass` of a route. Several locations may stand on one line. */
export function passOf(config: NginxConfig, route: Route): ConfigDirective | undefined {
  for (const { directive } of directivesOf(config)) {
    const isThere = directive.path === route.origin.path && directive.line === route.origin.line;
    if (isThere && directive.name === `${route.pass}_pass` && directive.args[0]?.value === route.target) return directive;
  }
  return undefined;
}

/** How the nginx of that configuration tests it and takes it up. */
export function takeUp(facts: Facts, instanceId: string): Pick<LocationEdit, 'reload' | 'validate'> {
  const instances: readonly NginxInstance[] = facts['nginx-instances'].state === 'known' ? facts['nginx-instances'].value : [];
  const instance = instances.find(one => one.id === instanceId);
  const argv = instance === undefined ? undefined : reloadCommand(instance);
  const why = 'The workers take up the new configuration; requests under way end on the old ones.';
  return {
    reload: argv === undefined ? undefined : { kind: 'command', argv, undo: argv, disruptive: false, why },
    validate: instance === undefined ? [['nginx', '-t']] : [testCommand(instance)],
  };
}

function changed(own: ConfigDirective, value: string): TextChange {
  const [first] = own.args;
  return { path: own.path, start: first?.start ?? own.end, end: first?.end ?? own.end, text: value };
}

function added(pass: ConfigDirective, directive: string, value: string): TextChange {
  return { path: pass.path, start: pass.start, end: pass.start, text: `${directive} ${value}; ` };
}
