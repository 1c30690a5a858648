import { describe, expect, it } from 'vitest';
import type { LintFinding, LintReport } from '../../model/lint.ts';
import { renderLintGithub } from './github.ts';
import { renderLintJson } from './json.ts';
import { renderLintSarif } from './sarif.ts';
import { renderLintTerminal } from './terminal.ts';

const look = { width: 60, colour: false, unicode: true };

function report(findings: readonly Partial<LintFinding>[], rest: Partial<LintReport> = {}): LintReport {
  const finding: LintFinding = {
    rule: 'a-rule',
    severity: 'warning',
    title: 'A title',
    message: 'It is so.',
    advice: 'Change it.',
    path: 'nginx.conf',
    line: 7,
    column: 4,
    endLine: 7,
    endColumn: 7,
    source: '\tx abc;',
    related: [],
  };
  return {
    schemaVersion: 1,
    tool: { name: 'badhop', version: '1.0.0' },
    subject: { path: 'nginx.conf', form: 'file', files: 1, lines: 9 },
    nginx: { version: '1.28.0', from: 'newest-known' },
    verdict: findings.length > 0 ? 'findings' : 'clean',
    findings: findings.map(one => ({ ...finding, ...one })),
    ignored: [],
    notChecked: [],
    ...rest,
  };
}

/** The line of the source and the one with the mark. */
function marked(finding: Partial<LintFinding>, of = look): readonly string[] {
  return renderLintTerminal(report([finding]), of)
    .split('\n')
    .slice(1, 3);
}

describe('the line and its mark', () => {
  it.each<[string, Partial<LintFinding>, readonly string[]]>([
    ['a tab in front', {}, ['    7 │  x abc;', '      │    ^^^']],
    ['blanks in front, all but two left out', { source: '        pass x;', column: 9, endColumn: 15 }, ['    7 │   pass x;', '      │   ^^^^^^']],
    ['wide characters', { source: '日本 x;', column: 4, endColumn: 5 }, ['    7 │ 日本 x;', '      │      ^']],
    ['a range over lines', { source: 'log_format x', column: 1, endLine: 9, endColumn: 3 }, ['    7 │ log_format x', '      │ ^^^^^^^^^^^^']],
    ['no width at all', { source: 'a', column: 2, endColumn: 2 }, ['    7 │ a', '      │  ^']],
    ['far to the right', { source: `${'a '.repeat(60)}target;`, column: 121, endColumn: 127 }, ['    7 │  a a a a a target;', '      │            ^^^^^^']],
    ['control characters', { source: 'x \u001B[31m y', column: 9, endColumn: 10 }, [String.raw`    7 │ x \x1b[31m y`, '      │            ^']],
  ])('%s', (_, finding, expected) => {
    expect(marked(finding)).toEqual(expected);
  });

  it('is plain ASCII where nothing else can be shown', () => {
    expect(renderLintTerminal(report([{ source: 'größe x;' }]), { ...look, unicode: false })).toMatch(/^[\n\u0020-\u007E]*$/);
  });
});

describe('every form', () => {
  const hostile = report([{ source: '\u001B]0;x\u0007', message: '\u001B[2J\n::error::x', path: 'a\u001B[31m.conf', advice: '\u202Eabc' }], {
    notChecked: [{ what: '\u001B[0m', why: 'x\r\n::set-output::y', matters: true }],
  });

  it.each([
    ['terminal', renderLintTerminal(hostile, look, { withFixes: true })],
    ['json', renderLintJson(hostile)],
    ['sarif', renderLintSarif(hostile)],
    ['github', renderLintGithub(hostile)],
  ])('%s holds nothing that a terminal acts on', (name, text) => {
    expect(text).not.toMatch(/[\u0000-\u0008\u000B-\u001F\u007F-\u009F\u202A-\u202E]/);
    if (name === 'github') expect(text.trimEnd().split('\n')).toHaveLength(2);
  });

  it('says what was ignored and what could not be read', () => {
    const text = renderLintTerminal(
      report([], {
        verdict: 'inconclusive',
        ignored: [{ rule: 'r', path: 'n', line: 3, reason: 'so' }],
        notChecked: [{ what: 'a.conf', why: 'denied', matters: true }],
      }),
      look,
    );
    expect(text).toBe(
      'Ignored by comments\n  n:3 r: so\n\nNot checked\n  a.conf: denied.\n\nNothing found in what could be read · 1 file, 9 lines, for\n  nginx 1.28.0 (the newest that badhop knows)\n',
    );
  });
});
