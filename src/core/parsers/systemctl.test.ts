import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { execCommand, parseListUnits, parseSystemctlShow, parseSystemdTime } from './systemctl.ts';

const sample = (name: string): string => readFileSync(new URL(`./systemctl.fixtures/${name}`, import.meta.url), 'utf8');

it('lists units with their states', () => {
  const units = parseListUnits(sample('list-units-systemd-252.txt'));
  expect(units).toContainEqual({ name: 'nginx.service', load: 'loaded', active: 'active', sub: 'running' });
  expect(units).toContainEqual({ name: 'auditd.service', load: 'not-found', active: 'inactive', sub: 'dead' });
  expect(parseListUnits('● x.service loaded failed failed X\n')).toEqual([{ name: 'x.service', load: 'loaded', active: 'failed', sub: 'failed' }]);
});

it('reads the properties of each unit', () => {
  const units = parseSystemctlShow(sample('show-systemd-252.txt'));
  expect(units.map(unit => unit.get('Id')?.[0])).toEqual([
    'loop.service',
    'broken.service',
    'stopped.service',
    'php8.2-fpm.service',
    'nosuch.service',
    'nginx.service',
  ]);
  expect(units[0]?.get('Restart')).toEqual(['always']);
  expect(execCommand(units[2]?.get('ExecStart')?.[0] ?? '')).toBe('/usr/bin/python3 -m http.server 8123');
});

it('keeps every value of a property that comes more than once', () => {
  expect(parseSystemctlShow('Id=a\nEnvironmentFiles=/x (ignore_errors=no)\nEnvironmentFiles=/y=z\n\n\nId=b\n').map(unit => [...unit])).toEqual([
    [
      ['Id', ['a']],
      ['EnvironmentFiles', ['/x (ignore_errors=no)', '/y=z']],
    ],
    [['Id', ['b']]],
  ]);
});

it.each([
  ['@1795246204', 1_795_246_204_000],
  ['Sat 2026-11-21 07:30:04 UTC', 1_795_246_204_000],
  ['Sat 2026-11-21 09:30:04 EET', 1_795_246_204_000],
  ['n/a', undefined],
  ['', undefined],
  ['Sat 2026-99-21 07:30:04 UTC', undefined],
])('%s', (text, ms) => {
  expect(parseSystemdTime(text, 120)).toBe(ms);
});

it('never throws', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), text => {
      parseListUnits(text);
      parseSystemctlShow(text);
      execCommand(text);
      parseSystemdTime(text, 0);
    }),
  );
});
