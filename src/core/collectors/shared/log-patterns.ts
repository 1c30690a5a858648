import { askAll, type Request } from '../../model/collector.ts';
import type { Known } from '../../model/fact.ts';
import { expandGlobs } from '../glob.ts';

const mostFiles = 16;
const mostLooked = 300;
const variable = /\$(?:\{(\w{1,60})\}|(\w{1,60}))/g;

/** The files behind an access log whose path holds variables, and what of them is left out. */
export interface PatternFiles {
  /** Those that were written to within the window, the newest first. */
  readonly paths: readonly string[];
  /** Why some of its files are not read; absent where all that bear on the window are. */
  readonly why?: string;
}

/**
 * Looks for the files of `/var/log/nginx/$host.log`. `$server_name` is one of `serverNames`, any other variable may be any one name;
 * `taken` are files that the configuration names itself.
 */
export function* filesOfPattern(
  path: string,
  { serverNames, taken, sinceMs }: { readonly serverNames: readonly string[]; readonly taken: ReadonlySet<string>; readonly sinceMs: number },
): Generator<readonly Request[], PatternFiles, readonly Known<unknown>[]> {
  const patterns = patternsOf(path, serverNames);
  const results = yield* expandGlobs(patterns);
  const matching = [...new Set(results.flatMap(result => result.paths))].filter(one => !taken.has(one) && !isRotated(one));
  const shown = patterns.slice(0, 2).join(' and ');
  const [denied] = results.flatMap(result => result.unread);
  if (denied !== undefined) return { paths: [], why: `its path holds variables, and ${denied.path}, where its files are, could not be listed: ${denied.why}` };
  const looked = matching.slice(0, mostLooked);
  const stats = yield* askAll(looked.map(one => ({ kind: 'stat', path: one }) as const));
  const fresh = looked
    .flatMap((one, index) => {
      const stat = stats[index];
      if (stat?.state !== 'known' || (stat.value.kind !== 'file' && stat.value.kind !== 'link')) return [];
      return stat.value.kind === 'link' || stat.value.modifiedMs >= sinceMs ? [{ path: one, modifiedMs: stat.value.modifiedMs }] : [];
    })
    .toSorted((a, b) => b.modifiedMs - a.modifiedMs);
  const paths = fresh.slice(0, mostFiles).map(one => one.path);
  if (matching.length > mostLooked)
    return { paths, why: `its path holds variables, and only ${mostLooked} of the ${matching.length} files that fit ${shown} were looked at` };
  if (fresh.length > mostFiles)
    return {
      paths,
      why: `its path holds variables, and of the ${fresh.length} files that fit ${shown} and were written to lately only the newest ${mostFiles} were read`,
    };
  const isAny = stats.some(stat => stat.state === 'known' && stat.value.kind !== 'directory');
  return isAny ? { paths } : { paths, why: `its path holds variables, and no file fits ${shown}` };
}

/** `/var/log/nginx/*.log` of `/var/log/nginx/$host.log`. */
function patternsOf(path: string, serverNames: readonly string[]): readonly string[] {
  const usesName = /\$(?:server_name\b|\{server_name\})/.test(path);
  const names = usesName ? [...new Set(serverNames)].filter(name => !name.includes('/')).slice(0, 64) : [''];
  return [...new Set(names.map(name => fill(path, name)))];
}

function fill(path: string, serverName: string): string {
  let pattern = '';
  let last = 0;
  for (const match of path.matchAll(variable)) {
    pattern += escaped(path.slice(last, match.index));
    pattern += (match[1] ?? match[2]) === 'server_name' ? escaped(serverName) : '*';
    last = match.index + match[0].length;
  }
  return (pattern + escaped(path.slice(last))).replaceAll(/\*{2,}/g, '*');
}

function escaped(text: string): string {
  return text.replaceAll(/[*?[\]\\]/g, String.raw`\$&`);
}

/** What logrotate leaves beside a log is read with that log. */
function isRotated(path: string): boolean {
  return /(?:\.(?:gz|xz|bz2|zst|\d{1,4}|old)|-\d{8,10})$/.test(path);
}
