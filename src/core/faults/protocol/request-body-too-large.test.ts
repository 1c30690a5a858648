import { describe, expect, it } from 'vitest';
import type { Fault } from '../../model/fault.ts';
import type { ErrorGroup } from '../../model/facts/logs.ts';
import { detections, routeOf, symptomOf } from '../backend/testing.ts';
import tooLarge from './request-body-too-large.ts';

const fault = tooLarge as unknown as Fault;
const route = (bytes: number): ReturnType<typeof routeOf> =>
  routeOf({
    samplePath: '/',
    settings: { client_max_body_size: { directive: 'client_max_body_size', args: ['1m'], bytes, origin: { kind: 'default', version: '1.22.1' } } },
  });
const server = { id: 's', names: ['shop.example'] };
const topology = { servers: [server], routes: [route(1_048_576)], groups: [], peers: [] };

function log(clients: readonly string[], change: Partial<ErrorGroup> = {}): unknown {
  const [base] = symptomOf('body-too-large').errorGroups;
  const [sample] = base?.samples ?? [];
  if (base === undefined || sample === undefined) throw new Error('a symptom has a record');
  const samples = clients.map(client => ({ ...sample, client, message: 'client intended to send too large body: 5242880 bytes' }));
  const group = { ...base, server: 'shop.example', method: 'POST', urlTemplate: '/upload', count: 9, samples, ...change };
  return { groups: [group], coverage: [], unread: [] };
}
const access = { byTemplate: [{ key: '/upload', total: 12, failed: 9 }] };

describe('request-body-too-large fires', () => {
  it('latent where several clients are refused', () => {
    const facts = { 'nginx-error-log': log(['198.51.100.4', '198.51.100.9']), topology, 'nginx-access-log': access };
    expect(detections(fault, facts)).toMatchObject([
      {
        confidence: 'confirmed',
        status: 'latent',
        symptoms: [],
        data: { count: 9, url: '/upload', limit: '1m', size: '5.0 MiB' },
        fixData: { size: 5_242_880 },
      },
    ]);
  });

  it('where they come through a proxy of a private address', () => {
    expect(detections(fault, { 'nginx-error-log': log(['10.1.2.3']), topology })).toHaveLength(1);
  });
});

describe('request-body-too-large is silent', () => {
  it('on one odd client, on few refusals, and on a small share', () => {
    expect(detections(fault, { 'nginx-error-log': log(['198.51.100.4']), topology })).toEqual([]);
    expect(detections(fault, { 'nginx-error-log': log(['10.1.2.3'], { count: 3 }), topology })).toEqual([]);
    const busy = { byTemplate: [{ key: '/upload', total: 900, failed: 9 }] };
    expect(detections(fault, { 'nginx-error-log': log(['10.1.2.3']), topology, 'nginx-access-log': busy })).toEqual([]);
  });

  it('where the limit was raised since', () => {
    expect(detections(fault, { 'nginx-error-log': log(['10.1.2.3']), topology: { ...topology, routes: [route(10_485_760)] } })).toEqual([]);
  });
});
