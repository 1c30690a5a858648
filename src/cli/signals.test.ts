import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const signals = fileURLToPath(new URL('signals.ts', import.meta.url));

/** Holds its signals where it is told to, says each that it is told of, and goes on until its input ends. */
const program = `
const { endOnSignals, holdSignals } = await import(process.argv[1]);
endOnSignals();
const letGo = process.argv[2] === 'hold' ? holdSignals(() => console.log('told')) : () => undefined;
process.stdin.on('data', () => { letGo(); console.log('let go'); });
console.log('ready');
`;

async function start(word: string) {
  const child = spawn(process.execPath, ['--input-type=module', '-e', program, signals, word], { stdio: ['pipe', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString('utf8')));
  const ended = new Promise<number | null>(done => {
    child.once('exit', code => done(code));
  });
  await expect.poll(() => said, { timeout: 20_000 }).toContain('ready');
  return { child, ended, said: () => said };
}

it('ends on a signal', async () => {
  const { child, ended } = await start('end');
  child.kill('SIGHUP');
  expect(await ended).toBe(129);
});

it('is held by what must come to its end, whichever signal comes and however often', async () => {
  const { child, ended, said } = await start('hold');
  for (const [index, signal] of (['SIGHUP', 'SIGTERM', 'SIGINT', 'SIGHUP'] as const).entries()) {
    child.kill(signal);
    await expect.poll(() => said().match(/told/g)?.length).toBe(index + 1);
  }
  child.stdin.write('x');
  await expect.poll(said).toContain('let go');
  child.kill('SIGTERM');
  expect(await ended).toBe(143);
});
