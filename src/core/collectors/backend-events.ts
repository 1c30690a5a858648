import { ask, askAll, defineCollector } from '../model/collector.ts';
import type { CollectContext } from '../model/collector.ts';
import { known, valueOr } from '../model/fact.ts';
import type { Known } from '../model/fact.ts';
import type { BackendEvent, Service } from '../model/facts/backend.ts';
import type { SystemdUnit } from '../model/facts/system.ts';
import { formatAddress } from '../model/host.ts';
import type { StatResult } from '../model/host.ts';
import { programEvents } from '../model/program-state.ts';
import { scanBackendLog } from '../parsers/backend-log.ts';
import type { RawLine, ScannedEvent } from '../parsers/backend-log.ts';
import { JOURNAL_FIELDS, parseJournal } from '../parsers/journal.ts';
import { outputOf } from './shared/answers.ts';
import { linesOfTail } from './shared/program-logs.ts';

const tailBytes = 262_144;
const maxFiles = 60;
const maxUnits = 40;
const maxEvents = 200;
const futureMs = 60_000;

export default defineCollector({
  id: 'backend-events',
  title: "Telling lines of the backends' own logs",
  needs: ['services', 'systemd-units', 'managed-programs', 'php-fpm-pools', 'host-identity'],
  *collect(facts, context) {
    if (facts.services.state !== 'known') return facts.services;
    const services = facts.services.value;
    const problems: string[] = [];
    const paths = [...new Set(services.flatMap(service => service.logFiles))].slice(0, maxFiles);
    const units = [...new Set(services.flatMap(service => service.unit ?? []))].slice(0, maxUnits);
    const [journal] = yield* ask(journalRequest(units, context));
    const stats = yield* askAll(paths.map(path => ({ kind: 'stat', path }) as const));
    const tails = yield* askAll(paths.map(path => ({ kind: 'read', path, options: { offset: -tailBytes, limit: tailBytes } }) as const));

    const events: BackendEvent[] = [];
    for (const [index, path] of paths.entries()) {
      const tail = tails[index];
      if (tail === undefined) continue;
      if (tail.state !== 'known') {
        if (tail.state !== 'absent') problems.push(`${path}: ${tail.why} (${tail.how ?? 'run as root to read it'})`);
        continue;
      }
      const sharers = services.filter(service => service.logFiles.includes(path));
      const found = scanBackendLog(linesOfTail(tail.value, path), scanOptions(sharers[0], stats[index], context));
      for (const event of found) events.push(...assign(event, sharers));
    }

    const programs = valueOr(facts['managed-programs'], []);
    for (const { id, program } of services) events.push(...programs.filter(one => one.id === program).flatMap(one => programEvents(one, id)));
    const printed = units.length === 0 ? known('') : outputOf(journal, 'journalctl', 'run as root, or as a member of systemd-journal, to read the journal');
    if (printed.state !== 'known') problems.push(`The journal: ${printed.why}${printed.how === undefined ? '' : ` (${printed.how})`}`);
    const byUnit = journalLines(valueOr(printed, ''), valueOr(facts['systemd-units'], []), units);
    for (const [unit, lines] of byUnit) {
      const sharers = services.filter(service => service.unit === unit);
      for (const event of scanBackendLog(lines, scanOptions(sharers[0], undefined, context))) events.push(...assign(event, sharers));
    }
    return known(
      services.flatMap(service =>
        select(
          events.filter(event => event.serviceId === service.id),
          context,
        ),
      ),
      problems,
    );
  },
});

function journalRequest(units: readonly string[], context: CollectContext) {
  const since = `@${Math.floor(context.sinceMs / 1000)}`;
  const names = units.length === 0 ? ['-u', 'badhop-none.service'] : units.flatMap(unit => ['-u', unit]);
  return {
    kind: 'exec',
    argv: ['journalctl', ...names, '-o', 'json', `--output-fields=${JOURNAL_FIELDS}`, '--since', since, '-n', '4000', '--no-pager'],
    options: { timeoutMs: 4000, maxBytes: 8_388_608 },
  } as const;
}

function scanOptions(service: Service | undefined, stat: Known<StatResult> | undefined, context: CollectContext) {
  return {
    service: service?.kind ?? ('other' as const),
    offsetMinutes: context.clock.offsetMinutes,
    nowMs: context.nowMs,
    fallbackMs: stat?.state === 'known' ? stat.value.modifiedMs : context.nowMs,
  };
}

/** The journal since the start of the window, after the unit's last lines from before it. */
function journalLines(text: string, facts: readonly SystemdUnit[], units: readonly string[]): ReadonlyMap<string, RawLine[]> {
  const lines = new Map<string, RawLine[]>();
  const { entries } = parseJournal(text);
  for (const unit of units) {
    const own = entries.filter(entry => entry.unit === unit);
    const first = own[0]?.timeMs ?? Number.POSITIVE_INFINITY;
    const earlier = (facts.find(fact => fact.name === unit)?.journal ?? []).filter(line => line.timeMs < first);
    lines.set(
      unit,
      [...earlier, ...own].flatMap(line =>
        line.text.split('\n').map(part => ({ text: part, source: `journal:${unit}`, timeMs: line.timeMs, identifier: line.identifier })),
      ),
    );
  }
  return lines;
}

/** An event is its pool's; one that names an address is of the service that binds it; else of all that write this log. */
function assign(event: ScannedEvent, sharers: readonly Service[]): readonly BackendEvent[] {
  const { pool, ...rest } = event;
  if (pool !== undefined) {
    const own = sharers.filter(service => service.id === `php-fpm:${pool}` || service.id.startsWith(`php-fpm:${pool}#`));
    return own.map(service => ({ ...rest, serviceId: service.id }));
  }
  const named = sharers.filter(service => rest.address !== undefined && service.configuredListen.some(item => formatAddress(item.value) === rest.address));
  return (named.length > 0 ? named : sharers).map(service => ({ ...rest, serviceId: service.id }));
}

/** Those in the window, the last start and stop before it; what file and journal both hold stands once. */
function select(events: readonly BackendEvent[], context: CollectContext): readonly BackendEvent[] {
  // What was written while the clock was ahead is not known to be of now.
  const ordered = events.filter(event => event.timeMs <= context.nowMs + futureMs).toSorted((a, b) => a.timeMs - b.timeMs);
  const inside = ordered.filter(event => event.timeMs >= context.sinceMs);
  const before = ordered.filter(event => event.timeMs < context.sinceMs);
  const lasts = (['started', 'stopped'] as const).flatMap(kind => before.findLast(event => event.kind === kind) ?? []);
  const seen = new Set<string>();
  const once = inside.filter(event => {
    const key = `${event.kind} ${event.pid ?? ''} ${event.signal ?? ''} ${event.uri ?? ''} ${event.address ?? ''} ${Math.floor(event.timeMs / 1000)}`;
    const from = event.source.startsWith('journal:') ? 'journal' : 'file';
    const other = from === 'journal' ? 'file' : 'journal';
    if (seen.has(`${other} ${key}`)) return false;
    seen.add(`${from} ${key}`);
    return true;
  });
  return [...lasts.toSorted((a, b) => a.timeMs - b.timeMs), ...once.slice(-maxEvents)];
}
