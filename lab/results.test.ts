import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { appendRecord, readRecords, recordOf } from './results.ts';
import type { RunnerResult } from './runner.ts';
import { defineScenario } from './scenario.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'badhop-results-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const scenario = defineScenario({ name: 'one', title: 'A host', kind: 'fault', fault: 'backend-down', setUp: () => Promise.resolve(), expect: {} });
const failed: RunnerResult = {
  scenario,
  times: { wait: 5000, boot: 1000, 'set-up': 2340 },
  failure: 'symptom: nobody got a 502\n/some/path',
  failedAt: 'symptom',
};

describe('the records of scenarios', () => {
  it('come back as they were kept, the last of each scenario', () => {
    const path = join(folder, 'results');
    const record = recordOf(failed, new Date(0), '2 cores');
    appendRecord(path, record);
    appendRecord(path, { ...record, scenario: 'two' });
    appendRecord(path, { ...record, seconds: 9 });
    expect([...readRecords(path).values()]).toEqual([
      { ...record, seconds: 9 },
      { ...record, scenario: 'two' },
    ]);
  });

  it('say where a scenario failed, without the text of the host', () => {
    const record = recordOf(failed, new Date(0), '2 cores');
    expect(record).toEqual({
      scenario: 'one',
      kind: 'fault',
      fault: 'backend-down',
      result: 'failed',
      failedAt: 'symptom',
      at: '1970-01-01T00:00:00.000Z',
      machine: '2 cores',
      seconds: 3.3,
      times: { wait: 5000, boot: 1000, 'set-up': 2340 },
    });
  });

  it('say what hung, and in which step', () => {
    const slow = ['systemctl stop api took 30211 ms from 2026-11-22T01:22:45.304Z on'];
    expect(recordOf({ ...failed, slow }, new Date(0), '2 cores')).toMatchObject({ slow, times: { boot: 1000 } });
  });

  it.each(['{"scenario":"one"', 'null', '[]', '{"scenario":"one"}'])('name the line that is none: %s', text => {
    const path = join(folder, 'results');
    writeFileSync(path, `\n${text}\n`);
    expect(() => readRecords(path)).toThrow('line 2');
  });
});
