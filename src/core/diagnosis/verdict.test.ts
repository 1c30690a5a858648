import { describe, expect, it } from 'vitest';
import type { Facts } from '../model/facts.ts';
import type { Finding } from '../model/finding.ts';
import type { Symptom } from '../model/facts/topology.ts';
import { judge } from './verdict.ts';

const nowMs = Date.parse('2026-11-21T08:00:00Z');
const known = (value: unknown): unknown => ({ state: 'known', value });
const read = { coverage: [{ path: '/var/log/nginx/x.log', lines: 10, unparsedLines: 0 }], unread: [], groups: [], total: 10 };

function factsOf(change: Record<string, unknown> = {}): Facts {
  const all = {
    'nginx-instances': known([{ id: 'nginx', running: true, unit: 'nginx.service' }]),
    'nginx-layout': known({}),
    'nginx-config': known([{ unread: [] }]),
    topology: known({}),
    symptoms: known([]),
    hops: known([]),
    'nginx-error-log': known(read),
    'nginx-access-log': known(read),
    'probe-results': known([{ outcome: { state: 'connected' } }]),
    'systemd-units': known([{ name: 'nginx.service', activeState: 'inactive', unitFileState: 'disabled' }]),
    ...change,
  };
  return all as unknown as Facts;
}

const symptomOf = (change: Partial<Symptom>): Symptom =>
  ({ id: 's', class: 'connect-refused', count: 3, ongoing: true, lastMs: nowMs - 1000, ...change }) as Symptom;
const findingOf = (change: Partial<Finding>): Finding =>
  ({
    fault: 'x',
    status: 'active',
    confidence: 'confirmed',
    title: 'The thing is broken',
    subject: { kind: 'peer', id: 'p', name: 'p', peers: [] },
    ...change,
  }) as Finding;
const of = (findings: readonly Finding[], symptoms: readonly Symptom[], facts = factsOf()): { verdict: string; summary: string } =>
  judge({ facts, findings, symptoms, advice: new Set(['advice']), nowMs });

describe('the verdict', () => {
  it('is failing with the root cause in its sentence', () => {
    expect(of([findingOf({})], [symptomOf({})])).toEqual({ verdict: 'failing', summary: 'The thing is broken: p.' });
  });

  it('says that nobody waits for what fails where that is copies of requests alone', () => {
    const copies = symptomOf({ id: 'c', copies: true });
    expect(of([findingOf({})], [copies]).summary).toBe(
      'The thing is broken: p. Only copies of requests (mirror, update of a cache) fail: clients get their answers.',
    );
    expect(of([findingOf({})], [copies, symptomOf({})]).summary).toBe('The thing is broken: p.');
  });

  it('says when the last request failed where nobody was asked since', () => {
    const unasked = factsOf({ 'probe-results': known([{ outcome: { state: 'not-asked' } }]) });
    const silent = symptomOf({ lastMs: nowMs - 32_000 });
    expect(of([findingOf({})], [silent], unasked)).toEqual({
      verdict: 'failing',
      summary: 'The thing is broken: p. Requests failed, the last one 32 s ago; no backend was asked whether it goes on.',
    });
    expect(of([findingOf({ confidence: 'possible' })], [silent], unasked)).toEqual({
      verdict: 'inconclusive',
      summary: 'Requests failed, the last one 32 s ago; no backend was asked whether it goes on. The thing is broken: p.',
    });
    expect(of([], [silent], unasked).summary).toMatch(/^Requests failed \(3 in the window, the last one 32 s ago; .*\), and badhop cannot tell why/);
    expect(of([findingOf({ confidence: 'possible' })], [symptomOf({})], unasked).verdict).toBe('failing');
    // It failed this moment; a backend was asked; badhop saw it fail itself.
    expect(of([findingOf({})], [silent, symptomOf({})], unasked).summary).toBe('The thing is broken: p.');
    expect(of([findingOf({})], [silent]).summary).toBe('The thing is broken: p.');
    expect(of([findingOf({})], [silent, symptomOf({ count: 0 })], unasked).summary).toBe('The thing is broken: p.');
  });

  it('passes over advice that stands first', () => {
    expect(of([findingOf({ fault: 'advice', title: 'Advice' }), findingOf({})], [symptomOf({})]).summary).toBe('The thing is broken: p.');
    expect(of([findingOf({ fault: 'advice', status: 'latent' })], []).verdict).toBe('healthy');
  });

  it('does not speak of failing requests where only a probe fails', () => {
    const { verdict, summary } = of([], [symptomOf({ class: 'probe-failed', count: 0, probe: 'http p', upstream: '10.0.0.1:80' })]);
    expect(verdict).toBe('inconclusive');
    expect(summary).toBe(
      'No request is known to have failed, but 10.0.0.1:80 does not answer when asked, and badhop cannot tell why, because no known cause fits what was seen.',
    );
  });

  it('counts the failing requests where there are any', () => {
    expect(of([], [symptomOf({}), symptomOf({ class: 'probe-failed', count: 0, probe: 'http p', upstream: 'p' })]).summary).toContain(
      'Requests are failing (3 in the window)',
    );
  });

  it('says that nginx does not run where nothing shows that it should', () => {
    const facts = factsOf({ 'nginx-instances': known([{ id: 'nginx-installed', running: false, unit: 'nginx.service' }]) });
    const { verdict, summary } = of([], [symptomOf({ class: 'client-refused', count: 0 })], facts);
    expect(verdict).toBe('inconclusive');
    expect(summary).toContain('does not run (nginx.service is inactive and disabled)');
  });

  it('is recovered after a past cause, and at risk where something proven comes next', () => {
    const past = findingOf({ status: 'past' });
    expect(of([past], [symptomOf({ ongoing: false })]).verdict).toBe('recovered');
    expect(of([past, findingOf({ status: 'latent', confidence: 'possible' })], []).verdict).toBe('recovered');
    expect(of([past, findingOf({ status: 'latent' })], []).verdict).toBe('at-risk');
    expect(of([findingOf({ status: 'latent', confidence: 'possible' })], [])).toEqual({
      verdict: 'at-risk',
      summary: 'Nothing fails now, but it will: the thing is broken (p).',
    });
  });

  it('claims no end of the failing where a log could not be read in time: the other one does not tell what goes on', () => {
    const late = { state: 'timeout', why: 'reading it took longer than 12 s' };
    const over = symptomOf({ ongoing: false });
    const error = factsOf({ 'nginx-error-log': late });
    expect(of([], [over], error)).toEqual({
      verdict: 'inconclusive',
      summary: 'The error log of nginx could not be read in time: reading it took longer than 12 s.',
    });
    expect(of([findingOf({ status: 'past' })], [over], error).verdict).toBe('inconclusive');
    expect(of([], [], factsOf({ 'nginx-access-log': late })).summary).toContain('The access log of nginx could not be read in time');
    expect(of([findingOf({})], [symptomOf({})], error).verdict).toBe('failing');
  });

  it('is inconclusive where badhop itself failed on the way', () => {
    const facts = factsOf({ topology: { state: 'unparsable', why: "badhop's own error while reading it", how: '' } });
    expect(of([], [], facts)).toEqual({
      verdict: 'inconclusive',
      summary: "It could not be worked out what belongs together on this host: badhop's own error while reading it.",
    });
  });

  it('is inconclusive where there is no nginx', () => {
    expect(of([], [], factsOf({ 'nginx-instances': known([]) }))).toMatchObject({
      verdict: 'inconclusive',
      summary: expect.stringContaining('No nginx') as string,
    });
  });

  it('claims no more than was looked at', () => {
    expect(of([], []).summary).toBe('No request failed within the window, and every backend that was asked answers.');
    const quiet = factsOf({ 'probe-results': { state: 'absent', why: 'off' }, 'nginx-access-log': known({ ...read, total: 0 }) });
    expect(of([], [], quiet).summary).toBe('No request is known to have failed within the window; no backend was asked.');
  });
});
