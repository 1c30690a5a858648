import { describe, expect, it } from 'vitest';
import type { ProbeResult } from '../model/probe.ts';
import type { Report } from '../model/report.ts';
import { sampleReports } from '../reporters/terminal.fixtures/sample-reports.ts';
import { answerText, isServed, liveRequest } from './live-request.ts';
import { judgeOutcome, type LiveAnswer } from './outcome.ts';
import { applicable, doTheSame, foundAgain, plansNamed } from './select-plans.ts';

const before: Report = sampleReports['two-roots'];
const [pool, api] = before.findings;
if (pool === undefined || api === undefined) throw new Error('the sample has no findings');
const quiet: Report = { ...sampleReports.healthy, findings: [], traffic: { requests: 214, failed: 0, explainedShare: 0, unexplainedShare: 0 } };
const silent: Report = { ...quiet, traffic: { ...quiet.traffic, requests: 0 } };
const base = { before, finding: api, seconds: 20, live: undefined, ownRequests: 0 };
const live: LiveAnswer = { what: 'A GET of / through nginx', servedBefore: false, servedAfter: true, before: '502', after: '200' };
const at = '2026-11-21T07:40:00.000Z';

describe('what became of a symptom', () => {
  it('is said with the requests since the change and before it', () => {
    expect(judgeOutcome({ ...base, after: quiet })).toEqual({
      state: 'ended',
      text: '0 of 214 requests failed in the 20 s since the change; before, 9 %.',
      seconds: 20,
      after: { requests: 214, failed: 0 },
      before: { requests: 20_412, failed: 1843 },
    });
  });

  it('goes on while its requests fail, and tells when the last did', () => {
    const [, refused] = before.symptoms;
    if (refused === undefined) throw new Error('the sample has no such symptom');
    const after = { ...quiet, symptoms: [{ ...refused, count: 3, lastAt: at }] };
    expect(judgeOutcome({ ...base, after })).toMatchObject({ state: 'goes-on', lastFailureMs: Date.parse(at), text: expect.stringContaining('still fails') });
  });

  it('goes on where its consequences do', () => {
    const [queue] = before.symptoms;
    if (queue === undefined) throw new Error('the sample has no such symptom');
    const after = { ...quiet, symptoms: [queue] };
    expect(
      judgeOutcome({
        ...base,
        finding: { ...pool, symptoms: [] },
        before: { ...before, findings: before.findings.map(one => ({ ...one, causedBy: pool.fault })) },
        after,
      }).state,
    ).toBe('goes-on');
  });

  it('is over although something else fails that failed before', () => {
    const [queue] = before.symptoms;
    if (queue === undefined) throw new Error('the sample has no such symptom');
    expect(judgeOutcome({ ...base, after: { ...quiet, symptoms: [queue], findings: [pool] } }).state).toBe('ended');
  });

  it('goes on where something fails that did not before', () => {
    const [queue] = before.symptoms;
    if (queue === undefined) throw new Error('the sample has no such symptom');
    const after = { ...quiet, symptoms: [{ ...queue, id: 'new', class: 'connect-timeout' as const, upstream: '127.0.0.1:1' }] };
    expect(judgeOutcome({ ...base, after })).toMatchObject({
      state: 'goes-on',
      text: expect.stringContaining('something else fails (connect-timeout at 127.0.0.1:1)'),
    });
  });

  it('goes on where a new diagnosis still finds the fault', () => {
    expect(judgeOutcome({ ...base, after: { ...quiet, findings: [{ ...api, status: 'active' }] } }).state).toBe('goes-on');
    expect(judgeOutcome({ ...base, after: { ...quiet, findings: [{ ...api, status: 'past' }] } }).state).toBe('ended');
  });

  it('cannot be told without requests and without a question of badhop’s own', () => {
    const logged = { ...api, evidence: [{ source: 'file:/var/log/nginx/error.log:1', text: 'x' }] };
    expect(judgeOutcome({ ...base, finding: logged, after: silent })).toMatchObject({
      state: 'unknown',
      text: expect.stringContaining('No request is in the access log'),
    });
    // The one request was badhop's own.
    expect(judgeOutcome({ ...base, finding: logged, after: { ...silent, traffic: { ...silent.traffic, requests: 1 } }, ownRequests: 1 }).state).toBe('unknown');
    expect(judgeOutcome({ ...base, finding: logged, after: silent, live: { ...live, servedBefore: true } }).state).toBe('unknown');
  });

  it('is proven by the page that failed and is served now, and by a backend that was asked before', () => {
    expect(judgeOutcome({ ...base, after: silent, live })).toMatchObject({ state: 'ended', text: expect.stringContaining('gets 200; before, 502') });
    const probed = { ...api, evidence: [{ source: 'probe:http 127.0.0.1:8080', text: 'ECONNREFUSED' }] as const };
    expect(judgeOutcome({ ...base, finding: probed, after: silent }).state).toBe('ended');
    expect(judgeOutcome({ ...base, finding: probed, after: { ...silent, verdict: 'inconclusive' } }).state).toBe('unknown');
  });

  it('goes on where the page still fails, whatever else is quiet', () => {
    expect(judgeOutcome({ ...base, after: quiet, live: { ...live, servedAfter: false, after: '502' } })).toMatchObject({
      state: 'goes-on',
      text: expect.stringContaining('still gets 502'),
    });
  });
});

it('is no reason to take back what helped everybody else, that one page still fails', () => {
  const page = { ...live, servedAfter: false, after: '504' };
  const asked = { ...quiet, traffic: { ...quiet.traffic, failed: 1 } };
  expect(judgeOutcome({ ...base, after: asked, live: page, ownRequests: 1 })).toMatchObject({
    state: 'goes-on',
    isHalved: true,
    after: { requests: 213, failed: 0 },
  });
  expect(judgeOutcome({ ...base, after: silent, live: page, ownRequests: 1 })).not.toHaveProperty('isHalved');
  expect(judgeOutcome({ ...base, after: asked, live: { ...page, servedBefore: true }, ownRequests: 1 })).not.toHaveProperty('isHalved');
  expect(judgeOutcome({ ...base, after: { ...asked, findings: [{ ...api, status: 'active' }] }, live: page, ownRequests: 1 })).not.toHaveProperty('isHalved');
});

describe('what became of advice', () => {
  const advice = { ...api, advice: true, symptoms: [] } as const;

  it('is told by the advice, whatever fails as it failed before', () => {
    const failing = { ...quiet, traffic: { ...before.traffic }, symptoms: before.symptoms };
    expect(judgeOutcome({ ...base, finding: advice, after: failing, live: { ...live, servedAfter: false } }).state).toBe('ended');
    expect(judgeOutcome({ ...base, finding: advice, after: { ...failing, findings: [{ ...advice, status: 'active' }] } }).state).toBe('goes-on');
  });

  it('is no good where more fails than before, or a page that was served is not', () => {
    const worse = { ...quiet, traffic: { ...quiet.traffic, failed: 107 } };
    expect(judgeOutcome({ ...base, finding: advice, after: worse }).state).toBe('goes-on');
    expect(judgeOutcome({ ...base, finding: advice, after: quiet, live: { ...live, servedBefore: true, servedAfter: false } }).state).toBe('goes-on');
  });
});

describe('the question of badhop’s own', () => {
  it('is a GET of a page that a location of the backend takes, from this host', () => {
    expect(liveRequest({ ...before, symptoms: [] }, pool)).toMatchObject({
      kind: 'http',
      address: { kind: 'tcp', host: '127.0.0.1', port: 80 },
      hostHeader: 'shop.example.com',
      path: '/index.php',
    });
  });

  it('does not repeat what failed with another method', () => {
    const posted = before.symptoms.map(symptom => ({ ...symptom, method: 'POST' }));
    expect(liveRequest({ ...before, symptoms: posted }, pool)).toBeUndefined();
  });

  it.each([
    [{ state: 'answered', speaks: 'http', answer: { status: 404, complete: true } }, true, '404'],
    [{ state: 'answered', speaks: 'http', answer: { status: 502, complete: true } }, false, '502'],
    [{ state: 'connect-failed', code: 'ECONNREFUSED' }, false, 'ECONNREFUSED'],
    [{ state: 'connect-failed', code: 'EADDRNOTAVAIL' }, undefined, 'EADDRNOTAVAIL'],
    [{ state: 'no-answer' }, false, 'no answer in time'],
    [{ state: 'not-asked', why: '' }, undefined, 'nothing'],
  ] as const)('is judged by what came: %j', (outcome, served, text) => {
    const result: ProbeResult = { request: { kind: 'connect', address: { kind: 'unix', path: '/x' } }, outcome, connectMs: 0, ms: 0 };
    expect([isServed(result), answerText(result)]).toEqual([served, text]);
  });
});

describe('plans', () => {
  it('are chosen by the id of a fault or of a plan, one a finding', () => {
    const [plan] = pool.fixes;
    if (plan === undefined) throw new Error('the sample has no plan');
    const twice: Report = {
      ...before,
      findings: [
        {
          ...pool,
          fixes: [
            { ...plan, automatic: false },
            { ...plan, id: 'other', automatic: true },
            { ...plan, automatic: true },
          ],
        },
      ],
    };
    expect(plansNamed(twice, [pool.fault])).toHaveLength(3);
    expect(plansNamed(twice, ['other'])).toHaveLength(1);
    expect(applicable(plansNamed(twice, [pool.fault])).map(one => one.plan.id)).toEqual(['other']);
  });

  it('are found again in a newer diagnosis, unless it is over', () => {
    const [plan] = pool.fixes;
    if (plan === undefined) throw new Error('the sample has no plan');
    expect(foundAgain(before, { finding: pool, plan })?.plan).toBe(plan);
    expect(foundAgain({ ...before, findings: [{ ...pool, status: 'past' }] }, { finding: pool, plan })).toBeUndefined();
    expect(doTheSame(plan, { ...plan, summary: 'in other words' })).toBe(true);
    expect(doTheSame(plan, { ...plan, steps: [] })).toBe(false);
  });
});
