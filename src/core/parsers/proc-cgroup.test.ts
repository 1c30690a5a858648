import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { parseProcCgroup, unitOfCgroup } from './proc-cgroup.ts';

it('finds the unit in a hybrid hierarchy', () => {
  const text = readFileSync(new URL('./proc-cgroup.fixtures/hybrid-systemd-252.txt', import.meta.url), 'utf8');
  expect(parseProcCgroup(text)).toEqual({ path: '/system.slice/nginx.service', unit: 'nginx.service' });
});

it.each([
  ['0::/user.slice/user-1000.slice/user@1000.service/app.slice/api.service', 'api.service'],
  ['0::/user.slice/user-1000.slice/session-3.scope', 'session-3.scope'],
  ['0::/system.slice/docker-0123abc.scope', 'docker-0123abc.scope'],
  ['0::/machine.slice/outer.service/payload/system.slice/php8.2-fpm.service', 'php8.2-fpm.service'],
  ['1:name=systemd:/system.slice/system-gunicorn.slice/gunicorn@shop.service', 'gunicorn@shop.service'],
  ['4:memory:/docker/0123abc\n1:name=systemd:/docker/0123abc', undefined],
  ['0::/init.scope', 'init.scope'],
  ['0::/../..', undefined],
])('%s is of %s', (text, unit) => {
  expect(parseProcCgroup(text).unit).toBe(unit);
});

it('keeps the deepest path where no unit is named', () => {
  expect(parseProcCgroup('2:cpu:/\n1:memory:/docker/abc\n').path).toBe('/docker/abc');
  expect(parseProcCgroup('rubbish')).toEqual({});
  expect(unitOfCgroup('/.service')).toBeUndefined();
});
