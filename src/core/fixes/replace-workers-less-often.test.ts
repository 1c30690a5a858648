import { describe, expect, it } from 'vitest';
import { absent, known } from '../model/fact.ts';
import type { Service, Sourced } from '../model/facts/backend.ts';
import type { Facts } from '../model/facts.ts';
import type { Finding, FixPlan } from '../model/finding.ts';
import fix from './replace-workers-less-often.ts';

const service: Service = {
  id: 'unit:api.service',
  kind: 'gunicorn',
  name: 'gunicorn (api.service)',
  unit: 'api.service',
  masterPid: 100,
  workerPids: [101, 102],
  listening: [],
  configuredListen: [],
  configFiles: [],
  logFiles: [],
};

interface Host {
  readonly service?: Partial<Service>;
  readonly values?: Readonly<Record<string, Sourced<string>>>;
  readonly execStart?: string;
  readonly pool?: Sourced<string>;
}

/** Two workers, replaced every 30 seconds in turn. */
function planFor({ service: change = {}, values = {}, execStart = '', pool }: Host): FixPlan | undefined {
  const own = { ...service, ...change };
  const argv = execStart.split(' ');
  const facts = {
    services: known([own]),
    'backend-configs': known({ commands: [{ of: { kind: 'process', pid: 100 }, values }], files: [], unread: [] }),
    'php-fpm-pools':
      pool === undefined
        ? absent('none')
        : known({ pools: [{ name: 'www', masterPid: 100, mainConfig: '/etc/php/fpm.conf', values: { 'pm.max_requests': pool } }], unread: [], globals: {} }),
    'systemd-units': known([{ name: 'api.service', execStart, dropIns: [] }]),
    processes: known([{ pid: 100, argv, exe: '/usr/sbin/php-fpm8.2' }]),
  } as unknown as Facts;
  const fixData = { service: own.id, recycles: 5, firstMs: 0, lastMs: 120_000 };
  return fix.plan({ confidence: 'confirmed', subject: { name: own.name }, fixData } as unknown as Finding, facts);
}

const edits = (plan: FixPlan | undefined): string[] => plan?.steps.flatMap(step => (step.kind === 'edit' ? step.after : [])) ?? [];

describe('the limit of requests', () => {
  it('is raised in the file, by the pace of the window, with a random part for each worker', () => {
    const setting = { value: '500', source: 'file:/srv/api/gunicorn.conf.py:4', text: 'max_requests = 500' };
    const plan = planFor({ values: { 'max-requests': setting } });
    expect(plan).toMatchObject({ automatic: true, steps: [{ path: '/srv/api/gunicorn.conf.py', line: 4, before: 'max_requests = 500' }, { kind: 'command' }] });
    expect(edits(plan)).toEqual(['max_requests = 30000\nmax_requests_jitter = 3000']);
  });

  it('keeps a random part that is there', () => {
    const setting = { value: '500', source: 'file:/srv/api/gunicorn.conf.py:4', text: 'max_requests = 500' };
    expect(edits(planFor({ values: { 'max-requests': setting, 'max-requests-jitter': { value: '50', source: 'x' } } }))).toEqual(['max_requests = 30000']);
  });

  it('is raised by a drop-in where it stands on the command line', () => {
    const plan = planFor({ execStart: '/usr/bin/gunicorn --max-requests 500 api:app', values: { 'max-requests': { value: '500', source: 'argv of 100' } } });
    expect(edits(plan)).toEqual(['[Service]\nExecStart=\nExecStart=/usr/bin/gunicorn --max-requests 30000 --max-requests-jitter 3000 api:app\n']);
  });

  it('is raised in the pool of php-fpm, which is checked before it is reloaded', () => {
    const pool = { value: '200', source: 'file:/etc/php/8.2/fpm/pool.d/www.conf:9', text: 'pm.max_requests = 200' };
    const plan = planFor({ service: { id: 'php-fpm:www', kind: 'php-fpm', name: 'php-fpm pool www' }, pool });
    expect(edits(plan)).toEqual(['pm.max_requests = 12000']);
    expect(plan?.validate).toEqual([['/usr/sbin/php-fpm8.2', '-t', '-y', '/etc/php/fpm.conf']]);
  });

  it('is left to a person where the program counts for itself', () => {
    const plan = planFor({ service: { kind: 'node', name: 'node (api.service)' } });
    expect(plan?.automatic).toBe(false);
    expect(JSON.stringify(plan?.steps)).toContain('server.close()');
  });
});
