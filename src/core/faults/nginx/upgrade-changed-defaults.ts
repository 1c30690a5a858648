import { defineFault, ruledOut } from '../../model/fault.ts';
import { probeEvidence, settingEvidence, symptomEvidence } from '../../model/evidence.ts';
import { valueOr } from '../../model/fact.ts';
import { isTogether } from '../../model/deaths.ts';
import type { BackendEvent } from '../../model/facts/backend.ts';
import type { Change } from '../../model/facts/changes.ts';
import type { Hop } from '../../model/facts/hop.ts';
import type { NginxAccessLog } from '../../model/facts/logs.ts';
import type { Symptom } from '../../model/facts/topology.ts';
import { sampleTimesOf } from '../../model/hop-symptoms.ts';
import type { Confidence, Evidence } from '../../model/finding.ts';
import { placesOf, tlsHops } from '../../model/handshakes.ts';
import { formatAddress } from '../../model/host.ts';
import { keptFor, reuseOf, type Reuse } from '../../model/keepalive.ts';
import { crosses, nginxUpgradeOf, type NginxUpgrade } from '../../model/nginx-upgrade.ts';
import type { ProbeResult } from '../../model/probe.ts';
import { newlyRefusedIn } from '../../model/response-header.ts';

/** What a default did to one hop, and how surely. */
interface Effect {
  readonly messageId: 'header' | 'tls' | 'keepalive';
  readonly symptoms: readonly Symptom[];
  readonly confidence: Exclude<Confidence, 'possible'>;
  readonly isSeen: boolean;
  readonly what?: string;
  readonly measured?: string;
  readonly kept?: string;
  readonly evidence: readonly Evidence[];
  readonly fixData: Readonly<Record<string, unknown>>;
}

/** Messages that nginx has had since 1.23.0, for what it passed on before (its CHANGES). */
const newlyRefused = new Set(['dup-header-rejected', 'cl-and-te', 'invalid-content-length', 'unknown-te']);
const ends = new Set<BackendEvent['kind']>(['worker-signal', 'worker-exit', 'worker-recycled', 'request-killed', 'out-of-memory', 'started', 'stopped']);
/** nginx's log has whole seconds. */
const secondMs = 1000;
const shortlyMs = 600_000;

export default defineFault({
  meta: {
    id: 'upgrade-changed-defaults',
    layer: 'nginx',
    title: 'A newer nginx does something else with the same configuration',
    explains: ['invalid-header', 'tls-handshake', 'tls-other', 'reset', 'premature-close', 'probe-failed'],
    requires: ['hops', 'topology', 'changes'],
    uses: ['nginx-instances', 'nginx-access-log', 'idle-connections'],
    leadsTo: ['invalid-response-header', 'keepalive-race', 'tls-protocol-mismatch', 'no-live-upstreams', 'max-fails-amplification', 'retries-hide-failures'],
    messages: {
      header: 'nginx was upgraded from {from} to {to} at {at}. Since 1.23.0 it refuses an answer with {what}, as {address} gives it; {from} passed it on.',
      tls: 'nginx was upgraded from {from} to {to} at {at}. Since 1.23.4 it offers TLS 1.3 to upstreams where no ssl_protocols says otherwise. {address} refuses such a handshake and accepts one of TLS 1.2 alone.',
      keepalive:
        'nginx was upgraded from {from} to {to} at {at}. Since 1.29.7 it keeps connections to an upstream ({kept}) and speaks HTTP/1.1 where nothing says otherwise. {address} closes an idle connection after {measured} s, and what nginx sends in that moment is lost.',
    },
  },
  *detect({ hops, topology, changes, ...facts }) {
    const access = valueOr(facts['nginx-access-log'], undefined);
    const idle = valueOr(facts['idle-connections'], []);
    for (const hop of hops) {
      const upgrade = nginxUpgradeOf(hop, { topology, changes, 'nginx-instances': facts['nginx-instances'] });
      if (upgrade === undefined || hop.peer.flags.down) continue;
      const reuse = reuseOf(hop.peer, topology, facts['nginx-instances']);
      const effects = [refusedHeader(hop, upgrade), offeredTls(hop, upgrade), keptConnections(hop, upgrade, reuse, idle)].filter(one => one !== undefined);
      for (const effect of effects) {
        const failing = effect.symptoms.filter(symptom => symptom.count > 0);
        if (failing.some(symptom => symptom.firstMs < Math.floor(upgrade.atMs / secondMs) * secondMs - secondMs)) {
          yield ruledOut(`requests to ${hop.peer.id} failed in this way before nginx was upgraded`);
          continue;
        }
        const other = changedToo(hop, changes, upgrade, failing, access);
        if (other !== undefined) {
          yield ruledOut(`${other.subject} ${other.verb} as well, before the first request to ${hop.peer.id} failed in this way`);
          continue;
        }
        // Of a backend elsewhere, or one that is younger than the upgrade, nobody knows that it is the same as before.
        const isSame = hop.master !== undefined && hop.master.startMs < upgrade.change.timeMs;
        const isClear = failing.length > 0 && isSame && workedBefore(access, upgrade.atMs);
        const [first, ...rest] = [
          { source: upgrade.change.source, text: `${upgrade.change.subject} ${upgrade.change.verb}` },
          ...effect.evidence,
          ...failing.flatMap(symptom => symptomEvidence(symptom, 2)).slice(0, 3),
        ];
        yield {
          confidence: isClear ? effect.confidence : 'likely',
          status: effect.isSeen || failing.some(symptom => symptom.ongoing) ? 'active' : 'past',
          subject: hop.subject,
          messageId: effect.messageId,
          data: {
            address: hop.peer.id,
            from: upgrade.from,
            to: upgrade.to,
            at: `${new Date(upgrade.change.timeMs).toISOString().slice(0, 19)}Z`,
            what: effect.what ?? '',
            measured: effect.measured ?? '',
            kept: effect.kept ?? '',
          },
          evidence: [first, ...rest],
          symptoms: effect.symptoms.map(symptom => symptom.id),
          fixData: { ...effect.fixData, from: upgrade.change.package?.from ?? '', package: upgrade.change.package?.name ?? '' },
        };
      }
    }
  },
});

function refusedHeader(hop: Hop, upgrade: NginxUpgrade): Effect | undefined {
  if (!crosses(upgrade, '1.23.0')) return undefined;
  const symptoms = hop.symptoms.filter(
    symptom =>
      symptom.class === 'invalid-header' && symptom.errorGroups.length > 0 && symptom.errorGroups.every(group => newlyRefused.has(group.messageId ?? '')),
  );
  const [symptom] = symptoms;
  if (symptom === undefined) return undefined;
  const seen = hop.probes.map(probe => ({ probe, what: newlyRefusedIn(probe) })).find(one => one.what !== undefined);
  return {
    messageId: 'header',
    symptoms,
    // nginx's own line names what it refuses.
    confidence: seen === undefined ? 'likely' : 'confirmed',
    isSeen: seen !== undefined,
    what: seen?.what ?? `what its log names (${symptom.errorGroups[0]?.samples[0]?.message.slice(0, 120) ?? ''})`,
    evidence: seen === undefined ? [] : [probeEvidence(seen.probe), ...headOf(seen.probe)],
    fixData: { default: 'header' },
  };
}

function offeredTls(hop: Hop, upgrade: NginxUpgrade): Effect | undefined {
  const [tls] = crosses(upgrade, '1.23.4') ? tlsHops([hop]) : [];
  const inForce = tls?.route.settings['ssl_protocols'];
  if (tls?.own === undefined || tls.own.isDone || tls.own.request.version !== undefined || inForce?.origin.kind !== 'default') return undefined;
  const { own } = tls;
  const old = tls.all.find(one => one.request.version === 'TLSv1.2' && one.isDone && one.request.serverName === own.request.serverName);
  const symptoms = tls.symptoms.filter(symptom => symptom.class !== 'tls-verify');
  if (own.tls.handshake !== 'failed' || old === undefined || symptoms.length === 0) return undefined;
  return {
    messageId: 'tls',
    symptoms,
    confidence: 'confirmed',
    isSeen: true,
    evidence: [probeEvidence(own.probe), probeEvidence(old.probe), settingEvidence(inForce)],
    fixData: { default: 'tls', places: placesOf(tls.routes.filter(route => route.settings['ssl_protocols']?.origin.kind === 'default')) },
  };
}

function keptConnections(hop: Hop, upgrade: NginxUpgrade, reuse: Reuse | undefined, idle: readonly ProbeResult[]): Effect | undefined {
  // With a directive of its own, the upstream kept connections before.
  if (!crosses(upgrade, '1.29.7') || reuse === undefined || reuse.setting !== undefined) return undefined;
  const probe = idle.find(one => one.request.kind === 'idle' && formatAddress(one.request.address) === hop.peer.id);
  const measured = probe?.outcome.state === 'answered' ? probe.outcome.answer.idle : undefined;
  if (probe === undefined || measured === undefined || measured.ended === 'open' || measured.ended === 'not-kept' || measured.ms >= reuse.timeoutMs)
    return undefined;
  const symptoms = hop.symptoms.filter(
    symptom => (symptom.class === 'reset' || symptom.class === 'premature-close') && symptom.count > 0 && !endedThen(hop, symptom),
  );
  if (symptoms.length === 0) return undefined;
  return {
    messageId: 'keepalive',
    symptoms,
    confidence: 'likely',
    isSeen: false,
    measured: (measured.ms / 1000).toFixed(1),
    kept: keptFor(reuse),
    evidence: [probeEvidence(probe)],
    fixData: {
      default: 'keepalive',
      places: placesOf(hop.routes.filter(route => route.pass === 'proxy' && route.settings['http_version']?.origin.kind === 'default')),
    },
  };
}

/** Some request that its samples show was cut as a process of the backend ended or began. */
function endedThen(hop: Hop, symptom: Symptom): boolean {
  const times = sampleTimesOf(symptom);
  return times.some(timeMs => hop.events.some(event => ends.has(event.kind) && isTogether(event.timeMs, timeMs)));
}

/** Requests were answered before the upgrade, as far as the intervals of the access log tell. */
function workedBefore(access: NginxAccessLog | undefined, atMs: number): boolean {
  if (access === undefined) return false;
  const until = (counts: NginxAccessLog['buckets']['all']): number =>
    counts.starts.reduce((sum, start, index) => (start <= atMs ? sum + (counts.counts[index] ?? 0) : sum), 0);
  const firstMs = Math.min(...access.coverage.map(log => log.firstMs ?? Number.POSITIVE_INFINITY));
  return firstMs < atMs && until(access.buckets.all) > until(access.buckets.failed);
}

/**
 * Something of the backend's own was changed too: after the upgrade and before the first failure, or shortly before the upgrade without an answer
 * in between. It may as well be that.
 */
function changedToo(
  hop: Hop,
  changes: readonly Change[],
  upgrade: NginxUpgrade,
  symptoms: readonly Symptom[],
  access: NginxAccessLog | undefined,
): Change | undefined {
  const firstMs = Math.min(...symptoms.map(symptom => symptom.firstMs)) + secondMs;
  const goodMs = (access?.lastGoodMs ?? Number.NEGATIVE_INFINITY) + secondMs;
  return changes.find(
    ({ timeMs, serviceIds }) =>
      hop.service !== undefined &&
      serviceIds?.includes(hop.service.id) === true &&
      timeMs <= firstMs &&
      (timeMs >= upgrade.change.timeMs || (timeMs >= upgrade.change.timeMs - shortlyMs && timeMs >= goodMs)),
  );
}

function headOf(probe: ProbeResult): Evidence[] {
  const head = probe.outcome.state === 'answered' ? probe.outcome.answer.head : undefined;
  return head === undefined ? [] : [{ source: probeEvidence(probe).source, text: JSON.stringify(head.slice(0, 300)) }];
}
