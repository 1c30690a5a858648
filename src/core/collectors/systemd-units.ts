import { ask, defineCollector } from '../model/collector.ts';
import type { CollectContext, Request } from '../model/collector.ts';
import { absent, known, timedOut, valueOr, unparsable } from '../model/fact.ts';
import type { Known } from '../model/fact.ts';
import type { JournalLine, SaidAddress, SystemdUnit } from '../model/facts/system.ts';
import type { ListedUnit } from '../model/facts/unit-names.ts';
import { formatAddress, type ExecResult } from '../model/host.ts';
import { redactArguments } from '../parsers/cmdline.ts';
import { JOURNAL_FIELDS, parseJournal } from '../parsers/journal.ts';
import { parseListeningLine } from '../parsers/listening-line.ts';
import { parseSystemStat } from '../parsers/proc-stat.ts';
import { execCommand, parseSystemctlShow, parseSystemdTime } from '../parsers/systemctl.ts';
import type { UnitProperties } from '../parsers/systemctl.ts';
import { wholeNumber } from '../parsers/text.ts';
import { isRefusal, textOf } from './shared/answers.ts';
import { definedOf } from './shared/defined.ts';
import { readUnitSockets } from './shared/unit-sockets.ts';
import { isSystemUnit, isTroubled, isWorthKnowing, journalRank } from './shared/unit-choice.ts';

const MAX_SHOWN = 250;
const MAX_JOURNALS = 20;
const FUTURE_MS = 60_000;
const MAX_LINES = 40;
/** All units' lines are asked for at once; a chatty unit must not use them all up. */
const MAX_JOURNAL_LINES = 1500;

const PROPERTIES =
  'Id Description LoadState ActiveState SubState Result NRestarts MainPID ExecMainStatus ExecMainCode ExecMainExitTimestamp ' +
  'ActiveEnterTimestamp ActiveEnterTimestampMonotonic InactiveEnterTimestamp InactiveEnterTimestampMonotonic FragmentPath DropInPaths ExecStart ' +
  'EnvironmentFiles UnitFileState PrivateTmp LimitNOFILE LimitNOFILESoft TasksMax MemoryMax MemoryLimit Type Restart User Group WorkingDirectory ' +
  'RuntimeDirectory NeedDaemonReload TriggeredBy';
/** What closes paths to the workers of nginx; asked of its units alone. */
const VIEW = ['Id', 'ProtectHome', 'InaccessiblePaths'];

export default defineCollector({
  id: 'systemd-units',
  title: 'systemd units of nginx and backends, and the units in trouble',
  needs: ['processes', 'unit-names'],
  *collect(facts, context) {
    const units = facts['unit-names'];
    if (units.state !== 'known') return units;
    const { loaded, files } = units.value;
    if (loaded.state !== 'known') return loaded;
    const running = new Set(
      valueOr(facts.processes, []).flatMap(one => (one.unit?.endsWith('.service') === true && !isSystemUnit(one.unit) ? [one.unit] : [])),
    );
    const problems: string[] = [];
    const names = namesToShow(loaded.value, files, running);
    if (names.length > MAX_SHOWN) problems.push(`Only ${MAX_SHOWN} of ${names.length} units were looked at.`);
    const shown = names.slice(0, MAX_SHOWN);
    if (shown.length === 0) return known([], problems);

    const ofNginx = [
      ...new Set(valueOr(facts.processes, []).flatMap(one => (one.comm === 'nginx' && one.unit?.endsWith('.service') === true ? [one.unit] : []))),
    ];
    const [show, stat, view] = yield* ask(
      showRequest(PROPERTIES.split(' '), shown),
      { kind: 'read', path: '/proc/stat', options: { limit: 4_194_304 } },
      ...(ofNginx.length === 0 ? [] : [showRequest(VIEW, ofNginx.slice(0, MAX_SHOWN))]),
    );
    if (show.state !== 'known') return show;
    if (show.value.stdout.trim() === '') return show.value.code === 0 ? absent('systemctl show printed nothing') : timedOut('systemctl show gave no answer');
    const bootMs = parseSystemStat(textOf(stat) ?? '').bootMs ?? 0;
    const byName = new Map<string, SystemdUnit>();
    const described = parseSystemctlShow(show.value.stdout);
    if (!described.some(properties => properties.has('Id'))) return unparsable('systemctl show printed nothing that names a unit');
    for (const properties of described) {
      const unit = unitOf(properties, bootMs, context);
      if (unit !== undefined && isWorthKnowing(unit, running)) byName.set(unit.name, unit);
    }
    for (const properties of view?.state === 'known' ? parseSystemctlShow(view.value.stdout) : []) {
      const unit = byName.get(properties.get('Id')?.[0] ?? '');
      if (unit !== undefined) byName.set(unit.name, { ...unit, ...viewOf(properties) });
    }
    const ranked = [...byName.values()].sort((a, b) => journalRank(a, running) - journalRank(b, running)).slice(0, MAX_JOURNALS);
    const journals = withoutFuture(yield* readJournals(ranked, problems), context, problems);
    const sockets = yield* readUnitSockets([...byName.values()]);
    return known(
      [...byName.values()].map(unit => ({
        ...withJournal(unit, journals.get(unit.name) ?? [], bootMs),
        ...definedOf({ sockets: sockets.get(unit.name) }),
      })),
      problems,
    );
  },
});

/** Troubled units first, then those that run, then what else may be a backend. */
function namesToShow(units: readonly ListedUnit[], files: readonly string[], running: ReadonlySet<string>): readonly string[] {
  const names = new Set(units.filter(unit => isTroubled(unit.active, unit.sub)).map(unit => unit.name));
  for (const name of running) names.add(name);
  for (const unit of units) if (unit.load === 'loaded' && !isSystemUnit(unit.name)) names.add(unit.name);
  for (const name of files) if (!isSystemUnit(name)) names.add(name);
  // `name@.service` is a template, which cannot be shown.
  return [...names].filter(name => name.endsWith('.service') && !name.includes('@.') && !name.startsWith('-'));
}

function showRequest(properties: readonly string[], units: readonly string[]): Extract<Request, { kind: 'exec' }> {
  return {
    kind: 'exec',
    argv: ['systemctl', 'show', '--no-pager', ...properties.flatMap(name => ['-p', name]), '--', ...units],
    options: { timeoutMs: 4000 },
  };
}

/** Paths are printed with a `-` for those that may be missing, and a `+` for those below a root of the unit's own. */
function viewOf(properties: UnitProperties): Pick<SystemdUnit, 'protectHome' | 'inaccessiblePaths'> {
  const closed = (properties.get('InaccessiblePaths')?.[0] ?? '').split(' ').map(path => path.replace(/^[-+]+/, ''));
  return { protectHome: properties.get('ProtectHome')?.[0] === 'yes', inaccessiblePaths: closed.filter(path => path.startsWith('/')) };
}

function unitOf(properties: UnitProperties, bootMs: number, context: CollectContext): SystemdUnit | undefined {
  const text = (name: string): string | undefined => {
    const value = properties.get(name)?.[0];
    return value === undefined || value === '' || value === '[not set]' ? undefined : value;
  };
  const count = (name: string): number | undefined => wholeNumber(text(name));
  const name = text('Id');
  if (name === undefined) return undefined;
  const time = (property: string): number | undefined => {
    const seconds = parseSystemdTime(text(property), context.clock.offsetMinutes);
    const monotonic = count(`${property}Monotonic`);
    if (seconds === undefined) return undefined;
    // The printed time has whole seconds; the monotonic one has microseconds but counts from a boot time that has whole seconds.
    const fine = monotonic === undefined ? seconds : bootMs + monotonic / 1000;
    return Math.floor(Math.min(Math.max(fine, seconds), seconds + 999));
  };
  const command = execCommand(text('ExecStart') ?? '');
  const optional = {
    activeEnterMs: time('ActiveEnterTimestamp'),
    inactiveEnterMs: time('InactiveEnterTimestamp'),
    execMainExitMs: time('ExecMainExitTimestamp'),
    fragmentPath: text('FragmentPath'),
    execStart: command === undefined ? undefined : redactArguments(command.slice(0, 4096).split(' ')).join(' '),
    environmentFiles: properties.get('EnvironmentFiles')?.map(file => file.replace(/ \(ignore_errors=(?:yes|no)\)$/, '')),
    unitFileState: text('UnitFileState'),
    privateTmp: text('PrivateTmp') === undefined ? undefined : text('PrivateTmp') === 'yes',
    limitNofile: count('LimitNOFILESoft') ?? count('LimitNOFILE'),
    tasksMax: count('TasksMax'),
    memoryMax: count('MemoryMax') ?? count('MemoryLimit'),
    type: text('Type'),
    restartPolicy: text('Restart'),
    user: text('User'),
    group: text('Group'),
    workingDirectory: text('WorkingDirectory'),
    runtimeDirectory: text('RuntimeDirectory'),
    needsReload: text('NeedDaemonReload') === undefined ? undefined : text('NeedDaemonReload') === 'yes',
    triggeredBy: text('TriggeredBy')?.split(' '),
  };
  return {
    name,
    description: text('Description') ?? name,
    loadState: text('LoadState') ?? 'unknown',
    activeState: text('ActiveState') ?? 'unknown',
    subState: text('SubState') ?? 'unknown',
    result: text('Result') ?? 'unknown',
    restarts: count('NRestarts') ?? 0,
    mainPid: count('MainPID') ?? 0,
    execMainStatus: count('ExecMainStatus') ?? 0,
    execMainCode: ['', 'exited', 'killed', 'dumped', 'trapped', 'stopped', 'continued'][count('ExecMainCode') ?? 0] ?? '',
    dropIns: text('DropInPaths')?.split(' ') ?? [],
    journal: [],
    ...definedOf(optional),
  };
}

/** Lines that were written while the clock was ahead say nothing of when they were. */
function withoutFuture(
  journals: ReadonlyMap<string, readonly JournalLine[]>,
  { nowMs }: CollectContext,
  problems: string[],
): ReadonlyMap<string, readonly JournalLine[]> {
  let left = 0;
  const kept = [...journals].map(([name, lines]) => {
    const own = lines.filter(line => line.timeMs <= nowMs + FUTURE_MS);
    left += lines.length - own.length;
    return [name, own] as const;
  });
  if (left > 0) problems.push(`${left} lines of the journal carry a time in the future and were left out; the clock was set back.`);
  return new Map(kept);
}

function withJournal(unit: SystemdUnit, journal: readonly JournalLine[], bootMs: number): SystemdUnit {
  const said = new Map<string, SaidAddress>();
  for (const line of journal) {
    const address = line.identifier === 'systemd' ? undefined : parseListeningLine(line.text);
    if (address !== undefined) said.set(formatAddress(address), { address, line });
  }
  // systemd forgets a stopped unit that nothing refers to, and with it the time; its journal still has it.
  const last = journal.findLast(line => line.identifier === 'systemd' && /^(?:Started|Stopped) /.test(line.text));
  const isStop = unit.activeState === 'inactive' && unit.inactiveEnterMs === undefined && last?.text.startsWith('Stopped ') === true;
  const stopped = isStop && last.timeMs >= bootMs ? { inactiveEnterMs: last.timeMs } : {};
  return { ...unit, ...stopped, journal, ...(said.size === 0 ? {} : { saidListens: [...said.values()] }) };
}

function* readJournals(
  units: readonly SystemdUnit[],
  problems: string[],
): Generator<readonly Request[], ReadonlyMap<string, readonly JournalLine[]>, readonly Known<unknown>[]> {
  const journals = new Map<string, JournalLine[]>();
  if (units.length === 0) return journals;
  const names = units.map(unit => unit.name);
  let [answer] = yield* ask(journalRequest(names, MAX_JOURNAL_LINES, true));
  if (answer.state === 'known' && answer.value.stderr.includes('unrecognized option')) [answer] = yield* ask(journalRequest(names, MAX_JOURNAL_LINES, false));
  const total = addLines(answer, new Set(names), journals, problems);
  const quiet = total < MAX_JOURNAL_LINES ? [] : units.filter(unit => (journals.get(unit.name)?.length ?? 0) < 5).slice(0, 8);
  if (quiet.length > 0) {
    // The talkative ones used up the lines: the others are asked for alone, more than half of the time limit being left.
    for (const unit of quiet) journals.delete(unit.name);
    const [again] = yield* ask(
      journalRequest(
        quiet.map(unit => unit.name),
        MAX_JOURNAL_LINES,
        true,
      ),
    );
    addLines(again, new Set(quiet.map(unit => unit.name)), journals, problems);
  }
  for (const lines of journals.values()) lines.splice(0, Math.max(0, lines.length - MAX_LINES));
  return journals;
}

function journalRequest(names: readonly string[], lines: number, withFields: boolean): Extract<Request, { kind: 'exec' }> {
  const fields = withFields ? [`--output-fields=${JOURNAL_FIELDS}`] : [];
  return {
    kind: 'exec',
    argv: ['journalctl', ...names.flatMap(name => ['-u', name]), '-o', 'json', ...fields, '-n', String(lines), '--no-pager'],
    options: { timeoutMs: 2000, maxBytes: 8_388_608 },
  };
}

function addLines(answer: Known<ExecResult>, names: ReadonlySet<string>, journals: Map<string, JournalLine[]>, problems: string[]): number {
  const how = 'run as root, or as a member of the group systemd-journal, to see the journal';
  if (answer.state !== 'known') {
    problems.push(`The journal could not be read: ${answer.why} (${how}).`);
    return 0;
  }
  const { stdout, stderr, code } = answer.value;
  if (isRefusal(stderr) || stderr.includes('not seeing messages')) problems.push(`The journal of other users and of the system is not readable (${how}).`);
  else if (code !== 0 && stdout === '') problems.push(`The journal could not be read: ${stderr.trim().slice(0, 200)}.`);
  const { entries } = parseJournal(stdout);
  for (const { unit, ...line } of entries) {
    if (unit === undefined || !names.has(unit)) continue;
    const lines = journals.get(unit) ?? [];
    lines.push(line);
    journals.set(unit, lines);
  }
  return entries.length;
}
