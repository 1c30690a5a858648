import { defineConfig } from 'vitest/config';

/** The lab boots real hosts: it runs after everything else, so that nothing competes with its clocks. */
const labFiles = ['lab/lab.test.ts', 'lab/answers.test.ts'];

/** Sources that run without a build need the kernel of the log engine too. */
const kernel = './scripts/build-kernel.mjs';

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['src/**/*.test.ts', 'lab/**/*.test.ts', 'bench/**/*.test.ts'],
          exclude: labFiles,
          testTimeout: 60_000,
          globalSetup: kernel,
        },
      },
      { test: { name: 'guards', include: ['test/*.test.ts'], testTimeout: 60_000 } },
      { test: { name: 'lab', include: labFiles, testTimeout: 300_000, hookTimeout: 120_000, maxConcurrency: 3, sequence: { groupOrder: 1 } } },
    ],
  },
});
