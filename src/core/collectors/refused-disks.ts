import { defineCollector } from '../model/collector.ts';
import { pathIn } from '../model/disks.ts';
import { known, valueOr } from '../model/fact.ts';
import type { ErrorGroup } from '../model/facts/logs.ts';
import { askDisks } from './shared/disk-space.ts';

const maxFolders = 10;

/** Asked of folders that the error log names: often a file system of its own, which nobody would think of. */
export default defineCollector({
  id: 'refused-disks',
  title: 'file systems on which nginx found no space',
  needs: ['nginx-error-log'],
  *collect(facts) {
    const folders = foldersWithoutSpace(valueOr(facts['nginx-error-log'], undefined)?.groups ?? []);
    return known(folders.length === 0 ? [] : yield* askDisks(folders));
  },
});

function foldersWithoutSpace(groups: readonly ErrorGroup[]): readonly string[] {
  const paths = groups.filter(group => group.class === 'disk-full').flatMap(group => group.samples.flatMap(sample => pathIn(sample.message) ?? []));
  return [...new Set(paths.map(path => path.slice(0, Math.max(1, path.lastIndexOf('/')))))].slice(0, maxFolders);
}
