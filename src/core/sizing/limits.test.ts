import { describe, expect, it } from 'vitest';
import type { FixPlan } from '../model/finding.ts';
import { nginxLimits } from './nginx-connections.ts';
import { backlogLimits, portLimits } from './queues-and-ports.ts';
import { factsOf } from './testing.ts';

const asked: { readonly fault: string; readonly data: Readonly<Record<string, unknown>> }[] = [];
function planFor(fault: string, _confidence: string, data: Readonly<Record<string, unknown>>): readonly FixPlan[] {
  asked.push({ fault, data });
  return [];
}

const host = { totalMiB: 8192, availableMiB: 4096 };
const directive = {
  name: 'worker_connections',
  args: [{ value: '512', quote: '', start: 0, end: 3 }],
  path: '/etc/nginx/nginx.conf',
  line: 4,
  start: 0,
  end: 4,
};
const nginx = (openFiles: number, openFilesLimit: number, more: Readonly<Record<string, unknown>> = {}) =>
  factsOf(host, [], {
    'nginx-instances': [{ id: 'nginx', running: true, workers: [{ pid: 7 }, { pid: 8 }] }],
    'nginx-config': [{ instanceId: 'nginx', directives: [{ ...directive, name: 'events', args: [], block: [directive] }], files: [] }],
    'process-details': [
      { pid: 7, openFiles, openFilesLimit },
      { pid: 8, openFiles: 3, openFilesLimit },
    ],
    ...more,
  });
const errors = (what: string, count: number, peer?: string) => ({ 'nginx-error-log': { groups: [{ class: what, count, peer }], coverage: [], unread: [] } });

describe('connections of nginx', () => {
  it('fit with a few in use', () => {
    expect(nginxLimits(nginx(30, 1024), planFor)).toMatchObject([
      { id: 'worker_connections', now: 512, used: 30, recommended: 512, verdict: 'fits' },
      { id: 'open-files', now: 1024, verdict: 'fits' },
    ]);
  });

  it('are too few where a worker is near its limit, or nginx said so', () => {
    expect(nginxLimits(nginx(450, 1024), planFor)[0]).toMatchObject({ verdict: 'too-small' });
    expect(nginxLimits(nginx(30, 1024, errors('worker-connections', 7)), planFor)[0]).toMatchObject({
      verdict: 'too-small',
      because: expect.stringContaining('7 times'),
    });
    expect(asked.at(-1)).toEqual({ fault: 'nginx-worker-connections-exhausted', data: { instance: 'nginx', limit: 512 } });
  });

  it('are cut by fewer open files', () => {
    expect(nginxLimits(nginx(30, 256), planFor)).toMatchObject([
      { verdict: 'fits' },
      { id: 'open-files', now: 256, verdict: 'too-small', because: expect.stringContaining('cut') },
    ]);
    expect(asked.at(-1)).toEqual({ fault: 'fd-limit-nginx', data: { instance: 'nginx', limit: 256, connections: 512 } });
  });

  it('are not known where neither files nor times can be read', () => {
    expect(nginxLimits(nginx(30, 256, { 'process-details': [] }), planFor)).toMatchObject([{ verdict: 'unknown' }]);
  });
});

describe('the accept queue of a backend', () => {
  const queue = (queued: number, backlog: number, more: Readonly<Record<string, unknown>> = {}) => {
    const given = factsOf(host, [{ name: 'www', limit: 4 }], more);
    const load = given['service-load'].state === 'known' ? given['service-load'].value : [];
    const loads = load.map(one => ({ ...one, backlog, queue: [0, queued, 0], drops: { sinceOpened: 5, meanwhile: 5 } }));
    return backlogLimits(factsOf(host, [{ name: 'www', limit: 4 }], { ...more, 'service-load': loads }), planFor);
  };

  it('fits with places left, whatever else its listener dropped', () => {
    expect(queue(3, 100)).toMatchObject([{ id: 'listen-backlog', now: 100, used: 3, verdict: 'fits' }]);
  });

  it('is too short where it was full, where nginx was turned away, and where the kernel says that queues run over', () => {
    expect(queue(100, 100)).toMatchObject([{ verdict: 'too-small', recommended: 1024 }]);
    expect(queue(3, 100, errors('connect-queue-full', 4, '127.0.0.1:9000'))).toMatchObject([{ verdict: 'too-small' }]);
    expect(queue(3, 100, { resources: { sysctl: {}, netCounterGrowth: { ListenOverflows: 2 } } })).toMatchObject([{ verdict: 'too-small' }]);
  });

  it('is long enough where it is long: what is missing is workers', () => {
    expect(queue(4096, 4096)).toMatchObject([{ verdict: 'fits', because: expect.stringContaining('workers') }]);
  });
});

describe('local ports', () => {
  const towards = (count: number, more: Readonly<Record<string, unknown>> = {}) =>
    portLimits(
      factsOf(host, [{ name: 'www', limit: 4 }], {
        connections: { byRemote: [{ state: 'TIME-WAIT', local: '', remote: '127.0.0.1:9000', count }], byLocal: [], byState: {} },
        resources: { sysctl: { 'net.ipv4.ip_local_port_range': '32768 60999' }, netCounterGrowth: {} },
        ...more,
      }),
      planFor,
    );

  it('suffice with a few taken', () => {
    expect(towards(90)).toMatchObject([
      { id: 'local-ports', now: 28_232, used: 90, verdict: 'fits', sums: [expect.stringContaining('= 470 connections a second')] },
    ]);
  });

  it('are too few near the end of the range, and where nginx found none', () => {
    expect(towards(26_000)).toMatchObject([{ verdict: 'too-small' }]);
    expect(towards(90, errors('connect-no-local-port', 3, '127.0.0.1:9000'))).toMatchObject([{ verdict: 'too-small' }]);
    expect(asked.at(-1)?.data).toEqual({ peer: '127.0.0.1:9000', ports: 28_232, range: '32768 60999' });
  });
});
