import { ask, askAll, defineCollector } from '../model/collector.ts';
import { known, valueOr } from '../model/fact.ts';
import type { Known } from '../model/fact.ts';
import { pathIn } from '../model/disks.ts';
import type { PathFile, PathPart } from '../model/facts.ts';
import type { StatResult } from '../model/host.ts';
import { parseIdNames } from '../parsers/passwd.ts';
import type { IdNames } from '../parsers/passwd.ts';
import { textOf } from './shared/answers.ts';

const MAX_PATHS = 200;

export default defineCollector({
  id: 'socket-files',
  title: 'Rights of the sockets and temporary files, and of every folder above them',
  needs: ['topology', 'php-fpm-pools', 'nginx-error-log'],
  *collect(facts) {
    const wanted = new Set<string>();
    for (const peer of valueOr(facts.topology, undefined)?.peers ?? []) if (peer.address.kind === 'unix') wanted.add(peer.address.path);
    for (const pool of valueOr(facts['php-fpm-pools'], undefined)?.pools ?? []) if (pool.listen?.value.kind === 'unix') wanted.add(pool.listen.value.path);
    for (const group of valueOr(facts['nginx-error-log'], undefined)?.groups ?? [])
      if (group.class === 'temp-file' && group.errno === 13) for (const sample of group.samples.slice(-1)) wanted.add(pathIn(sample.message) ?? '');
    const absolute = [...wanted].filter(path => path.startsWith('/') && !path.includes('\0'));
    const paths = absolute.slice(0, MAX_PATHS);
    const problems = absolute.length > paths.length ? [`Only ${paths.length} of ${absolute.length} socket paths were looked at.`] : [];
    if (paths.length === 0) return known([]);

    const [passwd, group] = yield* ask({ kind: 'read', path: '/etc/passwd' }, { kind: 'read', path: '/etc/group' });
    const names: Names = { users: parseIdNames(textOf(passwd) ?? ''), groups: parseIdNames(textOf(group) ?? '') };
    const every = [...new Set(paths.flatMap(partsOf))];
    const stats = new Map<string, Known<StatResult>>();
    const answers = yield* askAll(every.map(path => ({ kind: 'stat', path }) as const));
    for (const [index, answer] of answers.entries()) stats.set(every[index] ?? '', answer);

    // A link (/var/run → /run) is passed through: the folders that it leads to count as well.
    const behind = [...stats.values()].flatMap(stat => (stat.state === 'known' && stat.value.realPath !== undefined ? partsOf(stat.value.realPath) : []));
    const more = [...new Set(behind)].filter(path => !stats.has(path)).slice(0, 1000);
    const moreAnswers = yield* askAll(more.map(path => ({ kind: 'stat', path }) as const));
    for (const [index, answer] of moreAnswers.entries()) stats.set(more[index] ?? '', answer);
    return known(
      paths.map(path => pathFile(path, stats, names)),
      problems,
    );
  },
});

interface Names {
  readonly users: IdNames;
  readonly groups: IdNames;
}

/** `/run/php/x.sock` → `/`, `/run`, `/run/php`, `/run/php/x.sock`. */
function partsOf(path: string): readonly string[] {
  const parts = ['/'];
  for (let at = path.indexOf('/', 1); at > 0; at = path.indexOf('/', at + 1)) if (at > 1 && path[at - 1] !== '/') parts.push(path.slice(0, at));
  if (path !== '/' && !path.endsWith('/')) parts.push(path);
  return parts;
}

function pathFile(path: string, stats: ReadonlyMap<string, Known<StatResult>>, names: Names): PathFile {
  const chain: PathPart[] = [];
  for (const part of partsOf(path)) {
    const stat = stats.get(part);
    if (stat === undefined || stat.state !== 'known') return { path, exists: false, why: stat?.why ?? `${part} was not looked at`, chain };
    chain.push(partOf(part, stat.value, names));
    if (stat.value.kind !== 'link') continue;
    const real = stat.value.realPath;
    if (real === undefined) return { path, exists: false, why: `${part} is a link to ${stat.value.target ?? 'nothing'}, which is not there`, chain };
    for (const inner of partsOf(real)) {
      const target = stats.get(inner);
      if (target?.state === 'known' && !chain.some(one => one.path === inner)) chain.push(partOf(inner, target.value, names));
    }
  }
  return { path, exists: true, chain };
}

function partOf(path: string, stat: StatResult, names: Names): PathPart {
  const owner = names.users.get(stat.uid);
  const group = names.groups.get(stat.gid);
  return {
    path,
    kind: stat.kind,
    mode: stat.mode,
    uid: stat.uid,
    gid: stat.gid,
    ...(owner === undefined ? {} : { owner }),
    ...(group === undefined ? {} : { group }),
  };
}
