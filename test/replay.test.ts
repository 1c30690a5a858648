import { describe, expect, it } from 'vitest';
import { diagnoseBundle } from '../src/cli/compose.ts';
import { filesBelow, textOf } from './source-files.ts';

/**
 * Recorded hosts: each folder of `test/scenarios` is a bundle with an `expect.json`, which is a part of the report.
 * Items of a list are compared from its start, so the first finding expected is the first one found; an empty list
 * must be empty. Whatever else a report says is free to change.
 */
const scenarios = filesBelow('test/scenarios', 'expect.json').map(path => path.slice(0, path.lastIndexOf('/')));

describe('recorded hosts', () => {
  it('are there', () => {
    expect(scenarios.length).toBeGreaterThan(0);
  });

  it.each(scenarios)('%s is diagnosed as it was seen', async folder => {
    const expected: unknown = JSON.parse(textOf(`${folder}/expect.json`));
    const report = await diagnoseBundle(folder, { since: undefined, probing: true, version: '0.0.0', onProgress: () => undefined });
    const printed: unknown = JSON.parse(JSON.stringify(report));
    expect(partOf(printed, expected)).toEqual(expected);
    expect(report.internalErrors).toEqual([]);
  });
});

/** `actual` cut down to what `expected` speaks of, so that a difference shows in the expectation's own shape. */
function partOf(actual: unknown, expected: unknown): unknown {
  if (Array.isArray(expected)) {
    if (!Array.isArray(actual) || expected.length === 0) return actual;
    return expected.map((item, index) => partOf(actual[index], item));
  }
  if (!isRecord(expected) || !isRecord(actual)) return actual;
  return Object.fromEntries(Object.keys(expected).map(key => [key, partOf(actual[key], expected[key])]));
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
