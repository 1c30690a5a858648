import { describe, expect, it } from 'vitest';
import { textWidth } from '../text.ts';
import { renderHistory } from './history.ts';
import { sampleReports } from './logs.fixtures/sample-reports.ts';

const plain = { width: 80, colour: false, unicode: true, verbose: false };

describe('what the logs say of a longer time', () => {
  it('tells since when, how much, in what rhythm and the first line', () => {
    const { periodic } = sampleReports;
    const text = renderHistory({ since: periodic.window?.from ?? '', logs: { ...periodic, startedAt: periodic.window?.to ?? '' } }, plain);
    const [problem] = periodic.problems;
    expect(text).toContain('Its logs over the last ');
    expect(text.replaceAll(/\s+/g, ' ').toLowerCase()).toContain((problem?.shape.text ?? '?').toLowerCase());
    expect(text).toContain(problem?.samples[0]?.source.replace('file:', '') ?? '?');
    expect(text).not.toContain('The logs begin at');
  });

  it('says where the logs begin later than what was asked for', () => {
    const { failing } = sampleReports;
    const since = new Date(Date.parse(failing.window?.from ?? '') - 86_400_000).toISOString();
    expect(renderHistory({ since, logs: failing }, plain)).toContain('The logs begin at 2026-11-21 ');
  });

  it.each(Object.entries(sampleReports))('keeps to the width and to text: %s', (_, logs) => {
    for (const verbose of [false, true]) {
      const text = renderHistory({ since: logs.startedAt, logs }, { ...plain, width: 60, verbose });
      expect(Math.max(...text.split('\n').map(row => textWidth(row)))).toBeLessThanOrEqual(60);
      expect(Array.from(text).every(char => char === '\n' || (char >= ' ' && (char < '\u007F' || char > '\u009F')))).toBe(true);
    }
  });
});
