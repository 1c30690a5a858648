import { describe, expect, it } from 'vitest';
import { absent, known } from '../model/fact.ts';
import type { Change, Circumstance } from '../model/facts/changes.ts';
import type { AccessGroup, ErrorGroup, NginxAccessLog, TrafficCount } from '../model/facts/logs.ts';
import type { Peer, Symptom, Topology, UpstreamGroup } from '../model/facts/topology.ts';
import circumstances from './circumstances.ts';

const sinceMs = 1_800_000_000_000;
const nowMs = sinceMs + 900_000;
const onset = sinceMs + 600_000;
const widthMs = 10_000;
const one = '10.0.0.1:80';
const two = '10.0.0.2:80';

const buckets = (counts: Readonly<Record<number, number>>) => ({ widthMs, starts: Object.keys(counts).map(Number), counts: Object.values(counts) });
const coverage = {
  path: '/a.log',
  bytesRead: 0,
  lines: 0,
  unparsedLines: 0,
  unparsedSamples: [],
  firstMs: sinceMs + 1000,
  lastMs: nowMs,
  wholeWindow: true,
  rotatedRead: [],
};

function accessLog(part: Partial<NginxAccessLog> = {}): NginxAccessLog {
  return {
    coverage: [coverage],
    formats: [],
    total: 200,
    byStatus: {},
    failing: [],
    byTemplate: [],
    byPeer: [],
    byMethod: [],
    byServer: [],
    buckets: { all: buckets({ [onset - 60_000]: 50, [onset]: 100 }), failed: buckets({ [onset]: 100 }) },
    unread: [],
    ...part,
  };
}

function symptom(part: Partial<Symptom> = {}): Symptom {
  return {
    id: 'connect-refused@10.0.0.1:80',
    class: 'connect-refused',
    upstream: one,
    madeBy: 'nginx',
    count: 100,
    firstMs: onset,
    lastMs: nowMs,
    ongoing: true,
    shape: { when: 'steady', text: '' },
    errorGroups: [],
    accessGroups: [],
    ...part,
  };
}

const change = (beforeMs: number, part: Partial<Change> = {}): Change => ({
  kind: 'config-file',
  timeMs: onset - beforeMs,
  subject: '/etc/nginx/conf.d/shop.conf',
  verb: 'changed',
  source: 'file:/etc/nginx/conf.d/shop.conf',
  ...part,
});

const peer = (id: string, serviceId?: string): Peer => ({
  id,
  address: { kind: 'tcp', host: id.slice(0, -3), port: 80 },
  groupIds: ['group:1'],
  routeIds: [],
  written: id,
  origin: { path: '', line: 1 },
  flags: { down: false, backup: false, maxFails: 1, failTimeoutMs: 10_000, maxConns: 0 },
  local: true,
  listeners: [],
  ...(serviceId === undefined ? {} : { serviceId }),
});
const group: UpstreamGroup = { id: 'group:1', name: 'api', explicit: true, origin: { path: '', line: 1 }, peerIds: [one, two], zone: false, settings: {} };
const topologyOf = (...peers: readonly Peer[]): Topology => ({ servers: [], routes: [], groups: [group], peers });

function derive(symptoms: readonly Symptom[], changes: readonly Change[], access = accessLog(), topology?: Topology): readonly Circumstance[] {
  const fact = circumstances.derive(
    {
      symptoms: known(symptoms),
      changes: known(changes),
      'nginx-access-log': known(access),
      'nginx-error-log': known({ coverage: [coverage], groups: [], unread: [] }),
      topology: topology === undefined ? absent('not read') : known(topology),
    },
    { sinceMs, nowMs, clock: { nowMs, zone: 'UTC', offsetMinutes: 0 }, probing: true },
  );
  return fact.state === 'known' ? fact.value : [];
}

const texts = (...found: Parameters<typeof derive>): readonly string[] => derive(...found).flatMap(each => each.since.map(since => since.text));

const lateGroup: AccessGroup = {
  path: '/a.log',
  status: 504,
  tries: 1,
  madeBy: 'nginx',
  count: 100,
  firstMs: onset,
  lastMs: nowMs,
  buckets: buckets({}),
  samples: [],
};

describe('since when', () => {
  it('names the nearest two changes before the first failure, with the interval', () => {
    const changes = [
      change(300_000, { kind: 'unit-start', subject: 'shop.service', verb: 'started' }),
      change(12_000, { diff: '-a\n+b' }),
      change(2000, { kind: 'nginx-reload', subject: 'nginx', verb: 'was reloaded' }),
      change(-1000, { subject: '/etc/hosts' }),
    ];
    expect(texts([symptom()], changes)).toEqual(['2 s after nginx was reloaded', '12 s after /etc/nginx/conf.d/shop.conf changed']);
    expect(derive([symptom()], changes)[0]?.since[1]).toMatchObject({ timeMs: onset - 12_000, source: 'file:/etc/nginx/conf.d/shop.conf', diff: '-a\n+b' });
  });

  it('loses no edit behind the restarts that followed it', () => {
    const unit = (beforeMs: number, kind: 'unit-start' | 'unit-stop', subject = 'shop.service') =>
      change(beforeMs, { kind, subject, verb: kind === 'unit-stop' ? 'stopped' : 'started', source: `journal:${subject}` });
    const changes = [
      change(9000),
      unit(6000, 'unit-stop'),
      unit(5000, 'unit-start'),
      unit(3000, 'unit-start', 'a.service'),
      unit(2000, 'unit-start', 'b.service'),
    ];
    expect(texts([symptom()], changes)).toEqual(['2 s after b.service started', '9 s after /etc/nginx/conf.d/shop.conf changed']);
    expect(texts([symptom()], changes.slice(0, 3))).toEqual(['5 s after shop.service was restarted', '9 s after /etc/nginx/conf.d/shop.conf changed']);
    // It failed between the two.
    expect(texts([symptom()], [unit(1000, 'unit-stop'), unit(-3000, 'unit-start')])).toEqual(['1 s after shop.service stopped']);
  });

  it('takes a request that waited in vain from its beginning', () => {
    const waited: AccessGroup = { ...lateGroup, upstreamTime: { count: 100, min: 30, median: 45, p95: 60, max: 60 } };
    const late = symptom({ class: 'read-timeout', accessGroups: [waited] });
    expect(texts([late], [change(10_000), change(40_000, { subject: '/etc/hosts' })])).toEqual(['10 s after /etc/hosts changed']);
  });

  it('compares no times across a clock that was set', () => {
    const clock = (setMs: number) => change(60_000, { kind: 'clock', subject: 'the clock', verb: 'was set', source: 'journal:a', setMs });
    expect(texts([symptom()], [change(90_000), clock(3_600_000)])).toEqual(['60 s after the clock was set']);
    expect(texts([symptom()], [change(50_000), clock(3_600_000)])).toEqual(['50 s after /etc/nginx/conf.d/shop.conf changed', '60 s after the clock was set']);
    // Set back by half a minute: a time of 40 s before may be of either side.
    expect(texts([symptom()], [change(40_000), clock(-30_000)])).toEqual(['60 s after the clock was set']);
    expect(texts([symptom()], [change(20_000), clock(-30_000)])[0]).toContain('20 s after');
  });

  it('names the command that put packages in place', () => {
    const upgraded = (name: string, by: string) => change(4000, { kind: 'package', subject: `package ${name}`, verb: 'was upgraded from 1 to 2', by });
    expect(texts([symptom()], [upgraded('nginx', 'apt-get upgrade')])).toEqual(['4 s after package nginx was upgraded from 1 to 2 by apt-get upgrade']);
    expect(texts([symptom()], [upgraded('nginx', 'a'), upgraded('php', 'b')])[0]).not.toContain(' by ');
  });

  it.each([
    ['long before', change(601_000), {}],
    ['after the first failure', change(-1000), {}],
    ['while failures were there at the start of the window', change(500), { firstMs: sinceMs + 2000 }],
    ['before a probe failed, of which no request tells', change(500), { count: 0 }],
    ['between two failures of a rhythm', change(500), { firstMs: sinceMs + 250_000, count: 3 }],
  ])('says nothing of a change %s', (_, changed, part) => {
    const firstMs = (part as Partial<Symptom>).firstMs ?? onset;
    expect(texts([symptom(part)], [{ ...changed, timeMs: changed.timeMs - onset + firstMs }])).toEqual([]);
  });

  it('says nothing without traffic that was answered before', () => {
    const failedOnly = { all: buckets({ [onset]: 100 }), failed: buckets({ [onset]: 100 }) };
    expect(texts([symptom()], [change(500)], accessLog({ buckets: failedOnly }))).toEqual([]);
    expect(texts([symptom()], [change(500)], accessLog({ coverage: [{ ...coverage, firstMs: onset }] }))).toEqual([]);
    expect(texts([symptom()], [change(500)], accessLog({ coverage: [{ ...coverage, wholeWindow: false, firstMs: onset - 2000 }] }))).toEqual([]);
  });

  it('takes the second of the first failure whole, as the logs do', () => {
    expect(texts([symptom()], [change(-700)])).toEqual(['less than 1 s after /etc/nginx/conf.d/shop.conf changed']);
  });

  it('puts the files of one deployment and the packages of one run together', () => {
    const files = ['a', 'b', 'c', 'd'].map((name, index) => change(4000 - index * 100, { subject: `/etc/nginx/${name}.conf` }));
    const packages = ['nginx', 'libssl3'].map((name, index) =>
      change(90_000 - index * 40_000, { kind: 'package', subject: `package ${name}`, verb: `was upgraded (${index})` }),
    );
    expect(texts([symptom()], files.slice(0, 3))).toEqual(['4 s after /etc/nginx/c.conf, /etc/nginx/b.conf and /etc/nginx/a.conf changed']);
    expect(texts([symptom()], [...files, ...packages])).toEqual([
      '4 s after /etc/nginx/d.conf, /etc/nginx/c.conf, /etc/nginx/b.conf and 1 more changed',
      '50 s after package libssl3 and package nginx were installed, upgraded or removed',
    ]);
  });

  it('leaves out what concerns other services alone', () => {
    const restart = change(3000, { kind: 'unit-start', subject: 'blog.service', verb: 'started', serviceIds: ['unit:blog'] });
    expect(texts([symptom()], [restart], accessLog(), topologyOf(peer(one, 'unit:shop')))).toEqual([]);
    expect(texts([symptom()], [restart], accessLog(), topologyOf(peer(one, 'unit:blog')))).toHaveLength(1);
    // Nobody knows what should answer there: any service may be the one.
    expect(texts([symptom()], [restart], accessLog(), topologyOf(peer(one)))).toHaveLength(1);
  });
});

describe('where', () => {
  const failing = (part: Partial<AccessGroup>): AccessGroup => ({
    path: '/a.log',
    status: 502,
    tries: 1,
    madeBy: 'nginx',
    count: 100,
    firstMs: onset,
    lastMs: nowMs,
    buckets: buckets({}),
    samples: [],
    ...part,
  });
  const counts = (...all: readonly (readonly [string, number, number])[]): readonly TrafficCount[] =>
    all.map(([key, total, failed]) => ({ key, total, failed }));
  const where = (groups: readonly AccessGroup[], log: Partial<NginxAccessLog>, topology?: Topology, part: Partial<Symptom> = {}): string | undefined =>
    derive([symptom({ accessGroups: groups, ...part })], [], accessLog(log), topology)[0]?.where;

  it('names the template and the method that fail alone', () => {
    const groups = [failing({ method: 'POST', urlTemplate: '/export/{n}' })];
    expect(where(groups, { byTemplate: counts(['/export/{n}', 100, 100], ['/', 300, 0]), byMethod: counts(['POST', 100, 100], ['GET', 300, 0]) })).toBe(
      'only POST /export/{n}',
    );
  });

  it('names the folder where templates in it fail in turn', () => {
    const groups = ['/api/a', '/api/b', '/api/c'].map(urlTemplate => failing({ urlTemplate, count: 30 }));
    expect(where(groups, { byTemplate: counts(['/api/a', 30, 30], ['/api/b', 30, 30], ['/api/c', 30, 30], ['/', 300, 0]) })).toBe('only below /api/');
  });

  it('says mostly where some fail elsewhere', () => {
    const groups = [failing({ urlTemplate: '/export/{n}', count: 90 }), failing({ urlTemplate: '/', count: 10 })];
    expect(where(groups, { byTemplate: counts(['/export/{n}', 100, 90], ['/', 300, 10]) })).toBe('mostly /export/{n}');
  });

  it('says nothing where failures are spread as the requests are, or are too few', () => {
    expect(where([failing({ urlTemplate: '/' })], { byTemplate: counts(['/', 990, 100], ['/about', 10, 0]) })).toBeUndefined();
    expect(where([failing({ urlTemplate: '/', count: 3 })], { byTemplate: counts(['/', 50, 3], ['/about', 50, 0]) }, undefined, { count: 3 })).toBeUndefined();
    // What fails elsewhere fails for another reason, and is no sign that this is only here.
    expect(where([failing({ urlTemplate: '/a' })], { byTemplate: counts(['/a', 100, 100], ['/b', 100, 100]) })).toBeUndefined();
  });

  it('reads the error log where the access log does not tell', () => {
    const error: ErrorGroup = {
      class: 'connect-refused',
      level: 'error',
      subrequest: false,
      count: 100,
      firstMs: onset,
      lastMs: nowMs,
      buckets: buckets({}),
      samples: [],
      urlTemplate: '/a',
    };
    expect(where([], { byTemplate: counts(['/a', 100, 100], ['/b', 100, 0]) }, undefined, { errorGroups: [error] })).toBe('only /a');
  });

  it('names one server of several while the others answer', () => {
    const topology = topologyOf(peer(one), peer(two));
    expect(where([], { byPeer: counts([one, 100, 100], [two, 100, 0]) }, topology)).toBe(`only ${one} of the 2 servers of api`);
    expect(where([], {}, topology)).toBe(`only ${one} of the 2 servers of api`);
    expect(where([], { byPeer: counts([one, 100, 100]) }, topology)).toBeUndefined();
    expect(derive([symptom(), symptom({ id: 'other', upstream: two })], [], accessLog(), topology)).toEqual([]);
  });
});
