import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, it } from 'vitest';
import { isHostName, startTime } from './state.ts';

it('knows a process by its start time, and a dead one by its absence', async () => {
  expect(startTime(process.pid)).toMatch(/^\d+$/);
  const child = spawn(process.execPath, ['--version'], { stdio: 'ignore' });
  await once(child, 'close');
  expect(startTime(child.pid ?? 0)).toBeUndefined();
});

it.each(['', '.', '..', '/', 'system.slice', 'badhop-', 'badhop-x/..', 'badhop-1-/../..'])(
  'takes %j for no host: the name becomes a control group that is killed',
  name => {
    expect(isHostName(name)).toBe(false);
  },
);

it('takes the names that it gives', () => {
  expect(isHostName(`badhop-${process.pid.toString(36)}-0`)).toBe(true);
});
