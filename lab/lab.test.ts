import { describe, expect, test } from 'vitest';
import { labObstacles } from './available.ts';
import { runScenario } from './runner.ts';
import { allScenarios } from './scenarios.ts';

const scenarios = await allScenarios();
const obstacles = await labObstacles();

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
  // Most of a scenario's time may be spent waiting for its turn.
  test.each(scenarios)('$name: $title', { timeout: 1_200_000 }, async scenario => {
    const { failure } = await runScenario(scenario);
    if (failure !== undefined) throw new Error(failure);
  });
});

test('there are scenarios', () => {
  expect(scenarios.length).toBeGreaterThan(0);
});
