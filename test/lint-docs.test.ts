import { describe, expect, it } from 'vitest';
import { rules } from '../src/core/lint/rules/index.ts';
import { faults } from '../src/core/faults/index.ts';
import { blocksOf } from './fenced-blocks.ts';
import { lintText } from './lint-rule.ts';
import { filesBelow, isThere, textOf } from './source-files.ts';

/** A sample: `nginx fires`, `nginx silent`, both with an nginx version behind, or two for an upgrade: `nginx fires 1.28.0 to 1.31.5`. */
const sampleInfo = /^nginx (fires|silent)(?: (\d+\.\d+\.\d+))?(?: to (\d+\.\d+\.\d+))?$/;
const headings = ['What it means', 'What to do', 'When it is wrong', 'See also'];

describe.each(rules.map(rule => [rule.meta.id, rule] as const))('lint rule %s', (id, rule) => {
  const page = `docs/lint/${id}.md`;
  const samples = blocksOf(page).flatMap(({ info, text }) => {
    const [, kind, version, upgradeTo] = sampleInfo.exec(info) ?? [];
    return kind === undefined ? [] : [{ kind, version, upgradeTo, text }];
  });

  it('has a page with the headings and both kinds of samples', () => {
    expect(isThere(page)).toBe(true);
    const text = textOf(page);
    expect(text.startsWith(`# ${id}\n`)).toBe(true);
    expect([...text.matchAll(/^## (.+)$/gm)].map(([, heading]) => heading)).toEqual(headings);
    expect(new Set(samples.map(({ kind }) => kind))).toEqual(new Set(['fires', 'silent']));
  });

  it.each(samples)('its sample $kind:\n$text', ({ kind, version, upgradeTo, text }) => {
    const whole = /^(?:events|http|stream|worker_\w+)\b/m.test(text) ? text : `events {}\nhttp {\n${text}\n}\n`;
    const { findings } = lintText([rule], { text: whole, ...(version === undefined ? {} : { version }), ...(upgradeTo === undefined ? {} : { upgradeTo }) });
    expect(findings.filter(finding => finding.rule === 'nginx-config-invalid')).toEqual([]);
    expect(findings.length > 0).toBe(kind === 'fires');
  });

  it('names a fault that there is', () => {
    if (rule.meta.fault !== undefined) expect(faults.map(({ meta }) => meta.id)).toContain(rule.meta.fault);
    // An id of the catalogue means the fault itself.
    if (faults.some(({ meta }) => meta.id === id)) expect(rule.meta.fault).toBe(id);
  });

  it('is tested beside its file', () => {
    expect(isThere(`src/core/lint/rules/${id}.test.ts`)).toBe(true);
  });
});

it('has a rule for every page', () => {
  const pages = filesBelow('docs/lint', '.md').map(path => path.slice('docs/lint/'.length, -'.md'.length));
  expect(pages.filter(id => id !== 'README').toSorted()).toEqual(rules.map(({ meta }) => meta.id).toSorted());
});
