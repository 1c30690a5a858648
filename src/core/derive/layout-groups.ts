import type { ConfigDirective } from '../model/facts/nginx.ts';
import type { Peer, Route, WrittenGroup, WrittenMember } from '../model/facts/topology.ts';
import { flatten, parseTime, toSetting } from './directives.ts';
import { isIpLiteral, splitHostPort, type PassTarget } from './pass-target.ts';

const plainFlags: Peer['flags'] = { down: false, backup: false, maxFails: 1, failTimeoutMs: 10_000, maxConns: 0 };

/** An `upstream` block. */
export function explicitGroup(upstream: ConfigDirective, instanceId: string): WrittenGroup {
  const directives = [...flatten(upstream.block ?? [])];
  const name = upstream.args[0]?.value ?? '';
  const keepalive = directives.find(directive => directive.name === 'keepalive');
  const members = directives.filter(directive => directive.name === 'server').map(member);
  const resolvedNames = members.flatMap(one => (one.resolve && one.host !== undefined && !isIpLiteral(one.host) ? [one.host] : []));
  const settings = directives.filter(directive => directive.name !== 'server').map(directive => [directive.name, toSetting(directive)] as const);
  return {
    id: `${instanceId} upstream ${name}`,
    instanceId,
    name,
    explicit: true,
    origin: { path: upstream.path, line: upstream.line },
    ...(keepalive === undefined ? {} : { keepalive: toSetting(keepalive) }),
    zone: directives.some(directive => directive.name === 'zone'),
    settings: Object.fromEntries(settings),
    ...(resolvedNames.length === 0 ? {} : { resolvedNames }),
    members,
  };
}

/** The group that nginx makes for a pass to an address. */
export function implicitGroup(target: PassTarget, route: Route, instanceId: string): WrittenGroup {
  const address = target.path === undefined ? { host: target.host ?? '', ...(target.port === undefined ? {} : { port: target.port }) } : { path: target.path };
  return {
    id: `${instanceId} address ${target.name}${target.tls ? ' tls' : ''}`,
    instanceId,
    name: target.name,
    explicit: false,
    origin: route.origin,
    zone: false,
    settings: {},
    members: [{ written: target.name, ...address, resolve: false, flags: plainFlags, origin: route.origin }],
  };
}

function member(server: ConfigDirective): WrittenMember {
  const [written = '', ...parameters] = server.args.map(arg => arg.value);
  const value = (name: string): string | undefined => parameters.find(parameter => parameter.startsWith(`${name}=`))?.slice(name.length + 1);
  const unix = written.startsWith('unix:');
  const { host, port } = splitHostPort(written);
  return {
    written,
    ...(unix ? { path: written.slice(5) } : { host, port: port ?? 80 }),
    resolve: parameters.includes('resolve'),
    flags: {
      down: parameters.includes('down'),
      backup: parameters.includes('backup'),
      maxFails: Number(value('max_fails') ?? 1),
      failTimeoutMs: parseTime(value('fail_timeout') ?? '') ?? 10_000,
      maxConns: Number(value('max_conns') ?? 0),
    },
    origin: { path: server.path, line: server.line },
  };
}
