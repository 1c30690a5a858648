import { describe, expect, it } from 'vitest';
import type { ManagedProgram, ProgramLine } from './facts/managed-program.ts';
import { managerLine } from './program-commands.ts';
import { programEndMs, programEndText, programEvents, programLoop, programWords } from './program-state.ts';

const nowMs = 10_000_000;
const window = { sinceMs: nowMs - 900_000, nowMs };

function line(kind: ProgramLine['kind'], agoMs: number, change: Partial<ProgramLine> = {}): ProgramLine {
  return { kind, timeMs: nowMs - agoMs, text: `${kind} ${agoMs}`, source: 'file:/log:1', instance: '0', ...change };
}

function program(change: Partial<ManagedProgram> = {}): ManagedProgram {
  return {
    id: 'pm2:api',
    manager: 'pm2',
    name: 'api',
    label: 'pm2 app api',
    state: 'running',
    word: 'online',
    home: '/home/deploy/.pm2',
    pids: [],
    instances: 1,
    addresses: [],
    logFiles: [],
    lines: [],
    words: [],
    ...change,
  };
}

function ends(...agoMs: number[]): ProgramLine[] {
  return agoMs.flatMap(ago => [line('running', ago + 200), line('ended', ago, { status: 1 })]);
}

describe('a loop', () => {
  it('is one that the manager gave up on, with its number of tries', () => {
    const lines = [...ends(5000, 4000), line('gave-up', 3900, { tries: 16 })];
    expect(programLoop(program({ state: 'given-up', lines }), window, true)).toEqual({ state: 'given-up', ends: 16, endedMs: nowMs - 4000 });
  });

  it('is one that waits for its next try', () => {
    expect(programLoop(program({ state: 'waiting', lines: ends(9000, 4000) }), window, true)).toMatchObject({ state: 'between-tries', ends: 2 });
  });

  it('is one that runs for the moment and has ended three times, or twice while it is away', () => {
    expect(programLoop(program({ lines: ends(9000, 4000) }), window, false)).toBeUndefined();
    expect(programLoop(program({ lines: ends(9000, 4000) }), window, true)).toMatchObject({ state: 'running-again' });
    expect(programLoop(program({ lines: ends(15_000, 9000, 4000) }), window, false)).toMatchObject({ state: 'running-again', ends: 3 });
  });

  it('is no program that ended on command, for its memory, or a week ago', () => {
    const asked = ends(15_000, 9000, 4000).map(one => (one.kind === 'ended' ? { ...one, asked: true as const } : one));
    expect(programLoop(program({ lines: asked }), window, true)).toBeUndefined();
    const memory = [15_000, 9000, 4000].flatMap(ago => [line('memory', ago + 100), line('ended', ago)]);
    expect(programLoop(program({ lines: memory }), window, true)).toBeUndefined();
    expect(programLoop(program({ lines: ends(604_800_000, 604_799_000, 604_798_000) }), window, true)).toBeUndefined();
    expect(programLoop(program({ state: 'stopped', lines: ends(9000, 8000, 7000) }), window, true)).toBeUndefined();
  });

  it('is no cluster of which others serve meanwhile', () => {
    expect(programLoop(program({ instances: 2, lines: ends(15_000, 9000, 4000) }), window, false)).toBeUndefined();
  });

  it('began with the first of the ends that lie together', () => {
    expect(programEndMs(program({ state: 'given-up', lines: ends(800_000, 9000, 4000) }))).toBe(nowMs - 9000);
    expect(programEndText(program({ lines: ends(4000) }))).toBe('ends with status 1');
    expect(programEndText(program({ lines: [line('ended', 1, { signal: 'SEGV' })] }))).toBe('dies by SIGSEGV');
  });
});

describe('events', () => {
  const kinds = (one: ManagedProgram) => programEvents(one, 's').map(event => [event.kind, event.signal ?? 0]);

  it('tell the ends by themselves, and starts and stops of the whole', () => {
    const lines = [
      line('starting', 9000),
      line('running', 8900),
      line('ended', 8000, { status: 3 }),
      line('starting', 7900),
      line('ended', 7000, { signal: 'SEGV' }),
    ];
    expect(kinds(program({ lines: [...lines, line('starting', 6900), line('stop-asked', 5000), line('ended', 4900, { asked: true })] }))).toEqual([
      ['started', 0],
      ['worker-exit', 0],
      ['started', 0],
      ['worker-signal', 11],
      ['started', 0],
      ['stopped', 0],
    ]);
  });

  it('take no worker that comes for a start, where others are up', () => {
    const lines = [
      line('ended', 9000, { instance: '1', status: 1 }),
      line('starting', 8900, { instance: '1' }),
      line('ended', 5000, { instance: '0', asked: true }),
      line('starting', 4900, { instance: '0' }),
    ];
    expect(kinds(program({ instances: 2, lines }))).toEqual([['worker-exit', 0]]);
    expect(kinds(program({ instances: 3, lines: lines.slice(0, 2) }))).toEqual([['worker-exit', 0]]);
  });

  it('tell what the manager ended for its memory', () => {
    const lines = [line('memory', 30_000), line('ended', 29_500, { asked: true }), line('running', 29_000), line('memory', 25_000), line('running', 24_000)];
    const recycled = programEvents(program({ lines }), 's').filter(event => event.kind === 'worker-recycled');
    // Until the next one, and until it may listen.
    expect(recycled.map(event => event.seconds)).toEqual([5, 11]);
  });
});

it('quotes the line that names the error, once', () => {
  const words = ['Error: DB is not set', '    at x (y.js:1:7)', 'Error: DB is not set', '    at x (y.js:1:7)', 'Node.js v24.1.0'].map(text => ({
    source: 'file:/e',
    text,
  }));
  expect(programWords(program({ words })).map(one => one.text)).toEqual(['Error: DB is not set']);
});

it('writes commands for the user whose manager it is', () => {
  expect(managerLine(program({ user: 'deploy' }), 'restart', 'api')).toBe('runuser -u deploy -- env PM2_HOME=/home/deploy/.pm2 pm2 restart api');
  expect(managerLine(program({ user: 'root', home: '/root/.pm2' }), 'restart', "a'b c")).toBe(String.raw`env PM2_HOME=/root/.pm2 pm2 restart 'a'\''b c'`);
  expect(managerLine(program({ manager: 'supervisor', home: '/etc/supervisor/supervisord.conf' }), 'start', 'shop:web')).toBe('supervisorctl start shop:web');
  expect(managerLine(program({ manager: 'supervisor', home: '/opt/s.conf' }), 'status')).toBe('supervisorctl -c /opt/s.conf status');
});
