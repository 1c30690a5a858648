import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { scaffoldMark } from '../scripts/new.ts';
import { root } from './source-files.ts';

const written = ['src/core/faults/nginx/made-up-fault.ts', 'lab/scenarios/made-up-fault.ts', 'docs/faults/made-up-fault.md', '.changeset/made-up-fault.md'];

/** What CONTRIBUTING tells a newcomer to type first, in a copy of the repository. */
describe('npm run new fault', () => {
  let copy = '';
  beforeAll(() => {
    mkdirSync(join(root, 'dist'), { recursive: true });
    copy = mkdtempSync(join(root, 'dist/scaffold-'));
    for (const path of ['src/core', 'scripts', 'lab', 'docs', '.changeset', 'tsconfig.base.json', 'package.json']) {
      cpSync(join(root, path), join(copy, path), { recursive: true });
    }
  });
  afterAll(() => {
    rmSync(copy, { recursive: true, force: true });
  });

  it('writes the four files, marked as not done yet', () => {
    expect(run('made-up-fault', 'nginx')).toMatchObject({ status: 0, stderr: '' });
    for (const path of written) expect(textOf(path)).toContain(scaffoldMark);
  });

  it('lists the fault where faults are listed', () => {
    expect(textOf('src/core/faults/index.ts')).toContain("import madeUpFault from './nginx/made-up-fault.ts';");
    expect(textOf('docs/faults/README.md')).toContain('[made-up-fault](made-up-fault.md)');
  });

  it('writes a fault that compiles', () => {
    expect(compile('src/core/tsconfig.json', '--composite', 'false')).toBe('');
  });

  it('writes a scenario that compiles', () => {
    const labSettings = {
      extends: './tsconfig.base.json',
      compilerOptions: { types: ['node'], composite: false, rewriteRelativeImportExtensions: false, allowImportingTsExtensions: true, noEmit: true },
      include: ['lab/scenarios/made-up-fault.ts'],
    };
    writeFileSync(join(copy, 'tsconfig.lab.json'), JSON.stringify(labSettings));
    expect(compile('tsconfig.lab.json')).toBe('');
  });

  it.each([
    [['made-up-fault'], 'The fault "made-up-fault" exists: src/core/faults/nginx/made-up-fault.ts.'],
    [['Made_Up'], '"Made_Up" is no fault id'],
    [['other-fault', 'cellar'], '"cellar" is no layer'],
    [[], 'usage: npm run new fault'],
  ])('refuses %j', (words, message) => {
    const result = run(...words);
    expect(result.status).toBe(2);
    expect(result.stderr).toContain(message);
  });

  function run(...words: readonly string[]) {
    const { status, stderr } = spawnSync(process.execPath, [join(copy, 'scripts/new.ts'), 'fault', ...words], { encoding: 'utf8' });
    return { status, stderr };
  }

  /** What the compiler says. */
  function compile(project: string, ...options: readonly string[]): string {
    const tsc = join(root, 'node_modules/typescript/bin/tsc');
    return spawnSync(process.execPath, [tsc, '-p', project, '--noEmit', ...options], { cwd: copy, encoding: 'utf8' }).stdout;
  }

  function textOf(path: string): string {
    return readFileSync(join(copy, path), 'utf8');
  }
});
