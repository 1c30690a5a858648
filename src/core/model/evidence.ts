import type { Listener, ProcessInfo, SystemdUnit } from './facts/system.ts';
import { formatLogSource } from './facts/logs.ts';
import type { Setting } from './facts/nginx.ts';
import type { BackendEvent } from './facts/backend.ts';
import type { Symptom } from './facts/topology.ts';
import type { Evidence } from './finding.ts';
import { probeName, type ProbeAnswer, type ProbeResult, type WireProtocol } from './probe.ts';

/** Verbatim lines of the symptom: up to `most` of them, error records before requests. */
export function symptomEvidence(symptom: Symptom, most = 2): Evidence[] {
  const records = symptom.errorGroups.flatMap(group => group.samples.map(sample => ({ source: formatLogSource(sample.source), text: sample.text })));
  const requests = symptom.accessGroups.flatMap(group => group.samples.map(sample => ({ source: formatLogSource(sample.source), text: sample.text })));
  return [...records.slice(-most), ...requests].slice(0, most);
}

/** What a probe saw, in one line. */
export function probeEvidence(probe: ProbeResult): Evidence {
  return { source: `probe:${probeName(probe.request)}`, text: describeProbe(probe) };
}

/** `connect: ECONNREFUSED after 0 ms`, `HTTP 200, header of 212 bytes, after 14 ms`. */
export function describeProbe({ outcome, connectMs, ms }: ProbeResult): string {
  switch (outcome.state) {
    case 'connect-failed':
      return `connect: ${outcome.code} after ${Math.round(connectMs)} ms`;
    case 'connect-timeout':
      return `connect: no answer within ${Math.round(connectMs)} ms`;
    case 'connected':
      return `connected after ${Math.round(connectMs)} ms`;
    case 'no-answer':
      return `connected, asked, and got no byte within ${Math.round(ms)} ms`;
    case 'closed':
      return outcome.how === 'reset'
        ? `connected, asked, and the connection was reset after ${Math.round(ms)} ms`
        : `connected, asked, and the connection was closed without a byte after ${Math.round(ms)} ms`;
    case 'not-asked':
      return `not asked: ${outcome.why}`;
    case 'answered':
      return `${describeAnswer(outcome.speaks, outcome.answer)}, after ${Math.round(ms)} ms`;
  }
}

function describeAnswer(speaks: WireProtocol, answer: ProbeAnswer): string {
  if (answer.dns !== undefined) return `DNS ${answer.dns.rcode}: ${answer.dns.addresses.join(', ') || 'no address'}`;
  const parts = [speaks === 'other' ? 'bytes of no known protocol' : speaks.toUpperCase()];
  if (answer.tls !== undefined)
    parts.push(
      answer.tls.handshake === 'done' ? `${answer.tls.protocol ?? 'TLS'} handshake done` : `TLS handshake failed: ${answer.tls.error ?? 'no reason given'}`,
    );
  if (speaks === 'other' && answer.head !== undefined) parts.push(`beginning with ${JSON.stringify(answer.head.slice(0, 60))}`);
  if (answer.status !== undefined) parts.push(`status ${answer.status}`);
  if (answer.headerBytes !== undefined) parts.push(`header of ${answer.headerBytes} bytes`);
  if (answer.upgraded === true) parts.push('WebSocket taken');
  if (answer.cut !== undefined) parts.push(`cut by ${answer.cut}`);
  if (answer.idle !== undefined) parts.push(describeIdle(answer.idle));
  return parts.join(', ');
}

function describeIdle({ ended, ms }: NonNullable<ProbeAnswer['idle']>): string {
  if (ended === 'not-kept') return 'connection not kept';
  const seconds = (ms / 1000).toFixed(1);
  return ended === 'open' ? `idle connection still open after ${seconds} s` : `idle connection ${ended} after ${seconds} s`;
}

/** The unit's state as `systemctl show` gives it. */
export function unitEvidence(unit: SystemdUnit): Evidence {
  return {
    source: `exec:systemctl show ${unit.name}`,
    text: `ActiveState=${unit.activeState} SubState=${unit.subState} Result=${unit.result} NRestarts=${unit.restarts} ExecMainStatus=${unit.execMainStatus}`,
  };
}

/** The last lines of the unit's journal. */
export function journalEvidence(unit: SystemdUnit, most = 3): Evidence[] {
  return unit.journal
    .slice(-most)
    .map(line => ({ source: `journal:${unit.name}`, text: `${line.identifier}${line.pid === undefined ? '' : `[${line.pid}]`}: ${line.text}` }));
}

export function eventEvidence(event: BackendEvent): Evidence {
  return { source: event.source, text: event.text };
}

/** A directive in force, as it would stand in the file. */
export function settingEvidence(setting: Setting): Evidence {
  const text = `${[setting.directive, ...setting.args].join(' ')};`;
  return setting.origin.kind === 'file'
    ? { source: `config:${setting.origin.path}:${setting.origin.line}`, text }
    : { source: `default of nginx ${setting.origin.version}`, text };
}

/** A line of a configuration file. */
export function configEvidence(origin: { readonly path: string; readonly line: number }, text: string): Evidence {
  return { source: `config:${origin.path}:${origin.line}`, text };
}

/** A listening socket with its accept queue. */
export function listenerEvidence(listener: Listener): Evidence {
  const where =
    listener.kind === 'unix' ? `unix:${listener.path ?? ''}` : `${listener.host.includes(':') ? `[${listener.host}]` : listener.host}:${listener.port}`;
  const queue = listener.queue < 0 ? '' : ` accept queue ${listener.queue}${listener.backlog < 0 ? '' : ` of ${listener.backlog}`}`;
  return { source: 'listeners', text: `LISTEN ${where}${queue} pids ${listener.pids.join(',') || '?'}` };
}

export function processEvidence(process: ProcessInfo): Evidence {
  return {
    source: `proc:${process.pid}`,
    text: `pid ${process.pid} (${process.comm}) state ${process.state}${process.wchan === undefined ? '' : ` in ${process.wchan}`}: ${process.argv.join(' ').slice(0, 200)}`,
  };
}

/** The same without what is said twice; the first piece stays first. */
export function withoutRepeats([first, ...rest]: [Evidence, ...Evidence[]]): [Evidence, ...Evidence[]] {
  const isNew = (one: Evidence, index: number): boolean => rest.findIndex(other => other.source === one.source && other.text === one.text) === index;
  return [first, ...rest.filter(isNew)];
}
