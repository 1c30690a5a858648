import { describe, expect, it } from 'vitest';
import { absent, denied, known, type Known } from '../model/fact.ts';
import type { NginxLayout } from '../model/facts/topology.ts';
import accessLog from './nginx-access-log.ts';
import errorLog from './nginx-error-log.ts';
import { runCollector, TEST_CONTEXT, type FakeHost } from './testing.ts';

const { nowMs, sinceMs } = TEST_CONTEXT;
const origin = { kind: 'file', path: '/etc/nginx/nginx.conf', line: 7 } as const;
const at = (ms: number) => ({ modifiedMs: ms, changedMs: ms });

function layout(path: string, change: object = {}): Known<NginxLayout> {
  const server = { id: 's', instanceId: 'nginx', names: ['shop.example', 'www.shop.example'], listens: [], origin: { path: origin.path, line: 1 } };
  const errorLogs = [{ path: '/log/error.log', level: 'error', origin }];
  const accessLogs = [{ path, format: 'combined', origin }];
  return known({
    servers: [{ ...server, accessLogs, errorLogs, ...change }],
    routes: [],
    groups: [],
    logFormats: [],
    mainErrorLogs: [],
    fixedAnswers: [],
    hostNames: [],
  });
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
function requestAt(ms: number): string {
  const date = new Date(ms);
  const day = `${String(date.getUTCDate()).padStart(2, '0')}/${months[date.getUTCMonth()] ?? ''}/${date.getUTCFullYear()}`;
  return `192.0.2.7 - - [${day}:${date.toISOString().slice(11, 19)} +0000] "GET /a HTTP/1.1" 200 12 "-" "curl"\n`;
}

function access(path: string, host: FakeHost) {
  const facts = { 'nginx-layout': layout(path), 'nginx-instances': absent('none'), 'host-identity': absent('none') } as const;
  const { fact } = runCollector(accessLog, facts, host);
  if (fact.state !== 'known') throw new Error(fact.why);
  return { total: fact.value.total, read: fact.value.coverage.map(one => one.path), unread: fact.value.unread };
}

describe('an access log whose path holds variables', () => {
  const [a, b, old] = ['/log/a.example-access.log', '/log/b.example-access.log', '/log/old.example-access.log'];
  const files = { [a]: requestAt(nowMs - 5000), [b]: requestAt(nowMs - 4000) + requestAt(nowMs - 3000), [old]: requestAt(sinceMs - 9_000_000) };
  const stats = {
    [a]: at(nowMs - 5000),
    [b]: { size: 300, ...at(nowMs - 3000) },
    [old]: at(sinceMs - 9_000_000),
    '/log/a.example-access.log.1': at(nowMs - 90_000),
  };
  const folders = { '/log': ['a.example-access.log', 'a.example-access.log.1', 'b.example-access.log', 'error.log', 'old.example-access.log'] };
  const whole = Object.fromEntries(Object.entries(stats).map(([path, stat]) => [path, { size: (files[path] ?? '').length, ...stat }]));

  it('is read in the files that were written to lately, and nothing is left out', () => {
    expect(access('/log/${host}-access.log', { files, folders, stats: whole })).toMatchObject({ total: 3, read: [b, a], unread: [] });
  });

  it('takes the name of the server as it is written', () => {
    const path = '/log/shop.example.log';
    const own = {
      files: { [path]: requestAt(nowMs - 1000) },
      stats: { [path]: { size: 100, ...at(nowMs - 1000) } },
      folders: { '/log': ['shop.example.log', 'x.log'] },
    };
    expect(access('/log/$server_name.log', own)).toMatchObject({ total: 1, read: [path], unread: [] });
  });

  it('takes no file that the configuration names itself, and none that was rotated away', () => {
    const found = access('/log/$host', {
      folders: { '/log': ['error.log', 'a.gz', 'b.1', 'c-20261121'] },
      stats: { '/log/error.log': at(nowMs), '/log/b.1': at(nowMs) },
    });
    expect(found).toMatchObject({ total: 0, read: [], unread: [{ path: '/log/$host', why: 'its path holds variables, and no file fits /log/*' }] });
  });

  it('says which of many are not read', () => {
    const names = Array.from({ length: 40 }, (_, index) => `h${index}.log`);
    const many = {
      folders: { '/log': names },
      files: Object.fromEntries(names.map(name => [`/log/${name}`, requestAt(nowMs - 1000)])),
      stats: Object.fromEntries(names.map((name, index) => [`/log/${name}`, { size: 90, ...at(nowMs - index * 1000) }])),
    };
    const { read, unread } = access('/log/$host.log', many);
    expect(read).toEqual(names.slice(0, 16).map(name => `/log/${name}`));
    expect(unread).toEqual([
      {
        path: '/log/$host.log',
        why: 'its path holds variables, and of the 40 files that fit /log/*.log and were written to lately only the newest 16 were read',
      },
    ]);
  });

  it('says where its folder may not be listed', () => {
    const { unread } = access('/log/$host.log', { folders: { '/log': denied('permission denied') } });
    expect(unread[0]?.why).toContain('/log, where its files are, could not be listed: permission denied');
  });

  it('takes what stands around the variables literally', () => {
    const odd = '/log/[x]a.log';
    const found = access('/log/[x]$host.log', {
      folders: { '/log': ['[x]a.log', 'xa.log'] },
      files: { [odd]: requestAt(nowMs - 1000) },
      stats: { [odd]: { size: 90, ...at(nowMs) }, '/log/xa.log': at(nowMs) },
    });
    expect(found.read).toEqual([odd]);
  });
});

it('reads the error log of a location beside that of its server', () => {
  const text = (ms: number, name: string): string =>
    `${new Date(ms).toISOString().slice(0, 19).replaceAll('-', '/').replace('T', ' ')} [error] 7#7: *1 connect() failed (111: Connection refused) while connecting to upstream, client: 192.0.2.7, server: ${name}, request: "GET / HTTP/1.1", upstream: "http://127.0.0.1:8080/", host: "a"\n`;
  const files = { '/log/error.log': text(nowMs - 9000, 'a'), '/log/api.log': text(nowMs - 5000, 'b') };
  const stats = Object.fromEntries(Object.entries(files).map(([path, one]) => [path, { size: one.length, ...at(nowMs) }]));
  const own = { locationErrorLogs: [{ path: '/log/api.log', level: 'error', origin }] };
  const facts = { 'nginx-layout': layout('/log/access.log', own), 'nginx-instances': absent('none'), 'host-identity': absent('none') } as const;
  const { fact } = runCollector(errorLog, facts, { files, stats, folders: {} });
  expect(fact.state === 'known' ? fact.value.groups.reduce((sum, group) => sum + group.count, 0) : 0).toBe(2);
});
