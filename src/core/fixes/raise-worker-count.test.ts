import { describe, expect, it } from 'vitest';
import { absent, known } from '../model/fact.ts';
import type { Facts } from '../model/facts.ts';
import type { Finding } from '../model/finding.ts';
import fix from './raise-worker-count.ts';

const mebibyte = 2 ** 20;
const line = '  pm.max_children=5 ; for now';
const service = {
  id: 'php-fpm:shop',
  kind: 'php-fpm',
  name: 'php-fpm pool shop',
  unit: 'php8.2-fpm.service',
  masterPid: 9,
  workerPids: [10, 11, 12, 13, 14],
  listening: [],
  configuredListen: [],
  manager: 'dynamic',
  workersMax: { value: 5, source: 'file:/etc/php/8.2/fpm/pool.d/shop.conf:8', text: line },
  configFiles: ['/etc/php/8.2/fpm/pool.d/shop.conf'],
  logFiles: [],
} as const;
const finding = { confidence: 'confirmed', fixData: { service: service.id } } as unknown as Finding;

function facts(availableMiB: number, change: Partial<Record<keyof Facts, unknown>> = {}): Facts {
  const given: Record<string, unknown> = {
    services: [service],
    resources: { memory: { totalBytes: 2048 * mebibyte, availableBytes: availableMiB * mebibyte, swapTotalBytes: 0, swapFreeBytes: 0 } },
    'service-load': [
      {
        serviceId: service.id,
        workers: 5,
        busyAlways: 5,
        busyEver: 5,
        queue: [20, 20, 20],
        backlog: 511,
        how: '',
        pssPerWorkerBytes: 40 * mebibyte,
        cpuMs: 0,
        sampledMs: 300,
      },
    ],
    processes: [{ pid: 9, exe: '/usr/sbin/php-fpm8.2', argv: [] }, ...service.workerPids.map(pid => ({ pid, rssBytes: 60 * mebibyte, argv: [] }))],
    'php-fpm-pools': { pools: [{ name: 'shop', masterPid: 9, mainConfig: '/etc/php/8.2/fpm/php-fpm.conf', values: {} }], unread: [], globals: {} },
    ...change,
  };
  return new Proxy({} as Facts, { get: (_, id) => (given[String(id)] === undefined ? absent('not given') : known(given[String(id)])) });
}

describe('a php-fpm pool', () => {
  it('gets what the traffic asks for, where memory allows it', () => {
    expect(fix.plan(finding, facts(1700))).toMatchObject({
      automatic: true,
      steps: [
        { kind: 'edit', path: '/etc/php/8.2/fpm/pool.d/shop.conf', line: 8, before: line, after: '  pm.max_children=32 ; for now' },
        { kind: 'command', argv: ['systemctl', 'reload', 'php8.2-fpm.service'], undo: ['systemctl', 'reload', 'php8.2-fpm.service'] },
      ],
      validate: [['/usr/sbin/php-fpm8.2', '-t', '-y', '/etc/php/8.2/fpm/php-fpm.conf']],
    });
  });

  it('never gets more than memory bears: (600 − 256) / 40 = 8 more', () => {
    expect(fix.plan(finding, facts(600))?.steps[0]).toMatchObject({ after: '  pm.max_children=13 ; for now' });
  });

  it('gets room below process.max, which all pools share, and its own number only where that is too small', () => {
    const shared = { value: '7', source: 'file:/etc/php/8.2/fpm/php-fpm.conf:30', text: 'process.max = 7' };
    const children = (value: string) => ({ value, source: 'file:/etc/php/8.2/fpm/pool.d/shop.conf:8', text: `pm.max_children = ${value}` });
    const title = (name: string) => [`php-fpm: pool ${name}`];
    const processes = [
      { pid: 9, exe: '/usr/sbin/php-fpm8.2', argv: [] },
      ...service.workerPids.map(pid => ({ pid, ppid: 9, rssBytes: 60 * mebibyte, argv: title('shop') })),
      ...[21, 22].map(pid => ({ pid, ppid: 9, rssBytes: 60 * mebibyte, argv: title('blog') })),
    ];
    const planFor = (most: string) => {
      const pool = { name: 'shop', masterPid: 9, mainConfig: '/etc/php/8.2/fpm/php-fpm.conf', values: { 'pm.max_children': children(most) } };
      const pools = { pools: [pool], unread: [], globals: { [pool.mainConfig]: { 'process.max': shared } } };
      return fix.plan(finding, facts(600, { services: [{ ...service, workersMax: { ...shared, value: 5 } }], 'php-fpm-pools': pools, processes }));
    };
    const edits = (most: string) => planFor(most)?.steps.flatMap(step => (step.kind === 'edit' ? [step.after] : []));
    expect(edits('40')).toEqual(['process.max = 15']);
    expect(planFor('40')).toMatchObject({ summary: expect.stringContaining('Raise process.max from 7 to 15') });
    expect(edits('5')).toEqual(['pm.max_children = 13', 'process.max = 15']);
  });

  it('keeps its number where nothing was finished for as long as it was watched: more workers would wait as well', () => {
    const load = {
      serviceId: service.id,
      workers: 5,
      busyAlways: 5,
      busyEver: 5,
      queue: [20, 20, 20, 21],
      backlog: 511,
      how: '',
      pssPerWorkerBytes: 40 * mebibyte,
    };
    const planFor = (change: object) => fix.plan(finding, facts(1700, { 'service-load': [{ ...load, cpuMs: 0, sampledMs: 1000, finished: 0, ...change }] }));
    expect(planFor({})).toMatchObject({ automatic: false, steps: [{ text: expect.stringContaining('finished nothing') }] });
    for (const change of [{ finished: 1 }, { sampledMs: 300 }, { cpuMs: 500 }]) expect(planFor(change)).toMatchObject({ automatic: true });
  });

  it('keeps its number where memory is short, and the slow script is named', () => {
    const events = [{ serviceId: service.id, kind: 'slow-request', timeMs: 1, text: 'x', source: 'y', uri: '/srv/report.php' }];
    const plan = fix.plan(finding, facts(270, { 'backend-events': events }));
    expect(plan).toMatchObject({ automatic: false, steps: [{ kind: 'manual', text: expect.stringContaining('/srv/report.php') }] });
  });

  it('is left alone by an automatic plan where memory could not be read', () => {
    expect(fix.plan(finding, facts(1700, { resources: { disks: [] } }))).toMatchObject({ automatic: false });
  });
});

describe('a gunicorn whose unit names the number', () => {
  const words = ['/usr/bin/gunicorn', '--bind', '127.0.0.1:8311', '--workers', '2', 'app:app'];
  const own = {
    ...service,
    id: 'unit:q.service',
    kind: 'gunicorn',
    unit: 'q.service',
    manager: 'prefork',
    workerPids: [10, 11],
    workersMax: { value: 2, source: 'argv of 9' },
  };
  const given = (argv: readonly string[]) =>
    facts(1700, {
      services: [own],
      'service-load': [
        {
          serviceId: own.id,
          workers: 2,
          busyAlways: 2,
          busyEver: 2,
          queue: [3, 3, 3],
          backlog: 511,
          how: '',
          pssPerWorkerBytes: 40 * mebibyte,
          cpuMs: 0,
          sampledMs: 300,
        },
      ],
      'backend-configs': {
        commands: [
          {
            of: { kind: 'process', pid: 9 },
            service: 'gunicorn',
            role: 'any',
            listen: [],
            values: { workers: { value: '2', source: 'argv of 9' } },
            configFiles: [],
          },
        ],
        files: [],
        unread: [],
      },
      'systemd-units': [{ name: 'q.service', execStart: words.join(' '), dropIns: [] }],
      processes: [
        { pid: 9, argv },
        { pid: 10, rssBytes: 1, argv: [] },
        { pid: 11, rssBytes: 1, argv: [] },
      ],
    });
  const ask = { confidence: 'confirmed', fixData: { service: own.id } } as unknown as Finding;

  it('gets a drop-in with the same command', () => {
    expect(fix.plan(ask, given(['/usr/bin/python3', ...words]))?.steps[0]).toMatchObject({
      kind: 'edit',
      path: '/etc/systemd/system/q.service.d/badhop-workers.conf',
      before: '',
      after: '[Service]\nExecStart=\nExecStart=/usr/bin/gunicorn --bind 127.0.0.1:8311 --workers 7 app:app\n',
    });
  });

  it('is left to a person where the running words are others', () => {
    expect(fix.plan(ask, given(['gunicorn: master [app:app]']))).toMatchObject({ automatic: false });
  });
});

describe('a sizing that has weighed all pools', () => {
  const setting = (value: string, at: number, name: string) => ({ value, source: `file:/etc/php/8.2/fpm/pool.d/shop.conf:${at}`, text: `${name} = ${value}` });
  const pool = {
    name: 'shop',
    masterPid: 9,
    mainConfig: '/etc/php/8.2/fpm/php-fpm.conf',
    values: {
      pm: setting('dynamic', 7, 'pm'),
      'pm.start_servers': setting('4', 9, 'pm.start_servers'),
      'pm.min_spare_servers': setting('2', 10, 'pm.min_spare_servers'),
      'pm.max_spare_servers': setting('5', 11, 'pm.max_spare_servers'),
    },
  };
  const sized = (workers: number, change: Partial<Record<keyof Facts, unknown>> = {}) =>
    fix.plan(
      { confidence: 'confirmed', fixData: { service: service.id, workers, because: '300 MiB for it' } } as unknown as Finding,
      facts(600, { 'php-fpm-pools': { pools: [pool], unread: [], globals: {} }, ...change }),
    );

  it('lowers the limit, and what php-fpm starts and keeps spare with it', () => {
    expect(sized(3)).toMatchObject({
      summary: 'Lower pm.max_children from 5 to 3 (300 MiB for it)',
      steps: [
        { line: 8, after: '  pm.max_children=3 ; for now' },
        { line: 11, after: 'pm.max_spare_servers = 3' },
        { line: 9, after: 'pm.start_servers = 3' },
        { kind: 'command' },
      ],
    });
  });

  it('raises it to that number and no other', () => {
    expect(sized(9)?.steps).toMatchObject([{ after: '  pm.max_children=9 ; for now' }, { kind: 'command' }]);
  });

  it('is told by hand where the number stands nowhere', () => {
    const blind = { ...service, workersMax: { value: 5, source: 'default of x' } };
    expect(sized(9, { services: [blind] })).toMatchObject({ automatic: false, steps: [{ kind: 'manual', text: expect.stringContaining('9') }] });
  });
});
