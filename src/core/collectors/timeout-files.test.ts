import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { denied, known } from '../model/fact.ts';
import type { PhpFpmPool } from '../model/facts/backend.ts';
import type { ProcessInfo } from '../model/facts/system.ts';
import otherProxies from './other-proxies.ts';
import runtimeLimits from './runtime-limits.ts';
import { formatAddress } from '../model/host.ts';
import { runCollector } from './testing.ts';

function processOf(pid: number, argv: readonly string[], change: Partial<ProcessInfo> = {}): ProcessInfo {
  return { pid, ppid: 1, state: 'S', comm: '', argv, uid: 0, startMs: 0, rssBytes: 0, threads: 1, cpuMs: 0, ...change };
}

describe('HAProxy', () => {
  const argv = ['/usr/sbin/haproxy', '-Ws', '-f', '/etc/haproxy/haproxy.cfg', '-p', '/run/haproxy.pid', '-S', '/run/haproxy-master.sock'];

  it('is read once, from the file that its process names', () => {
    const { fact } = runCollector(
      otherProxies,
      { processes: known([processOf(5, argv), processOf(6, argv, { ppid: 5 })]) },
      { files: { '/etc/haproxy/haproxy.cfg': 'defaults\n timeout server 50000\nbackend web\n server s 127.0.0.1:8080\n' } },
    );
    expect(fact).toMatchObject({
      state: 'known',
      value: [{ kind: 'haproxy', pid: 5, passes: [{ waitMs: { value: 50_000, source: 'file:/etc/haproxy/haproxy.cfg:2' } }] }],
    });
  });

  it('may keep its file to itself, which is said', () => {
    const { fact } = runCollector(otherProxies, { processes: known([processOf(5, argv)]) }, { files: { '/etc/haproxy/haproxy.cfg': denied('not permitted') } });
    expect(fact).toMatchObject({ state: 'known', value: [{ passes: [], unread: [{ path: '/etc/haproxy/haproxy.cfg' }] }] });
    expect(fact).toHaveProperty('problems');
  });

  it('that does not run is not looked for', () => {
    expect(runCollector(otherProxies, { processes: known([processOf(9, ['/usr/sbin/nginx'])]) }, {}).asked).toEqual([]);
  });
});

describe('Apache', () => {
  it('is read with its includes in their places', () => {
    const { fact } = runCollector(
      otherProxies,
      { processes: known([processOf(5, ['/usr/sbin/apache2', '-k', 'start'])]) },
      {
        files: {
          '/etc/apache2/apache2.conf': 'Timeout 300\nIncludeOptional sites-enabled/*.conf\n',
          '/etc/apache2/sites-enabled/a.conf': '<VirtualHost *:80>\nInclude snippets/wait.conf\nProxyPass / http://127.0.0.1:8080/\n</VirtualHost>\n',
          '/etc/apache2/sites-enabled/b.conf': '<VirtualHost *:81>\nProxyPass / http://127.0.0.1:8081/\n</VirtualHost>\n',
          '/etc/apache2/snippets/wait.conf': 'ProxyTimeout 20\n',
        },
        folders: { '/etc/apache2/sites-enabled': ['a.conf', 'b.conf'] },
      },
    );
    expect(fact.state === 'known' ? fact.value[0]?.passes.map(pass => [pass.targets[0]?.address, pass.waitMs?.value]) : fact).toEqual([
      [{ kind: 'tcp', host: '127.0.0.1', port: 8080 }, 20_000],
      [{ kind: 'tcp', host: '127.0.0.1', port: 8081 }, 300_000],
    ]);
  });

  /** `name: targets, waits ms (line)` of each. */
  const inShort = (text: string): unknown => {
    const files = { '/etc/apache2/apache2.conf': text };
    const { fact } = runCollector(otherProxies, { processes: known([processOf(5, ['/usr/sbin/apache2', '-k', 'start'])]) }, { files });
    if (fact.state !== 'known') return fact;
    return fact.value[0]?.passes.map(({ name, targets, waitMs }) => {
      const places = targets.map(({ address, waitMs: own }) => `${formatAddress(address)}${own === undefined ? '' : ` within ${own.value}`}`);
      return `${name}: ${places.join(', ')} waits ${waitMs?.value} (${/\d+$/.exec(waitMs?.source ?? '')?.[0] ?? waitMs?.source})`;
    });
  };

  it('gives each ProxyPass its own time, that of its host, or that of all', () => {
    const text = readFileSync(new URL('../parsers/apache-proxy.fixtures/apache-2.4.txt', import.meta.url), 'utf8');
    expect(inShort(text)).toEqual([
      'Apache ProxyPass /reports: 127.0.0.1:8081 within 10000 waits 30000 (10)',
      'Apache ProxyPass /: 127.0.0.1:8081 waits 30000 (10)',
      'Apache ProxyPass /v1: 127.0.0.1:8082 within 45000, 127.0.0.1:8083 waits 120000 (5)',
      'Apache ProxyPass /socket: unix:/run/app.sock waits 120000 (5)',
    ]);
  });

  it('falls back to Timeout, and to its default', () => {
    expect(inShort('Timeout 300\nProxyPass / http://localhost:81/')).toEqual(['Apache ProxyPass /: localhost:81 waits 300000 (1)']);
    expect(inShort('ProxyPass / http://localhost/')).toEqual(['Apache ProxyPass /: localhost:80 waits 60000 (default of Apache)']);
    expect(inShort('# ProxyPass / http://localhost/\nProxyPass /a !')).toEqual([]);
  });

  it('that includes itself ends', () => {
    const files = { '/etc/apache2/apache2.conf': 'Include apache2.conf\nProxyPass / http://127.0.0.1:8080/\n' };
    const { fact } = runCollector(otherProxies, { processes: known([processOf(5, ['/usr/sbin/apache2'])]) }, { files });
    expect(fact).toMatchObject({ state: 'known', value: [{ kind: 'apache' }] });
  });
});

describe('php.ini', () => {
  const main = '/etc/php/8.2/fpm/php-fpm.conf';
  const pool: PhpFpmPool = { name: 'www', path: '/p', line: 1, values: {}, mainConfig: main, masterPid: 7 };
  const facts = {
    processes: known([processOf(7, [`php-fpm: master process (${main})`], { exe: '/usr/sbin/php-fpm8.2' })]),
    'php-fpm-pools': known({ pools: [pool], unread: [], globals: {} }),
  };

  it('is read with its scan folder, and keeps nothing but times', () => {
    const { fact } = runCollector(runtimeLimits, facts, {
      files: {
        '/etc/php/8.2/fpm/php.ini': '[PHP]\nmax_execution_time = 30\nmysqli.default_pw = secret\ndefault_socket_timeout = 60\n',
        '/etc/php/8.2/fpm/conf.d/99-shop.ini': 'max_execution_time = 300 ; imports\n',
      },
      folders: { '/etc/php/8.2/fpm/conf.d': ['99-shop.ini'] },
    });
    expect(fact).toEqual(
      known({
        databases: [],
        php: {
          [main]: {
            max_execution_time: { value: '300', source: 'file:/etc/php/8.2/fpm/conf.d/99-shop.ini:1', text: 'max_execution_time = 300 ; imports' },
            default_socket_timeout: { value: '60', source: 'file:/etc/php/8.2/fpm/php.ini:4', text: 'default_socket_timeout = 60' },
          },
        },
      }),
    );
  });

  it('that may not be read leaves the limit unknown, and not the default', () => {
    const { fact } = runCollector(runtimeLimits, facts, { files: { '/etc/php/8.2/fpm/php.ini': denied('not permitted') } });
    expect(fact).toMatchObject({ state: 'known', value: { php: {} }, problems: [expect.stringContaining('/etc/php/8.2/fpm/php.ini')] });
  });
});

describe('databases', () => {
  const pools = { 'php-fpm-pools': known({ pools: [], unread: [], globals: {} }) };
  const run = (argv: readonly string[], files: Readonly<Record<string, string>>, folders: Readonly<Record<string, readonly string[]>> = {}) =>
    runCollector(runtimeLimits, { ...pools, processes: known([processOf(7, argv), processOf(8, ['postgres: 15/main: checkpointer'])]) }, { files, folders })
      .fact;

  it('PostgreSQL: its file, then its folder, then what ALTER SYSTEM wrote', () => {
    const argv = ['/usr/lib/postgresql/15/bin/postgres', '-D', '/var/lib/postgresql/15/main', '-c', 'config_file=/etc/postgresql/15/main/postgresql.conf'];
    const files = {
      '/etc/postgresql/15/main/postgresql.conf': "statement_timeout = 10s\nlock_timeout = 1s\ninclude_dir = 'conf.d'\n",
      '/etc/postgresql/15/main/conf.d/own.conf': 'statement_timeout = 20s\n',
    };
    const folders = { '/etc/postgresql/15/main/conf.d': ['own.conf', 'own.conf.off'] };
    expect(run(argv, files, folders)).toMatchObject({
      value: { databases: [{ name: 'PostgreSQL', pid: 7, limits: { statement_timeout: { value: 20_000 }, lock_timeout: { value: 1000 } } }] },
    });
    const auto = { '/var/lib/postgresql/15/main/postgresql.auto.conf': "statement_timeout = '30s'\n" };
    expect(run(argv, { ...files, ...auto }, folders)).toMatchObject({ value: { databases: [{ limits: { statement_timeout: { value: 30_000 } } }] } });
    expect(run([...argv, '-c', 'statement_timeout=5s'], { ...files, ...auto }, folders)).toMatchObject({
      value: { databases: [{ limits: { statement_timeout: { value: 5000, source: 'argv of 7' } } }] },
    });
  });

  it('MariaDB: the files of its folder', () => {
    const files = {
      '/etc/mysql/my.cnf': '!includedir /etc/mysql/mariadb.conf.d/\n',
      '/etc/mysql/mariadb.conf.d/50-server.cnf': '[mysqld]\nmax_statement_time = 40\n',
    };
    expect(run(['/usr/sbin/mariadbd'], files, { '/etc/mysql/mariadb.conf.d': ['50-server.cnf'] })).toMatchObject({
      value: { databases: [{ limits: { max_statement_time: { value: 40_000, source: 'file:/etc/mysql/mariadb.conf.d/50-server.cnf:2' } } }] },
    });
  });
});
