import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { apacheModules, holdsCondition } from './apache-conditions.ts';
import { fillVariables, parseApacheConf, parseApacheVariables } from './apache-conf.ts';
import { readApacheCommand } from './apache-start.ts';
import { parseExecStart } from './backend-command.ts';

describe('Apache configuration', () => {
  it('reads directives, sections, quotes and continued lines', () => {
    const lines = parseApacheConf(
      '# Listen 1\n\tlisten 127.0.0.1:8080 http\r\n<IfModule  !mod_ssl.c>\nErrorLog "/var/log/a \\"b\\".log"\nServerName \\\n  x.example\n</IfModule>\n',
    );
    expect(lines.map(({ kind, name, args, line }) => [kind, name, ...args, line])).toEqual([
      ['directive', 'listen', '127.0.0.1:8080', 'http', 2],
      ['open', 'ifmodule', '!mod_ssl.c', 3],
      ['directive', 'errorlog', '/var/log/a "b".log', 4],
      ['directive', 'servername', 'x.example', 5],
      ['close', 'ifmodule', 7],
    ]);
    expect(lines.map(line => line.text)).toEqual([
      '\tlisten 127.0.0.1:8080 http',
      '<IfModule  !mod_ssl.c>',
      'ErrorLog "/var/log/a \\"b\\".log"',
      '',
      '</IfModule>',
    ]);
  });

  it('fills in variables that are known, and leaves the others', () => {
    expect(fillVariables('${A}/x/${B}', new Map([['A', '/a']]))).toBe('/a/x/${B}');
  });

  it("reads Debian's envvars without running them", () => {
    const text =
      'unset HOME\nif [ "${APACHE_CONFDIR##/etc/apache2-}" != x ] ; then\n\tSUFFIX="-${APACHE_CONFDIR##/etc/apache2-}"\nfi\nexport APACHE_LOG_DIR=/var/log/apache2$SUFFIX\n: ${APACHE_RUN_USER:=www-data}\nexport NOW=$(date)\nB="${APACHE_LOG_DIR}/b"\n';
    expect([...parseApacheVariables(text, new Map([['SUFFIX', '-shop']]))]).toEqual([
      ['SUFFIX', '-shop'],
      ['APACHE_LOG_DIR', '/var/log/apache2-shop'],
      ['APACHE_RUN_USER', 'www-data'],
      ['B', '/var/log/apache2-shop/b'],
    ]);
  });

  const modules = new Set([
    ...apacheModules.namesOf('mpm_event_module', '/usr/lib/apache2/modules/mod_mpm_event.so'),
    ...apacheModules.namesOf('ssl_module', 'x/mod_ssl.so'),
  ]);
  it.each([
    ['ifmodule', ['mod_ssl.c'], true],
    ['ifmodule', ['ssl_module'], true],
    ['ifmodule', ['!ssl_module'], false],
    ['ifmodule', ['event.c'], true],
    ['ifmodule', ['mpm_prefork_module'], false],
    ['ifmodule', ['mod_version.c'], true],
    ['ifdefine', ['X'], true],
    ['ifdefine', ['!X'], false],
    ['ifversion', ['>=', '2.4'], true],
    ['ifversion', ['<', '2.4'], false],
    ['ifversion', ['>=', '2.4.60'], 'unknown'],
    ['ifversion', ['>', '3'], false],
    ['iffile', ['/x'], 'unknown'],
    ['virtualhost', ['*:80'], 'none'],
  ] as const)('<%s %s>', (section, args, expected) => {
    expect(holdsCondition(section, args, { modules, defines: new Set(['X']) })).toBe(expected);
  });

  it('does not guess which processing module a build holds', () => {
    expect(holdsCondition('ifmodule', ['prefork.c'], { modules: new Set(), defines: new Set() })).toBe('unknown');
  });

  it.each([
    ['/usr/sbin/apache2 -k start', {}, ['/etc/apache2/apache2.conf'], undefined],
    ['/usr/sbin/apache2 -d /etc/apache2-shop -k start', {}, ['/etc/apache2-shop/apache2.conf'], '/etc/apache2-shop'],
    ['/usr/sbin/httpd -DFOREGROUND', {}, ['/etc/httpd/conf/httpd.conf'], undefined],
    ['/usr/sbin/apachectl start', { unit: 'apache2@blog.service' }, ['/etc/apache2-blog/apache2.conf'], '/etc/apache2-blog'],
    ['/opt/web/bin/httpd -k start', {}, ['/opt/web/conf/httpd.conf'], undefined],
    ['httpd -f conf/own.conf -d /srv/web', {}, ['/srv/web/conf/own.conf'], '/srv/web'],
    ['/usr/sbin/httpd -f conf/own.conf', {}, ['/etc/httpd/conf/own.conf'], undefined],
    ['/usr/sbin/start_apache2 -DSYSTEMD -DFOREGROUND -k start', {}, ['/etc/apache2/apache2.conf', '/etc/apache2/httpd.conf'], undefined],
  ])('%s %j', (line, place, mains, root) => {
    const command = readApacheCommand(parseExecStart(line), place);
    expect(command.mains.slice(0, mains.length)).toEqual(mains);
    expect(command.serverRoot).toBe(root);
  });

  it('knows -D, -C and -c', () => {
    expect(readApacheCommand(['httpd', '-D', 'SSL', '-DX', '-C', 'Listen 81', '-c', 'Timeout 5'], {})).toMatchObject({
      defines: ['SSL', 'X'],
      before: ['Listen 81'],
      after: ['Timeout 5'],
    });
  });

  it('takes any text in linear time', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('<', '>', '/', '\\', '"', "'", '$', ' ', '{', '}', '\n', '\t', 'A', 'Listen', '=', ':'), maxLength: 400 }),
        text => {
          parseApacheConf(text);
          parseApacheVariables(text);
        },
      ),
    );
    const before = performance.now();
    for (const unit of ['<', '\\\n', '${', '"', 'a\\', ': ${A:=', ' ']) {
      parseApacheConf(unit.repeat(400_000));
      parseApacheVariables(unit.repeat(400_000));
    }
    expect(performance.now() - before).toBeLessThan(4000);
  });
});
