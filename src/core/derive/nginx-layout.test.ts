import { expect, test } from 'vitest';
import { known } from '../model/fact.ts';
import type { NginxLayout } from '../model/facts/topology.ts';
import { parseNginxConf } from '../parsers/nginx-conf.ts';
import type { CollectContext } from '../model/collector.ts';
import layout from './nginx-layout.ts';

const context = { sinceMs: 0, nowMs: 0, clock: { nowMs: 0, zone: 'UTC', offsetMinutes: 0 }, probing: true } satisfies CollectContext;

function layoutOf(text: string, version = '1.22.1'): NginxLayout {
  const { directives } = parseNginxConf(text, '/etc/nginx/nginx.conf');
  const config = { instanceId: 'nginx', mainPath: '/etc/nginx/nginx.conf', files: [], directives, problems: [], unread: [] };
  const instance = {
    id: 'nginx',
    running: true,
    binary: '/usr/sbin/nginx',
    prefix: '/usr/share/nginx',
    configPath: config.mainPath,
    globalDirectives: '',
    version,
    flavour: 'nginx',
    configureArguments: '--error-log-path=/var/log/nginx/error.log --http-log-path=/var/log/nginx/access.log',
    workers: [],
  };
  const fact = layout.derive({ 'nginx-config': known([config]), 'nginx-config-dump': known([]), 'nginx-instances': known([instance]) }, context);
  if (fact.state !== 'known') throw new Error(fact.why);
  return fact.value;
}

test('a directive in force is found in the innermost block that has one, with its line', () => {
  const { routes } = layoutOf(`http {
  proxy_read_timeout 30s;
  server {
    location / { proxy_pass http://127.0.0.1:8080; }
    location /slow/ { proxy_read_timeout 1m30s; proxy_pass http://127.0.0.1:8080; }
  }
}`);
  expect(routes.map(route => [route.location, route.settings['read_timeout']?.ms, route.settings['read_timeout']?.origin])).toEqual([
    ['location /', 30_000, { kind: 'file', path: '/etc/nginx/nginx.conf', line: 2 }],
    ['location /slow/', 90_000, { kind: 'file', path: '/etc/nginx/nginx.conf', line: 5 }],
  ]);
});

test('defaults are those of the version that runs', () => {
  const text = 'http { server { location / { proxy_pass http://127.0.0.1:8080; } } }';
  const http = (version: string): unknown => layoutOf(text, version).routes[0]?.settings['http_version'];
  expect(http('1.22.1')).toMatchObject({ args: ['1.0'], origin: { kind: 'default', version: '1.22.1' } });
  expect(http('1.29.7')).toMatchObject({ args: ['1.1'] });
});

test('a pass to a group, to an address and to a socket each get their members', () => {
  const { groups, routes } = layoutOf(`http {
  upstream app { server 10.1.1.1:9000 max_fails=3 fail_timeout=1m; server unix:/run/a.sock backup; server app.example down; keepalive 8; }
  server {
    location /a { proxy_pass http://app/; }
    location /b { proxy_pass https://[::1]; }
    location ~ \\.php$ { fastcgi_pass unix:/run/php/php.sock; }
    location /u { proxy_pass http://unix:/run/u.sock:/x; }
  }
}`);
  expect(groups.map(group => [group.name, group.members.map(member => member.host ?? member.path), group.members.map(member => member.port)])).toEqual([
    ['app', ['10.1.1.1', '/run/a.sock', 'app.example'], [9000, undefined, 80]],
    ['[::1]', ['::1'], [443]],
    ['unix:/run/php/php.sock', ['/run/php/php.sock'], [undefined]],
    ['unix:/run/u.sock', ['/run/u.sock'], [undefined]],
  ]);
  expect(groups[0]?.members.map(member => member.flags)).toMatchObject([{ maxFails: 3, failTimeoutMs: 60_000 }, { backup: true }, { down: true }]);
  expect(routes.every(route => route.groupId !== undefined)).toBe(true);
  expect(routes[2]).toMatchObject({ pass: 'fastcgi', samplePath: '/index.php' });
});

test('a target of variables is followed through set and map, and stays open where nothing is known', () => {
  const { routes, hostNames } = layoutOf(`http {
  map $host $pool { default 127.0.0.1:8001; a.example 127.0.0.1:8002; }
  server {
    location /set { set $b "api.internal:8080"; proxy_pass http://$b; }
    location /map { proxy_pass http://$pool; }
    location /any { proxy_pass http://$arg_to; }
  }
}`);
  expect(routes.map(route => [route.location, route.hostName, route.groupId, route.variables])).toEqual([
    ['location /set', 'api.internal', 'nginx address api.internal:8080', ['b']],
    ['location /map', undefined, 'nginx address 127.0.0.1:8001', ['pool']],
    ['location /map', undefined, 'nginx address 127.0.0.1:8002', ['pool']],
    ['location /any', undefined, undefined, ['arg_to']],
  ]);
  expect(hostNames).toContain('api.internal');
});

test('logs are those in force: compiled in, replaced, switched off, or of a location', () => {
  const { servers, mainErrorLogs } = layoutOf(`error_log /var/log/main.log warn;
http {
  log_format up escape=json '{"s":"$status",' '"u":"$upstream_addr"}';
  server { listen 8080 ssl; server_name a.example b.example; access_log off; location /x { access_log logs/x.log up; } }
  server { listen unix:/run/n.sock; error_log /var/log/b.log; }
}`);
  expect(servers.map(server => server.accessLogs.map(log => [log.path, log.format]))).toEqual([
    [['/usr/share/nginx/logs/x.log', 'up']],
    [['/var/log/nginx/access.log', 'combined']],
  ]);
  expect(servers.map(server => server.errorLogs.map(log => log.path))).toEqual([['/var/log/main.log'], ['/var/log/b.log']]);
  expect(servers[0]?.listens[0]).toMatchObject({ address: { kind: 'tcp', host: '0.0.0.0', port: 8080 }, tls: true });
  expect(mainErrorLogs.map(log => log.path)).toEqual(['/var/log/main.log']);
});

test('a location may log its errors elsewhere than its server', () => {
  const { servers } = layoutOf(`http {
  error_log /var/log/nginx/error.log;
  server {
    error_log /var/log/nginx/shop.log warn;
    location / { location /api/ { error_log logs/api.log info; proxy_pass http://127.0.0.1:8080; } }
  }
  server { listen 81; location / { return 204; } }
}`);
  expect(servers.map(server => [server.errorLogs.map(log => log.path), server.locationErrorLogs?.map(log => [log.path, log.level])])).toEqual([
    [['/var/log/nginx/shop.log'], [['/usr/share/nginx/logs/api.log', 'info']]],
    [['/var/log/nginx/error.log'], undefined],
  ]);
});
