import { expect, it } from 'vitest';
import { rules } from '../src/core/lint/rules/index.ts';
import { runLint } from '../src/core/lint/run.ts';
import { viewOf } from '../src/core/lint/view.ts';
import { configOfDump } from '../src/core/parsers/nginx-conf-files.ts';
import { printNginxConf } from '../src/core/parsers/nginx-conf.ts';
import { bigConfig, flawedConfig } from './lint-config.ts';

it('each flawed site has two findings with a change, and all of the changes can be made', () => {
  const config = configOfDump('lint', '/n.conf', '', new Map([['/n.conf', flawedConfig(300)]]));
  const { findings, changes } = runLint(viewOf(config, { version: '1.28.0' }), rules, { shownPath: path => path, redact: plain => plain, madeUp: new Set() });
  expect(findings.filter(({ fix }) => fix !== undefined)).toHaveLength(600);
  expect(changes).toHaveLength(600);
});

it('35,000 lines are printed byte for byte, and nothing is told of them', () => {
  const text = bigConfig(35_000);
  expect(text.split('\n').length).toBeGreaterThan(35_000);
  expect(printNginxConf(text)).toBe(text);
  const config = configOfDump('lint', '/n.conf', '', new Map([['/n.conf', text]]));
  const { findings, gaps } = runLint(viewOf(config, { version: '1.28.0' }), rules, { shownPath: path => path, redact: plain => plain, madeUp: new Set() });
  expect({ findings: findings.filter(({ severity }) => severity !== 'notice'), gaps }).toEqual({ findings: [], gaps: [] });
});
