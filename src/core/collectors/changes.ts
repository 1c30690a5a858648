import { askAll, defineCollector } from '../model/collector.ts';
import type { CollectContext, Request } from '../model/collector.ts';
import { known, valueOr } from '../model/fact.ts';
import type { Known } from '../model/fact.ts';
import type { Change } from '../model/facts/changes.ts';
import type { StatResult } from '../model/host.ts';
import { textOf } from './shared/answers.ts';
import { backupRank } from './shared/backup-names.ts';
import { certificateChanges } from './shared/certificate-changes.ts';
import { clockChanges } from './shared/clock-changes.ts';
import { changePlaces } from './shared/change-places.ts';
import type { Place } from './shared/change-places.ts';
import { unifiedDiff } from './shared/file-diff.ts';
import { packageChanges } from './shared/package-changes.ts';
import { processStarts, programChanges, reloadChanges, unitChanges } from './shared/unit-changes.ts';

/** A change may need minutes to be felt: the window alone would miss what came just before it. */
const beforeWindowMs = 600_000;
const sameMomentMs = 2000;
const maxPlaces = 600;
const maxCompared = 6;
const maxDiffBytes = 65_536;
const maxBackups = 8;
const gotFiles = 'got or lost files';

export default defineCollector({
  id: 'changes',
  title: 'What changed lately: files, packages, units, deployments',
  needs: ['nginx-config', 'nginx-instances', 'php-fpm-pools', 'backend-configs', 'systemd-units', 'managed-programs', 'services', 'processes', 'probe-results'],
  *collect(facts, context) {
    const every = changePlaces(facts);
    const read = every.flatMap(place => (place.times === undefined ? [] : [{ place, times: place.times }]));
    const unread = every.filter(place => place.times === undefined);
    const places = unread.slice(0, maxPlaces);
    const problems = unread.length > places.length ? [`Only ${places.length} of ${unread.length} files and folders were looked at.`] : [];
    const packages = yield* packageChanges({ offsetMinutes: context.clock.offsetMinutes, nowMs: context.nowMs });
    const stats = yield* askAll(places.map(({ path }) => ({ kind: 'stat', path }) as const));
    const targets = yield* targetStats(stats);
    const changes: Change[] = [];
    const compared: Place[] = [];
    const take = (place: Place, found: readonly Change[]): void => {
      const recent = found.filter(change => isRecent(change, context));
      if (recent.length > 0 && place.as === 'text') compared.push(place);
      changes.push(...recent);
    };
    for (const { place, times } of read) take(place, timesOf({ kind: 'file', mode: 0, ...times }, place));
    for (const [index, place] of places.entries()) {
      const stat = stats[index];
      if (stat?.state === 'known') take(place, fileChanges(place, stat.value, targets.get(stat.value.realPath ?? '')));
    }
    const diffs = yield* backupDiffs(compared.slice(0, maxCompared), context.clock.offsetMinutes);
    const services = valueOr(facts.services, []);
    const units = unitChanges(valueOr(facts['systemd-units'], []), services);
    const clocks = clockChanges(valueOr(facts['systemd-units'], [])).filter(change => isRecent(change, context));
    if (clocks.length > 0) problems.push('The clock was set within the window: times from before that do not compare with those after it.');
    const own = [
      ...clocks,
      ...withoutParents(changes).map(change => withDiff(change, diffs.get(change.subject))),
      ...packages,
      ...certificateChanges(valueOr(facts['probe-results'], [])),
      ...units,
      ...programChanges(valueOr(facts['managed-programs'], []), services),
      ...processStarts(services, valueOr(facts.processes, [])),
      ...reloadChanges(valueOr(facts['nginx-instances'], []), units),
    ];
    return known(
      own.filter(change => isRecent(change, context)).sort((a, b) => a.timeMs - b.timeMs),
      problems,
    );
  },
});

function isRecent({ timeMs }: Change, context: CollectContext): boolean {
  return timeMs >= context.sinceMs - beforeWindowMs && timeMs <= context.nowMs + sameMomentMs;
}

/** Of each link, the file that it leads to. */
function* targetStats(stats: readonly Known<StatResult>[]): Generator<readonly Request[], ReadonlyMap<string, StatResult>, readonly Known<unknown>[]> {
  const paths = [...new Set(stats.flatMap(stat => (stat.state === 'known' && stat.value.realPath !== undefined ? [stat.value.realPath] : [])))];
  const answers = yield* askAll(paths.map(path => ({ kind: 'stat', path }) as const));
  return new Map(answers.flatMap((answer, index) => (answer.state === 'known' ? [[paths[index] ?? '', answer.value] as const] : [])));
}

function fileChanges(place: Place, stat: StatResult, target: StatResult | undefined): readonly Change[] {
  if (stat.kind !== 'link') return place.as === 'link' ? [] : timesOf(stat, place);
  const moved = changeOf(place, stat.modifiedMs, stat.target === undefined ? 'was made' : `was pointed at ${stat.target}`);
  return place.as === 'link' || target === undefined ? [moved] : [moved, ...timesOf(target, place)];
}

/** A folder's time is that of its own entries. A file that was put in place with an older time shows it in its change time alone. */
function timesOf({ kind, mode, modifiedMs, changedMs }: Pick<StatResult, 'kind' | 'mode' | 'modifiedMs' | 'changedMs'>, place: Place): readonly Change[] {
  const isShared = (mode & 0o1000) !== 0;
  if (place.as === 'folder') return kind === 'directory' && !isShared ? [changeOf(place, modifiedMs, gotFiles)] : [];
  if (kind !== 'file') return [];
  const edited = changeOf(place, modifiedMs, 'changed');
  return Math.abs(changedMs - modifiedMs) <= sameMomentMs ? [edited] : [edited, changeOf(place, changedMs, 'was put in place or got other rights')];
}

function changeOf({ path, kind, serviceIds }: Place, timeMs: number, verb: string): Change {
  return { kind, timeMs, subject: path, verb, source: `file:${path}`, ...(serviceIds === undefined ? {} : { serviceIds }) };
}

/** What tells each file from the newest backup beside it, or beside what it is a link to, by path. */
function* backupDiffs(places: readonly Place[], offsetMinutes: number): Generator<readonly Request[], ReadonlyMap<string, string>, readonly Known<unknown>[]> {
  const own = yield* askAll(places.map(({ path }) => ({ kind: 'stat', path }) as const));
  const sides = places.flatMap(({ path }, index) => {
    const stat = own[index];
    const real = stat?.state === 'known' && stat.value.kind === 'link' ? stat.value.realPath : undefined;
    return [path, ...(real === undefined || real === path ? [] : [real])].map(beside => ({ path, beside }));
  });
  const lists = yield* askAll(sides.map(({ beside }) => ({ kind: 'list', path: folderOf(beside) }) as const));
  const pairs = sides.flatMap(({ path, beside }, index) => {
    const base = beside.slice(beside.lastIndexOf('/') + 1);
    const names = valueOr(lists[index] ?? known<readonly string[]>([]), []);
    const ranked = names.flatMap(name => ({ path, backup: `${folderOf(beside)}/${name}`, rank: backupRank(base, name) })).filter(({ rank }) => rank > 0);
    return ranked.toSorted((a, b) => b.rank - a.rank).slice(0, maxBackups);
  });
  const stats = yield* askAll(pairs.map(({ backup }) => ({ kind: 'stat', path: backup }) as const));
  const newest = new Map<string, { readonly backup: string; readonly rank: number; readonly modifiedMs: number }>();
  for (const [index, { path, backup, rank }] of pairs.entries()) {
    const stat = stats[index];
    if (stat?.state !== 'known' || stat.value.kind !== 'file' || stat.value.size > maxDiffBytes) continue;
    const { modifiedMs } = stat.value;
    const best = newest.get(path);
    if (best === undefined || rank > best.rank || (rank === best.rank && modifiedMs > best.modifiedMs)) newest.set(path, { backup, rank, modifiedMs });
  }
  const wanted = [...newest].map(([path, { backup, modifiedMs }]) => ({ path, backup, modifiedMs }));
  const reads = yield* askAll(
    wanted.flatMap(({ path, backup }) => [path, backup].map(each => ({ kind: 'read', path: each, options: { limit: maxDiffBytes } }) as const)),
  );
  const diffs = new Map<string, string>();
  for (const [index, { path, backup, modifiedMs }] of wanted.entries()) {
    const [now, before] = [reads[2 * index], reads[2 * index + 1]];
    if (now?.state !== 'known' || before?.state !== 'known' || !now.value.atEnd || !before.value.atEnd) continue;
    const diff = unifiedDiff(textOf(before) ?? '', textOf(now) ?? '', {
      before: `${backup} of ${localTime(modifiedMs, offsetMinutes)}`,
      after: path,
    });
    if (diff !== '') diffs.set(path, diff);
  }
  return diffs;
}

function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/')) || '/';
}

function withDiff(change: Change, diff: string | undefined): Change {
  return diff === undefined ? change : { ...change, diff };
}

/** A folder that changed because of a file in it says nothing of its own. */
function withoutParents(changes: readonly Change[]): readonly Change[] {
  const parents = new Set(changes.map(change => folderOf(change.subject)));
  return changes.filter(change => change.verb !== gotFiles || !parents.has(change.subject));
}

/** `2026-11-21 09:58:03` by the host's clock. */
function localTime(ms: number, offsetMinutes: number): string {
  return new Date(ms + offsetMinutes * 60_000).toISOString().slice(0, 19).replace('T', ' ');
}
