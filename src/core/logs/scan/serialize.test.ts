import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { emptyRollUp } from './merge.ts';
import type { RollUp } from './roll-up.ts';
import { parseRollUp, serializeRollUp } from './serialize.ts';
import { anyLog, scanBytes, scanText, tightLimits } from './testing.ts';

const log =
  '{"time":5,"status":502,"rt":1,"peer":"a"}\n{"time":95,"status":502,"rt":2,"peer":"a"}\n{"time":5,"status":200}\nodd\n' +
  '2026/11/21 01:00:00 [error] 7#8: *9 x, client: 1.2.3.4, upstream: "http://h/", host: "h"\n#0 {main}\n';
const sample = () => serializeRollUp(scanText(log));

describe('a roll-up as text', () => {
  it('is read as what was written', { timeout: 60_000 }, () => {
    fc.assert(
      fc.property(anyLog, fc.boolean(), (bytes, isTight) => {
        const rollUp = scanBytes(bytes, isTight ? { limits: tightLimits } : {});
        expect(parseRollUp(serializeRollUp(rollUp))).toEqual({ rollUp });
      }),
    );
    expect(parseRollUp(serializeRollUp(emptyRollUp()))).toEqual({ rollUp: emptyRollUp() });
  });

  it('keeps all of an outcome, and times that are none', () => {
    const rollUp = scanText(log);
    const outcome = {
      status: 502,
      failed: true,
      madeBy: 'nginx',
      because: 'b',
      peer: 'p',
      hiddenPeers: ['q', 'r'],
      server: 's',
      method: 'M',
      class: 'connect-refused',
      level: 'error',
      message: 'm',
    } as const;
    const series = rollUp.series.map(one => ({ ...one, outcome, firstMs: Number.NaN, lastMs: Number.NaN }));
    expect(parseRollUp(serializeRollUp({ ...rollUp, series }))).toEqual({ rollUp: { ...rollUp, series } });
  });

  it('says what is wrong with it', () => {
    const problem = (text: string) => parseRollUp(text);
    expect(problem('')).toEqual({ problem: 'it is no JSON' });
    expect(problem('[]')).toEqual({ problem: 'it is no roll-up' });
    expect(problem('null')).toEqual({ problem: 'it is no roll-up' });
    expect(problem('{"kind":"badhop-roll-up","version":2}')).toEqual({ problem: 'it is of version 2, and only 1 can be read' });
    expect(problem('{"kind":"badhop-roll-up","version":1}')).toEqual({ problem: '`names` is not a list' });
    expect(problem(sample().replace('"widthMs":10000', '"widthMs":30000'))).toEqual({ problem: '`widthMs` is not the width of a bucket' });
    expect(problem(sample().replace('"madeBy":"unknown"', '"madeBy":"me"'))).toEqual({ problem: '`series.0.3.madeBy` is not one of 5 words' });
    expect(problem(sample().replace('[0,9],[1,1]', '[9,0],[1,1]'))).toEqual({ problem: '`series.2.7` is not a list of ascending numbers' });
    expect(problem(sample().replace('[0,9],[1,1]', '[0,9],[1]'))).toEqual({ problem: '`series` has not a number for each bucket' });
    expect(problem(sample().replace('[0,9],[1,1]', '[0,9],[1,-1]'))).toEqual({ problem: '`series.2.8.1` is not a whole number up to 9007199254740991' });
    expect(problem(sample().replace('[0,9],[1,1]', '[0,9e9],[1,1]'))).toEqual({ problem: '`series.2.7` is not a list of numbers below 2147483648' });
  });

  it('never makes more of a text than a roll-up or a problem', () => {
    const text = sample();
    const isRollUp = (result: ReturnType<typeof parseRollUp>): result is { readonly rollUp: RollUp } => 'rollUp' in result;
    fc.assert(
      fc.property(fc.nat(text.length - 1), fc.nat(8), fc.constantFrom('', '0', '[]', 'null', '"x"', ',', '{', '-1', '1e99'), (at, length, put) => {
        const result = parseRollUp(text.slice(0, at) + put + text.slice(at + length));
        if (isRollUp(result)) expect(parseRollUp(serializeRollUp(result.rollUp))).toEqual(result);
        else expect(result.problem).toMatch(/^(?:it |`|a )/u);
      }),
      { numRuns: 500 },
    );
  });
});
