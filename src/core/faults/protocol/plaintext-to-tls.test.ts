import { expect, it } from 'vitest';
import type { Fault } from '../../model/fault.ts';
import type { ProbeOutcome } from '../../model/probe.ts';
import { detections, symptomOf } from '../backend/testing.ts';
import plaintextToTls from './plaintext-to-tls.ts';
import { asked, hop, reset, says } from './testing.ts';

const fault = plaintextToTls as unknown as Fault;
const handshake: ProbeOutcome = { state: 'answered', speaks: 'tls', answer: { complete: true, tls: { handshake: 'done' } } };

it('fires where a plain question is cut off and a handshake succeeds', () => {
  expect(detections(fault, { hops: [hop({ probes: [asked('http', reset), asked('tls', handshake)] })] })).toMatchObject([
    { confidence: 'confirmed', status: 'active' },
  ]);
});

it('fires where the page of a TLS server comes, and no error is logged', () => {
  const page = says('http', '<center>The plain HTTP request was sent to HTTPS port</center>');
  expect(detections(fault, { hops: [hop({ symptoms: [], probes: [asked('http', page)] })] })).toMatchObject([{ confidence: 'confirmed' }]);
});

it('is silent where plain questions are answered', () => {
  expect(detections(fault, { hops: [hop({ probes: [asked('http', says('http')), asked('tls', handshake)] })] })).toEqual([]);
});

it('is silent where neither is answered', () => {
  expect(detections(fault, { hops: [hop({ probes: [asked('http', reset), asked('tls', reset)], symptoms: [symptomOf('reset')] })] })).toEqual([]);
});
