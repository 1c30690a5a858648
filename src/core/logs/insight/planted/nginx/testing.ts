import { expect, it } from 'vitest';
import { insightOf, randomOf, type Failure, type Random, type Request } from '../../testing.ts';
import { failure, minute, pick, problemOf } from '../testing.ts';

/** Plants what the log of an nginx with all its upstream variables tells, and expects that it is found. */
export function plantInNginx(seed: number): void {
  const random = randomOf(seed * 977);

  it('a period under noise of the same rate is found, with its length', () => {
    const everyMs = pick(random, 300_000, 300_000, 90_000, 600_000, 420_000);
    const hours = Math.max(3, (everyMs / 3_600_000) * 36);
    const rate = 0.7;
    const jitterMs = 4000;
    let next = random() * everyMs;
    let beat = next;
    const fail = (_: Request, own: Random, sinceMs: number): Failure | undefined => {
      if (sinceMs >= next) {
        beat += everyMs;
        next = beat + (own() * 2 - 1) * jitterMs;
        return failure;
      }
      return own() < 1000 / everyMs / rate ? failure : undefined;
    };
    const { shape, ongoing } = problemOf(insightOf({ seed, hours, rate, fail }));
    expect(shape.when).toBe('periodic');
    expect(ongoing).toBe(true);
    expect(shape.period?.pValue).toBeLessThan(1e-4);
    expect(Math.abs((shape.period?.everyMs ?? 0) - everyMs)).toBeLessThanOrEqual(Math.min(2000, everyMs * 0.01));
    expect(shape.period?.plusMinusMs).toBeLessThan(15_000);
  });

  it('a burst of 40 s is found, with its start and end, and is over', () => {
    const startMs = (0.2 + 0.6 * random()) * 4 * 60 * minute;
    const lastsMs = pick(random, 40_000, 40_000, 25_000, 90_000);
    const fail = (_: Request, own: Random, sinceMs: number): Failure | undefined =>
      (sinceMs >= startMs && sinceMs < startMs + lastsMs && own() < 0.8) || own() < 0.0004 ? failure : undefined;
    const insight = insightOf({ seed, hours: 4, rate: 1, fail });
    const { shape, ongoing } = problemOf(insight);
    expect([insight.verdict, shape.when, ongoing]).toEqual(['recovered', 'burst', false]);
    expect(shape.bursts).toHaveLength(1);
    const began = Date.UTC(2026, 10, 20) + startMs;
    expect(Math.abs(Date.parse(shape.bursts[0]?.from ?? '') - began)).toBeLessThan(15_000);
    expect(Math.abs(Date.parse(shape.bursts[0]?.to ?? '') - began - lastsMs)).toBeLessThan(15_000);
  });

  it('one bad peer of twelve stands out, also where all fail a little', () => {
    const share = pick(random, 0.05, 0.1, 0.3);
    const others = pick(random, 0, 0.002, 0.005);
    const fail = ({ peer }: Request, own: Random): Failure | undefined => ((peer === '10.0.0.7:8080' && own() < share) || own() < others ? failure : undefined);
    const insight = insightOf({ seed, hours: 2, rate: 1.5, peers: 12, fail });
    expect(insight.verdict).toBe('failing');
    expect(insight.peers.filter(({ standsOut }) => standsOut).map(({ peer }) => peer)).toEqual(['10.0.0.7:8080']);
    expect(problemOf(insight).where.map(({ dimension, value }) => `${dimension} ${value}`)).toEqual(['peer 10.0.0.7:8080']);
  });

  it('a failure of POST only is told as that, and nothing that goes along with it', () => {
    const share = pick(random, 0.05, 0.2, 0.6);
    const fail = ({ method }: Request, own: Random): Failure | undefined => (method === 'POST' && own() < share ? { status: 502, madeBy: 'nginx' } : undefined);
    const [first, ...rest] = problemOf(insightOf({ seed, hours: 2, rate: 1.5, fail })).where;
    expect(first).toMatchObject({ dimension: 'method', value: 'POST', amongFailing: 1, estimated: false });
    expect(first?.text).toMatch(/^only POST fails/u);
    expect(rest).toEqual([]);
  });

  it('a bad URL at 0.2 % of the traffic is told, with failures elsewhere', () => {
    const share = pick(random, 1, 0.8, 0.4);
    const fail = (request: Request, own: Random): Failure | undefined => {
      if (own() < 0.002) request.uri = `/export/${Math.floor(own() * 1e4)}`;
      return own() < (request.uri.startsWith('/export') ? share : 0.0005) ? { status: 502, madeBy: 'nginx' } : undefined;
    };
    const insight = insightOf({ seed, hours: 3, rate: 1.5, fail });
    expect(problemOf(insight).where.map(({ dimension, value }) => `${dimension} ${value}`)).toEqual(['url /export/{n}']);
  });

  it('a network whose requests fail is told, and a peer that only gets bad requests is not blamed', () => {
    const fail = (request: Request, own: Random): Failure | undefined => {
      if (own() < 0.01) request.client = `203.0.113.${1 + Math.floor(own() * 250)}`;
      if (request.peer === '10.0.0.6:8080' && own() < 0.8) request.uri = '/bad/thing';
      else if (own() < 0.02) request.uri = '/bad/thing';
      if (request.client.startsWith('203.0.113.') && own() < 0.7) return { status: 504, madeBy: 'nginx' };
      return request.uri === '/bad/thing' && own() < 0.15 ? { status: 500, madeBy: 'backend' } : undefined;
    };
    const insight = insightOf({ seed, hours: 2, rate: 1.5, peers: 6, fail });
    expect(problemOf(insight, 504).where.map(({ dimension, value }) => `${dimension} ${value}`)).toEqual(['network 203.0.113.0/24']);
    expect(problemOf(insight, 500).where.map(({ dimension, value }) => `${dimension} ${value}`)).toEqual(['url /bad/thing']);
    expect(insight.peers.filter(({ standsOut }) => standsOut)).toEqual([]);
  });

  it('large uploads that fail are told by their size', () => {
    const fail = (request: Request, own: Random): Failure | undefined => {
      if (request.method === 'POST' && request.uri.startsWith('/orders') && own() < 0.4) request.received = Math.round(3e6 * (1 + own()));
      return request.received > 2e6 || own() < 0.0005 ? { status: 502, madeBy: 'nginx' } : undefined;
    };
    const [first, ...rest] = problemOf(insightOf({ seed, hours: 2, rate: 1.5, fail })).where;
    expect(first?.dimension).toBe('size');
    expect(rest).toEqual([]);
  });
}
