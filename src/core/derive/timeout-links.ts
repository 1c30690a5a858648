import type { BackendCommand, PhpFpmPool, Service, Sourced } from '../model/facts/backend.ts';
import type { Setting } from '../model/facts/nginx.ts';
import type { DatabaseLimits, ProxyPass, ProxyTarget, RuntimeLimits, TimeoutLink } from '../model/facts/timeouts.ts';
import type { Peer, Route, UpstreamGroup } from '../model/facts/topology.ts';
import { settingEvidence } from '../model/evidence.ts';

/** What is known of the service behind a peer. */
export interface BackendFiles {
  readonly pools: readonly PhpFpmPool[];
  /** Command lines of running processes, by their pid. */
  readonly commands: ReadonlyMap<number, BackendCommand>;
  readonly php: RuntimeLimits['php'];
}

type Counts = TimeoutLink['counts'];

/** What nginx grants the client, and what it waits for the peer. */
export function nginxLinks(route: Route, group: UpstreamGroup | undefined, peers: readonly Peer[]): TimeoutLink[] {
  const { settings } = route;
  const link = (key: string, counts: Counts, part: TimeoutLink['part'] = 'nginx'): TimeoutLink[] => ofSetting(settings[key], counts, part);
  return [
    ...link('client_body_timeout', 'arrival', 'client'),
    ...link('client_send_timeout', 'send', 'client'),
    ...triesLink(route, group, peers),
    ...link('read_timeout', 'silence'),
    ...link('send_timeout', 'send'),
    ...link('connect_timeout', 'connect'),
  ];
}

/** How another nginx of this host, in front of this one, waits for it. */
export function frontNginxLink(front: Route, peerId: string): TimeoutLink[] {
  const link = ofSetting(front.settings['read_timeout'], 'silence', 'front');
  return link.map(one => ({ ...one, who: `nginx in front (${front.location})`, front: { routeId: front.id, peerId } }));
}

/** How HAProxy or Apache waits. A HAProxy without `timeout server` waits for ever. */
export function frontProxyLink(pass: ProxyPass, target: ProxyTarget): TimeoutLink {
  const wait = target.waitMs ?? pass.waitMs ?? { value: 0, source: 'default of HAProxy', text: 'no timeout server' };
  return ofSourced(pass.name, pass.name.startsWith('HAProxy') ? 'timeout server' : 'timeout', wait, wait.value, 'silence', 'front');
}

/** The backend's own limits, by its kind. */
export function backendLinks(service: Service, route: Route, peer: Peer, files: BackendFiles): TimeoutLink[] {
  const pid = [service.masterPid ?? -1, ...service.workerPids.slice(0, 1)].find(one => files.commands.has(one));
  const { values = {} } = files.commands.get(pid ?? -1) ?? {};
  const own = (setting: string, counts: Counts): TimeoutLink[] =>
    service.requestTimeoutMs === undefined
      ? []
      : [ofSourced(service.name, setting, withText(service.requestTimeoutMs, setting), service.requestTimeoutMs.value, counts)];
  const given = (name: string, setting: string, counts: Counts, unitMs = 1000): TimeoutLink[] => {
    const value = values[name];
    const number = value === undefined || !/^\d{1,9}$/.test(value.value.trim()) ? undefined : Number(value.value);
    return value === undefined || number === undefined ? [] : [ofSourced(service.name, setting, withText(value, setting), number * unitMs, counts)];
  };
  switch (service.kind) {
    case 'php-fpm':
      return [...own('request_terminate_timeout', 'request'), ...phpLinks(service, route, files)];
    case 'gunicorn':
      // With threads or an event loop it looks at the worker, not at the request.
      return own('--timeout', service.manager === 'prefork' ? 'request' : 'worker');
    case 'unicorn':
      return own('timeout', 'request');
    case 'uwsgi':
      return [
        ...given('socket-timeout', 'socket-timeout', 'arrival'),
        // The router in front of the workers, where uWSGI speaks HTTP by one.
        ...(values['http'] === undefined && values['https'] === undefined ? [] : given('http-timeout', 'http-timeout', 'silence')),
        ...own('harakiri', 'request'),
      ];
    case 'puma':
      return given('worker-timeout', 'worker_timeout', 'worker');
    case 'tomcat': {
      const index = Array.from({ length: 32 }, (_, at) => at).find(at => isPort(values[`connector[${at}].port`], peer)) ?? 0;
      return [
        ...given(`connector[${index}].connectionTimeout`, 'connectionTimeout', 'arrival', 1),
        ...given(`connector[${index}].asyncTimeout`, 'asyncTimeout', 'async', 1),
      ];
    }
    default:
      return [];
  }
}

/** What a database of this host puts on one statement, whoever sends it. Those that are off say nothing. */
export function databaseLinks(databases: readonly DatabaseLimits[]): TimeoutLink[] {
  return databases.flatMap(({ name, limits }) =>
    Object.entries(limits).flatMap(([setting, limit]) =>
      limit.value > 0 ? [ofSourced(`${name} of this host`, setting, withText(limit, setting), limit.value, 'statement', 'database')] : [],
    ),
  );
}

/** All tries of one request together: each may take the whole read timeout, at one server after the other. */
function triesLink(route: Route, group: UpstreamGroup | undefined, peers: readonly Peer[]): TimeoutLink[] {
  const { next_upstream: next, next_upstream_tries: tries, next_upstream_timeout: total, read_timeout: read } = route.settings;
  const usable = peers.filter(peer => !peer.flags.down).length;
  if (group === undefined || read?.ms === undefined || next?.args.includes('timeout') !== true || usable < 2) return [];
  const most = Number(tries?.args[0] ?? 0);
  const count = most > 0 ? Math.min(most, usable) : usable;
  // After that time no further try begins; one that has begun goes on.
  const ms = total?.ms !== undefined && total.ms > 0 ? Math.min(read.ms * count, total.ms + read.ms) : read.ms * count;
  if (count < 2 || ms <= read.ms) return [];
  const told = [tries, total, read].find(one => one?.origin.kind === 'file') ?? read;
  const { source } = settingEvidence(told);
  const text = `${settingEvidence(read).text} for each of ${count} servers of ${group.name}`;
  return [{ part: 'nginx', who: 'nginx', setting: `${route.pass}_next_upstream`, ms, counts: 'tries', source, text, isSet: told.origin.kind === 'file' }];
}

/** `max_execution_time` as the pool's pages get it: on Linux it counts computing alone. */
function phpLinks(service: Service, route: Route, { pools, php }: BackendFiles): TimeoutLink[] {
  const pool = pools.find(one => `php-fpm:${one.name}` === service.id && (service.masterPid === undefined || one.masterPid === service.masterPid));
  if (pool === undefined) return [];
  const ini = php[pool.mainConfig] ?? {};
  const of = (name: string): Sourced<string> | undefined =>
    pool.values[`php_admin_value[${name}]`] ??
    fromParam(route, 'PHP_ADMIN_VALUE', name) ??
    fromParam(route, 'PHP_VALUE', name) ??
    pool.values[`php_value[${name}]`] ??
    ini[name];
  const links = (name: string, counts: Counts): TimeoutLink[] => {
    const value = of(name);
    return value === undefined || !/^\d{1,9}$/.test(value.value.trim())
      ? []
      : [ofSourced(service.name, name, withText(value, name), Number(value.value) * 1000, counts)];
  };
  return [...links('max_execution_time', 'cpu'), ...links('default_socket_timeout', 'statement'), ...links('mysqlnd.net_read_timeout', 'statement')];
}

/** `fastcgi_param PHP_VALUE "max_execution_time=300 \n memory_limit=1G";` */
function fromParam(route: Route, param: string, name: string): Sourced<string> | undefined {
  const setting = route.headers.findLast(one => one.args[0] === param);
  if (setting === undefined) return undefined;
  for (const line of (setting.args[1] ?? '').split('\n')) {
    const equals = line.indexOf('=');
    if (equals < 0 || line.slice(0, equals).trim() !== name) continue;
    const { source, text } = settingEvidence(setting);
    return { value: line.slice(equals + 1).trim(), source, text: text.replaceAll('\n', ' ') };
  }
  return undefined;
}

function ofSetting(setting: Setting | undefined, counts: Counts, part: TimeoutLink['part']): TimeoutLink[] {
  if (setting?.ms === undefined) return [];
  const { source, text } = settingEvidence(setting);
  return [{ part, who: 'nginx', setting: setting.directive, ms: setting.ms, counts, source, text, isSet: setting.origin.kind === 'file' }];
}

function ofSourced(
  who: string,
  setting: string,
  { source, text }: Pick<Sourced<unknown>, 'source' | 'text'>,
  ms: number,
  counts: Counts,
  part: TimeoutLink['part'] = 'backend',
): TimeoutLink {
  return { part, who, setting, ms, counts, source, text: text?.trim() ?? setting, isSet: !source.startsWith('default of ') };
}

/** A value without a line of its own is shown as a setting: `--timeout 90`. */
function withText<T extends string | number>(value: Sourced<T>, setting: string): Sourced<T> {
  if (value.text !== undefined) return value;
  const shown = typeof value.value === 'number' ? `${value.value / 1000} s` : value.value;
  return { ...value, text: setting.startsWith('-') ? `${setting} ${shown}` : `${setting} = ${shown}` };
}

function isPort(value: Sourced<string> | undefined, peer: Peer): boolean {
  return value !== undefined && peer.address.kind === 'tcp' && Number(value.value) === peer.address.port;
}
