import { describe, expect, it } from 'vitest';
import { absent, known } from '../model/fact.ts';
import type { Service } from '../model/facts/backend.ts';
import serviceLoad from './service-load.ts';
import { runCollector } from './testing.ts';
import type { FakeHost } from './testing.ts';

function service(extra: Partial<Service>): Service {
  return {
    id: 's',
    kind: 'gunicorn',
    name: 's',
    workerPids: [11, 12],
    listening: [{ kind: 'tcp', host: '127.0.0.1', port: 80 }],
    configuredListen: [],
    manager: 'prefork',
    configFiles: [],
    logFiles: [],
    ...extra,
  };
}

function run(one: Service, host: FakeHost, droppedBefore?: number) {
  const dropped = droppedBefore === undefined ? {} : { dropped: droppedBefore };
  const { fact } = runCollector(
    serviceLoad,
    { services: known([one]), listeners: known([{ kind: 'tcp', host: '127.0.0.1', port: 80, queue: 0, backlog: 9, pids: [], ...dropped }]) },
    host,
  );
  return fact.state === 'known' ? fact.value[0] : undefined;
}

const ss = (lines: string): FakeHost => ({
  answer: request => (request.kind === 'exec' && request.argv[1] === '-Htnei' ? known({ stdout: lines, stderr: '', code: 0, truncated: false }) : undefined),
});
const listening = 'LISTEN 2 9 127.0.0.1:80 0.0.0.0:* ino:1\n';
const held = (inode: number, rest = 'bytes_received:80 lastsnd:9 lastrcv:5'): string => `ESTAB 0 0 127.0.0.1:80 127.0.0.1:${inode} ino:${inode}\n\t ${rest}\n`;

describe('processes that take one connection each', () => {
  it('are busy by the connections that they hold; what has no inode still waits', () => {
    const load = run(service({}), ss(`${listening}${held(101)}${held(102)}ESTAB 80 0 127.0.0.1:80 127.0.0.1:5 ino:0\n`));
    expect(load).toMatchObject({ workers: 2, busyAlways: 2, busyEver: 2, queue: [2, 2, 2, 2], backlog: 9 });
  });

  it('have finished what they no longer hold', () => {
    let asked = 0;
    const host: FakeHost = {
      answer: request => {
        if (request.kind !== 'exec' || request.argv[1] !== '-Htnei') return undefined;
        asked += 1;
        return known({ stdout: `${listening}${held(101)}${held(101 + asked)}`, stderr: '', code: 0, truncated: false });
      },
    };
    expect(run(service({}), host)).toMatchObject({ busyAlways: 2, finished: 1, queue: [2, 2, 2], sampledMs: 300 });
  });

  it('are still busy for clients that have gone', () => {
    expect(run(service({}), ss(`${listening}CLOSE-WAIT 1 0 127.0.0.1:80 127.0.0.1:5 ino:101\n`))).toMatchObject({ busyAlways: 1 });
  });

  it('are idle without connections', () => {
    expect(run(service({}), ss(listening))).toMatchObject({ busyAlways: 0, busyEver: 0 });
  });

  it('are read from /proc/net/unix on a unix socket (Linux 6.18, php-fpm 8.2)', () => {
    const sample =
      'Num       RefCount Protocol Flags    Type St Inode Path\n' +
      '000000008536436d: 00000003 00000000 00000000 0001 03 20983 /run/x.sock\n' +
      '0000000090e1e246: 00000003 00000000 00000000 0001 03 20980 /run/x.sock\n' +
      '000000003bd636b1: 00000002 00000000 00010000 0001 01 19321 /run/x.sock\n' +
      '0000000063f17262: 00000003 00000000 00000000 0001 02     0 /run/x.sock\n' +
      '000000001f417a8f: 00000003 00000000 00000000 0001 03 19984 /run/other.sock\n';
    const load = run(service({ kind: 'php-fpm', manager: 'static', listening: [{ kind: 'unix', path: '/run/x.sock' }] }), {
      files: { '/proc/net/unix': sample },
    });
    expect(load).toMatchObject({ workers: 2, busyAlways: 2, queue: [1, 1, 1, 1], finished: 0, sampledMs: 1000 });
  });

  it('are read from /proc/net/tcp where ss is missing', () => {
    const tcp =
      '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n' +
      '   0: 0100007F:0050 00000000:0000 0A 00000000:00000003 00:00000000 00000000     0        0 19320 2 0 100 0 0 10 0\n' +
      '   2: 0100007F:0050 0100007F:A2C0 01 00000000:00000008 00:00000000 00000000    33        0 19983 1 0 20 4 30 10 -1\n';
    expect(run(service({}), { files: { '/proc/net/tcp': tcp } })).toMatchObject({ busyAlways: 1, queue: [3, 3, 3] });
  });
});

describe('servers with threads or an event loop', () => {
  const threads = service({ manager: 'threads', workersMax: { value: 3, source: 'x' } });

  it('are not busy with idle keep-alive connections', () => {
    expect(
      run(threads, ss(`${held(1, 'bytes_sent:9 bytes_received:80 lastsnd:5 lastrcv:9')}${held(2, 'bytes_sent:9 bytes_received:80 lastsnd:5 lastrcv:9')}`)),
    ).toMatchObject({ workers: 3, busyEver: 0 });
  });

  it('are not full for many idle connections of which one is about to be read', () => {
    const idle = [1, 2, 3, 4].map(inode => held(inode, 'bytes_sent:9 bytes_received:80 lastsnd:5 lastrcv:9')).join('');
    const load = run(threads, ss(`LISTEN 0 9 127.0.0.1:80 0.0.0.0:* ino:9\n${idle}${held(5).replace('ESTAB 0', 'ESTAB 70')}`));
    expect(load).toMatchObject({ workers: 3, busyAlways: 1, unread: [1, 1, 1] });
  });

  it('are full with more requests than threads, and tell what no thread has read', () => {
    const load = run(threads, ss(`${held(1)}${held(2)}${held(3)}${held(4).replace('ESTAB 0', 'ESTAB 70')}`));
    expect(load).toMatchObject({ busyAlways: 3, unread: [1, 1, 1, 1], queue: [0, 0, 0, 0] });
  });

  it('run code that holds their loop up, or wait for events', () => {
    const loop = service({ manager: 'event-loop', kind: 'uvicorn', workerPids: [11, 12] });
    const at = (wchan: string): FakeHost => ({
      ...ss(`${held(1)}${held(2)}${held(3)}`),
      files: { '/proc/11/wchan': 'hrtimer_nanosleep', '/proc/12/wchan': wchan, '/proc/11/stat': '11 (a) S', '/proc/12/stat': '12 (a) S' },
    });
    expect(run(loop, at('hrtimer_nanosleep'))?.loops).toMatchObject({ heldUp: 2, waiting: [1, 1, 1, 1] });
    expect(run(loop, at('ep_poll'))?.loops).toMatchObject({ heldUp: 1 });
    expect(run(loop, at('0'))?.loops).toBeUndefined();
  });

  it('tell what the kernel dropped before them, since badhop began to look', () => {
    const host: FakeHost = {
      answer: request => {
        if (request.kind !== 'exec' || request.argv[1] !== '-Htlnm') return undefined;
        const other = 'LISTEN 0 9 127.0.0.1:81 0.0.0.0:*\n\t skmem:(r0,d99)\n';
        return known({ stdout: `LISTEN 0 9 127.0.0.1:80 0.0.0.0:*\n\t skmem:(r0,d8)\n${other}`, stderr: '', code: 0, truncated: false });
      },
    };
    expect(run(threads, host, 4)?.drops).toEqual({ sinceOpened: 8, meanwhile: 4 });
    expect(run(threads, host)?.drops).toBeUndefined();
    expect(run(threads, ss(listening), 4)?.drops).toBeUndefined();
  });

  it('are busy with requests that were not answered yet', () => {
    expect(run(threads, ss(`${held(1)}${held(2, 'bytes_sent:9 bytes_received:80 lastsnd:9 lastrcv:5')}`))).toMatchObject({ busyAlways: 2, busyEver: 2 });
  });

  it('have no free thread when requests lie unread on a unix socket', () => {
    const path = '/run/gt.sock';
    const rows = [1, 2, 3, 4].map(inode => `0: 00000003 00000000 00000000 0001 03 ${inode} ${path}\n`).join('');
    const unread = { 'ss -Hxn state established': `u_str ESTAB 71 0 ${path} 4 * 9\n` };
    const on = { ...threads, listening: [{ kind: 'unix' as const, path }] };
    expect(run(on, { files: { '/proc/net/unix': rows }, programs: unread })).toMatchObject({ busyAlways: 3 });
    expect(run(on, { files: { '/proc/net/unix': rows }, programs: { 'ss -Hxn state established': '' } })).toMatchObject({
      busyEver: 0,
      how: expect.stringContaining('cannot be seen'),
    });
  });
});

it('counts states, waits, CPU time and memory of the workers', () => {
  let reads = 0;
  const load = run(service({ workerPids: [11] }), {
    answer: request => {
      if (request.kind !== 'read' || request.path !== '/proc/11/stat') return undefined;
      reads += 1;
      const text = `11 (a) b) T 1 1 1 0 -1 0 0 0 0 0 ${reads * 5} 5 0 0 20 0 1 0 100 1 1`;
      return known({ bytes: Uint8Array.from(text, character => character.charCodeAt(0)), size: 0, atEnd: true });
    },
    files: { '/proc/11/wchan': 'inet_csk_accept', '/proc/11/smaps_rollup': 'Rss: 9 kB\nPss:  4 kB\n' },
  });
  expect(load).toMatchObject({ states: { T: 1 }, waits: { inet_csk_accept: 1 }, cpuMs: 50, pssPerWorkerBytes: 4096, sampledMs: 300 });
});

it('asks nothing where no backend listens', () => {
  const { fact, asked } = runCollector(serviceLoad, { services: known([service({ listening: [] })]), listeners: absent('x') }, {});
  expect(fact).toEqual(known([]));
  expect(asked).toEqual([]);
});
