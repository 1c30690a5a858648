import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { kernelEvents, parseDmesg } from './kernel-log.ts';

const sample = (name: string): string => readFileSync(new URL(`./kernel-log.fixtures/${name}`, import.meta.url), 'utf8');
const BOOT = 1_795_244_991_000;

it('joins the two lines of a kill, with process, control group, memory and time', () => {
  const events = kernelEvents(parseDmesg(sample('dmesg-linux-6.18.txt'), BOOT, 0), 'dmesg');
  expect(events.map(event => event.kind)).toEqual(['oom-kill', 'segfault']);
  expect(events[0]).toMatchObject({ pid: 5808, comm: 'gunicorn', rssBytes: (174_232 + 6168) * 1024, source: 'dmesg', timeMs: BOOT + 2_471_857 });
  expect(events[0]?.cgroup).toMatch(/^\/[^/]+\/exports\.service$/);
  expect(events[0]?.text).toContain('oom-kill:constraint=');
  expect(events[0]?.text).toContain('Killed process 5808');
  expect(events[1]).toMatchObject({ comm: 'python3', pid: 18_086 });
});

it('reads times with a zone and those of dmesg -T in the zone of the host', () => {
  const iso = kernelEvents(parseDmesg(sample('dmesg-iso-util-linux-2.38.txt'), 0, 0), 'dmesg');
  expect(iso[0]).toMatchObject({ kind: 'oom-kill', comm: 'python3' });
  const east = kernelEvents(parseDmesg(sample('dmesg-ctime-util-linux-2.38.txt'), 0, 60), 'dmesg');
  const utc = kernelEvents(parseDmesg(sample('dmesg-ctime-util-linux-2.38.txt'), 0, 0), 'dmesg');
  expect(Math.abs((utc[0]?.timeMs ?? 0) - (iso[0]?.timeMs ?? 0))).toBeLessThan(2000);
  expect((utc[0]?.timeMs ?? 0) - (east[0]?.timeMs ?? 0)).toBe(3_600_000);
});

const one = (text: string) => kernelEvents([{ timeMs: 5, text }], 'dmesg')[0];

it.each([
  [
    'Out of memory: Killed process 123 (php-fpm8.2) total-vm:10kB, anon-rss:4kB, file-rss:1kB, shmem-rss:0kB, UID:33 pgtables:1kB oom_score_adj:0',
    'oom-kill',
    'php-fpm8.2',
  ],
  ['Memory cgroup out of memory: Killed process 9, UID 33, (java) total-vm:10kB, anon-rss:4kB, file-rss:0kB', 'oom-kill', 'java'],
  ['traps: node[77] trap invalid opcode ip:55 sp:7f error:0 in node[400000+1]', 'segfault', 'node'],
  ['traps: php-fpm8.2[123] general protection fault ip:1 sp:2 error:0', 'segfault', 'php-fpm8.2'],
  ['nf_conntrack: nf_conntrack: table full, dropping packet', 'conntrack-full', undefined],
  ['TCP: request_sock_TCP: Possible SYN flooding on port 0.0.0.0:8000. Sending cookies.', 'syn-flood', undefined],
  ['INFO: task php-fpm8.2:123 blocked for more than 120 seconds.', 'other', undefined],
])('%s', (text, kind, comm) => {
  expect(one(text)).toMatchObject({ kind, ...(comm === undefined ? {} : { comm }) });
});

it('takes no other line for an event', () => {
  expect(one('gunicorn invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0')).toBeUndefined();
  expect(one('oom_reaper: reaped process 1 (x), now anon-rss:0kB')).toBeUndefined();
  expect(one('EXT4-fs (vda): mounted filesystem r/w')).toBeUndefined();
});

it('keeps kills of different processes apart', () => {
  const line = (pid: number): string => `Out of memory: Killed process ${pid} (x) total-vm:1kB, anon-rss:1kB`;
  expect(
    kernelEvents(
      [1, 2, 1].map((pid, index) => ({ timeMs: index * 5000, text: line(pid) })),
      'dmesg',
    ),
  ).toHaveLength(3);
});

it('never throws', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary' }), text => kernelEvents(parseDmesg(`[ 1.000] ${text}`, 0, 0), 'x').length >= 0));
});
