import { randomInt } from 'node:crypto';
import type { ByteStream } from '../../core/model/host.ts';
import type { ProbeOutcome, ProbeRequest } from '../../core/model/probe.ts';
import { decodeDnsAnswer, encodeDnsQuery, recordTypes, type DnsAnswer, type RecordType } from './dns-message.ts';
import { outcomeOfSilence, type Deadline } from './exchange.ts';
import { headOf } from './sniff.ts';

interface Query {
  readonly id: number;
  readonly type: RecordType;
  readonly bytes: Uint8Array;
}

// A datagram can be lost; a resolver that has not answered by now is asked once more.
const resendAfterMs = 1000;
const maxDatagrams = 50;

/** Asks a resolver for the A and AAAA records of a name, as nginx's own resolver does. */
export async function askDns(stream: ByteStream, request: Extract<ProbeRequest, { kind: 'dns' }>, deadline: Deadline): Promise<ProbeOutcome> {
  const firstId = randomInt(0, 0x8000);
  const queries: Query[] = [];
  for (const [index, type] of (['A', 'AAAA'] as const).entries()) {
    const bytes = encodeDnsQuery(firstId + index, request.name, type);
    if (bytes === undefined) return { state: 'not-asked', why: 'it is no name that DNS can carry' };
    queries.push({ id: firstId + index, type, bytes });
  }
  const name = request.name.replace(/\.$/, '').toLowerCase();
  const answers = new Map<number, DnsAnswer>();
  let strange: Uint8Array | undefined;
  let isResent = false;
  const send = (): void => queries.filter(query => !answers.has(query.id)).forEach(query => stream.write(query.bytes));
  send();
  for (let count = 0; answers.size < queries.length && count < maxDatagrams; count++) {
    const waitMs = isResent ? deadline.leftMs : Math.min(deadline.leftMs, Math.max(1, resendAfterMs - deadline.passedMs));
    const chunk = await stream.read(waitMs);
    if (chunk.state === 'timeout') {
      if (isResent || deadline.leftMs === 0) break;
      isResent = true;
      send();
    } else if (chunk.state === 'data') {
      const answer = decodeDnsAnswer(chunk.bytes);
      const query = queries.find(item => item.id === answer?.id && answer.name === name && answer.type === recordTypes[item.type]);
      if (answer !== undefined && query !== undefined) answers.set(query.id, answer);
      else strange ??= chunk.bytes;
    } else {
      // UDP has no connection: a refusal shows when the first datagram comes back.
      if (answers.size > 0) break;
      return chunk.state === 'error' ? { state: 'connect-failed', code: chunk.code } : { state: 'closed', how: 'end' };
    }
  }
  if (answers.size > 0) return outcomeOf([...answers.values()], answers.size === queries.length);
  if (strange !== undefined) return { state: 'answered', speaks: 'other', answer: { head: headOf(strange), complete: false, cut: 'timeout' } };
  return outcomeOfSilence({ bytes: Buffer.alloc(0), ended: 'timeout' });
}

function outcomeOf(answers: readonly DnsAnswer[], isWhole: boolean): ProbeOutcome {
  const best = answers.find(answer => answer.rcode === 'NOERROR') ?? answers[0];
  const isTruncated = answers.some(answer => answer.isTruncated);
  const cut = isTruncated ? { cut: 'limit' as const } : isWhole ? {} : { cut: 'timeout' as const };
  return {
    state: 'answered',
    speaks: 'dns',
    answer: { dns: { rcode: best?.rcode ?? 'SERVFAIL', addresses: answers.flatMap(answer => answer.addresses) }, complete: isWhole && !isTruncated, ...cut },
  };
}
