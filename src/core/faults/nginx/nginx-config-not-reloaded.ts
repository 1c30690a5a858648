import { defineFault, ruledOut } from '../../model/fault.ts';
import { valueOr } from '../../model/fact.ts';
import { pendingConfigs, type PendingConfig } from '../../model/config-in-force.ts';
import type { Detection, Evidence } from '../../model/finding.ts';

/**
 * The workers run on a configuration that is no longer the one on disk. A newer file alone proves nothing, as it may only
 * have been touched: what the workers do must be at odds with what the files say.
 */
export default defineFault({
  meta: {
    id: 'nginx-config-not-reloaded',
    layer: 'nginx',
    title: 'nginx runs on a configuration that is no longer the one on disk',
    explains: [
      'connect-refused',
      'connect-no-file',
      'connect-denied',
      'connect-timeout',
      'connect-unreachable',
      'connect-queue-full',
      'connect-reset',
      'premature-close',
      'reset',
      'read-timeout',
      'no-valid-header',
      'header-too-big',
      'invalid-header',
      'protocol-error',
      'tls-wrong-version',
      'tls-handshake',
      'tls-other',
    ],
    requires: ['nginx-instances', 'nginx-config', 'hops', 'topology'],
    uses: ['listeners', 'nginx-config-test'],
    leadsTo: [
      'backend-down',
      'address-mismatch',
      'socket-missing',
      'socket-stale',
      'socket-permission-denied',
      'localhost-ipv6-mismatch',
      'firewall-reject',
      'firewall-drop',
      'no-live-upstreams',
      'protocol-mismatch',
      'tls-to-plaintext',
      'plaintext-to-tls',
      'backend-slower-than-timeout',
      'app-returned-5xx',
    ],
    messages: {
      newer: 'The workers began at {began}; {files} changed after that and was not loaded: {differences}.',
      unseen:
        'The workers began at {began} and do what no file says any more: {differences}. No file is newer than the workers, so one was removed or put in place with an older time.',
    },
  },
  *detect({ hops, topology, ...facts }) {
    const view = { instances: facts['nginx-instances'], configs: facts['nginx-config'], hops, topology, listeners: valueOr(facts.listeners, undefined) };
    const pending = pendingConfigs(view);
    const refused = new Set(valueOr(facts['nginx-config-test'], []).flatMap(test => (test.ok || test.denied ? [] : [test.instanceId])));
    for (const one of pending) {
      // A file that cannot be loaded at all is another matter as long as nobody misses what it says.
      const isNeeded = one.differences.some(difference => difference.kind !== 'listen');
      if (isNeeded || !refused.has(one.instance.id)) yield found(one);
    }
    const strangers = hops.filter(hop => hop.peer.onlyInLog === true && hop.symptoms.length > 0);
    const isExplained = strangers.every(hop => pending.some(one => one.differences.some(difference => difference.peers.includes(hop.peer.id))));
    if (strangers.length > 0 && !isExplained)
      yield ruledOut(
        `${strangers[0]?.peer.id ?? ''} stands only in the log, but the configuration makes addresses of names or variables, or the lines are older than the workers`,
      );
  },
});

function found({ instance, loadedMs, newer, differences }: PendingConfig): Detection<'newer' | 'unseen'> {
  const symptoms = differences.flatMap(difference => difference.symptoms);
  const peers = [...new Set([instance.id, ...differences.flatMap(difference => difference.peers)])];
  const began = clock(loadedMs);
  const [file] = newer;
  const times: Evidence = {
    source: `proc:${instance.masterPid ?? instance.workers[0]?.pid ?? 0}`,
    text: `workers of ${instance.id} began ${began}${file === undefined ? '' : `; ${file.path} changed ${clock(Math.max(file.modifiedMs ?? 0, file.changedMs ?? 0))}`}`,
  };
  const isGuess = differences.every(difference => difference.kind === 'timeout');
  return {
    confidence: newer.length > 0 && !isGuess ? 'confirmed' : 'likely',
    // A port that was added and is not served yet fails nobody who came before.
    status: symptoms.length === 0 ? 'latent' : symptoms.some(symptom => symptom.ongoing) ? 'active' : 'past',
    subject: { kind: 'nginx', id: instance.id, name: file === undefined ? instance.configPath : file.path, peers },
    messageId: newer.length > 0 ? 'newer' : 'unseen',
    data: {
      began,
      files: `${newer
        .slice(0, 3)
        .map(one => one.path)
        .join(', ')}${newer.length > 3 ? ` and ${newer.length - 3} more` : ''}`,
      differences: differences
        .slice(0, 3)
        .map(difference => difference.text)
        .join('; '),
    },
    evidence: [times, ...differences.flatMap(difference => difference.evidence).slice(0, 5)],
    symptoms: [...new Set(symptoms.map(symptom => symptom.id))],
    fixData: { instance: instance.id },
  };
}

function clock(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}
