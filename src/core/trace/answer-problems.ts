import type { TraceAnswer, TraceAttempt } from '../model/trace.ts';
import { errorAnswer, isErrorStatus } from './error-answer.ts';
import { lookNext, milliseconds, placeOf, sourceOf, type Problem, type ProblemContext, type ProblemReader } from './problem.ts';
import { textOf } from './tls-problems.ts';

type Part = Pick<Problem, 'fault' | 'layer' | 'symptomClass' | 'title' | 'explanation' | 'next'> & Partial<Pick<Problem, 'key' | 'confidence' | 'status'>>;

const readServerLog = (attempt: TraceAttempt): readonly [string, ...string[]] => [
  `On the host that has ${attempt.address}, see what became of the request:`,
  'badhop',
  'badhop logs --since 10m',
];

/** The connection stood, the request was sent, and what came is no good answer. */
export const answerProblems: ProblemReader = (attempt, context) => {
  const { answer, notAsked } = attempt;
  if (answer === undefined) return notAsked?.includes('HTTP/2') === true ? [noHttp2(attempt, context)] : [];
  const part = readAnswer(answer, attempt, context);
  if (part === undefined) {
    const response = answer.response;
    return response === undefined || !isErrorStatus(response.status) ? [] : [errorAnswer(attempt, response, context)];
  }
  return [{ confidence: 'confirmed', evidence: [{ source: sourceOf(attempt, context), text: evidenceText(answer, attempt) }], ...part }];
};

function readAnswer(answer: TraceAnswer, attempt: TraceAttempt, context: ProblemContext): Part | undefined {
  const status = answer.response?.status;
  const plain = context.hop.withHttp1;
  if (answer.response === undefined && attempt.tls?.alpn === 'h2' && plain?.address === attempt.address && plain.answer?.response !== undefined) {
    return brokenHttp2(answer, attempt, plain.answer.response.status);
  }
  if (answer.state === 'silent') return silent(answer, attempt, context);
  if (answer.state === 'not-http') return notHttp(answer, attempt, context);
  if (answer.state === 'invalid') return invalid(answer, attempt);
  if (
    status === 400 &&
    answer.response !== undefined &&
    /plain HTTP request was sent to HTTPS port|plain HTTP to an SSL-enabled/.test(textOf(answer.response.body))
  ) {
    return plainToTls(attempt, context, `the page says that TLS is wanted`);
  }
  if (status !== undefined && isErrorStatus(status)) return undefined;
  if (answer.state === 'cut') return isEndless(answer) ? undefined : cut(answer, attempt, context);
  if (context.hop.scheme.startsWith('ws') && answer.upgraded !== true && status !== undefined && (status < 300 || status >= 400))
    return noWebSocket(answer, attempt);
  return context.grpc ? grpcProblem(answer, attempt) : undefined;
}

function brokenHttp2({ error, ended }: TraceAnswer, attempt: TraceAttempt, status: number): Part {
  return {
    fault: 'http2-broken',
    layer: 'protocol',
    symptomClass: 'protocol-error',
    title: 'HTTP/2 is offered and gives no answer, while HTTP/1.1 does',
    explanation: `${placeOf(attempt)} takes h2 in the handshake, and the request ends with ${error ?? (ended === 'timeout' ? 'silence' : 'a closed connection')}; over HTTP/1.1 the same request gets ${status}. Browsers use HTTP/2 where it is offered, so they fail where curl --http1.1 does not.`,
    next: lookNext('look-at-http2', 'See why HTTP/2 fails, or offer HTTP/1.1 alone until it is mended', [
      [
        'The error log of the server names the reason: a field that HTTP/2 forbids in the answer, a backend that is passed HTTP/2 and does not speak it.',
        'badhop logs --since 10m',
      ],
    ]),
  };
}

function silent({ ended, error }: TraceAnswer, attempt: TraceAttempt, context: ProblemContext): Part {
  const place = placeOf(attempt);
  if (ended === 'timeout') {
    return {
      fault: 'response-timed-out',
      layer: 'backend',
      symptomClass: 'read-timeout',
      title: `No answer comes within ${milliseconds(context.timeoutMs)}`,
      explanation: `${place} took the connection and the request, and sent not one byte. What is behind it works for longer than badhop waits, hangs, or has no free worker.`,
      next: lookNext('look-at-server', 'See what the server waits for', [
        readServerLog(attempt),
        ['Or wait longer, to see whether an answer comes at all:', `badhop trace --timeout 60s ${context.hop.url}`],
      ]),
    };
  }
  const isReset = ended === 'reset';
  return {
    fault: isReset ? 'connection-reset' : 'connection-closed',
    layer: 'backend',
    symptomClass: isReset ? 'reset' : 'premature-close',
    title: isReset ? 'The connection is reset instead of an answer' : 'The connection is closed without an answer',
    explanation: `${place} took the request and ${isReset ? 'reset' : 'closed'} the connection without a byte${error === undefined ? '' : ` (${error})`}: the program behind the port died or was restarted in between, refuses the request without a word, or a filter cut it off.`,
    next: lookNext('look-at-server', 'See why the server broke off', [readServerLog(attempt)]),
  };
}

function notHttp(answer: TraceAnswer, attempt: TraceAttempt, context: ProblemContext): Part {
  const [what = 'it is no HTTP'] = answer.problems;
  if (what.startsWith('it is TLS')) return plainToTls(attempt, context, what);
  return {
    fault: 'protocol-mismatch',
    layer: 'protocol',
    symptomClass: 'protocol-error',
    key: what,
    title: 'What answers on the port does not speak HTTP as it was asked to',
    explanation: `${placeOf(attempt)} sent ${answer.bytes} bytes that are no HTTP answer: ${what}.`,
    next: lookNext('look-at-listener', `See which program has port ${attempt.port}`, [
      ['On the host that has this address:', `ss -ltnp 'sport = :${attempt.port}'`],
    ]),
  };
}

function plainToTls(attempt: TraceAttempt, { hop }: ProblemContext, what: string): Part {
  return {
    fault: 'plaintext-to-tls',
    layer: 'protocol',
    symptomClass: 'protocol-error',
    title: `Port ${attempt.port} wants TLS, and was asked without it`,
    explanation: `${placeOf(attempt)}: ${what}.`,
    next: lookNext('ask-with-tls', 'Ask with https', [
      [
        'The same with TLS:',
        `badhop trace ${hop.url
          .replace(/^http:/, 'https:')
          .replace(/^ws:/, 'wss:')
          .replace(/^(https?:\/\/[^/:]+)(?=\/|$)/, `$1:${attempt.port}`)}`,
      ],
    ]),
  };
}

function invalid({ problems, response }: TraceAnswer, attempt: TraceAttempt): Part {
  const isBody = problems.every(text => text.startsWith('its body'));
  const isLong = problems.some(text => text.startsWith('its header is longer'));
  return {
    fault: isBody ? 'response-body-broken' : isLong ? 'response-header-too-big' : 'invalid-response-header',
    layer: 'protocol',
    symptomClass: isBody ? 'truncated' : isLong ? 'header-too-big' : 'invalid-header',
    key: problems.join(),
    ...(response === undefined ? {} : { status: response.status }),
    title: isBody ? 'The body of the answer cannot be read' : isLong ? 'The header of the answer is too long' : 'The header of the answer is not valid',
    explanation: `The answer of ${placeOf(attempt)} is one that proxies and browsers refuse or read differently: ${problems.join('; ')}.`,
    next: lookNext('look-at-application', 'Find what writes this answer', [
      ['The application, or a filter behind the proxy, writes it; its bytes:', `curl -sv --raw --max-time 10 -o /dev/null '…'`],
    ]),
  };
}

function cut(answer: TraceAnswer, attempt: TraceAttempt, context: ProblemContext): Part {
  const isSlow = answer.ended === 'timeout';
  const status = answer.response === undefined ? {} : { status: answer.response.status };
  const seen = `${answer.response === undefined ? 'part of a header' : `status ${answer.response.status}`} and ${answer.bytes} bytes`;
  return isSlow
    ? {
        fault: 'response-stalled',
        layer: 'backend',
        symptomClass: 'read-timeout',
        confidence: 'likely',
        ...status,
        title: `The answer begins and does not end within ${milliseconds(context.timeoutMs)}`,
        explanation: `${placeOf(attempt)} sent ${seen}, and the rest did not come in time. A page that is streamed on purpose looks the same; else what makes it is stuck half-way, or large packets are lost.`,
        next: lookNext('look-at-server', 'See what holds the answer up', [readServerLog(attempt)]),
      }
    : {
        fault: 'response-truncated',
        layer: 'backend',
        symptomClass: 'truncated',
        ...status,
        title: 'The answer breaks off before its end',
        explanation: `${placeOf(attempt)} sent ${seen} and then ${answer.ended === 'reset' ? 'reset' : 'closed'} the connection, before the end that the answer itself had named. A worker was killed while it wrote, or a proxy could not keep what it buffered.`,
        next: lookNext('look-at-server', 'See what ended in the middle of its answer', [readServerLog(attempt)]),
      };
}

/** Answers that go on for as long as the client stays. */
function isEndless({ ended, response }: TraceAnswer): boolean {
  const type = response?.headers.find(([name]) => name.toLowerCase() === 'content-type')?.[1] ?? '';
  return ended === 'timeout' && response !== undefined && /^(?:text\/event-stream|multipart\/x-mixed-replace)\b/i.test(type.trim());
}

function noWebSocket(answer: TraceAnswer, attempt: TraceAttempt): Part {
  const status = answer.response?.status ?? 0;
  return {
    fault: 'websocket-refused',
    layer: 'protocol',
    symptomClass: 'upgrade-lost',
    status,
    title: status === 101 ? 'The WebSocket handshake is answered wrongly' : `The WebSocket is not taken: the answer is ${status}`,
    explanation:
      status === 101
        ? `${placeOf(attempt)} answers 101 without the right Sec-WebSocket-Accept, so every client breaks off.`
        : `A server that takes the connection answers 101. ${placeOf(attempt)} answers ${status}: the path serves no WebSocket, or a proxy on the way does not pass Upgrade and Connection on.`,
    next: lookNext('pass-upgrade-on', 'See that each proxy on the way passes the upgrade on', [
      [
        'In nginx, in the location of this path: proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade". What badhop says on that host:',
        'badhop explain websocket-upgrade-missing',
        'badhop',
      ],
    ]),
  };
}

function grpcProblem(answer: TraceAnswer, attempt: TraceAttempt): Part | undefined {
  const type = answer.response?.headers.find(([name]) => name.toLowerCase() === 'content-type')?.[1] ?? '';
  if (answer.grpc === undefined) {
    return {
      fault: 'grpc-not-spoken',
      layer: 'protocol',
      symptomClass: 'protocol-error',
      title: 'The answer is no gRPC',
      explanation: `${placeOf(attempt)} answers ${answer.response?.status ?? 'nothing'} with the type ${type === '' ? '(none)' : type} and without grpc-status: a proxy on the way does not pass gRPC on (nginx: grpc_pass instead of proxy_pass), or the path leads elsewhere.`,
      next: lookNext('pass-grpc-on', 'See that each proxy on the way passes gRPC on', [['On the proxy:', 'badhop', 'nginx -T | grep -n grpc_pass']]),
    };
  }
  // UNAVAILABLE, DEADLINE_EXCEEDED, INTERNAL; a method that is not there (12) was answered by gRPC all the same.
  if (!['4', '13', '14'].includes(answer.grpc.status)) return undefined;
  return {
    fault: 'grpc-error',
    layer: 'app',
    symptomClass: 'other',
    key: answer.grpc.status,
    title: `gRPC answers with status ${answer.grpc.status}`,
    explanation: `${placeOf(attempt)} answers in gRPC: ${answer.grpc.message === '' ? 'no message' : answer.grpc.message}. 14 is what a proxy says of a backend that it does not reach.`,
    next: lookNext('look-at-server', 'See what the server says of it', [readServerLog(attempt)]),
  };
}

function noHttp2(attempt: TraceAttempt, context: ProblemContext): Problem {
  const { alpn } = attempt.tls ?? {};
  return {
    fault: 'http2-not-offered',
    layer: 'protocol',
    symptomClass: 'protocol-error',
    confidence: 'confirmed',
    title: 'The server does not take HTTP/2',
    explanation: `${placeOf(attempt)} was offered h2 alone in the handshake and took ${alpn ?? 'nothing'}.`,
    evidence: [{ source: sourceOf(attempt, context, 'TLS handshake'), text: `ALPN h2 offered, ${alpn ?? 'none'} taken` }],
    next: lookNext('offer-http2', 'Let the server take HTTP/2, or ask with HTTP/1.1', [
      ['On nginx: http2 on; (before 1.25.1: listen 443 ssl http2). Or ask without it:', `badhop trace --http1.1 ${context.hop.url}`],
    ]),
  };
}

/** The first bytes as they came, and how it ended. */
function evidenceText(answer: TraceAnswer, { phases }: TraceAttempt): string {
  const ended = {
    enough: 'read to its end',
    end: 'the connection was closed',
    reset: 'the connection was reset',
    timeout: 'the time was over',
    limit: 'read no further',
  }[answer.ended];
  const first = answer.head === '' ? 'not one byte' : JSON.stringify(answer.head.slice(0, 200));
  const what = answer.problems.length === 0 ? '' : `; ${answer.problems.join('; ')}`;
  return `${first}; ${ended} after ${milliseconds(phases.totalMs)}${what}`;
}
