import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LogsReport } from '../../model/logs-report.ts';
import { textWidth } from '../text.ts';
import { sampleReports } from './logs.fixtures/sample-reports.ts';
import { renderLogsTerminal, type LogsTerminalOptions } from './terminal.ts';

const plain: LogsTerminalOptions = { width: 80, colour: false, unicode: true, verbose: false };
const folder = join(import.meta.dirname, 'logs.fixtures');
const samples: readonly (readonly [string, LogsReport])[] = Object.entries(sampleReports);

const snapshots: readonly (readonly [string, LogsReport, Partial<LogsTerminalOptions>])[] = [
  ...samples.map(([name, report]) => [name, report, {}] as const),
  ['failing-verbose', sampleReports.failing, { verbose: true }],
  ['failing-40-columns', sampleReports.failing, { width: 40 }],
  ['failing-100-columns-ascii', sampleReports.failing, { width: 100, unicode: false }],
  ['periodic-120-columns', sampleReports.periodic, { width: 120 }],
  ['inconclusive-verbose', sampleReports.inconclusive, { verbose: true }],
];

describe('the report of logs at a terminal', () => {
  it.each(snapshots)('reads well: %s', async (name, report, options) => {
    await expect(renderLogsTerminal(report, { ...plain, ...options })).toMatchFileSnapshot(join(folder, `${name}.txt`));
  });

  it('has no snapshot left over', () => {
    const files = readdirSync(folder).filter(name => name.endsWith('.txt'));
    expect(files.sort()).toEqual(snapshots.map(([name]) => `${name}.txt`).sort());
  });

  it.each(samples.filter(([name]) => name !== 'hostile'))('takes one screen: %s', (_, report) => {
    expect(renderLogsTerminal(report, plain).split('\n').length - 1).toBeLessThanOrEqual(24);
  });

  it('gives the answer in the first three rows', () => {
    const rows = renderLogsTerminal(sampleReports.failing, plain).split('\n').slice(0, 3).join(' ');
    for (const part of ['FAILING', '71,904 of 1,140,507', '502', '10.0.0.7:8080', 'since 07:31:20', '2026-11-21']) expect(rows).toContain(part);
  });

  it('shows the peer that stands out, and no table where none does', () => {
    expect(renderLogsTerminal(sampleReports.failing, plain)).toMatch(/✗ 10\.0\.0\.7:8080 +285,127/);
    expect(renderLogsTerminal(sampleReports.periodic, plain)).not.toContain('requests    failed');
    expect(renderLogsTerminal(sampleReports.periodic, { ...plain, verbose: true })).toContain('requests    failed');
  });

  it.each(samples)('says the same with and without colour: %s', (_, report) => {
    for (const verbose of [false, true]) {
      const coloured = renderLogsTerminal(report, { ...plain, colour: true, verbose });
      expect(coloured).toContain('\u001B[');
      expect(coloured.replaceAll(/\u001B\[[\d;]+m/g, '')).toBe(renderLogsTerminal(report, { ...plain, verbose }));
    }
  });

  it.each([24, 30, 40, 57, 80, 100, 500])('keeps within %i columns, and within 120 on a wider screen', width => {
    for (const [, report] of samples) {
      // Commands to copy are never broken.
      const bare = { ...report, next: [], findings: report.findings.map(finding => ({ ...finding, fixes: [] })) };
      for (const verbose of [false, true]) {
        const rows = renderLogsTerminal(bare, { ...plain, width, verbose })
          .split('\n')
          .filter(row => !row.includes('badhop explain'));
        expect(Math.max(...rows.map(row => textWidth(row)))).toBeLessThanOrEqual(Math.min(width, 120));
      }
    }
  });

  it('prints ASCII alone where nothing else is understood', () => {
    for (const [, report] of samples) expect(renderLogsTerminal(report, { ...plain, unicode: false, verbose: true })).toMatch(/^[ -~\n]*$/);
  });

  it('lets no text of a log move the cursor, hide or reorder anything', () => {
    const hostile = fc.string({
      unit: fc.oneof(
        fc.constantFrom('\u001B[2J', '\u009B1A', '\u202E', '\u2069', '\u200B', '\n', '\r', '\b', '\u0007', '\uFEFF', '\u00A0', ' '),
        fc.string({ unit: 'binary', maxLength: 2 }),
      ),
      maxLength: 120,
    });
    fc.assert(
      fc.property(
        hostile,
        fc.constantFrom(...samples.filter(([name]) => name !== 'hostile').map(([, report]) => report)),
        fc.boolean(),
        fc.integer({ min: 1, max: 200 }),
        (text, report, verbose, width) => {
          const rendered = renderLogsTerminal(spoil(report, text) as LogsReport, { ...plain, verbose, width });
          expect(rendered.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u200B-\u200F\u202A-\u202E\u2060-\u206F\uFEFF]/u);
        },
      ),
      { numRuns: 30, endOnFailure: true, interruptAfterTimeLimit: 20_000 },
    );
  });

  it('stays quick with log lines of a megabyte', () => {
    const report = spoil(sampleReports.failing, 'x'.repeat(1_000_000)) as LogsReport;
    const startMs = performance.now();
    renderLogsTerminal(report, { ...plain, verbose: true });
    expect(performance.now() - startMs).toBeLessThan(3000);
  });
});

/** Puts the text into every string of the report that may come from a log. */
function spoil(value: unknown, text: string): unknown {
  if (typeof value === 'string') return /^\d{4}-\d\d-\d\dT/.test(value) ? value : `${value}${text}`;
  if (Array.isArray(value)) return value.map(entry => spoil(entry, text));
  if (typeof value !== 'object' || value === null) return value;
  const untouched = new Set(['verdict', 'madeBy', 'status', 'kind', 'confidence', 'when']);
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, untouched.has(key) ? entry : spoil(entry, text)]));
}
