import { describe, expect, it } from 'vitest';
import { known } from '../../model/fact.ts';
import type { NginxInstance } from '../../model/facts/nginx.ts';
import type { SystemdUnit } from '../../model/facts/system.ts';
import type { Facts, PathFile, PathPart } from '../../model/facts.ts';
import type { Finding } from '../../model/finding.ts';
import type { Address } from '../../model/host.ts';
import allowAccess from '../../fixes/allow-socket-access.ts';
import recreate from '../../fixes/recreate-socket.ts';
import socketInPrivateTmp from './socket-in-private-tmp.ts';
import socketMissing from './socket-missing.ts';
import socketPermissionDenied from './socket-permission-denied.ts';
import socketStale from './socket-stale.ts';
import { answered, detections, failed, hopOf, listenerOf, probeOf, symptomOf } from './testing.ts';

const path = '/run/tickets/web.sock';
const address: Address = { kind: 'unix', path };
const id = `unix:${path}`;

function folder(name: string, mode = 0o755, gid = 0): PathPart {
  return { path: name, kind: 'directory', mode, uid: 0, gid };
}

function fileAt(where: string, mode = 0o660, owner = 33, upper = 0o755): PathFile {
  const parent = where.slice(0, where.lastIndexOf('/'));
  return { path: where, exists: true, chain: [folder('/'), folder(parent, upper), { path: where, kind: 'socket', mode, uid: owner, gid: owner }] };
}

const missing: PathFile = { path, exists: false, why: 'no such file', chain: [folder('/'), folder('/run')] };
const nginx = { id: 'nginx', running: true, workerUid: 33, workerGids: [33], workerUser: 'www-data' } as unknown as NginxInstance;

function unit(change: Partial<SystemdUnit>): SystemdUnit {
  return {
    name: 'tickets.service',
    description: '',
    loadState: 'loaded',
    activeState: 'active',
    subState: 'running',
    result: 'success',
    restarts: 0,
    mainPid: 7,
    execMainStatus: 0,
    execMainCode: '',
    dropIns: [],
    journal: [],
    ...change,
  };
}

describe('socket-missing', () => {
  const run = (hop = hopOf(address, { peer: { listeners: [listenerOf(address)] } }), file = missing) =>
    detections(socketMissing, { hops: [hop], 'socket-files': [file], 'lost-peers': [] });

  it('fires where a service listens on a socket whose file is gone', () => {
    const [found] = run();
    expect(found).toMatchObject({ confidence: 'confirmed', messageId: 'unlinked', symptoms: [`connect-no-file@${id}`] });
    expect(found?.data['gone']).toBe('the folder /run/tickets is gone');
  });

  it('says where the socket is, and only supposes it where nothing ties that one to the site', () => {
    const there = {
      address: { kind: 'unix', path: '/run/php/other.sock' },
      probe: probeOf(address, answered),
      signs: [],
      weight: 5,
      used: false,
      telling: true,
    };
    const search = (certainty: string) =>
      detections(socketMissing, {
        hops: [hopOf(address)],
        'socket-files': [missing],
        'lost-peers': [{ peerId: id, found: [there], stopped: [], here: there, certainty }],
      });
    expect(search('sure')[0]).toMatchObject({ confidence: 'confirmed', messageId: 'elsewhere', fixData: { real: 'unix:/run/php/other.sock' } });
    expect(search('fair')[0]).toMatchObject({ confidence: 'likely', messageId: 'unclaimed' });
  });

  it('has a service restarted that is set up for the path and was not restarted since', () => {
    const own = { id: 'fpm', name: 'php-fpm pool shop', unit: 'php8.2-fpm.service', configuredListen: [{ value: address, source: 'shop.conf' }] };
    const real = { kind: 'unix', path: '/run/php/other.sock' };
    const there = { address: real, service: own, probe: probeOf(address, answered), signs: [], weight: 9, used: false, telling: true };
    const lost = { peerId: id, found: [there], stopped: [], here: there, certainty: 'sure' };
    expect(detections(socketMissing, { hops: [hopOf(address)], 'socket-files': [missing], 'lost-peers': [lost] })).toMatchObject([
      { confidence: 'confirmed', messageId: 'configured', fixData: { restart: 'php8.2-fpm.service' } },
    ]);
  });

  it('is silent where nothing runs that could have made it', () => {
    expect(run(hopOf(address))).toEqual([]);
  });

  it('is silent where the file is there', () => {
    expect(run(hopOf(address, { probes: [probeOf(address, answered)], peer: { listeners: [listenerOf(address)] } }), fileAt(path))).toEqual([]);
  });

  it('leaves a socket in a private /tmp to its own fault', () => {
    const inTmp: Address = { kind: 'unix', path: '/tmp/web.sock' };
    expect(run(hopOf(inTmp, { unit: unit({ privateTmp: true }), peer: { listeners: [listenerOf(inTmp)] } }), { ...missing, path: '/tmp/web.sock' })).toEqual(
      [],
    );
  });
});

describe('socket-in-private-tmp', () => {
  const inTmp: Address = { kind: 'unix', path: '/tmp/web.sock' };
  const run = (privateTmp: boolean) =>
    detections(socketInPrivateTmp, {
      hops: [hopOf(inTmp, { unit: unit({ privateTmp }), peer: { listeners: [listenerOf(inTmp)] } })],
      'systemd-units': [],
      'socket-files': [],
    });

  it('fires where the unit that listens has a /tmp of its own', () => {
    expect(run(true)[0]).toMatchObject({ confidence: 'confirmed', messageId: 'backend' });
  });

  it('is silent where it shares the /tmp of all', () => {
    expect(run(false)).toEqual([]);
  });
});

describe('socket-stale', () => {
  const refused = probeOf(address, failed('ECONNREFUSED'));
  const run = (hop: ReturnType<typeof hopOf>, file = fileAt(path)) => detections(socketStale, { hops: [hop], 'socket-files': [file] });

  it('fires where the file is not the socket that the service listens on', () => {
    const symptoms = [symptomOf('connect-refused', id)];
    expect(run(hopOf(address, { probes: [refused], symptoms, peer: { listeners: [listenerOf(address)] } }))[0]).toMatchObject({
      confidence: 'confirmed',
      messageId: 'replaced',
    });
  });

  it('calls what an ended process left behind a leftover', () => {
    expect(run(hopOf(address, { probes: [refused] }))[0]?.messageId).toBe('leftover');
  });

  it('is silent where the queue is full or the path is gone', () => {
    expect(run(hopOf(address, { probes: [probeOf(address, failed('EAGAIN'))] }))).toEqual([]);
    expect(run(hopOf(address, { probes: [refused] }), missing)).toEqual([]);
  });

  it('plans the restart of the socket unit with that of the service', () => {
    const finding = { fixData: { unit: 'tickets.service', path } } as unknown as Finding;
    const facts = (triggeredBy: readonly string[]) => ({ 'systemd-units': known([unit({ triggeredBy })]) }) as unknown as Facts;
    expect(recreate.plan(finding, facts([]))?.steps).toHaveLength(1);
    expect(recreate.plan(finding, facts(['tickets.socket']))?.steps.map(step => step.kind === 'command' && step.argv.slice(1).join(' '))).toEqual([
      'stop tickets.service',
      'restart tickets.socket',
      'start tickets.service',
    ]);
  });
});

describe('socket-permission-denied', () => {
  const denied = [symptomOf('connect-denied', id, { errno: 13 })];
  const run = (file: PathFile, symptoms = denied, worker = nginx) =>
    detections(socketPermissionDenied, {
      hops: [hopOf(address, { symptoms, probes: [probeOf(address, answered)], peer: { listeners: [listenerOf(address)] } })],
      'socket-files': [file],
      'nginx-instances': [worker],
      topology: { servers: [], routes: [], groups: [], peers: [] },
    });

  it("fires where the socket's mode keeps the workers out", () => {
    const [found] = run(fileAt(path, 0o600, 0));
    expect(found).toMatchObject({ confidence: 'confirmed', status: 'active', messageId: 'socket' });
    expect(found?.evidence[0].text).toBe(`srw------- 0:0 ${path}`);
  });

  it('names the folder that keeps them out, whatever the socket allows', () => {
    expect(run(fileAt(path, 0o666, 5, 0o700))[0]).toMatchObject({ messageId: 'folder', data: { folder: '/run/tickets' } });
  });

  it('counts a supplementary group of the workers', () => {
    expect(run(fileAt(path, 0o660, 5), denied, { ...nginx, workerGids: [33, 5] })).toEqual([]);
  });

  it('takes the bits of the owner for the owner, also where those of others allow more', () => {
    expect(run(fileAt(path, 0o066, 33))[0]?.messageId).toBe('socket');
  });

  it('is silent where the modes allow it: something else says no', () => {
    expect(run(fileAt(path, 0o666))).toEqual([]);
  });

  it('names the setting of the unit of nginx that closes a folder which the modes open', () => {
    const socket = '/home/deploy/run/web.sock';
    const hidden = (settings: Partial<SystemdUnit>, symptoms = denied) =>
      detections(socketPermissionDenied, {
        hops: [hopOf({ kind: 'unix', path: socket }, { symptoms })],
        'socket-files': [{ path: socket, exists: true, chain: [folder('/'), folder('/home'), { path: socket, kind: 'socket', mode: 0o666, uid: 5, gid: 5 }] }],
        'nginx-instances': [{ ...nginx, unit: 'nginx.service' }],
        topology: { servers: [], routes: [], groups: [], peers: [] },
        'systemd-units': [unit({ name: 'nginx.service', ...settings })],
      });
    expect(hidden({ protectHome: true })[0]).toMatchObject({
      messageId: 'hidden',
      confidence: 'likely',
      data: { setting: 'ProtectHome=yes', folder: '/home' },
    });
    expect(hidden({ inaccessiblePaths: ['/srv', '/home'] })[0]?.data['setting']).toBe('InaccessiblePaths=/home');
    expect(hidden({ protectHome: false, inaccessiblePaths: ['/srv', '/hom'] })).toEqual([]);
    expect(hidden({ protectHome: true }, [])).toEqual([]);
  });

  it('is latent where no request has come yet', () => {
    expect(run(fileAt(path, 0o600, 0), [])[0]?.status).toBe('latent');
  });

  it('is past where the rights were put right', () => {
    expect(run(fileAt(path, 0o666), [symptomOf('connect-denied', id, { ongoing: false })])[0]).toMatchObject({ status: 'past', messageId: 'was' });
  });

  it('says nothing of a worker that runs as root', () => {
    expect(run(fileAt(path, 0o600, 5), denied, { ...nginx, workerUid: 0 })).toEqual([]);
  });

  it('edits the directives of the pool that are there and adds the others', () => {
    const text = 'listen = /run/tickets/web.sock';
    const pool = {
      name: 'tickets',
      path: '/etc/php/pool.d/t.conf',
      line: 1,
      mainConfig: '/etc/php/fpm.conf',
      masterPid: 40,
      values: {
        listen: { value: path, source: 'file:/etc/php/pool.d/t.conf:4', text },
        'listen.mode': { value: '0600', source: 'file:/etc/php/pool.d/t.conf:7', text: 'listen.mode=0600' },
      },
    };
    const processes = known([{ pid: 40, exe: '/usr/sbin/php-fpm8.2' }]);
    const facts = { 'php-fpm-pools': known({ pools: [pool], unread: [], globals: {} }), processes } as unknown as Facts;
    const part = { path, kind: 'socket', mode: 0o600, uid: 0, gid: 0 };
    const finding = { fixData: { path, part, right: 'write', workerUser: 'www-data', pool: 'tickets', poolPath: pool.path } } as unknown as Finding;
    const plan = allowAccess.plan(finding, facts);
    expect(plan).toMatchObject({ automatic: true, validate: [['/usr/sbin/php-fpm8.2', '-t', '-y', '/etc/php/fpm.conf']] });
    expect(plan?.steps.flatMap(step => (step.kind === 'edit' ? [[step.line, step.after]] : []))).toEqual([
      [7, 'listen.mode = 0660'],
      [4, `${text}\nlisten.owner = www-data\nlisten.group = www-data`],
    ]);
    expect(allowAccess.plan(finding, { 'php-fpm-pools': known({ pools: [], unread: [], globals: {} }) } as unknown as Facts)?.automatic).toBe(false);
  });
});
