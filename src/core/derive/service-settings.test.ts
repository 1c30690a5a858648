import { describe, expect, it } from 'vitest';
import type { BackendCommand, ServiceKind } from '../model/facts/backend.ts';
import { commandSettings } from './service-settings.ts';

function settings(service: ServiceKind, values: Record<string, string>, running = 0) {
  const command: BackendCommand = {
    of: { kind: 'process', pid: 1 },
    service,
    role: 'any',
    listen: [],
    values: Object.fromEntries(Object.entries(values).map(([name, value]) => [name, { value, source: 'file:/f:1' }])),
    configFiles: ['/f'],
  };
  const { manager, workersMax, requestTimeoutMs, backlog } = commandSettings(command, running);
  return [manager, workersMax?.value, requestTimeoutMs?.value, backlog?.value];
}

describe('what is set to something that cannot be read is not the default', () => {
  it.each([
    ['uwsgi', {}, 0, ['prefork', 1, 0, 100]],
    ['uwsgi', { processes: '%k', harakiri: '$(H)', listen: '@(/l)' }, 3, ['prefork', 3, undefined, undefined]],
    ['uwsgi', { processes: '2', threads: '$(T)' }, 2, ['threads', undefined, 0, 100]],
    ['gunicorn', {}, 0, ['prefork', 1, 30_000, 2048]],
    ['gunicorn', { workers: '', timeout: '', backlog: '' }, 4, ['prefork', 4, undefined, undefined]],
    ['gunicorn', { 'worker-class': '', timeout: '9' }, 4, [undefined, undefined, 9000, 2048]],
    ['gunicorn', { threads: '' }, 4, [undefined, undefined, 30_000, 2048]],
    ['gunicorn', { elsewhere: '', workers: '2' }, 0, ['prefork', 2, undefined, undefined]],
    ['unicorn', { workers: '2', timeout: '' }, 2, ['prefork', 2, undefined, undefined]],
    ['puma', { workers: '', threads: '' }, 3, ['threads', undefined, undefined, undefined]],
    ['tomcat', { 'connector[0].port': '8080' }, 0, ['threads', 200, undefined, 100]],
    [
      'tomcat',
      { 'connector[0].port': '${p}', 'connector[0].maxThreads': '${t}', 'connector[0].acceptCount': '-' },
      0,
      ['threads', undefined, undefined, undefined],
    ],
    ['tomcat', {}, 0, ['threads', undefined, undefined, undefined]],
    ['uvicorn', { backlog: 'x' }, 0, ['event-loop', undefined, undefined, undefined]],
    ['apache', { mpm: 'prefork' }, 0, ['dynamic', 256, undefined, 511]],
    ['apache', { mpm: 'event', maxrequestworkers: '900', threadsperchild: '10' }, 0, ['threads', 160, undefined, 511]],
    ['apache', { mpm: 'event', maxrequestworkers: '${N}', listenbacklog: 'many' }, 0, ['threads', undefined, undefined, undefined]],
    ['apache', {}, 0, [undefined, undefined, undefined, 511]],
  ] as const)('%s %j', (kind, values, running, expected) => {
    expect(settings(kind, values, running)).toEqual(expected);
  });
});
