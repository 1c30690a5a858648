import { describe, expect, it } from 'vitest';
import { configOfDump } from '../parsers/nginx-conf-files.ts';
import { headersOf } from './passes.ts';
import { inForce, isUnset, settingOf, type Scope } from './scopes.ts';
import { viewOf, type LintView } from './view.ts';

function view(files: string | Readonly<Record<string, string>>, unread: readonly string[] = []): LintView {
  const all = typeof files === 'string' ? { '/etc/nginx/nginx.conf': files } : files;
  const config = configOfDump('lint', '/etc/nginx/nginx.conf', '', new Map(Object.entries(all)));
  return viewOf({ ...config, unread: unread.map(path => ({ path, why: 'permission denied' })) }, { version: '1.28.0' });
}

/** The block whose first word behind its name is this: `location /a`. */
function scopeOf(of: LintView, name: string): Scope {
  const found = of.scopes.find(scope => `${scope.kind} ${scope.directive?.args[0]?.value ?? ''}`.trim() === name);
  if (found === undefined) throw new Error(`no ${name}`);
  return found;
}

describe('inheritance', () => {
  it('takes headers of the innermost block that has any, and never adds those further out', () => {
    const { passes } = view(`http {
      proxy_set_header Host $host;
      server {
        proxy_set_header X-Real-IP $remote_addr;
        location /a { proxy_pass http://127.0.0.1:1; }
        location /b { proxy_set_header X-Only b; proxy_pass http://127.0.0.1:1; }
        location /c { location /c/d { proxy_pass http://127.0.0.1:1; } }
      }
      server { location / { proxy_pass http://127.0.0.1:1; } }
    }`);
    expect(passes.map(pass => headersOf(pass).directives.map(one => one.args[0]?.value))).toEqual([['X-Real-IP'], ['X-Only'], ['X-Real-IP'], ['Host']]);
  });

  it('takes the last of a setting, and the default of the version where there is none', () => {
    const { passes } = view(`http { proxy_read_timeout 5s; server {
      location /a { proxy_read_timeout 90; proxy_pass http://127.0.0.1:1; }
      location /b { proxy_pass http://127.0.0.1:1; }
      location /c { fastcgi_pass 127.0.0.1:1; }
    } }`);
    expect(passes.map(pass => pass.setting('read_timeout').ms)).toEqual([90_000, 5000, 60_000]);
    expect(passes.map(pass => pass.setting('read_timeout').at?.line)).toEqual([2, 1, undefined]);
    expect(passes[0]?.setting('http_version').args).toEqual(['1.0']);
  });

  it('gives a file that is included twice two surroundings', () => {
    const of = view({
      '/etc/nginx/nginx.conf': 'http { server { resolver 192.0.2.1; include app.conf; } server { include app.conf; } }',
      '/etc/nginx/app.conf': 'location / { proxy_pass http://$host; }',
    });
    expect(of.passes.map(pass => settingOf(pass.scope, 'resolver')?.args ?? [])).toEqual([['192.0.2.1'], []]);
    expect(of.passes.map(pass => pass.directive.path)).toEqual(['/etc/nginx/app.conf', '/etc/nginx/app.conf']);
  });

  it('walks into conditions, limits and named locations', () => {
    const { passes } = view(`http { server {
      location / { if ($x) { proxy_pass http://127.0.0.1:1; } limit_except GET { proxy_pass http://127.0.0.1:2; } }
      location @app { proxy_pass http://127.0.0.1:3; }
    } }`);
    expect(passes.map(pass => [pass.scope.kind, pass.targets[0]?.authority])).toEqual([
      ['if', '127.0.0.1:1'],
      ['limit_except', '127.0.0.1:2'],
      ['location', '127.0.0.1:3'],
    ]);
  });

  it('keeps the groups of stream apart from those of http', () => {
    const { passes } = view(`stream { upstream a { server 192.0.2.1:1; } server { listen 1; proxy_pass a; } }
      http { upstream a { server 192.0.2.2:2; } server { location / { proxy_pass http://a; } } }`);
    expect(passes.map(pass => [pass.kind, pass.targets[0]?.members[0]?.address.text])).toEqual([
      ['stream', '192.0.2.1:1'],
      ['proxy', '192.0.2.2:2'],
    ]);
  });
});

describe('variables of a target', () => {
  it.each([
    ['set', 'http { server { set $b app; location / { proxy_pass http://$b; } } upstream app { server 192.0.2.1:1; } }', ['192.0.2.1:1']],
    [
      'map',
      'http { map $uri $b { default one; ~x two; } upstream one { server 192.0.2.1:1; } upstream two { server 192.0.2.2:2; } server { location / { proxy_pass http://$b; } } }',
      ['192.0.2.1:1', '192.0.2.2:2'],
    ],
    [
      'geo and split_clients',
      'http { split_clients $uri $b { 50% 192.0.2.1:1; * 192.0.2.2:2; } server { location / { proxy_pass http://$b; } } }',
      ['192.0.2.1:1', '192.0.2.2:2'],
    ],
    ['one of which nothing is known', 'http { server { location / { proxy_pass http://$upstream; } } }', []],
    ['the path alone', 'http { server { location / { proxy_pass http://192.0.2.1:1$request_uri; } } }', ['192.0.2.1:1']],
  ])('%s', (_, text, addresses) => {
    const [pass] = view(text).passes;
    expect(pass?.targets.flatMap(target => target.members.map(member => member.address.text))).toEqual(addresses);
  });
});

describe('what was not read', () => {
  const files = {
    '/etc/nginx/nginx.conf':
      'http { include secret.conf; proxy_read_timeout 1s; server { location /a { include fastcgi_params; fastcgi_pass 127.0.0.1:1; } } }',
  };
  const of = view(files, ['/etc/nginx/secret.conf', '/etc/nginx/fastcgi_params']);

  it('may hold what is not written', () => {
    expect(isUnset(scopeOf(of, 'location /a'), 'resolver')).toBe(false);
    expect(inForce(scopeOf(of, 'location /a'), 'proxy_read_timeout')).toMatchObject({ isSure: false });
    expect(isUnset(scopeOf(view('http { server { location /a { root /; } } }'), 'location /a'), 'resolver')).toBe(true);
  });

  it('holds parameters alone where its name says so', () => {
    const only = view(
      { '/etc/nginx/nginx.conf': 'http { include mime.types; server { location /a { include fastcgi_params; fastcgi_pass 127.0.0.1:1; } } }' },
      ['/etc/nginx/mime.types', '/etc/nginx/fastcgi_params'],
    );
    expect(isUnset(scopeOf(only, 'location /a'), 'resolver')).toBe(true);
    expect(isUnset(scopeOf(only, 'location /a'), 'fastcgi_param')).toBe(false);
  });
});
