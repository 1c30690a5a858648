import type { ConfigDirective } from '../model/facts/nginx.ts';
import { flatten, namedIn, type Chain } from './directives.ts';
import { parsePassTarget, substitute } from './pass-target.ts';

const maxCandidates = 8;

/** Values that each `map`, `geo` and `split_clients` of an http block can give its variable. */
export function mapValues(http: readonly ConfigDirective[]): ReadonlyMap<string, readonly string[]> {
  const maps = new Map<string, string[]>();
  for (const map of http) {
    if ((map.name !== 'map' && map.name !== 'split_clients' && map.name !== 'geo') || map.block === undefined) continue;
    const name = (map.args.at(-1)?.value ?? '').replace('$', '');
    const values = [...flatten(map.block)].filter(entry => !['hostnames', 'volatile', 'include'].includes(entry.name)).map(entry => entry.args[0]?.value ?? '');
    maps.set(name, [...(maps.get(name) ?? []), ...new Set(values.filter(value => value !== ''))].slice(0, 64));
  }
  return maps;
}

/** What a target with variables can be: `set` gives one value, a `map` each of its values. Unknown ones stay in the text. */
export function candidatesOf(written: string, chain: Chain, maps: ReadonlyMap<string, readonly string[]>): readonly string[] {
  let texts = [written];
  for (let round = 0; round < 4; round++) {
    const next: string[] = [];
    for (const text of texts) {
      const unknown = parsePassTarget('proxy', text).variables.find(name => valuesOf(name, chain, maps).length > 0);
      if (unknown === undefined) next.push(text);
      else for (const value of valuesOf(unknown, chain, maps)) next.push(substitute(text, new Map([[unknown, value]])));
    }
    texts = [...new Set(next)].slice(0, maxCandidates);
  }
  return texts;
}

function valuesOf(name: string, chain: Chain, maps: ReadonlyMap<string, readonly string[]>): readonly string[] {
  const set = chain.flatMap(block => namedIn(block, 'set')).filter(directive => directive.args[0]?.value === `$${name}`);
  if (set.length > 0) return set.map(directive => directive.args[1]?.value ?? '').filter(value => value !== '' && !value.includes(`$${name}`));
  return maps.get(name) ?? [];
}
