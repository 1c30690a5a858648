import { describe, expect, it } from 'vitest';
import type { Fault } from '../../model/fault.ts';
import type { Change } from '../../model/facts/changes.ts';
import type { Hop } from '../../model/facts/hop.ts';
import type { Setting } from '../../model/facts/nginx.ts';
import type { Symptom } from '../../model/facts/topology.ts';
import type { ProbeRequest, ProbeResult, TlsAnswer } from '../../model/probe.ts';
import { address, detections, hopOf, nowMs, peerOf, routeOf, symptomOf, without } from '../backend/testing.ts';
import upgraded from './upgrade-changed-defaults.ts';

const fault = upgraded as unknown as Fault;
const at = nowMs - 120_000;
const peer = { kind: 'tcp', host: '127.0.0.1', port: 8017 } as const;

function upgrade(from: string, to: string, name = 'nginx', timeMs = at): Change {
  return {
    kind: 'package',
    timeMs,
    subject: `package ${name}`,
    verb: `was upgraded from ${from} to ${to}`,
    source: 'file:/var/log/dpkg.log',
    package: { name, from, to },
  };
}

const debian = upgrade('1.22.1-9+deb12u10', '1.26.3-3+deb13u7');

interface Situation {
  readonly hop: Hop;
  readonly changes?: readonly Change[];
  readonly version?: string;
  readonly startMs?: number;
  readonly lastGoodMs?: number;
  readonly idle?: readonly ProbeResult[];
}

function found({ hop, changes = [debian], version = '1.26.3', startMs = at + 1500, lastGoodMs = at - 1000, idle }: Situation) {
  const server = { id: 's', instanceId: 'nginx', names: [], listens: [], origin: { path: '', line: 1 }, accessLogs: [], errorLogs: [] };
  const group = { id: 'g', name: 'app', explicit: true, origin: { path: '', line: 1 }, peerIds: [address], zone: false, settings: {} };
  const buckets = { widthMs: 10_000, starts: [at - 20_000, at], counts: [40, 40] };
  return detections(fault, {
    hops: [hop],
    topology: { servers: [server], routes: hop.routes, groups: [group], peers: [hop.peer] },
    changes,
    'nginx-instances': [{ id: 'nginx', running: true, flavour: 'nginx', version, startMs, workers: [] }],
    'nginx-access-log': {
      coverage: [{ firstMs: at - 20_000 }],
      lastGoodMs,
      buckets: { all: buckets, failed: { ...buckets, counts: [0, 40] } },
    },
    ...(idle === undefined ? {} : { 'idle-connections': idle }),
  });
}

/** Failures that began three seconds after the upgrade. */
function since(kind: 'invalid-header' | 'tls-handshake' | 'reset', messageId?: string): Symptom {
  const symptom = symptomOf(kind, { firstMs: at + 3000 });
  return messageId === undefined ? symptom : { ...symptom, errorGroups: symptom.errorGroups.map(group => ({ ...group, messageId })) };
}

function page(headers: readonly (readonly [string, string])[]): ProbeResult {
  const request: ProbeRequest = { kind: 'http', address: peer, path: '/', hostHeader: 'localhost' };
  return {
    request,
    outcome: { state: 'answered', speaks: 'http', answer: { complete: true, status: 200, headers, head: 'HTTP/1.1 200 OK' } },
    connectMs: 1,
    ms: 3,
  };
}

const twice = page([
  ['content-length', '3'],
  ['content-length', '3'],
]);
const refused = since('invalid-header', 'dup-header-rejected');

function shake(version: 'TLSv1.2' | undefined, tls: Partial<TlsAnswer>): ProbeResult {
  const request: ProbeRequest = { kind: 'tls', address: peer, ...(version === undefined ? {} : { version }) };
  return { request, outcome: { state: 'answered', speaks: 'tls', answer: { complete: true, tls: { handshake: 'done', ...tls } } }, connectMs: 1, ms: 3 };
}

function setting(directive: string, value: string, version?: string): Setting {
  const origin = version === undefined ? ({ kind: 'file', path: '/etc/nginx/a.conf', line: 4 } as const) : ({ kind: 'default', version } as const);
  return { directive, args: value.split(' '), origin };
}

const failed = { handshake: 'failed', error: 'ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE' } as const;
const tlsHop = (protocols: Setting): Hop =>
  hopOf({
    routes: [routeOf({ tls: true, target: `https://${address}`, settings: { ssl_protocols: protocols } })],
    probes: [shake(undefined, failed), shake('TLSv1.2', {})],
    symptoms: [since('tls-handshake')],
  });
const offered = setting('proxy_ssl_protocols', 'TLSv1 TLSv1.1 TLSv1.2 TLSv1.3', '1.26.3');

const keptHop = (httpVersion: Setting): Hop =>
  hopOf({ peer: peerOf({ groupIds: ['g'] }), routes: [routeOf({ groupId: 'g', settings: { http_version: httpVersion } })], symptoms: [since('reset')] });
const idleFor = (ms: number): ProbeResult => ({
  request: { kind: 'idle', address: peer } as unknown as ProbeRequest,
  outcome: { state: 'answered', speaks: 'http', answer: { complete: true, idle: { ended: 'closed', ms } } },
  connectMs: 1,
  ms,
});

describe('upgrade-changed-defaults fires', () => {
  it('where a header is refused since nginx was upgraded over 1.23.0, and the backend is seen to send it', () => {
    expect(found({ hop: hopOf({ probes: [twice], symptoms: [refused] }) })).toMatchObject([
      {
        confidence: 'confirmed',
        status: 'active',
        messageId: 'header',
        data: { from: '1.22.1', to: '1.26.3', what: 'the field content-length twice' },
        evidence: [{ source: 'file:/var/log/dpkg.log', text: expect.stringContaining('1.26.3-3+deb13u7') }, {}, {}, {}, {}],
        symptoms: [refused.id],
        fixData: { default: 'header', from: '1.22.1-9+deb12u10', package: 'nginx' },
      },
    ]);
  });

  it('less surely where the page that has it is none that badhop may ask for, or the backend is elsewhere', () => {
    expect(found({ hop: hopOf({ symptoms: [refused] }) })).toMatchObject([{ confidence: 'likely' }]);
    expect(found({ hop: without(hopOf({ probes: [twice], symptoms: [refused] }), 'service', 'unit', 'master') })).toMatchObject([{ confidence: 'likely' }]);
  });

  it('where TLS 1.3 is offered by default since 1.23.4 and only TLS 1.2 alone succeeds', () => {
    expect(found({ hop: tlsHop(offered) })).toMatchObject([
      { confidence: 'confirmed', messageId: 'tls', fixData: { default: 'tls', places: [{ path: '/etc/nginx/sites-enabled/orders', line: 3 }] } },
    ]);
  });

  it('where connections are kept by default since 1.29.7 and the backend closes them earlier', () => {
    const situation = { changes: [upgrade('1.28.0-1~bookworm', '1.29.7-1~bookworm')], version: '1.29.7', idle: [idleFor(5000)] };
    expect(found({ ...situation, hop: keptHop(setting('proxy_http_version', '1.1', '1.29.7')) })).toMatchObject([
      { confidence: 'likely', messageId: 'keepalive', data: { measured: '5.0', kept: 'for 60 s' }, fixData: { default: 'keepalive' } },
    ]);
    expect(found({ ...situation, idle: [idleFor(75_000)], hop: keptHop(setting('proxy_http_version', '1.1', '1.29.7')) })).toEqual([]);
  });
});

describe('upgrade-changed-defaults is silent', () => {
  const hop = hopOf({ probes: [twice], symptoms: [refused] });

  it.each([
    ['nothing was upgraded', []],
    ['another package was upgraded', [upgrade('1.22.1', '1.26.3', 'curl')]],
    ['the upgrade was one of the same version of nginx', [upgrade('1.26.3-2', '1.26.3-3+deb13u7')]],
    ['the upgrade went over no such version', [upgrade('1.24.0-2', '1.26.3-3+deb13u7')]],
    ['the running nginx is another one than the package brought', [upgrade('1.22.1-9', '1.24.0-2')]],
  ])('where %s', (_, changes) => {
    expect(found({ hop, changes })).toEqual([]);
  });

  it('where nginx has not been started anew since', () => {
    expect(found({ hop, startMs: at - 3_600_000 })).toEqual([]);
  });

  it('where it failed so before', () => {
    expect(found({ hop: hopOf({ probes: [twice], symptoms: [symptomOf('invalid-header', { ...refused, firstMs: at - 30_000 })] }) })).toEqual([]);
  });

  it('where the header was never allowed', () => {
    expect(found({ hop: hopOf({ symptoms: [since('invalid-header', 'invalid-header-line')] }) })).toEqual([]);
  });

  it('where the backend was changed too, after the upgrade or without an answer in between', () => {
    const deploy = (timeMs: number): Change => ({
      kind: 'unit-start',
      timeMs,
      subject: 'orders.service',
      verb: 'started',
      source: 'journal:orders.service',
      serviceIds: ['unit:orders.service'],
    });
    expect(found({ hop, changes: [debian, deploy(at + 2000)] })).toEqual([]);
    expect(found({ hop, changes: [deploy(at - 5000), debian], lastGoodMs: at - 20_000 })).toEqual([]);
    expect(found({ hop, changes: [deploy(at - 5000), debian] })).toMatchObject([{ confidence: 'confirmed' }]);
  });

  it('where the configuration says itself which versions are offered, or that connections are kept', () => {
    expect(found({ hop: tlsHop(setting('proxy_ssl_protocols', 'TLSv1.2 TLSv1.3')) })).toEqual([]);
    expect(found({ hop: hopOf({ ...tlsHop(offered), probes: [shake(undefined, failed), shake('TLSv1.2', failed)] }) })).toEqual([]);
  });
});
