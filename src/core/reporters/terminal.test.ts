import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Finding } from '../model/finding.ts';
import type { Report } from '../model/report.ts';
import { renderTerminal, type TerminalOptions } from './terminal.ts';
import { sampleReports } from './terminal.fixtures/sample-reports.ts';
import { textWidth } from './text.ts';

const plain: TerminalOptions = { width: 80, colour: false, unicode: true, verbose: false };
const folder = join(import.meta.dirname, 'terminal.fixtures');
const samples: readonly (readonly [string, Report])[] = Object.entries(sampleReports);

const snapshots: readonly (readonly [string, Report, Partial<TerminalOptions>])[] = [
  ...samples.map(([name, report]) => [name, report, {}] as const),
  ['failing-verbose', sampleReports.failing, { verbose: true }],
  ['failing-40-columns', sampleReports.failing, { width: 40 }],
  ['failing-100-columns-ascii', sampleReports.failing, { width: 100, unicode: false }],
  ['hostile-verbose', sampleReports.hostile, { verbose: true }],
  ['since-a-change-verbose', sampleReports['since-a-change'], { verbose: true }],
  ['inconclusive-verbose', sampleReports.inconclusive, { verbose: true }],
];

describe('the report at a terminal', () => {
  it.each(snapshots)('reads well: %s', async (name, report, options) => {
    await expect(renderTerminal(report, { ...plain, ...options })).toMatchFileSnapshot(join(folder, `${name}.txt`));
  });

  it('says when the last request failed where no backend was asked, and that it goes on where that is known', () => {
    const { failing } = sampleReports;
    const at = (agoMs: number): string => new Date(Date.parse(failing.window.to) - agoMs).toISOString();
    const of = (agoMs: number, probes: number): string =>
      renderTerminal(
        { ...failing, checked: { faults: 30, probes }, symptoms: failing.symptoms.map(one => ({ ...one, count: 9, ongoing: true, lastAt: at(agoMs) })) },
        plain,
      ).replaceAll(/\s+/g, ' ');
    expect(of(32_000, 0)).toContain('the last one 32 s ago; no backend was asked whether it goes on.');
    expect(of(300_000, 0)).toContain('the last one 5 min ago;');
    expect(of(1000, 0)).toContain('and it goes on.');
    expect(of(32_000, 2)).toContain('and it goes on.');
  });

  it('has no snapshot left over', () => {
    const files = readdirSync(folder).filter(name => name.endsWith('.txt'));
    expect(files.sort()).toEqual(snapshots.map(([name]) => `${name}.txt`).sort());
  });

  it.each(samples)('takes one screen: %s', (_, report) => {
    expect(renderTerminal(report, plain).split('\n').length - 1).toBeLessThanOrEqual(24);
  });

  it('leaves out since when and where rather than a part of the story, where the screen is full', () => {
    const since = sampleReports['since-a-change'].symptoms.map(each => ({
      ...each,
      id: 'symptom:1',
      since: each.since.map(one => ({ ...one, text: one.text.repeat(9) })),
    }));
    const rows = renderTerminal({ ...sampleReports.failing, symptoms: [...since, ...sampleReports.failing.symptoms.slice(1)] }, plain).split('\n');
    expect(rows.length - 1).toBeLessThanOrEqual(24);
    expect(rows.join('\n')).toContain('Do next');
    expect(rows.filter(row => row.includes('Since: ')).length).toBeLessThanOrEqual(1);
  });

  it.each(samples)('says the same with and without colour: %s', (_, report) => {
    for (const verbose of [false, true]) {
      const coloured = renderTerminal(report, { ...plain, colour: true, verbose });
      expect(coloured).toContain('\u001B[');
      expect(coloured.replaceAll(/\u001B\[[\d;]+m/g, '')).toBe(renderTerminal(report, { ...plain, verbose }));
    }
  });

  it.each([24, 40, 80, 100, 500])('keeps within %i columns, and within 100 on a wider screen', width => {
    const commands = new Set(samples.flatMap(([, report]) => report.findings.flatMap(finding => finding.fixes)).map(plan => plan.id));
    expect(commands.size).toBeGreaterThan(0);
    for (const [, report] of samples) {
      // Commands are never broken, so a report without plans shows what is.
      const bare = { ...report, findings: report.findings.map(finding => ({ ...finding, fixes: [] })) };
      for (const verbose of [false, true]) {
        const rows = renderTerminal(bare, { ...plain, width, verbose })
          .split('\n')
          .filter(row => !row.includes('badhop explain'));
        expect(Math.max(...rows.map(row => textWidth(row)))).toBeLessThanOrEqual(Math.min(width, 100));
      }
    }
  });

  it('prints ASCII alone where nothing else is understood', () => {
    for (const [, report] of samples) expect(renderTerminal(report, { ...plain, unicode: false, verbose: true })).toMatch(/^[ -~\n]*$/);
  });

  it('lets no text of the host move the cursor, hide or reorder anything', () => {
    const hostile = fc.string({
      unit: fc.oneof(
        fc.constantFrom('\u001B[2J', '\u009B1A', '\u202E', '\u2069', '\u200B', '\n', '\r', '\b', '\u0007', '\uFEFF', ' '),
        fc.string({ unit: 'binary', maxLength: 2 }),
      ),
      maxLength: 120,
    });
    fc.assert(
      fc.property(
        hostile,
        fc.constantFrom(...samples.map(([, report]) => report)),
        fc.boolean(),
        fc.integer({ min: 1, max: 200 }),
        (text, report, verbose, width) => {
          const spoilt = spoil(report, text) as Report;
          const rendered = renderTerminal(spoilt, { ...plain, verbose, width });
          expect(rendered.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u200B-\u200F\u202A-\u202E\u2060-\u206F\uFEFF]/u);
        },
      ),
    );
  });

  it('stays quick with log lines of a megabyte', () => {
    const report = spoil(sampleReports.failing, 'x'.repeat(1_000_000)) as Report;
    const startMs = performance.now();
    const rendered = renderTerminal(report, { ...plain, verbose: true });
    expect(performance.now() - startMs).toBeLessThan(3000);
    expect(/\(\d{7} characters\)/.test(rendered)).toBe(true);
  });

  it.each(['nginx', 'server', 'route', 'upstream', 'peer', 'service', 'unit', 'process', 'file', 'host'] as const)(
    'marks one bad hop when it is a %s',
    kind => {
      const [finding] = sampleReports.failing.findings;
      for (const peers of [[], finding.subject.peers, ['10.0.0.9:1']]) {
        const changed: Finding = { ...finding, subject: { kind, id: 'elsewhere', name: 'the bad one', peers } };
        const rows = renderTerminal({ ...sampleReports.failing, findings: [changed] }, plain).split('\n');
        const path =
          rows
            .slice(rows.findIndex(row => row.startsWith('  client')))
            .slice(0, 3)
            .join(' ')
            .split('Root cause')[0] ?? '';
        expect(path.match(/✗/g), `${kind} ${path}`).toHaveLength(1);
      }
    },
  );

  it('does not make advice the cause of what failed', () => {
    const [advice] = sampleReports.healthy.findings;
    const [past] = sampleReports.recovered.findings;
    const alone = renderTerminal({ ...sampleReports.recovered, findings: [advice] }, plain);
    expect(alone).toContain(`Advice: shop.example.com: ${advice.title}`);
    expect(alone).not.toContain('Do next');
    const both = renderTerminal({ ...sampleReports.recovered, findings: [{ ...advice, status: 'past' }, past] }, plain);
    expect(both).toMatch(/What it was .*: The service behind\s+the/s);
  });

  it('marks nothing as bad on a healthy host', () => {
    const [advice] = sampleReports.healthy.findings;
    expect(renderTerminal({ ...sampleReports.healthy, findings: [{ ...advice, status: 'active' }] }, plain)).not.toMatch(/[✗!]/);
  });

  it('says how a reader gets on where there is no fix plan', () => {
    const findings = sampleReports.failing.findings.map(finding => ({ ...finding, fixes: [] }));
    expect(renderTerminal({ ...sampleReports.failing, findings }, plain)).toContain('badhop explain worker-pool-exhausted');
  });
});

/** Puts the text into every string of the report that may come from a host. */
function spoil(value: unknown, text: string): unknown {
  if (typeof value === 'string') return value.includes(' ') || value.includes('/') ? `${value}${text}` : value;
  if (Array.isArray(value)) return value.map(entry => spoil(entry, text));
  if (typeof value === 'object' && value !== null) return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, spoil(entry, text)]));
  return value;
}
