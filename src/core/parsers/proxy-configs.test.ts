import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatAddress } from '../model/host.ts';
import type { ProxyPass } from '../model/facts/timeouts.ts';
import { apachePasses } from './apache-proxy.ts';
import { parseMysqlConfig, parsePostgresConfig } from './database-config.ts';
import { haproxyTime, parseHaproxyConfig } from './haproxy-config.ts';

function fixture(path: string): string {
  return readFileSync(new URL(path, import.meta.url), 'utf8');
}

/** `name: targets, waits ms (line)` of each. */
function inShort(passes: readonly ProxyPass[]): string[] {
  return passes.map(
    ({ name, targets, waitMs }) =>
      `${name}: ${targets.map(({ address, waitMs: own }) => `${formatAddress(address)}${own === undefined ? '' : ` within ${own.value}`}`).join(', ')} waits ${waitMs?.value ?? 'for ever'} (${/\d+$/.exec(waitMs?.source ?? '')?.[0] ?? waitMs?.source ?? ''})`,
  );
}

describe('haproxy.cfg', () => {
  const file = fixture('haproxy-config.fixtures/haproxy-2.6.txt');

  it("reads Debian's defaults, what a section says itself, and defaults by their name", () => {
    const lines = file.split('\n');
    const at = (text: string): number => lines.findIndex(line => line.includes(text)) + 1;
    expect(inShort(parseHaproxyConfig(file, '/etc/haproxy/haproxy.cfg'))).toEqual([
      `HAProxy backend shop: 127.0.0.1:8081, unix:/run/shop.sock waits 60000 (${at('timeout server 1m')})`,
      `HAProxy listen admin: [::1]:9091 waits 700 (${at('timeout server 700ms')})`,
    ]);
  });

  it('hands the last defaults down', () => {
    const text = 'defaults\n timeout server 50000\nbackend a\n server s 127.0.0.1:1\ndefaults\n timeout connect 5s\nbackend b\n server s 127.0.0.1:2\n';
    expect(inShort(parseHaproxyConfig(text, '/x'))).toEqual([
      'HAProxy backend a: 127.0.0.1:1 waits 50000 (2)',
      'HAProxy backend b: 127.0.0.1:2 waits for ever ()',
    ]);
  });

  it.each([
    ['50000', 50_000],
    ['50s', 50_000],
    ['1m', 60_000],
    ['700ms', 700],
    ['5 s', undefined],
    ['"${WAIT}"', undefined],
    ['-1', undefined],
  ])('reads the time %s', (text, ms) => {
    expect(haproxyTime(text)).toBe(ms);
  });
});

describe('the configuration of databases', () => {
  it('reads what limits a statement, and not the comments', () => {
    const text = fixture('database-config.fixtures/postgresql-15.txt');
    expect(parsePostgresConfig(text, '/p').limits).toEqual({});
    const set = text.replace('#statement_timeout = 0', "statement_timeout = '2min'").replace('#lock_timeout = 0', 'lock_timeout = 1500');
    const line = (name: string): number => text.split('\n').findIndex(one => one.startsWith(`#${name}`)) + 1;
    expect(parsePostgresConfig(set, '/p').limits).toEqual({
      statement_timeout: { value: 120_000, source: `file:/p:${line('statement_timeout')}`, text: expect.stringMatching(/^statement_timeout = '2min'/) },
      lock_timeout: { value: 1500, source: `file:/p:${line('lock_timeout')}`, text: expect.stringMatching(/^lock_timeout = 1500/) },
    });
  });

  it('says what else belongs to it', () => {
    expect(parsePostgresConfig("include_dir = 'conf.d'\ninclude 'more.conf'\n", '/p').includes.map(include => [include.path, include.isFolder])).toEqual([
      ['conf.d', true],
      ['more.conf', false],
    ]);
    expect(parseMysqlConfig('!includedir /etc/mysql/conf.d/\n', '/m').includes).toEqual([{ path: '/etc/mysql/conf.d/', isFolder: true }]);
  });

  it('reads the sections of the server alone, in its units', () => {
    const text =
      '[client]\nmax_statement_time = 1\npassword = x\n[mariadb]\nmax-statement-time=30\ninnodb_lock_wait_timeout = 50 # s\n[mysqld-8.0]\nmax_execution_time = 5000\n';
    const { limits } = parseMysqlConfig(text, '/m');
    expect(Object.entries(limits).map(([name, limit]) => [name, limit.value, limit.source])).toEqual([
      ['max_statement_time', 30_000, 'file:/m:5'],
      ['innodb_lock_wait_timeout', 50_000, 'file:/m:6'],
      ['max_execution_time', 5000, 'file:/m:8'],
    ]);
    expect(JSON.stringify(limits)).not.toContain('password');
  });
});

describe('any text', () => {
  const read = (text: string): void => {
    parseHaproxyConfig(text, '/x');
    apachePasses(text.split('\n', 1000).map(line => ({ name: 'proxypass', args: line.split(' '), source: '/x', text: line, within: [line] })));
    parsePostgresConfig(text, '/x');
    parseMysqlConfig(text, '/x');
  };

  it('never throws', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), read));
    fc.assert(
      fc.property(fc.array(fc.constantFrom('ProxyPass', '/', '"', 'backend a', 'server', 'timeout', '<Proxy', '>', '\\', '\n', ' ', '127.0.0.1:1')), words =>
        read(words.join(' ')),
      ),
    );
  });

  it.each(['a ', '<a\n', '"', '\\\n', 'timeout server 1\n', 'backend a\nserver a 127.0.0.1:1\n', 'a = \n', '[', ' ', 'ProxyPass / http://a/\n'])(
    'is linear in many %j',
    piece => {
      const text = piece.repeat(200_000);
      const start = performance.now();
      read(text);
      expect(performance.now() - start).toBeLessThan(2000);
    },
  );
});
