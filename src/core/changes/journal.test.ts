import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ChangeRecord } from '../model/change.ts';
import { endOf, formatEvent, parseLog, parseRecord, startedCommands } from './journal.ts';

const hash = 'a'.repeat(64);
const record: ChangeRecord = {
  version: 1,
  id: '20261121T171503Z-4f2a9c',
  kind: 'fix',
  toolVersion: '0.0.0',
  at: '2026-11-21T17:15:03.120Z',
  who: { uid: 0, user: 'root', sudoUser: 'ada' },
  plan: { id: 'raise-worker-count', summary: 'Raise pm.max_children', fault: 'worker-pool-exhausted', subject: 'php-fpm:shop' },
  files: [
    {
      path: '/etc/a',
      target: '/etc/b',
      way: 'rename',
      before: { sha256: hash, size: 3, uid: 0, gid: 0, mode: 0o644, modifiedMs: 1.5 },
      after: { sha256: hash, size: 4 },
    },
    { path: '/etc/n', target: '/etc/n', way: 'rename', after: { sha256: hash, size: 4 } },
  ],
  folders: ['/etc/made'],
  emptied: ['/etc/old'],
  validate: [['nginx', '-t']],
  commands: [{ argv: ['kill', '-HUP', '7'], undo: ['kill', '-HUP', '7'], disruptive: false, processes: [{ pid: 7, startTicks: '1234' }] }],
};

describe('the record of a change', () => {
  it('is read back as it was written', () => {
    expect(parseRecord(JSON.stringify(record))).toEqual({ record });
  });

  it.each([
    ['another version', { version: 2 }],
    ['an id that leads elsewhere', { id: '../../x' }],
    ['a command that badhop never runs', { commands: [{ argv: ['sh', '-c', 'x'], disruptive: false }] }],
    ['an undo that badhop never runs', { commands: [{ argv: ['systemctl', 'daemon-reload'], undo: ['rm', '/'], disruptive: false }] }],
    ['a test that does something', { validate: [['systemctl', 'restart', 'x']] }],
    ['a path that is none', { files: [{ ...record.files[0], target: '/etc/../x' }] }],
    ['a path from here', { folders: ['etc'] }],
    ['a folder to empty from here', { emptied: ['../etc'] }],
    ['no content at all', { files: [{ path: '/a', target: '/a', way: 'rename' }] }],
    ['a hash that is none', { files: [{ ...record.files[0], after: { sha256: 'x', size: 1 } }] }],
    ['an owner that is none', { files: [{ ...record.files[0], before: { sha256: hash, size: 1, uid: -1, gid: 0, mode: 0, modifiedMs: 0 } }] }],
    ['a list that is none', { files: {} }],
    ['a time that is none', { at: 'noon' }],
    ['nobody who made it', { who: {} }],
    ['a version that cannot be written out', { version: { toString: false } }],
  ])('is a problem as a whole with %s', (_, change) => {
    expect(parseRecord(JSON.stringify({ ...record, ...change }))).toHaveProperty('problem');
  });

  it('is a problem where it is cut off anywhere, and never more than that', () => {
    const text = JSON.stringify(record);
    for (let length = 0; length < text.length; length += 7) expect(parseRecord(text.slice(0, length))).toHaveProperty('problem');
    fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), any => Object.keys(parseRecord(any)).length === 1));
    fc.assert(
      fc.property(
        fc.constantFrom(...Object.keys(record)),
        fc.jsonValue(),
        (key, value) => Object.keys(parseRecord(JSON.stringify({ ...record, [key]: value }))).length === 1,
      ),
    );
  });
});

describe('the log of a change', () => {
  const events = [
    { atMs: 1, state: 'writing', index: 0 } as const,
    { atMs: 2, state: 'command-started', index: 1 } as const,
    { atMs: 3, state: 'rolled-back', text: 'why' } as const,
  ];

  it('is read back, with blank lines below it and a last line that is cut off', () => {
    const text = `${events.map(formatEvent).join('')}\n\n\n`;
    expect(parseLog(text)).toEqual({ events, damaged: 0 });
    expect(parseLog(`${events.slice(0, 2).map(formatEvent).join('')}{"atMs":3,"sta`).events).toEqual(events.slice(0, 2));
  });

  it('tells how the change ended, and what was begun', () => {
    expect(endOf(events)).toBe('rolled-back');
    expect(endOf(events.slice(0, 2))).toBeUndefined();
    expect(startedCommands(events)).toEqual([1]);
  });

  it('reads anything', () => {
    fc.assert(fc.property(fc.string(), text => parseLog(text).events.length <= text.length));
  });
});
