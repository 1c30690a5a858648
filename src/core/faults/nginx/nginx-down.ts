import { defineFault, ruledOut } from '../../model/fault.ts';
import { valueOr } from '../../model/fact.ts';
import type { SystemdUnit } from '../../model/facts/system.ts';
import type { Evidence } from '../../model/finding.ts';
import { listenerEvidence } from '../../model/evidence.ts';
import { bindFailures, holdersOfPorts, outageEvidence, outagesOf } from '../../model/nginx-outage.ts';

/**
 * nginx does not run although it is set up to, or did within the window. Not where another program has its ports: then nginx
 * either could not start for that (nginx-port-conflict) or was replaced on purpose.
 */
export default defineFault({
  meta: {
    id: 'nginx-down',
    layer: 'nginx',
    title: 'nginx itself is not running',
    explains: ['client-refused'],
    requires: ['nginx-instances'],
    uses: ['systemd-units', 'listeners', 'processes', 'nginx-access-log', 'nginx-error-log', 'topology', 'hops'],
    leadsTo: [],
    messages: {
      failed: '{unit} has failed{result}: no nginx runs with {config}, and clients are refused.',
      stopped: '{unit} is {state}{since}, although it is {wanted}: no nginx runs with {config}, and clients are refused.',
      gone: 'No nginx runs with {config}, although it answered requests within the window; clients are refused.',
    },
  },
  *detect(facts, { sinceMs }) {
    const instances = facts['nginx-instances'];
    const units = valueOr(facts['systemd-units'], []);
    const listeners = valueOr(facts.listeners, []);
    const topology = valueOr(facts.topology, undefined);
    const groups = valueOr(facts['nginx-error-log'], undefined)?.groups.filter(group => group.class === 'bind-failed') ?? [];
    for (const outage of outagesOf({ instances, units, lastRequestMs: valueOr(facts['nginx-access-log'], undefined)?.lastMs, sinceMs })) {
      const { instance, unit, why } = outage;
      const conflict = bindFailures(unit?.journal ?? [], unit?.name ?? '', groups, listeners, valueOr(facts.processes, []))[0];
      if (conflict !== undefined) {
        yield ruledOut(`nginx was started and could not have ${conflict.address}`);
        continue;
      }
      const holders = holdersOfPorts(instance, topology?.servers ?? [], listeners);
      const [holder] = holders;
      if (holder !== undefined) {
        yield ruledOut(`another program serves the port of ${instance.configPath} (${listenerEvidence(holder).text})`);
        continue;
      }
      const ports = new Set(
        topology?.servers
          .filter(server => server.instanceId === instance.id)
          .flatMap(server => server.listens.flatMap(({ address }) => (address.kind === 'tcp' ? [address.port] : []))),
      );
      // Where it stands behind another nginx, it is a backend, and is told as one.
      const isBackend = valueOr(facts.hops, []).some(hop => hop.unit !== undefined && hop.unit.name === unit?.name);
      if (isBackend) continue;
      const proof: Evidence[] = [
        ...outageEvidence(outage),
        ...(ports.size > 0 && facts.listeners.state === 'known'
          ? [{ source: 'listeners', text: `nobody listens on ${[...ports].slice(0, 8).join(', ')}` }]
          : []),
      ];
      const [first = { source: 'processes', text: 'no nginx runs' }, ...rest] = proof;
      yield {
        confidence: unit === undefined ? 'likely' : 'confirmed',
        status: 'active',
        subject: {
          kind: unit === undefined ? 'nginx' : 'unit',
          id: unit === undefined ? instance.id : `unit:${unit.name}`,
          name: unit?.name ?? instance.binary,
          peers: [instance.id],
        },
        messageId: unit === undefined ? 'gone' : why === 'failed' ? 'failed' : 'stopped',
        data: {
          unit: unit?.name ?? '',
          result: unit === undefined || unit.result === 'success' ? '' : ` (result ${unit.result})`,
          state: unit?.activeState ?? '',
          since: sinceText(unit),
          wanted: why === 'enabled' ? 'enabled' : 'what answered requests within the window',
          config: instance.configPath,
        },
        evidence: [first, ...rest],
        symptoms: instances.every(one => !one.running) ? ['client-refused'] : [],
        fixData: { instance: instance.id, ...(unit === undefined ? {} : { unit: unit.name }) },
      };
    }
  },
});

function sinceText(unit: SystemdUnit | undefined): string {
  const end = unit?.inactiveEnterMs ?? unit?.execMainExitMs;
  return end === undefined ? '' : ` since ${new Date(end).toISOString().slice(0, 19)}Z`;
}
