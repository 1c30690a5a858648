import { describe, expect, it } from 'vitest';
import { faults } from '../src/core/faults/index.ts';
import { filesBelow, textOf } from './source-files.ts';

const sources = filesBelow('src/core/trace', '.ts').filter(path => !path.endsWith('.test.ts'));
/** Every id that a finding of a trace may have, as it is written in the source. */
const ids = [
  ...new Set(
    sources.flatMap(path =>
      [...textOf(path).matchAll(/\bfault: (.*),$/gm)].flatMap(([, text = '']) =>
        [...text.matchAll(/'([a-z0-9]+(?:-[a-z0-9]+)+)'/g)].flatMap(([, id]) => id ?? []),
      ),
    ),
  ),
];

describe('the page of the trace', () => {
  const catalogue = new Set<string>(faults.map(({ meta }) => meta.id));
  const sections = new Set([...textOf('docs/trace.md').matchAll(/^### (.+)$/gm)].flatMap(([, id]) => id ?? []));

  it('sees the findings', () => {
    expect(ids.length).toBeGreaterThan(40);
  });

  it('has a section for each that the catalogue does not have', () => {
    expect(ids.filter(id => !catalogue.has(id) && !sections.has(id))).toEqual([]);
  });

  it('has no section for one that is gone, and none for one of the catalogue', () => {
    expect([...sections].filter(id => !ids.includes(id) || catalogue.has(id))).toEqual([]);
  });

  it('names those of the catalogue', () => {
    expect(ids.filter(id => catalogue.has(id) && !textOf('docs/trace.md').includes(`\`${id}\``))).toEqual([]);
  });
});
