import { probeEvidence, symptomEvidence } from '../../model/evidence.ts';
import { defineFault, ruledOut } from '../../model/fault.ts';
import { symptomsOf } from '../../model/hop-symptoms.ts';
import type { PathSizes, SizedQuestion, TcpTransfer } from '../../model/facts/network.ts';
import type { Symptom } from '../../model/facts/topology.ts';
import type { Evidence } from '../../model/finding.ts';

const explains: readonly Symptom['class'][] = ['read-timeout', 'send-timeout', 'truncated', 'no-live-upstreams', 'server-disabled'];
/** A link that carries less is not used for IP; what asks for less and gets no answer has another reason. */
const leastPacket = 576;

export default defineFault({
  meta: {
    id: 'mtu-blackhole',
    layer: 'network',
    title: 'Large packets to or from the backend vanish on the way',
    explains,
    requires: ['hops', 'path-sizes'],
    leadsTo: [
      'backend-slower-than-timeout',
      'backend-hung',
      'timeout-chain-inverted',
      'worker-pool-exhausted',
      'response-truncated',
      'app-returned-5xx',
      'no-live-upstreams',
      'max-fails-amplification',
      'retries-hide-failures',
    ],
    messages: {
      measured:
        '{address} answers the same question in packets of {passes} bytes, and never in packets of {lost} bytes, though this host sends up to {mtu}. A link on the way carries less, and no router tells this host so: small answers pass, large ones hang.',
      resent:
        'Full packets of {mtu} bytes to {address} are sent again and again ({retransmits} times on one connection, nothing of them acknowledged), while small ones are answered. A link on the way seems to carry less, and no router tells this host so.',
      learned:
        'A router on the way to {address} says that it carries no more than {learned} bytes, and this host sends up to {mtu}. {page} got no answer all the same{again}: most probably that word does not reach the other host, whose large packets vanish. This host now keeps it in mind for ten minutes, in which new connections pass.',
      hole: 'Of an answer of {address} the end arrives and the beginning never does ({outOfOrder} packets out of turn, {received} bytes taken), while small answers come at once: most probably its large packets vanish on the way.',
    },
  },
  *detect({ hops, 'path-sizes': paths }) {
    for (const path of paths) {
      const hop = hops.find(one => one.peer.id === path.peerId);
      const symptoms = hop === undefined ? [] : symptomsOf(hop, explains).filter(isLate);
      if (hop === undefined || symptoms.length === 0) continue;
      const sizes = limitsOf(path.asked);
      const isSmallQuick = path.asked.some(isSmallAnswer) || hop.probes.some(probe => probe.outcome.state === 'answered' && probe.outcome.answer.complete);
      const judged = isSmallQuick ? judge(path, sizes) : undefined;
      if (judged === undefined) {
        if (sizes.isFullAnswered) yield ruledOut(`a request that fills whole packets reaches ${path.peerId} and is answered`);
        continue;
      }
      const { messageId, confidence, evidence } = judged;
      const mtu = path.mtu ?? 1500;
      const transfer = messageId === 'hole' ? holeIn(path) : resentIn(path);
      const { page } = path;
      yield {
        confidence,
        status: messageId !== 'resent' || symptoms.some(symptom => symptom.ongoing) ? 'active' : 'past',
        subject: hop.subject,
        messageId,
        data: {
          address: path.peerId,
          mtu,
          passes: sizes.passes ?? '?',
          lost: sizes.lost ?? '?',
          retransmits: transfer?.retransmits ?? 0,
          outOfOrder: transfer?.outOfOrder ?? 0,
          received: transfer?.bytesReceived ?? 0,
          learned: path.learned?.mtu ?? '?',
          again: isCured(path) ? ', and came at once when this host asked for packets that fit' : '',
          page: page === undefined || page.request.kind !== 'http' ? 'A page' : `GET ${page.request.path}`,
        },
        evidence: [
          ...evidence,
          ...(path.mtuText === undefined ? [] : [{ source: `exec:ip link and route to ${path.address}`, text: path.mtuText }]),
          ...(page === undefined || page.outcome.state === 'not-asked' ? [] : [probeEvidence(page)]),
          ...symptoms.slice(0, 2).flatMap(symptom => symptomEvidence(symptom, 1)),
        ],
        symptoms: symptoms.map(symptom => symptom.id),
        fixData: {
          address: path.address,
          mtu: sizes.passes ?? path.learned?.mtu ?? 1280,
          isMeasured: sizes.passes !== undefined || path.learned !== undefined,
        },
      };
    }
  },
});

/** Of answers that were cut short those on which nginx gave up waiting: what a backend cuts has another reason. */
function isLate(symptom: Symptom): boolean {
  return symptom.class !== 'truncated' || symptom.errorGroups.some(group => group.messageId === 'upstream-timed-out');
}

interface Judged {
  readonly messageId: 'measured' | 'resent' | 'learned' | 'hole';
  readonly confidence: 'confirmed' | 'likely';
  readonly evidence: [Evidence, ...Evidence[]];
}

function judge(path: PathSizes, { largest, smallest, isSure, isFullAnswered }: Limits): Judged | undefined {
  const { learned, page, asked } = path;
  const resent = resentIn(path);
  if (isSure && largest !== undefined && smallest !== undefined) {
    const more = resent === undefined ? [] : [transferEvidence(path, resent)];
    return { messageId: 'measured', confidence: 'confirmed', evidence: [probeEvidence(largest.probe), probeEvidence(smallest.probe), ...more] };
  }
  // Some size was asked for and says otherwise: what is seen then is loss, or a backend that answers now and then.
  if (smallest !== undefined) return undefined;
  if (!isFullAnswered && asked.length === 0 && resent !== undefined)
    return { messageId: 'resent', confidence: 'likely', evidence: [transferEvidence(path, resent)] };
  if (!stalls(page)) return undefined;
  const hole = holeIn(path);
  const ofHole = hole === undefined ? [] : [transferEvidence(path, hole)];
  if (learned !== undefined && learned.mtu < (path.mtu ?? 0)) {
    const again = isCured(path) && path.pageAgain !== undefined ? [probeEvidence(path.pageAgain)] : [];
    const said = { source: `exec:ip route get ${path.address}`, text: learned.text };
    // A page that hangs for another reason hangs on a path like this as well.
    return again.length + ofHole.length === 0 ? undefined : { messageId: 'learned', confidence: 'likely', evidence: [said, ...again, ...ofHole] };
  }
  const [first] = ofHole;
  return first === undefined ? undefined : { messageId: 'hole', confidence: 'likely', evidence: [first] };
}

/** The page hung until this host knew the size of the way, and then came whole, in more than one packet. */
function isCured({ page, pageAgain, learned }: PathSizes): boolean {
  if (!stalls(page) || learned === undefined || pageAgain?.outcome.state !== 'answered') return false;
  const { complete, cut, bytes = 0 } = pageAgain.outcome.answer;
  return (complete || cut === 'limit') && bytes > learned.mtu && page !== undefined && pageAgain.ms * 2 < page.ms;
}

interface Limits {
  /** The largest packet that was answered and the smallest that was not, as questions. */
  readonly largest?: SizedQuestion;
  readonly smallest?: SizedQuestion;
  readonly passes?: number;
  readonly lost?: number;
  /** Every smaller one was answered and every larger one was not, the next one three times, and the plain question always was. */
  readonly isSure: boolean;
  /** A request of more than one whole packet was answered. */
  readonly isFullAnswered: boolean;
}

function limitsOf(asked: readonly SizedQuestion[]): Limits {
  const bySize = asked.filter(one => one.packetBytes > 0).toSorted((a, b) => a.packetBytes - b.packetBytes);
  const largest = bySize.findLast(one => one.probe.outcome.state === 'answered');
  const never = bySize.filter(
    one => one.probe.outcome.state === 'no-answer' && !bySize.some(other => other.packetBytes === one.packetBytes && isAnswer(other)),
  );
  const smallest = never[0];
  const [passes, lost] = [largest?.packetBytes, smallest?.packetBytes];
  const plain = asked.filter(one => one.packetBytes === 0);
  const times = never.filter(one => one.packetBytes === lost).length;
  return {
    ...(largest === undefined ? {} : { largest }),
    ...(smallest === undefined ? {} : { smallest }),
    ...(passes === undefined ? {} : { passes }),
    ...(lost === undefined ? {} : { lost }),
    isSure:
      passes !== undefined && lost !== undefined && passes >= leastPacket && passes < lost && times >= 3 && plain.length >= 3 && plain.every(isSmallAnswer),
    isFullAnswered: bySize.at(-1)?.probe.outcome.state === 'answered',
  };
}

function isAnswer({ probe }: SizedQuestion): boolean {
  return probe.outcome.state === 'answered';
}

function isSmallAnswer({ packetBytes, probe }: SizedQuestion): boolean {
  return packetBytes === 0 && probe.outcome.state === 'answered';
}

/** The page came not at all, or stopped in its middle without an end of the connection. */
function stalls(page: PathSizes['page']): boolean {
  if (page === undefined) return false;
  return page.outcome.state === 'no-answer' || (page.outcome.state === 'answered' && page.outcome.answer.cut === 'timeout');
}

/** A connection on which whole segments were sent twice or more and none of them was taken. */
function resentIn({ transfers }: PathSizes): TcpTransfer | undefined {
  return transfers.find(one => one.unacked > 0 && one.retransmits >= 2 && one.bytesRetransmitted >= 2 * one.mss && one.bytesAcked < one.mss);
}

/** A connection on which later segments came and the first is missing. */
function holeIn({ transfers }: PathSizes): TcpTransfer | undefined {
  return transfers.find(one => one.outOfOrder > 0 && one.bytesReceived < one.mss && one.lastReceivedMs > 500);
}

function transferEvidence({ address }: PathSizes, transfer: TcpTransfer): Evidence {
  return { source: `exec:ss -tin dst ${address}`, text: transfer.text };
}
