import { readdirSync, readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { redactArgv, redactBytes, redactCommandLine, redactDeep, redactText } from './redact.ts';

const secret = 'hunter2S3cr3t';

describe('secrets go', () => {
  test.each([
    [`Authorization: Bearer ${secret}`],
    [`authorization: Basic ${Buffer.from(`bob:${secret}`).toString('base64')}`],
    [`Cookie: sid=${secret}; theme=dark`],
    [`Set-Cookie: sid=${secret}; Path=/; HttpOnly`],
    [`"cookie":"sid=${secret}; a=b","status":502`],
    [`{\\"authorization\\":\\"Bearer ${secret}\\"}`],
    [`10.0.0.1 - - [x] "GET /a?page=1&token=${secret}&z=2 HTTP/1.1" 502`],
    [`request: "GET /cb?code=${secret}&state=1 HTTP/1.1", upstream: "http://127.0.0.1:8080/cb?code=${secret}"`],
    [`/x?X-Amz-Signature=${secret}&X-Amz-Credential=${secret}`],
    [`/x?access%5Ftoken=${secret}`],
    [`href="/x?a=1&amp;api_key=${secret}"`],
    [`redis://:${secret}@10.0.0.9:6379/0`],
    [`postgres://shop:p@${secret}@db:5432/shop`],
    [`DB_PASSWORD=${secret}`],
    [`password = ${secret}`],
    [`env[DB_PASSWORD] = ${secret}`],
    [`env[APP_KEY] = "base64:${secret}"`],
    [`fastcgi_param DB_PASSWORD ${secret};`],
    [`fastcgi_param  "DB_PASS"  "${secret} two words";`],
    [`proxy_set_header Authorization "Basic ${secret}";`],
    [`proxy_set_header X-Api-Key ${secret};`],
    [`set $api_key ${secret};`],
    [`RequestHeader set Authorization "Bearer ${secret}"`],
    [`http-request set-header X-Auth-Token ${secret}`],
    [`requirepass ${secret}`],
    [`stats auth admin:${secret}`],
    [`Environment=DB_HOST=db DB_PASSWORD=${secret}`],
    [`'password' => '${secret}',`],
    [`define('DB_PASSWORD', '${secret}');`],
    [`<password>${secret}</password>`],
    [`<Resource password="${secret}" username="u"/>`],
    [`mysqldump --password ${secret} shop`],
    [`--client-secret=${secret}`],
    [`SECRET_KEY_BASE: ${secret}`],
    [`got token eyJ${secret}.eyJzdWIiOiIxIn0.${secret}`],
    [`curl -H "Authorization: token ${secret}"`],
    [`PHPSESSID=${secret}`],
  ])('%s', text => {
    expect(redactText(text)).not.toContain(secret);
    expect(redactText(text)).toContain('[redacted]');
    expect(Buffer.from(redactBytes(Buffer.from(text))).toString()).not.toContain(secret);
  });

  test('keys that are known by their shape go', () => {
    const aws = 'AKIAABCDEFGHIJKLMNOP';
    expect(redactText(`id ${aws} end`)).toBe('id [redacted] end');
    expect(redactText('Basic dXNlcjpwYXNzd29yZA== x')).toBe('Basic [redacted] x');
  });

  test('a key block loses its body and keeps its lines', () => {
    const text = 'a\n-----BEGIN RSA PRIVATE KEY-----\nMIIEow+/AA==\nBBBB\n-----END RSA PRIVATE KEY-----\nb\n';
    expect(redactText(text)).toBe('a\n-----BEGIN RSA PRIVATE KEY-----\n[redacted]\n[redacted]\n-----END RSA PRIVATE KEY-----\nb\n');
    expect(redactText('-----BEGIN PRIVATE KEY-----\r\nAAAA\r\n')).toBe('-----BEGIN PRIVATE KEY-----\r\n[redacted]\r\n');
  });

  test('the value alone goes: what stands around it stays', () => {
    expect(redactText('{ fastcgi_param DB_PASSWORD abc;}')).toBe('{ fastcgi_param DB_PASSWORD [redacted];}');
    expect(redactText('GET /a?token=abc&b=1 HTTP/1.1')).toBe('GET /a?token=[redacted]&b=1 HTTP/1.1');
    expect(redactText('"password":"a b","x":1')).toBe('"password":"[redacted]","x":1');
    expect(redactText('Cookie: a=b\r\nHost: x')).toBe('Cookie: [redacted]\r\nHost: x');
  });
});

describe('what is no secret stays', () => {
  test.each([
    'location /token { proxy_pass http://token:8080/secret; }',
    'auth_basic_user_file /etc/nginx/.htpasswd;',
    'auth_basic "Basic settings";',
    'ssl_password_file /etc/nginx/pass.txt;',
    'ssl_certificate_key /etc/ssl/private/shop.key;',
    'proxy_set_header Authorization $http_authorization;',
    'proxy_set_header Cookie "$http_cookie";',
    'proxy_set_header Authorization "Bearer $token";',
    'proxy_pass_header Authorization;',
    'proxy_hide_header Set-Cookie;',
    'proxy_cookie_path / "/; secure";',
    'proxy_cache_key $scheme$host$request_uri;',
    'server_tokens off;',
    `log_format j '{"cookie":"$http_cookie","auth":"$http_authorization"}';`,
    'limit_req_zone $http_x_api_key zone=keys:10m rate=1r/s;',
    'rewrite ^/a$ /b?token=$arg_token last;',
    'fastcgi_pass unix:/run/php/php8.2-fpm.sock;',
    'Main process exited, code=killed, status=9/KILL',
    "Access to the script '/etc/passwd' has been denied",
    '/etc/passwd: Permission denied',
    "Access denied for user 'shop'@'localhost' (using password: YES)",
    'server secret:8080;',
    'connect to http://127.0.0.1:8080/reset?page=2&sort=key failed',
    'GET /session/code/key HTTP/1.1',
    'git@github.com and http://host/@user',
    'unexpected token in line 3',
    'a bearer token is missing; basic authentication is on',
    'session.cookie_secure = 1',
    'password = ',
    'PWD=/srv/app.conf',
  ])('%s', text => {
    expect(redactText(text)).toBe(text);
  });

  test('real nginx error logs lose nothing but query secrets', () => {
    const folder = new URL('../../../test/scenarios/', import.meta.url);
    for (const name of readdirSync(folder, { recursive: true }).filter(item => /\.(?:log|conf)$/.test(String(item)))) {
      const text = readFileSync(new URL(String(name), folder), 'latin1');
      expect(redactText(text).split('\n').length).toBe(text.split('\n').length);
    }
  });
});

describe('for any text', () => {
  const piece = fc.constantFrom(
    'password',
    'token',
    '=',
    ':',
    ' ',
    '"',
    "'",
    '\n',
    '\r\n',
    '?',
    '&',
    ';',
    '$x',
    '://',
    '@',
    'eyJ',
    '.',
    'Cookie',
    'Bearer ',
    'Basic ',
    '\\',
    '{',
    '(',
    '<',
    '>',
    '-----BEGIN PRIVATE KEY-----',
    '-----END PRIVATE KEY-----',
    'fastcgi_param ',
    'abc',
    '\0',
    '[redacted]',
    '*',
    '--',
    ',',
    'set ',
  );
  const text = fc.oneof(
    fc.array(piece, { maxLength: 60 }).map(parts => parts.join('')),
    fc.string({ unit: 'binary', maxLength: 200 }),
  );

  test('lines stay where they are', () => {
    fc.assert(
      fc.property(text, value => {
        expect(redactText(value).replace(/[^\r\n]/g, '')).toBe(value.replace(/[^\r\n]/g, ''));
      }),
      { numRuns: 500 },
    );
  });

  test('a second pass changes nothing', () => {
    fc.assert(
      fc.property(text, value => {
        const once = redactText(value);
        expect(redactText(once)).toBe(once);
      }),
      { numRuns: 500 },
    );
  });

  test('bytes keep their number', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), bytes => {
        expect(redactBytes(bytes).length).toBe(bytes.length);
      }),
    );
    fc.assert(
      fc.property(text, value => {
        expect(redactBytes(Buffer.from(value)).length).toBe(Buffer.byteLength(value));
      }),
    );
  });

  test.each([
    'token={',
    '?key=(',
    '?key=$a',
    '://a:',
    'eyJ.',
    'eyJ',
    'password="{\\"',
    'Cookie: ',
    '&&',
    '-----BEGIN PRIVATE KEY-----',
    'a_',
    'Basic x',
    'token \t',
    "token='",
  ])('the time is linear in %s repeated', unit => {
    const started = performance.now();
    redactText(unit.repeat(Math.ceil(400_000 / unit.length)));
    expect(performance.now() - started).toBeLessThan(1500);
  });
});

test('argv: the word behind a flag goes', () => {
  expect(redactArgv(['app', '--db-password', 'x', '--port', '80'])).toEqual(['app', '--db-password', '[redacted]', '--port', '80']);
  expect(redactArgv(['/usr/bin/mysql', '-pabc', '-u', 'root'])).toEqual(['/usr/bin/mysql', '-p[redacted]', '-u', 'root']);
  expect(redactArgv(['curl', '-u', 'a:b', 'http://h/'])).toEqual(['curl', '-u', '[redacted]', 'http://h/']);
  expect(redactArgv(['nginx', '-p', '/srv', '-c', 'x.conf'])).toEqual(['nginx', '-p', '/srv', '-c', 'x.conf']);
  expect(Buffer.from(redactCommandLine(Buffer.from('app\0--token\0abc\0'))).toString()).toBe('app\0--token\0[redacted]\0');
});

test('deep: strings, secret keys, header pairs', () => {
  expect(
    redactDeep({
      headers: [
        ['set-cookie', 'a=b'],
        ['server', 'x'],
      ],
      password: 'p',
      n: 1,
      list: ['/a?token=1'],
    }),
  ).toEqual({
    headers: [
      ['set-cookie', '[redacted]'],
      ['server', 'x'],
    ],
    password: '[redacted]',
    n: 1,
    list: ['/a?token=[redacted]'],
  });
  expect(redactDeep({ 'env[DB_PASSWORD]': { value: 'p', source: 'f:1' } })).toEqual({ 'env[DB_PASSWORD]': { value: '[redacted]', source: 'f:1' } });
});
