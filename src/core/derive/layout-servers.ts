import type { Address } from '../model/host.ts';
import type { ConfigDirective, NginxInstance, SettingOrigin } from '../model/facts/nginx.ts';
import type { ListenAddress, ServerBlock } from '../model/facts/topology.ts';
import { enter, inForce, originOf, type Chain } from './directives.ts';
import { splitHostPort } from './pass-target.ts';

/** A `server` block with its addresses, names and the logs in force. */
export function serverBlock(server: ConfigDirective, outer: Chain, instanceId: string, instance: NginxInstance | undefined): ServerBlock {
  const chain = enter(outer, server);
  const own = chain.at(-1) ?? [];
  const written = own.filter(directive => directive.name === 'listen').map(listenAddress);
  const deep = [...inLocations(own, 'error_log', 0)];
  const standard: ListenAddress = { address: { kind: 'tcp', host: '0.0.0.0', port: 80 }, tls: false, defaultServer: false, origin: originOf(server) };
  return {
    id: `${instanceId} ${server.path}:${server.line}`,
    instanceId,
    names: own.filter(directive => directive.name === 'server_name').flatMap(directive => directive.args.map(arg => arg.value)),
    listens: written.length === 0 ? [standard] : written,
    origin: { path: server.path, line: server.line },
    accessLogs: accessLogsIn(chain, own, instance),
    errorLogs: errorLogsIn(chain, instance),
    ...(deep.length === 0 ? {} : { locationErrorLogs: deep.map(directive => errorLog(directive, instance)) }),
  };
}

/** The error logs in force at the end of the chain; nginx's compiled-in one where the file names none. */
export function errorLogsIn(chain: Chain, instance: NginxInstance | undefined): ServerBlock['errorLogs'] {
  const found = inForce(chain, 'error_log');
  if (found.length === 0) {
    const path = absolute(configureArgument(instance, '--error-log-path') ?? 'logs/error.log', instance);
    return [{ path, level: 'error', origin: { kind: 'default', version: instance?.version ?? '' } }];
  }
  return found.map(directive => errorLog(directive, instance));
}

function errorLog(directive: ConfigDirective, instance: NginxInstance | undefined): ServerBlock['errorLogs'][number] {
  const path = directive.args[0]?.value ?? 'stderr';
  return { path: absolute(path, instance), level: directive.args[1]?.value ?? 'error', origin: originOf(directive) };
}

// Logs of a location hold requests of this server too: those that replace the server's own are added.
function accessLogsIn(chain: Chain, own: readonly ConfigDirective[], instance: NginxInstance | undefined): ServerBlock['accessLogs'] {
  const found = [...inForce(chain, 'access_log'), ...inLocations(own, 'access_log', 0)];
  if (found.length === 0) {
    const path = absolute(configureArgument(instance, '--http-log-path') ?? 'logs/access.log', instance);
    const origin: SettingOrigin = { kind: 'default', version: instance?.version ?? '' };
    return [{ path, format: 'combined', origin }];
  }
  const logs = found.filter(directive => directive.args[0]?.value !== 'off');
  const seen = new Set<string>();
  return logs
    .map(directive => ({ path: absolute(directive.args[0]?.value ?? '', instance), format: formatOf(directive), origin: originOf(directive) }))
    .filter(log => !seen.has(`${log.path} ${log.format}`) && seen.add(`${log.path} ${log.format}`));
}

function* inLocations(directives: readonly ConfigDirective[], name: 'access_log' | 'error_log', depth: number): Generator<ConfigDirective> {
  if (depth > 20) return;
  for (const directive of directives) {
    if (directive.name !== 'location' && directive.name !== 'if') continue;
    const inner = enter([], directive)[0] ?? [];
    yield* inner.filter(entry => entry.name === name);
    yield* inLocations(inner, name, depth + 1);
  }
}

function formatOf(directive: ConfigDirective): string {
  const second = directive.args[1]?.value;
  return second === undefined || ['buffer=', 'gzip', 'flush=', 'if='].some(word => second.startsWith(word)) ? 'combined' : second;
}

function listenAddress(directive: ConfigDirective): ListenAddress {
  const [text = '80', ...flags] = directive.args.map(arg => arg.value);
  return {
    address: parseListen(text),
    tls: flags.includes('ssl') || flags.includes('quic'),
    defaultServer: flags.includes('default_server') || flags.includes('default'),
    origin: originOf(directive),
  };
}

/** `80`, `*:80`, `127.0.0.1:80`, `[::]:80`, `unix:/path`, `name`. */
function parseListen(text: string): Address {
  if (text.startsWith('unix:')) return { kind: 'unix', path: text.slice(5) };
  const number = Number(text);
  if (Number.isInteger(number) && number > 0) return { kind: 'tcp', host: '0.0.0.0', port: number };
  const { host, port } = splitHostPort(text);
  return { kind: 'tcp', host: host === '*' || host === '' ? '0.0.0.0' : host, port: port ?? 80 };
}

function configureArgument(instance: NginxInstance | undefined, name: string): string | undefined {
  const text = instance?.configureArguments ?? '';
  const at = text.indexOf(`${name}=`);
  if (at === -1) return undefined;
  const start = at + name.length + 1;
  const end = text.indexOf(' ', start);
  return text.slice(start, end === -1 ? undefined : end);
}

function absolute(path: string, instance: NginxInstance | undefined): string {
  if (path.startsWith('/') || path === 'stderr' || path.startsWith('syslog:') || path.startsWith('memory:')) return path;
  const prefix = instance?.prefix ?? '/usr/local/nginx/';
  return `${prefix}${prefix.endsWith('/') ? '' : '/'}${path}`;
}
