import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseSupervisordConfig } from './supervisord-config.ts';

it("reads Debian's file", () => {
  const text = readFileSync(new URL('supervisord-config.fixtures/supervisor-4.2.5-debian.txt', import.meta.url), 'utf8');
  expect(parseSupervisordConfig(text)).toMatchObject({
    programs: [],
    include: ['/etc/supervisor/conf.d/*.conf'],
    logFile: '/var/log/supervisor/supervisord.log',
    childLogFolder: '/var/log/supervisor',
    serverUrl: 'unix:///var/run/supervisor.sock',
  });
});

it('reads programs and groups, without their environment', () => {
  const text = `; comment
[program:web]
command = /usr/bin/gunicorn
    -b 127.0.0.1:8101 ; where nginx asks
    shop:app
environment=SECRET="hunter2",PORT="8101"
stdout_logfile=/var/log/web.log
redirect_stderr=true
numprocs=2
#[program:old]
[fcgi-program:php]
command=/usr/bin/php-cgi
socket=unix:///run/php.sock
[group:shop]
programs=web, php
`;
  const config = parseSupervisordConfig(text);
  expect(config.programs).toEqual([
    {
      name: 'web',
      line: 2,
      many: true,
      command: '/usr/bin/gunicorn -b 127.0.0.1:8101 shop:app',
      port: 8101,
      stderrLog: '/var/log/web.log',
      stdoutLog: '/var/log/web.log',
    },
    { name: 'php', line: 11, many: false, command: '/usr/bin/php-cgi', socket: 'unix:///run/php.sock' },
  ]);
  expect(JSON.stringify(config)).not.toContain('hunter2');
  expect([...config.groups]).toEqual([
    ['web', 'shop'],
    ['php', 'shop'],
  ]);
});

it('never throws, and is linear', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary' }), text => parseSupervisordConfig(`[program:x]\n${text}`).programs.length >= 0));
  const before = performance.now();
  parseSupervisordConfig(`[program:x]\ncommand=a\n${' b\n'.repeat(200_000)}`);
  expect(performance.now() - before).toBeLessThan(5000);
});
