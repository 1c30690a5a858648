import { defineDerivation } from '../model/collector.ts';
import { known, valueOr, type Known } from '../model/fact.ts';
import type { Service } from '../model/facts/backend.ts';
import type { Hop } from '../model/facts/hop.ts';
import type { NginxInstance } from '../model/facts/nginx.ts';
import type { NginxAccessLog } from '../model/facts/logs.ts';
import type { FoundBackend, LostPeer, StoppedProgram, StoppedUnit } from '../model/facts/lost-peer.ts';
import type { ManagedProgram } from '../model/facts/managed-program.ts';
import type { ProcessInfo, SystemdUnit } from '../model/facts/system.ts';
import type { ServerBlock } from '../model/facts/topology.ts';
import type { Evidence } from '../model/finding.ts';
import { formatAddress, runPath, takesConnectionsTo, type Address } from '../model/host.ts';
import { askedThere } from '../model/asked-there.ts';
import { heldBySystemd } from '../model/held-sockets.ts';
import { listensElsewhere } from '../model/namespaces.ts';
import { loadedMs } from '../model/nginx-commands.ts';
import { programEndMs } from '../model/program-state.ts';
import { loopBeganMs } from '../model/restarts.ts';
import type { ProbeResult } from '../model/probe.ts';
import { byLastRun, fairWeight } from '../model/unit-behind.ts';
import { hasHelperName, likenessOf, sharedWord, tellingWords } from './address-likeness.ts';

const sureWeight = 4;
const wantedMargin = 2;
/** From here on two addresses differ as by a slip of the pen; below it, as neighbours do. */
const slipWeight = 3;
/** So much that of two with the name of the site the other one wins. */
const helperWeight = 2;
/** How far the end of a unit and the first failure may lie apart to be one event. */
const togetherMs = 20_000;
/** A reload so soon after a file was written takes up this very text. */
const soonMs = 10_000;
const oldWorkersMs = 2000;
/** When a process started is known by the second of the boot. */
const startGrainMs = 1000;
/** nginx has its first workers sooner after its own start. */
const firstWorkersMs = 60;
/** Processes count their starts in ticks of 10 ms, of a clock that is read beside. */
const tickMs = 20;
/** Access logs tell the second in which a request ended. */
const logSecondMs = 1000;

const serverKinds: ReadonlySet<string> = new Set(['php-fpm', 'gunicorn', 'uwsgi', 'tomcat', 'java', 'node', 'puma', 'unicorn', 'uvicorn', 'apache']);

interface Surroundings {
  readonly hops: readonly Hop[];
  readonly services: readonly Service[];
  readonly units: readonly SystemdUnit[];
  readonly programs: readonly ManagedProgram[];
  readonly processes: ReadonlyMap<number, ProcessInfo>;
  readonly probes: readonly ProbeResult[];
  readonly servers: ReadonlyMap<string, ServerBlock>;
  readonly access?: NginxAccessLog;
  /** By file of the configuration. */
  readonly inForce: ReadonlyMap<string, InForce>;
}

/** Since when nginx has worked by a file as it stands there now, as far as can be told. */
interface InForce {
  readonly writtenMs: number;
  readonly fromMs: number;
  /** nginx was running when it was written, and was reloaded. */
  readonly byReload: boolean;
  /** nginx started after it was written. */
  readonly startedMs?: number;
}

export default defineDerivation({
  id: 'lost-peers',
  title: 'peers at whose address nobody listens, and where their backends are',
  needs: [
    'hops',
    'services',
    'systemd-units',
    'managed-programs',
    'processes',
    'probe-results',
    'topology',
    'nginx-access-log',
    'nginx-config',
    'nginx-instances',
    'network-namespaces',
    'listeners',
  ],
  derive(facts): Known<readonly LostPeer[]> {
    if (facts.hops.state !== 'known') return facts.hops;
    const around: Surroundings = {
      hops: facts.hops.value,
      services: valueOr(facts.services, []),
      units: valueOr(facts['systemd-units'], []),
      programs: valueOr(facts['managed-programs'], []),
      processes: new Map(valueOr(facts.processes, []).map(process => [process.pid, process])),
      probes: valueOr(facts['probe-results'], []),
      servers: new Map(facts.topology.state === 'known' ? facts.topology.value.servers.map(server => [server.id, server]) : []),
      ...(facts['nginx-access-log'].state === 'known' ? { access: facts['nginx-access-log'].value } : {}),
      inForce: new Map(
        valueOr(facts['nginx-config'], []).flatMap(config =>
          config.files.flatMap(file => {
            const instance = valueOr(facts['nginx-instances'], []).find(({ id }) => id === config.instanceId);
            return file.modifiedMs === undefined ? [] : [[file.path, inForceFrom(file.modifiedMs, file.changedMs, instance)] as const];
          }),
        ),
      ),
    };
    const places = { hops: around.hops, listeners: valueOr(facts.listeners, []), processes: valueOr(facts.processes, []) };
    const namespaces = valueOr(facts['network-namespaces'], undefined);
    // What is meant and listens in another network namespace is not lost, and nothing else is it.
    const isApart = (hop: Hop): boolean => listensElsewhere(hop, namespaces, places)[0]?.isMeant === true;
    return known(facts.hops.value.filter(hop => isLost(hop) && !isApart(hop)).map(hop => lostPeer(hop, around)));
  },
});

function isLost({ peer, routes }: Hop): boolean {
  return peer.local && peer.namespace === undefined && !peer.flags.down && routes.length > 0 && peer.listeners.length === 0;
}

function lostPeer(hop: Hop, around: Surroundings): LostPeer {
  const wanted = tellingWords(namesOf(hop, around));
  const found = foundBackends(hop, wanted, around);
  const stopped = stoppedUnits(hop, wanted, around);
  const stoppedPrograms = programsInQuestion(hop, wanted, around);
  const sibling = around.hops.find(
    other => hop.peer.hostName !== undefined && other.peer.hostName === hop.peer.hostName && portOf(other) === portOf(hop) && other.peer.listeners.length > 0,
  );
  const [first, second] = found;
  const rival = Math.max(stopped[0]?.weight ?? 0, stoppedPrograms[0]?.weight ?? 0);
  // What the peer's own service is known to be, and that it does not run, leaves nothing to search.
  const isDown = hop.service !== undefined && hop.service.listening.length === 0 && hop.master === undefined;
  const past = first === undefined ? 'unknown' : pastOf(hop, first, around);
  const isVetoed = past === 'right' && first?.service?.kind !== 'php-fpm';
  const holds = first !== undefined && !isDown && !isVetoed && first.weight >= fairWeight && first.weight > rival;
  // An address of another kind has nothing to be likened by: there the only one that speaks the protocol tells.
  const tells = first !== undefined && (first.telling || (found.length === 1 && first.address.kind !== hop.peer.address.kind));
  const isSure =
    holds &&
    tells &&
    !isHelper(first, wanted, around) &&
    (past === 'wrong' || hasIdentity(first) || (past === 'unknown' && !isNeighbour(hop, first))) &&
    first.weight >= sureWeight &&
    first.weight - (second?.weight ?? 0) >= wantedMargin &&
    first.weight - rival >= 1;
  return {
    peerId: hop.peer.id,
    found,
    stopped,
    ...(stoppedPrograms.length === 0 ? {} : { stoppedPrograms }),
    ...(holds ? { here: first, certainty: isSure ? ('sure' as const) : ('fair' as const) } : {}),
    ...(sibling === undefined ? {} : { sibling: sibling.peer.id }),
  };
}

/**
 * What the logs tell of the peer's address, where they tell of successes. `right`: requests to it succeeded while the found service already
 * ran elsewhere and the file was as it is now, so another service has answered there. `wrong`: it never answered in a log that names peers and
 * reaches back behind the writing of the file, or failures began with the writing. `unclear`: the log does not tell, or the service started for
 * the first time and in the very second of the last success. What was restarted then may have listened at the peer's address before.
 */
function pastOf(hop: Hop, found: FoundBackend, around: Surroundings): 'right' | 'wrong' | 'unclear' | 'unknown' {
  const { access } = around;
  if (access?.lastGoodMs === undefined || hasIdentity(found)) return 'unknown';
  const inForce = inForceOf(hop, around);
  const masterPid = found.service?.masterPid;
  const startMs = masterPid === undefined ? undefined : around.processes.get(masterPid)?.startMs;
  const isAfter = startMs !== undefined && startMs >= access.lastGoodMs;
  const isSameSecond = isAfter && startMs < access.lastGoodMs + logSecondMs;
  const past = !isAfter ? 'right' : isSameSecond && !hasRunBefore(found, around) ? 'unclear' : 'unknown';
  if (access.byPeer.length > 0) {
    const counted = access.byPeer.find(one => one.key === hop.peer.id);
    if (counted !== undefined && counted.total > counted.failed) return past;
    // A backend may have ended before the log begins that was read.
    return reachesBehind(access, inForce) ? 'wrong' : 'unclear';
  }
  // A log without peers tells of this one where there is no other.
  const peers = around.hops.filter(other => other.routes.length > 0);
  if (peers.length === 1 && inForce !== undefined && (access.lastGoodMs > inForce.fromMs || beginsWithStart(access, inForce))) return past;
  const began = peers.length === 1 || (inForce !== undefined && Math.abs(firstFailureMs(hop) - inForce.writtenMs) <= togetherMs);
  return began && reachesBehind(access, inForce) ? 'wrong' : 'unclear';
}

/** Of the file that names the address. A variable may be set in any file: then it is the one that was written last. */
function inForceOf({ peer, routes }: Hop, { inForce }: Surroundings): InForce | undefined {
  if (!routes.some(({ variables }) => variables.length > 0)) return inForce.get(peer.origin.path);
  return [...inForce.values()].reduce<InForce | undefined>((last, one) => (last === undefined || one.writtenMs > last.writtenMs ? one : last), undefined);
}

/** Whether the log begins when nginx started with the file: what succeeded then did so by it. */
function beginsWithStart(access: NginxAccessLog, { startedMs }: InForce): boolean {
  const firstMs = firstLineMs(access);
  return startedMs !== undefined && Number.isFinite(firstMs) && firstMs + logSecondMs > startedMs;
}

/** Whether the log was read from before the file was written on. */
function reachesBehind(access: NginxAccessLog, inForce: InForce | undefined): boolean {
  const firstMs = Math.min(access.lastGoodMs ?? Number.POSITIVE_INFINITY, firstLineMs(access));
  return inForce !== undefined && firstMs + (inForce.byReload ? 0 : logSecondMs) <= inForce.writtenMs;
}

/** Infinity where no line was read. */
function firstLineMs({ coverage }: NginxAccessLog): number {
  return Math.min(...coverage.flatMap(log => log.firstMs ?? []));
}

/**
 * A file counts from when it was written, or put in place with an older time as packages do. Where nginx was reloaded soon after, it went by
 * the former text until then, and the requests that the old workers had end a little later.
 */
function inForceFrom(modifiedMs: number, changedMs: number | undefined, instance: NginxInstance | undefined): InForce {
  const writtenMs = Math.max(modifiedMs, changedMs ?? 0);
  const loaded = instance === undefined ? undefined : loadedMs(instance);
  const isSoon = loaded !== undefined && loaded > writtenMs - startGrainMs && loaded - writtenMs <= soonMs;
  const isSecondLoad = isSoon && instance?.startMs !== undefined && loaded - instance.startMs >= firstWorkersMs;
  const byReload = isSecondLoad && instance.startMs + tickMs < writtenMs;
  const startedMs = instance?.startMs !== undefined && instance.startMs >= writtenMs ? instance.startMs : undefined;
  return { writtenMs, fromMs: isSoon ? loaded + oldWorkersMs : writtenMs, byReload, ...(startedMs === undefined ? {} : { startedMs }) };
}

/** Its unit ended an earlier time, as one does that is restarted. */
function hasRunBefore({ service }: FoundBackend, { units }: Surroundings): boolean {
  return service?.unit !== undefined && units.find(unit => unit.name === service.unit)?.inactiveEnterMs !== undefined;
}

/** Its own configuration or its own journal names the address that nginx asks. */
function hasIdentity(found: FoundBackend): boolean {
  return found.said !== undefined || found.signs.some(sign => sign.startsWith('its own configuration names'));
}

/** An exporter or an administration that belongs to the backend is named like it and is not it. */
function isHelper(found: FoundBackend, wanted: ReadonlySet<string>, around: Surroundings): boolean {
  return !hasIdentity(found) && found.service !== undefined && hasHelperName(tellingWords(namesOfService(found.service, around)), wanted);
}

/** A port next to another is where a helper of the same service listens as often as it is a slip of the pen. */
function isNeighbour(hop: Hop, found: FoundBackend): boolean {
  const likeness = likenessOf(hop.peer.address, found.address);
  return likeness !== undefined && likeness.weight < slipWeight;
}

/** What answered in the protocol of one of the routes, at an address that is not the peer's. */
function foundBackends(hop: Hop, wanted: ReadonlySet<string>, around: Surroundings): FoundBackend[] {
  const byAddress = new Map<string, ProbeResult>();
  for (const probe of around.probes) {
    if (probe.request.kind === 'dns' || !answersFor(hop, probe)) continue;
    const id = formatAddress(probe.request.address);
    if (id !== hop.peer.id && !byAddress.has(id)) byAddress.set(id, probe);
  }
  const found = [...byAddress.values()].flatMap(probe =>
    probe.request.kind === 'dns' ? [] : [foundBackend(hop, probe, probe.request.address, wanted, around)],
  );
  const unused = found.filter(one => !one.used && one.service !== undefined && serverKinds.has(one.service.kind));
  return found
    .map(one => (unused.length === 1 && one === unused[0] ? addSign(one, 1, 'no other backend of this host is without a route') : one))
    .sort((a, b) => b.weight - a.weight);
}

function foundBackend(hop: Hop, probe: ProbeResult, address: Address, wanted: ReadonlySet<string>, around: Surroundings): FoundBackend {
  const service =
    around.services.find(one => one.listening.some(listening => reaches(listening, address))) ??
    around.services.find(one => one.masterPid === undefined && heldBySystemd(one).some(held => reaches(held, address)));
  const user = askedThere(address, around.hops);
  let one: FoundBackend = { address, ...(service === undefined ? {} : { service }), probe, signs: [], weight: 0, used: user !== undefined, telling: false };
  const likeness = likenessOf(hop.peer.address, address);
  if (likeness !== undefined) one = { ...addSign(one, likeness.weight, likeness.text), telling: true };
  if (service?.configuredListen.some(configured => formatAddress(configured.value) === hop.peer.id) === true)
    one = { ...addSign(one, 6, `its own configuration names ${hop.peer.id}`), telling: true };
  const said = saidThere(hop, service, around);
  if (said !== undefined) one = { ...addSign(one, 5, `it listened on ${hop.peer.id} before, by its own journal`), said, telling: true };
  const word = service === undefined ? undefined : sharedWord(wanted, tellingWords(namesOfService(service, around)));
  if (word !== undefined) one = { ...addSign(one, 3, `it is named "${word}" like the route`), telling: true };
  if (service !== undefined && serverKinds.has(service.kind)) one = addSign(one, 1, '');
  // Named like the backend as well, and the last that is meant.
  if (isHelper(one, wanted, around)) one = addSign(one, -helperWeight, '');
  if (probe.request.kind === 'fastcgi' || probe.request.kind === 'uwsgi') one = addSign(one, 2, `it speaks ${probe.request.kind}, as the route does`);
  if (user === undefined) return addSign(one, 1, 'no route uses it');
  const isOfTwin = likeness !== undefined && likeness.weight >= slipWeight && isTwin(hop, user, around);
  return isOfTwin ? addSign(one, 4, 'another server block of the same name asks it there') : addSign(one, -3, '');
}

/** Two server blocks of one name pass the same location on: one site on two ports. */
function isTwin(hop: Hop, other: Hop, { servers }: Surroundings): boolean {
  const namesAt = (id: string): readonly string[] => (servers.get(id)?.names ?? []).filter(name => name !== '' && name !== '_');
  return hop.routes.some(route =>
    other.routes.some(
      one => one.serverId !== route.serverId && one.location === route.location && namesAt(one.serverId).some(name => namesAt(route.serverId).includes(name)),
    ),
  );
}

/** The line in its unit's journal that says it listened where the peer is. Units of several services tell of none. */
function saidThere(hop: Hop, service: Service | undefined, around: Surroundings): Evidence | undefined {
  if (service?.unit === undefined || around.services.some(other => other !== service && other.unit === service.unit)) return undefined;
  const unit = around.units.find(other => other.name === service.unit);
  const said = unit?.saidListens?.findLast(other => reaches(other.address, hop.peer.address));
  return said === undefined ? undefined : { source: `journal:${service.unit}`, text: said.line.text };
}

function addSign(one: FoundBackend, weight: number, text: string): FoundBackend {
  return { ...one, weight: one.weight + weight, signs: text === '' ? one.signs : [...one.signs, text] };
}

function answersFor(hop: Hop, { request, outcome }: ProbeResult): boolean {
  if (outcome.state !== 'answered') return false;
  return hop.routes.some(route => {
    if (route.pass === 'proxy')
      return route.tls
        ? request.kind === 'tls' && outcome.answer.tls?.handshake === 'done'
        : request.kind === 'http' && outcome.speaks === 'http' && !saysPlainToTls(outcome.answer.head);
    if (route.pass === 'uwsgi') return request.kind === 'uwsgi' && outcome.speaks === 'uwsgi';
    return route.pass === 'grpc' ? outcome.speaks === 'http2' : request.kind === route.pass && outcome.speaks === route.pass;
  });
}

function saysPlainToTls(head: string | undefined): boolean {
  return head?.includes('plain HTTP request was sent to HTTPS port') === true;
}

/** Units that ended and that no address ties to a peer. */
function stoppedUnits(hop: Hop, wanted: ReadonlySet<string>, around: Surroundings): StoppedUnit[] {
  const running = new Set(around.services.filter(service => service.masterPid !== undefined).map(service => service.unit));
  const firstMs = firstFailureMs(hop);
  return around.units
    .flatMap((unit): StoppedUnit[] => {
      if (running.has(unit.name) || unit.type === 'oneshot' || !hasEnded(unit)) return [];
      const service = around.services.find(one => one.unit === unit.name);
      const named = service?.configuredListen ?? [];
      if (named.length > 0 && !named.some(configured => formatAddress(configured.value) === hop.peer.id)) return [];
      const signs: string[] = [];
      let weight = 0;
      const add = (more: number, text: string): void => {
        weight += more;
        signs.push(text);
      };
      if (named.length > 0) add(6, `its command line names ${hop.peer.id}`);
      const word = sharedWord(wanted, tellingWords([unit.name, unit.execStart ?? '', unit.workingDirectory ?? '']));
      if (word !== undefined) add(4, `it is named "${word}" like the route`);
      const isLoop = unit.activeState === 'activating' || unit.activeState === 'active';
      const endedMs = isLoop ? loopBeganMs(unit) : (unit.execMainExitMs ?? unit.inactiveEnterMs);
      if (endedMs !== undefined && Math.abs(endedMs - firstMs) <= togetherMs)
        add(3, `it ${isLoop ? 'began to end again and again' : 'ended'} when the requests began to fail`);
      if (isLoop || unit.activeState === 'failed') add(2, isLoop ? 'it is started again and again' : 'it has failed');
      if (service !== undefined && serverKinds.has(service.kind)) add(1, 'it starts an application server');
      return weight > 0 ? [{ unit, ...(service === undefined ? {} : { service }), signs, weight }] : [];
    })
    .sort((a, b) => b.weight - a.weight || byLastRun(a.unit, b.unit));
}

/** Infinity where none has failed. */
function firstFailureMs({ symptoms, groupSymptoms }: Hop): number {
  return Math.min(...[...symptoms, ...groupSymptoms].filter(symptom => symptom.count > 0).map(symptom => symptom.firstMs));
}

/** Programs of pm2 and supervisord that do not run, or come and go, and that no address ties to another peer. */
function programsInQuestion(hop: Hop, wanted: ReadonlySet<string>, around: Surroundings): StoppedProgram[] {
  const firstMs = firstFailureMs(hop);
  return around.programs
    .flatMap((program): StoppedProgram[] => {
      const service = around.services.find(one => one.program === program.id);
      if (program.state === 'running' && service !== undefined && service.listening.length > 0) return [];
      if (program.state === 'running' && !program.lines.some(line => line.kind === 'ended')) return [];
      if (program.addresses.length > 0 && !program.addresses.some(address => reaches(address.value, hop.peer.address))) return [];
      const signs: string[] = [];
      let weight = 0;
      const add = (more: number, text: string): void => {
        weight += more;
        signs.push(text);
      };
      const names = namesPort(program.command ?? '', hop.peer.address);
      const named = program.addresses.length > 0 || names;
      if (named) add(6, `its settings or its log name ${hop.peer.id}`);
      const word = sharedWord(wanted, tellingWords([program.name, program.command ?? '']));
      if (word !== undefined) add(4, `it is named "${word}" like the route`);
      if (!named && namesPort(program.name.replaceAll(/[-_.@#]/g, ' '), hop.peer.address)) add(5, 'its name holds the port');
      const isLoop = program.state !== 'stopped' && program.state !== 'exited';
      const endedMs = programEndMs(program);
      if (endedMs !== undefined && Math.abs(endedMs - firstMs) <= togetherMs)
        add(3, `it ${isLoop ? 'began to end again and again' : 'ended'} when the requests began to fail`);
      if (weight > 0 && isLoop) add(2, program.state === 'given-up' ? 'it could not be started' : 'it is started again and again');
      return weight > 0 ? [{ program, named, signs, weight }] : [];
    })
    .sort((a, b) => b.weight - a.weight);
}

/** The port, or the socket's path, as a word of a command. */
function namesPort(command: string, address: Address): boolean {
  if (address.kind === 'unix') return command.includes(runPath(address.path));
  return command.split(/[\s:=,"']+/).includes(String(address.port));
}

/** Does not run, or comes and goes. */
function hasEnded(unit: SystemdUnit): boolean {
  if (unit.loadState !== 'loaded' || !unit.name.endsWith('.service')) return false;
  if (unit.activeState === 'failed' || unit.activeState === 'activating') return true;
  if (unit.activeState === 'active') return unit.restarts > 0;
  return unit.activeState === 'inactive' && unit.inactiveEnterMs !== undefined;
}

function namesOf(hop: Hop, around: Surroundings): string[] {
  const own = hop.peer.address.kind === 'unix' ? [hop.peer.address.path] : [];
  return [
    ...own,
    ...hop.groups.filter(group => group.explicit).map(group => group.name),
    ...(hop.peer.hostName === undefined ? [] : [hop.peer.hostName]),
    ...hop.routes.flatMap(route => [
      route.location,
      route.settings['root']?.args[0] ?? '',
      fileIn(route.origin.path),
      ...(around.servers.get(route.serverId)?.names ?? []),
    ]),
  ];
}

function namesOfService(service: Service, around: Surroundings): string[] {
  const master = service.masterPid === undefined ? undefined : around.processes.get(service.masterPid);
  const paths = [...service.listening, ...service.configuredListen.map(one => one.value)].flatMap(address => (address.kind === 'unix' ? [address.path] : []));
  return [service.id, service.unit ?? '', ...paths, ...(master === undefined ? [] : [master.cwd ?? '', ...master.argv.slice(0, 8)])];
}

/** `/etc/nginx/sites-enabled/shop.conf` → `shop.conf`: the folders say nothing of the site. */
function fileIn(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

function portOf(hop: Hop): number | undefined {
  return hop.peer.address.kind === 'unix' ? undefined : hop.peer.address.port;
}

function reaches(listening: Address, address: Address): boolean {
  if (listening.kind === 'unix' || address.kind === 'unix') return formatAddress(listening) === formatAddress(address);
  return listening.port === address.port && takesConnectionsTo(listening.host, address.host);
}
