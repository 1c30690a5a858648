import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, it } from 'vitest';
import { forThoseLeft, identify, strangerOf } from './processes.ts';

it('tells who is left of the processes that a command names', async () => {
  const gone = spawn('sleep', ['60']);
  const pids = [process.pid, gone.pid ?? 0].map(String);
  const processes = identify(['kill', '-s', 'QUIT', ...pids]);
  const commandOf = (...ids: readonly string[]) => ({ argv: ['kill', '-s', 'QUIT', ...ids], ...(processes === undefined ? {} : { processes }) });
  expect(forThoseLeft(commandOf(...pids))).toEqual(['kill', '-s', 'QUIT', ...pids]);
  gone.kill('SIGKILL');
  await once(gone, 'exit');
  expect(strangerOf(commandOf(...pids))).toBe(gone.pid);
  expect(forThoseLeft(commandOf(...pids))).toEqual(['kill', '-s', 'QUIT', String(process.pid)]);
  expect(forThoseLeft(commandOf(String(gone.pid)))).toBeUndefined();
  // One that was not there when the change was written down is nobody's.
  expect(forThoseLeft({ argv: ['kill', '-s', 'QUIT', String(process.pid)] })).toBeUndefined();
});
