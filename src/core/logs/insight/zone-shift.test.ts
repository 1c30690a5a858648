import { describe, expect, it } from 'vitest';
import { hourReader } from '../formats/hour-reader.ts';
import { sumOfRollUps } from '../scan/merge.ts';
import { describeLogs } from './describe-logs.ts';
import type { LogsInsight } from './input.ts';
import { errorFormats, fullFormat, inputOf, makeLogs, randomOf, scanText, type Failure, type Traffic } from './testing.ts';

const refused: Failure = { status: 502, madeBy: 'nginx', message: 'connect() failed (111: Connection refused) while connecting to upstream' };

/** The logs of a host whose clock shows UTC, with the error log read as if it were `minutes` east of it. */
function readIn(minutes: number, traffic: Traffic): LogsInsight {
  const { access, error } = makeLogs(traffic);
  const hourMs = hourReader(minutes, Date.UTC(2026, 10, 23));
  const parts = [scanText('/var/log/nginx/access.log', access, [fullFormat]), scanText('/var/log/nginx/error.log', error, errorFormats, hourMs)];
  const sign = minutes < 0 ? '-' : '+';
  const zone =
    minutes === 0 ? 'UTC' : `${sign}${String(Math.floor(Math.abs(minutes) / 60)).padStart(2, '0')}:${String(Math.abs(minutes) % 60).padStart(2, '0')}`;
  return describeLogs(inputOf(sumOfRollUps(parts), [fullFormat, ...errorFormats], { zone }));
}

function told({ inputs }: LogsInsight): readonly string[] {
  return inputs.flatMap(({ problems }) => problems);
}

const bursts: Traffic = {
  seed: 5,
  hours: 8,
  rate: 0.5,
  fail: (_, random, sinceMs) => ((sinceMs % 7_400_000 < 240_000 && random() < 0.6) || random() < 0.0005 ? refused : undefined),
};

describe('an error log beside an access log', () => {
  it.each([120, -300, 330, 60])('is known to be read in another zone: %i minutes', minutes => {
    const insight = readIn(minutes, bursts);
    expect(told(insight)).toEqual([expect.stringContaining('read it with --zone +00:00')]);
    expect(told(insight)[0]).toContain(`${Math.abs(minutes) / 60} h ${minutes > 0 ? 'earlier' : 'later'} than the requests`);
    expect(insight.inputs.find(({ problems }) => problems.length > 0)?.path).toBe('/var/log/nginx/error.log');
  });

  it('is left alone where its times agree', () => {
    expect(told(readIn(0, bursts))).toEqual([]);
  });

  it('is left alone where its messages belong to no request, or to all times', () => {
    const random = randomOf(3);
    for (let seed = 1; seed <= 6; seed += 1) {
      const { access } = makeLogs({ ...bursts, seed, fail: (_, own) => (own() < 0.002 * random() ? { status: 502, madeBy: 'nginx' } : undefined) });
      const { error } = makeLogs({ ...bursts, seed: seed + 90, fail: (_, own) => (own() < 0.003 * random() ? refused : undefined) });
      const parts = [scanText('/a/access.log', access, [fullFormat]), scanText('/a/error.log', error, errorFormats)];
      expect(told(describeLogs(inputOf(sumOfRollUps(parts), [fullFormat, ...errorFormats])))).toEqual([]);
    }
    expect(told(readIn(120, { ...bursts, fail: (_, own) => (own() < 0.3 ? refused : undefined) }))).toEqual([]);
  });
});
