import { describe, expect, it } from 'vitest';
import { absent, known } from '../model/fact.ts';
import type { Change } from '../model/facts/changes.ts';
import type { NginxConfig, NginxInstance } from '../model/facts/nginx.ts';
import type { SystemdUnit } from '../model/facts/system.ts';
import changes from './changes.ts';
import { TEST_CONTEXT, runCollector, type FakeHost } from './testing.ts';

const { nowMs, sinceMs } = TEST_CONTEXT;
const site = '/etc/nginx/conf.d/shop.conf';
const none = absent('not read');
const directive = (name: string, value: string): NginxConfig['directives'][number] => ({
  name,
  args: [{ value, quote: '', start: 0, end: 0 }],
  path: site,
  line: 1,
  start: 0,
  end: 0,
});
const config: NginxConfig = {
  instanceId: 'nginx',
  mainPath: '/etc/nginx/nginx.conf',
  files: [
    { path: '-g', text: '' },
    { path: site, text: 'two\n' },
  ],
  directives: [directive('ssl_certificate', 'tls/shop.pem'), directive('root', '/srv/shop/current/public'), directive('root', '/srv/$host')],
  problems: [],
  unread: [],
};
const unit = (part: Partial<SystemdUnit>): SystemdUnit => ({
  name: 'shop.service',
  description: '',
  loadState: 'loaded',
  activeState: 'active',
  subState: 'running',
  result: 'success',
  restarts: 0,
  mainPid: 1,
  execMainStatus: 0,
  execMainCode: '',
  dropIns: [],
  journal: [],
  ...part,
});
const old = { modifiedMs: sinceMs - 86_400_000, changedMs: sinceMs - 86_400_000 };
const at = (ms: number): { readonly modifiedMs: number; readonly changedMs: number } => ({ modifiedMs: ms, changedMs: ms });

function run(host: FakeHost, units: readonly SystemdUnit[] = [], instances: readonly NginxInstance[] = [], configs: readonly NginxConfig[] = [config]) {
  const result = runCollector(
    changes,
    {
      'nginx-config': known(configs),
      'nginx-instances': known(instances),
      'php-fpm-pools': none,
      'backend-configs': none,
      'systemd-units': known(units),
      services: none,
      processes: none,
    },
    host,
  );
  return { ...result, found: result.fact.state === 'known' ? result.fact.value : [] };
}

const short = ({ kind, timeMs, subject, verb }: Change): readonly unknown[] => [kind, timeMs, subject, verb];

describe('what changed lately', () => {
  it('shows what tells an edited file from the newest backup beside it', () => {
    const { found } = run({
      stats: { [site]: at(nowMs - 60_000), [`${site}.bak`]: at(nowMs - 70_000), [`${site}~`]: old },
      folders: { '/etc/nginx/conf.d': ['other.conf', 'shop.conf', 'shop.conf.bak', 'shop.conf~'] },
      files: { [site]: 'one\ntwo\n', [`${site}.bak`]: 'one\ntoo\n', [`${site}~`]: 'nothing\n' },
    });
    expect(found.map(short)).toEqual([['config-file', nowMs - 60_000, site, 'changed']]);
    expect(found[0]?.diff).toBe(`--- ${site}.bak\n+++ ${site}\n@@ -1,3 +1,3 @@\n one\n-too\n+two\n `);
  });

  it('asks for no times that were read with the configuration', () => {
    const files = [{ path: site, text: '', ...at(nowMs - 9000) }];
    const { found, asked } = run({}, [], [], [{ ...config, files, directives: [] }]);
    expect(found.map(short)).toEqual([['config-file', nowMs - 9000, site, 'changed']]);
    expect(asked).not.toContainEqual({ kind: 'stat', path: site });
  });

  it('looks for no backup of what was not changed', () => {
    const { found, asked } = run({ stats: { [site]: old } });
    expect(found).toEqual([]);
    expect(asked.filter(request => request.kind === 'list')).toEqual([]);
  });

  it('sees a file with an older time that was put in place', () => {
    const { found } = run({ stats: { [site]: { ...old, changedMs: nowMs - 5000 } } });
    expect(found.map(short)).toEqual([['config-file', nowMs - 5000, site, 'was put in place or got other rights']]);
  });

  it('sees a new certificate, a link to another release and new files in a root', () => {
    const { found } = run({
      stats: {
        '/etc/nginx/tls/shop.pem': { kind: 'link', ...old, target: '../archive/shop2.pem', realPath: '/etc/archive/shop2.pem' },
        '/etc/archive/shop2.pem': at(nowMs - 3000),
        '/srv/shop/current': { kind: 'link', ...at(nowMs - 2000), target: 'releases/8', realPath: '/srv/shop/releases/8' },
        '/srv/shop': { kind: 'directory', ...at(nowMs - 1500) },
        '/srv/shop/current/public': { kind: 'directory', ...at(nowMs - 1000) },
      },
    });
    expect(found.map(short)).toEqual([
      ['certificate', nowMs - 3000, '/etc/nginx/tls/shop.pem', 'changed'],
      ['deploy', nowMs - 2000, '/srv/shop/current', 'was pointed at releases/8'],
      ['deploy', nowMs - 1000, '/srv/shop/current/public', 'got or lost files'],
    ]);
  });

  it('leaves out a folder that everybody may write to', () => {
    expect(run({ stats: { '/srv/shop/current/public': { kind: 'directory', mode: 0o1777, ...at(nowMs) } } }).found).toEqual([]);
  });

  it('reads packages of the window and of ten minutes before it', () => {
    const { found } = run({
      files: {
        '/var/log/dpkg.log': `2026-11-20 07:00:00 upgrade old:amd64 1 2\n${new Date(nowMs - 60_000).toISOString().slice(0, 19).replace('T', ' ')} upgrade php8.2-fpm:amd64 8.2.1 8.2.2\n`,
      },
    });
    expect(found.map(short)).toEqual([['package', nowMs - 60_000, 'package php8.2-fpm', 'was upgraded (8.2.2)']]);
  });

  it('tells a start by hand from one that systemd made after a crash', () => {
    const line = (ms: number, text: string) => ({ timeMs: nowMs - ms, identifier: 'systemd', text });
    const journal = [
      line(9000, 'Stopped shop.service - Shop.'),
      line(8000, 'Started shop.service - Shop.'),
      line(5000, 'shop.service: Scheduled restart job, restart counter is at 1.'),
      line(4900, 'Stopped shop.service - Shop.'),
      line(4800, 'Started shop.service - Shop.'),
    ];
    expect(run({}, [unit({ journal, restarts: 1 })]).found.map(short)).toEqual([
      ['unit-stop', nowMs - 9000, 'shop.service', 'stopped'],
      ['unit-start', nowMs - 8000, 'shop.service', 'started'],
    ]);
    expect(run({}, [unit({ restarts: 3, activeEnterMs: nowMs - 4800 })]).found).toEqual([]);
    expect(run({}, [unit({ activeEnterMs: nowMs - 4800 })]).found).toHaveLength(1);
    expect(run({}, [unit({ type: 'oneshot', activeEnterMs: nowMs - 4800 })]).found).toEqual([]);
  });

  it('sees a reload by the age of the workers, once, and not where one worker was replaced', () => {
    const worker = (pid: number, startMs: number) => ({ pid, startMs, state: 'S', shuttingDown: false });
    const instance = (starts: readonly number[]): NginxInstance => ({
      id: 'nginx',
      running: true,
      binary: '/usr/sbin/nginx',
      prefix: '/usr/share/nginx',
      configPath: '/etc/nginx/nginx.conf',
      globalDirectives: '',
      flavour: 'nginx',
      configureArguments: '',
      startMs: sinceMs - 86_400_000,
      unit: 'nginx.service',
      workers: starts.map((start, index) => worker(index, start)),
    });
    expect(run({}, [], [instance([nowMs - 7000, nowMs - 6990])]).found.map(short)).toEqual([['nginx-reload', nowMs - 7000, 'nginx', 'was reloaded']]);
    expect(run({}, [], [instance([nowMs - 7000, sinceMs])]).found).toEqual([]);
    const told = unit({ name: 'nginx.service', journal: [{ timeMs: nowMs - 7200, identifier: 'systemd', text: 'Reloaded nginx.service - A web server.' }] });
    expect(run({}, [told], [instance([nowMs - 7000, nowMs - 6990])]).found.map(short)).toEqual([['unit-start', nowMs - 7200, 'nginx.service', 'was reloaded']]);
  });

  it('knows nothing where nothing can be read, and says no more', () => {
    expect(run({}).fact).toEqual(known([]));
  });
});
