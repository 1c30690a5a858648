import { describe, expect, it } from 'vitest';
import { absent, known } from '../model/fact.ts';
import type { Facts } from '../model/facts.ts';
import type { Finding } from '../model/finding.ts';
import raiseWorkerTimeout from './raise-worker-timeout.ts';
import restartHung from './restart-hung-backend.ts';
import restartWithoutGap from './restart-without-a-gap.ts';
import startUnit from './start-unit.ts';

const findingWith = (fixData: Readonly<Record<string, unknown>>, confidence = 'confirmed'): Finding =>
  ({ confidence, subject: { kind: 'service', id: 's', name: 'orders', peers: ['127.0.0.1:8017'] }, fixData }) as unknown as Finding;
const factsOf = (given: Readonly<Record<string, unknown>>): Facts =>
  new Proxy({} as Facts, { get: (_, id) => (given[String(id)] === undefined ? absent('not given') : known(given[String(id)])) });

describe('start-unit', () => {
  it('starts the unit that is surely the one', () => {
    expect(startUnit.plan(findingWith({ unit: 'orders.service', sure: true }), factsOf({}))).toMatchObject({
      automatic: true,
      steps: [{ kind: 'command', argv: ['systemctl', 'start', 'orders.service'], undo: ['systemctl', 'stop', 'orders.service'] }],
    });
  });

  it('leaves a masked one, and one that is only probably right, to a person', () => {
    expect(startUnit.plan(findingWith({ unit: 'orders.service', sure: true, masked: true }), factsOf({}))).toMatchObject({
      automatic: false,
      steps: [{ kind: 'manual' }],
    });
    expect(startUnit.plan(findingWith({ unit: 'orders.service', sure: false }), factsOf({}))).toMatchObject({ automatic: false });
  });
});

describe('start-unit, where a plain start would come to nothing', () => {
  const planFor = (trouble: string, unit = 'orders.service', facts = factsOf({})) =>
    startUnit.plan(findingWith({ unit, sure: true, trouble, said: 'what was said' }), facts);

  it.each(['failed', 'short', 'dependency', 'condition', 'stopping'])('leaves it to a person: %s', trouble => {
    const plan = planFor(trouble);
    expect(plan).toMatchObject({ automatic: false, steps: [{ kind: 'manual' }] });
    expect(JSON.stringify(plan).includes('what was said')).toBe(trouble !== 'stopping' && trouble !== 'short');
  });

  it('lets php-fpm itself say what is wrong with its files, where its program is known', () => {
    const fpm = (unit: string) => factsOf({ services: [{ id: 'php-fpm:www', kind: 'php-fpm', unit }] });
    expect(JSON.stringify(planFor('failed', 'php8.2-fpm.service', fpm('php8.2-fpm.service')))).toContain('php-fpm8.2 -t');
    expect(JSON.stringify(planFor('failed', 'web.service', fpm('web.service')))).not.toContain(' -t"');
  });
});

describe('restart-without-a-gap', () => {
  it('waits for what is only just being started', () => {
    expect(restartWithoutGap.plan(findingWith({ unit: 'orders.service', isStarting: true }), factsOf({}))).toMatchObject({
      automatic: false,
      summary: 'Wait until orders.service is up, and see what it is doing',
    });
  });

  it('gives the children of php-fpm time, where it was a reload already', () => {
    const pools = { pools: [{ name: 'shop', mainConfig: '/opt/php/php-fpm.conf', values: {} }] };
    const plan = restartWithoutGap.plan(findingWith({ unit: 'fpm.service', isReload: true }), factsOf({ 'php-fpm-pools': pools }));
    expect(plan?.steps).toMatchObject([{ commands: ['grep -n process_control_timeout /opt/php/php-fpm.conf', 'systemctl reload fpm.service'] }]);
  });

  it('names the file of the php-fpm that was reloaded, where there are several', () => {
    const pool = (version: string, masterPid: number): object => ({ name: 'www', mainConfig: `/etc/php/${version}/fpm/php-fpm.conf`, masterPid, values: {} });
    const pools = { pools: [pool('7.4', 10), pool('8.2', 20)] };
    const service = (version: string, masterPid: number): object => ({
      id: `php-fpm:www#${masterPid}`,
      kind: 'php-fpm',
      unit: `php${version}-fpm.service`,
      masterPid,
    });
    const asked = (services: readonly object[]): unknown =>
      restartWithoutGap.plan(findingWith({ unit: 'php8.2-fpm.service', isReload: true }), factsOf({ 'php-fpm-pools': pools, services }))?.steps[0];
    const grep = 'grep -n process_control_timeout /etc/php/';
    expect(asked([service('7.4', 10), service('8.2', 20)])).toMatchObject({ commands: [`${grep}8.2/fpm/php-fpm.conf`, 'systemctl reload php8.2-fpm.service'] });
    expect(asked([])).toMatchObject({ commands: [`${grep}*/fpm/php-fpm.conf`, 'systemctl reload php8.2-fpm.service'] });
  });
});

describe('restart-hung-backend', () => {
  it('looks first, and lets stopped processes go on', () => {
    const plan = restartHung.plan(findingWith({ how: 'frozen', isStopped: true, pids: [7, 8], unit: 'orders.service' }), factsOf({}));
    expect(plan?.steps.map(step => (step.kind === 'command' ? step.argv[0] : step.kind))).toEqual(['ps', 'systemctl']);
    expect(plan?.steps[1]).toMatchObject({ argv: ['systemctl', 'kill', '-s', 'CONT', 'orders.service'] });
  });

  it('does not restart by itself what waits for a disk, or is only probably hung', () => {
    expect(restartHung.plan(findingWith({ how: 'frozen', isStopped: false, pids: [7], unit: 'orders.service' }), factsOf({}))).toMatchObject({
      automatic: false,
    });
    expect(restartHung.plan(findingWith({ how: 'silent', isStopped: false, pids: [7], unit: 'orders.service' }, 'likely'), factsOf({}))).toMatchObject({
      automatic: false,
    });
  });
});

describe('raise-worker-timeout', () => {
  const line = 'request_terminate_timeout = 5s  ; since the incident';
  const setting = { value: '5s', source: 'file:/etc/php/8.2/fpm/pool.d/shop.conf:12', text: line };
  const service = { id: 'php-fpm:shop', kind: 'php-fpm', name: 'php-fpm pool shop', unit: 'php8.2-fpm.service', masterPid: 9, configFiles: [] };
  const facts = factsOf({
    services: [service],
    'php-fpm-pools': { pools: [{ name: 'shop', mainConfig: '/etc/php/8.2/fpm/php-fpm.conf', values: { request_terminate_timeout: setting } }] },
    processes: [],
  });

  it("puts the limit of a pool just below nginx's own", () => {
    expect(raiseWorkerTimeout.plan(findingWith({ service: service.id, limitMs: 5000, proxyMs: 60_000 }), facts)).toMatchObject({
      automatic: true,
      steps: [
        { kind: 'edit', line: 12, before: line, after: 'request_terminate_timeout = 54s  ; since the incident' },
        { kind: 'command', argv: ['systemctl', 'reload', 'php8.2-fpm.service'] },
      ],
    });
  });

  it('changes nothing where nginx would not wait longer', () => {
    expect(raiseWorkerTimeout.plan(findingWith({ service: service.id, limitMs: 60_000, proxyMs: 60_000 }), facts)).toMatchObject({
      automatic: false,
      steps: [{ kind: 'manual' }],
    });
  });
});
