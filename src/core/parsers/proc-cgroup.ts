import { linesOf } from './text.ts';

/** Where a process stands among the control groups. */
export interface ProcCgroup {
  /** systemd's hierarchy where there is one, else the deepest path of any. */
  readonly path?: string;
  readonly unit?: string;
}

/**
 * Reads `/proc/PID/cgroup` (cgroups(7)), v1, v2 or both. Sample (hybrid):
 * ```
 * 9:name=systemd:/system.slice/php8.2-fpm.service
 * 4:memory:/
 * 0::/system.slice/php8.2-fpm.service
 * ```
 */
export function parseProcCgroup(text: string): ProcCgroup {
  let systemd: string | undefined;
  let unified: string | undefined;
  let deepest: string | undefined;
  for (const { controllers, path } of membershipsOf(text)) {
    if (controllers === 'name=systemd') systemd = path;
    else if (controllers === '') unified = path;
    if (deepest === undefined || depth(path) > depth(deepest)) deepest = path;
  }
  const path = [systemd, unified, deepest].find(candidate => candidate !== undefined && unitOfCgroup(candidate) !== undefined) ?? deepest;
  if (path === undefined) return {};
  const unit = unitOfCgroup(path);
  return unit === undefined ? { path } : { path, unit };
}

/**
 * The systemd unit that a control group's path names: its last component that is a service or a scope. Groups around
 * it (an outer container) and below it (`payload`, `init`) do not matter.
 */
export function unitOfCgroup(path: string): string | undefined {
  return path.split('/').findLast(part => (part.endsWith('.service') || part.endsWith('.scope')) && part !== '.service' && part !== '.scope');
}

function depth(path: string): number {
  return path.split('/').filter(part => part !== '' && part !== '..').length;
}

/** The group of a process in one v1 hierarchy (`memory`, `cpu`), or in v2 where none is named. Same source as above. */
export function groupIn(text: string, controller?: string): string | undefined {
  for (const { controllers, path } of membershipsOf(text))
    if (controller === undefined ? controllers === '' : controllers.split(',').includes(controller)) return path;
  return undefined;
}

function* membershipsOf(text: string): Generator<{ readonly controllers: string; readonly path: string }> {
  for (const line of linesOf(text, 100)) {
    const first = line.indexOf(':');
    const second = first < 0 ? -1 : line.indexOf(':', first + 1);
    if (second >= 0) yield { controllers: line.slice(first + 1, second), path: line.slice(second + 1) };
  }
}
