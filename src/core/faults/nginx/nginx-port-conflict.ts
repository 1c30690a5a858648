import { defineFault } from '../../model/fault.ts';
import { valueOr } from '../../model/fact.ts';
import { unitEvidence } from '../../model/evidence.ts';
import type { SystemdUnit } from '../../model/facts/system.ts';
import type { Detection, Evidence } from '../../model/finding.ts';
import { loadedMs } from '../../model/nginx-commands.ts';
import { bindFailures, holderEvidence, type BindFailure } from '../../model/nginx-outage.ts';

type MessageId = 'taken' | 'was-taken' | 'old-nginx' | 'reload';

/**
 * nginx could not bind an address, because another process has it. It shows when nginx is started (its unit fails) and when a
 * running one is told to listen on one address more (the reload is refused). A second start by hand beside a running nginx
 * prints the same and harms nobody.
 */
export default defineFault({
  meta: {
    id: 'nginx-port-conflict',
    layer: 'nginx',
    title: 'nginx cannot bind its address: another process has it',
    explains: ['client-refused', 'bind-failed'],
    requires: ['nginx-instances', 'listeners'],
    uses: ['systemd-units', 'processes', 'nginx-error-log'],
    leadsTo: ['nginx-down', 'nginx-config-not-reloaded'],
    messages: {
      taken: '{unit} could not start: {address} belongs to {holder}.',
      'was-taken': '{unit} could not start, because another process had {address}. Nobody has it any more, so a start would succeed now.',
      'old-nginx':
        '{unit} could not start, because an nginx that runs outside it (pid {pid}) still has {address}. That one answers requests with the configuration it was started with; when it ends, or the host boots, nobody does.',
      reload:
        'nginx was told to listen on {address} too, which belongs to {holder}. It refused the whole reload and goes on with the configuration from before.',
    },
  },
  *detect({ listeners, ...facts }, { sinceMs }) {
    const instances = facts['nginx-instances'];
    const processes = valueOr(facts.processes, []);
    const groups = valueOr(facts['nginx-error-log'], undefined)?.groups.filter(group => group.class === 'bind-failed') ?? [];
    const nginxPids = new Set(instances.flatMap(instance => [instance.masterPid ?? 0, ...instance.workers.map(worker => worker.pid)]));
    const isNginx = (failure: BindFailure): boolean => failure.holder?.pids.some(pid => nginxPids.has(pid)) === true;
    const allDown = instances.every(instance => !instance.running);
    const stopped = valueOr(facts['systemd-units'], []).filter(
      unit => isStopped(unit) && (instances.some(one => one.unit === unit.name) || unit.journal.some(line => line.identifier === 'nginx')),
    );
    let isTold = false;
    for (const unit of stopped) {
      const running = instances.find(one => one.unit === unit.name && one.running);
      const failures = bindFailures(unit.journal, unit.name, allDown ? groups : [], listeners, processes).filter(failure => isRecent(failure, unit, sinceMs));
      const [failure] = failures.toSorted((a, b) => Number(b.holder !== undefined) - Number(a.holder !== undefined));
      if (failure === undefined || running !== undefined) continue;
      isTold = true;
      const old = isNginx(failure);
      yield {
        ...said(failure, [unitEvidence(unit)], unit.name, old ? 'old-nginx' : failure.holder === undefined ? 'was-taken' : 'taken'),
        confidence: failure.holder === undefined ? 'likely' : 'confirmed',
        status: old ? 'latent' : 'active',
        symptoms: allDown ? ['client-refused'] : [],
      };
    }
    if (isTold) return;
    for (const failure of bindFailures([], '', groups, listeners, processes)) {
      if (failure.timeMs < sinceMs) continue;
      const instance = instances.find(one => one.running);
      if (allDown) {
        yield {
          ...said(failure, [], 'nginx', failure.holder === undefined ? 'was-taken' : 'taken'),
          confidence: failure.holder === undefined ? 'likely' : 'confirmed',
          status: 'active',
          symptoms: ['client-refused'],
        };
      } else if (failure.holder !== undefined && !isNginx(failure) && instance !== undefined && failure.timeMs > (loadedMs(instance) ?? 0)) {
        yield { ...said(failure, [], instance.id, 'reload'), confidence: 'confirmed', status: 'latent', symptoms: [] };
      }
    }
  },
});

function said(
  failure: BindFailure,
  more: readonly Evidence[],
  owner: string,
  messageId: MessageId,
): Pick<Detection<MessageId>, 'subject' | 'messageId' | 'data' | 'evidence' | 'fixData'> {
  const { address, holder, holderProcess } = failure;
  const who =
    holderProcess === undefined
      ? 'a process that only root can see'
      : `${holderProcess.comm} (pid ${holderProcess.pid}${holderProcess.unit === undefined ? '' : `, ${holderProcess.unit}`})`;
  const [first = { source: 'listeners', text: address }, ...rest] = [...failure.evidence, ...holderEvidence(failure), ...more];
  return {
    subject: { kind: 'nginx', id: owner, name: address, peers: [owner] },
    messageId,
    data: { unit: owner, address, holder: who, pid: holderProcess?.pid ?? '?' },
    evidence: [first, ...rest],
    fixData: {
      address,
      owner,
      messageId,
      ...(holderProcess === undefined ? {} : { pid: holderProcess.pid, comm: holderProcess.comm }),
      ...(holderProcess?.unit === undefined ? {} : { holderUnit: holderProcess.unit }),
      ...(holder?.kind === 'tcp' ? { port: holder.port } : {}),
    },
  };
}

function isStopped(unit: SystemdUnit): boolean {
  return unit.loadState === 'loaded' && unit.activeState !== 'active' && unit.activeState !== 'reloading';
}

/** The start that failed lies in the window, or its failure is what an enabled unit still shows. */
function isRecent(failure: BindFailure, unit: SystemdUnit, sinceMs: number): boolean {
  return failure.timeMs >= sinceMs || (unit.activeState === 'failed' && unit.unitFileState === 'enabled');
}
