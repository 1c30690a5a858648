import { defineFault } from '../../model/fault.ts';
import { valueOr } from '../../model/fact.ts';
import { newerFiles, pendingConfigs } from '../../model/config-in-force.ts';
import type { ConfigDirective, NginxConfig, NginxConfigTest, NginxInstance } from '../../model/facts/nginx.ts';
import type { Evidence } from '../../model/finding.ts';
import { loadedMs, shellLine, testCommand } from '../../model/nginx-commands.ts';
import { outagesOf } from '../../model/nginx-outage.ts';

/**
 * nginx's own test refuses the configuration on disk. A running nginx goes on with what it has in memory, so users notice
 * nothing until a restart; one that does not run cannot start. A test that was refused its rights says nothing and is no finding.
 */
export default defineFault({
  meta: {
    id: 'nginx-config-invalid',
    layer: 'nginx',
    title: '`nginx -t` refuses the configuration on disk',
    explains: ['client-refused', 'connect-refused', 'connect-no-file', 'connect-denied', 'connect-timeout', 'premature-close', 'reset', 'read-timeout'],
    requires: ['nginx-config-test', 'nginx-instances'],
    uses: ['nginx-config', 'systemd-units', 'nginx-access-log', 'hops', 'topology', 'listeners'],
    leadsTo: ['nginx-down', 'nginx-config-not-reloaded'],
    messages: {
      running:
        'nginx -t says: {error}{where}. The workers go on with the configuration that they have in memory, so nothing fails yet; a reload is refused, and a restart takes the site down{newer}.',
      stopped: 'nginx does not run and cannot start, because nginx -t says: {error}{where}{newer}.',
      pending: 'nginx -t says: {error}{where}. So what was changed on disk cannot be loaded, and requests fail meanwhile: {difference}{newer}.',
    },
  },
  *detect(facts, { sinceMs }) {
    const instances = facts['nginx-instances'];
    const configs = valueOr(facts['nginx-config'], []);
    const access = valueOr(facts['nginx-access-log'], undefined);
    const outages = outagesOf({ instances, units: valueOr(facts['systemd-units'], []), lastRequestMs: access?.lastMs, sinceMs });
    const topology = valueOr(facts.topology, undefined);
    const pending =
      topology === undefined
        ? []
        : pendingConfigs({ instances, configs, hops: valueOr(facts.hops, []), topology, listeners: valueOr(facts.listeners, undefined) });
    for (const test of facts['nginx-config-test']) {
      const instance = instances.find(one => one.id === test.instanceId);
      const isDown = outages.some(outage => outage.instance.id === test.instanceId);
      if (test.ok || test.denied || instance === undefined || (!instance.running && !isDown)) continue;
      const config = configs.find(one => one.instanceId === test.instanceId);
      const place = placeOf(test, config);
      const lately = pending.find(one => one.instance.id === instance.id);
      const symptoms = lately?.differences.flatMap(one => one.symptoms) ?? [];
      const common = {
        confidence: 'confirmed',
        subject: {
          kind: 'file',
          id: place?.path ?? instance.configPath,
          name: place === undefined ? instance.configPath : `${place.path}:${place.line}`,
          peers: [...new Set([instance.id, ...(lately?.differences.flatMap(one => one.peers) ?? [])])],
        },
        data: {
          error: test.error?.text ?? test.output.at(-1) ?? 'the test failed without a reason',
          where: place === undefined ? '' : ` in ${place.path}:${place.line}`,
          newer: newerText(instance, config),
          difference: lately?.differences[0]?.text ?? '',
        },
        evidence: evidenceOf(test, instance, config, place),
        fixData: { instance: instance.id, ...(place === undefined ? {} : { path: place.path, line: place.line }), error: test.error?.text ?? '' },
      } as const;
      if (!instance.running) yield { ...common, status: 'active', messageId: 'stopped', symptoms: isAllDown(instances) ? ['client-refused'] : [] };
      else if (symptoms.some(symptom => symptom.ongoing))
        yield { ...common, status: 'active', messageId: 'pending', symptoms: symptoms.map(symptom => symptom.id) };
      else yield { ...common, status: 'latent', messageId: 'running', symptoms: [] };
    }
  },
});

function isAllDown(instances: readonly NginxInstance[]): boolean {
  return instances.every(instance => !instance.running);
}

function evidenceOf(
  test: NginxConfigTest,
  instance: NginxInstance,
  config: NginxConfig | undefined,
  place: { path: string; line: number } | undefined,
): readonly [Evidence, ...Evidence[]] {
  const source = `exec:${shellLine(testCommand(instance))}`;
  const said = test.output.filter(line => line.includes('[emerg]') || line.includes('test failed'));
  const [first = { source, text: 'test failed' }, ...rest]: Evidence[] = (said.length > 0 ? said : test.output).slice(0, 3).map(text => ({ source, text }));
  const text = place === undefined ? undefined : config?.files.find(file => file.path === place.path)?.text;
  const lines = text?.split('\n') ?? [];
  // nginx names the line on which it noticed; what is wrong is often the one above it.
  const shown = place === undefined ? [] : [place.line - 1, place.line].filter(line => line >= 1 && (lines[line - 1] ?? '').trim() !== '');
  return [first, ...rest, ...shown.map(line => ({ source: `config:${place?.path ?? ''}:${line}`, text: (lines[line - 1] ?? '').trim().slice(0, 300) }))];
}

/** Where the mistake is: as nginx says, or the directive that names the file that nginx could not load. */
function placeOf(test: NginxConfigTest, config: NginxConfig | undefined): { readonly path: string; readonly line: number } | undefined {
  const { error } = test;
  if (error === undefined) return undefined;
  if (error.path !== undefined && error.line !== undefined) return { path: error.path, line: error.line };
  const quoted = error.text.split('"')[1];
  const named = quoted === undefined || config === undefined ? undefined : findNaming(config.directives, quoted, 0);
  return named === undefined ? undefined : { path: named.path, line: named.line };
}

function findNaming(directives: readonly ConfigDirective[], text: string, depth: number): ConfigDirective | undefined {
  if (depth > 64 || text === '') return undefined;
  for (const directive of directives) {
    if (
      directive.args.some(
        arg => arg.value === text || arg.value === `unix:${text}` || (text.startsWith('/') && arg.value.length > 3 && text.endsWith(`/${arg.value}`)),
      )
    )
      return directive;
    const inside = [...(directive.block ?? []), ...(directive.included ?? []).flatMap(file => file.directives)];
    const found = findNaming(inside, text, depth + 1);
    if (found !== undefined) return found;
  }
  return undefined;
}

function newerText(instance: NginxInstance, config: NginxConfig | undefined): string {
  const since = loadedMs(instance);
  const newer = since === undefined ? [] : newerFiles(config, since);
  if (newer.length === 0) return '';
  const names = newer.slice(0, 3).map(file => file.path);
  return `; changed after the workers began: ${names.join(', ')}${newer.length > 3 ? ` and ${newer.length - 3} more` : ''}`;
}
