import { describe, expect, it } from 'vitest';
import type { Fault } from '../../model/fault.ts';
import type { ProbeOutcome } from '../../model/probe.ts';
import { address, detections, routeOf, serviceOf, symptomOf, without } from '../backend/testing.ts';
import { asked, failedTls, hop, says, silent } from './testing.ts';
import tlsToPlaintext from './tls-to-plaintext.ts';

const tls = tlsToPlaintext as unknown as Fault;

describe('tls-to-plaintext', () => {
  const routes = [routeOf({ tls: true, target: `https://${address}` })];

  it('fires where the plain question is answered', () => {
    const found = detections(tls, {
      hops: [hop({ routes, probes: [asked('tls', failedTls), asked('http', says('http'))], symptoms: [symptomOf('tls-wrong-version')] })],
    });
    expect(found).toMatchObject([{ confidence: 'confirmed', status: 'active', symptoms: [`tls-wrong-version@${address}`] }]);
  });

  it('fires as likely where a gunicorn without a certificate is silent', () => {
    const found = detections(tls, { hops: [hop({ routes, probes: [asked('tls', silent)], symptoms: [symptomOf('tls-handshake')] })] });
    expect(found).toMatchObject([{ confidence: 'likely', status: 'active' }]);
  });

  it('fires as possible by the message alone', () => {
    const found = detections(tls, {
      hops: [without(hop({ routes, probes: [], symptoms: [symptomOf('tls-wrong-version')], service: serviceOf({ kind: 'node' }) }), 'master')],
    });
    expect(found).toMatchObject([{ confidence: 'possible' }]);
  });

  it('is silent where the server refuses the handshake in TLS', () => {
    const alert: ProbeOutcome = { state: 'answered', speaks: 'tls', answer: { complete: false, tls: { handshake: 'failed' } } };
    expect(detections(tls, { hops: [hop({ routes, probes: [asked('tls', alert)], symptoms: [symptomOf('tls-handshake')] })] })).toEqual([]);
  });
});
