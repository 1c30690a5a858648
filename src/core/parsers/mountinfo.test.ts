import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { folderOfGroup, parseCgroupMounts } from './mountinfo.ts';

const hybrid = readFileSync(new URL('./mountinfo.fixtures/hybrid-linux-6.18.txt', import.meta.url), 'utf8');

it('finds the hierarchies of a hybrid host', () => {
  const mounts = parseCgroupMounts(hybrid);
  expect(mounts.find(mount => mount.controllers.includes('memory'))).toEqual({
    version: 1,
    controllers: ['memory'],
    root: '/',
    folder: '/sys/fs/cgroup/memory',
  });
  expect(mounts.filter(mount => mount.version === 2).map(mount => mount.folder)).toEqual(['/sys/fs/cgroup/unified']);
});

it('reads a container whose group is mounted, and a path with a blank', () => {
  const [mount] = parseCgroupMounts('41 32 0:28 /docker/ab\\040c /sys/fs/cgroup/memory ro,nosuid - cgroup cgroup rw,memory\n');
  expect(mount).toMatchObject({ root: '/docker/ab c' });
  if (mount === undefined) throw new Error('no mount');
  expect(folderOfGroup(mount, '/docker/ab c')).toBe('/sys/fs/cgroup/memory');
  expect(folderOfGroup(mount, '/docker/ab c/web')).toBe('/sys/fs/cgroup/memory/web');
  expect(folderOfGroup(mount, '/docker/abc')).toBeUndefined();
  expect(folderOfGroup(mount, '/../other')).toBeUndefined();
});

it('takes any text, and never leads out of the mounted folder', () => {
  const mount = { version: 2, controllers: [], root: '/', folder: '/sys/fs/cgroup' } as const;
  fc.assert(
    fc.property(fc.string(), text => {
      parseCgroupMounts(text);
      parseCgroupMounts(`${text} - cgroup2 cgroup2 rw`);
      const folder = folderOfGroup(mount, text);
      return folder === undefined || (folder.startsWith('/sys/fs/cgroup') && !folder.split('/').includes('..'));
    }),
  );
});
