import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseSsTransfers } from './ss-tcp-info.ts';

const sample = readFileSync(new URL('ss-tcp-info.fixtures/iproute2-6.1.0.txt', import.meta.url), 'utf8');

it('tells a connection that waits from one whose full segments are sent again and again', () => {
  expect(parseSsTransfers(sample)).toMatchObject([
    { remote: '198.51.100.12:3908', mss: 1448, pathMtu: 1500, unacked: 0, retransmits: 0, bytesAcked: 108, lastReceivedMs: 720 },
    { local: '192.0.2.11:57042', unacked: 11, retransmits: 2, bytesRetransmitted: 2896, bytesAcked: 1, bytesReceived: 0 },
  ]);
});

it('leaves out what has no detail, and a detail without its connection', () => {
  expect(parseSsTransfers('ESTAB 0 0 192.0.2.1:1 192.0.2.2:2\nESTAB 0 0 192.0.2.1:3 192.0.2.2:2\n\t cubic mss:1448 pmtu:1500\n\t mss:3\n')).toHaveLength(1);
});

it('takes any text', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary' }), text => Array.isArray(parseSsTransfers(text))));
  fc.assert(
    fc.property(fc.array(fc.constantFrom('ESTAB 0 0 a b\n', '\t mss:1448 retrans:/\n', ' mss:-1\n', 'x\n')), lines =>
      Array.isArray(parseSsTransfers(lines.join(''))),
    ),
  );
});
