import type { Address } from './host.ts';
import type { ErrorGroup } from './facts/logs.ts';
import type { Setting } from './facts/nginx.ts';
import type { Route, Topology } from './facts/topology.ts';
import { resolversOf, unresolvedName } from './resolvers.ts';

/** A host name that nginx resolves while it runs, by its own resolver and not by the system's. */
export interface RunTimeName {
  readonly name: string;
  readonly routes: readonly Route[];
  /** The `resolver` in force there; absent where there is none. */
  readonly setting?: Setting;
  readonly resolvers: readonly Address[];
  /** False where only the log names it: the configuration has a variable whose value is not known here. */
  readonly inConfig: boolean;
}

/**
 * The names in passes with variables and of servers with `resolve`, and those that the error log says could not be resolved.
 * A name without variables is resolved once, when nginx starts, and is none of these.
 */
export function namesAtRunTime(topology: Topology, groups: readonly ErrorGroup[]): RunTimeName[] {
  const found = new Map<string, RunTimeName>();
  const add = (name: string, route: Route | undefined, own: Setting | undefined, inConfig: boolean): void => {
    const setting = own ?? route?.settings['resolver'];
    const key = `${name} ${setting?.args.join(' ') ?? ''}`;
    const before = found.get(key);
    const routes = [...(before?.routes ?? []), ...(route === undefined || before?.routes.includes(route) === true ? [] : [route])];
    found.set(key, { name, routes, inConfig, ...(setting === undefined ? {} : { setting }), resolvers: resolversOf(setting?.args ?? []) });
  };
  for (const route of topology.routes) if (route.variables.length > 0 && route.hostName !== undefined) add(route.hostName, route, undefined, true);
  for (const group of topology.groups) {
    for (const name of group.resolvedNames ?? [])
      add(
        name,
        topology.routes.find(route => route.groupId === group.id),
        group.settings['resolver'],
        true,
      );
  }
  const known = new Set([...found.values()].map(one => one.name));
  const logged = new Set(
    groups.filter(group => group.phase !== undefined || group.class !== 'config-error').flatMap(group => unresolvedName(group.samples[0]?.message ?? '') ?? []),
  );
  // Which of the passes with an unknown value the name went through is not known: each may be it.
  const open = topology.routes.filter(route => route.variables.length > 0 && route.hostName === undefined && route.groupId === undefined);
  for (const name of logged) if (!known.has(name)) for (const route of open) add(name, route, undefined, false);
  return [...found.values()];
}
