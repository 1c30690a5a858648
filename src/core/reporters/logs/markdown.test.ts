import fc from 'fast-check';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { code, prose, renderLogsMarkdown } from './markdown.ts';
import { sampleReports } from './logs.fixtures/sample-reports.ts';

/** The text without what stands in code, where nothing is markup. Fences as CommonMark has them: as long at the end as at the start. */
function outsideCode(markdown: string): string {
  const outside: string[] = [];
  let fence: string | undefined;
  for (const row of markdown.split('\n')) {
    const mark = /^`{3,}/.exec(row)?.[0];
    if (fence === undefined && mark !== undefined && !row.slice(mark.length).includes('`')) fence = mark;
    else if (fence === undefined) outside.push(row);
    else if (row === fence) fence = undefined;
  }
  expect(fence).toBeUndefined();
  return outside.join('\n').replaceAll(/(?<![\\`])(`+)(?!`)[^\n]*?(?<!`)\1(?!`)/g, '');
}

describe('the report in Markdown', () => {
  it.each(['failing', 'hostile'] as const)('reads well in a ticket: %s', async name => {
    const shown = renderLogsMarkdown({ ...sampleReports[name], problems: sampleReports[name].problems.slice(0, 2) });
    await expect(shown).toMatchFileSnapshot(join(import.meta.dirname, 'logs.fixtures', `${name}.md`));
  });

  it('lets no text of a log be markup, a link, a mention or HTML', () => {
    const outside = outsideCode(renderLogsMarkdown(sampleReports.hostile));
    expect(outside).not.toMatch(/(?<!\\)[<>]/);
    expect(outside).not.toMatch(/(?<!\\)\]\(/);
    expect(outside).not.toMatch(/@\w|:\/\/|www\./);
    expect(outside).not.toMatch(/[\u0000-\u0009\u000B-\u001F\u202A-\u202E\u2066-\u2069]/);
  });

  it('keeps every row of a table at its number of cells', () => {
    const rows = renderLogsMarkdown(sampleReports.hostile)
      .split('\n')
      .filter(row => row.startsWith('| '));
    expect(rows.length).toBeGreaterThan(10);
    for (const row of rows) expect([4, 7]).toContain(row.match(/(?<!\\)\|/g)?.length);
  });

  it('puts any text between enough backticks', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('`', 'a', ' ', '\n', '|', '<') }), text => {
        const shown = code(text);
        const [, fence = '', inside = ''] = /^(`+)(.*?)\1$/s.exec(shown) ?? [];
        expect(shown).not.toContain('\n');
        expect(inside.match(/`+/g) ?? []).not.toContain(fence);
      }),
    );
  });

  it('escapes what means something in a sentence', () => {
    expect(prose('*a* _b_ <c> [d] `e` x@y https://f #12 $g')).toBe(String.raw`\*a\* \_b\_ \<c\> \[d\] \`e\` ` + '`x@y` `https://f` `#12` ' + String.raw`\$g`);
  });
});
