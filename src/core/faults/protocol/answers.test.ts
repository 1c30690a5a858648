import { describe, expect, it } from 'vitest';
import type { Fault } from '../../model/fault.ts';
import type { MessageClass } from '../../model/facts/logs.ts';
import type { Symptom } from '../../model/facts/topology.ts';
import type { ProbeOutcome } from '../../model/probe.ts';
import { address, detections, eventOf, hopOf, routeOf, serviceOf, symptomOf } from '../backend/testing.ts';
import http2Mismatch from './http2-upstream-mismatch.ts';
import invalidHeader from './invalid-response-header.ts';
import requestTooBig from './request-header-too-big-for-backend.ts';
import truncated from './response-truncated.ts';
import { asked, reset, says } from './testing.ts';

function logged(kind: MessageClass, message: string, change: Partial<Symptom> = {}): Symptom {
  const symptom = symptomOf(kind, change);
  const [group] = symptom.errorGroups;
  return group === undefined
    ? symptom
    : { ...symptom, errorGroups: [{ ...group, samples: group.samples.map(sample => ({ ...sample, message, text: message })) }] };
}

describe('request-header-too-big-for-backend', () => {
  const fault = requestTooBig as unknown as Fault;
  const service = serviceOf({ kind: 'uwsgi', configFiles: ['/etc/uwsgi/apps-available/a.ini'] });
  const skip = (bytes: number) => eventOf('request-too-big', 2000, { text: `invalid request block size: ${bytes} (max 4096)...skip` });
  const hop = (bytes: number, times: number) =>
    hopOf({ service, routes: [routeOf({ pass: 'uwsgi' })], symptoms: [symptomOf('reset')], events: Array.from({ length: times }, () => skip(bytes)) });
  const line = { value: '4096', source: 'file:/etc/uwsgi/apps-available/a.ini:9', text: 'buffer-size = 4096' };
  const configs = { commands: [], files: [{ path: '/etc/uwsgi/apps-available/a.ini', kind: 'uwsgi', values: { 'buffer-size': line } }], unread: [] };

  it('fires where the server says that it skipped what failed', () => {
    const found = detections(fault, { hops: [hop(5370, 5)], 'backend-configs': configs });
    expect(found).toMatchObject([
      { confidence: 'confirmed', status: 'active', data: { bytes: 5370, limit: 4096 }, fixData: { text: line.text, isThere: true } },
    ]);
  });

  it('is only likely where few of the failing requests were skipped', () => {
    expect(detections(fault, { hops: [hop(5370, 1)] })).toMatchObject([{ confidence: 'likely' }]);
  });

  it('is silent where the size is the text of a request line', () => {
    expect(detections(fault, { hops: [hop(21_573, 5)] })).toEqual([]);
  });

  it('is silent where nothing fails', () => {
    expect(detections(fault, { hops: [{ ...hop(5370, 5), symptoms: [] }] })).toEqual([]);
  });
});

describe('invalid-response-header', () => {
  const fault = invalidHeader as unknown as Fault;
  const symptoms = [logged('invalid-header', 'upstream sent invalid header: "Bad\\x20..."')];
  const answer = (...headers: (readonly [string, string])[]): ProbeOutcome => ({
    state: 'answered',
    speaks: 'http',
    answer: { complete: true, headers, head: 'HTTP/1.1 200 OK' },
  });

  it.each([
    ['a blank in a name', [['bad name', 'x']]],
    [
      'two framings',
      [
        ['content-length', '3'],
        ['transfer-encoding', 'chunked'],
      ],
    ],
    ['a length that is no number', [['content-length', '3, 3']]],
    [
      'a field twice',
      [
        ['content-length', '3'],
        ['content-length', '4'],
      ],
    ],
  ] as [string, [string, string][]][])('fires as confirmed for %s', (_name, headers) => {
    expect(detections(fault, { hops: [hopOf({ symptoms, probes: [asked('http', answer(...headers))] })] })).toMatchObject([
      { confidence: 'confirmed', messageId: 'seen' },
    ]);
  });

  it('fires for bytes of no protocol', () => {
    const garbage = [logged('no-valid-header', 'upstream sent no valid HTTP/1.0 header')];
    expect(detections(fault, { hops: [hopOf({ symptoms: garbage, probes: [asked('http', says('other', '\0\u0001 no'))] })] })).toMatchObject([
      { confidence: 'confirmed', messageId: 'garbage' },
    ]);
  });

  it('fires as likely where only nginx saw it', () => {
    expect(detections(fault, { hops: [hopOf({ symptoms, probes: [asked('http', answer(['set-cookie', 'a'], ['set-cookie', 'b']))] })] })).toMatchObject([
      { confidence: 'likely' },
    ]);
  });

  it('is silent where the bytes are of another protocol', () => {
    const garbage = [logged('no-valid-header', 'upstream sent no valid HTTP/1.0 header')];
    expect(detections(fault, { hops: [hopOf({ symptoms: garbage, probes: [asked('http', says('other', 'SSH-2.0-OpenSSH'))] })] })).toEqual([]);
  });
});

describe('http2-upstream-mismatch', () => {
  const fault = http2Mismatch as unknown as Fault;
  const frame = [logged('protocol-error', 'upstream sent too large http2 frame: 4740180')];
  const routes = [routeOf({ pass: 'grpc' })];
  const probes = [asked('connect', { state: 'connected' }), asked('http', says('http'))];

  it('fires where nginx read an answer of HTTP/1 as a frame', () => {
    expect(detections(fault, { hops: [hopOf({ routes, symptoms: frame, probes })] })).toMatchObject([
      { confidence: 'confirmed', symptoms: [`protocol-error@${address}`] },
    ]);
  });

  it('fires where proxy_pass meets a server of HTTP/2', () => {
    expect(detections(fault, { hops: [hopOf({ symptoms: [symptomOf('no-valid-header')], probes: [asked('http', says('http2'))] })] })).toMatchObject([
      { confidence: 'confirmed' },
    ]);
  });

  it('is no more than possible where the server may speak both', () => {
    expect(detections(fault, { hops: [hopOf({ routes, symptoms: [symptomOf('premature-close')], probes })] })).toMatchObject([{ confidence: 'possible' }]);
  });

  it('is silent where nothing failed, and where nothing answers HTTP/1', () => {
    expect(detections(fault, { hops: [hopOf({ routes, probes })] })).toEqual([]);
    const silent = [asked('connect', { state: 'connected' }), asked('http', reset)];
    const bare = hopOf({ routes, symptoms: frame, probes: silent, service: serviceOf({ kind: 'nginx' }) });
    expect(detections(fault, { hops: [bare] })).toEqual([]);
  });
});

describe('invalid-response-header without an answer of its own', () => {
  const fault = invalidHeader as unknown as Fault;

  it('only possibly fires where nginx could read no header', () => {
    const symptoms = [logged('no-valid-header', 'upstream sent no valid HTTP/1.0 header')];
    expect(detections(fault, { hops: [hopOf({ symptoms, probes: [] })] })).toMatchObject([{ confidence: 'possible', messageId: 'unread' }]);
  });

  it('only possibly fires for bytes of a program that cannot be seen', () => {
    const symptoms = [logged('no-valid-header', 'upstream sent no valid HTTP/1.0 header')];
    const probes = [asked('http', says('other', 'babble'))];
    const hop = hopOf({ symptoms, probes });
    expect(detections(fault, { hops: [hop] })).toMatchObject([{ confidence: 'confirmed', messageId: 'garbage' }]);
    const listeners = hop.peer.listeners.map(listener => ({ ...listener, pids: [] }));
    expect(detections(fault, { hops: [{ ...hop, peer: { ...hop.peer, listeners } }] })).toMatchObject([{ confidence: 'possible', messageId: 'owner' }]);
  });

  it('takes the word of nginx for a header that it names', () => {
    const symptoms = [logged('invalid-header', 'upstream sent invalid header: "Bad\\x20..."')];
    expect(detections(fault, { hops: [hopOf({ symptoms, probes: [] })] })).toMatchObject([{ confidence: 'likely', messageId: 'unasked' }]);
  });
});

describe('response-truncated', () => {
  const fault = truncated as unknown as Fault;

  it('fires where answers break off and nothing else is known', () => {
    expect(detections(fault, { hops: [hopOf({ symptoms: [symptomOf('truncated')] })] })).toMatchObject([{ confidence: 'likely', status: 'active' }]);
  });

  it('fires where a worker died once and answers break off without that too', () => {
    expect(detections(fault, { hops: [hopOf({ symptoms: [symptomOf('truncated')], events: [eventOf('worker-signal', 1500)] })] })).toMatchObject([
      { confidence: 'likely' },
    ]);
  });

  it('is silent where workers died as answers broke off', () => {
    const events = [eventOf('worker-signal', 59_500), eventOf('worker-signal', 1500)];
    expect(detections(fault, { hops: [hopOf({ symptoms: [symptomOf('truncated')], events })] })).toEqual([]);
  });

  it('says it although the service was restarted just before', () => {
    const [sample] = symptomOf('truncated').errorGroups.flatMap(group => group.samples);
    for (const agoMs of [1800, 300]) {
      const stopped = { ...eventOf('stopped', 0), timeMs: (sample?.timeMs ?? 0) - agoMs + 1 };
      expect(detections(fault, { hops: [hopOf({ symptoms: [symptomOf('truncated')], events: [stopped] })] })).toMatchObject([{ confidence: 'likely' }]);
    }
  });

  it('is silent where nginx itself ended the answers, and says so where it ended some', () => {
    const stalls = symptomOf('truncated');
    const groups = stalls.errorGroups.map(group => ({ ...group, messageId: 'upstream-timed-out' }));
    expect(detections(fault, { hops: [hopOf({ symptoms: [{ ...stalls, errorGroups: groups }] })] })).toEqual([]);
    const mixed = { ...stalls, errorGroups: [...groups, ...stalls.errorGroups] };
    expect(detections(fault, { hops: [hopOf({ symptoms: [mixed] })] })).toMatchObject([{ messageId: 'some' }]);
  });

  it('is silent where it was no HTTP in the first place', () => {
    expect(detections(fault, { hops: [hopOf({ symptoms: [symptomOf('truncated'), symptomOf('no-valid-header')] })] })).toEqual([]);
  });
});
