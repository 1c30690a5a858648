import { namedIn, flatten } from '../derive/directives.ts';
import { around, own, type Scope } from './scopes.ts';

/**
 * What a header's value comes to in a request with that `Upgrade` header (`''`: none). `undefined` where the configuration does not tell.
 * The variable that documentation and field use for it is a `map` of `$http_upgrade`.
 */
export function headerValueFor(scope: Scope, written: string, upgrade: string): string | undefined {
  if (!written.includes('$')) return written;
  if (written === '$http_upgrade') return upgrade;
  const http = around(scope, 'http');
  const map = http && own(http, 'map').find(one => one.args[1]?.value === written && one.args[0]?.value === '$http_upgrade');
  if (map?.block === undefined) return undefined;
  const lines = [...flatten(map.block)];
  const exact = lines.find(one => one.name.toLowerCase() === upgrade);
  if (exact === undefined && lines.some(one => one.name.startsWith('~') || one.name === 'include')) return undefined;
  const value = (exact ?? namedIn(lines, 'default').at(-1))?.args[0]?.value ?? '';
  return value.includes('$') ? undefined : value;
}

/** Whether the words of a `Connection` header hold this one. */
export function hasWord(value: string, word: string): boolean {
  return value
    .toLowerCase()
    .split(',')
    .some(one => one.trim() === word);
}
