import type { SystemdUnit } from './facts/system.ts';
import type { Evidence } from './finding.ts';

/** What a program prints when it gives up: exceptions of the usual languages, and plain words for failure. */
const errorLine = /\b(?:[A-Z]\w*(?:Error|Exception)\b|(?:error|fatal|panic|failed|cannot|could not|refused|denied|no such)\b)/i;
const exceptionLine = /\b[A-Z]\w*(?:Error|Exception)(?:: |$)/;

/** The unit's own last words before it ended: lines that name an error where there are any, else its last lines. In time order. */
export function lastWords(unit: SystemdUnit, most = 2): Evidence[] {
  const own = unit.journal.filter(line => line.identifier !== 'systemd' && line.text.trim() !== '');
  const named = own.filter(line => exceptionLine.test(line.text.slice(0, 400)));
  const telling = named.length > 0 ? named : own.filter(line => errorLine.test(line.text.slice(0, 400)));
  return (telling.length > 0 ? telling : own).slice(-most).map(line => toEvidence(unit, line));
}

/** What systemd itself said last about the unit and matches. */
export function systemdWords(unit: SystemdUnit, matches: (text: string) => boolean, most = 1): Evidence[] {
  return unit.journal
    .filter(line => line.identifier === 'systemd' && matches(line.text))
    .slice(-most)
    .map(line => toEvidence(unit, line));
}

function toEvidence(unit: SystemdUnit, line: SystemdUnit['journal'][number]): Evidence {
  const pid = line.pid === undefined ? '' : `[${line.pid}]`;
  return { source: `journal:${unit.name}`, text: `${line.identifier}${pid}: ${line.text}` };
}

/** An error line that at least three processes of the unit wrote since then, with its last two copies: each died of the same. */
export function repeatedWords(unit: SystemdUnit, sinceMs: number): Evidence[] {
  const bySaying = new Map<string, SystemdUnit['journal'][number][]>();
  for (const line of unit.journal) {
    if (line.identifier === 'systemd' || line.timeMs < sinceMs || !errorLine.test(line.text.slice(0, 400))) continue;
    const saying = line.text.slice(0, 400).replaceAll(/\d+/g, '0');
    bySaying.set(saying, [...(bySaying.get(saying) ?? []), line]);
  }
  const repeated = [...bySaying.values()].findLast(lines => new Set(lines.map(line => line.pid)).size >= 3) ?? [];
  return repeated.slice(-2).map(line => toEvidence(unit, line));
}
