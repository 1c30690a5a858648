import { writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { labObstacles } from './available.ts';
import { appendRecord, machineKind, recordOf } from './results.ts';
import { runScenario } from './runner.ts';
import { allScenarios } from './scenarios.ts';

const scenarios = await allScenarios();
const obstacles = await labObstacles();
const mostRetries = 2;
/** Where one JSON line a scenario goes, for `npm run bench:accuracy -- --from`. */
const resultsPath = process.env['BADHOP_LAB_RESULTS'];
if (resultsPath) writeFileSync(resultsPath, '');

if (obstacles.length > 0) {
  test('the lab can run here', context => {
    const reason = `${scenarios.length} lab scenarios are not run: ${obstacles.join(' ')}`;
    // Skipping is for laptops: on CI a scenario that does not run is a failure.
    expect(process.env['CI'] ? reason : '').toBe('');
    process.stderr.write(`${reason}\n`);
    context.skip(reason);
  });
}

describe.skipIf(obstacles.length > 0).concurrent('on a real host', () => {
  // Most of a scenario's time may be spent waiting for its turn. Real hosts on a machine that others share are sometimes late: a story that
  // failed is told again, twice at most, and what went wrong is printed each time.
  test.for(scenarios)('$name: $title', { timeout: 1_200_000, retry: mostRetries }, async (scenario, { task, skip }) => {
    const obstacle = scenario.obstacle?.();
    if (obstacle !== undefined) skip(obstacle);
    const played = await runScenario(scenario);
    if (played.failure !== undefined && (task.result?.retryCount ?? 0) < mostRetries)
      process.stderr.write(`${scenario.name} is played once more: ${played.failure}\n`);
    if (played.slow !== undefined) process.stderr.write(`${scenario.name} hung: ${played.slow.join('; ')}\n`);
    if (resultsPath) appendRecord(resultsPath, recordOf(played, new Date(), machineKind()));
    if (played.failure !== undefined) throw new Error(played.failure);
  });
});

test('there are scenarios', () => {
  expect(scenarios.length).toBeGreaterThan(0);
});
