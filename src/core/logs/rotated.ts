/** The rotated predecessors of a log: `access.log.1`, `access.log.2.gz`, `access.log-20261121`, `access.log-20261120.gz`. */
import { ask, askAll } from '../model/collector.ts';
import { slackMs, type Asking } from './window.ts';

export interface RotatedFile {
  readonly path: string;
  readonly size: number;
  readonly gzip: boolean;
  readonly modifiedMs: number;
}

const maxLooked = 64;
const maxRead = 12;

/** Those that were still written to in the window, the newest first. Only plain files count. */
export function* findRotated(path: string, sinceMs: number): Asking<readonly RotatedFile[]> {
  const slash = path.lastIndexOf('/');
  const folder = slash <= 0 ? '/' : path.slice(0, slash);
  const base = path.slice(slash + 1);
  const [names] = yield* ask({ kind: 'list', path: folder });
  if (names.state !== 'known') return [];
  const candidates = names.value.filter(name => name.startsWith(base) && /^[.-]\d[\d_.-]{0,30}(?:\.gz)?$/u.test(name.slice(base.length)));
  const paths = inRotationOrder(candidates, base).map(name => `${folder === '/' ? '' : folder}/${name}`);
  const stats = yield* askAll(paths.slice(0, maxLooked).map(one => ({ kind: 'stat', path: one }) as const));
  const files: RotatedFile[] = [];
  for (const [index, stat] of stats.entries()) {
    const file = paths[index];
    if (file === undefined || stat.state !== 'known' || stat.value.kind !== 'file' || stat.value.modifiedMs < sinceMs - slackMs) continue;
    files.push({ path: file, size: stat.value.size, gzip: file.endsWith('.gz'), modifiedMs: stat.value.modifiedMs });
  }
  return files.sort((a, b) => b.modifiedMs - a.modifiedMs).slice(0, maxRead);
}

/** Small numbers are new, dates are new when they are late. */
function inRotationOrder(names: readonly string[], base: string): readonly string[] {
  const rank = (name: string): number => {
    const number = Number(/\d+/u.exec(name.slice(base.length))?.[0] ?? 0);
    return number < 100_000 ? number : -number;
  };
  return names.toSorted((a, b) => rank(a) - rank(b));
}
