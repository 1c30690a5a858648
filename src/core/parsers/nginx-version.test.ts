import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseNginxVersion, underPrefix } from './nginx-version.ts';

describe('parseNginxVersion', () => {
  it("reads Debian's", () => {
    const text = readFileSync(new URL('./nginx-version.fixtures/nginx-1.22.1-debian.txt', import.meta.url), 'utf8');
    const version = parseNginxVersion(text);
    expect(version).toMatchObject({
      flavour: 'nginx',
      version: '1.22.1',
      prefix: '/usr/share/nginx',
      confPath: '/etc/nginx/nginx.conf',
      pidPath: '/run/nginx.pid',
      errorLogPath: 'stderr',
      httpLogPath: '/var/log/nginx/access.log',
    });
    expect(version?.options.get('with-cc-opt')).toContain('-fstack-protector-strong -Wformat');
    expect(version?.options.has('with-http_ssl_module')).toBe(true);
    expect(version?.configureArguments.startsWith("--with-cc-opt='-g")).toBe(true);
  });

  it.each([
    [
      'nginx version: openresty/1.25.3.1\nconfigure arguments: --prefix=/usr/local/openresty/nginx\n',
      'openresty',
      '1.25.3',
      '/usr/local/openresty/nginx/conf/nginx.conf',
    ],
    ['Tengine version: Tengine/3.1.0\nnginx version: nginx/1.24.0\n', 'tengine', '1.24.0', '/usr/local/nginx/conf/nginx.conf'],
    ['nginx version: freenginx/1.27.4\n', 'freenginx', '1.27.4', '/usr/local/nginx/conf/nginx.conf'],
    ['nginx version: nginx/1.24.0 (Ubuntu)\n', 'nginx', '1.24.0', '/usr/local/nginx/conf/nginx.conf'],
    ['nginx version: nginx/1.25.3 (nginx-plus-r31)\r\n', 'nginx', '1.25.3', '/usr/local/nginx/conf/nginx.conf'],
  ])('%j', (text, flavour, version, confPath) => {
    expect(parseNginxVersion(text)).toMatchObject({ flavour, version, confPath });
  });

  it.each(['', 'Server version: Apache/2.4', 'nginx: invalid option: "V"'])('is none: %j', text => {
    expect(parseNginxVersion(text)).toBeUndefined();
  });

  it('never throws', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), text => {
        expect(() => parseNginxVersion(`nginx version: nginx/1.2.3\nconfigure arguments: ${text}`)).not.toThrow();
      }),
    );
  });
});

describe('underPrefix', () => {
  it.each([
    ['conf/nginx.conf', '/usr/local/nginx/', '/usr/local/nginx/conf/nginx.conf'],
    ['/etc/nginx.conf', '/usr/local/nginx', '/etc/nginx.conf'],
    ['stderr', '/usr', 'stderr'],
  ])('%s', (path, prefix, full) => {
    expect(underPrefix(path, prefix)).toBe(full);
  });
});
