import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { known, timedOut, type Known } from '../model/fact.ts';
import type { NginxConfigTest, NginxInstance } from '../model/facts/nginx.ts';
import type { HostIdentity } from '../model/facts/system.ts';
import type { ExecResult } from '../model/host.ts';
import nginxConfigTest from './nginx-config-test.ts';
import { runCollector } from './testing.ts';

const instance: NginxInstance = {
  id: 'nginx',
  running: true,
  masterPid: 100,
  masterUid: 0,
  masterGid: 0,
  binary: '/usr/sbin/nginx',
  prefix: '/usr/share/nginx',
  configPath: '/etc/nginx/nginx.conf',
  globalDirectives: '',
  version: '1.22.1',
  flavour: 'nginx',
  configureArguments: '',
  workers: [],
};
const command = '/usr/sbin/nginx -t -c /etc/nginx/nginx.conf -p /usr/share/nginx';

function identity(uid: number): Known<HostIdentity> {
  const clock = { nowMs: 0, zone: 'UTC', offsetMinutes: 0 };
  return known({ hostname: 'h', os: 'Debian', kernel: '6', uid, user: 'u', clock, systemd: true, bootMs: 0, cpus: 1 });
}

function sample(name: string, code: number): Partial<ExecResult> {
  return { code, stderr: readFileSync(new URL(`../parsers/nginx-test.fixtures/nginx-1.22.1-${name}.txt`, import.meta.url), 'utf8') };
}

type Run = { readonly fact: Known<readonly NginxConfigTest[]>; readonly argv: readonly string[] | undefined };

function run(programs: Record<string, Partial<ExecResult> | Known<ExecResult>>, uid = 0, change: Partial<NginxInstance> = {}): Run {
  const facts = { 'nginx-instances': known([{ ...instance, ...change }]), 'host-identity': identity(uid) };
  const { fact, asked } = runCollector(nginxConfigTest, facts, { programs });
  const [first] = asked;
  return { fact, argv: first?.kind === 'exec' ? first.argv : undefined };
}

describe('nginx-config-test', () => {
  it('tells a good configuration', () => {
    expect(run({ [command]: sample('ok', 0) }).fact).toMatchObject({ state: 'known', value: [{ instanceId: 'nginx', ok: true, denied: false }] });
  });

  it('tells a broken one with its place', () => {
    const error = { text: 'unknown directive "foo"', path: '/srv/badhop-sample/unknown.conf', line: 2 };
    expect(run({ [command]: sample('unknown', 1) }).fact).toMatchObject({ value: [{ ok: false, denied: false, error }] });
  });

  it.each(['nobody-pid', 'nobody-key'])('does not blame the configuration for missing rights: %s', name => {
    expect(run({ [command]: sample(name, 1) }, 1000).fact).toMatchObject({ value: [{ ok: false, denied: true }] });
  });

  it('takes no verdict from a refusal, not even of a root with limited rights', () => {
    expect(run({ [command]: sample('nobody-pid', 1) }).fact).toMatchObject({
      value: [{ ok: false, denied: true }],
      problems: [expect.stringContaining("all of root's rights") as unknown],
    });
  });

  it.each([
    ['was killed', { code: -1 }, 'was ended before it gave its verdict'],
    ['said nothing', { code: 1 }, 'ended with code 1 and gave no verdict'],
    ['is no nginx', { code: 0, stdout: 'all is well' }, 'ended with code 0 and gave no verdict'],
  ])('takes no verdict from a test that %s', (_, outcome, why) => {
    expect(run({ [command]: { stderr: '', ...outcome } }).fact).toMatchObject({ state: 'unparsable', why: expect.stringContaining(why) as unknown });
  });

  it('blames it where it is broken, whoever asks', () => {
    expect(run({ [command]: sample('unknown', 1) }, 1000).fact).toMatchObject({ value: [{ ok: false, denied: false }] });
  });

  it('passes on prefix, file and -g as words of their own', () => {
    const { argv } = run({}, 0, { globalDirectives: 'daemon on; master_process on;' });
    expect(argv).toEqual(['/usr/sbin/nginx', '-t', '-c', '/etc/nginx/nginx.conf', '-p', '/usr/share/nginx', '-g', 'daemon on; master_process on;']);
  });

  it("runs another user's nginx as that user, never as root", () => {
    expect(run({}, 0, { masterUid: 1001, masterGid: 1002 }).argv?.slice(0, 8)).toEqual([
      'setpriv',
      '--reuid',
      '1001',
      '--regid',
      '1002',
      '--clear-groups',
      '--',
      '/usr/sbin/nginx',
    ]);
    const other = run({}, 1000, { masterUid: 1001 });
    expect(other.argv).toBeUndefined();
    expect(other.fact).toMatchObject({ state: 'denied', how: 'run as root or as user 1001' });
  });

  it('asks nothing of a binary that does not even tell its version', () => {
    const { version: _version, ...silent } = instance;
    const { asked } = runCollector(nginxConfigTest, { 'nginx-instances': known([silent]), 'host-identity': identity(0) }, {});
    expect(asked).toEqual([]);
  });

  it('is bounded in time', () => {
    const { fact } = run({ [command]: timedOut('killed') });
    expect(fact).toMatchObject({ state: 'timeout', why: 'nginx -t took longer than 6 s' });
  });
});
