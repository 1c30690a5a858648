import { expect, it } from 'vitest';
import type { SizedPool, SizeReport } from '../model/size-report.ts';
import { renderSizing } from './sizing.ts';

const pool: SizedPool = {
  service: 'php-fpm:shop',
  kind: 'php-fpm',
  name: 'php-fpm pool \u001B[2Jshop\u202E',
  setting: 'pm.max_children',
  now: { value: 5, source: 'file:/etc/php/8.2/fpm/pool.d/shop.conf:8' },
  running: 5,
  recommended: 12,
  verdict: 'too-small',
  because: 'All busy in each of 3 samples, 6 waited.',
  memory: { how: 'PSS', measured: 5, meanBytes: 4e7, inWorkBytes: 5e7, largestBytes: 6e7, usedBytes: 2e8 },
  needed: { busy: 5, waited: 6, samples: 3, isFull: true, saidFull: 2 },
  sums: ['memory: (900 MiB available − 256 MiB reserve + 191 MiB held by workers) / 57 MiB each by PSS = 14'],
  plans: [
    {
      id: 'raise-worker-count',
      summary: 'Raise pm.max_children from 5 to 12',
      automatic: true,
      risk: 'medium',
      minutes: 2,
      steps: [
        { kind: 'edit', path: '/etc/php/8.2/fpm/pool.d/shop.conf', line: 8, before: 'pm.max_children = 5', after: 'pm.max_children = 12', diff: '' },
        { kind: 'command', argv: ['systemctl', 'reload', 'php8.2-fpm.service'], disruptive: true, why: 'php-fpm starts anew' },
      ],
      validate: [],
      verify: 'The accept queue is empty again.',
    },
  ],
};

const report: SizeReport = {
  schemaVersion: 1,
  tool: { name: 'badhop', version: '1.0.0' },
  host: { name: 'local', hostname: 'web1', user: 'root', cpus: 2 },
  startedAt: '2026-11-21T12:00:00.000Z',
  durationMs: 900,
  window: { from: '2026-11-21T11:45:00.000Z', to: '2026-11-21T12:00:00.000Z' },
  verdict: 'change',
  summary: 'php-fpm pool shop: pm.max_children = 5 is too small, raise it to 12',
  memory: {
    totalBytes: 2 ** 31,
    availableBytes: 9e8,
    swapTotalBytes: 0,
    swapUsedBytes: 0,
    rooms: [
      {
        kind: 'host',
        name: 'this host',
        source: 'file:/proc/meminfo',
        totalBytes: 2 ** 31,
        availableBytes: 9e8,
        reserveBytes: 2 ** 28,
        workersBytes: 2e8,
        fullBytes: 25e7,
        pools: ['php-fpm pool shop'],
      },
    ],
  },
  pools: [pool],
  limits: [
    {
      id: 'listen-backlog',
      name: 'php-fpm pool shop',
      now: 511,
      source: 'listening socket',
      used: 6,
      recommended: 511,
      verdict: 'fits',
      because: 'At most 6 of 511 places were taken.',
      sums: [],
      plans: [],
    },
  ],
  notChecked: [],
  internalErrors: [],
};
const look = { width: 90, colour: false, unicode: true, verbose: false };

it('says what to change, from what to what, by which sum, and how', () => {
  const text = renderSizing(report, look);
  for (const piece of [
    '! CHANGE  php-fpm pool shop: pm.max_children = 5 is too small, raise it to 12.',
    'pm.max_children = 5 → 12  too small',
    '5 workers running, 38 MiB each now (PSS of 5), 48 MiB at work and 57 MiB the largest',
    '- pm.max_children = 5',
    '+ pm.max_children = 12',
    'systemctl reload php8.2-fpm.service',
  ])
    expect(text).toContain(piece);
});

it('lets nothing through that a terminal acts on, at any width', () => {
  for (const width of [1, 24, 60, 400])
    expect(renderSizing(report, { ...look, width, verbose: true })).not.toMatch(/[\u0000-\u0009\u000B-\u001F\u007F-\u009F\u202E]/);
});

it('has every limit with --verbose, and their number without', () => {
  expect(renderSizing(report, look)).toContain('1 more limit fits: listen-backlog');
  expect(renderSizing(report, { ...look, verbose: true })).toContain('listen-backlog of php-fpm pool shop = 511');
});
