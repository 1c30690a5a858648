import type { ErrorGroup } from '../model/facts/logs.ts';
import type { NginxConfig } from '../model/facts/nginx.ts';
import { directivesOf } from '../model/nginx-edits.ts';

/**
 * Tells the records of copies that `mirror` sends, whose answers nginx throws away, from those of subrequests that the answer
 * to the client is made of (`auth_request`, SSI). nginx names the location of either in the same way: `subrequest: "/copy"`.
 */
export function copiesBy(configs: readonly NginxConfig[]): (group: ErrorGroup) => boolean {
  const mirrors = new Set<string>();
  const needed = new Set<string>();
  for (const { directive } of configs.flatMap(config => [...directivesOf(config)])) {
    const uri = directive.args[0]?.value;
    if (uri === undefined || uri === 'off') continue;
    if (directive.name === 'mirror') mirrors.add(uri);
    else if (directive.name === 'auth_request') needed.add(uri);
  }
  for (const uri of needed) mirrors.delete(uri);
  return group =>
    mirrors.size > 0 && group.subrequest && group.samples.length > 0 && group.samples.every(({ subrequest }) => mirrors.has(pathIn(subrequest ?? '')));
}

function pathIn(uri: string): string {
  const query = uri.indexOf('?');
  return query === -1 ? uri : uri.slice(0, query);
}
