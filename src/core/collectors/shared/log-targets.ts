import type { Known } from '../../model/fact.ts';
import type { NginxInstance } from '../../model/facts/nginx.ts';
import type { NginxLayout } from '../../model/facts/topology.ts';

/** Where a log goes, as the config says it. */
export type LogTarget =
  | { readonly kind: 'file'; readonly path: string }
  /** Standard error, or a syslog socket of this host: both end in the journal. */
  | { readonly kind: 'journal'; readonly path: string; readonly tag: string }
  | { readonly kind: 'elsewhere'; readonly path: string; readonly why: string };

/** Reads `/var/log/x.log`, `stderr`, `syslog:server=unix:/dev/log,tag=web`, `memory:32m`. In an error log's path a `$` is a character as any other. */
export function logTarget(path: string): LogTarget {
  if (path === 'stderr' || path === '') return { kind: 'journal', path, tag: 'nginx' };
  if (path.startsWith('syslog:')) return syslogTarget(path);
  if (path.startsWith('memory:')) return { kind: 'elsewhere', path, why: 'it is kept in the memory of nginx, where only a debugger reads it' };
  return { kind: 'file', path };
}

/** Log paths that the binary was built with, for a host whose config could not be read. */
export function builtInLogs(instances: Known<readonly NginxInstance[]>, option: '--error-log-path=' | '--http-log-path='): readonly string[] {
  const paths = new Set<string>();
  for (const { configureArguments, prefix } of instances.state === 'known' ? instances.value : []) {
    const written = configureArguments
      .split(' ')
      .find(argument => argument.startsWith(option))
      ?.slice(option.length);
    const path = written ?? (option === '--error-log-path=' ? 'logs/error.log' : 'logs/access.log');
    paths.add(path.startsWith('/') || path === 'stderr' ? path : `${prefix.replace(/\/$/u, '')}/${path}`);
  }
  return [...paths];
}

/** Units of the running instances, `nginx.service` where none is known. */
export function nginxUnits(instances: Known<readonly NginxInstance[]>): readonly string[] {
  const units = instances.state === 'known' ? instances.value.map(instance => instance.unit).filter(unit => unit !== undefined) : [];
  return units.length > 0 ? [...new Set(units)] : ['nginx.service'];
}

/** Ids of the servers of each access log, by path. */
export function serversByLog(layout: NginxLayout): ReadonlyMap<string, readonly string[]> {
  const servers = new Map<string, string[]>();
  for (const server of layout.servers) {
    for (const { path } of server.accessLogs) servers.set(path, [...(servers.get(path) ?? []), server.id]);
  }
  return servers;
}

function syslogTarget(path: string): LogTarget {
  const parameters = new Map(
    path
      .slice(7)
      .split(',')
      .map(part => [part.slice(0, part.indexOf('=')), part.slice(part.indexOf('=') + 1)]),
  );
  const server = parameters.get('server') ?? '';
  if (server.startsWith('unix:') || /^(?:127\.|localhost(?::|$)|\[::1\])/u.test(server))
    return { kind: 'journal', path, tag: parameters.get('tag') ?? 'nginx' };
  return { kind: 'elsewhere', path, why: `it is sent to the syslog server ${server === '' ? '(unknown)' : server}, so it is not on this host` };
}
