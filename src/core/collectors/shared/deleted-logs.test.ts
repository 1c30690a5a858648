import { describe, expect, it } from 'vitest';
import { defineCollector } from '../../model/collector.ts';
import { denied, known, type Known } from '../../model/fact.ts';
import type { NginxInstance } from '../../model/facts/nginx.ts';
import { runCollector, type FakeHost } from '../testing.ts';
import { deletedLogs } from './deleted-logs.ts';

const instances = (...pids: readonly (number | undefined)[]): Known<readonly NginxInstance[]> =>
  known(pids.map(masterPid => ({ ...(masterPid !== undefined && { masterPid }) }) as NginxInstance));

function found(host: FakeHost, of: Known<readonly NginxInstance[]> = instances(7)): [string, string][] {
  let map: ReadonlyMap<string, string> = new Map();
  const collector = defineCollector({
    id: 'path-sizes',
    title: 'for the test',
    needs: [],
    *collect() {
      map = yield* deletedLogs(of);
      return known([]);
    },
  });
  runCollector(collector, {}, host);
  return [...map];
}

describe('logs that were deleted while nginx has them open', () => {
  // As readlink(2) gave them on Debian 12 after `rm /var/log/nginx/error.log`.
  const host: FakeHost = {
    folders: { '/proc/7/fd': ['0', '2', '3', '4', '5', '6'], '/proc/8/fd': ['3'] },
    stats: {
      '/proc/7/fd/0': { kind: 'link', target: '/dev/null' },
      '/proc/7/fd/2': { kind: 'link', target: '/var/log/nginx/error.log (deleted)' },
      '/proc/7/fd/3': { kind: 'link', target: '/var/log/nginx/error.log (deleted)' },
      '/proc/7/fd/4': { kind: 'link', target: '/var/log/nginx/access.log' },
      '/proc/7/fd/5': { kind: 'link', target: 'socket:[40717992]' },
      '/proc/7/fd/6': { kind: 'link', target: 'memfd:x (deleted)' },
      '/proc/8/fd/3': { kind: 'link', target: '/srv/a (deleted).log (deleted)' },
    },
  };

  it('are found by their path, each once, in all instances', () => {
    expect(found(host)).toEqual([['/var/log/nginx/error.log', '/proc/7/fd/2']]);
    expect(found(host, instances(8, undefined, 7))).toEqual([
      ['/srv/a (deleted).log', '/proc/8/fd/3'],
      ['/var/log/nginx/error.log', '/proc/7/fd/2'],
    ]);
  });

  it('are not found where the links must not be read, or nothing runs', () => {
    expect(found({ folders: { '/proc/7/fd': denied('/proc/7/fd: permission denied', 'run as root') } })).toEqual([]);
    expect(found(host, instances(9))).toEqual([]);
    expect(found(host, denied('no', 'root'))).toEqual([]);
  });
});
