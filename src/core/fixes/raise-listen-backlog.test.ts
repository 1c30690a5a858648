import { describe, expect, it } from 'vitest';
import { absent, known } from '../model/fact.ts';
import type { Facts } from '../model/facts.ts';
import type { Finding } from '../model/finding.ts';
import fix from './raise-listen-backlog.ts';

const pool = {
  id: 'php-fpm:g',
  kind: 'php-fpm',
  name: 'php-fpm pool g',
  unit: 'php8.2-fpm.service',
  masterPid: 9,
  workerPids: [],
  listening: [],
  configuredListen: [],
  configFiles: [],
  logFiles: [],
};
const finding = (backlog: number) => ({ confidence: 'likely', fixData: { service: pool.id, backlog, address: 'unix:/run/g.sock' } }) as unknown as Finding;
const facts = (values: object, somaxconn = '4096') => {
  const given: Record<string, unknown> = {
    services: [pool],
    resources: { sysctl: { 'net.core.somaxconn': somaxconn }, disks: [], netCounters: {}, netCounterGrowth: {} },
    'php-fpm-pools': { pools: [{ name: 'g', values }], unread: [], globals: {} },
  };
  return new Proxy({} as Facts, { get: (_, id) => (given[String(id)] === undefined ? absent('not given') : known(given[String(id)])) });
};

describe('the accept queue of a php-fpm pool', () => {
  it('is made longer on the line that sets it', () => {
    const plan = fix.plan(finding(3), facts({ 'listen.backlog': { value: '3', source: 'file:/p.conf:9', text: 'listen.backlog = 3' } }));
    expect(plan?.steps).toMatchObject([
      { path: '/p.conf', line: 9, before: 'listen.backlog = 3', after: 'listen.backlog = 1024' },
      { argv: ['systemctl', 'restart', 'php8.2-fpm.service'] },
    ]);
  });

  it('gets a line of its own where none sets it', () => {
    const plan = fix.plan(finding(511), facts({ listen: { value: '/run/g.sock', source: 'file:/p.conf:4', text: 'listen = /run/g.sock' } }));
    expect(plan?.steps[0]).toMatchObject({ before: 'listen = /run/g.sock', after: 'listen = /run/g.sock\nlisten.backlog = 1024' });
  });

  it("is longer at once where only the kernel's limit cuts it", () => {
    const plan = fix.plan(finding(128), facts({}, '128'));
    expect(plan?.steps.map(step => step.kind)).toEqual(['edit', 'command', 'command']);
    expect(plan?.steps[1]).toMatchObject({ argv: ['sysctl', '-w', 'net.core.somaxconn=4096'], undo: ['sysctl', '-w', 'net.core.somaxconn=128'] });
  });

  it('is left to a person where its setting is not found', () => {
    expect(fix.plan(finding(3), facts({}))).toMatchObject({ automatic: false });
  });

  it('is long enough at a thousand', () => {
    expect(fix.plan(finding(4096), facts({}))).toBeUndefined();
  });
});
