import type { Hop } from './facts/hop.ts';
import type { Symptom } from './facts/topology.ts';
import type { Detection, Evidence } from './finding.ts';
import { symptomEvidence } from './evidence.ts';
import { countOf, symptomsOf, unattributedOf } from './hop-symptoms.ts';
import { restartLoop, startsOf, type Window } from './restarts.ts';

/** A service that ended, stayed away and was started. */
export interface Absence {
  /** When it ended; the first failing request where nothing tells its end. */
  readonly fromMs: number;
  readonly toMs: number;
  /** `its main process ended with status=1/FAILURE`; absent where nothing tells its end. */
  readonly because?: string;
  /** What tells its end, and then its start. */
  readonly evidence: readonly Evidence[];
}

/** A service that was away for longer than this was down; one that came back sooner was restarted. */
export const longestRestartMs = 120_000;
/** nginx keeps a peer marked as failed for ten seconds. */
const afterMs = 15_000;
/** The logs of systemd and of nginx have whole seconds, and a process stops to listen before it ends. */
const beforeMs = 10_000;
const longestPauseMs = 45_000;
const lastWordsMs = 5000;
const slackMs = 100;
const leastShare = 0.9;

/** Requests that find nobody, and those that were under way as it ended. */
const whileAway: readonly Symptom['class'][] = [
  'connect-refused',
  'connect-no-file',
  'probe-failed',
  'no-live-upstreams',
  'premature-close',
  'reset',
  'connect-reset',
  'truncated',
];

interface Told {
  readonly timeMs: number;
  readonly text: string;
  readonly evidence: Evidence;
}

/** The last time within the window that what listens now was away for longer than a restart takes. `refused`: symptoms of nobody listening. */
export function absenceOf(hop: Hop, refused: readonly Symptom[], sinceMs: number): Absence | undefined {
  const firstMs = Math.min(...refused.filter(symptom => symptom.count > 0).map(symptom => symptom.firstMs));
  if (!Number.isFinite(firstMs)) return undefined;
  const lines = toldLines(hop);
  const starts = startsOf(hop, sinceMs);
  for (const start of starts.toReversed()) {
    const earlier = lines.findLast(line => saysStart(line.text) && line.timeMs < start.timeMs - beforeMs)?.timeMs ?? Number.NEGATIVE_INFINITY;
    const refusedMs = Math.max(refusedSince(refused, start.timeMs), earlier);
    const told = lines.filter(line => saysEnd(line.text) && line.timeMs >= earlier && line.timeMs < start.timeMs);
    // Where requests come one after the other, the first that was refused shows how long it was away; a quiet time before it proves nothing.
    const ends = isBySystemd(hop) || (told[0] !== undefined && refusedMs - told[0].timeMs <= longestPauseMs) ? told : [];
    const fromMs = ends[0]?.timeMs ?? refusedMs;
    if (start.timeMs - fromMs <= longestRestartMs || firstMs > start.timeMs) continue;
    const startLine = start.event ?? lines.find(line => saysStart(line.text) && Math.abs(line.timeMs - start.timeMs) < beforeMs)?.evidence;
    const because = becauseOf(ends);
    return {
      fromMs,
      toMs: start.timeMs,
      ...(because === undefined ? {} : { because }),
      evidence: [
        ...ends.slice(0, 3).map(line => line.evidence),
        ...lastWordsBefore(hop, fromMs),
        startLine === undefined
          ? { source: 'processes', text: `started at ${new Date(start.timeMs).toISOString()}` }
          : { source: startLine.source, text: startLine.text },
      ],
    };
  }
  return undefined;
}

/** What there is to say of a peer that answers again after it was away for longer than a restart takes, in two messages of a fault. */
export function wasAway(hop: Hop, symptoms: readonly Symptom[], window: Window): Detection<'back' | 'returned'> | undefined {
  // Refused while something listens: whatever it is, it did not end with the start.
  if (hop.probes.some(({ outcome }) => outcome.state === 'connect-failed' || outcome.state === 'connect-timeout')) return undefined;
  if (!hop.peer.local || (hop.unit !== undefined && restartLoop(hop.unit, hop.events, window, false) !== undefined)) return undefined;
  const refused = symptomsOf(hop, ['connect-refused', 'connect-no-file']);
  const absence = absenceOf(hop, refused, window.sinceMs);
  if (absence === undefined) return undefined;
  const own = [...symptomsOf(hop, whileAway), ...unattributedOf(hop, symptoms, [502])].filter(symptom => isWithin(symptom, absence));
  if (!own.some(symptom => refused.includes(symptom))) return undefined;
  const [first, ...rest] = [...absence.evidence, ...own.flatMap(symptom => symptomEvidence(symptom, 1)).slice(0, 2)];
  if (first === undefined) return undefined;
  const clock = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`;
  return {
    confidence: absence.because === undefined ? 'likely' : 'confirmed',
    // Requests that nginx still turns away by its marks are not refused by the service any more.
    status: own.some(symptom => symptom.ongoing && symptom.class !== 'no-live-upstreams') ? 'active' : 'past',
    subject: hop.serviceSubject,
    title: 'The service behind the upstream was not running for a while',
    messageId: absence.because === undefined ? 'returned' : 'back',
    data: {
      service: hop.unit?.name ?? hop.service?.name ?? 'What listens there now',
      address: hop.peer.id,
      from: clock(absence.fromMs),
      to: clock(absence.toMs),
      length: `${Math.round((absence.toMs - absence.fromMs) / 60_000)} min`,
      because: absence.because ?? '',
      count: countOf(own),
    },
    evidence: [first, ...rest],
    symptoms: own.map(symptom => symptom.id),
  };
}

/** Nearly all of its requests failed while the service was away, or just after, by the marks that nginx makes. */
function isWithin(symptom: Symptom, { fromMs, toMs }: Pick<Absence, 'fromMs' | 'toMs'>): boolean {
  if (symptom.count === 0 || symptom.lastMs < fromMs - beforeMs || symptom.firstMs > toMs + afterMs) return false;
  const { widthMs, starts, counts } = symptom.buckets ?? { widthMs: Math.max(1, symptom.lastMs - symptom.firstMs), starts: [symptom.firstMs], counts: [1] };
  let near = 0;
  let all = 0;
  for (const [index, start] of starts.entries()) {
    const count = counts[index] ?? 0;
    all += count;
    if (Math.min(start + widthMs, symptom.lastMs) >= fromMs - beforeMs && Math.max(start, symptom.firstMs) <= toMs + afterMs) near += count;
  }
  return all > 0 && near >= all * leastShare;
}

/** What it said itself in its last seconds. */
function lastWordsBefore({ unit }: Hop, fromMs: number): readonly Evidence[] {
  const own = (unit?.journal ?? []).filter(
    line => line.identifier !== 'systemd' && line.timeMs <= fromMs + slackMs && line.timeMs >= fromMs - lastWordsMs && line.text.trim() !== '',
  );
  return own.slice(-2).map(line => ({ source: `journal:${unit?.name ?? ''}`, text: `${line.identifier}: ${line.text}` }));
}

/** Since when requests were refused without a pause until the start: what ended it is not told, so a pause may be a time in which it ran. */
function refusedSince(refused: readonly Symptom[], startMs: number): number {
  const spans = refused
    .flatMap(({ buckets, firstMs, lastMs, count }) =>
      buckets === undefined
        ? [{ from: count > 1 && (lastMs - firstMs) / (count - 1) <= longestPauseMs ? firstMs : lastMs, to: lastMs }]
        : buckets.starts.map(start => ({ from: Math.max(start, firstMs), to: Math.min(start + buckets.widthMs, lastMs) })),
    )
    .filter(span => span.from <= startMs)
    .toSorted((a, b) => b.from - a.from);
  let fromMs = startMs;
  for (const span of spans) {
    if (fromMs - span.to > longestPauseMs) break;
    fromMs = Math.min(fromMs, span.from);
  }
  return fromMs;
}

/** What systemd tells of the service as a whole, in time order; the server's own lines, which may be a worker's, only where it tells nothing. */
function toldLines({ unit, events }: Hop): readonly Told[] {
  const bySystemd = (unit?.journal ?? []).filter(line => line.identifier === 'systemd' && (saysStart(line.text) || saysEnd(line.text)));
  if (bySystemd.length > 0)
    return bySystemd
      .map(({ timeMs, text }) => ({ timeMs, text, evidence: { source: `journal:${unit?.name ?? ''}`, text: `systemd: ${text}` } }))
      .toSorted((a, b) => a.timeMs - b.timeMs);
  return events
    .filter(event => event.kind === 'stopped' || event.kind === 'started')
    .map(({ timeMs, text, source, kind }) => ({ timeMs, text: `${kind === 'started' ? 'Started' : 'Stopped'} ${text}`, evidence: { source, text } }))
    .toSorted((a, b) => a.timeMs - b.timeMs);
}

function isBySystemd({ unit }: Hop): boolean {
  return unit?.journal.some(line => line.identifier === 'systemd' && saysEnd(line.text)) === true;
}

function saysStart(text: string): boolean {
  return text.startsWith('Started ');
}

function saysEnd(text: string): boolean {
  return text.startsWith('Stopped ') || text.includes(': Main process exited, code=') || text.includes(': Failed with result ');
}

/** Why it ended, by systemd's own words. */
function becauseOf(ends: readonly Told[]): string | undefined {
  const tries = ends.filter(line => line.text.includes(': Main process exited, code=')).length;
  const exit = ends.map(line => /: Main process exited, code=(\w{1,20}), status=([\w/-]{1,40})/.exec(line.text)).find(match => match !== null);
  const again = tries > 1 ? `, and so did ${tries - 1} more tries` : '';
  // systemd's own stop ends the process with TERM, or as the process itself answers it.
  const wasStopped = ends.some(line => line.text.startsWith('Stopped ')) && !ends.some(line => line.text.includes(': Failed with result '));
  if (wasStopped) return 'it was stopped';
  if (exit) return `its main process ${exit[1] === 'exited' ? 'ended with exit status' : 'was killed by signal'} ${exit[2]}${again}`;
  const result = ends.map(line => /: Failed with result '([\w-]{1,40})'/.exec(line.text)?.[1]).find(word => word !== undefined);
  return result === undefined ? undefined : `it failed with the result ${result}`;
}
