import { basename } from 'node:path';
import { describe, expect, it } from 'vitest';
import { collectors } from '../src/core/collectors/index.ts';
import { derivations } from '../src/core/derive/index.ts';
import { faults } from '../src/core/faults/index.ts';
import { fixes } from '../src/core/fixes/index.ts';
import { sizingFacts } from '../src/core/sizing/size-host.ts';
import { allScenarios } from '../lab/scenarios.ts';
import { entryFiles, indexedFolders } from '../scripts/generate.ts';
import { scaffoldMark } from '../scripts/new.ts';
import { plannedFaults } from './planned-faults.ts';
import { filesBelow, isThere, root, textOf } from './source-files.ts';

const pageHeadings = ['What it means', 'How badhop knows', 'What to do', 'When it is wrong', 'See also'];

/** Faults that no lab host can show, each with the reason. Their pages say so. */
const notInLab: Readonly<Record<string, string>> = {
  'selinux-denied': 'the kernel of a container is that of the machine, and a policy cannot be loaded for one container alone',
  'apparmor-denied': 'a profile is loaded into the kernel that all hosts of the machine share',
  'memory-exhausted': 'all hosts of the machine share its memory, and a limit on one of them is no lack of the whole',
  'cpu-saturated': 'all hosts of the machine share its processors',
  'conntrack-table-full': "the size of the table is the whole machine's",
};

const ids = {
  'src/core/collectors': collectors.map(({ id }) => id),
  'src/core/derive': derivations.map(({ id }) => id),
  'src/core/faults': faults.map(({ meta }) => meta.id),
  'src/core/fixes': fixes.map(({ id }) => id),
};
const scenarios = await allScenarios();
const factIds = new Set<string>([...ids['src/core/collectors'], ...ids['src/core/derive']]);
const faultIds = new Set(ids['src/core/faults']);

describe('the lists', () => {
  it.each(Object.entries(ids))('%s: is not empty, and each id is its file name and stands once', (folder, list) => {
    const indexed = indexedFolders.find(candidate => candidate.folder === folder);
    const files = indexed === undefined ? [] : entryFiles(root, indexed).map(path => basename(path, '.ts'));
    expect(list.length).toBeGreaterThan(0);
    const names: readonly string[] = list;
    expect(names.toSorted()).toEqual(files.toSorted());
    expect(new Set(list).size).toBe(list.length);
  });

  it('gets each fact from one place', () => {
    expect(ids['src/core/derive'].filter(id => collectors.some(collector => collector.id === id))).toEqual([]);
  });

  it('gets every fact that something needs', () => {
    const needed = [
      ...[...collectors, ...derivations].flatMap(({ id, needs }) => needs.map(need => ({ id: id as string, need }))),
      ...faults.flatMap(({ meta }) => [...meta.requires, ...(meta.uses ?? [])].map(need => ({ id: meta.id, need }))),
    ];
    expect(needed.filter(({ need }) => !factIds.has(need)).map(({ id, need }) => `${id} needs ${need}`)).toEqual([]);
  });

  it('has no fact that waits for itself', () => {
    const needs = new Map<string, readonly string[]>([...collectors, ...derivations].map(part => [part.id, part.needs]));
    const cycles = [...needs.keys()].filter(id => reaches(needs, id, id));
    expect(cycles).toEqual([]);
  });

  it('has no fact that nobody uses', () => {
    const used = new Set<string>([
      ...[...collectors, ...derivations].flatMap(({ needs }) => needs),
      ...faults.flatMap(({ meta }) => [...meta.requires, ...(meta.uses ?? [])]),
      ...sizingFacts,
      'host-identity', // the report's own head
      'circumstances', // the report's symptoms
    ]);
    expect([...factIds].filter(id => !used.has(id))).toEqual([]);
  });

  it('has a fault for every fix, and no fix for a fault that is not there', () => {
    expect(fixes.filter(fix => fix.fixes.length === 0).map(({ id }) => id)).toEqual([]);
    expect(fixes.flatMap(fix => fix.fixes.filter(id => !faultIds.has(id)).map(id => `${fix.id} fixes ${id}`))).toEqual([]);
  });
});

describe.each(faults.map(({ meta }) => [meta.id, meta] as const))('fault %s', (id, meta) => {
  it('lies in the folder of its layer', () => {
    expect(isThere(`src/core/faults/${meta.layer}/${id}.ts`)).toBe(true);
  });

  it('leads to faults of the catalogue only', () => {
    const catalogue = new Set([...faultIds, ...plannedFaults]);
    expect(meta.leadsTo.filter(other => !catalogue.has(other) || other === id)).toEqual([]);
  });

  it('has a title without its full stop, and a message', () => {
    expect(meta.title).toMatch(/^\S.*[^.\s]$/);
    expect(Object.keys(meta.messages)).not.toHaveLength(0);
    for (const message of Object.values(meta.messages)) expect(message).toMatch(/[.!?`]$/);
  });

  it('has a page with the fixed headings', () => {
    const headings = [...textOf(`docs/faults/${id}.md`).matchAll(/^## (.+)$/gm)].map(([, heading]) => heading);
    expect(headings).toEqual(pageHeadings);
  });

  it('has a scenario in the lab, and a twin that only looks like it, or a page that says that it has none', () => {
    if (notInLab[id] !== undefined) {
      expect(isThere(`lab/scenarios/${id}.ts`)).toBe(false);
      expect(textOf(`docs/faults/${id}.md`)).toContain('not proven on a real host');
      return;
    }
    expect(isThere(`lab/scenarios/${id}.ts`)).toBe(true);
    expect(scenarios.filter(({ name, kind, fault }) => name === id && kind === 'fault' && fault === id)).toHaveLength(1);
    expect(scenarios.filter(({ twinOf }) => twinOf === id)).not.toHaveLength(0);
  });
});

describe('leftovers', () => {
  it('has no page of a fault that is gone', () => {
    const pages = filesBelow('docs/faults', '.md').map(path => basename(path, '.md'));
    expect(pages.filter(page => page !== 'README' && !faultIds.has(page))).toEqual([]);
  });

  it('plans no fault that is there', () => {
    expect(plannedFaults.filter(id => faultIds.has(id))).toEqual([]);
  });

  it('has no scenario of a fault that is not there', () => {
    const named = scenarios.flatMap(({ name, fault, twinOf }) => [fault, twinOf].flatMap(id => (id === undefined ? [] : { name, id })));
    expect(named.filter(({ id }) => !faultIds.has(id))).toEqual([]);
  });

  it('has no story that leaves its diagnosis to one that does not make it', () => {
    const diagnosing = new Set(scenarios.flatMap(({ name, diagnosedBy }) => (diagnosedBy === undefined ? [name] : [])));
    expect(scenarios.flatMap(({ diagnosedBy }) => diagnosedBy ?? []).filter(name => !diagnosing.has(name))).toEqual([]);
  });

  it('has nothing of the scaffold left', () => {
    const written = [...filesBelow('src', '.ts'), ...filesBelow('lab', '.ts'), ...filesBelow('docs', '.md'), ...filesBelow('.changeset', '.md')];
    expect(written.filter(path => textOf(path).includes(scaffoldMark))).toEqual([]);
  });
});

function reaches(needs: ReadonlyMap<string, readonly string[]>, from: string, goal: string, seen = new Set<string>()): boolean {
  return (needs.get(from) ?? []).some(next => {
    if (next === goal) return true;
    if (seen.has(next)) return false;
    seen.add(next);
    return reaches(needs, next, goal, seen);
  });
}
