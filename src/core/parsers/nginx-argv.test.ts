import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isNginxBinary, parseNginxArgv, parseNginxCommandLine, parseNginxTitle } from './nginx-argv.ts';

describe('parseNginxTitle', () => {
  it.each([
    ['nginx: master process /usr/sbin/nginx -g daemon on; master_process on;', 'master', '/usr/sbin/nginx -g daemon on; master_process on;'],
    ['nginx: worker process', 'worker', ''],
    ['nginx: worker process is shutting down', 'old-worker', ''],
    ['nginx: cache manager process', 'helper', ''],
    ['nginx: privileged agent process', 'helper', ''],
    ['angie: master process v1.8.1 #1 [/usr/sbin/angie -c /etc/angie/angie.conf]', 'master', '/usr/sbin/angie -c /etc/angie/angie.conf'],
    ['angie: worker process #1', 'worker', ''],
  ])('%s', (title, role, command) => {
    expect(parseNginxTitle(title)).toEqual({ role, command });
  });

  it.each(['php-fpm: master process (/etc/php/8.2/fpm/php-fpm.conf)', 'nginx', 'tail -f nginx: master process', ''])('is none: %s', title => {
    expect(parseNginxTitle(title)).toBeUndefined();
  });
});

describe('parseNginxCommandLine', () => {
  it.each([
    ['nginx', { binary: 'nginx' }],
    ['/usr/sbin/nginx -g daemon on; master_process on;', { binary: '/usr/sbin/nginx', globals: 'daemon on; master_process on;' }],
    ['/usr/sbin/nginx -c /etc/a.conf -g daemon off;', { binary: '/usr/sbin/nginx', config: '/etc/a.conf', globals: 'daemon off;' }],
    ['nginx -g daemon off; -c conf/a.conf -p /srv/x/', { binary: 'nginx', globals: 'daemon off;', config: 'conf/a.conf', prefix: '/srv/x/' }],
    ['nginx -g env A; pid /run/-c.pid; -c /x', { binary: 'nginx', globals: 'env A; pid /run/-c.pid;', config: '/x' }],
    ['nginx -g error_log /x -c; -e stderr', { binary: 'nginx', globals: 'error_log /x -c;' }],
    ['/opt/my nginx/nginx -c /srv/my conf/a.conf', { binary: '/opt/my nginx/nginx', config: '/srv/my conf/a.conf' }],
    ['nginx -c/etc/b.conf', { binary: 'nginx', config: '/etc/b.conf' }],
    ['', { binary: '' }],
  ])('%s', (line, expected) => {
    expect(parseNginxCommandLine(line)).toEqual({ isOneShot: false, ...expected });
  });

  it('never throws', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('-g', '-c', '-p', '-tc', '-', '/x', 'a;', '-s', '[', ' ')), words => {
        expect(typeof parseNginxCommandLine(words.join(' ')).binary).toBe('string');
      }),
    );
  });
});

describe('parseNginxArgv', () => {
  it('keeps what the shell held together', () => {
    expect(parseNginxArgv(['nginx', '-g', 'daemon off; master_process off;', '-c', '/a b.conf'])).toEqual({
      binary: 'nginx',
      globals: 'daemon off; master_process off;',
      config: '/a b.conf',
      isOneShot: false,
    });
  });

  it.each([['-t'], ['-tq'], ['-qtc', '/x'], ['-s', 'reload'], ['-V'], ['-T']])('knows that %s ends by itself', (...options) => {
    expect(parseNginxArgv(['nginx', ...options]).isOneShot).toBe(true);
  });

  it('does not take a value for an option', () => {
    expect(parseNginxArgv(['nginx', '-c', '-t'])).toEqual({ binary: 'nginx', config: '-t', isOneShot: false });
  });
});

describe('isNginxBinary', () => {
  it.each(['/usr/sbin/nginx', 'nginx', '/usr/sbin/nginx-debug', '/usr/local/openresty/bin/openresty', '/usr/sbin/angie', '/opt/nginx/sbin/nginx.old'])(
    '%s',
    path => {
      expect(isNginxBinary(path)).toBe(true);
    },
  );

  it.each(['/usr/bin/nginx-prometheus-exporter', '/usr/bin/certbot', '/usr/sbin/nginx/tool', 'nginx-ingress-controller', ''])('not %s', path => {
    expect(isNginxBinary(path)).toBe(false);
  });
});
