import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const heap = fileURLToPath(new URL('heap.ts', import.meta.url));

/** Makes objects that live for a while, which is what lets V8 take more space for young ones; prints how much it took. */
const program = `
import { getHeapSpaceStatistics } from 'node:v8';
const { keepHeapSmall } = await import(process.argv[1]);
if (process.argv[2] === 'small') keepHeapSmall();
let kept = [];
for (let round = 0; round < 100; round += 1) {
  for (let index = 0; index < 20_000; index += 1) kept.push({ index, name: 'n' + index });
  kept = kept.slice(-200_000);
  await new Promise(done => setTimeout(done, 1));
}
console.log(getHeapSpaceStatistics().find(space => space.space_name === 'new_space').space_size);
`;

function youngBytes(...words: readonly string[]): number {
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program, heap, ...words], { encoding: 'utf8' });
  expect(stderr).toBe('');
  return Number(stdout);
}

it('keeps the space for young objects small, which otherwise grows', () => {
  expect(youngBytes()).toBeGreaterThanOrEqual(32 * 2 ** 20);
  expect(youngBytes('small')).toBeLessThanOrEqual(20 * 2 ** 20);
});
