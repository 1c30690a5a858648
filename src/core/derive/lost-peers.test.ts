import { describe, expect, it } from 'vitest';
import type { CollectContext } from '../model/collector.ts';
import { absent, known } from '../model/fact.ts';
import type { Service } from '../model/facts/backend.ts';
import type { Hop } from '../model/facts/hop.ts';
import type { NginxAccessLog } from '../model/facts/logs.ts';
import type { NginxInstance } from '../model/facts/nginx.ts';
import type { LostPeer } from '../model/facts/lost-peer.ts';
import type { ManagedProgram } from '../model/facts/managed-program.ts';
import type { ProcessInfo, SystemdUnit } from '../model/facts/system.ts';
import type { ServerBlock, Symptom } from '../model/facts/topology.ts';
import type { Address } from '../model/host.ts';
import type { ProbeResult } from '../model/probe.ts';
import { likenessOf } from './address-likeness.ts';
import lostPeers from './lost-peers.ts';

const nowMs = 1_790_000_000_000;
const context: CollectContext = { sinceMs: nowMs - 900_000, nowMs, clock: { nowMs, zone: 'UTC', offsetMinutes: 0 }, probing: true };

function tcp(port: number, host = '127.0.0.1'): Address {
  return { kind: 'tcp', host, port };
}

function hop(port: number, change: { listening?: boolean; behind?: Service; hostName?: string; host?: string; failedMs?: number } = {}): Hop {
  const { listening = false, behind, hostName, host = '127.0.0.1', failedMs } = change;
  const id = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  const subject = { kind: 'peer', id, name: id, peers: [id] } as const;
  const listeners = listening ? [{ kind: 'tcp', host, port, queue: 0, backlog: 5, pids: [9] } as const] : [];
  return {
    peer: {
      id,
      address: tcp(port, host),
      groupIds: [],
      routeIds: ['r'],
      written: id,
      origin: { path: '/etc/nginx/sites-enabled/tickets.conf', line: 4 },
      flags: { down: false, backup: false, maxFails: 1, failTimeoutMs: 10_000, maxConns: 0 },
      local: true,
      listeners,
      ...(hostName === undefined ? {} : { hostName }),
    },
    routes: [
      {
        id: 'r',
        serverId: 's',
        location: 'location /',
        pass: 'proxy',
        target: `http://${id}`,
        tls: false,
        origin: { path: '/etc/nginx/sites-enabled/tickets.conf', line: 4 },
        variables: [],
        settings: {},
        headers: [],
      },
    ],
    groups: [],
    workers: [],
    events: [],
    probes: [],
    symptoms: failedMs === undefined ? [] : [refusedFrom(failedMs, id)],
    groupSymptoms: [],
    ...(behind === undefined ? {} : { service: behind }),
    subject,
    serviceSubject: subject,
  };
}

function refusedFrom(firstMs: number, upstream: string): Symptom {
  return {
    id: `connect-refused@${upstream}`,
    class: 'connect-refused',
    upstream,
    madeBy: 'nginx',
    count: 20,
    firstMs,
    lastMs: nowMs,
    errorGroups: [],
    accessGroups: [],
    ongoing: true,
    shape: { when: 'steady', text: 'steady' },
  };
}

function service(name: string, port: number, change: Partial<Service> = {}): Service {
  return {
    id: `unit:${name}.service`,
    kind: 'gunicorn',
    name,
    unit: `${name}.service`,
    masterPid: port,
    workerPids: [],
    listening: [tcp(port)],
    configuredListen: [],
    configFiles: [],
    logFiles: [],
    ...change,
  };
}

function answers(port: number): ProbeResult {
  return {
    request: { kind: 'http', address: tcp(port), path: '/', hostHeader: 'localhost' },
    outcome: { state: 'answered', speaks: 'http', answer: { status: 200, complete: true } },
    connectMs: 1,
    ms: 2,
  };
}

function unit(name: string, change: Partial<SystemdUnit>): SystemdUnit {
  return {
    name,
    description: '',
    loadState: 'loaded',
    activeState: 'failed',
    subState: 'failed',
    result: 'exit-code',
    restarts: 0,
    mainPid: 0,
    execMainStatus: 1,
    execMainCode: 'exited',
    dropIns: [],
    journal: [],
    ...change,
  };
}

function derive(
  hops: readonly Hop[],
  services: readonly Service[],
  probes: readonly ProbeResult[],
  units: readonly SystemdUnit[] = [],
  access?: Partial<NginxAccessLog>,
  changedMs = 0,
  programs: readonly ManagedProgram[] = [],
  processes: readonly ProcessInfo[] = [],
  loadedMs?: number,
  servers: readonly { readonly id: string; readonly names: readonly string[] }[] = [],
  masterMs?: number,
): LostPeer | undefined {
  const fact = lostPeers.derive(
    {
      hops: known(hops),
      services: known(services),
      'systemd-units': known(units),
      'managed-programs': known(programs),
      processes: known(processes),
      'probe-results': known(probes),
      topology: known({ servers: servers as unknown as readonly ServerBlock[], routes: [], groups: [], peers: [] }),
      'network-namespaces': absent(''),
      listeners: known([]),
      'nginx-instances': loadedMs === undefined ? absent('') : known([instanceOf(loadedMs, masterMs)]),
      'nginx-access-log': access === undefined ? absent('') : known({ ...noRequests, ...access }),
      'nginx-config': known([
        {
          instanceId: 'nginx',
          mainPath: '/etc/nginx/nginx.conf',
          files: [{ path: '/etc/nginx/sites-enabled/tickets.conf', text: '', modifiedMs: nowMs - 600_000, changedMs }],
          directives: [],
          problems: [],
          unread: [],
        },
      ]),
    },
    context,
  );
  return fact.state === 'known' ? fact.value[0] : undefined;
}

function instanceOf(startMs: number, masterMs = startMs): NginxInstance {
  return {
    id: 'nginx',
    running: true,
    binary: '/usr/sbin/nginx',
    prefix: '/',
    configPath: '/etc/nginx/nginx.conf',
    globalDirectives: '',
    flavour: 'nginx',
    configureArguments: '',
    startMs: masterMs,
    workers: [{ pid: 9, startMs, state: 'S', shuttingDown: false }],
  };
}

const none = { widthMs: 10_000, starts: [], counts: [] };
const noRequests: NginxAccessLog = {
  coverage: [],
  formats: [],
  total: 9,
  byStatus: {},
  failing: [],
  byTemplate: [],
  byPeer: [],
  byMethod: [],
  byServer: [],
  buckets: { all: none, failed: none },
  unread: [],
};
const readFrom = (firstMs: number) => ({
  path: '/var/log/nginx/access.log',
  bytesRead: 1,
  lines: 1,
  unparsedLines: 0,
  unparsedSamples: [],
  firstMs,
  wholeWindow: true,
  rotatedRead: [],
});
const tally = (key: string, total: number, failed: number) => ({ key, total, failed });

describe('what stands beside the backend', () => {
  const neverRight = {
    coverage: [readFrom(nowMs - 900_000)],
    lastGoodMs: nowMs - 60_000,
    byPeer: [tally('127.0.0.1:6410', 9, 9), tally('127.0.0.1:6401', 9, 0)],
  };

  it('is not taken for it with certainty where its name says what it is', () => {
    const one = (name: string) => derive([hop(6410)], [service(name, 6411)], [answers(6411)], [], neverRight);
    expect(one('tickets')?.certainty).toBe('sure');
    expect(one('tickets-metrics')?.certainty).toBe('fair');
    expect(one('tickets-admin')?.certainty).toBe('fair');
  });

  it('gives way to the address that the other server block of the same name asks', () => {
    const written = hop(6410);
    const right = hop(6401, { listening: true });
    const twin = { ...right, routes: right.routes.map(route => ({ ...route, id: 'r2', serverId: 's2' })) };
    const found = [
      [service('tickets', 6401), service('tickets-next', 6411)],
      [answers(6401), answers(6411)],
    ] as const;
    const blocks = (second: string) => [
      { id: 's', names: ['tickets.example'] },
      { id: 's2', names: [second] },
    ];
    const lost = derive([written, twin], ...found, [], neverRight, 0, [], [], undefined, blocks('tickets.example'));
    expect(lost).toMatchObject({ certainty: 'sure', here: { address: { port: 6401 } } });
    expect(derive([written, twin], ...found, [], neverRight, 0, [], [], undefined, blocks('else.example'))?.here?.address).toMatchObject({ port: 6411 });
  });
});

describe('what the access log says of the address', () => {
  const found = [[service('shop', 8009)], [answers(8009)]] as const;

  it('keeps a port of the same digits from being a slip of the pen where requests to the written one succeeded', () => {
    const lost = derive([hop(8090)], ...found, [], { lastGoodMs: nowMs - 60_000, byPeer: [tally('127.0.0.1:8090', 50, 20)] });
    expect(lost?.here).toBeUndefined();
  });

  it('holds for the slip where the written address never answered, and the log began before it was written', () => {
    const byPeer = [tally('127.0.0.1:8090', 50, 50), tally('127.0.0.1:9999', 5, 0)];
    const since = (firstMs: number) => derive([hop(8090)], ...found, [], { lastGoodMs: nowMs - 60_000, byPeer, coverage: [readFrom(firstMs)] })?.certainty;
    expect(since(nowMs - 700_000)).toBe('sure');
    // It may have answered until yesterday, and what was found be its helper.
    expect(since(nowMs - 500_000)).toBe('fair');
  });

  it('trusts a log that begins in the second of the writing where nginx ran by then and was reloaded', () => {
    const writtenMs = nowMs - 300_000;
    const byPeer = [tally('127.0.0.1:8090', 50, 50), tally('127.0.0.1:9999', 5, 0)];
    const certaintyOf = (loaded: number, master: number) =>
      derive(
        [hop(8090)],
        ...found,
        [],
        { lastGoodMs: writtenMs + 9000, byPeer, coverage: [readFrom(writtenMs - 400)] },
        writtenMs,
        [],
        [],
        writtenMs + loaded,
        [],
        writtenMs + master,
      )?.certainty;
    expect(certaintyOf(150, -300)).toBe('sure');
    // Started after the writing, and started with these workers.
    expect(certaintyOf(180, 120)).toBe('fair');
    expect(certaintyOf(-260, -300)).toBe('fair');
  });

  it('takes what succeeded since nginx started with the file for its work, however soon that was', () => {
    const writtenMs = nowMs - 300_000;
    const certaintyOf = (serviceMs: number) =>
      derive(
        [hop(8090)],
        ...found,
        [unit('shop.service', { activeState: 'active', subState: 'running', result: 'success', inactiveEnterMs: serviceMs - 90 })],
        { lastGoodMs: writtenMs + 500, coverage: [readFrom(writtenMs - 500)] },
        writtenMs,
        [],
        [{ pid: 8009, ppid: 1, state: 'S', comm: 'gunicorn', argv: [], uid: 33, startMs: serviceMs, rssBytes: 0, threads: 1, cpuMs: 0 }],
        writtenMs + 180,
        [],
        writtenMs + 120,
      );
    // It was started anew after that, and may have moved.
    expect(certaintyOf(writtenMs + 700)?.certainty).toBe('sure');
    expect(certaintyOf(writtenMs - 3000)?.here).toBeUndefined();
  });

  it('takes failures that began with the file for its work, where the log names no peers', () => {
    const lost = (firstMs: number, failedMs: number) =>
      derive([hop(8090, { failedMs }), hop(7000, { listening: true })], ...found, [], { lastGoodMs: nowMs - 10_000, coverage: [readFrom(firstMs)] })?.certainty;
    expect(lost(nowMs - 700_000, nowMs - 598_000)).toBe('sure');
    expect(lost(nowMs - 700_000, nowMs - 90_000)).toBe('fair');
    expect(lost(nowMs - 590_000, nowMs - 590_000)).toBe('fair');
  });

  it('counts without peers too, where there is only one and its file was not changed since', () => {
    expect(derive([hop(8090)], ...found, [], { lastGoodMs: nowMs - 60_000 })?.here).toBeUndefined();
    expect(derive([hop(8090)], ...found, [], { lastGoodMs: nowMs - 700_000 })?.certainty).toBe('sure');
    expect(derive([hop(8090), hop(7000, { listening: true })], ...found, [], { lastGoodMs: nowMs - 60_000 })?.certainty).toBe('fair');
    // A package puts its files in place with the time of its build.
    expect(derive([hop(8090)], ...found, [], { lastGoodMs: nowMs - 60_000 }, nowMs - 30_000)?.certainty).toBe('sure');
  });

  it('counts from the reload that took the file up, and a moment later, as old workers end what they do', () => {
    const changedMs = nowMs - 60_000;
    const after = (lastGood: number, loaded: number) =>
      derive([hop(8090)], ...found, [], { lastGoodMs: changedMs + lastGood }, changedMs, [], [], changedMs + loaded)?.here === undefined ? 'right' : 'unknown';
    expect(after(3000, 1500)).toBe('unknown');
    expect(after(3000, 900)).toBe('right');
    expect(after(1500, -400)).toBe('unknown');
    // The file had been in force for long when something else made nginx load it anew.
    expect(after(3000, 40_000)).toBe('right');
    expect(after(3000, -40_000)).toBe('right');
  });

  it('is not sure of a service that started in the second of the last success, and is of one that started after it', () => {
    const startedAt = (startMs: number, units: readonly SystemdUnit[] = []) =>
      derive(
        [hop(8090)],
        ...found,
        units,
        { lastGoodMs: nowMs - 60_000, byPeer: [tally('127.0.0.1:8090', 50, 20)] },
        0,
        [],
        [{ pid: 8009, ppid: 1, state: 'S', comm: 'gunicorn', argv: [], uid: 33, startMs, rssBytes: 0, threads: 1, cpuMs: 0 }],
      );
    expect(startedAt(nowMs - 60_001)?.here).toBeUndefined();
    expect(startedAt(nowMs - 60_000)?.certainty).toBe('fair');
    expect(startedAt(nowMs - 59_001)?.certainty).toBe('fair');
    expect(startedAt(nowMs - 59_000)?.certainty).toBe('sure');
    // A restart may have moved it.
    const running = { activeState: 'active', subState: 'running', result: 'success' };
    expect(startedAt(nowMs - 59_500, [unit('shop.service', running)])?.certainty).toBe('fair');
    expect(startedAt(nowMs - 59_500, [unit('shop.service', { ...running, inactiveEnterMs: nowMs - 59_600 })])?.certainty).toBe('sure');
  });

  it('knows whose socket it is at which systemd listens for a service that has not been started', () => {
    const source = 'unit:tickets.socket';
    const { masterPid: _masterPid, ...waiting } = service('tickets', 0, { listening: [], configuredListen: [{ value: tcp(9100), source }] });
    expect(derive([hop(8000)], [waiting], [answers(9100)])?.found[0]).toMatchObject({ service: { name: 'tickets' }, telling: true });
    const elsewhere = { ...waiting, configuredListen: [{ value: tcp(9100), source: 'argv' }] };
    expect(derive([hop(8000)], [elsewhere], [answers(9100)])?.found[0]).not.toHaveProperty('service');
  });

  it('prefers the backend to its helper where both have the name of the site and neither port is nearer', () => {
    const lost = derive([hop(7311)], [service('tickets-admin', 7312), service('tickets', 7321)], [answers(7312), answers(7321)]);
    expect(lost?.here?.address).toMatchObject({ port: 7321 });
    expect(lost?.certainty).toBe('fair');
  });

  it('does not take the next port alone for a proof', () => {
    expect(derive([hop(8000)], [service('shop-exporter', 8001)], [answers(8001)])?.certainty).toBe('fair');
  });
});

describe('lost-peers', () => {
  it('finds the one unused backend a digit away', () => {
    const lost = derive([hop(801)], [service('shop', 8010), service('far', 5000)], [answers(8010), answers(5000)]);
    expect(lost).toMatchObject({ certainty: 'sure', here: { address: tcp(8010) } });
  });

  it('takes no backend for unused that another route asks at another address of its one socket', () => {
    const all = service('shop', 8010, { listening: [tcp(8010, '*')] });
    const other = hop(8010, { host: '::1', listening: true });
    const asked = { ...other, peer: { ...other.peer, listeners: other.peer.listeners.map(one => ({ ...one, host: '*' })) } };
    expect(derive([hop(801), asked], [all], [answers(8010)])?.found).toMatchObject([{ address: tcp(8010), used: true }]);
    expect(derive([hop(801), asked], [all], [answers(8010)])?.here).toBeUndefined();
    // Two sockets of one number are two backends.
    expect(derive([hop(801), other], [service('shop', 8010)], [answers(8010)])).toMatchObject({ certainty: 'sure', here: { used: false } });
  });

  it('takes the same port on another address for the backend', () => {
    const probe: ProbeResult = { ...answers(8061), request: { kind: 'http', address: tcp(8061, '192.0.2.10'), path: '/', hostHeader: 'localhost' } };
    expect(derive([hop(8061)], [service('x', 8061, { listening: [tcp(8061, '192.0.2.10')] })], [probe])?.certainty).toBe('sure');
  });

  it('takes the service that said it listened there before and now answers on a socket', () => {
    const socket = { kind: 'unix', path: '/run/hr/hr.sock' } as const;
    const line = { timeMs: 1, identifier: 'gunicorn', text: 'Listening at: http://127.0.0.1:8000 (61)' };
    const moved = unit('a.service', { activeState: 'active', subState: 'running', saidListens: [{ address: tcp(8000), line }] });
    const probes: ProbeResult[] = [{ ...answers(1), request: { kind: 'http', address: socket, path: '/', hostHeader: 'localhost' } }, answers(5000)];
    const services = [service('a', 1, { listening: [socket] }), service('b', 5000)];
    const lost = derive([hop(8000)], services, probes, [moved]);
    expect(lost).toMatchObject({ certainty: 'sure', here: { address: socket, said: { source: 'journal:a.service', text: line.text } } });
    // What it said of another port tells nothing of this one.
    expect(derive([hop(8001)], services, probes, [moved])?.certainty).not.toBe('sure');
  });

  it('does not take a neighbour that another route uses for the lost one', () => {
    expect(derive([hop(8061), hop(8062, { listening: true })], [service('billing', 8062)], [answers(8062)])?.here).toBeUndefined();
  });

  it('does not choose between two that fit alike', () => {
    const lost = derive([hop(8061)], [service('a', 8062), service('b', 8063)], [answers(8062), answers(8063)]);
    expect(lost?.certainty).not.toBe('sure');
  });

  it('holds a failed unit of the name of the site for the backend, not a stranger that answers', () => {
    const lost = derive([hop(4410)], [service('dashboard', 4411)], [answers(4411)], [unit('tickets.service', {})]);
    expect(lost?.here).toBeUndefined();
    expect(lost?.stopped[0]?.unit.name).toBe('tickets.service');
  });

  it('does not prefer a unit that was stopped as the requests began to fail to one that is restarted since then', () => {
    const startMs = 1_000_000;
    const failing = { ...hop(4410), symptoms: [{ count: 3, firstMs: startMs }] } as unknown as Hop;
    const journal = [7, 8, 9].map(count => ({
      timeMs: startMs + count * 1000,
      identifier: 'systemd',
      text: `app.service: Scheduled restart job, restart counter is at ${count}.`,
    }));
    const loop = unit('app.service', { activeState: 'activating', subState: 'auto-restart', restarts: 9, journal });
    const cache = unit('cache.service', { activeState: 'inactive', result: 'success', inactiveEnterMs: startMs });
    const lost = derive([failing], [], [], [cache, loop]);
    expect(lost?.stopped.map(one => [one.unit.name, one.weight])).toEqual([
      ['app.service', 5],
      ['cache.service', 3],
    ]);
    // A loop that began at another time has no more to do with it than that it is there.
    expect(derive([{ ...failing, symptoms: [{ count: 3, firstMs: 1 }] } as unknown as Hop], [], [], [loop])?.stopped[0]?.weight).toBe(2);
  });

  it('does not search for a backend that is known and does not run', () => {
    const { masterPid: _pid, ...down } = service('shop', 8010, { listening: [], configuredListen: [{ value: tcp(801), source: 'argv' }] });
    expect(derive([hop(801, { behind: down })], [down, service('other', 8010)], [answers(8010)])?.here).toBeUndefined();
  });

  it('says that the other address of the name is served', () => {
    expect(derive([hop(80, { host: '::1', hostName: 'localhost' }), hop(80, { hostName: 'localhost', listening: true })], [], [])?.sibling).toBe(
      '127.0.0.1:80',
    );
  });

  it('does not count what answers in another protocol', () => {
    const other: ProbeResult = { ...answers(8010), outcome: { state: 'answered', speaks: 'other', answer: { complete: false } } };
    expect(derive([hop(801)], [service('shop', 8010)], [other])?.found).toEqual([]);
  });
});

describe('likenessOf', () => {
  it.each([
    [900, 9000, 3],
    [8017, 8071, 3],
    [8080, 8008, 3],
    [80, 8080, 3],
    [3000, 3100, 2],
    [3000, 8080, undefined],
    [5432, 8443, undefined],
  ])('of port %d and %d', (wanted, real, weight) => {
    expect(likenessOf(tcp(wanted), tcp(real))?.weight).toBe(weight);
  });

  it.each([
    ['/run/php/php7.4-fpm.sock', '/run/php/php8.2-fpm.sock', 3],
    ['/tmp/app.sock', '/run/app/app.sock', 4],
    ['/run/ap.sock', '/run/app.sock', 3],
    ['/run/a/blog.sock', '/run/a/wiki.sock', undefined],
  ])('of %s and %s', (wanted, real, weight) => {
    expect(likenessOf({ kind: 'unix', path: wanted }, { kind: 'unix', path: real })?.weight).toBe(weight);
  });
});

it('the port in the name of a program that is started in vain tells it from its neighbours', () => {
  const waiting = (name: string): ManagedProgram => ({
    id: `pm2:${name}`,
    manager: 'pm2',
    name,
    label: `pm2 app ${name}`,
    state: 'waiting',
    word: 'waiting restart',
    home: '/home/deploy/.pm2',
    pids: [],
    instances: 1,
    addresses: [],
    logFiles: [],
    lines: [],
    words: [],
  });
  const lost = derive([hop(8090)], [], [], [], undefined, 0, [waiting('cart-8091'), waiting('cart-8090'), waiting('mails')]);
  expect(lost?.stoppedPrograms?.[0]?.program.name).toBe('cart-8090');
});
