import { mkdtempSync, mkdirSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BadhopError } from '../../core/model/error.ts';
import { commandLinesArgv, parseCommandLines } from '../../core/model/command-lines.ts';
import { absent, denied, known, type Known } from '../../core/model/fact.ts';
import type { Host } from '../../core/model/host.ts';
import type { ProbeRequest, Prober } from '../../core/model/probe.ts';
import { openBundle } from './bundle.ts';
import { checkIndex } from './check-index.ts';
import { createLocalHost } from './local.ts';
import { createRecordingHost } from './recording.ts';

let folder = '';
let count = 0;
const fresh = (): string => join(folder, `b${count++}`);
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'badhop-bundle-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const clock = { nowMs: 1_800_000_000_000, zone: 'Europe/Berlin', offsetMinutes: 60 };
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');
/** Buffers and arrays of the same bytes are the same. */
function plain(answers: readonly unknown[]): unknown {
  const replace = (_key: string, item: unknown): unknown => (item instanceof Uint8Array ? [...item] : item);
  return JSON.parse(
    JSON.stringify(
      answers.map(answer => structuredClone(answer)),
      replace,
    ),
  );
}
function value<T>(answer: Known<T>): T {
  if (answer.state !== 'known') throw new Error(`${answer.state}: ${answer.why}`);
  return answer.value;
}

/** A host whose files are given, and whose programs print how often they ran. */
function textOfBundle(where: string): string {
  return [join(where, 'bundle.json'), ...readdirSync(join(where, 'raw')).map(name => join(where, 'raw', name))]
    .map(path => readFileSync(path, 'latin1'))
    .join('');
}

function fakeHost(files: Readonly<Record<string, Buffer>>): Host {
  let runs = 0;
  return {
    name: 'fake',
    exec: argv =>
      Promise.resolve(
        argv[0] === 'gone'
          ? absent('gone is not installed')
          : known({ stdout: `run ${runs++} of ${argv.join(' ')}\n`, stderr: 'warn\n', code: 1, truncated: false }),
      ),
    read: (path, options = {}) => {
      const bytes = files[path];
      if (bytes === undefined) return Promise.resolve(denied(`${path}: permission denied`, 'Run as root.'));
      const offset = options.offset ?? 0;
      const start = offset < 0 ? Math.max(0, bytes.length + offset) : offset;
      const part = bytes.subarray(start, start + (options.limit ?? 1_048_576));
      return Promise.resolve(known({ bytes: part, size: bytes.length, atEnd: start + part.length >= bytes.length }));
    },
    stat: path =>
      Promise.resolve(path in files ? known({ kind: 'file', size: 1, mode: 33_188, uid: 0, gid: 0, inode: 7, modifiedMs: 1.5, changedMs: 2 }) : absent('none')),
    list: () => Promise.resolve(known(Object.keys(files))),
    connect: () => Promise.resolve({ state: 'timeout', connectMs: 1 }),
    clock: () => Promise.resolve(clock),
  };
}

describe('a bundle answers as the host did', () => {
  test('in order, the last answer again, and "not in the bundle" for the rest', async () => {
    const where = fresh();
    const recording = await createRecordingHost(fakeHost({ '/etc/a.conf': Buffer.from('a;\n') }), where, { toolVersion: '1.2.3' });
    const first = [await recording.host.exec(['ss', '-tln']), await recording.host.exec(['ss', '-tln'])];
    await recording.host.exec(['gone']);
    await recording.host.read('/etc/a.conf');
    await recording.host.read('/etc/shadow');
    await recording.host.stat('/etc/a.conf');
    await recording.host.list('/etc');
    await recording.finish();

    const { host, meta } = await openBundle(where);
    expect(meta).toMatchObject({ hostName: 'fake', tool: { name: 'badhop', version: '1.2.3' }, clock });
    expect(await host.clock()).toEqual(clock);
    expect([await host.exec(['ss', '-tln']), await host.exec(['ss', '-tln'])]).toEqual(first);
    expect(await host.exec(['ss', '-tln'])).toEqual(first[1]);
    expect(await host.exec(['gone'])).toEqual(absent('gone is not installed'));
    expect(await host.exec(['ss'])).toEqual(absent('not in the bundle'));
    expect(text(value(await host.read('/etc/a.conf')).bytes)).toBe('a;\n');
    expect(text(value(await host.read('/etc/a.conf', { offset: -2, limit: 1 })).bytes)).toBe(';');
    expect(await host.read('/etc/shadow')).toEqual(denied('/etc/shadow: permission denied', 'Run as root.'));
    expect(await host.read('/etc/b')).toEqual(absent('not in the bundle'));
    expect(value(await host.stat('/etc/a.conf')).modifiedMs).toBe(1.5);
    expect(value(await host.list('/etc'))).toEqual(['/etc/a.conf']);
    expect(await host.connect({ kind: 'tcp', host: '127.0.0.1', port: 80 })).toMatchObject({ state: 'failed' });
  });

  test('who holds which socket; not there where the host could not be asked', async () => {
    const found = { owners: [{ inode: 8, pids: [1, 77] }], isWhole: false };
    const where = fresh();
    const recording = await createRecordingHost({ ...fakeHost({}), socketOwners: () => Promise.resolve(known(found)) }, where, { toolVersion: '1' });
    expect(await recording.host.socketOwners?.([8, 9])).toEqual(known(found));
    await recording.finish();
    expect(await (await openBundle(where)).host.socketOwners?.([8, 9])).toEqual(known(found));

    const older = fresh();
    const without = await createRecordingHost(fakeHost({}), older, { toolVersion: '1' });
    expect('socketOwners' in without.host).toBe(false);
    await without.finish();
    expect(await (await openBundle(older)).host.socketOwners?.([8])).toMatchObject({ state: 'absent' });
  });

  test('any bytes come back as they were', async () => {
    const bytes = Buffer.from(Array.from({ length: 512 }, (_, i) => i & 255));
    const where = fresh();
    const recording = await createRecordingHost(fakeHost({ '/proc/1/stat': bytes, '/log': bytes }), where, { toolVersion: '1' });
    for (const path of ['/proc/1/stat', '/log']) await recording.host.read(path);
    await recording.finish();
    const { host } = await openBundle(where);
    for (const path of ['/proc/1/stat', '/log']) expect(Buffer.from(value(await host.read(path)).bytes)).toEqual(bytes);
  });

  test('probes, also those with a secret in the question', async () => {
    const request: ProbeRequest = { kind: 'http', address: { kind: 'tcp', host: '10.0.0.1', port: 80 }, path: '/?token=s3cret', hostHeader: 'shop' };
    const prober: Prober = asked =>
      Promise.resolve({
        request: asked,
        connectMs: 1,
        ms: 2,
        outcome: { state: 'answered', speaks: 'http', answer: { status: 200, headers: [['set-cookie', 'sid=s3cret']], complete: true } },
      });
    const where = fresh();
    const recording = await createRecordingHost(fakeHost({}), where, { toolVersion: '1' });
    await recording.recordProber(prober)(request);
    await recording.finish();
    expect(readFileSync(join(where, 'bundle.json'), 'utf8')).not.toContain('s3cret');
    const bundle = await openBundle(where);
    expect(await bundle.prober(request)).toMatchObject({
      request,
      outcome: { state: 'answered', answer: { status: 200, headers: [['set-cookie', '[redacted]']] } },
    });
    expect(await bundle.prober({ ...request, path: '/other' })).toMatchObject({ outcome: { state: 'not-asked' } });
  });

  test('the recorded machine itself', async () => {
    const where = fresh();
    const recording = await createRecordingHost(createLocalHost(), where, { toolVersion: '1' });
    const asked = (host: Host): Promise<readonly unknown[]> =>
      Promise.all([
        host.read('/proc/1/limits'),
        host.read('/etc/passwd', { offset: 5, limit: 30 }),
        host.read('/etc/passwd', { offset: -30 }),
        host.stat('/proc/1'),
        host.list('/'),
        host.exec(['uname', '-r']),
        host.clock(),
      ]);
    const live = await asked(recording.host);
    await recording.finish();
    expect(plain(await asked((await openBundle(where)).host))).toEqual(plain(live));
  });
});

describe('nothing secret is in a bundle', () => {
  const secret = 'TOPsecret1234567';
  const line = `10.0.0.1 - - "GET /a?token=${secret}&b=1 HTTP/1.1" 502 "Cookie: sid=${secret}"\n`;

  test('not at the border of two slices either, and each byte stays in its place', async () => {
    const log = Buffer.from(line.repeat(20));
    const where = fresh();
    const recording = await createRecordingHost(fakeHost({ '/log': log }), where, { toolVersion: '1' });
    for (let offset = 0; offset < log.length; offset += 37) {
      const slice = value(await recording.host.read('/log', { offset, limit: 37 }));
      expect(slice.bytes.length).toBe(Math.min(37, log.length - offset));
    }
    for (const offset of [-10, -40, -5000]) {
      const slice = value(await recording.host.read('/log', { offset }));
      expect([slice.bytes.length, slice.atEnd]).toEqual([Math.min(-offset, log.length), true]);
    }
    await recording.finish();
    const pieces = readdirSync(join(where, 'raw')).map(name => readFileSync(join(where, 'raw', name), 'latin1'));
    for (const piece of pieces) for (const part of [secret.slice(0, 6), secret.slice(5, 11), secret.slice(-6)]) expect(piece).not.toContain(part);
    expect(pieces.join('')).toContain('GET /a?token=');
  });

  test('not in program output or command lines', async () => {
    const where = fresh();
    const recording = await createRecordingHost(fakeHost({ '/proc/5/cmdline': Buffer.from(`app\0--password\0${secret}\0`) }), where, { toolVersion: '1' });
    await recording.host.exec(['echo', `DB_PASSWORD=${secret}`]);
    await recording.host.read('/proc/5/cmdline');
    await recording.finish();
    const all = textOfBundle(where);
    expect(all).not.toContain(secret);
    expect(all).toContain('DB_PASSWORD=[redacted]');
  });

  test('not in command lines that one program printed', async () => {
    const where = fresh();
    const argv = commandLinesArgv([5, 6]);
    const stdout = ['app', '--password', secret].map(word => `/proc/5/cmdline\0${word}\0`).join('') + '/proc/6/cmdline\0worker\0';
    const host: Host = { ...fakeHost({}), exec: () => Promise.resolve(known({ stdout, stderr: '', code: 0, truncated: false })) };
    const recording = await createRecordingHost(host, where, { toolVersion: '1' });
    const heard = value(await recording.host.exec(argv)).stdout;
    await recording.finish();
    expect([...parseCommandLines(heard)]).toEqual([
      [5, 'app\0--password\0[redacted]\0'],
      [6, 'worker\0'],
    ]);
    expect(value(await (await openBundle(where)).host.exec(argv)).stdout).toBe(heard);
    expect(textOfBundle(where)).not.toContain(secret);
  });
});

test('the same answers make the same bundle, in whatever order they came; equal samples are stored once', async () => {
  const make = async (names: readonly string[]): Promise<string> => {
    const where = fresh();
    const recording = await createRecordingHost(fakeHost({ '/a': Buffer.from('a'), '/b': Buffer.from('b') }), where, { toolVersion: '1' });
    for (const name of names) await recording.host.read(name);
    await recording.finish();
    return `${readdirSync(join(where, 'raw')).join(' ')} ${readFileSync(join(where, 'bundle.json'), 'utf8')}`;
  };
  expect(await make(['/a', '/b', '/a'])).toBe(await make(['/b', '/a', '/a']));
  expect((await make(['/a', '/a', '/a'])).split(' ').filter(name => /^read-a-[0-9a-f]{8}\.txt$/.test(name))).toHaveLength(1);
});

test('a folder that holds something is not overwritten', async () => {
  const where = fresh();
  mkdirSync(where);
  writeFileSync(join(where, 'precious'), '');
  await expect(createRecordingHost(fakeHost({}), where, { toolVersion: '1' })).rejects.toMatchObject({ code: 'bundle-exists' });
  writeFileSync(join(folder, 'plain'), '');
  await expect(createRecordingHost(fakeHost({}), join(folder, 'plain', 'x'), { toolVersion: '1' })).rejects.toMatchObject({ code: 'bundle-unwritable' });
});

describe('bundles from strangers', () => {
  const good = { format: 'badhop-bundle', version: 1, tool: { name: 'badhop', version: '1' }, host: { name: 'h' }, clock, entries: [] as unknown[] };
  const write = (index: unknown): string => {
    const where = fresh();
    mkdirSync(join(where, 'raw'), { recursive: true });
    writeFileSync(join(where, 'bundle.json'), typeof index === 'string' ? index : JSON.stringify(index));
    return where;
  };
  const readEntry = (file: string): unknown => ({ key: 'read /x', answers: [{ state: 'read', bytes: { file }, size: 1, atEnd: true }] });

  test.each([
    ['no JSON', '{"format":'],
    ['an array', '[]'],
    ['another file', { hello: 1 }],
    ['another version', { ...good, version: 2 }],
    ['no clock', { ...good, clock: undefined }],
    ['a clock without sense', { ...good, clock: { ...clock, nowMs: 1e300 } }],
    ['a path out of it', { ...good, entries: [readEntry('../../etc/passwd')] }],
    ['a path up from raw', { ...good, entries: [readEntry('raw/../../x')] }],
    ['a dot name', { ...good, entries: [readEntry('raw/..')] }],
    ['an absolute path', { ...good, entries: [readEntry('/etc/passwd')] }],
    ['an unknown answer', { ...good, entries: [{ key: 'stat /x', answers: [{ state: 'maybe' }] }] }],
    ['no answers', { ...good, entries: [{ key: 'stat /x', answers: [] }] }],
    ['a probe without outcome', { ...good, entries: [{ key: 'probe x', answers: [{ state: 'probe', result: { ms: 1, connectMs: 1 } }] }] }],
  ])('refused: %s', async (_name, index) => {
    const error: unknown = await openBundle(write(index)).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(BadhopError);
    expect(error).toMatchObject({ code: 'bundle-unreadable' });
  });

  test('refused: no folder, no index, links out of it', async () => {
    await expect(openBundle(join(folder, 'nowhere'))).rejects.toMatchObject({ code: 'bundle-unreadable', message: expect.stringContaining('does not exist') });
    const linked = fresh();
    mkdirSync(linked);
    writeFileSync(join(linked, 'bundle.json'), JSON.stringify(good));
    symlinkSync('/etc', join(linked, 'raw'));
    await expect(openBundle(linked)).rejects.toMatchObject({ code: 'bundle-unreadable' });
  });

  test('a raw file that is a link or gone is unparsable, not followed', async () => {
    const where = write({
      ...good,
      entries: [readEntry('raw/link.txt'), { key: 'read /y', answers: [{ state: 'read', bytes: { file: 'raw/none.txt' }, size: 1, atEnd: true }] }],
    });
    symlinkSync('/etc/passwd', join(where, 'raw', 'link.txt'));
    const { host } = await openBundle(where);
    expect(await host.read('/x')).toMatchObject({ state: 'unparsable' });
    expect(await host.read('/y')).toMatchObject({ state: 'unparsable' });
  });

  test('an answer of another kind is unparsable', async () => {
    const { host } = await openBundle(write({ ...good, entries: [{ key: 'stat /x', answers: [{ state: 'list', names: [] }] }] }));
    expect(await host.stat('/x')).toMatchObject({ state: 'unparsable' });
  });

  test('any JSON is either checked or refused by a BadhopError', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (whole, entry) => {
        for (const index of [whole, { ...good, entries: [entry] }, { ...good, entries: [{ key: 'k', answers: [entry] }] }]) {
          try {
            checkIndex(index, 'bundle.json');
          } catch (error) {
            expect(error).toBeInstanceOf(BadhopError);
          }
        }
      }),
    );
  });
});
