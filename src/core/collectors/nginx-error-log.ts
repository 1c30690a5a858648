import { ErrorFold } from '../logs/fold-errors.ts';
import { readLog, type LogReading } from '../logs/read-log.ts';
import { together } from '../logs/together.ts';
import type { Asking } from '../logs/window.ts';
import { defineCollector, type CollectContext } from '../model/collector.ts';
import { absent, known } from '../model/fact.ts';
import type { ErrorRecord, LogCoverage, NginxErrorLog } from '../model/facts/logs.ts';
import { parseErrorRecord } from '../parsers/nginx-error-log.ts';
import { wallClock } from '../parsers/nginx-error-log-zone.ts';
import type { JournalEntry } from '../parsers/journal.ts';
import { deletedLogs } from './shared/deleted-logs.ts';
import { newErrorCoverage, RecordAssembler, recordTime, type ErrorCoverage } from './shared/error-records.ts';
import { clockOfLogs } from './shared/log-zone.ts';
import { builtInLogs, logTarget, nginxUnits } from './shared/log-targets.ts';
import { readNginxJournal } from './shared/nginx-journal.ts';

const maxBytes = 16 << 20;
const maxLogs = 64;
const maxRemembered = 50_000;
const futureMs = 60_000;

interface OneLog {
  readonly path: string;
  readonly reading: LogReading;
  readonly coverage: ErrorCoverage;
}

export default defineCollector({
  id: 'nginx-error-log',
  title: 'nginx error logs in the time window',
  needs: ['nginx-layout', 'nginx-instances', 'host-identity'],
  *collect(facts, context) {
    const layout = facts['nginx-layout'];
    const instances = facts['nginx-instances'];
    const isThere = layout.state === 'known' || (instances.state === 'known' && instances.value.length > 0);
    if (!isThere) return absent('no nginx was found on this host, so it has no error log');
    const problems: string[] = [];
    if (layout.state !== 'known') problems.push(`the config could not be read (${layout.why}): the log paths are those that nginx was built with`);
    const named =
      layout.state === 'known'
        ? [...layout.value.servers.flatMap(server => [...server.errorLogs, ...(server.locationErrorLogs ?? [])]), ...layout.value.mainErrorLogs].map(
            log => log.path,
          )
        : [];
    const paths = [...new Set(layout.state === 'known' ? named : builtInLogs(instances, '--error-log-path='))];
    const targets = paths.map(path => logTarget(path));

    const fold = new ErrorFold();
    const isRepeated =
      layout.state === 'known' &&
      [...layout.value.servers.flatMap(server => [server.errorLogs, server.locationErrorLogs ?? []]), layout.value.mainErrorLogs].some(logs => logs.length > 1);
    const add = isRepeated ? onceAcrossLogs(record => fold.add(record)) : (_path: string, record: ErrorRecord): void => fold.add(record);
    const unread: { path: string; why: string }[] = targets.filter(target => target.kind === 'elsewhere').map(({ path, why }) => ({ path, why }));
    const files = targets.filter(target => target.kind === 'file').map(target => target.path);
    for (const path of files.slice(maxLogs)) unread.push({ path, why: `only the first ${maxLogs} logs were read` });
    const accessPaths = layout.state === 'known' ? [...new Set(layout.value.servers.flatMap(server => server.accessLogs.map(log => log.path)))] : [];
    const clock = files.length === 0 ? context.clock : yield* clockOfLogs(accessPaths, context.clock);
    if (clock !== context.clock)
      problems.push(`nginx writes its logs in the zone ${clock.zone}, this host has ${context.clock.zone}: the error logs were read so.`);
    const open = yield* deletedLogs(instances);
    const read = yield* together(files.slice(0, maxLogs).map(path => readOne(path, open.get(path), { ...context, clock }, record => add(path, record))));

    const coverage: LogCoverage[] = [];
    const streams: string[] = targets.filter(target => target.kind === 'journal').map(target => target.path);
    for (const { path, reading, coverage: own } of read) {
      if (reading.state === 'unread') unread.push({ path, why: reading.why });
      else if (reading.state === 'stream') streams.push(path);
      else {
        problems.push(...reading.problems);
        coverage.push(toCoverage(path, own, reading));
      }
      if (own.future > 0) problems.push(futureProblem(path, own.future));
      if (own.unparsed > own.lines) problems.push(`${path}: ${own.unparsed} of ${own.unparsed + own.lines} lines are no records of an error log`);
    }
    if (streams.length > 0) {
      const units = nginxUnits(instances);
      const tags = targets.filter(target => target.kind === 'journal').map(target => target.tag);
      const journal = yield* readNginxJournal(units, tags, context);
      if (journal.state === 'known') {
        const own = newErrorCoverage();
        const timeOf = wallClock(context.clock);
        for (const entry of journal.value) takeEntry(entry, timeOf, units[0] ?? 'nginx.service', context, own, record => fold.add(record));
        const path = `journal:${units[0] ?? 'nginx.service'}`;
        coverage.push(toCoverage(path, own, { bytesRead: 0, wholeWindow: true, rotatedRead: [] }));
      } else for (const path of streams) unread.push({ path, why: `it goes to the journal or the container's log, which could not be read: ${journal.why}` });
    }
    problems.push(...unread.map(({ path, why }) => `${path} was not read: ${why}`));
    return known({ coverage, groups: fold.groups(), unread } satisfies NginxErrorLog, problems);
  },
});

/** A record that nginx wrote to several logs counts once. Its text names time, process and connection. */
function onceAcrossLogs(onRecord: (record: ErrorRecord) => void): (path: string, record: ErrorRecord) => void {
  const seen = new Map<string, string>();
  return (path, record) => {
    const first = seen.get(record.text);
    if (first !== undefined && first !== path) return;
    if (first === undefined && seen.size < maxRemembered) seen.set(record.text, path);
    onRecord(record);
  };
}

function* readOne(path: string, openAs: string | undefined, context: CollectContext, onRecord: (record: ErrorRecord) => void): Asking<OneLog> {
  const timeOf = wallClock(context.clock);
  const coverage = newErrorCoverage();
  const assemblers: RecordAssembler[] = [];
  const reading = yield* readLog({
    path,
    ...(openAs !== undefined && { openAs }),
    sinceMs: context.sinceMs,
    latestMs: context.nowMs + futureMs,
    maxBytes,
    timeOf: (bytes, start, end) => recordTime(bytes, start, end, timeOf),
    sinkFor: file => {
      // Records do not go on from one file to the next.
      assemblers.at(-1)?.flush();
      const assembler = new RecordAssembler(file, { sinceMs: context.sinceMs, nowMs: context.nowMs, timeOf, onRecord }, coverage);
      assemblers.push(assembler);
      return assembler;
    },
  });
  assemblers.at(-1)?.flush();
  return { path, reading, coverage };
}

/** The journal also holds access lines and what systemd says of nginx: only error records count. */
function takeEntry(
  entry: JournalEntry,
  timeOf: (wall: string) => number,
  unit: string,
  context: CollectContext,
  coverage: ErrorCoverage,
  onRecord: (record: ErrorRecord) => void,
): void {
  const record = parseErrorRecord(entry.text, { timeOf, source: { path: `journal:${unit}`, offset: 0 }, timeMs: entry.timeMs });
  if (record === undefined || entry.timeMs < context.sinceMs) return;
  coverage.lines += 1;
  coverage.firstMs = Math.min(coverage.firstMs, entry.timeMs);
  coverage.lastMs = Math.max(coverage.lastMs, entry.timeMs);
  // The journal's own time knows its zone.
  onRecord({ ...record, timeMs: entry.timeMs });
}

function toCoverage(
  path: string,
  own: ErrorCoverage,
  reading: { readonly bytesRead: number; readonly wholeWindow: boolean; readonly rotatedRead: readonly string[] },
): LogCoverage {
  return {
    path,
    bytesRead: reading.bytesRead,
    lines: own.lines,
    unparsedLines: own.unparsed,
    unparsedSamples: own.samples,
    ...(Number.isFinite(own.firstMs) ? { firstMs: own.firstMs, lastMs: own.lastMs } : {}),
    wholeWindow: reading.wholeWindow,
    rotatedRead: reading.rotatedRead,
  };
}

function futureProblem(path: string, count: number): string {
  return `${path}: ${count} records carry a time in the future and were left out; the clock was set back, or nginx runs in another time zone`;
}
