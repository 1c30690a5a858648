import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Request } from '../model/collector.ts';
import { absent, known } from '../model/fact.ts';
import type { ExecResult } from '../model/host.ts';
import kernelLog from './kernel-log.ts';
import { runCollector, TEST_CONTEXT } from './testing.ts';
import type { FakeHost } from './testing.ts';

const iso = readFileSync(new URL('../parsers/kernel-log.fixtures/dmesg-iso-util-linux-2.38.txt', import.meta.url), 'utf8');
const raw = readFileSync(new URL('../parsers/kernel-log.fixtures/dmesg-linux-6.18.txt', import.meta.url), 'utf8');

/** After the samples were taken. */
const later = { ...TEST_CONTEXT, nowMs: TEST_CONTEXT.nowMs + 86_400_000 };

function host(journal: Partial<ExecResult>, dmesg: Partial<ExecResult>, plain: Partial<ExecResult> = {}): FakeHost {
  return {
    files: { '/proc/stat': 'btime 1795244991\n' },
    answer: (request: Request) => {
      if (request.kind !== 'exec') return undefined;
      const result = request.argv[0] === 'journalctl' ? journal : request.argv.length > 1 ? dmesg : plain;
      return known({ stdout: '', stderr: '', code: 0, truncated: false, ...result });
    },
  };
}

it('reads the ring buffer where the journal holds no kernel lines, as in a container', () => {
  const { fact } = runCollector(kernelLog, {}, host({}, { stdout: iso }), later);
  expect(fact.state === 'known' && fact.value.map(event => event.kind)).toEqual(['oom-kill', 'segfault']);
});

it('tells an event once that is in both', () => {
  const text = 'nf_conntrack: nf_conntrack: table full, dropping packet';
  const journal = `{"__REALTIME_TIMESTAMP":"1795246204342251","MESSAGE":"${text}"}\n`;
  const { fact } = runCollector(kernelLog, {}, host({ stdout: journal }, { stdout: `2026-11-21T07:30:04,900000+00:00 ${text}\n` }));
  expect(fact).toMatchObject({ state: 'known', value: [{ kind: 'conntrack-full', source: 'journal:kernel', timeMs: 1_795_246_204_342 }] });
});

it('takes from the ring buffer what the journal has lost of a kill', () => {
  const killed = 'Memory cgroup out of memory: Killed process 31416 (uwsgi) total-vm:1kB, anon-rss:2kB';
  const record =
    'oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=/guest-7/ocr,task_memcg=/guest-7/ocr,task=uwsgi,pid=31416,uid=33';
  const journal = `${JSON.stringify({ __REALTIME_TIMESTAMP: '1795246204900000', MESSAGE: killed })}\n`;
  const ring = `2026-11-21T07:30:04,900000+00:00 ${record}\n2026-11-21T07:30:04,900100+00:00 ${killed}\n`;
  const { fact } = runCollector(kernelLog, {}, host({ stdout: journal }, { stdout: ring }));
  expect(fact).toMatchObject({ state: 'known', value: [{ kind: 'oom-kill', source: 'journal:kernel', text: killed, cgroup: '/guest-7/ocr', rssBytes: 2048 }] });
  expect(fact.state === 'known' && fact.value).toHaveLength(1);
});

it('takes the time at which the kernel wrote, not that at which a journal began to hold it', () => {
  const text = 'Out of memory: Killed process 4711 (gunicorn) total-vm:1kB, anon-rss:2kB';
  const fields = { __REALTIME_TIMESTAMP: '1795246204342251', __MONOTONIC_TIMESTAMP: '900000000', _SOURCE_MONOTONIC_TIMESTAMP: '480000000', MESSAGE: text };
  const { fact } = runCollector(kernelLog, {}, host({ stdout: `${JSON.stringify(fields)}\n` }, { stdout: `2026-11-21T07:23:04,900000+00:00 ${text}\n` }));
  expect(fact).toMatchObject({ state: 'known', value: [{ kind: 'oom-kill', timeMs: 1_795_246_204_342 - 420_000 }] });
  expect(fact.state === 'known' && fact.value).toHaveLength(1);
});

it('asks a dmesg without time formats again', () => {
  const { fact } = runCollector(kernelLog, {}, host({}, { code: 1, stderr: "dmesg: unrecognized option '--time-format'\n" }, { stdout: raw }), later);
  expect(fact.state === 'known' && fact.value[0]).toMatchObject({ kind: 'oom-kill', timeMs: 1_795_247_462_857 });
});

it('leaves out what was written while the clock was ahead', () => {
  const { fact } = runCollector(kernelLog, {}, host({}, { stdout: iso }), { ...TEST_CONTEXT, nowMs: TEST_CONTEXT.nowMs - 86_400_000 });
  expect(fact).toEqual({ state: 'known', value: [] });
});

it('leaves out what is older than a day before the window', () => {
  const { fact } = runCollector(kernelLog, {}, host({}, { stdout: iso }), {
    ...TEST_CONTEXT,
    nowMs: TEST_CONTEXT.nowMs + 11 * 86_400_000,
    sinceMs: TEST_CONTEXT.nowMs + 10 * 86_400_000,
  });
  expect(fact).toEqual({ state: 'known', value: [] });
});

describe('control groups of other hosts that share the kernel', () => {
  const kill = (group: string): string =>
    `2026-11-21T07:30:04,900000+00:00 oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=${group},task_memcg=${group},task=uwsgi,pid=31416,uid=33\n`;
  const elsewhere = (group: string, paths: readonly string[]): unknown => {
    const around = host({}, { stdout: kill(group) });
    const answer = (request: Request) =>
      request.kind === 'stat' ? (paths.includes(request.path) ? known({}) : absent('no such file')) : around.answer?.(request);
    const { fact } = runCollector(kernelLog, {}, { ...around, answer });
    return fact.state === 'known' ? fact.value[0]?.elsewhere : fact;
  };
  const v1 = '/sys/fs/cgroup/memory/memory.limit_in_bytes';

  it('are told from those of this one by what is mounted here', () => {
    expect(elsewhere('/guest-7/ocr', [v1])).toBe(true);
    expect(elsewhere('/guest-7/ocr', [v1, '/sys/fs/cgroup/memory/ocr'])).toBeUndefined();
    expect(elsewhere('/guest-7/ocr', [v1, '/sys/fs/cgroup/memory/guest-7/ocr'])).toBeUndefined();
    expect(elsewhere('/guest-7/ocr', ['/sys/fs/cgroup/cgroup.controllers'])).toBe(true);
    expect(elsewhere('/guest-7/ocr', ['/sys/fs/cgroup/cgroup.controllers', '/sys/fs/cgroup/ocr'])).toBeUndefined();
  });

  it('are those of the kill before, where the kernel told no more than the process', () => {
    const bare = '2026-11-21T07:30:06,900000+00:00 Memory cgroup out of memory: Killed process 31500 (uwsgi) total-vm:1kB, anon-rss:2kB\n';
    const other = bare.replace('31500 (uwsgi)', '31501 (node)');
    const around = host({}, { stdout: kill('/guest-7/ocr') + bare + other });
    const answer = (request: Request) => (request.kind === 'stat' ? (request.path === v1 ? known({}) : absent('no such file')) : around.answer?.(request));
    const { fact } = runCollector(kernelLog, {}, { ...around, answer });
    expect(fact.state === 'known' && fact.value.map(({ pid, elsewhere: apart }) => [pid, apart])).toEqual([
      [31_416, true],
      [31_500, true],
      [31_501, undefined],
    ]);
  });

  it('are not judged where nothing is mounted, where a unit is named, or where the path may be all of this host', () => {
    expect(elsewhere('/guest-7/ocr', [])).toBeUndefined();
    expect(elsewhere('/system.slice/shop.service', [v1])).toBeUndefined();
    expect(elsewhere('/guest-7', [v1])).toBeUndefined();
    expect(elsewhere('/guest-7/../ocr', [v1])).toBeUndefined();
  });
});

it('is denied, not empty, where it may not be read', () => {
  const refused = { code: 1, stderr: 'dmesg: read kernel buffer failed: Operation not permitted\n' };
  expect(runCollector(kernelLog, {}, host({ code: 1, stderr: 'No journal files were found.\n' }, refused)).fact).toMatchObject({
    state: 'denied',
    how: expect.stringContaining('root'),
  });
  expect(runCollector(kernelLog, {}, {}).fact.state).toBe('absent');
});
