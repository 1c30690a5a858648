import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseIni } from './ini.ts';
import { parsePhpFpmConfig, parsePhpFpmListen, parsePhpFpmTimeMs, phpFpmMasterConfig, phpFpmWorkerPool } from './php-fpm-config.ts';
import { parsePhpFpmStatus } from './php-fpm-status.ts';

function fixture(path: string): string {
  return readFileSync(new URL(path, import.meta.url), 'utf8');
}

describe('php-fpm configuration', () => {
  it('reads pools and settings with their lines', () => {
    const file = parsePhpFpmConfig(fixture('php-fpm-config.fixtures/php-fpm-8.2.txt'));
    expect(file.sections.map(section => section.name)).toEqual(['global', 'tcp', 'unix']);
    expect(file.settings.find(setting => setting.section === 'unix' && setting.key === 'pm.max_children')).toEqual({
      section: 'unix',
      key: 'pm.max_children',
      value: '3',
      text: 'pm.max_children = 3',
      line: 18,
    });
    expect(file.problems).toEqual([]);
  });

  it("reads Debian's www.conf, which is mostly comments", () => {
    const file = parsePhpFpmConfig(fixture('php-fpm-config.fixtures/www-debian-8.2.txt'));
    expect(Object.fromEntries(file.settings.map(setting => [setting.key, setting.value]))).toEqual({
      user: 'www-data',
      group: 'www-data',
      listen: '/run/php/php8.2-fpm.sock',
      'listen.owner': 'www-data',
      'listen.group': 'www-data',
      pm: 'dynamic',
      'pm.max_children': '5',
      'pm.start_servers': '2',
      'pm.min_spare_servers': '1',
      'pm.max_spare_servers': '3',
    });
  });

  it('keeps quotes, comments, arrays and includes apart', () => {
    const file = parsePhpFpmConfig('include=/etc/p/*.conf\n[a]\nphp_admin_value[error_log] = "/var/l;og" ; why\nlisten = 9000 ; tcp\nbroken\n[b\n');
    expect(file.includes).toEqual([{ pattern: '/etc/p/*.conf', line: 1, section: '' }]);
    expect(file.settings.map(setting => [setting.key, setting.value])).toEqual([
      ['php_admin_value[error_log]', '/var/l;og'],
      ['listen', '9000'],
    ]);
    expect(file.problems.map(problem => problem.line)).toEqual([5, 6]);
  });

  it.each([
    ['9000', { kind: 'tcp', host: '*', port: 9000 }],
    ['127.0.0.1:9000', { kind: 'tcp', host: '127.0.0.1', port: 9000 }],
    ['[::1]:9000', { kind: 'tcp', host: '::1', port: 9000 }],
    ['*:9000', { kind: 'tcp', host: '*', port: 9000 }],
    ['/run/php/x.sock', { kind: 'unix', path: '/run/php/x.sock' }],
    ['var/x.sock', { kind: 'unix', path: '/opt/php/var/x.sock' }],
    ['${LISTEN}', undefined],
    ['127.0.0.1:99999', undefined],
  ])('reads listen = %s', (text, address) => {
    expect(parsePhpFpmListen(text, '/opt/php')).toEqual(address);
  });

  it('reads times and titles', () => {
    expect(['30', '5s', '2m', '0', 'x'].map(parsePhpFpmTimeMs)).toEqual([30_000, 5000, 120_000, 0, undefined]);
    expect(phpFpmMasterConfig('php-fpm: master process (/etc/php/8.2/fpm/php-fpm.conf)')).toBe('/etc/php/8.2/fpm/php-fpm.conf');
    expect(phpFpmWorkerPool('php-fpm: pool shop   ')).toBe('shop');
    expect(phpFpmWorkerPool('vim php-fpm: pool shop')).toBeUndefined();
  });
});

describe('php-fpm status page', () => {
  it('reads the text form and its full form alike', () => {
    expect(parsePhpFpmStatus(fixture('php-fpm-status.fixtures/php-fpm-8.2.txt'))).toMatchObject({
      pool: 'unix',
      active: 3,
      total: 3,
      maxChildrenReached: 1,
      processes: [],
    });
    expect(parsePhpFpmStatus(fixture('php-fpm-status.fixtures/php-fpm-8.2-full.txt'))?.processes[0]).toEqual({
      pid: 15368,
      state: 'Running',
      requests: 1,
      durationMs: 2836.658,
      method: 'GET',
      uri: '/slow.php?s=10',
      script: '/srv/app/slow.php',
    });
  });

  it('reads the JSON form', () => {
    expect(parsePhpFpmStatus(fixture('php-fpm-status.fixtures/php-fpm-8.2-json.txt'))).toMatchObject({ processManager: 'dynamic', slowRequests: 5 });
    expect(parsePhpFpmStatus(fixture('php-fpm-status.fixtures/php-fpm-8.2-json-full.txt'))?.processes.map(process => process.pid)).toEqual([
      15368, 15369, 15454,
    ]);
  });

  it.each(['', 'File not found.\n', '<html>pool: www</html>', '{"pool":"x"}', '[1]', '{'])('takes %j for no status page', text => {
    expect(parsePhpFpmStatus(text)).toBeUndefined();
  });
});

describe('any text', () => {
  it('never throws', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), text => {
        parsePhpFpmConfig(text);
        parseIni(text, 'uwsgi');
        parsePhpFpmListen(text, '/x');
        parsePhpFpmStatus(text);
        parsePhpFpmStatus(`{${text}`);
      }),
    );
  });

  it.each(['[', '=', ';', 'a', '\n', '"', 'a=b\n', ' : '])('is linear in many %j', piece => {
    const text = piece.repeat(500_000);
    const start = performance.now();
    parsePhpFpmConfig(text);
    parsePhpFpmStatus(text);
    parsePhpFpmListen(text);
    expect(performance.now() - start).toBeLessThan(2000);
  });
});
