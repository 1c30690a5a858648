import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const compiler = fileURLToPath(new URL('compiler.ts', import.meta.url));

/** Runs a function hot; V8 traces what it compiles. */
const program = `
const { expectShortWork } = await import(process.argv[1]);
if (process.argv[2] === 'short') expectShortWork();
function hot(seed) {
  let sum = seed;
  for (let index = 0; index < 300; index += 1) sum = (sum * 31 + index) | 0;
  return sum;
}
let sum = 0;
for (const startedMs = performance.now(); performance.now() < startedMs + 1000; ) {
  for (let round = 0; round < 2000; round += 1) sum = hot(sum);
}
`;

function isOptimised(...words: readonly string[]): boolean {
  const { stdout, stderr } = spawnSync(process.execPath, ['--trace-opt', '--input-type=module', '-e', program, compiler, ...words], { encoding: 'utf8' });
  expect(stderr).toBe('');
  expect(stdout).toMatch(/JSFunction hot .*target MAGLEV/u);
  return /JSFunction hot .*target TURBOFAN/u.test(stdout);
}

it.runIf(process.versions.node.startsWith('24.'))('leaves the optimising compiler off, and the one below it on', () => {
  expect(isOptimised()).toBe(true);
  expect(isOptimised('short')).toBe(false);
});
