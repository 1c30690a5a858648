import type { Evidence } from './finding.ts';
import { configEvidence, symptomEvidence } from './evidence.ts';
import type { Hop } from './facts/hop.ts';
import type { ErrorGroup } from './facts/logs.ts';
import type { ConfigFile, NginxConfig, NginxInstance } from './facts/nginx.ts';
import type { Listener } from './facts/system.ts';
import type { Route, Symptom, Topology } from './facts/topology.ts';
import { formatAddress } from './host.ts';
import { loadedMs } from './nginx-commands.ts';

/** What the running workers do and the files on disk do not say, or the reverse. */
export interface Difference {
  readonly kind: 'address' | 'scheme' | 'listen' | 'timeout';
  /** Half a sentence about what was seen. */
  readonly text: string;
  readonly evidence: readonly Evidence[];
  readonly symptoms: readonly Symptom[];
  readonly peers: readonly string[];
}

/** A running nginx whose configuration in memory is another one than that on disk. */
export interface PendingConfig {
  readonly instance: NginxInstance;
  readonly loadedMs: number;
  /** Files that changed after the workers began, the last one first. */
  readonly newer: readonly ConfigFile[];
  readonly differences: readonly Difference[];
}

export interface ConfigView {
  readonly instances: readonly NginxInstance[];
  readonly configs: readonly NginxConfig[];
  readonly hops: readonly Hop[];
  readonly topology: Topology;
  /** Undefined where they could not be read. */
  readonly listeners: readonly Listener[] | undefined;
}

/** Start times come from the boot time, which the kernel gives in whole seconds. */
const startErrorMs = 1000;

/** Instances that run on an older configuration, as far as it shows in what they do. A file that was only touched is no difference. */
export function pendingConfigs(view: ConfigView): PendingConfig[] {
  return view.instances.flatMap(instance => {
    const since = instance.running ? loadedMs(instance) : undefined;
    const config = view.configs.find(one => one.instanceId === instance.id);
    // What the workers do may stand in a file that was not read.
    if (since === undefined || config === undefined || config.unread.length > 0) return [];
    const newer = newerFiles(config, since);
    const routes = routesOf(instance, view.topology);
    const differences = [
      ...strangeAddresses(instance, routes, view),
      ...(newer.length === 0 ? [] : [...strangeSchemes(instance, view), ...shortTimeouts(instance, view), ...unusedListens(instance, view)]),
    ];
    return differences.length === 0 ? [] : [{ instance, loadedMs: since, newer, differences }];
  });
}

/** Files of the configuration that changed after that time, the last one first. */
export function newerFiles(config: NginxConfig | undefined, sinceMs: number): readonly ConfigFile[] {
  const changed = (file: ConfigFile): number => Math.max(file.modifiedMs ?? 0, file.changedMs ?? 0);
  return (config?.files ?? []).filter(file => changed(file) > sinceMs + startErrorMs).toSorted((a, b) => changed(b) - changed(a));
}

function routesOf(instance: NginxInstance, topology: Topology): readonly Route[] {
  const servers = new Set(topology.servers.filter(server => server.instanceId === instance.id).map(server => server.id));
  return topology.routes.filter(route => servers.has(route.serverId));
}

/** Addresses to which the running workers connect and that the files do not hold. */
function strangeAddresses(instance: NginxInstance, routes: readonly Route[], { hops, topology }: ConfigView): Difference[] {
  return hops.flatMap(hop => {
    const { peer } = hop;
    if (peer.onlyInLog !== true) return [];
    const symptoms = hop.symptoms.filter(symptom => byWorkersOf(instance, symptom.errorGroups));
    if (symptoms.length === 0 || isDynamic(symptoms, routes, topology)) return [];
    // A name may have meant this address when nginx started: then the file is the same, and the name's address is not.
    const named = topology.peers.some(
      other => other.hostName !== undefined && other.address.kind === 'tcp' && peer.address.kind === 'tcp' && other.address.port === peer.address.port,
    );
    const unresolved = topology.groups.some(group => group.peerIds.length === 0);
    if (peer.address.kind === 'tcp' && (named || unresolved)) return [];
    const [now] = routesNow(symptoms, routes, topology);
    const instead = now === undefined ? '' : `, and the configuration says ${now.target}`;
    return [
      {
        kind: 'address',
        text: `the workers connect to ${peer.id}, which no file of the configuration names${instead}`,
        evidence: [
          ...symptoms.flatMap(symptom => symptomEvidence(symptom, 1)).slice(0, 2),
          ...(now === undefined ? [] : [configEvidence(now.origin, `${passOf(now)} ${now.target};`)]),
        ],
        symptoms,
        peers: [peer.id],
      } satisfies Difference,
    ];
  });
}

/** The workers speak another protocol to the peer than the files ask for. */
function strangeSchemes(instance: NginxInstance, { hops }: ConfigView): Difference[] {
  return hops.flatMap(hop => {
    if (hop.peer.onlyInLog === true || hop.routes.length === 0) return [];
    const symptoms = hop.symptoms.filter(symptom => {
      const schemes = symptom.errorGroups.filter(group => byWorkersOf(instance, [group])).flatMap(group => group.scheme ?? []);
      return schemes.length > 0 && schemes.every(scheme => !hop.routes.some(route => schemesOf(route).includes(scheme)));
    });
    const [route] = hop.routes;
    const scheme = symptoms[0]?.errorGroups[0]?.scheme;
    if (route === undefined || scheme === undefined) return [];
    const evidence = [...symptoms.flatMap(symptom => symptomEvidence(symptom, 1)), configEvidence(route.origin, `${passOf(route)} ${route.target};`)];
    return [
      {
        kind: 'scheme',
        text: `the workers speak ${scheme} to ${hop.peer.id}, and the configuration says ${passOf(route)} ${route.target}`,
        evidence,
        symptoms,
        peers: [hop.peer.id],
      } satisfies Difference,
    ];
  });
}

/** nginx gives up long before the time that the files allow. */
function shortTimeouts(instance: NginxInstance, { hops }: ConfigView): Difference[] {
  return hops.flatMap(hop => {
    const allowed = Math.min(...hop.routes.map(route => route.settings['read_timeout']?.ms ?? 0));
    const setting = hop.routes[0]?.settings['read_timeout'];
    if (!Number.isFinite(allowed) || allowed <= 0 || setting?.origin.kind !== 'file') return [];
    const symptoms = hop.symptoms.filter(symptom => {
      const spent = symptom.accessGroups.filter(group => group.tries === 1).flatMap(group => group.upstreamTime ?? group.requestTime ?? []);
      return (
        symptom.class === 'read-timeout' &&
        byWorkersOf(instance, symptom.errorGroups) &&
        spent.length > 0 &&
        spent.every(time => time.max * 1000 < allowed * 0.8)
      );
    });
    const [first] = symptoms;
    if (first === undefined) return [];
    const seconds = first.accessGroups.flatMap(group => group.upstreamTime ?? group.requestTime ?? [])[0]?.max ?? 0;
    const evidence = [
      ...symptomEvidence(first, 1),
      ...first.accessGroups.flatMap(group => group.samples.slice(0, 1).map(sample => ({ source: `file:${sample.source.path}`, text: sample.text }))),
      configEvidence(setting.origin, `${setting.directive} ${setting.args.join(' ')};`),
    ];
    return [
      {
        kind: 'timeout',
        text: `the workers gave up on ${hop.peer.id} after ${seconds} s, and the configuration allows ${setting.args[0] ?? ''}`,
        evidence,
        symptoms,
        peers: [hop.peer.id],
      } satisfies Difference,
    ];
  });
}

/** Addresses on which the files tell nginx to listen, and nobody listens. */
function unusedListens(instance: NginxInstance, { topology, listeners }: ConfigView): Difference[] {
  if (listeners === undefined) return [];
  const seen = new Set<string>();
  return topology.servers
    .filter(server => server.instanceId === instance.id)
    .flatMap(server => server.listens)
    .flatMap(({ address, origin }) => {
      if (address.kind === 'udp' || origin.kind !== 'file' || seen.has(formatAddress(address))) return [];
      seen.add(formatAddress(address));
      const isThere = listeners.some(one =>
        address.kind === 'unix' ? one.kind === 'unix' && one.path === address.path : one.kind === 'tcp' && one.port === address.port,
      );
      if (isThere) return [];
      const evidence = [
        configEvidence(origin, `listen ${formatAddress(address)};`),
        { source: 'listeners', text: `nobody listens on ${formatAddress(address)}` },
      ];
      return [
        {
          kind: 'listen',
          text: `the configuration says that nginx listens on ${formatAddress(address)}, and nobody does`,
          evidence,
          symptoms: [],
          peers: [],
        } satisfies Difference,
      ];
    });
}

/** Some of the records were written by workers that still take requests: what came before the last reload says nothing. */
function byWorkersOf(instance: NginxInstance, groups: readonly ErrorGroup[]): boolean {
  const pids = new Set(instance.workers.filter(worker => !worker.shuttingDown).map(worker => worker.pid));
  return groups.some(group => group.samples.some(sample => pids.has(sample.pid)));
}

/** Where the target is made of variables, any address may come out. */
function isDynamic(symptoms: readonly Symptom[], routes: readonly Route[], topology: Topology): boolean {
  return inServersOf(symptoms, routes, topology).some(route => route.variables.length > 0 && route.groupId === undefined);
}

function routesNow(symptoms: readonly Symptom[], routes: readonly Route[], topology: Topology): readonly Route[] {
  const own = inServersOf(symptoms, routes, topology);
  return own.length > 0 ? own : routes;
}

/** Routes of the servers that the records name; all where they name none that is known. */
function inServersOf(symptoms: readonly Symptom[], routes: readonly Route[], topology: Topology): readonly Route[] {
  const names = new Set(symptoms.flatMap(symptom => symptom.errorGroups.flatMap(group => group.server ?? [])));
  const servers = new Set(topology.servers.filter(server => server.names.some(name => names.has(name))).map(server => server.id));
  const own = routes.filter(route => servers.has(route.serverId));
  return own.length > 0 ? own : routes;
}

function passOf(route: Route): string {
  return `${route.pass}_pass`;
}

function schemesOf(route: Route): readonly string[] {
  if (route.pass === 'proxy') return [route.tls ? 'https' : 'http'];
  if (route.pass === 'grpc') return [route.tls ? 'grpcs' : 'grpc'];
  if (route.pass === 'uwsgi') return [route.tls ? 'suwsgi' : 'uwsgi'];
  return [route.pass];
}
