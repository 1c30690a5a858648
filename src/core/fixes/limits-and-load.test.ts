import { describe, expect, it } from 'vitest';
import { absent, known } from '../model/fact.ts';
import type { Facts } from '../model/facts.ts';
import type { Finding, FixPlan } from '../model/finding.ts';
import { parseNginxConf } from '../parsers/nginx-conf.ts';
import putInOrder from './put-timeouts-in-order.ts';
import raiseReadTimeout from './raise-read-timeout.ts';
import relieveMemory from './relieve-memory.ts';
import relieveProcessors from './relieve-processors.ts';
import tolerate from './tolerate-failing-page.ts';

const path = '/etc/nginx/conf.d/site.conf';
const nginx = {
  id: 'nginx',
  running: true,
  masterPid: 9,
  binary: '/usr/sbin/nginx',
  prefix: '/usr/share/nginx',
  configPath: '/etc/nginx/nginx.conf',
  globalDirectives: '',
  unit: 'nginx.service',
  workers: [],
};
const reload = ['systemctl', 'reload', 'nginx.service'];
const test = ['/usr/sbin/nginx', '-t', '-p', '/usr/share/nginx/', '-c', '/etc/nginx/nginx.conf'];

function factsOf(text: string, given: Readonly<Record<string, unknown>> = {}): Facts {
  const config = { instanceId: 'nginx', mainPath: path, files: [{ path, text }], directives: parseNginxConf(text, path).directives, problems: [], unread: [] };
  const all: Readonly<Record<string, unknown>> = { 'nginx-config': [config], 'nginx-instances': [nginx], ...given };
  return new Proxy({} as Facts, { get: (_, id) => (all[String(id)] === undefined ? absent('not given') : known(all[String(id)])) });
}
const findingOf = (fixData: Readonly<Record<string, unknown>>, change: Partial<Finding> = {}): Finding =>
  ({ confidence: 'confirmed', status: 'active', subject: { kind: 'upstream', id: 's', name: 'shop', peers: [] }, fixData, ...change }) as unknown as Finding;
const edits = (plan: FixPlan | undefined): string[] => (plan?.steps ?? []).flatMap(step => (step.kind === 'edit' ? [step.after.split('\n').at(-1) ?? ''] : []));

describe('tolerate-failing-page', () => {
  const text =
    'upstream other {\n  server 10.0.0.9:80;\n}\nupstream shop {\n  server 127.0.0.1:1 weight=2;\n  server 127.0.0.1:2 max_fails=1 fail_timeout=9s;\n  server 127.0.0.1:3 max_fails=0;\n  server 127.0.0.1:4 down;\n}\n';
  const plan = (most: number): FixPlan | undefined => tolerate.plan(findingOf({ group: 'shop', page: '/slow', maxFails: 1, most }), factsOf(text));

  it('lets the servers of that group fail more often, and no other', () => {
    expect(plan(2)).toMatchObject({ automatic: true, validate: [test], steps: [{ kind: 'edit' }, { kind: 'edit' }, { argv: reload, undo: reload }] });
    expect(edits(plan(2))).toEqual(['  server 127.0.0.1:1 max_fails=10 weight=2;', '  server 127.0.0.1:2 max_fails=10 fail_timeout=9s;']);
  });

  it('by how often the page failed, within a bound', () => {
    expect([edits(plan(7))[0], edits(plan(4000))[0]]).toEqual(['  server 127.0.0.1:1 max_fails=21 weight=2;', '  server 127.0.0.1:1 max_fails=100 weight=2;']);
  });

  it('leaves a group without a block to a person', () => {
    expect(tolerate.plan(findingOf({ group: 'app.example' }), factsOf(text))).toMatchObject({ automatic: false, steps: [{ kind: 'manual' }] });
  });
});

describe('put-timeouts-in-order', () => {
  const text = 'server {\n  proxy_read_timeout 20s;\n  location / { proxy_pass http://a; } location /x { proxy_pass http://b; proxy_read_timeout 1s; }\n}\n';
  const routes = [
    { id: 'a', pass: 'proxy', target: 'http://a', origin: { path, line: 3 } },
    { id: 'b', pass: 'proxy', target: 'http://b', origin: { path, line: 3 } },
  ];
  const facts = factsOf(text, { topology: { routes } });
  const data = (innerMs: number, change: Readonly<Record<string, unknown>> = {}): Readonly<Record<string, unknown>> => ({
    routeId: 'b',
    part: 'nginx',
    who: 'nginx',
    directive: 'proxy_read_timeout',
    outerMs: 1000,
    outerPlace: `${path}:3`,
    innerMs,
    innerSetting: 'harakiri',
    innerPlace: '/etc/uwsgi/shop.ini:4',
    innerCounts: 'request',
    ...change,
  });

  it('gives that one location a little more than the inner limit', () => {
    const plan = putInOrder.plan(findingOf(data(20_000)), facts);
    expect(plan).toMatchObject({ automatic: true, risk: 'low', validate: [test] });
    expect(edits(plan)).toEqual(['  location / { proxy_pass http://a; } location /x { proxy_pass http://b; proxy_read_timeout 25s; }']);
    expect(edits(putInOrder.plan(findingOf(data(30_000, { routeId: 'a' })), facts))).toEqual([
      '  location / { proxy_read_timeout 35s; proxy_pass http://a; } location /x { proxy_pass http://b; proxy_read_timeout 1s; }',
    ]);
  });

  it('lets a person choose where nothing fails by it', () => {
    const plan = putInOrder.plan(findingOf(data(20_000), { status: 'latent' }), facts);
    expect(plan).toMatchObject({ automatic: false, steps: [{ kind: 'manual' }, { kind: 'edit' }, { kind: 'command' }] });
  });

  it.each([
    ['the inner limit is longer than anybody waits', data(600_000), 'Lower harakiri (/etc/uwsgi/shop.ini:4) from 600 s'],
    [
      'HAProxy gives up',
      data(20_000, { routeId: 'none', who: 'HAProxy backend web', directive: 'timeout server', outerPlace: '/srv/lb.cfg:9' }),
      'haproxy -c -f /srv/lb.cfg',
    ],
    ['computing alone is limited', data(90_000, { innerCounts: 'cpu' }), 'Raise proxy_read_timeout'],
  ])('says what to write where %s', (_name, fixData, piece) => {
    const plan = putInOrder.plan(findingOf(fixData), facts);
    expect(plan).toMatchObject({ automatic: false, steps: [{ kind: 'manual' }] });
    expect(JSON.stringify(plan)).toContain(piece);
  });

  it('shares the edit with raise-read-timeout, in the nginx that has the location', () => {
    const plan = raiseReadTimeout.plan(findingOf({ directive: 'proxy_read_timeout', routeId: 'b', tookMs: 2000, limitMs: 1000 }), facts);
    expect(plan).toMatchObject({ automatic: true, validate: [test], steps: [{ kind: 'edit' }, { argv: reload }] });
    expect(edits(plan)[0]).toContain('proxy_pass http://b; proxy_read_timeout 4s;');
  });
});

describe('relieve-memory', () => {
  const process = (pid: number, unit: string | undefined, mebibytes: number): unknown => ({
    pid,
    comm: 'job',
    rssBytes: mebibytes * 1_048_576,
    ...(unit === undefined ? {} : { unit }),
  });
  const facts = factsOf('', {
    processes: [process(1, 'php8.2-fpm.service', 300), process(2, 'php8.2-fpm.service', 400), process(3, undefined, 500)],
    services: [
      {
        name: 'php-fpm pool www',
        unit: 'php8.2-fpm.service',
        workersMax: { value: 50, source: 'file:/etc/php/8.2/fpm/pool.d/www.conf:9' },
        configFiles: ['/etc/php/8.2/fpm/pool.d/www.conf'],
      },
    ],
    resources: { memory: { totalBytes: 1, availableBytes: 0, swapTotalBytes: 0, swapFreeBytes: 0 } },
  });

  it('names who holds it, and the setting that says how many there are', () => {
    const plan = relieveMemory.plan(findingOf({}), facts);
    const said = JSON.stringify(plan);
    expect(plan).toMatchObject({ automatic: false, risk: 'medium' });
    expect(said).toContain('php8.2-fpm.service 700 MiB in 2 processes; job 500 MiB in one process');
    expect(said).toContain('fewer workers than 50 (/etc/php/8.2/fpm/pool.d/www.conf:9)');
    expect(said).toContain('swapoff /swapfile');
  });
});

describe('relieve-processors', () => {
  const process = (pid: number, comm: string, unit: string, seconds: number): unknown => ({ pid, comm, unit, startMs: 0, cpuMs: seconds * 1000 });
  const facts = factsOf('', {
    processes: [process(1, 'gunicorn', 'shop.service', 90), process(2, 'xz', 'backup.service', 95), process(3, 'cron', 'cron.service', 1)],
    services: [{ unit: 'shop.service', workerPids: [1] }],
    'host-identity': { clock: { nowMs: 100_000 } },
  });

  it('lets a job step back, and never what serves requests', () => {
    const plan = relieveProcessors.plan(findingOf({}), facts);
    const commands = plan?.steps.flatMap(step => (step.kind === 'manual' ? step.commands : [])) ?? [];
    expect(commands).toContain('systemctl set-property --runtime backup.service CPUWeight=10');
    expect(commands.some(command => command.includes('shop.service') || command.includes('cron.service'))).toBe(false);
    expect(JSON.stringify(plan)).toContain('xz (backup.service) 95 %; gunicorn (shop.service) 90 %');
  });
});
