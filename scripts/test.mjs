/**
 * `npm test`: sets up what is missing, runs every test, and ends with the true totals on one line.
 * Arguments are handed on to vitest: `npm test -- --project guards`.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureLabPackages, ensureNewerNginx, ensurePm2 } from './lab-packages.mjs';
import { devNode, ensureDependencies, ensureProgram, root, runMain, say } from './setup.mjs';

const onCi = ['true', '1'].includes(process.env.CI ?? '');

await runMain(() => {
  const { passed, failed, skipped, skippedNames } = allTests(process.argv.slice(2));
  if (skipped > 0) console.log(`\nSkipped${onCi ? ', which on CI is a failure' : ''}:\n${skippedNames.map(name => `  ${name}`).join('\n')}`);
  const failures = onCi ? failed + skipped : failed;
  const rest = skipped === 0 || onCi ? '' : `, ${skipped} skipped`;
  console.log(`\n${passed} passed, ${failures} failed${rest}`);
  return failures === 0 ? 0 : 1;
});

/** A set-up that fails counts as one failure, so that the last line is a total in every case. */
function allTests(args) {
  try {
    ensureDependencies();
    ensureProgram();
    for (const missing of [ensureLabPackages(), ensureNewerNginx(), ensurePm2()])
      if (missing !== undefined) say(`The lab's packages are incomplete: ${missing}.`);
    return runVitest(args);
  } catch (error) {
    say(error instanceof Error ? error.message : String(error));
    return { passed: 0, failed: 1, skipped: 0, skippedNames: [] };
  }
}

function runVitest(args) {
  const folder = mkdtempSync(join(tmpdir(), 'badhop-test-'));
  const file = join(folder, 'results.json');
  try {
    const result = spawnSync(
      devNode,
      [join(root, 'node_modules/vitest/vitest.mjs'), 'run', '--reporter=default', '--reporter=json', `--outputFile.json=${file}`, ...args],
      {
        cwd: root,
        stdio: 'inherit',
      },
    );
    return totals(JSON.parse(readFileSync(file, 'utf8')), result.status);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A file that fails as a whole (it does not load) counts as one failure, and so does an error outside every test. */
function totals(results, status) {
  const tests = results.testResults.flatMap(file => file.assertionResults.map(test => ({ ...test, file: file.name })));
  const passed = tests.filter(test => test.status === 'passed').length;
  const failedTests = tests.filter(test => test.status === 'failed').length;
  const failedFiles = results.testResults.filter(file => file.status === 'failed' && !file.assertionResults.some(test => test.status === 'failed')).length;
  const failed = failedTests + failedFiles;
  const skippedNames = tests.filter(test => test.status !== 'passed' && test.status !== 'failed').map(test => test.fullName);
  return { passed, failed: failed === 0 && status !== 0 ? 1 : failed, skipped: skippedNames.length, skippedNames };
}
