import { defineDerivation } from '../model/collector.ts';
import { known, type Known } from '../model/fact.ts';
import type { ConfigDirective, NginxConfig, NginxInstance, SettingOrigin } from '../model/facts/nginx.ts';
import type { LogFormat, NginxLayout, Route, WrittenGroup } from '../model/facts/topology.ts';
import { flatten, originOf, type Chain } from './directives.ts';
import { explicitGroup, implicitGroup } from './layout-groups.ts';
import { routesOf } from './layout-routes.ts';
import { errorLogsIn, serverBlock } from './layout-servers.ts';
import { isIpLiteral } from './pass-target.ts';
import { mapValues } from './target-values.ts';

/** Version taken where the binary could not be asked: the newest whose defaults differ is not assumed. */
const assumedVersion = '1.22.1';

// nginx's own predefined format (src/http/modules/ngx_http_log_module.c).
const combined = '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"';

export default defineDerivation({
  id: 'nginx-layout',
  title: 'servers, locations and upstreams of the nginx configuration',
  needs: ['nginx-config', 'nginx-config-dump', 'nginx-instances'],
  derive(facts): Known<NginxLayout> {
    const source = facts['nginx-config'].state === 'known' && facts['nginx-config'].value.length > 0 ? facts['nginx-config'] : facts['nginx-config-dump'];
    if (source.state !== 'known') return source;
    const instances = facts['nginx-instances'].state === 'known' ? facts['nginx-instances'].value : [];
    const parts = source.value.map(config =>
      layoutOf(
        config,
        instances.find(instance => instance.id === config.instanceId),
      ),
    );
    return known({
      servers: parts.flatMap(part => part.servers),
      routes: parts.flatMap(part => part.routes),
      groups: parts.flatMap(part => part.groups),
      logFormats: parts.flatMap(part => part.logFormats),
      mainErrorLogs: parts.flatMap(part => part.mainErrorLogs),
      fixedAnswers: parts.flatMap(part => part.fixedAnswers),
      hostNames: [...new Set(parts.flatMap(part => part.hostNames))],
    });
  },
});

function layoutOf(config: NginxConfig, instance: NginxInstance | undefined): NginxLayout {
  const version = instance?.version ?? assumedVersion;
  const main = [...flatten(config.directives)];
  const groups = new Map<string, WrittenGroup>();
  const routes: Route[] = [];
  const servers: NginxLayout['servers'][number][] = [];
  const logFormats: LogFormat[] = [
    { instanceId: config.instanceId, name: 'combined', format: combined, escape: 'default', origin: { kind: 'default', version } },
  ];
  for (const http of main.filter(directive => directive.name === 'http' && directive.block !== undefined)) {
    const chain: Chain = [main, [...flatten(http.block ?? [])]];
    const inHttp = chain[1] ?? [];
    for (const upstream of inHttp.filter(directive => directive.name === 'upstream' && directive.block !== undefined)) {
      const group = explicitGroup(upstream, config.instanceId);
      if (!groups.has(group.name)) groups.set(group.name, group);
    }
    logFormats.push(...inHttp.filter(directive => directive.name === 'log_format').map(directive => logFormat(directive, config.instanceId)));
    const maps = mapValues(inHttp);
    for (const server of inHttp.filter(directive => directive.name === 'server' && directive.block !== undefined)) {
      const block = serverBlock(server, chain, config.instanceId, instance);
      servers.push(block);
      for (const { route, target } of routesOf(server, chain, { serverId: block.id, version, maps })) {
        if (target.variables.length > 0) {
          routes.push(route);
          continue;
        }
        const explicit = groups.get(target.name) ?? groups.get(target.name.toLowerCase());
        const group = explicit?.explicit === true ? explicit : implicitGroup(target, route, config.instanceId);
        if (!groups.has(group.name)) groups.set(group.name, group);
        const { hostName: _named, ...withoutName } = route;
        routes.push({ ...(group.explicit ? withoutName : route), groupId: group.id });
      }
    }
  }
  const all = [...groups.values()];
  return {
    servers,
    routes,
    groups: all,
    logFormats,
    mainErrorLogs: mainLogs(main, config, instance),
    fixedAnswers: [...fixedAnswersIn(main, 0)],
    hostNames: [
      ...new Set([
        ...all.flatMap(group => group.members.flatMap(member => (member.host === undefined || isIpLiteral(member.host) ? [] : [member.host]))),
        ...routes.flatMap(route => (route.hostName === undefined ? [] : [route.hostName])),
      ]),
    ],
  };
}

function mainLogs(main: readonly ConfigDirective[], config: NginxConfig, instance: NginxInstance | undefined): NginxLayout['mainErrorLogs'] {
  const http = main.find(directive => directive.name === 'http');
  const places: Chain[] = http === undefined ? [[main]] : [[main], [main, [...flatten(http.block ?? [])]]];
  const logs = places.flatMap(chain => errorLogsIn(chain, instance));
  const seen = new Set<string>();
  return logs.filter(log => !seen.has(log.path) && seen.add(log.path)).map(log => ({ instanceId: config.instanceId, ...log }));
}

function* fixedAnswersIn(directives: readonly ConfigDirective[], depth: number): Generator<NginxLayout['fixedAnswers'][number]> {
  if (depth > 40) return;
  for (const directive of directives) {
    const status = directive.name === 'return' ? Number(directive.args[0]?.value) : Number.NaN;
    if (status >= 500 && status < 600) yield { status, origin: { path: directive.path, line: directive.line } };
    if (directive.block !== undefined) yield* fixedAnswersIn([...flatten(directive.block)], depth + 1);
  }
}

function logFormat(directive: ConfigDirective, instanceId: string): LogFormat {
  const args = directive.args.map(arg => arg.value);
  const escapeArg = args[1]?.startsWith('escape=') === true ? args[1].slice(7) : undefined;
  const escape = escapeArg === 'json' || escapeArg === 'none' ? escapeArg : 'default';
  const origin: SettingOrigin = originOf(directive);
  return { instanceId, name: args[0] ?? '', format: args.slice(escapeArg === undefined ? 1 : 2).join(''), escape, origin };
}
