import { describe, expect, it } from 'vitest';
import type { RecordedFinding, ScenarioRecord } from '../lab/results.ts';
import { defineScenario } from '../lab/scenario.ts';
import type { Expectation, Scenario } from '../lab/scenario.ts';
import { exitCodeOf, percentile, scoreOf, totalsOf } from './accuracy-score.ts';

const leadsTo = new Map([
  ['address-mismatch', ['backend-down', 'no-live-upstreams']],
  ['backend-down', ['socket-stale', 'app-returned-5xx']],
  ['app-returned-5xx', ['auth-backend-failed']],
  ['backend-oom-killed', ['backend-down']],
  ['socket-stale', []],
  ['auth-backend-failed', []],
  ['no-live-upstreams', []],
  ['firewall-drop', []],
]);

function scenario(expected: Expectation = {}, more: Partial<Scenario> = {}): Scenario {
  return defineScenario({ name: 'one', title: 'A host', kind: 'fault', fault: 'backend-down', setUp: () => Promise.resolve(), expect: expected, ...more });
}

const { fault: _, ...faultless } = scenario();
const healthy = defineScenario({ ...faultless, kind: 'healthy', expect: {} });

function found(fault: string, more: Partial<RecordedFinding> = {}): RecordedFinding {
  return { fault, confidence: 'confirmed', status: 'active', share: 1, ...more };
}

function record(findings: readonly RecordedFinding[] | undefined, more: Partial<ScenarioRecord> = {}): ScenarioRecord {
  return {
    scenario: 'one',
    kind: 'fault',
    result: 'passed',
    at: '2026-11-21T07:00:00.000Z',
    machine: '2 cores',
    seconds: 4,
    diagnosisMs: 900,
    ...(findings && { findings }),
    ...more,
  };
}

const score = (told: Scenario, ...findings: readonly RecordedFinding[]) => scoreOf(told, record(findings), leadsTo);

describe('the rank', () => {
  it('is the place of the expected fault', () => {
    expect(score(scenario(), found('backend-down')).rank).toBe(1);
    expect(score(scenario(), found('firewall-drop'), found('no-live-upstreams'), found('backend-down')).rank).toBe(3);
    expect(score(scenario(), found('firewall-drop')).rank).toBeUndefined();
  });

  it('takes the first of several names that are open', () => {
    expect(score(scenario({ orFirst: ['socket-stale'] }), found('socket-stale'), found('backend-down')).rank).toBe(1);
  });

  it('does not take a consequence for the fault', () => {
    expect(score(scenario(), found('socket-stale'), found('backend-down')).rank).toBe(2);
  });
});

describe('sure and wrong', () => {
  const wrong = (told: Scenario, ...findings: readonly RecordedFinding[]) => score(told, ...findings).confidentlyWrong;

  it('is another fault, in any place', () => {
    expect(wrong(scenario(), found('firewall-drop'))).toEqual(['firewall-drop']);
    expect(wrong(scenario(), found('backend-down'), found('firewall-drop'), found('firewall-drop'))).toEqual(['firewall-drop']);
  });

  it('is not the expected fault, and not what the scenario names beside it', () => {
    expect(wrong(scenario({ findings: [{ fault: 'firewall-drop' }] }), found('backend-down'), found('firewall-drop'))).toEqual([]);
    expect(wrong(scenario({ orFirst: ['firewall-drop'] }), found('firewall-drop'))).toEqual([]);
    expect(wrong(scenario({ consequences: ['no-live-upstreams'] }), found('backend-down'), found('no-live-upstreams'))).toEqual([]);
  });

  it('is a finding that the scenario names as not active', () => {
    const told = scenario({ findings: [{ fault: 'firewall-drop', status: 'latent' }] });
    expect(wrong(told, found('backend-down'), found('firewall-drop'))).toEqual(['firewall-drop']);
  });

  it('is not a guess, and not what is past or latent', () => {
    const harmless = [
      found('firewall-drop', { confidence: 'likely' }),
      found('firewall-drop', { status: 'past' }),
      found('firewall-drop', { status: 'latent' }),
    ];
    expect(wrong(scenario(), ...harmless)).toEqual([]);
  });

  it('is not a consequence by the catalogue, however far, where its cause was found too', () => {
    expect(wrong(scenario(), found('backend-down', { confidence: 'likely' }), found('auth-backend-failed'))).toEqual([]);
  });

  it('is a consequence alone: it is taken for the root', () => {
    expect(wrong(scenario(), found('socket-stale'))).toEqual(['socket-stale']);
    expect(wrong(scenario({ consequences: ['no-live-upstreams'] }), found('no-live-upstreams'))).toEqual(['no-live-upstreams']);
  });

  it('is a cause of the root that the scenario does not name', () => {
    expect(wrong(scenario(), found('backend-oom-killed'), found('backend-down'))).toEqual(['backend-oom-killed']);
  });

  it('is what the scenario says must not be, whatever the catalogue says', () => {
    expect(wrong(scenario({ notFindings: ['socket-stale'] }), found('backend-down'), found('socket-stale'))).toEqual(['socket-stale']);
    const twin = scenario({}, { kind: 'twin', fault: 'address-mismatch', twinOf: 'backend-down' });
    expect(wrong(twin, found('address-mismatch'), found('backend-down'))).toEqual(['backend-down']);
  });

  it('is everything on a healthy host', () => {
    expect(wrong(healthy, found('backend-down'))).toEqual(['backend-down']);
  });
});

describe('silence', () => {
  it('is a report with nothing active, however unsure', () => {
    expect(score(healthy).isSilent).toBe(true);
    expect(score(healthy, found('firewall-drop', { status: 'latent' })).isSilent).toBe(true);
    expect(score(healthy, found('firewall-drop', { confidence: 'possible' })).isSilent).toBe(false);
  });

  it('is not a diagnosis that gave no report, and is nothing on a broken host', () => {
    expect(scoreOf(healthy, record(undefined, { result: 'failed', failedAt: 'diagnose' }), leadsTo).isSilent).toBe(false);
    expect(score(scenario()).isSilent).toBeUndefined();
  });
});

describe('the totals', () => {
  const { first: _first, ...open } = scenario().expect;
  const scores = [
    score(scenario(), found('backend-down')),
    score(scenario(), found('firewall-drop', { confidence: 'likely' }), found('backend-down')),
    score(scenario(), found('firewall-drop')),
    score({ ...scenario(), expect: open }),
    score(healthy),
    scoreOf(scenario(), record(undefined, { result: 'failed', failedAt: 'diagnose' }), leadsTo),
    scoreOf(scenario({}, { fault: 'socket-stale' }), record(undefined, { result: 'failed', failedAt: 'symptom' }), leadsTo),
  ];

  it('count a diagnosis without a report against badhop, and a break that broke nothing not', () => {
    const { diagnosisMs: _ms, ...slow } = record([found('backend-down')]);
    expect(totalsOf([...scores, scoreOf(scenario(), slow, leadsTo)], leadsTo)).toEqual({
      scenarios: 8,
      judged: 7,
      asExpected: 6,
      named: 5,
      top1: 2,
      top3: 3,
      open: 1,
      healthy: 1,
      silent: 1,
      confidentlyWrong: 1,
      medianMs: 900,
      p95Ms: 900,
      faultsCovered: 1,
      faults: 8,
    });
  });

  it('end the benchmark with the worst', () => {
    const code = (...chosen: readonly number[]) =>
      exitCodeOf(
        totalsOf(
          scores.filter((_score, index) => chosen.includes(index)),
          leadsTo,
        ),
        chosen.length,
      );
    expect(code(0, 1, 3, 4, 5)).toBe(0);
    expect(code(0, 6)).toBe(2);
    expect(code(0, 99)).toBe(2);
    expect(code()).toBe(2);
    expect(code(0, 2, 6)).toBe(1);
  });
});

describe('a percentile', () => {
  it('is a figure that was seen, by nearest rank', () => {
    const figures = Array.from({ length: 20 }, (_each, index) => 20 - index);
    expect(percentile(figures, 50)).toBe(10);
    expect(percentile(figures, 95)).toBe(19);
    expect(percentile([7], 95)).toBe(7);
    expect(percentile([], 50)).toBeUndefined();
  });
});
