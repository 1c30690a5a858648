import { defineFault } from '../../model/fault.ts';
import { valueOr } from '../../model/fact.ts';
import { configLine } from '../../model/config-line.ts';
import { symptomEvidence } from '../../model/evidence.ts';
import type { LogFormat, ServerBlock } from '../../model/facts/topology.ts';
import type { Evidence } from '../../model/finding.ts';
import { isLoose, whoAnswered } from '../../model/who-answered.ts';

/** What tells who made an error: the first two name the peer and its answer, one of the others shows whether it was an answer. */
const wanted = ['upstream_status', 'upstream_addr', 'upstream_header_time', 'upstream_connect_time', 'upstream_bytes_received'] as const;

/**
 * The access log cannot tell who made an error. That is advice, as nothing fails by it; it becomes a matter of its own where
 * requests fail and nothing else on the host tells who answered them.
 */
/** So few among many failures whose maker is known are of the same kind: two logs that are read at once have different ends. */
const straying = 0.05;

export default defineFault({
  meta: {
    id: 'logging-not-ready',
    layer: 'nginx',
    title: 'The access log cannot tell who made an error',
    explains: ['unattributed-5xx'],
    requires: ['topology', 'nginx-layout'],
    uses: ['symptoms', 'hops', 'nginx-error-log', 'nginx-config'],
    leadsTo: [],
    advice: true,
    messages: {
      latent:
        'The format {format}, with which {servers} log their requests, lacks {missing}. When a backend answers 502 itself, no log will say that it was the backend.',
      blind: '{count} requests failed with {status}, and nothing on this host says who answered them: the format {format} lacks {missing}, and {besides}.',
    },
  },
  *detect({ topology, 'nginx-layout': layout, ...facts }) {
    const proxying = topology.servers.filter(server => topology.routes.some(route => route.serverId === server.id));
    const hops = valueOr(facts.hops, []);
    const loose = valueOr(facts.symptoms, []).filter(isLoose);
    const failed = valueOr(facts.symptoms, []).reduce((sum, symptom) => sum + symptom.count, 0);
    const answers = loose
      .filter(symptom => symptom.count > failed * straying)
      .map(symptom => ({ symptom, who: whoAnswered(symptom, { hops, topology, errorLog: facts['nginx-error-log'] }) }));
    for (const [key, servers] of byFormat(proxying)) {
      const [server] = servers;
      const [log] = server?.accessLogs ?? [];
      const format = layout.logFormats.find(one => one.name === log?.format && one.instanceId === server?.instanceId);
      if (server === undefined || log === undefined || format === undefined || servers.every(one => isReady(one, layout.logFormats))) continue;
      const paths = new Set(servers.flatMap(one => one.accessLogs.map(each => each.path)));
      const open = answers.filter(({ symptom, who }) => who.state !== 'one' && symptom.accessGroups.some(group => paths.has(group.path)));
      const [first] = open;
      const missing = wanted.filter(name => !has(format, name));
      const shown: Evidence[] =
        format.origin.kind === 'file' ? [configLine(facts['nginx-config'], format.origin, `log_format ${format.name} '${format.format}'`.slice(0, 300))] : [];
      const logLine: Evidence[] =
        log.origin.kind === 'file'
          ? [configLine(facts['nginx-config'], log.origin, `access_log ${log.path}${log.format === 'combined' ? '' : ` ${log.format}`};`)]
          : [];
      const [
        head = { source: `default of nginx ${log.origin.kind === 'default' ? log.origin.version : ''}`, text: `access_log ${log.path} ${log.format};` },
        ...rest
      ] = [...open.flatMap(({ symptom }) => symptomEvidence(symptom, 1)).slice(0, 2), ...logLine, ...shown];
      yield {
        confidence: 'confirmed',
        status: first === undefined ? 'latent' : first.symptom.ongoing ? 'active' : 'past',
        subject: { kind: 'file', id: `log_format ${key}`, name: `log_format ${format.name}`, peers: [] },
        messageId: first === undefined ? 'latent' : 'blind',
        data: {
          format: format.name,
          servers: named(servers),
          missing: missing.map(name => `$${name}`).join(', '),
          count: open.reduce((sum, { symptom }) => sum + symptom.count, 0),
          status: [...new Set(open.map(({ symptom }) => symptom.status ?? '5xx'))].join(' and '),
          besides:
            first?.who.state === 'several'
              ? 'several backends come into question'
              : first?.who.state === 'unread'
                ? 'the error log, which could tell by its silence, was not read or leaves errors out'
                : 'no backend comes into question',
        },
        evidence: [head, ...rest],
        symptoms: open.map(({ symptom }) => symptom.id),
        fixData: {
          instance: server.instanceId,
          format: format.name,
          missing,
          logs: servers.flatMap(one =>
            one.accessLogs
              .filter(each => each.format === format.name)
              .flatMap(each => (each.origin.kind === 'file' ? [{ path: each.origin.path, line: each.origin.line }] : [])),
          ),
        },
      };
    }
  },
});

/** Servers by the format of their first access log; those that log nothing chose so. */
function byFormat(servers: readonly ServerBlock[]): ReadonlyMap<string, readonly ServerBlock[]> {
  const map = new Map<string, ServerBlock[]>();
  for (const server of servers) {
    const [log] = server.accessLogs;
    if (log === undefined) continue;
    const key = `${server.instanceId} ${log.format}`;
    map.set(key, [...(map.get(key) ?? []), server]);
  }
  return map;
}

/** One of its logs tells the peer, the peer's status, and whether an answer came. */
function isReady(server: ServerBlock, formats: readonly LogFormat[]): boolean {
  return server.accessLogs.some(log => {
    const format = formats.find(one => one.name === log.format && one.instanceId === server.instanceId);
    if (format === undefined) return true;
    return has(format, 'upstream_status') && has(format, 'upstream_addr') && (has(format, 'upstream_header_time') || has(format, 'upstream_bytes_received'));
  });
}

function has(format: LogFormat, name: string): boolean {
  return format.format.includes(`$${name}`) || format.format.includes(`\${${name}}`);
}

function named(servers: readonly ServerBlock[]): string {
  const names = [...new Set(servers.map(server => server.names.find(name => name !== '_' && name !== '') ?? `${server.origin.path}:${server.origin.line}`))];
  return names.length > 3 ? `${names.slice(0, 3).join(', ')} and ${names.length - 3} more` : names.join(' and ');
}
