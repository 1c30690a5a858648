import { readLog, type LogReading } from '../logs/read-log.ts';
import { together } from '../logs/together.ts';
import type { Asking } from '../logs/window.ts';
import { defineCollector, type CollectContext } from '../model/collector.ts';
import { absent, known } from '../model/fact.ts';
import type { AccessLogFormat, LogCoverage, NginxAccessLog } from '../model/facts/logs.ts';
import type { LogFormat, NginxLayout } from '../model/facts/topology.ts';
import { accessVariables, type LineFormat } from '../model/log-line.ts';
import type { JournalEntry } from '../parsers/journal.ts';
import { combinedFormat, compileLogFormat, toBytes } from '../parsers/nginx-log-format.ts';
import { AccessCounter, newAccessCoverage, type AccessCoverage } from './shared/access-lines.ts';
import { mergeLogs, withoutCopies, type CountedLog } from './shared/access-merge.ts';
import { deletedLogs } from './shared/deleted-logs.ts';
import { filesOfPattern } from './shared/log-patterns.ts';
import { builtInLogs, logTarget, nginxUnits, serversByLog } from './shared/log-targets.ts';
import { readNginxJournal } from './shared/nginx-journal.ts';

const mebibyte = 1 << 20;
const maxLogs = 64;
const maxFormats = 8;
const futureMs = 60_000;

interface WrittenLog {
  readonly path: string;
  /** The file to read, where the path holds variables. */
  readonly file?: string;
  /** The formats that the config gives it first, then every other: a log may hold lines from before a reload. */
  readonly formats: readonly LineFormat[];
  readonly declared: readonly AccessLogFormat[];
  /** How many of the variables that conclusions hang on it holds. */
  readonly richness: number;
}

export default defineCollector({
  id: 'nginx-access-log',
  title: 'nginx access logs in the time window',
  needs: ['nginx-layout', 'nginx-instances', 'host-identity'],
  *collect(facts, context) {
    const layout = facts['nginx-layout'];
    const instances = facts['nginx-instances'];
    const isThere = layout.state === 'known' || (instances.state === 'known' && instances.value.length > 0);
    if (!isThere) return absent('no nginx was found on this host, so it has no access log');
    const problems: string[] = [];
    if (layout.state !== 'known') problems.push(`the config could not be read (${layout.why}): the log paths are those that nginx was built with`);
    const logs = layout.state === 'known' ? writtenLogs(layout.value) : builtInLogs(instances, '--http-log-path=').map(path => unknownLog(path));
    const unread: { path: string; why: string }[] = [];
    const files: WrittenLog[] = [];
    const streams: WrittenLog[] = [];
    const tags: string[] = [];
    const names = new Map(layout.state === 'known' ? layout.value.servers.map(server => [server.id, server.names[0] ?? '']) : []);
    const taken = new Set([...logs.map(log => log.path), ...(layout.state === 'known' ? errorPaths(layout.value) : [])]);
    for (const log of logs) {
      const target = logTarget(log.path);
      if (target.kind === 'file' && target.path.includes('$')) {
        const serverNames = log.declared.flatMap(one => one.servers).map(id => names.get(id) ?? '');
        const found = yield* filesOfPattern(target.path, { serverNames, taken, sinceMs: context.sinceMs });
        if (found.why !== undefined) unread.push({ path: log.path, why: found.why });
        for (const file of found.paths) {
          taken.add(file);
          if (files.length < maxLogs) files.push({ ...log, file });
          else unread.push({ path: file, why: `only the first ${maxLogs} logs were read` });
        }
      } else if (target.kind === 'elsewhere') unread.push({ path: log.path, why: target.why });
      else if (target.kind === 'journal') {
        streams.push(log);
        tags.push(target.tag);
      } else if (files.length < maxLogs) files.push(log);
      else unread.push({ path: log.path, why: `only the first ${maxLogs} logs were read` });
    }

    const maxBytes = Math.max(8, Math.min(64, Math.floor(128 / Math.max(1, files.length)))) * mebibyte;
    const coverage: LogCoverage[] = [];
    const counted: CountedLog[] = [];
    const open = yield* deletedLogs(instances);
    for (const { log, reading, counter, coverage: own } of yield* together(files.map(file => readOne(file, open, maxBytes, context)))) {
      const file = log.file ?? log.path;
      if (reading.state === 'unread') unread.push({ path: file, why: reading.why });
      else if (reading.state === 'stream') streams.push(log);
      else {
        problems.push(...reading.problems, ...lineProblems(log, own));
        coverage.push(toCoverage(file, own, reading));
        counted.push({
          path: file,
          ...(log.file === undefined ? {} : { writtenAs: log.path }),
          servers: log.declared.flatMap(one => one.servers),
          richness: log.richness,
          counter,
          coverage: own,
        });
      }
    }
    if (streams.length > 0) {
      const units = nginxUnits(instances);
      const path = `journal:${units[0] ?? 'nginx.service'}`;
      const journal = yield* readNginxJournal(units, tags, context);
      if (journal.state === 'known') {
        const formats = streams.flatMap(log => log.formats).slice(0, maxFormats);
        const log = countEntries(path, formats, journal.value, context);
        coverage.push(toCoverage(path, log.coverage, { bytesRead: 0, wholeWindow: true, rotatedRead: [] }));
        counted.push(log);
      } else
        for (const log of streams)
          unread.push({ path: log.path, why: `it goes to the journal or the container's log, which could not be read: ${journal.why}` });
    }

    const { kept, copies } = withoutCopies(counted);
    for (const { path, of } of copies) problems.push(`${path} holds the same requests as ${of} and was not counted again`);
    problems.push(...unread.map(({ path, why }) => `${path} was not read: ${why}`));
    return known({ coverage, formats: logs.flatMap(log => log.declared), ...mergeLogs(kept), unread } satisfies NginxAccessLog, problems);
  },
});

/** Error records and what systemd says of nginx stand in the same journal: only lines that a format fits count. */
function countEntries(path: string, formats: readonly LineFormat[], entries: readonly JournalEntry[], context: CollectContext): CountedLog {
  const counter = new AccessCounter(context.sinceMs, context.nowMs);
  const coverage = newAccessCoverage();
  let timeMs = 0;
  const sink = counter.sink(path, path, formats, coverage, () => timeMs);
  for (const entry of entries) {
    timeMs = entry.timeMs;
    const bytes = toBytes(entry.text);
    if (!Number.isNaN(counter.timeOf(formats, bytes, 0, bytes.length))) sink.line(bytes, 0, bytes.length, 0, undefined);
  }
  return { path, servers: [], richness: 0, counter, coverage };
}

function* readOne(
  log: WrittenLog,
  open: ReadonlyMap<string, string>,
  maxBytes: number,
  context: CollectContext,
): Asking<{ readonly log: WrittenLog; readonly reading: LogReading; readonly counter: AccessCounter; readonly coverage: AccessCoverage }> {
  const counter = new AccessCounter(context.sinceMs, context.nowMs);
  const coverage = newAccessCoverage();
  const path = log.file ?? log.path;
  const openAs = open.get(path);
  const reading = yield* readLog({
    path,
    ...(openAs !== undefined && { openAs }),
    sinceMs: context.sinceMs,
    latestMs: context.nowMs + futureMs,
    maxBytes,
    timeOf: (bytes, start, end) => counter.timeOf(log.formats, bytes, start, end),
    sinkFor: file => counter.sink(log.path, file, log.formats, coverage),
  });
  return { log, reading, counter, coverage };
}

function writtenLogs(layout: NginxLayout): readonly WrittenLog[] {
  const servers = serversByLog(layout);
  const logs = new Map<string, { own: Map<string, LogFormat | undefined>; instanceId: string }>();
  for (const server of layout.servers) {
    for (const { path, format } of server.accessLogs) {
      const log = logs.get(path) ?? { own: new Map<string, LogFormat | undefined>(), instanceId: server.instanceId };
      log.own.set(
        format,
        layout.logFormats.find(one => one.name === format && one.instanceId === server.instanceId),
      );
      logs.set(path, log);
    }
  }
  return [...logs].map(([path, { own, instanceId }]) => {
    const others = layout.logFormats.filter(one => one.instanceId === instanceId && !own.has(one.name));
    const named = [...own.values(), ...others].filter(one => one !== undefined);
    const compiled = named.slice(0, maxFormats - 1).map(one => compileLogFormat(one.name, one.format, one.escape));
    const declared = [...own].map(([name, format]): AccessLogFormat => {
      const text = format?.format ?? (name === 'combined' ? combinedFormat : '');
      return {
        path,
        format: text,
        variables: [...new Set(compileLogFormat(name, text).variables)],
        origin: format?.origin.kind === 'file' ? { path: format.origin.path, line: format.origin.line } : { path: '', line: 0 },
        servers: servers.get(path) ?? [],
      };
    });
    const richness = Math.max(0, ...declared.map(one => accessVariables.filter(name => one.variables.includes(name)).length));
    return { path, formats: [...compiled, compileLogFormat('combined', combinedFormat)], declared, richness };
  });
}

function unknownLog(path: string): WrittenLog {
  const combined = compileLogFormat('combined', combinedFormat);
  return {
    path,
    formats: [combined],
    declared: [{ path, format: combinedFormat, variables: combined.variables, origin: { path: '', line: 0 }, servers: [] }],
    richness: 0,
  };
}

/** Every error log that the configuration names. */
function errorPaths(layout: NginxLayout): readonly string[] {
  const logs = [...layout.servers.flatMap(server => [...server.errorLogs, ...(server.locationErrorLogs ?? [])]), ...layout.mainErrorLogs];
  return logs.map(log => log.path);
}

function lineProblems({ path: written, file, declared }: WrittenLog, own: AccessCoverage): readonly string[] {
  const path = file ?? written;
  const problems: string[] = [];
  if (own.unparsed > 0 && own.unparsed * 20 > own.lines) {
    const hasTime = declared.some(one => one.variables.some(name => name === 'time_local' || name === 'time_iso8601' || name === 'msec'));
    problems.push(
      `${path}: ${own.unparsed} of ${own.lines} lines ${hasTime ? 'do not fit the log format of the config' : 'have no time: the log format names none'}`,
    );
  }
  if (own.future > 0) problems.push(`${path}: ${own.future} lines carry a time in the future and were left out; the clock was set back`);
  return problems;
}

function toCoverage(
  path: string,
  own: AccessCoverage,
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
