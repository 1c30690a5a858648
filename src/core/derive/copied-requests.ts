import type { ErrorGroup } from '../model/facts/logs.ts';
import type { NginxConfig } from '../model/facts/nginx.ts';
import { directivesOf } from '../model/nginx-edits.ts';

/**
 * Tells the records of requests that no client waits for, copies that `mirror` sends and updates of a cache in the background, from those
 * of subrequests that the answer to the client is made of (`auth_request`, SSI). nginx names the location of either in the same way:
 * `subrequest: "/copy"`. An update has the path of the request itself.
 */
export function copiesBy(configs: readonly NginxConfig[]): (group: ErrorGroup) => boolean {
  const mirrors = new Set<string>();
  const needed = new Set<string>();
  let hasUpdates = false;
  for (const { directive } of configs.flatMap(config => [...directivesOf(config)])) {
    const uri = directive.args[0]?.value;
    if (uri === undefined || uri === 'off') continue;
    if (directive.name.endsWith('_cache_background_update')) hasUpdates = true;
    else if (directive.name === 'mirror') mirrors.add(uri);
    else if (directive.name === 'auth_request') needed.add(uri);
  }
  for (const uri of needed) mirrors.delete(uri);
  return group =>
    (mirrors.size > 0 || hasUpdates) &&
    group.subrequest &&
    group.samples.length > 0 &&
    group.samples.every(({ subrequest = '', uri = '' }) => mirrors.has(pathIn(subrequest)) || (hasUpdates && pathIn(subrequest) === pathIn(uri)));
}

function pathIn(uri: string): string {
  const query = uri.indexOf('?');
  return query === -1 ? uri : uri.slice(0, query);
}
