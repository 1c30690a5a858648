/** Probes of the peer that the tests of the backend faults have, in every protocol. */
import type { Hop } from '../../model/facts/hop.ts';
import type { ProbeOutcome, ProbeRequest, ProbeResult, WireProtocol } from '../../model/probe.ts';
import { hopOf, symptomOf } from '../backend/testing.ts';

const tcp = { kind: 'tcp', host: '127.0.0.1', port: 8017 } as const;

const requests: Readonly<Record<'http' | 'tls' | 'fastcgi' | 'uwsgi' | 'ajp' | 'connect', ProbeRequest>> = {
  http: { kind: 'http', address: tcp, path: '/', hostHeader: 'localhost' },
  tls: { kind: 'tls', address: tcp },
  fastcgi: { kind: 'fastcgi', address: tcp, params: {} },
  uwsgi: { kind: 'uwsgi', address: tcp, params: {} },
  ajp: { kind: 'ajp', address: tcp },
  connect: { kind: 'connect', address: tcp },
};

export function asked(kind: keyof typeof requests, outcome: ProbeOutcome): ProbeResult {
  return { request: requests[kind], outcome, connectMs: 1, ms: 2 };
}

export const reset: ProbeOutcome = { state: 'closed', how: 'reset' };
export const silent: ProbeOutcome = { state: 'no-answer' };
export const says = (speaks: WireProtocol, head = ''): ProbeOutcome => ({ state: 'answered', speaks, answer: { complete: true, head } });
export const failedTls: ProbeOutcome = { state: 'answered', speaks: 'http', answer: { complete: false, tls: { handshake: 'failed' } } };

export function hop(change: Partial<Hop>): Hop {
  return hopOf({ symptoms: [symptomOf('reset')], ...change });
}
