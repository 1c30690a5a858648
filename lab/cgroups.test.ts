import { expect, it } from 'vitest';
import { mountedHierarchies } from './cgroups.ts';

it('finds v1, named and v2 hierarchies in mountinfo', () => {
  const text = `24 1 254:0 / / rw,relatime - ext4 /dev/vda rw
31 24 0:27 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
32 31 0:28 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu,cpuacct
36 31 0:32 / /sys/fs/cgroup/memory rw,relatime shared:7 - cgroup cgroup rw,memory
40 31 0:36 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,name=systemd
41 31 0:37 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
`;
  expect(mountedHierarchies(text)).toEqual([
    { mount: '/sys/fs/cgroup/cpu', version: 1, controllers: ['cpu', 'cpuacct'] },
    { mount: '/sys/fs/cgroup/memory', version: 1, controllers: ['memory'] },
    { mount: '/sys/fs/cgroup/systemd', version: 1, controllers: ['name=systemd'] },
    { mount: '/sys/fs/cgroup/unified', version: 2, controllers: [] },
  ]);
});
