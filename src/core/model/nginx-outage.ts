import { journalEvidence, listenerEvidence, processEvidence, unitEvidence } from './evidence.ts';
import type { ErrorGroup } from './facts/logs.ts';
import { formatLogSource } from './facts/logs.ts';
import type { NginxInstance } from './facts/nginx.ts';
import type { JournalLine, Listener, ProcessInfo, SystemdUnit } from './facts/system.ts';
import type { ServerBlock } from './facts/topology.ts';
import type { Evidence } from './finding.ts';

/** An nginx that does not run and should. */
export interface Outage {
  readonly instance: NginxInstance;
  readonly unit?: SystemdUnit;
  /** `failed`: its unit says so. `enabled`: it is set up to run. `ran`: it ran within the window. */
  readonly why: 'failed' | 'enabled' | 'ran';
}

/** An address that nginx wanted and could not have. */
export interface BindFailure {
  /** As nginx prints it: `0.0.0.0:80`, `[::]:443`, `unix:/run/x.sock`. */
  readonly address: string;
  readonly timeMs: number;
  readonly evidence: readonly Evidence[];
  /** Who listens there now; absent where nobody does. */
  readonly holder?: Listener;
  readonly holderProcess?: ProcessInfo;
}

export interface OutageView {
  readonly instances: readonly NginxInstance[];
  readonly units: readonly SystemdUnit[];
  /** When the last request was logged. */
  readonly lastRequestMs: number | undefined;
  readonly sinceMs: number;
}

/** Instances that do not run, of which something says that they should. One that was switched off for good is none. */
export function outagesOf({ instances, units, lastRequestMs, sinceMs }: OutageView): Outage[] {
  return instances.flatMap(instance => {
    if (instance.running) return [];
    const unit = units.find(one => one.name === instance.unit);
    // systemd says that it runs: then its processes are there and could not be read.
    if (unit?.activeState === 'active' || unit?.activeState === 'reloading') return [];
    const ranLately = (lastRequestMs ?? 0) >= sinceMs || (unit?.inactiveEnterMs ?? 0) >= sinceMs || (unit?.execMainExitMs ?? 0) >= sinceMs;
    const why =
      unit?.loadState === 'masked'
        ? undefined
        : unit?.activeState === 'failed'
          ? 'failed'
          : unit?.unitFileState === 'enabled'
            ? 'enabled'
            : ranLately
              ? 'ran'
              : undefined;
    return why === undefined ? [] : [{ instance, ...(unit === undefined ? {} : { unit }), why }];
  });
}

/** `bind() to … failed (98: Address already in use)` of the unit's last start, or in nginx's own log. */
export function bindFailures(
  lines: readonly JournalLine[],
  unitName: string,
  groups: readonly ErrorGroup[],
  listeners: readonly Listener[],
  processes: readonly ProcessInfo[],
): BindFailure[] {
  const start = lines.findLastIndex(line => line.identifier === 'systemd' && line.text.startsWith('Starting '));
  const told = lines.slice(Math.max(0, start)).map(line => ({ timeMs: line.timeMs, text: line.text, source: `journal:${unitName}` }));
  const logged = groups.flatMap(group => group.samples.map(sample => ({ timeMs: sample.timeMs, text: sample.text, source: formatLogSource(sample.source) })));
  const failures = new Map<string, BindFailure>();
  for (const { timeMs, text, source } of [...told, ...logged]) {
    const address = boundAddress(text);
    if (address === undefined) continue;
    const holder = listeners.find(listener => holds(listener, address));
    const process =
      processes.find(one => holder?.pids.includes(one.pid) === true && !holder.pids.includes(one.ppid)) ??
      processes.find(one => holder?.pids.includes(one.pid) === true);
    const before = failures.get(address);
    failures.set(address, {
      address,
      timeMs: Math.max(timeMs, before?.timeMs ?? 0),
      evidence: [{ source, text }],
      ...(holder === undefined ? {} : { holder }),
      ...(process === undefined ? {} : { holderProcess: process }),
    });
  }
  return [...failures.values()];
}

/** The proof that somebody has the address: the socket and its process. */
export function holderEvidence({ holder, holderProcess }: BindFailure): Evidence[] {
  return [...(holder === undefined ? [] : [listenerEvidence(holder)]), ...(holderProcess === undefined ? [] : [processEvidence(holderProcess)])];
}

/** The unit's state and its last words. */
export function outageEvidence({ unit, instance }: Outage): readonly [Evidence, ...Evidence[]] {
  if (unit === undefined) return [{ source: 'processes', text: `no process runs ${instance.binary} with ${instance.configPath}` }];
  return [unitEvidence(unit), ...journalEvidence(unit, 3)];
}

/** Listeners on the ports that the instance's configuration names. */
export function holdersOfPorts(instance: NginxInstance, servers: readonly ServerBlock[], listeners: readonly Listener[]): readonly Listener[] {
  const ports = new Set(
    servers
      .filter(server => server.instanceId === instance.id)
      .flatMap(server => server.listens.flatMap(({ address }) => (address.kind === 'tcp' ? [address.port] : []))),
  );
  return listeners.filter(listener => listener.kind === 'tcp' && ports.has(listener.port));
}

/** The address of a failed bind with errno 98 (`Address already in use`, in musl's words `Address in use`). */
function boundAddress(text: string): string | undefined {
  const from = text.indexOf('bind() to ');
  const to = text.indexOf(' failed (', from + 10);
  if (from === -1 || to === -1 || to - from > 300) return undefined;
  const reason = text.slice(to + 9, to + 60);
  const isTaken = reason.startsWith('98:') || reason.startsWith('48:') || reason.includes('ddress already in use') || reason.includes('ddress in use');
  return isTaken ? text.slice(from + 10, to) : undefined;
}

function holds(listener: Listener, address: string): boolean {
  if (address.startsWith('unix:')) return listener.kind === 'unix' && listener.path === address.slice(5);
  const colon = address.lastIndexOf(':');
  const port = Number(address.slice(colon + 1));
  const host = address.slice(0, colon).replace(/^\[|\]$/g, '');
  if (listener.kind !== 'tcp' || listener.port !== port) return false;
  if (listener.host === host || listener.host === '*') return true;
  // A socket for both families stands in the way of either.
  if (listener.host.includes(':') !== host.includes(':')) return listener.host === '::' && listener.v6only !== true;
  return isAny(listener.host) || isAny(host);
}

function isAny(host: string): boolean {
  return host === '0.0.0.0' || host === '::';
}
