import type { Evidence, Finding, FindingStatus } from '../model/finding.ts';
import type { TraceObservation } from '../model/trace.ts';
import { startLower } from '../model/start-lower.ts';
import type { GroupFinding } from './findings.ts';
import { isFailed, isTelling, type Judged, type JudgedHop } from './judge-hop.ts';
import { lookNext, milliseconds, placeOf } from './problem.ts';

/** nginx's proxy_buffer_size where a page of memory has 4 KiB. */
const usualHeaderBytes = 4096;

interface Sides {
  readonly observation: TraceObservation;
  readonly edge: JudgedHop;
  readonly origin: JudgedHop;
  readonly edgeFindings: readonly GroupFinding[];
  readonly originFindings: readonly GroupFinding[];
}

/** What the edge and the origin show side by side; the findings of both, put into their chain. */
export function compareOrigin(sides: Sides): readonly Finding[] {
  const { edge, origin, edgeFindings, originFindings } = sides;
  const [edgeState, originState] = [stateOf(edge.judged), stateOf(origin.judged)];
  const named = originFindings.map(({ finding }) => atOrigin(finding));
  const ofEdge = edgeFindings.map(({ finding }) => finding);
  const differences = differencesOf(sides);
  if (edgeState !== 'good' && originState === 'good') {
    const root = edgeAlone(sides, edgeState);
    const effects = ofEdge.map(finding => (finding.status === 'active' ? { ...finding, causedBy: root.fault } : finding));
    return [root, ...effects, ...named, ...differences];
  }
  if (edgeState !== 'good' && named.some(({ status }) => status === 'active')) {
    const [root, ...others] = named.toSorted((a, b) => Number(b.status === 'active') - Number(a.status === 'active'));
    const share = ofEdge.reduce((sum, { share: each }) => sum + each, 0);
    const answers = ofEdge.filter(({ fault, status }) => fault === 'error-answer' && status === 'active');
    if (root !== undefined && answers.length > 0) {
      const cause = {
        ...root,
        explanation: `${root.explanation}${sameAnswer(edge, origin)}`,
        share: Math.min(1, root.share + share),
        symptoms: [...root.symptoms, ...answers.flatMap(({ symptoms }) => symptoms)],
        consequences: ['error-answer'],
      };
      const isRepeated = root.fault === 'error-answer';
      const effects = ofEdge.map(finding => (answers.includes(finding) ? { ...finding, causedBy: root.fault } : finding));
      return [isRepeated ? { ...cause, consequences: [] } : cause, ...others, ...effects, ...differences];
    }
  }
  // Clients see nothing of what fails behind an edge that answers all the same, from its cache for one.
  const quiet = edgeState === 'good' ? named.map(finding => ({ ...finding, status: 'latent' as FindingStatus, share: 0 })) : named;
  return [...ofEdge, ...quiet, ...differences];
}

/** Whether the edge shows what the origin answered: then it passed that on. */
function sameAnswer(edge: JudgedHop, origin: JudgedHop): string {
  const [shown, made] = [edge, origin].map(({ judged }) => judged.find(isFailed)?.attempt.answer?.response);
  if (shown === undefined || made === undefined || shown.status !== made.status || shown.body.length !== made.body.length) return '';
  if (shown.bodyBytes !== made.bodyBytes || shown.body.some((byte, index) => byte !== made.body[index])) return '';
  return ' The edge shows the same status and page: it passed on what the origin answered.';
}

function stateOf(judged: readonly Judged[]): 'good' | 'bad' | 'mixed' | 'unknown' {
  const telling = judged.filter(isTelling);
  if (telling.length === 0) return 'unknown';
  const bad = telling.filter(isFailed).length;
  return bad === 0 ? 'good' : bad === telling.length ? 'bad' : 'mixed';
}

function atOrigin(finding: Finding): Finding {
  return {
    ...finding,
    title: `At the origin: ${startLower(finding.title)}`,
    subject: { ...finding.subject, name: `the origin, ${finding.subject.name}` },
  };
}

/** The origin answers the same request well: the fault lies before it. */
function edgeAlone({ edge, origin, edgeFindings }: Sides, state: 'bad' | 'mixed' | 'unknown'): Finding {
  const failing = edgeFindings.filter(({ finding }) => finding.status === 'active');
  const bad = edge.judged.find(isFailed);
  const good = origin.judged.find(each => isTelling(each) && !isFailed(each));
  const places = [...new Set(edge.judged.filter(isFailed).map(({ attempt }) => placeOf(attempt)))];
  const asked = origin.judged.filter(isTelling).length;
  const what = failing.map(({ finding }) => startLower(finding.title)).join('; ');
  const evidence: Evidence[] = [bad, good].flatMap(each => (each === undefined ? [] : [summaryOf(each, each === good ? 'origin' : 'edge')]));
  return {
    fault: 'edge-fails-origin-healthy',
    layer: 'network',
    confidence: state === 'bad' ? 'confirmed' : 'likely',
    status: 'active',
    subject: { kind: 'host', id: places[0] ?? edge.hop.host, name: `the edge before ${origin.hop.host}`, peers: places },
    title: 'The edge fails while the origin answers the same request well',
    explanation: `${asked === 1 ? 'One request' : `${asked} requests`} went straight to the origin and ${asked === 1 ? 'was' : 'all were'} answered; through the edge: ${what === '' ? 'no answer' : what}. So the fault lies in the edge or between the two: the address or port that the edge has for the origin, a firewall that lets this machine through and not the edge, the server name, certificate or timeout that the edge uses there, or limits of the edge.${hintsOf(bad, good)}`,
    share: Math.min(
      1,
      failing.reduce((sum, { finding }) => sum + finding.share, 0),
    ),
    evidence: [...evidence, ...failing.flatMap(({ finding }) => finding.evidence.slice(0, 2))].slice(0, 8),
    symptoms: failing.flatMap(({ finding }) => finding.symptoms),
    consequences: [...new Set(failing.map(({ finding }) => finding.fault))],
    fixes: [
      lookNext('look-between', 'Look at how the edge reaches the origin', [
        [
          'On the origin: does a request of the edge arrive at all? Its access log has it with the address of the edge; none there means that it is lost on the way.',
          'badhop logs --since 10m',
        ],
        ['At the edge: the address, port, scheme and server name that it has for the origin, and its timeout.'],
        ['On the origin: does the firewall let the addresses of the edge through?', 'nft list ruleset', 'badhop'],
      ]),
    ],
  };
}

/** What of the origin's answer is known to break on a proxy with its usual settings. */
function hintsOf(bad: Judged | undefined, good: Judged | undefined): string {
  const headerBytes = good?.attempt.answer?.headerBytes ?? 0;
  const firstByteMs = good?.attempt.phases.firstByteMs ?? 0;
  const edgeMs = bad?.attempt.phases.totalMs ?? 0;
  const isTimeout = bad?.attempt.answer?.response?.status === 504;
  return [
    headerBytes > usualHeaderBytes
      ? ` The header of the origin's answer has ${headerBytes} bytes, and nginx takes ${usualHeaderBytes} as it comes (proxy_buffer_size).`
      : '',
    isTimeout && firstByteMs > edgeMs / 2
      ? ` The origin took ${milliseconds(firstByteMs)} to its first byte, and the edge gave up after ${milliseconds(edgeMs)}: compare its timeout.`
      : '',
  ].join('');
}

function summaryOf({ attempt, problems }: Judged, side: string): Evidence {
  const status = attempt.answer?.response?.status;
  return { source: `probe:${side} ${placeOf(attempt)}`, text: `${status ?? problems[0]?.title ?? 'no answer'} in ${milliseconds(attempt.phases.totalMs)}` };
}

/** Certificates, versions and server names that differ between the two. */
function differencesOf({ edge, origin, observation }: Sides): readonly Finding[] {
  const findings: Finding[] = [];
  const name = origin.hop.withoutName;
  const seen = origin.hop.attempts.find(each => each.tls !== undefined && each.address === name?.address)?.tls;
  if (name !== undefined && seen?.handshake === 'done' && (name.tls.handshake === 'failed' || name.tls.chain[0]?.fingerprint !== seen.chain[0]?.fingerprint)) {
    const place = `${name.address}:${origin.hop.port}`;
    const isRefused = name.tls.handshake === 'failed';
    findings.push({
      fault: 'origin-needs-server-name',
      layer: 'tls',
      confidence: edge.judged.some(isFailed) ? 'possible' : 'likely',
      status: 'latent',
      advice: true,
      subject: { kind: 'peer', id: place, name: `the origin, ${place}`, peers: [place] },
      title: `The origin ${isRefused ? 'refuses the handshake' : 'shows another certificate'} without the server name`,
      explanation: `With the server name ${seen.serverName ?? edge.hop.host} the origin's handshake succeeds; without it ${isRefused ? `it fails (${name.tls.error ?? ''})` : `the certificate is ${name.tls.chain[0]?.subject ?? 'none'}`}. An edge that sends no server name, or another one, does not reach this site.`,
      share: 0,
      evidence: [
        {
          source: `probe:TLS handshake without a server name at ${place}`,
          text: isRefused ? (name.tls.error ?? 'refused') : (name.tls.chain[0]?.subject ?? 'no certificate'),
        },
      ],
      symptoms: [],
      consequences: [],
      fixes: [lookNext('send-server-name', 'Let the edge send the server name', [[`In nginx: proxy_ssl_server_name on; proxy_ssl_name ${edge.hop.host};`]])],
    });
  }
  const [first, second] = [edge, origin].map(({ hop }) => hop.attempts.find(each => each.tls?.handshake === 'done')?.tls);
  if (first?.protocol !== undefined && second?.protocol !== undefined && first.protocol !== second.protocol && observation.origin !== undefined) {
    findings.push({
      fault: 'tls-differs-at-origin',
      layer: 'tls',
      confidence: 'confirmed',
      status: 'latent',
      advice: true,
      subject: { kind: 'host', id: origin.hop.host, name: `the origin, ${origin.hop.host}`, peers: [] },
      title: `The edge takes ${first.protocol} and the origin ${second.protocol}`,
      explanation: 'It is no fault by itself; where the handshake between the two fails, the versions that both take are the first thing to compare.',
      share: 0,
      evidence: [
        { source: `probe:TLS handshake at the edge`, text: `${first.protocol}, ${first.chain[0]?.subject ?? 'no certificate'}` },
        { source: `probe:TLS handshake at the origin`, text: `${second.protocol}, ${second.chain[0]?.subject ?? 'no certificate'}` },
      ],
      symptoms: [],
      consequences: [],
      fixes: [lookNext('compare-tls', 'Compare what both take', [['On the origin:', 'nginx -T | grep -n ssl_']])],
    });
  }
  return findings;
}
