import type { Finding } from '../model/finding.ts';
import type { SizeProbe } from '../model/trace.ts';
import { lookNext } from './problem.ts';

const kib = 1024;
/** Below these a limit is one that ordinary requests run into: a few cookies and a token; a photograph. */
const ordinary = { header: 8 * kib, body: 1024 * kib } as const;

/** Limits of size that were found; they are no fault, and one that is low explains errors of single users. */
export function sizeFindings(sizes: readonly SizeProbe[]): readonly Finding[] {
  return sizes.flatMap(probe => {
    const { part, address, takenBytes, refusedBytes, refusedWith } = probe;
    if (takenBytes === undefined || refusedBytes === undefined) return [];
    const isLow = refusedBytes < ordinary[part];
    const is5xx = refusedWith?.startsWith('5') === true;
    return [
      {
        fault: part === 'header' ? 'request-header-limit' : 'request-body-limit',
        layer: 'protocol',
        confidence: 'confirmed',
        status: 'latent',
        ...(isLow || is5xx ? {} : { advice: true as const }),
        subject: { kind: 'peer', id: address, name: address, peers: [] },
        title: `${part === 'header' ? 'A header' : 'A body'} of ${size(refusedBytes)} is refused (${refusedWith ?? 'no answer'}), and one of ${size(takenBytes)} is taken`,
        explanation: `The limit lies between ${takenBytes} and ${refusedBytes} bytes (${probe.requests} requests). ${
          is5xx
            ? 'It is answered with a 5xx, so it is not the first hop that refuses it: a hop behind breaks off, and the proxy before it makes that an error.'
            : part === 'header'
              ? 'Users with more cookies or longer tokens than that are refused.'
              : 'Larger uploads are refused.'
        }`,
        share: 0,
        evidence: [
          { source: `probe:size of the ${part} at ${address}`, text: `${takenBytes} bytes taken, ${refusedBytes} bytes: ${refusedWith ?? 'no answer'}` },
        ],
        symptoms: [],
        consequences: [],
        fixes: [
          lookNext('raise-limit', part === 'header' ? 'Raise the limit at each hop, or make cookies smaller' : 'Raise the limit at each hop', [
            [
              part === 'header'
                ? 'nginx: large_client_header_buffers; Apache: LimitRequestFieldSize; gunicorn: --limit-request-field_size; Node.js: --max-http-header-size.'
                : 'nginx: client_max_body_size; PHP: post_max_size and upload_max_filesize; Apache: LimitRequestBody.',
              'nginx -T | grep -nE "client_max_body_size|large_client_header_buffers"',
            ],
          ]),
        ],
      } satisfies Finding,
    ];
  });
}

function size(bytes: number): string {
  if (bytes >= kib * kib) return `${(bytes / kib / kib).toFixed(1)} MiB`;
  return bytes >= kib ? `${(bytes / kib).toFixed(1)} KiB` : `${bytes} bytes`;
}
