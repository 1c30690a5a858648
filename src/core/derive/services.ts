import { defineDerivation } from '../model/collector.ts';
import { known, valueOr } from '../model/fact.ts';
import type { BackendCommand, Service, ServiceKind, Sourced } from '../model/facts/backend.ts';
import type { ManagedProgram } from '../model/facts/managed-program.ts';
import type { Listener, ProcessInfo, SystemdUnit } from '../model/facts/system.ts';
import type { WireProtocol } from '../model/probe.ts';
import { byLastRun } from '../model/unit-behind.ts';
import { poolServices } from './php-fpm-services.ts';
import { groupProcesses } from './service-groups.ts';
import type { ProcessGroup } from './service-groups.ts';
import { isBoundTo, uniqueAddresses } from './service-listen.ts';
import { ownOfManager, programOf, programsByPid, stoppedProgramServices } from './service-programs.ts';
import { commandSettings } from './service-settings.ts';
import type { ServiceSettings } from './service-settings.ts';

export default defineDerivation({
  id: 'services',
  title: 'Backends that run here, or should',
  needs: ['processes', 'listeners', 'systemd-units', 'managed-programs', 'php-fpm-pools', 'backend-configs'],
  derive(facts, { nowMs }) {
    if (facts.processes.state !== 'known') return facts.processes;
    const listeners = valueOr(facts.listeners, []);
    const units = valueOr(facts['systemd-units'], []);
    const commands = valueOr(facts['backend-configs'], { commands: [], files: [], unread: [] }).commands;
    // What runs in a container has addresses and paths of its own.
    const contained = new Set(commands.flatMap(command => (command.inContainer === true && command.of.kind === 'process' ? [command.of.pid] : [])));
    const processes = facts.processes.value.filter(process => !contained.has(process.pid));
    const pools = valueOr(facts['php-fpm-pools'], { pools: [], unread: [], globals: {} });
    const programs = valueOr(facts['managed-programs'], []);
    const byPid = new Map(processes.map(process => [process.pid, process]));
    const managed = programsByPid(programs, processes, nowMs);
    const services: Service[] = [
      ...poolServices(pools, processes, listeners, units),
      ...groupProcesses(processes, commands, listeners, managed)
        .map(group => running(group, listeners, programOf([...group.workers.map(worker => worker.pid), group.master.pid], byPid, managed)))
        .filter(isBackend),
    ];
    services.push(...stoppedProgramServices(programs, services));
    services.push(...stopped(units, commands, services, new Set(processes.map(process => process.pid))));
    const problems: string[] = [];
    if (contained.size > 0) problems.push(`${contained.size} processes of backends run in containers and were left out (run badhop there to see them)`);
    if (facts.listeners.state !== 'known') problems.push(`Where the backends listen is not known: ${facts.listeners.why}`);
    else if (listeners.some(listener => listener.pids.length === 0))
      problems.push('The owners of some listening sockets are not known (run as root to see them).');
    if (facts['systemd-units'].state !== 'known') problems.push(`Backends that are stopped cannot be told from units: ${facts['systemd-units'].why}`);
    return known(withUniqueIds(services), problems);
  },
});

function running(group: ProcessGroup, listeners: readonly Listener[], program: ManagedProgram | undefined): Service {
  const { master, workers, command, kind } = group;
  const members = new Set([master.pid, ...workers.map(worker => worker.pid)]);
  const own = kind === 'node' && command !== undefined && workers[0]?.pid !== master.pid ? new Set(workers.map(worker => worker.pid)) : members;
  const configured = command?.listen ?? [];
  const held = listeners.filter(listener => listener.pids.some(pid => own.has(pid)));
  // PM2's cluster mode: the daemon holds the sockets for its apps.
  const ofMaster =
    held.length > 0
      ? held
      : ownOfManager(
          listeners.filter(listener => listener.pids.includes(master.pid)),
          program,
        );
  const hidden = listeners.filter(listener => listener.pids.length === 0 && configured.some(item => isBoundTo(listener, item.address.value)));
  const listening = uniqueAddresses([...ofMaster, ...hidden]);
  const unit = serviceUnit(master) ?? workers.map(serviceUnit).find(name => name !== undefined);
  const speaks = protocolOf(kind, configured);
  const backlog = [...ofMaster, ...hidden].find(listener => listener.backlog >= 0)?.backlog;
  const settings: ServiceSettings = command === undefined ? {} : commandSettings(command, isSingle(group) ? 0 : workers.length);
  const told = listening.length > 0 ? [] : (program?.addresses ?? []).filter(address => !configured.some(item => item.address.source === address.source));
  return {
    id: program?.id ?? idOf(kind, unit, master, command),
    kind,
    name: program?.label ?? nameOf(kind, unit, master, command),
    ...(unit === undefined ? {} : { unit }),
    ...(program === undefined ? {} : { program: program.id }),
    masterPid: master.pid,
    workerPids: workers.map(worker => worker.pid),
    listening,
    configuredListen: [...configured.map(item => item.address), ...told],
    ...(speaks === undefined ? {} : { speaks }),
    ...settings,
    ...backlogOf(settings.backlog, backlog),
    configFiles: command?.configFiles ?? [],
    logFiles: [...new Set([...(command === undefined ? [] : logFilesOf(command, master.cwd)), ...(program?.logFiles ?? [])])],
  };
}

/** Node and Java run build tools and editors too: a backend listens, or is kept running by a unit. systemd's own sockets serve no requests. */
function isBackend(service: Service): boolean {
  if (service.kind === 'other' && /^(?:systemd-|dbus)/.test(service.unit ?? '')) return false;
  // systemd itself, which holds the sockets of units that it starts on demand.
  if (service.kind === 'other' && service.masterPid === 1 && service.name.startsWith('systemd ')) return false;
  return (
    (service.kind !== 'node' && service.kind !== 'java') || service.listening.length > 0 || service.configuredListen.length > 0 || service.unit !== undefined
  );
}

/** What the socket has is truer than a documented default, which the kernel may have cut down. */
function backlogOf(configured: Sourced<number> | undefined, measured: number | undefined): Pick<Service, 'backlog'> {
  if (configured !== undefined && (measured === undefined || !configured.source.startsWith('default of '))) return { backlog: configured };
  return measured === undefined ? {} : { backlog: { value: measured, source: 'listening socket' } };
}

function isSingle(group: ProcessGroup): boolean {
  return group.workers.length === 1 && group.workers[0]?.pid === group.master.pid;
}

/** Units that do not run and whose command starts a backend, as far as no running service is theirs. */
function stopped(
  units: readonly SystemdUnit[],
  commands: readonly BackendCommand[],
  services: readonly Service[],
  alive: ReadonlySet<number>,
): readonly Service[] {
  const taken = new Set(services.map(service => service.unit));
  return [...units].sort(byLastRun).flatMap(unit => {
    if (taken.has(unit.name) || unit.loadState !== 'loaded' || isUp(unit, alive)) return [];
    const command = commands.find(one => one.of.kind === 'unit' && one.of.unit === unit.name);
    if (command === undefined || command.service === 'php-fpm') return [];
    // A unit that nobody enabled may still be what nginx waits for: its address tells.
    const sockets = (unit.sockets ?? []).flatMap(({ name, addresses }) => addresses.map(value => ({ value, source: `unit:${name}` })));
    // Apache lies switched off on many hosts with the ports of its package; another unit names an address because somebody wrote it.
    const isTelling = command.service !== 'apache' && command.listen.length + sockets.length > 0;
    if (!isTelling && !isMeantToRun(unit)) return [];
    // What systemd hands over takes the place of what the program would bind by default, and of what it was handed formerly.
    const isFormer = ({ source }: Sourced<unknown>): boolean => source.startsWith('default of ') || (holdsSocket(unit) && source.startsWith('journal:'));
    const own = command.listen.map(item => item.address).filter(item => sockets.length === 0 || !isFormer(item));
    const speaks = protocolOf(command.service, command.listen);
    return [
      {
        id: `unit:${unit.name}`,
        kind: command.service,
        name: `${command.service === 'other' ? (command.app ?? 'service') : command.service} (${unit.name})`,
        unit: unit.name,
        workerPids: [],
        listening: [],
        configuredListen: [...own, ...sockets],
        ...(speaks === undefined ? {} : { speaks }),
        ...commandSettings(command, 0),
        configFiles: command.configFiles,
        logFiles: logFilesOf(command, unit.workingDirectory),
      },
    ];
  });
}

function holdsSocket(unit: SystemdUnit): boolean {
  return unit.sockets?.some(({ activeState }) => activeState === 'active') === true;
}

/** A restarting unit whose main process is not among those read has started or ended between the two readings. */
function isUp(unit: SystemdUnit, alive: ReadonlySet<number>): boolean {
  const isRead = unit.restarts === 0 || alive.has(unit.mainPid);
  return unit.activeState === 'active' && (unit.subState === 'exited' || (unit.mainPid > 0 && isRead));
}

/** A stopped unit that nobody enabled and that never ran since the start of the host is not missing. */
function isMeantToRun(unit: SystemdUnit): boolean {
  return unit.activeState !== 'inactive' || unit.inactiveEnterMs !== undefined || unit.unitFileState !== 'disabled';
}

function idOf(kind: ServiceKind, unit: string | undefined, master: ProcessInfo, command: BackendCommand | undefined): string {
  // Apps of one PM2 daemon share its pid.
  if (kind === 'node' && command?.of.kind === 'process' && command.of.pid !== master.pid) return `pid:${command.of.pid}`;
  return unit === undefined ? `pid:${master.pid}` : `unit:${unit}`;
}

function nameOf(kind: ServiceKind, unit: string | undefined, master: ProcessInfo, command: BackendCommand | undefined): string {
  const what = kind === 'other' ? master.comm : kind;
  if (unit !== undefined) return `${what} (${unit})`;
  return command?.app === undefined || command.app === '' ? `${what} (pid ${master.pid})` : `${what} ${command.app.slice(0, 80)}`;
}

/** Units of login sessions and scopes say nothing about what keeps a process running. */
export function serviceUnit(process: ProcessInfo): string | undefined {
  const { unit } = process;
  return unit === undefined || !unit.endsWith('.service') || unit.startsWith('user@') ? undefined : unit;
}

function protocolOf(kind: ServiceKind, configured: readonly { readonly speaks?: WireProtocol }[]): WireProtocol | undefined {
  const told = configured.find(item => item.speaks !== undefined)?.speaks;
  if (told !== undefined) return told;
  if (kind === 'php-fpm') return 'fastcgi';
  // A Java or HAProxy process may speak anything; uWSGI's protocol is the kind of its socket option.
  return ['gunicorn', 'puma', 'unicorn', 'uvicorn', 'nginx', 'apache', 'tomcat', 'node'].includes(kind) ? 'http' : undefined;
}

function logFilesOf(command: BackendCommand, folder: string | undefined): readonly string[] {
  const hosts = Object.keys(command.values).filter(name => name.startsWith('error-logfile['));
  const named = ['error-logfile', 'logto', 'daemonize', ...hosts].flatMap(name => file(command.values[name], folder));
  const base = command.service === 'tomcat' ? command.values['catalina.base']?.value : undefined;
  return [...new Set([...named, ...(base === undefined ? [] : [`${base}/logs/catalina.out`])])];
}

function file(value: Sourced<string> | undefined, folder: string | undefined): readonly string[] {
  const path = value?.value ?? '';
  if (path === '' || path === '-' || path.includes('%(') || path.includes(':')) return [];
  if (path.startsWith('/')) return [path];
  return folder === undefined ? [] : [`${folder === '/' ? '' : folder}/${path}`];
}

function withUniqueIds(services: readonly Service[]): readonly Service[] {
  const seen = new Set<string>();
  return services.map(service => {
    const id = seen.has(service.id) ? `${service.id}#${service.masterPid ?? seen.size}` : service.id;
    seen.add(id);
    return id === service.id ? service : { ...service, id };
  });
}
