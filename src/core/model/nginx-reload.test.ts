import { describe, expect, it } from 'vitest';
import { known } from './fact.ts';
import type { Facts } from './facts.ts';
import type { FixStep } from './finding.ts';
import { takenUp } from './nginx-reload.ts';

const instance = (id: string, more: object) => ({
  id,
  binary: `/opt/${id}/nginx`,
  prefix: '/opt',
  configPath: `/opt/${id}.conf`,
  globalDirectives: '',
  running: true,
  ...more,
});
const facts = {
  'nginx-instances': known([instance('shop', { masterPid: 7, unit: 'nginx.service' }), instance('other', { masterPid: 9, unit: 'proxy.service' })]),
  'nginx-config': known([
    { instanceId: 'shop', files: [{ path: '/etc/a' }, { path: '/etc/both' }] },
    { instanceId: 'other', files: [{ path: '/etc/b' }, { path: '/etc/both' }] },
  ]),
} as unknown as Facts;
const edit = (path: string): FixStep => ({ kind: 'edit', path, before: 'x', after: 'y', diff: '' });

describe('edits of nginx’s files', () => {
  it.each([
    ['/etc/a', [['systemctl', 'reload', 'nginx.service']], ['/opt/shop/nginx']],
    ['/etc/b', [['kill', '-HUP', '9']], ['/opt/other/nginx']],
    [
      '/etc/both',
      [
        ['systemctl', 'reload', 'nginx.service'],
        ['kill', '-HUP', '9'],
      ],
      ['/opt/shop/nginx', '/opt/other/nginx'],
    ],
    ['/etc/unknown', [['systemctl', 'reload', 'nginx.service']], ['nginx']],
  ])('%s is tested and taken up by whoever reads it', (path, reloads, tests) => {
    const { steps, validate } = takenUp(facts, [edit(path)]);
    expect(steps.flatMap(step => (step.kind === 'command' ? [step.argv] : []))).toEqual(reloads);
    expect(validate.map(([binary]) => binary)).toEqual(tests);
  });
});
