import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseNginxTest } from './nginx-test.ts';

function sample(name: string): string {
  return readFileSync(new URL(`./nginx-test.fixtures/nginx-1.22.1-${name}.txt`, import.meta.url), 'utf8');
}

describe('parseNginxTest', () => {
  it.each([
    ['unknown', { text: 'unknown directive "foo"', path: '/srv/badhop-sample/unknown.conf', line: 2 }],
    ['prefixed', { text: 'unknown directive "foo"', path: '/srv/badhop-sample/unknown.conf', line: 2 }],
    ['port', { text: 'invalid port in upstream "127.0.0.1:99999"', path: '/srv/badhop-sample/port.conf', line: 2 }],
    ['include', { text: 'open() "/srv/badhop-sample/none.conf" failed (2: No such file or directory)', path: '/srv/badhop-sample/include.conf', line: 2 }],
  ])('reads what is wrong and where: %s', (name, error) => {
    expect(parseNginxTest(sample(name))).toMatchObject({ isSuccessful: false, isRefused: false, error });
  });

  it('reads an error without a place', () => {
    const { error } = parseNginxTest(sample('cert'));
    expect(error?.text).toMatch(/^cannot load certificate "\/srv\/badhop-sample\/x.pem".*no such file\)$/u);
    expect(error).not.toHaveProperty('path');
  });

  it.each(['ok', 'warn'])('sees success: %s', name => {
    expect(parseNginxTest(sample(name))).toMatchObject({ isSuccessful: true, isRefused: false });
    expect(parseNginxTest(sample(name))).not.toHaveProperty('error');
  });

  it.each(['nobody-pid', 'nobody-key'])('tells missing rights from a broken configuration: %s', name => {
    expect(parseNginxTest(sample(name))).toMatchObject({ isSuccessful: false, isRefused: true });
  });

  it('keeps warnings as output only', () => {
    const { lines, error } = parseNginxTest(sample('nobody-pid'));
    expect(lines[0]).toContain('[warn]');
    expect(error?.text).toBe('open() "/run/nginx.pid" failed (13: Permission denied)');
  });

  it('does not take a quoted level for one', () => {
    expect(parseNginxTest('nginx: [warn] unknown "[emerg] x" in /a:1\n')).not.toHaveProperty('error');
  });

  it('never throws and keeps its bounds', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('nginx: ', '[emerg] ', ' in ', '/a', ':', '7', '\n', '1#1: ', '2026/11/21 07:34:00 ')), parts => {
        expect(parseNginxTest(parts.join('')).lines.length).toBeLessThanOrEqual(500);
      }),
    );
  });
});
