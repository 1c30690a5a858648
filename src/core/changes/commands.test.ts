import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isKnownCommand, isReload, isTest, mayFail, onlyReloadsNginx, pidsOf } from './commands.ts';

describe('a command of a change', () => {
  it.each([
    'systemctl restart php8.2-fpm.service',
    'systemctl reload nginx',
    'systemctl start app@blue.service',
    String.raw`systemctl start dev-disk-by\x2duuid.service`,
    'systemctl daemon-reload',
    'systemctl kill -s CONT orders.service',
    'kill -HUP 1',
    'kill -USR2 4711',
    'kill -s CONT 12 13',
    'kill -s QUIT 12 13',
    'kill -QUIT 12',
    'sysctl -w net.core.somaxconn=4096',
    'chown www-data:www-data /run/php/shop.sock',
    'chmod 0660 /run/php/shop.sock',
    'chmod o+x /var/lib/nginx',
    'ps -o pid,ppid,stat,wchan:32,time,args -p 12,13',
    'nginx -t',
    '/opt/openresty/nginx/sbin/nginx -t -p /opt/ -c /opt/nginx.conf -g user;',
    '/usr/sbin/nginx -s reload',
    '/usr/sbin/php-fpm8.2 -t -y /etc/php/8.2/fpm/php-fpm.conf',
    'apachectl -t',
    'systemd-analyze verify --man=no app.service',
    'supervisorctl restart shop:web',
    'env PM2_HOME=/home/deploy/.pm2 pm2 start api',
    'runuser -u deploy -- env PM2_HOME=/home/deploy/.pm2 pm2 restart api',
    'setsebool -P httpd_can_network_connect on',
  ])('is known: %s', line => {
    expect(isKnownCommand(line.split(' '))).toBe(true);
  });

  it('may name sysctl values with a blank', () => {
    expect(isKnownCommand(['sysctl', '-w', 'net.ipv4.ip_local_port_range=10240 65535'])).toBe(true);
  });

  it.each([
    'rm -rf /',
    'sh -c reboot',
    'systemctl mask nginx',
    'systemctl restart --force',
    'systemctl restart a b',
    'systemctl kill -s KILL a.service',
    'kill -KILL 1',
    'kill -s TERM 12',
    'kill -s QUIT',
    'kill -s QUIT -12',
    'kill -HUP -1',
    'kill -HUP 0',
    'kill -HUP',
    'sysctl -w kernel.core_pattern=|/tmp/x',
    'sysctl -p /tmp/x',
    'chown root:root ../etc/shadow',
    'chown root /etc/../x',
    'chmod 4755 relative',
    'chmod a=rwx,u+s /bin/sh',
    'env PM2_HOME=/x LD_PRELOAD=/x pm2 start api',
    'env PM2_HOME=/x pm2 delete all',
    'runuser -u root -- sh -c x',
    'setenforce 0',
    'setsebool -P a=on b=on',
    'nginx -s stop',
    'nginx',
    '/tmp/../usr/sbin/nginx -t',
    './nginx -t',
    'systemd-analyze cat-config x',
    'iptables -F',
    'constructor x',
    '',
  ])('is refused: %s', line => {
    expect(isKnownCommand(line.split(' '))).toBe(false);
  });

  it('only looks where it is a test', () => {
    expect(isTest(['nginx', '-t'])).toBe(true);
    expect(isTest(['nginx', '-s', 'reload'])).toBe(false);
    expect(isTest(['nginx', '-t', '-s', 'stop'])).toBe(false);
    expect(isTest(['systemctl', 'restart', 'a'])).toBe(false);
  });

  it('is its own undo where it takes the files up', () => {
    expect(isReload(['systemctl', 'reload', 'nginx'])).toBe(true);
    expect(isReload(['kill', '-HUP', '7'])).toBe(true);
    expect(isReload(['systemctl', 'start', 'x'])).toBe(false);
    expect(pidsOf(['kill', '-s', 'CONT', '7', '8'])).toEqual([7, 8]);
    expect(pidsOf(['systemctl', 'reload', '7'])).toEqual([]);
  });

  it.each([
    ['ps -o pid -p 12', true],
    ['kill -s QUIT 12', true],
    ['kill -QUIT 12', true],
    ['kill -s HUP 12', false],
    ['systemctl kill -s QUIT x.service', false],
    ['systemctl restart x.service', false],
  ])('may fail or not: %s', (line, may) => {
    expect(mayFail(line.split(' '))).toBe(may);
  });

  it.each([
    ['a reload of nginx', ['systemctl reload nginx.service'], ['/usr/sbin/nginx -t -p /'], true],
    ['its master and old workers', ['kill -HUP 7', 'kill -s QUIT 8 9'], ['/opt/openresty/bin/openresty -t'], true],
    ['a restart', ['systemctl daemon-reload', 'systemctl restart nginx.service'], ['nginx -t'], false],
    ['a master that starts its workers anew', ['kill -HUP 7'], [], false],
    ['php-fpm', ['systemctl reload php8.2-fpm.service'], ['/usr/sbin/php-fpm8.2 -t'], false],
    ['php-fpm and nginx', ['systemctl reload php8.2-fpm.service', 'systemctl reload nginx'], ['php-fpm8.2 -t', 'nginx -t'], false],
    ['nothing', [], ['nginx -t'], false],
  ])('has its effect at once or not: %s', (_name, commands, validate, is) => {
    const steps = commands.map(line => ({ kind: 'command', argv: line.split(' '), disruptive: false, why: '' }) as const);
    expect(onlyReloadsNginx({ steps, validate: validate.map(line => line.split(' ')) })).toBe(is);
  });

  it('is judged whatever it is', () => {
    fc.assert(fc.property(fc.array(fc.string()), words => typeof isKnownCommand(words) === 'boolean' && typeof isTest(words) === 'boolean'));
  });
});
