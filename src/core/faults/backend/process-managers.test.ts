import { describe, expect, it } from 'vitest';
import type { Fault } from '../../model/fault.ts';
import type { Hop } from '../../model/facts/hop.ts';
import type { ManagedProgram, ProgramLine } from '../../model/facts/managed-program.ts';
import type { Finding } from '../../model/finding.ts';
import repairStart from '../../fixes/repair-start.ts';
import startUnit from '../../fixes/start-unit.ts';
import traceWorkerCrash from '../../fixes/trace-worker-crash.ts';
import crashLoop from './backend-crash-loop.ts';
import crashing from './backend-crashing.ts';
import down from './backend-down.ts';
import { address, detections, eventOf, hopOf, lostHop, nowMs, symptomOf, unitOf, without } from './testing.ts';

const faults = { down: down as unknown as Fault, loop: crashLoop as unknown as Fault, crashing: crashing as unknown as Fault };

function line(kind: ProgramLine['kind'], agoMs: number, change: Partial<ProgramLine> = {}): ProgramLine {
  return { kind, timeMs: nowMs - agoMs, text: `${kind} line`, source: 'file:/home/deploy/.pm2/pm2.log', instance: '0', ...change };
}

function program(change: Partial<ManagedProgram> = {}): ManagedProgram {
  return {
    id: 'pm2:api',
    manager: 'pm2',
    name: 'api',
    label: 'pm2 app api',
    state: 'stopped',
    word: 'stopped',
    user: 'deploy',
    home: '/home/deploy/.pm2',
    pids: [],
    instances: 1,
    addresses: [{ value: { kind: 'tcp', host: '*', port: 8017 }, source: 'file:/out.log:1', text: 'listening on port 8017' }],
    logFiles: [],
    lines: [line('stop-asked', 61_000), line('ended', 60_500, { asked: true, status: 0 })],
    words: [],
    ...change,
  };
}

function lost(own: ManagedProgram | undefined): Hop {
  return without(lostHop(own === undefined ? {} : { program: own }), 'unit', ...(own === undefined ? (['service'] as const) : []));
}

const errored = program({
  state: 'given-up',
  word: 'errored',
  lines: [line('ended', 62_000, { status: 1 }), line('ended', 61_000, { status: 1 }), line('gave-up', 60_900, { tries: 16 })],
  words: [{ source: 'file:/home/deploy/.pm2/logs/api-error.log', text: 'Error: DB is not set' }],
});

/** The finding as far as a fix looks at it. */
function asFinding(found: unknown): Finding {
  return found as Finding;
}

describe('backend-down', () => {
  it('names the app that somebody stopped, and starts it as its user', () => {
    const [found] = detections(faults.down, { hops: [lost(program())] });
    expect(found).toMatchObject({ confidence: 'confirmed', status: 'active', messageId: 'program', subject: { name: 'pm2 app api', peers: [address] } });
    expect(found?.evidence.map(one => one.text)).toEqual(expect.arrayContaining(['stop-asked line', 'listening on port 8017']));
    const plan = startUnit.plan(asFinding(found), {} as never);
    expect(plan).toMatchObject({
      automatic: true,
      steps: [{ kind: 'command', argv: ['runuser', '-u', 'deploy', '--', 'env', 'PM2_HOME=/home/deploy/.pm2', 'pm2', 'start', 'api'] }],
    });
  });

  it('is only likely of an app that its name or its time alone speaks for, and leaves its start to a person', () => {
    const stoppedPrograms = [{ program: program({ addresses: [] }), named: false, signs: ['it ended when the requests began to fail'], weight: 3 }];
    const search = (stopped: unknown[]) => ({ hops: [lost(undefined)], 'lost-peers': [{ peerId: address, found: [], stopped, stoppedPrograms }] });
    const [found] = detections(faults.down, search([]));
    expect(found).toMatchObject({ confidence: 'likely', messageId: 'program-probably' });
    expect(startUnit.plan(asFinding(found), {} as never)).toMatchObject({ automatic: false, steps: [{ kind: 'manual' }] });
    const unit = unitOf({ name: 'cart.service', activeState: 'failed', execMainExitMs: nowMs - 60_500 });
    expect(detections(faults.down, search([{ unit, signs: ['x'], weight: 5 }]))).toMatchObject([{ subject: { id: 'unit:cart.service' } }]);
  });

  it('takes no stopped unit for it where two apps fit better and equally well', () => {
    const apps = ['a', 'b'].map(name => ({ program: program({ name, addresses: [] }), named: false, signs: ['it is started again and again'], weight: 5 }));
    const unit = unitOf({ name: 'queue.service', activeState: 'inactive', execMainExitMs: nowMs - 60_500 });
    const facts = {
      hops: [lost(undefined)],
      'lost-peers': [{ peerId: address, found: [], stopped: [{ unit, signs: ['x'], weight: 4 }], stoppedPrograms: apps }],
    };
    expect(detections(faults.down, facts).map(one => one.subject.id)).not.toContain('unit:queue.service');
  });

  it('is only likely of an app whose manager is gone, and brings the saved list back', () => {
    const [found] = detections(faults.down, { hops: [lost(program({ isManagerGone: true, word: 'without its daemon' }))] });
    expect(found).toMatchObject({ confidence: 'likely', messageId: 'program-lost', data: { owner: 'deploy' } });
    const plan = startUnit.plan(asFinding(found), {} as never);
    expect(plan).toMatchObject({ automatic: false, steps: [{ commands: expect.arrayContaining([expect.stringContaining('pm2 resurrect')]) }] });
  });

  it('is silent where the app is started in vain', () => {
    expect(detections(faults.down, { hops: [lost(errored)] })).toEqual([]);
  });

  it('does not confirm it of a program that ended a moment ago and is about to be started again', () => {
    const between = program({ state: 'waiting', word: 'EXITED', manager: 'supervisor', lines: [line('ended', 700, { status: 0 })] });
    expect(detections(faults.down, { hops: [lost(between)] })).toMatchObject([{ confidence: 'likely', messageId: 'program-between' }]);
    // With another end before it, it is in a loop.
    const loop = { ...between, lines: [line('ended', 9000, { status: 1 }), line('starting', 8000), ...between.lines] };
    expect(detections(faults.down, { hops: [lost(loop)] })).toEqual([]);
  });

  it('says whose programs could not be seen', () => {
    const facts = {
      hops: [lost(undefined)],
      listeners: [],
      symptoms: [],
      'managed-programs': { state: 'known', value: [], problems: ["The apps of deploy's pm2 daemon: permission denied (run as root to read it)"] },
    };
    const unknown = { state: 'absent', why: 'not given' };
    const given = { ...Object.fromEntries((faults.down.meta.uses ?? []).map(id => [id, unknown])), ...facts };
    const found = [...faults.down.detect(given as never, { sinceMs: nowMs - 900_000, nowMs } as never)];
    expect(found).toMatchObject([{ confidence: 'likely', messageId: 'hidden', data: { hidden: expect.stringContaining("deploy's pm2") } }]);
  });
});

describe('backend-crash-loop', () => {
  it('names the app that its manager gave up on, with its own error', () => {
    const [found] = detections(faults.loop, { hops: [lost(errored)] });
    expect(found).toMatchObject({ confidence: 'confirmed', messageId: 'program-given-up', data: { ends: 16, ended: 'ends with status 1', word: 'errored' } });
    expect(found?.evidence.map(one => one.text)).toContain('Error: DB is not set');
    const commands = repairStart.plan(asFinding(found), {} as never)?.steps.flatMap(step => (step.kind === 'manual' ? step.commands : []));
    expect(commands).toContain('runuser -u deploy -- env PM2_HOME=/home/deploy/.pm2 pm2 restart api');
  });

  it('confirms no loop of ends with status 0 between which the app may have served', () => {
    const ends = (status: number) => [line('ended', 9000, { status }), line('starting', 8000), line('ended', 700, { status })];
    const facts = (status: number, lastGoodMs: number) => ({
      hops: [lost(program({ state: 'waiting', lines: ends(status) }))],
      'nginx-access-log': { total: 90, byStatus: { '200': 80 }, byPeer: [], lastGoodMs },
    });
    expect(detections(faults.loop, facts(0, nowMs - 900))).toMatchObject([{ confidence: 'likely', messageId: 'program-orderly' }]);
    expect(detections(faults.loop, facts(1, nowMs - 900))).toMatchObject([{ confidence: 'confirmed', messageId: 'program-between-tries' }]);
    expect(detections(faults.loop, facts(0, nowMs - 300_000))).toMatchObject([{ confidence: 'confirmed', messageId: 'program-between-tries' }]);
  });

  it('is silent where the app was stopped, or gave up a week ago and runs', () => {
    expect(detections(faults.loop, { hops: [lost(program())] })).toEqual([]);
    const old = program({ state: 'running', lines: errored.lines.map(one => ({ ...one, timeMs: one.timeMs - 604_800_000 })) });
    expect(detections(faults.loop, { hops: [hopOf({ program: old, symptoms: [symptomOf('premature-close')] })] })).toEqual([]);
  });
});

describe('backend-crashing', () => {
  const cut = symptomOf('premature-close');
  const exit = eventOf('worker-exit', 1500, { text: 'App [api:1] exited with code [1] via signal [SIGINT]' });
  const running = program({ state: 'running', instances: 2, lines: [line('ended', 1500, { status: 1 })] });

  it('names the process that ended by itself with requests under way', () => {
    const [found] = detections(faults.crashing, { hops: [hopOf({ program: running, symptoms: [cut], events: [exit] })] });
    expect(found).toMatchObject({ confidence: 'confirmed', messageId: 'exit', title: expect.stringContaining('end by themselves') });
    expect(traceWorkerCrash.plan(asFinding(found), {} as never)?.steps[0]).toMatchObject({
      commands: [expect.stringContaining('pm2 logs api --err'), expect.anything()],
    });
  });

  it('names the process that somebody killed, though its manager started it at once', () => {
    const killed = eventOf('worker-signal', 1500, { signal: 9, text: 'App [api:0] exited with code [0] via signal [SIGKILL]' });
    const hop = hopOf({ program: { ...running, instances: 1 }, symptoms: [cut], events: [killed, eventOf('started', 1400)] });
    expect(detections(faults.crashing, { hops: [hop], 'kernel-log': [] })).toMatchObject([{ messageId: 'killed', confidence: 'likely' }]);
  });

  it('is silent without a manager that tells of it, and where it ended at another time', () => {
    expect(detections(faults.crashing, { hops: [hopOf({ symptoms: [cut], events: [exit] })] })).toEqual([]);
    const early = { ...exit, timeMs: nowMs - 600_000 };
    expect(detections(faults.crashing, { hops: [hopOf({ program: running, symptoms: [cut], events: [early] })] })).toEqual([]);
  });
});
