import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { root } from './source-files.ts';

/** `core` is compiled without the types of Node and of the browser, so naming the outside world does not compile. */
describe('the wall around core', () => {
  let folder = '';
  beforeAll(() => {
    mkdirSync(join(root, 'dist'), { recursive: true });
    folder = mkdtempSync(join(root, 'dist/wall-'));
  });
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  it('lets pure code through', () => {
    expect(compile('export const total = [1, 2].toSorted().length;')).toBe('');
  });

  it.each([
    ['the process', 'export const id = process.pid;'],
    ['the network', "export const answer = fetch('http://127.0.0.1/');"],
    ['the console', "console.log('seen');"],
    ['timers', 'setTimeout(() => undefined, 1);'],
    ['the DOM', 'export const title = document.title;'],
    ["Node's modules", "import { readFileSync } from 'node:fs';\nexport const read = readFileSync;"],
    ['a file outside itself', "export * from '../../vitest.config.ts';"],
  ])('keeps out %s', (_, text) => {
    expect(compile(text)).toMatch(/error TS(2304|2307|2580|2584|2591|6059|6307)/);
  });

  /** What the compiler says to one file under the core project's own settings. */
  function compile(text: string): string {
    writeFileSync(join(folder, 'snippet.ts'), `${text}\n`);
    const settings = {
      extends: join(root, 'src/core/tsconfig.json'),
      compilerOptions: { rootDir: folder, outDir: folder, noEmit: true, composite: false },
      include: ['snippet.ts'],
    };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(settings));
    return spawnSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', folder], { encoding: 'utf8' }).stdout;
  }
});
