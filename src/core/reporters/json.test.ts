import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Report } from '../model/report.ts';
import { schemaProblems } from '../../../test/report-schema.ts';
import { renderJson } from './json.ts';
import { sampleReports } from './terminal.fixtures/sample-reports.ts';

const samples: readonly (readonly [string, Report])[] = Object.entries(sampleReports);

describe('the JSON report', () => {
  it.each(samples)('of a host that is %s holds to the published schema', (_, report) => {
    expect(schemaProblems(JSON.parse(renderJson(report)))).toEqual([]);
  });

  it.each([
    ['a verdict that does not exist', { verdict: 'broken' }],
    ['a missing window', { window: undefined }],
    ['a share above one', { findings: [{ ...sampleReports.failing.findings[0], share: 1.2 }] }],
    ['a finding without evidence', { findings: [{ ...sampleReports.failing.findings[0], evidence: [] }] }],
    ['a field that the schema does not describe', { mood: 'good' }],
  ])('is refused with %s', (_, change) => {
    const report: unknown = JSON.parse(JSON.stringify({ ...sampleReports.failing, ...change }));
    expect(schemaProblems(report)).not.toEqual([]);
  });

  it('reads back as the report', () => {
    expect(JSON.parse(renderJson(sampleReports.failing))).toEqual(JSON.parse(JSON.stringify(sampleReports.failing)));
  });

  it('has its keys in the order of the contract, whatever order they came in', () => {
    const shuffled = Object.fromEntries(Object.entries(sampleReports.failing).toReversed()) as unknown as Report;
    const order = [
      'schemaVersion',
      'tool',
      'host',
      'startedAt',
      'durationMs',
      'window',
      'verdict',
      'summary',
      'traffic',
      'topology',
      'symptoms',
      'findings',
      'ruledOut',
      'notChecked',
    ];
    expect(Object.keys(JSON.parse(renderJson(shuffled)) as object).slice(0, order.length)).toEqual(order);
  });

  it('is one line without indentation', () => {
    expect(renderJson(sampleReports.healthy, { indent: 0 }).split('\n')).toHaveLength(2);
  });

  it('writes numbers that JSON does not have as -1', () => {
    const report: Report = { ...sampleReports.healthy, durationMs: Number.POSITIVE_INFINITY };
    expect(JSON.parse(renderJson(report))).toMatchObject({ durationMs: -1 });
  });

  it('keeps any text, and holds nothing that a terminal acts on', () => {
    const text = fc.string({
      unit: fc.oneof(fc.constantFrom('\u001B', '\u009B', '\u202E', '\u200B', '\u0000', '\u{E0041}', '\uFEFF', '\\', '"'), fc.string({ unit: 'binary' })),
    });
    fc.assert(
      fc.property(text, summary => {
        const json = renderJson({ ...sampleReports.healthy, summary }, { indent: 0 });
        expect(JSON.parse(json)).toMatchObject({ summary });
        expect(json.slice(0, -1)).not.toMatch(/[\p{Cc}\u200B-\u200F\u202A-\u202E\u2066-\u2069\uFEFF\u{E0000}-\u{E0FFF}]/u);
      }),
    );
  });
});
