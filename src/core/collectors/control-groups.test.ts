import { expect, it } from 'vitest';
import { known } from '../model/fact.ts';
import type { Facts } from '../model/facts.ts';
import collector from './control-groups.ts';
import { runCollector } from './testing.ts';

const v1 = '35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct\n';
const v2 = '41 31 0:38 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n';

const facts = {
  services: known([{ id: 'unit:shop.service', kind: 'gunicorn', masterPid: 8, workerPids: [9, 10] }]),
  processes: known([8, 9, 10].map(pid => ({ pid }))),
} as unknown as Pick<Facts, 'services' | 'processes'>;

function groups(files: Readonly<Record<string, string>>, cgroup: string) {
  const own = Object.fromEntries([8, 9, 10].map(pid => [`/proc/${pid}/cgroup`, cgroup]));
  return runCollector(collector, facts, { files: { ...own, ...files } }).fact;
}

it('reads the limits around a unit on v2, of its slice too', () => {
  const fact = groups(
    {
      '/proc/self/mountinfo': v2,
      '/sys/fs/cgroup/web.slice/memory.max': '2147483648\n',
      '/sys/fs/cgroup/web.slice/memory.current': '900000000\n',
      '/sys/fs/cgroup/web.slice/memory.stat': 'anon 1\ninactive_file 100000000\n',
      '/sys/fs/cgroup/web.slice/shop.service/memory.max': 'max\n',
      '/sys/fs/cgroup/web.slice/shop.service/memory.high': '536870912\n',
      '/sys/fs/cgroup/web.slice/shop.service/memory.current': '300000000\n',
      '/sys/fs/cgroup/web.slice/shop.service/cpu.max': '150000 100000\n',
    },
    '0::/web.slice/shop.service\n',
  );
  expect(fact).toMatchObject({
    state: 'known',
    value: [
      { folder: '/sys/fs/cgroup/web.slice', pids: [8, 9, 10], memory: { limitBytes: 2_147_483_648, usedBytes: 900_000_000, reclaimableBytes: 100_000_000 } },
      {
        folder: '/sys/fs/cgroup/web.slice/shop.service',
        cpus: 1.5,
        memory: { limitBytes: 536_870_912, source: 'file:/sys/fs/cgroup/web.slice/shop.service/memory.high' },
      },
    ],
  });
});

it('reads v1, where memory and processors have groups of their own', () => {
  const fact = groups(
    {
      '/proc/self/mountinfo': v1,
      '/sys/fs/cgroup/memory/shop/memory.limit_in_bytes': '1024\n',
      '/sys/fs/cgroup/memory/shop/memory.usage_in_bytes': '1024\n',
      '/sys/fs/cgroup/memory/memory.limit_in_bytes': '9223372036854771712\n',
      '/sys/fs/cgroup/cpu/memory.limit_in_bytes': '5',
      '/sys/fs/cgroup/cpu/cpu.cfs_quota_us': '50000\n',
      '/sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000\n',
    },
    '9:name=systemd:/system.slice/shop.service\n4:memory:/shop\n1:cpu,cpuacct:/\n',
  );
  expect(fact).toMatchObject({
    value: [
      { folder: '/sys/fs/cgroup/memory/shop', memory: { limitBytes: 1024, usedBytes: 1024 } },
      { folder: '/sys/fs/cgroup/cpu', cpus: 0.5 },
    ],
  });
});

it('says where the groups lie outside of what is mounted', () => {
  const fact = groups({ '/proc/self/mountinfo': v2 }, '0::/../..\n');
  expect(fact).toMatchObject({ value: [], problems: [expect.stringContaining('3 processes')] });
});

it('is absent with /proc/self/mountinfo', () => {
  expect(groups({}, '0::/\n').state).toBe('absent');
});
