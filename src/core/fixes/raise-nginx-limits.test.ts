import { describe, expect, it } from 'vitest';
import { isKnownCommand } from '../changes/commands.ts';
import { absent, known } from '../model/fact.ts';
import type { Facts } from '../model/facts.ts';
import type { Finding, FixPlan } from '../model/finding.ts';
import { endWorkersSteps } from '../model/open-files-room.ts';
import { parseNginxConf } from '../parsers/nginx-conf.ts';
import fix from './raise-nginx-limits.ts';

const path = '/etc/nginx/nginx.conf';
const nginx = {
  id: 'nginx',
  running: true,
  masterPid: 9,
  binary: '/usr/sbin/nginx',
  prefix: '/usr/share/nginx',
  configPath: path,
  globalDirectives: '',
  unit: 'nginx.service',
  workers: [{ pid: 11, startMs: 0, state: 'S', shuttingDown: false }],
};
const reload = ['systemctl', 'reload', 'nginx.service'];
const endOld = ['kill', '-s', 'QUIT', '11'];
const daemonReload = ['systemctl', 'daemon-reload'];
const restart = ['systemctl', 'restart', 'nginx.service'];

interface Given {
  readonly soft?: number;
  readonly hard?: number | undefined;
  readonly exceedsLimits?: boolean;
  /** Of the unit; `undefined` where there is no unit. */
  readonly unitLimit?: number | undefined;
  readonly unitPid?: number;
  readonly dropIns?: readonly string[];
  readonly text?: string;
}

const mainText = 'user www-data;\nevents {\n    worker_connections 768;\n}\nhttp {\n}\n';

function factsOf(given: Given): Facts {
  const { soft = 36, hard = 36, exceedsLimits, unitPid = 9, dropIns = [], text = mainText } = given;
  const unitLimit = 'unitLimit' in given ? given.unitLimit : soft;
  const config = { instanceId: 'nginx', mainPath: path, files: [{ path, text }], directives: parseNginxConf(text, path).directives, problems: [], unread: [] };
  const hardOf = 'hard' in given && given.hard === undefined ? {} : { openFilesHardLimit: hard };
  const all: Readonly<Record<string, unknown>> = {
    'nginx-config': [config],
    'nginx-instances': [nginx],
    'systemd-units': unitLimit === undefined ? [] : [{ name: 'nginx.service', mainPid: unitPid, limitNofile: unitLimit, dropIns }],
    'process-details': [
      { pid: 9, openFilesLimit: soft, ...hardOf, ...(exceedsLimits === undefined ? {} : { exceedsLimits }) },
      { pid: 11, openFiles: 34, openFilesLimit: soft },
    ],
  };
  return new Proxy({} as Facts, { get: (_, id) => (all[String(id)] === undefined ? absent('not given') : known(all[String(id)])) });
}

function planFor(given: Given, fixData: Readonly<Record<string, unknown>> = { limit: given.soft ?? 36, connections: 768 }): FixPlan | undefined {
  const finding = { confidence: 'confirmed', status: 'active', subject: { kind: 'nginx', id: 'nginx', name: 'nginx', peers: [] } };
  return fix.plan({ ...finding, fixData: { instance: 'nginx', ...fixData } } as unknown as Finding, factsOf(given));
}

const commands = (plan: FixPlan | undefined): unknown => plan?.steps.flatMap(step => (step.kind === 'command' ? [step.argv] : []));
const written = (plan: FixPlan | undefined): unknown => plan?.steps.flatMap(step => (step.kind === 'edit' ? [`${step.path}: ${step.after}`] : []));

describe('a reload', () => {
  it.each([
    ['its hard limit is high enough, as systemd leaves it', { soft: 1024, hard: 524_288 }],
    ['it may go above its hard limit', { exceedsLimits: true }],
    ['it may, and no unit is known', { exceedsLimits: true, unitLimit: undefined }],
  ])('is enough where %s, and full workers are told to end', (_name, given) => {
    const plan = planFor(given);
    expect(plan).toMatchObject({ automatic: true, risk: 'low' });
    expect(commands(plan)).toEqual([reload, endOld]);
    expect(written(plan)).toEqual([`${path}: worker_rlimit_nofile 9216;\nevents {`]);
  });

  it('gives what the hard limit allows where that suffices', () => {
    const plan = planFor({ soft: 512, hard: 4096 });
    expect(commands(plan)).toEqual([reload, endOld]);
    expect(written(plan)).toEqual([`${path}: worker_rlimit_nofile 4096;\nevents {`]);
  });

  it('gives as many connections as it has files for', () => {
    const plan = planFor({ soft: 1024, hard: 6000, text: mainText.replace('768', '400') }, { limit: 400 });
    expect(plan?.summary).toContain('from 400 to 2488');
    expect(commands(plan)).toEqual([reload]);
    expect(written(plan)).toEqual([`${path}:     worker_connections 2488;`, `${path}: worker_rlimit_nofile 6000;\nevents {`]);
  });

  it('sets no limit where the workers have it already', () => {
    const plan = planFor({ soft: 65_536, hard: 65_536, unitLimit: undefined }, { limit: 768 });
    expect(commands(plan)).toEqual([reload]);
    expect(written(plan)).toEqual([`${path}:     worker_connections 4096;`]);
  });
});

describe('a master that may not raise its hard limit', () => {
  const dropIn = '/etc/systemd/system/nginx.service.d';

  it.each([
    ['it has not the capability', { exceedsLimits: false }],
    ['its capabilities are not known', {}],
  ])('is started anew by its unit where %s', (_name, given) => {
    const plan = planFor({ ...given, dropIns: [`${dropIn}/limits.conf`] });
    expect(plan).toMatchObject({ automatic: true, risk: 'medium', validate: [expect.arrayContaining(['-t'])] });
    expect(written(plan)).toEqual([`${path}: worker_rlimit_nofile 9216;\nevents {`, `${dropIn}/z-badhop-open-files.conf: [Service]\nLimitNOFILE=9216\n`]);
    expect(commands(plan)).toEqual([daemonReload, restart]);
    expect(plan?.steps.at(-1)).toMatchObject({ undo: restart, disruptive: true, why: expect.stringContaining('its limit of 36') });
  });

  it('is started anew for its connections too', () => {
    const plan = planFor({ soft: 1024, hard: 1024 }, { limit: 768 });
    expect(written(plan)).toContain(`${dropIn}/badhop-open-files.conf: [Service]\nLimitNOFILE=9216\n`);
    expect(commands(plan)).toEqual([daemonReload, restart]);
  });

  it.each([
    ['no unit is known', { unitLimit: undefined }],
    ['its unit gives another limit', { unitLimit: 1024 }],
    ['it is not the main process of the unit', { unitPid: 8 }],
    ['its limits could not be read', { hard: undefined, unitLimit: undefined }],
  ])('is left to a person where %s', (_name, given) => {
    const plan = planFor(given);
    expect(plan).toMatchObject({ automatic: false, steps: [{ kind: 'manual' }, { kind: 'edit' }, { kind: 'command' }, { kind: 'command' }] });
    expect(JSON.stringify(plan?.steps[0])).toContain('prlimit --pid 9 --nofile=9216:9216');
    expect(commands(plan)).toEqual([reload, endOld]);
  });
});

it('tells many workers to end, in commands that a host takes, and none that ends already', () => {
  const workers = Array.from({ length: 120 }, (_, index) => ({ pid: 100 + index, startMs: 0, state: 'S', shuttingDown: index % 2 === 1 }));
  const steps = endWorkersSteps({ ...nginx, flavour: 'nginx', configureArguments: '', workers });
  const lines = steps.flatMap(step => (step.kind === 'command' ? [step.argv] : []));
  expect(lines.map(argv => argv.length - 3)).toEqual([50, 10]);
  expect(lines.every(isKnownCommand)).toBe(true);
  expect(lines.flat()).not.toContain('101');
});
