import { describe, expect, it } from 'vitest';
import { filesBelow, importedNames, importsOf, isThere, textOf } from './source-files.ts';

/**
 * Who may import whom, as `docs/architecture.md` says it in words. A folder may always import itself;
 * `node:` stands for Node's own modules. The test also fails for an allowance that nobody uses, so the
 * table is the truth and not a wish.
 */
const allowed: Readonly<Record<string, readonly string[]>> = {
  'core/model': [],
  'core/parsers': ['core/model'],
  'core/logs': ['core/model', 'core/parsers'],
  'core/collectors': ['core/model', 'core/parsers', 'core/logs'],
  'core/derive': ['core/model', 'core/logs'],
  'core/faults': ['core/model'],
  'core/lint': ['core/model', 'core/parsers', 'core/derive'],
  'core/fixes': ['core/model'],
  'core/changes': ['core/model', 'core/parsers'],
  'core/diagnosis': ['core/model'],
  'core/sizing': ['core/model'],
  'core/reporters': ['core/model'],
  'core/trace': ['core/model'],
  'core/fingerprints': ['core/model', 'core/parsers'],
  'core/engine.ts': ['core/model', 'core/diagnosis'],
  'node/hosts': ['core/model', 'node/redact', 'node:'],
  'node/redact': [],
  'node/apply': ['core/model', 'core/parsers', 'core/changes', 'node:'],
  'node/logs': ['core/model', 'core/logs', 'core/parsers', 'node:', 'fzstd', 'xz-decompress'],
  'node/probes': ['core/model', 'node/redact', 'node:'],
  'node/trace': ['core/model', 'core/parsers', 'node/probes', 'node/redact', 'node:'],
  'web/logs': ['core/reporters', 'uplot'],
  cli: [
    'core/model',
    'core/collectors',
    'core/derive',
    'core/faults',
    'core/fixes',
    'core/fingerprints',
    'core/lint',
    'core/logs',
    'core/parsers',
    'core/reporters',
    'core/sizing',
    'core/trace',
    'core/changes',
    'core/engine.ts',
    'node/apply',
    'node/hosts',
    'node/logs',
    'node/probes',
    'node/redact',
    'node/trace',
    'node:',
    'commander',
  ],
};

/** Folders of lists, where one entry must not lean on another: what two of them share is a fact of its own. */
const independent = ['src/core/collectors', 'src/core/derive', 'src/core/faults', 'src/core/lint/rules', 'src/core/fixes'];

/** AssemblyScript, not TypeScript: it may import nothing but itself. */
const kernel = filesBelow('src/kernel', '.ts');

const sources = filesBelow('src', '.ts').filter(path => !path.endsWith('.test.ts') && !path.endsWith('/testing.ts') && !kernel.includes(path));
const edges = sources.flatMap(from => importsOf(from).map(to => ({ from, to })));

describe('who imports whom', () => {
  it('sees the sources and their imports', () => {
    expect(sources.length).toBeGreaterThan(20);
    expect(edges.length).toBeGreaterThan(sources.length);
  });

  it('reads every import statement', () => {
    const missed = sources.filter(path => {
      const text = textOf(path);
      return importedNames(text).length < (text.match(/^import\b(?!\()/gm) ?? []).length;
    });
    expect(missed).toEqual([]);
  });

  it('knows every folder', () => {
    const unlisted = [...new Set(sources.map(folderOf))].filter(folder => !(folder in allowed));
    expect(unlisted, 'add the folder to the table above and to docs/architecture.md').toEqual([]);
  });

  it('holds to the table', () => {
    const broken = edges.filter(({ from, to }) => {
      const target = targetOf(to);
      return target !== folderOf(from) && !(allowed[folderOf(from)] ?? []).includes(target);
    });
    expect(broken.map(({ from, to }) => `${from} imports ${to}`)).toEqual([]);
  });

  it('holds no allowance that nobody uses', () => {
    const used = new Set(edges.map(({ from, to }) => `${folderOf(from)} → ${targetOf(to)}`));
    const unused = Object.entries(allowed).flatMap(([folder, targets]) => targets.map(target => `${folder} → ${target}`).filter(edge => !used.has(edge)));
    expect(unused, 'take these out of the table').toEqual([]);
  });

  it('keeps collectors, derivations, faults and fixes from importing each other', () => {
    const entry = /^export default define[A-Z]/m;
    const isEntry = (path: string) => independent.some(folder => path.startsWith(`${folder}/`)) && isThere(path) && entry.test(textOf(path));
    const leaning = edges.filter(({ from, to }) => !from.endsWith('/index.ts') && isEntry(to));
    expect(leaning.map(({ from, to }) => `${from} imports ${to}`)).toEqual([]);
  });

  it('points every relative import at a file', () => {
    const dangling = edges.filter(({ to }) => to.startsWith('src/') && !isThere(to));
    expect(dangling.map(({ from, to }) => `${from} imports ${to}`)).toEqual([]);
  });

  it('keeps the kernel to itself', () => {
    expect(kernel.length).toBeGreaterThan(0);
    const broken = kernel.flatMap(from => importsOf(from).map(to => ({ from, to }))).filter(({ to }) => !/^src\/kernel\/[\w-]+$/.test(to));
    expect(broken.map(({ from, to }) => `${from} imports ${to}`)).toEqual([]);
  });

  it('describes every folder in docs/architecture.md', () => {
    const page = textOf('docs/architecture.md');
    expect([...Object.keys(allowed), 'kernel'].filter(folder => !page.includes(`\`${folder}\``))).toEqual([]);
  });
});

/** `core/parsers` of `src/core/parsers/ss.ts`; a file that lies directly in `src/core` stands for itself; `cli` is one folder. */
function folderOf(path: string): string {
  const [project = '', folder = ''] = path.split('/').slice(1);
  return project === 'cli' ? project : `${project}/${folder}`;
}

function targetOf(imported: string): string {
  if (imported.startsWith('src/')) return folderOf(imported);
  return imported.startsWith('node:') ? 'node:' : imported;
}
