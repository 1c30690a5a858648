import type { SizeProbe, TraceAttempt, TraceHop } from '../../core/model/trace.ts';
import { attempt, type AttemptInput } from './attempt.ts';

type Input = Pick<AttemptInput, 'request' | 'authorities' | 'wire'>;

/** Larger ones are no limit that anybody runs into. */
const largest = { header: 256 * 1024, body: 64 * 1024 * 1024 } as const;
const smallest = { header: 256, body: 1024 } as const;
/** Bisection ends when the limit is known to this share. */
const precision = 0.02;
const maxRequests = 24;

/** Where the limits of size lie, by doubling and bisection at one address. Asks only for what was asked for. */
export async function probeSizes(input: Input, hop: TraceHop | undefined): Promise<readonly SizeProbe[]> {
  const probes: SizeProbe[] = [];
  for (const part of input.request.sizeProbes) {
    input.request.onProgress(`looking for the limit of the ${part}`);
    probes.push(await probe(part, input, hop));
  }
  return probes;
}

async function probe(part: SizeProbe['part'], input: Input, hop: TraceHop | undefined): Promise<SizeProbe> {
  const first = hop?.attempts.find(each => each.answer?.response !== undefined);
  if (hop === undefined || first === undefined) return { part, address: '', requests: 0, because: 'no address gave an answer to compare with' };
  const common = { part, address: first.address };
  const ask = (bytes: number): Promise<TraceAttempt> => attempt(withSize(part, bytes, input, hop, first));
  const usual = kindOf(await ask(smallest[part]));
  if (/^(?:4(?:00|13|14|31)|50[0-9]|no |the )/.test(usual)) return { ...common, requests: 1, because: `even ${smallest[part]} bytes get ${usual}` };
  let taken: number = smallest[part];
  let refused: { readonly bytes: number; readonly seen: TraceAttempt } | undefined;
  let requests = 1;
  for (; requests < maxRequests; requests++) {
    const next = refused === undefined ? Math.min(taken * 2, largest[part]) : Math.round((taken + refused.bytes) / 2);
    if (refused === undefined ? taken >= largest[part] : refused.bytes - taken <= Math.max(16, taken * precision)) break;
    const seen = await ask(next);
    if (kindOf(seen) === usual) taken = next;
    else refused = { bytes: next, seen };
  }
  if (refused === undefined) return { ...common, takenBytes: taken, requests };
  const response = refused.seen.answer?.response;
  return {
    ...common,
    takenBytes: taken,
    refusedBytes: refused.bytes,
    refusedWith: kindOf(refused.seen),
    ...(response === undefined ? {} : { response }),
    requests,
  };
}

/** The request with one more field, or with a body, of so many bytes. Single fields stay below what a proxy takes of one line. */
function withSize(part: SizeProbe['part'], bytes: number, input: Input, hop: TraceHop, first: TraceAttempt): AttemptInput {
  const { request, authorities, wire } = input;
  const padded =
    part === 'body'
      ? { ...wire, method: wire.method === 'GET' || wire.method === 'HEAD' ? 'POST' : wire.method, body: new Uint8Array(bytes).fill(0x78) }
      : { ...wire, headers: [...wire.headers, ['X-Badhop-Padding', 'x'.repeat(bytes)] as const] };
  return { request, authorities, wire: padded, address: first.address, port: first.port, round: 1, names: hop.lookup.names, sendsAnyway: request.insecure };
}

/** The status, or what stood in its place. */
function kindOf({ connect, answer, tls }: TraceAttempt): string {
  if (answer?.response !== undefined) return String(answer.response.status);
  if (connect.state !== 'connected') return 'no connection';
  if (answer === undefined) return tls?.error === undefined ? 'no request' : 'no handshake';
  return answer.ended === 'timeout' ? 'no answer in time' : answer.ended === 'reset' ? 'the connection was reset' : 'the connection was closed';
}
