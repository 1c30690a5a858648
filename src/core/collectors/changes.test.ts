import { describe, expect, it } from 'vitest';
import { absent, known } from '../model/fact.ts';
import type { Change } from '../model/facts/changes.ts';
import type { ManagedProgram, ProgramLine } from '../model/facts/managed-program.ts';
import type { NginxConfig, NginxInstance } from '../model/facts/nginx.ts';
import type { SystemdUnit } from '../model/facts/system.ts';
import type { ProbeResult } from '../model/probe.ts';
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

function run(
  host: FakeHost,
  units: readonly SystemdUnit[] = [],
  instances: readonly NginxInstance[] = [],
  configs: readonly NginxConfig[] = [config],
  probes: readonly ProbeResult[] = [],
  programs: readonly ManagedProgram[] = [],
  more: Partial<Parameters<typeof changes.collect>[0]> = {},
) {
  const result = runCollector(
    changes,
    {
      'nginx-config': known(configs),
      'nginx-instances': known(instances),
      'php-fpm-pools': none,
      'backend-configs': none,
      'systemd-units': known(units),
      'managed-programs': known(programs),
      services: none,
      processes: none,
      'probe-results': known(probes),
      ...more,
    },
    host,
  );
  return { ...result, found: result.fact.state === 'known' ? result.fact.value : [] };
}

const localTime = (ms: number): string => new Date(ms).toISOString().slice(0, 19).replace('T', ' ');
const short = ({ kind, timeMs, subject, verb }: Change): readonly unknown[] => [kind, timeMs, subject, verb];

describe('what changed lately', () => {
  it('shows what tells an edited file from the newest backup beside it', () => {
    const { found } = run({
      stats: { [site]: at(nowMs - 60_000), [`${site}.bak`]: at(nowMs - 70_000), [`${site}~`]: old },
      folders: { '/etc/nginx/conf.d': ['other.conf', 'shop.conf', 'shop.conf.bak', 'shop.conf~'] },
      files: { [site]: 'one\ntwo\n', [`${site}.bak`]: 'one\ntoo\n', [`${site}~`]: 'nothing\n' },
    });
    expect(found.map(short)).toEqual([['config-file', nowMs - 60_000, site, 'changed']]);
    expect(found[0]?.diff).toBe(`--- ${site}.bak of ${localTime(nowMs - 70_000)}\n+++ ${site}\n@@ -1,3 +1,3 @@\n one\n-too\n+two\n `);
  });

  it('asks for no times that were read with the configuration', () => {
    const runWith = (times: ReturnType<typeof at>) => run({}, [], [], [{ ...config, files: [{ path: site, text: '', ...times }], directives: [] }]);
    expect(runWith(at(nowMs - 9000)).found.map(short)).toEqual([['config-file', nowMs - 9000, site, 'changed']]);
    expect(runWith(old).asked).not.toContainEqual({ kind: 'stat', path: site });
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

  it('finds the backup beside the file that a link leads to', () => {
    const real = '/etc/nginx/sites-available/shop';
    const { found } = run({
      stats: {
        [site]: { kind: 'link', ...old, target: real, realPath: real },
        [real]: at(nowMs - 60_000),
        [`${real}.bak`]: at(nowMs - 61_000),
      },
      folders: { '/etc/nginx/conf.d': ['shop.conf'], '/etc/nginx/sites-available': ['shop', 'shop.bak'] },
      files: { [site]: 'one\n', [`${real}.bak`]: 'two\n' },
    });
    expect(found.map(short)).toEqual([['config-file', nowMs - 60_000, site, 'changed']]);
    expect(found[0]?.diff).toContain(`--- ${real}.bak of`);
  });

  it('compares with what the package offers only where no earlier state is there', () => {
    const files = { [site]: 'one\n', [`${site}.dpkg-dist`]: 'theirs\n', [`${site}~`]: 'mine\n' };
    const stats = { [site]: at(nowMs - 60_000), [`${site}.dpkg-dist`]: at(nowMs - 50_000), [`${site}~`]: old };
    const diff = (names: readonly string[]): string | undefined => run({ stats, files, folders: { '/etc/nginx/conf.d': names } }).found[0]?.diff;
    expect(diff(['shop.conf', 'shop.conf.dpkg-dist', 'shop.conf~'])).toContain('-mine');
    expect(diff(['shop.conf', 'shop.conf.dpkg-dist'])).toContain('-theirs');
  });

  it('sees a configuration file that was taken away by its folder, and not the folder of one that was edited', () => {
    const folder = { kind: 'directory', ...at(nowMs - 4000) } as const;
    expect(run({ stats: { '/etc/nginx/conf.d': folder } }).found.map(short)).toEqual([['config-file', nowMs - 4000, '/etc/nginx/conf.d', 'got or lost files']]);
    expect(run({ stats: { '/etc/nginx/conf.d': folder, [site]: at(nowMs - 4100) } }).found.map(short)).toEqual([
      ['config-file', nowMs - 4100, site, 'changed'],
    ]);
  });

  it('sees a deployment that edits files in place', () => {
    const { found } = run({ stats: { '/srv/shop/current/public/.git/logs/HEAD': at(nowMs - 4000) } });
    expect(found.map(short)).toEqual([['deploy', nowMs - 4000, '/srv/shop/current/public/.git/logs/HEAD', 'changed']]);
  });

  it('tells when the certificate that a backend shows ended to be valid', () => {
    const iso = new Date(nowMs - 30_000).toISOString();
    const tls = { handshake: 'done', validFrom: '2025-11-21T00:00:00.000Z', validTo: iso };
    const probe = {
      request: { kind: 'tls', address: { kind: 'tcp', host: '10.0.0.1', port: 8443 } },
      outcome: { state: 'answered', speaks: 'tls', answer: { complete: true, tls } },
      connectMs: 1,
      ms: 2,
    } as unknown as ProbeResult;
    expect(run({}, [], [], [config], [probe, probe]).found.map(short)).toEqual([
      ['certificate', nowMs - 30_000, 'the certificate of 10.0.0.1:8443', 'expired'],
    ]);
  });

  describe('packages', () => {
    const stamp = (ms: number, blanks = ' '): string => localTime(ms).replace(' ', blanks);
    const dpkg = `2026-11-20 07:00:00 upgrade old:amd64 1 2\n${stamp(nowMs - 60_000)} upgrade php8.2-fpm:amd64 8.2.1 8.2.2\n`;
    const apt = `Start-Date: ${stamp(nowMs - 65_000, '  ')}\nCommandline: apt-get -y upgrade\nUpgrade: php8.2-fpm:amd64 (8.2.1, 8.2.2)\nEnd-Date: ${stamp(nowMs - 58_000, '  ')}\n`;
    const found = (host: FakeHost): readonly unknown[] => run(host).found.map(({ timeMs, subject, verb, by }) => [nowMs - timeMs, subject, verb, by]);
    const upgraded = ['package php8.2-fpm', 'was upgraded from 8.2.1 to 8.2.2'];

    it('are those of the window and of ten minutes before it, with the command', () => {
      expect(found({ files: { '/var/log/dpkg.log': dpkg } })).toEqual([[60_000, ...upgraded, undefined]]);
      expect(found({ files: { '/var/log/dpkg.log': dpkg, '/var/log/apt/history.log': apt } })).toEqual([[60_000, ...upgraded, 'apt-get -y upgrade']]);
    });

    it("come from apt's log where dpkg's is not there", () => {
      expect(found({ files: { '/var/log/apt/history.log': apt } })).toEqual([[58_000, ...upgraded, 'apt-get -y upgrade']]);
    });

    it('come from rpm where neither is there, and from nothing else', () => {
      const argv = 'rpm -qa --queryformat %{INSTALLTIME} %{NAME} %{VERSION}-%{RELEASE}\\n';
      const stdout = `${Math.floor(nowMs / 1000) - 40} nginx-core 1.20.1-14.el9\n${Math.floor(nowMs / 1000) - 90_000} bash 5.1.8-6.el9\n`;
      expect(found({ programs: { [argv]: stdout } })).toEqual([[40_000, 'package nginx-core', 'was installed (1.20.1-14.el9)', undefined]]);
      const { asked } = run({ files: { '/var/log/dpkg.log': dpkg } });
      expect(asked.some(request => request.kind === 'exec')).toBe(false);
    });
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

  it('sees that the clock was set, and says what that means', () => {
    const journal = [{ timeMs: nowMs - 9000, identifier: 'shop', text: 'x', clockSetMs: -3_600_000 }];
    const { found, fact } = run({}, [unit({ journal, restarts: 1 })]);
    expect(found.map(short)).toEqual([['clock', nowMs - 9000, 'the clock', 'was set 60 min back']]);
    expect(fact.state === 'known' ? fact.problems : []).toEqual([
      'The clock was set within the window: times from before that do not compare with those after it.',
    ]);
  });

  it('sees the start of what neither a unit nor a process manager runs', () => {
    const service = (masterPid: number, part: object) => ({
      id: `pid:${masterPid}`,
      name: `node ${masterPid}`,
      kind: 'node',
      masterPid,
      configFiles: [],
      ...part,
    });
    const services = [service(7, {}), service(8, { unit: 'shop.service' }), service(9, { program: 'pm2:api' }), service(10, { kind: 'nginx' })];
    const processes = [7, 8, 9, 10].map(pid => ({ pid, startMs: nowMs - 1000 * pid }));
    const facts = { services: known(services), processes: known(processes) } as unknown as Partial<Parameters<typeof changes.collect>[0]>;
    expect(run({}, [], [], [], [], [], facts).found.map(short)).toEqual([['unit-start', nowMs - 7000, 'node 7', 'started']]);
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

  it('tells a stop by hand of a program under pm2 from what pm2 starts again by itself', () => {
    const line = (kind: ProgramLine['kind'], agoMs: number, asked = false): ProgramLine => {
      return { kind, timeMs: nowMs - agoMs, text: kind, source: 'file:/home/d/.pm2/pm2.log', instance: '0', ...(asked ? { asked: true } : {}) };
    };
    const lines = [
      line('ended', 60_000),
      line('starting', 59_900),
      line('memory', 40_000),
      line('ended', 39_900, true),
      line('starting', 39_800),
      line('ended', 20_000, true),
      line('starting', 15_000),
    ];
    const program = {
      id: 'pm2:api',
      manager: 'pm2',
      name: 'api',
      label: 'pm2 app api',
      state: 'running',
      word: 'online',
      home: '/home/d/.pm2',
      pids: [],
      instances: 1,
      addresses: [],
      logFiles: [],
      lines,
      words: [],
    } as const;
    expect(run({}, [], [], undefined, [], [program]).found.map(short)).toEqual([
      ['unit-stop', nowMs - 20_000, 'pm2 app api', 'stopped'],
      ['unit-start', nowMs - 15_000, 'pm2 app api', 'started'],
    ]);
  });

  it('knows nothing where nothing can be read, and says no more', () => {
    expect(run({}).fact).toEqual(known([]));
  });
});
