import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { logsSchemaProblems } from '../../../../test/report-schema.ts';
import { messageClasses } from '../../model/facts/logs.ts';
import type { LogsReport } from '../../model/logs-report.ts';
import { renderLogsJson } from './json.ts';
import { sampleReports } from './logs.fixtures/sample-reports.ts';

const samples: readonly (readonly [string, LogsReport])[] = Object.entries(sampleReports);

describe('the JSON report of logs', () => {
  it.each(samples)('%s holds to the published schema', (_, report) => {
    expect(logsSchemaProblems(JSON.parse(renderLogsJson(report)))).toEqual([]);
  });

  it.each([
    ['another kind', { kind: 'log' }],
    ['a missing zone', { zone: undefined }],
    ['a share above one', { problems: [{ ...sampleReports.failing.problems[0], share: 1.2 }] }],
    ['a class that does not exist', { problems: [{ ...sampleReports.failing.problems[0], class: 'unheard-of' }] }],
    ['a field that nobody describes', { surprise: true }],
    ['a time that is none', { window: { from: 'yesterday', to: 'today' } }],
  ])('is refused by the schema with %s', (_, change) => {
    expect(logsSchemaProblems(JSON.parse(renderLogsJson({ ...sampleReports.failing, ...(change as object) })))).not.toEqual([]);
  });

  it('names every class of messages in its schema', () => {
    const schema = JSON.parse(readFileSync(join(import.meta.dirname, '../../../../docs/logs-report.schema.json'), 'utf8')) as {
      readonly $defs: { readonly messageClass: { readonly enum: readonly string[] } };
    };
    expect(schema.$defs.messageClass.enum).toEqual([...messageClasses]);
  });

  it('is the report itself', () => {
    for (const [, report] of samples) expect(JSON.parse(renderLogsJson(report))).toEqual(JSON.parse(JSON.stringify(report)));
  });

  it('lets nothing through that a terminal acts on', () => {
    expect(renderLogsJson(sampleReports.hostile).replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}\u202A-\u202E\u2066-\u2069]/u);
  });
});
