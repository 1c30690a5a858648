import { describe, expect, it } from 'vitest';
import { denied, known } from '../model/fact.ts';
import type { ProcessInfo } from '../model/facts/system.ts';
import phpFpmPools from './php-fpm-pools.ts';
import { runCollector } from './testing.ts';

function master(path: string): ProcessInfo {
  return {
    pid: 7,
    ppid: 1,
    state: 'S',
    comm: 'php-fpm8.2',
    argv: [`php-fpm: master process (${path})`],
    exe: '/usr/sbin/php-fpm8.2',
    uid: 0,
    startMs: 0,
    rssBytes: 0,
    threads: 1,
    cpuMs: 0,
  };
}

const main = '/etc/php/8.2/fpm/php-fpm.conf';
const nothing = { processes: known([]), 'systemd-units': known([]) };

describe('php-fpm pools', () => {
  it('reads the include closure of a running master, substitutes $pool and says where each setting stands', () => {
    const { fact } = runCollector(
      phpFpmPools,
      { processes: known([master(main)]), 'systemd-units': known([]) },
      {
        files: {
          [main]: '[global]\nerror_log = /var/log/fpm.log\ninclude=/etc/php/8.2/fpm/pool.d/*.conf\n',
          '/etc/php/8.2/fpm/pool.d/a.conf': '[shop]\nlisten = /run/php/$pool.sock\npm.max_children = 3\n',
          '/etc/php/8.2/fpm/pool.d/b.conf': '[api]\nlisten = 9000\n',
        },
        folders: { '/etc/php/8.2/fpm/pool.d': ['a.conf', 'b.conf', 'c.conf.off'] },
        stats: { '/var/log/fpm.log': {} },
        programs: { [`/usr/sbin/php-fpm8.2 -y ${main} -tt`]: { code: 0 } },
      },
    );
    expect(fact).toMatchObject({
      state: 'known',
      value: {
        globals: { [main]: { error_log: { value: '/var/log/fpm.log', source: `file:${main}:2` } } },
        pools: [
          {
            name: 'shop',
            path: '/etc/php/8.2/fpm/pool.d/a.conf',
            line: 1,
            masterPid: 7,
            errorLog: '/var/log/fpm.log',
            listen: { value: { kind: 'unix', path: '/run/php/shop.sock' }, source: 'file:/etc/php/8.2/fpm/pool.d/a.conf:2' },
          },
          { name: 'api', listen: { value: { kind: 'tcp', host: '*', port: 9000 } } },
        ],
      },
    });
    expect(fact).not.toHaveProperty('problems');
  });

  it('finds installed versions that do not run', () => {
    const { fact } = runCollector(phpFpmPools, nothing, {
      files: { '/etc/php/7.4/fpm/php-fpm.conf': '[www]\nlisten = 127.0.0.1:9074\n' },
      folders: { '/etc/php': ['7.4'], '/etc/php/7.4/fpm': ['php-fpm.conf'] },
    });
    expect(fact.state === 'known' && fact.value.pools).toMatchObject([{ name: 'www', mainConfig: '/etc/php/7.4/fpm/php-fpm.conf' }]);
    expect(fact.state === 'known' && fact.value.pools[0]).not.toHaveProperty('masterPid');
  });

  it('lets later files win, and takes relative includes from the prefix of the build', () => {
    const { fact } = runCollector(phpFpmPools, nothing, {
      files: {
        '/usr/local/etc/php-fpm.conf': 'include=etc/php-fpm.d/*.conf\n',
        '/usr/local/etc/php-fpm.d/www.conf': '[www]\nlisten = 127.0.0.1:9000\n',
        '/usr/local/etc/php-fpm.d/zz-docker.conf': '[www]\nlisten = 9000\n',
      },
      folders: { '/usr/local/etc/php-fpm.d': ['www.conf', 'zz-docker.conf'] },
    });
    expect(fact.state === 'known' && fact.value.pools.map(pool => pool.listen)).toEqual([
      { value: { kind: 'tcp', host: '*', port: 9000 }, source: 'file:/usr/local/etc/php-fpm.d/zz-docker.conf:2' },
    ]);
  });

  it('ends on includes that include each other', () => {
    const { fact } = runCollector(phpFpmPools, nothing, {
      files: { '/etc/php-fpm.conf': 'include=/etc/a.conf\n', '/etc/a.conf': 'include=/etc/php-fpm.conf\ninclude=/etc/a.conf\n[x]\nlisten=1\n' },
    });
    expect(fact.state === 'known' && fact.value.pools.map(pool => pool.name)).toEqual(['x']);
  });

  it('says which files this user may not read', () => {
    const { fact } = runCollector(
      phpFpmPools,
      { processes: known([master(main)]), 'systemd-units': known([]) },
      { files: { [main]: 'include=/etc/p/a.conf\n', '/etc/p/a.conf': denied('permission denied') } },
    );
    expect(fact).toMatchObject({
      value: { pools: [], unread: [{ path: '/etc/p/a.conf', why: 'permission denied' }] },
      problems: [expect.stringContaining('run as root')],
    });
  });

  it("tells what php-fpm's own test refuses", () => {
    const { fact } = runCollector(
      phpFpmPools,
      { processes: known([master(main)]), 'systemd-units': known([]) },
      {
        files: { [main]: '[www]\nlisten=1\nslowlogg=x\n' },
        stats: { '/': {} },
        programs: { [`/usr/sbin/php-fpm8.2 -y ${main} -tt`]: { code: 78, stderr: `[21-Nov-2026 07:38:08] ERROR: [${main}:3] unknown entry 'slowlogg'\n` } },
      },
    );
    expect(fact).toMatchObject({ problems: [expect.stringContaining("unknown entry 'slowlogg'")] });
  });

  it('is an empty list where php-fpm is not installed', () => {
    expect(runCollector(phpFpmPools, nothing, {}).fact).toEqual(known({ pools: [], unread: [], globals: {} }));
  });
});
