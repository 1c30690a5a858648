import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { absent, known, type Known } from '../model/fact.ts';
import type { NginxConfig, NginxInstance } from '../model/facts/nginx.ts';
import type { ExecResult } from '../model/host.ts';
import nginxConfigDump from './nginx-config-dump.ts';
import { runCollector } from './testing.ts';

const instance: NginxInstance = {
  id: 'nginx',
  running: true,
  masterUid: 0,
  binary: '/usr/sbin/nginx',
  prefix: '/usr/share/nginx',
  configPath: '/etc/nginx/nginx.conf',
  globalDirectives: '',
  version: '1.22.1',
  flavour: 'nginx',
  configureArguments: '',
  workers: [],
};

const clock = { nowMs: 0, zone: 'UTC', offsetMinutes: 0 };
const dump = readFileSync(new URL('../parsers/nginx-dump.fixtures/nginx-1.22.1-debian.txt', import.meta.url), 'utf8');

const unreadable = absent('/etc/nginx/nginx.conf may not be read');

function run(result: Partial<ExecResult>, uid = 0): Known<readonly NginxConfig[]> {
  const identity = known({ hostname: 'h', os: 'Debian', kernel: '6', uid, user: 'u', clock, systemd: true, bootMs: 0, cpus: 1 });
  const answer = known({ stdout: '', stderr: '', code: 0, truncated: false, ...result });
  const facts = { 'nginx-instances': known([instance]), 'nginx-config': unreadable, 'host-identity': identity };
  return runCollector(nginxConfigDump, facts, { answer: () => answer }).fact;
}

describe('nginx-config-dump', () => {
  it("gives the files of Debian's configuration byte for byte, with the includes in place", () => {
    const fact = run({ stdout: dump });
    const config = fact.state === 'known' ? fact.value[0] : undefined;
    expect(config?.files.map(file => file.path)).toEqual(['/etc/nginx/nginx.conf', '/etc/nginx/mime.types', '/etc/nginx/sites-enabled/default']);
    const texts = ['debian-nginx', 'debian-mime.types', 'debian-sites-default'].map(name =>
      readFileSync(new URL(`../parsers/nginx-conf.fixtures/${name}-1.22.1.conf`, import.meta.url), 'latin1'),
    );
    expect(config?.files.map(file => file.text)).toEqual(texts);
    expect(config?.problems).toEqual([]);
    const http = config?.directives.find(directive => directive.name === 'http')?.block ?? [];
    const included = http.flatMap(directive => directive.included ?? []);
    expect(included.map(file => file.path)).toEqual(['/etc/nginx/mime.types', '/etc/nginx/sites-enabled/default']);
    expect(included[1]?.directives[0]?.name).toBe('server');
  });

  it('is asked for only where the files could not be read whole', () => {
    const asked = (unread: NginxConfig['unread']) => {
      const config = { instanceId: 'nginx', mainPath: instance.configPath, files: [], directives: [], problems: [], unread };
      const facts = { 'nginx-instances': known([instance]), 'nginx-config': known([config]), 'host-identity': absent('not asked') };
      return runCollector(nginxConfigDump, facts, {}).asked.length;
    };
    expect(asked([])).toBe(0);
    expect(asked([{ path: '/etc/nginx/secret.conf', why: 'permission denied' }])).toBe(1);
  });

  it('says who is refused, and what a broken configuration is', () => {
    const refused = '[emerg] 1#1: open() "/run/nginx.pid" failed (13: Permission denied)\n';
    expect(run({ code: 1, stderr: `nginx: ${refused}` }, 1000)).toMatchObject({ state: 'denied' });
    expect(run({ code: 1, stderr: 'nginx: [emerg] unknown directive "x" in /a:1\n' }, 1000)).toMatchObject({
      state: 'absent',
      why: 'nginx -T printed nothing: unknown directive "x"',
    });
  });

  it('says what it did not read, and what it could not', () => {
    expect(run({ stdout: dump, truncated: true })).toMatchObject({ state: 'known', problems: [expect.stringContaining('the rest was not read')] });
    expect(run({ stdout: 'what?\n' })).toMatchObject({ state: 'unparsable' });
  });
});
