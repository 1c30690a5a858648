import { describe, expect, it } from 'vitest';
import type { Fault } from '../../model/fault.ts';
import type { Hop } from '../../model/facts/hop.ts';
import type { ProgramLine } from '../../model/facts/managed-program.ts';
import workerRecycled from './worker-recycled.ts';
import { context, detections, eventOf, hopOf, nowMs, probeOf, processOf, serviceOf, symptomOf, unitOf } from './testing.ts';

const fault = workerRecycled as unknown as Fault;
const lost = symptomOf('reset', { firstMs: nowMs - 240_000, lastMs: nowMs - 3000 });
/** The log's lines as a worker is replaced, at the first and the last lost request. */
const replaced = [eventOf('worker-recycled', 240_400, { pid: 101, seconds: 0.8 }), eventOf('worker-recycled', 3200, { pid: 102 })];

function commands(values: Record<string, string>, pid = 100) {
  return {
    commands: [
      {
        of: { kind: 'process', pid },
        service: 'gunicorn',
        role: 'master',
        listen: [],
        configFiles: [],
        values: Object.fromEntries(Object.entries(values).map(([name, value]) => [name, { value, source: 'argv of 100' }])),
      },
    ],
    files: [],
    unread: [],
  };
}

const found = (hop: Hop, values: Record<string, string> = { 'max-requests': '500' }) => detections(fault, { hops: [hop], 'backend-configs': commands(values) });

describe('worker-recycled fires', () => {
  it('where each lost request falls into the time in which a worker was replaced', () => {
    expect(found(hopOf({ symptoms: [lost], events: replaced }))).toMatchObject([
      {
        confidence: 'confirmed',
        status: 'active',
        messageId: 'set',
        data: { limit: 500, name: 'max_requests', times: '2 times' },
        symptoms: [lost.id],
        fixData: { service: 'unit:orders.service', recycles: 2 },
      },
    ]);
  });

  it('by the log alone where the program counts for itself', () => {
    expect(found(hopOf({ service: serviceOf({ kind: 'node' }), symptoms: [lost], events: replaced }), {})).toMatchObject([
      { confidence: 'confirmed', messageId: 'told' },
    ]);
  });

  it('less surely by the start times of workers where the log is silent and a limit is in force', () => {
    const workers = [processOf(101, { startMs: nowMs - 239_500 }), processOf(102, { startMs: nowMs - 2500 })];
    expect(found(hopOf({ symptoms: [lost], workers }))).toMatchObject([{ confidence: 'likely', messageId: 'set' }]);
  });

  it('where the one process of a server ends in order and systemd starts it again', () => {
    const events = [
      eventOf('started', 60_000, { text: 'Started orders.service - orders.' }),
      eventOf('stopped', 31_000, { text: 'INFO:     Finished server process [100]' }),
      eventOf('ended', 30_900, { text: 'orders.service: Deactivated successfully.' }),
      eventOf('restarting', 30_300, { text: 'orders.service: Scheduled restart job, restart counter is at 1.' }),
      eventOf('started', 30_200, { text: 'Started orders.service - orders.' }),
      eventOf('started', 29_000, { text: 'INFO:     Uvicorn running on http://127.0.0.1:8017 (Press CTRL+C to quit)' }),
    ];
    const refused = symptomOf('connect-refused', { firstMs: nowMs - 30_500, lastMs: nowMs - 29_500 });
    const hop = hopOf({ service: serviceOf({ kind: 'uvicorn' }), unit: unitOf({ restarts: 1 }), symptoms: [refused], events });
    expect(found(hop, { 'limit-max-requests': '500' })).toMatchObject([{ confidence: 'confirmed', data: { name: '--limit-max-requests' } }]);
    // Nobody set a limit: why it ended is not known.
    expect(found(hop, {})).toEqual([]);
    const failed = { ...hop, events: [...events.slice(0, 2), eventOf('worker-exit', 30_950), ...events.slice(2)] };
    expect(found(failed, { 'limit-max-requests': '500' })).toEqual([]);
  });

  it('while that one process is away, and for what came after badhop began to look', () => {
    const cycle = (agoMs: number, count: number) => [
      eventOf('ended', agoMs, { text: 'orders.service: Deactivated successfully.' }),
      eventOf('restarting', agoMs - 700, { text: `orders.service: Scheduled restart job, restart counter is at ${count}.` }),
      eventOf('started', agoMs - 800, { text: 'Started orders.service - orders.' }),
    ];
    const events = [...cycle(60_000, 1), eventOf('ended', 2500, { text: 'orders.service: Deactivated successfully.' })];
    const refused = symptomOf('connect-refused', { firstMs: nowMs - 59_500, lastMs: nowMs - 1500 });
    const unit = unitOf({ restarts: 1, activeState: 'activating', subState: 'auto-restart' });
    const hop = hopOf({ service: serviceOf({ kind: 'uvicorn' }), unit, symptoms: [refused], events });
    const limit = { 'limit-max-requests': '500' };
    expect(found(hop, limit)).toMatchObject([{ confidence: 'confirmed', messageId: 'set' }]);
    expect(found({ ...hop, unit: unitOf({ restarts: 1 }) }, limit)).toHaveLength(1);
    // Stopped by hand, it stays away; and a failure is no replacement.
    expect(found({ ...hop, unit: unitOf({ restarts: 1, activeState: 'inactive' }) }, limit)).toEqual([]);
    const once = { ...hop, symptoms: [symptomOf('connect-refused', { firstMs: nowMs - 2200, lastMs: nowMs - 1500 })] };
    expect(found({ ...once, events: events.slice(-1) }, limit)).toHaveLength(1);
    expect(found({ ...once, events: [eventOf('worker-exit', 2600), ...events.slice(-1)] }, limit)).toEqual([]);
    // The end itself came after the journal had been read.
    const late = symptomOf('connect-refused', { firstMs: nowMs - 59_500, lastMs: nowMs + 300 });
    expect(found({ ...hop, unit: unitOf({ restarts: 1 }), events: cycle(60_000, 1), symptoms: [late] }, limit)).toHaveLength(1);
  });

  it('less surely where the journal is closed to this user, and systemd tells that it ended in order', () => {
    const unit = unitOf({ restarts: 3, activeState: 'activating', subState: 'auto-restart', execMainCode: 'exited', restartPolicy: 'always' });
    const refused = symptomOf('connect-refused');
    const hop = hopOf({ service: serviceOf({ kind: 'uvicorn' }), unit, symptoms: [refused] });
    const log = (good: number, lastGoodMs = nowMs - 2000) => ({ total: good + 5, byStatus: { '200': good, '502': 5 }, byPeer: [], lastGoodMs });
    const asked = (one: Hop, good?: number, values: Record<string, string> = { 'limit-max-requests': '20' }, lastGoodMs?: number) =>
      detections(fault, {
        hops: [one],
        'backend-configs': commands(values),
        ...(good === undefined ? {} : { 'nginx-access-log': log(good, lastGoodMs) }),
      });
    expect(asked(hop, 60)).toMatchObject([{ confidence: 'likely', messageId: 'counted', symptoms: [refused.id], data: { times: '3 times' } }]);
    expect(asked(hop)).toMatchObject([{ confidence: 'possible' }]);
    // Without a limit, without as many answers, with a bad end, or with a master that outlives its workers it is something else.
    expect(asked(hop, 60, {})).toEqual([]);
    expect(asked(hop, 6)).toEqual([]);
    expect(asked(hop, 60, { 'limit-max-requests': '20' }, nowMs - 120_000)).toEqual([]);
    expect(asked({ ...hop, unit: { ...unit, result: 'exit-code', execMainStatus: 1 } }, 60)).toEqual([]);
    expect(asked({ ...hop, service: serviceOf() }, 60, { 'max-requests': '20' })).toEqual([]);
    // While it runs, how it ended is not known: it must have served its number of requests each time.
    const running = { ...hop, unit: unitOf({ restarts: 3, restartPolicy: 'always' }) };
    expect(asked(running, 60)).toMatchObject([{ confidence: 'likely' }]);
    expect(asked(running, 20)).toMatchObject([{ confidence: 'possible' }]);
    expect(asked(running, 2000)).toMatchObject([{ confidence: 'possible' }]);
    expect(asked({ ...running, unit: unitOf({ restarts: 0, restartPolicy: 'always' }) }, 60)).toEqual([]);
    expect(asked({ ...running, unit: unitOf({ restarts: 3, restartPolicy: 'on-failure' }) }, 60)).toEqual([]);
  });

  it('where another manager starts the one process again after an end with status 0, also while it is away', () => {
    const line = (kind: ProgramLine['kind'], agoMs: number, change: Partial<ProgramLine> = {}): ProgramLine => ({
      kind,
      timeMs: nowMs - agoMs,
      text: `${kind} ${agoMs}`,
      source: 'file:/var/log/supervisor/supervisord.log',
      instance: 'quote',
      ...change,
    });
    const quote = {
      id: 'supervisor:quote',
      manager: 'supervisor' as const,
      name: 'quote',
      label: 'supervisor program quote',
      state: 'running' as const,
      word: 'RUNNING',
      home: '/etc/supervisor/conf.d/quote.conf',
      pids: [],
      instances: 1,
      command: '/usr/bin/uvicorn --limit-max-requests 20 quote:app',
      addresses: [],
      logFiles: [],
      words: [],
      lines: [line('starting', 60_000), line('ended', 31_000, { status: 0 }), line('starting', 30_500), line('running', 30_400)],
    };
    const events = [eventOf('worker-exit', 31_000, { text: 'ended 31000' })];
    const refused = symptomOf('connect-refused', { firstMs: nowMs - 30_900, lastMs: nowMs - 29_500 });
    const hop = hopOf({ service: serviceOf({ kind: 'uvicorn' }), program: quote, symptoms: [refused], events });
    const none = { 'backend-configs': { commands: [], files: [], unread: [] } };
    expect(detections(fault, { hops: [hop], ...none })).toMatchObject([{ confidence: 'confirmed', messageId: 'set', data: { limit: 20 } }]);
    const answered = (total: number) => ({ total: 90, byPeer: [{ key: hop.peer.id, total, failed: 3 }] });
    expect(detections(fault, { hops: [hop], ...none, 'nginx-access-log': answered(30) })).toHaveLength(1);
    // One that cannot start may end as quietly, and has answered nobody.
    expect(detections(fault, { hops: [hop], ...none, 'nginx-access-log': answered(3) })).toEqual([]);
    const failed = { ...quote, lines: quote.lines.map(one => (one.kind === 'ended' ? { ...one, status: 1 } : one)) };
    expect(detections(fault, { hops: [{ ...hop, program: failed }], ...none })).toEqual([]);
  });

  it('however often a process manager ends the one process for its memory, and from wherever the window begins', () => {
    const agos = [19_000, 16_000, 13_000, 10_000, 7000, 4000];
    const lines = agos.map((agoMs): ProgramLine => ({
      kind: 'memory',
      timeMs: nowMs - agoMs,
      text: `memory ${agoMs}`,
      source: 'file:/pm2.log',
      instance: '0',
    }));
    const events = agos.map(agoMs => eventOf('worker-recycled', agoMs, { text: `memory ${agoMs}`, source: 'file:/pm2.log', seconds: 3 }));
    const thumbs = { id: 'pm2:thumbs', manager: 'pm2' as const, name: 'thumbs', label: 'pm2 app thumbs', state: 'running' as const, word: 'online' };
    const program = { ...thumbs, home: '/home/media/.pm2', pids: [], instances: 1, addresses: [], logFiles: [], words: [], lines };
    const refused = symptomOf('connect-refused', { firstMs: nowMs - 20_000, lastMs: nowMs - 3000 });
    const cut = symptomOf('reset', { firstMs: nowMs - 15_500, lastMs: nowMs - 9500 });
    const hop = hopOf({ service: serviceOf({ kind: 'node' }), program, symptoms: [refused, cut], events });
    const short = { sinceMs: nowMs - 20_000 };
    expect(detections(fault, { hops: [hop] }, short)).toMatchObject([{ confidence: 'confirmed', messageId: 'memory', symptoms: [refused.id, cut.id] }]);
    // The first failure lies before anything that the log tells of a longer window.
    expect(detections(fault, { hops: [hop] }, { sinceMs: nowMs - 60_000 })).toMatchObject([{ symptoms: [cut.id] }]);
    // Where one of several instances ends, the others serve.
    expect(detections(fault, { hops: [{ ...hop, program: { ...program, instances: 2 } }] }, short)).toEqual([]);
  });

  it('as no more than possible where workers are replaced so often that anything falls together with it', () => {
    const all = Array.from({ length: 60 }, (_, index) => eventOf('worker-recycled', 60_000 - index * 4000 + 500, { pid: 500 + index }));
    const one = symptomOf('reset', { firstMs: nowMs - 20_000, lastMs: nowMs - 20_000 });
    expect(found(hopOf({ symptoms: [one], events: all }))).toMatchObject([{ confidence: 'possible' }]);
  });

  it('where requests waited in vain for the next worker of a server that has but one', () => {
    const queue = symptomOf('connect-queue-full', { firstMs: nowMs - 239_900, lastMs: nowMs - 235_000 });
    const hop = hopOf({
      service: serviceOf({ workerPids: [101] }),
      symptoms: [queue],
      events: replaced.slice(0, 1),
      own: probeOf({ state: 'answered', speaks: 'http', answer: { complete: true } }),
    });
    expect(found(hop)).toMatchObject([{ confidence: 'likely', messageId: 'queue', symptoms: [queue.id] }]);
    const late = symptomOf('read-timeout', { firstMs: nowMs - 239_900 + 60_000, lastMs: nowMs - 235_000 + 60_000 });
    expect(found({ ...hop, symptoms: [late] })).toMatchObject([{ messageId: 'queue' }]);
    // One of two is there all the time; a page that is slow at other times is slow by itself; nothing is known of a server that does not answer.
    expect(found({ ...hop, service: serviceOf() })).toEqual([]);
    expect(found({ ...hop, symptoms: [symptomOf('read-timeout', { firstMs: nowMs - 400_000, lastMs: nowMs - 170_000 })] })).toEqual([]);
    const { own: _own, ...unasked } = hop;
    expect(found(unasked)).toEqual([]);
  });

  it('as past where it has stopped', () => {
    expect(found(hopOf({ symptoms: [{ ...lost, ongoing: false }], events: replaced }))).toMatchObject([{ status: 'past' }]);
  });
});

describe('worker-recycled is silent', () => {
  it('where requests also fail while no worker is replaced', () => {
    expect(found(hopOf({ symptoms: [lost], events: replaced.slice(0, 1) }))).toEqual([]);
  });

  it('where the requests were cut by a crash in the same seconds', () => {
    const crashes = [eventOf('worker-signal', 240_000, { signal: 11 }), eventOf('worker-signal', 3000, { signal: 11 })];
    expect(found(hopOf({ symptoms: [lost], events: [...replaced, ...crashes] }))).toEqual([]);
  });

  it('where workers are young and nothing limits their requests', () => {
    const workers = [processOf(101, { startMs: nowMs - 239_500 }), processOf(102, { startMs: nowMs - 2500 })];
    expect(found(hopOf({ symptoms: [lost], workers }), {})).toEqual([]);
  });

  it('where workers come and go with the load', () => {
    const workers = [processOf(101, { startMs: nowMs - 239_500 }), processOf(102, { startMs: nowMs - 2500 })];
    expect(found(hopOf({ service: serviceOf({ manager: 'dynamic' }), symptoms: [lost], workers }))).toEqual([]);
  });

  it('where workers are replaced and nothing fails', () => {
    expect(found(hopOf({ events: replaced }))).toEqual([]);
  });

  it('where a master that keeps the socket refuses connections', () => {
    const refused = symptomOf('connect-refused', { firstMs: nowMs - 240_000, lastMs: nowMs - 3000 });
    expect(found(hopOf({ symptoms: [refused], events: replaced }))).toEqual([]);
  });

  it('and says so where a limit is in force and no worker reached it', () => {
    const facts = { hops: [hopOf({ symptoms: [lost] })], symptoms: [], 'backend-configs': { state: 'known', value: commands({ 'max-requests': '500' }) } };
    const said = [...fault.detect({ ...facts, 'php-fpm-pools': { state: 'absent', why: '' } } as unknown as Parameters<Fault['detect']>[0], context)];
    expect(said).toMatchObject([{ ruledOut: true, because: expect.stringContaining('500 requests') }]);
  });
});
