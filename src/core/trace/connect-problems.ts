import { lookNext, milliseconds, placeOf, sourceOf, type Problem, type ProblemContext, type ProblemReader } from './problem.ts';
import type { TraceAttempt } from '../model/trace.ts';

/** Codes that tell of this machine and not of the other: no route for the family, no right, no room. */
const ownCodes: ReadonlySet<string> = new Set([
  'ENETUNREACH',
  'EADDRNOTAVAIL',
  'EAFNOSUPPORT',
  'EACCES',
  'EPERM',
  'EMFILE',
  'ENFILE',
  'EINVAL',
  'ENOBUFS',
  'ENOMEM',
]);

/** Why this machine cannot ask that address at all; undefined where it could. */
export function ownObstacle({ connect, address }: TraceAttempt): string | undefined {
  if (connect.state !== 'failed' || !ownCodes.has(connect.code)) return undefined;
  const isIpv6 = address.includes(':');
  return `connecting failed on this machine with ${connect.code}${isIpv6 && connect.code === 'ENETUNREACH' ? ': it has no way to IPv6' : ''}`;
}

/** The address did not take the connection. */
export const connectProblems: ProblemReader = (attempt, context) => {
  const { connect } = attempt;
  if (connect.state === 'connected' || ownObstacle(attempt) !== undefined) return [];
  if (connect.state === 'timeout') return [timedOut(attempt, context)];
  if (connect.code === 'ECONNREFUSED') return [refused(attempt, context)];
  const { host, port } = context.hop;
  const evidence = [{ source: sourceOf(attempt, context, 'connect'), text: `${connect.code} after ${milliseconds(attempt.phases.totalMs)}` }];
  const isRoute = connect.code === 'EHOSTUNREACH' || connect.code === 'EHOSTDOWN';
  return [
    {
      fault: isRoute ? 'address-unreachable' : connect.code === 'ECONNRESET' ? 'connection-reset' : 'connection-failed',
      layer: 'network',
      symptomClass: isRoute ? 'connect-unreachable' : connect.code === 'ECONNRESET' ? 'connect-reset' : 'connect-other',
      key: connect.code,
      title: isRoute ? 'No route leads to the address, or a firewall says so' : `The connection is not made (${connect.code})`,
      explanation: isRoute
        ? `A router on the way, or the last one before ${placeOf(attempt)}, reports that the host cannot be reached: it is off, its address has moved, or a firewall rejects with that message.`
        : `Connecting to ${placeOf(attempt)} ends with ${connect.code}.`,
      confidence: 'confirmed',
      evidence,
      next: lookNext('look-at-network', 'See whether the host is up and has this address', [
        [
          `Is ${attempt.address} still an address of ${host}? Ask whoever runs it, or its console; on the host itself:`,
          'ip addr',
          `ss -ltn 'sport = :${port}'`,
        ],
        ['Where the packets end:', `tracepath -n ${attempt.address}`],
      ]),
    },
  ];
};

function refused(attempt: TraceAttempt, context: ProblemContext): Problem {
  const { port } = context.hop;
  return {
    fault: 'connection-refused',
    layer: 'network',
    symptomClass: 'connect-refused',
    title: `Nothing takes connections on port ${attempt.port}`,
    explanation: `${placeOf(attempt)} answers the attempt to connect with a reset: the host is up, and no program listens on the port, or a firewall rejects it. No proxy or application has seen the request.`,
    confidence: 'confirmed',
    evidence: [{ source: sourceOf(attempt, context, 'connect'), text: `ECONNREFUSED after ${milliseconds(attempt.phases.totalMs)}` }],
    next: lookNext('look-at-listener', `On the host with ${attempt.address}, see what listens on port ${attempt.port}`, [
      ['Log in there and look for the listener; then let badhop read that host:', `ss -ltnp 'sport = :${port}'`, 'badhop'],
    ]),
  };
}

function timedOut(attempt: TraceAttempt, context: ProblemContext): Problem {
  return {
    fault: 'connection-timed-out',
    layer: 'network',
    symptomClass: 'connect-timeout',
    title: 'The address does not react to connections',
    explanation: `Within ${milliseconds(context.timeoutMs)} nothing came back from ${placeOf(attempt)}: the host is off, a firewall drops the packets, the address has moved, or its accept queue is full.`,
    confidence: 'confirmed',
    evidence: [{ source: sourceOf(attempt, context, 'connect'), text: `no answer within ${milliseconds(attempt.phases.totalMs)}` }],
    next: lookNext('look-at-network', `See whether packets reach ${attempt.address}`, [
      [
        `On the host: does port ${attempt.port} listen, is its queue full, do the firewall's counters rise?`,
        `ss -ltn 'sport = :${attempt.port}'`,
        'nft list ruleset',
        'badhop',
      ],
      ['From here: where the packets end:', `tracepath -n ${attempt.address}`],
    ]),
  };
}
