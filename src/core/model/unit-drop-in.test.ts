import { expect, it } from 'vitest';
import { dropInSteps } from './unit-drop-in.ts';

const pathFor = (...dropIns: readonly string[]): string => {
  const [edit] = dropInSteps({ name: 'shop.service', dropIns }, 'workers', ['ExecStart=', 'ExecStart=/srv/shop --workers 6']);
  return edit?.kind === 'edit' ? edit.path : '';
};
const folder = '/etc/systemd/system/shop.service.d';

it('writes a file of its own, and systemd reads it', () => {
  const reload = ['systemctl', 'daemon-reload'];
  expect(dropInSteps({ name: 'shop.service', dropIns: [] }, 'workers', ['ExecStart=', 'ExecStart=/srv/shop --workers 6'])).toMatchObject([
    { kind: 'edit', path: `${folder}/badhop-workers.conf`, before: '', after: '[Service]\nExecStart=\nExecStart=/srv/shop --workers 6\n' },
    { kind: 'command', argv: reload, undo: reload, disruptive: false },
  ]);
});

it.each([
  ['comes first in the order', [`${folder}/10-limits.conf`, `${folder}/Limits.conf`], 'badhop-workers.conf'],
  ['is what systemctl edit makes', [`${folder}/override.conf`], 'z-badhop-workers.conf'],
  ['is of a package, in another folder', ['/usr/lib/systemd/system/service.d/zz-vendor.conf'], 'zzz-badhop-workers.conf'],
  ['is of badhop too, and of another setting', [`${folder}/badhop-workers2.conf`, `${folder}/z-badhop-timeout.conf`], 'z-badhop-workers.conf'],
  ['is this very one', [`${folder}/badhop-workers.conf`], 'badhop-workers.conf'],
  ['is this very one behind another', [`${folder}/override.conf`, `${folder}/z-badhop-workers.conf`], 'z-badhop-workers.conf'],
])('is the last to be read where the one that is there %s', (_name, dropIns, file) => {
  expect(pathFor(...dropIns)).toBe(`${folder}/${file}`);
});
