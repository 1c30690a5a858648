/** A rule is tested on text: what it says, and where. */
import { expect, it } from 'vitest';
import { configOfDump } from '../src/core/parsers/nginx-conf-files.ts';
import { printNginxConf } from '../src/core/parsers/nginx-conf.ts';
import { latin1FromText } from '../src/core/parsers/latin1.ts';
import type { LintFinding, LintReport } from '../src/core/model/lint.ts';
import type { LintRule } from '../src/core/lint/rule.ts';
import { runLint } from '../src/core/lint/run.ts';
import { newestKnownVersion } from '../src/core/lint/versions.ts';
import { viewOf } from '../src/core/lint/view.ts';

export interface LintCase {
  /** nginx.conf, or several files by their paths, the main one first. */
  readonly text: string | Readonly<Record<string, string>>;
  readonly version?: string;
  readonly upgradeTo?: string;
  /** Paths that could not be read. */
  readonly unread?: readonly string[];
}

export interface FiringCase extends LintCase {
  /** What is underlined, for each finding in order; `line:text` where the text alone would not tell the place. */
  readonly at: readonly string[];
  readonly severity?: LintFinding['severity'];
  readonly fault?: string;
  /** A part of the first message. */
  readonly says?: string;
  /** A part of the first advice. */
  readonly advises?: string;
  /** The main file after the fixes. */
  readonly fixed?: string;
}

/** Runs rules over a text. */
export function lintText(rules: readonly LintRule[], given: LintCase): Pick<LintReport, 'findings' | 'ignored'> & { readonly fixed: string | undefined } {
  const files = typeof given.text === 'string' ? { '/etc/nginx/nginx.conf': given.text } : given.text;
  const [mainPath = ''] = Object.keys(files);
  const texts = new Map(Object.entries(files).map(([path, text]) => [path, latin1FromText(text)]));
  const unread = (given.unread ?? []).map(path => ({ path, why: 'permission denied' }));
  const config = { ...configOfDump('lint', mainPath, '', texts), unread };
  const view = viewOf(config, { version: given.version ?? newestKnownVersion, upgradeTo: given.upgradeTo });
  const run = runLint(view, rules, { shownPath: path => path, redact: text => text, madeUp: new Set() });
  expect(
    run.gaps.filter(gap => gap.matters),
    'a rule threw',
  ).toEqual([]);
  const changes = run.changes.filter(change => change.path === mainPath);
  return { ...run, fixed: printNginxConf(texts.get(mainPath) ?? '', changes) };
}

/** Tests of one rule, each named by its situation. Every text must be one that the parser takes. */
export function testLintRule(
  rule: LintRule,
  { fires, silent }: { readonly fires: Readonly<Record<string, FiringCase>>; readonly silent: Readonly<Record<string, LintCase>> },
): void {
  it.each(Object.entries(fires))('tells: %s', (_, given) => {
    const { findings, fixed } = lintText([rule], given);
    expect(findings.map(finding => underlined(finding, given))).toEqual(given.at.map(text => text));
    for (const finding of findings) {
      expect(finding).toMatchObject({
        rule: rule.meta.id,
        severity: given.severity ?? rule.meta.severity,
        ...(given.fault === undefined ? {} : { fault: given.fault }),
      });
      expect(finding.message).toMatch(/[.”"]$/);
      expect(finding.advice).toMatch(/\.$/);
    }
    if (given.says !== undefined) expect(findings[0]?.message).toContain(given.says);
    if (given.advises !== undefined) expect(findings[0]?.advice).toContain(given.advises);
    if (given.fixed !== undefined) {
      expect(fixed).toBe(given.fixed);
      expect(lintText([rule], { ...given, text: fixed ?? '' }).findings).toEqual([]);
    }
  });

  it.each(Object.entries(silent))('is silent: %s', (_, given) => {
    expect(lintText([rule], given).findings.map(({ source, message }) => `${source}: ${message}`)).toEqual([]);
  });
}

function underlined({ source, line, column, endLine, endColumn }: LintFinding, given: FiringCase): string {
  const text = Array.from(source)
    .slice(column - 1, endLine === line ? endColumn - 1 : undefined)
    .join('');
  return given.at.some(one => /^\d+:/.test(one)) ? `${line}:${text}` : text;
}
