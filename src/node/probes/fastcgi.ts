import type { ByteStream } from '../../core/model/host.ts';
import type { ProbeAnswer, ProbeOutcome, ProbeRequest } from '../../core/model/probe.ts';
import { redactDeep, redactText } from '../redact/redact.ts';
import { cutOf, outcomeOfSilence, receive, type Deadline, type Received } from './exchange.ts';
import { decodeFastcgi, encodeFastcgiRequest } from './fastcgi-records.ts';
import { headerValue, readCgiAnswer } from './http-answer.ts';
import { isHttpEnough, outcomeOfHttp } from './http.ts';
import { headOf, sniff } from './sniff.ts';

/** The parameter that makes a request long, and that no script reads. */
const paddingName = 'HTTP_X_PADDING';
const maxStderr = 2048;
const maxPage = 2048;

/** One FastCGI responder request on an open stream: a page, or php-fpm's own ping and status. */
export async function askFastcgi(stream: ByteStream, request: Extract<ProbeRequest, { kind: 'fastcgi' }>, deadline: Deadline): Promise<ProbeOutcome> {
  stream.write(encodeFastcgiRequest(request.params));
  const outcome = outcomeOfFastcgi(await receive(stream, deadline, isEnough));
  // As for a long request over HTTP: the worker that misses the end of it is freed.
  if (request.params[paddingName] !== undefined && outcome.state === 'no-answer') stream.reset?.();
  return outcome;
}

function isEnough(bytes: Buffer): boolean {
  if (bytes.length < 8) return false;
  if (sniff(bytes) !== 'fastcgi') return isHttpEnough(bytes);
  const answer = decodeFastcgi(bytes);
  return answer.endStatus !== undefined || answer.isBroken;
}

/** What the bytes are that came for a FastCGI request. */
export function outcomeOfFastcgi(received: Received): ProbeOutcome {
  if (received.bytes.length === 0) return outcomeOfSilence(received);
  if (sniff(received.bytes) !== 'fastcgi') return outcomeOfHttp(received);
  const { stdout, stderr, endStatus, isBroken } = decodeFastcgi(received.bytes);
  const page = stdout.length === 0 ? undefined : readCgiAnswer(stdout);
  const isEnded = endStatus !== undefined;
  const answer: ProbeAnswer = {
    ...(page === undefined
      ? {}
      : { status: page.status, headerBytes: page.headerBytes, headers: redactDeep(page.headers), body: redactText(bodyText(page.body, page.headers)) }),
    ...(stderr.length === 0 ? {} : { stderr: redactText(stderr.toString('utf8').slice(0, maxStderr)) }),
    head: redactText(headOf(stdout.length > 0 ? stdout : received.bytes)),
    complete: endStatus === 0 && !isBroken && page !== undefined && page.isHeaderWhole && page.isHeaderValid,
    ...(isEnded ? {} : cutOf(received)),
  };
  return { state: 'answered', speaks: 'fastcgi', answer };
}

/** A status page is plain text, JSON or XML and wanted whole; of a page for people the start will do. */
function bodyText(body: Buffer, headers: readonly (readonly [string, string])[]): string {
  const isData = /^(?:text\/plain|application\/json|text\/xml|application\/openmetrics-text)/i.test(headerValue(headers, 'content-type') ?? '');
  return (isData ? body : body.subarray(0, maxPage)).toString('utf8');
}
