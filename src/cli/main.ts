import { readFileSync } from 'node:fs';
import { BadhopError } from '../core/model/error.ts';
import { printError } from './failure.ts';
import { keepHeapSmall } from './heap.ts';
import { quietOnClosedPipe, releaseProcess } from './output.ts';
import { packageFolder } from './package-folder.ts';
import { endOnSignals } from './signals.ts';

/** Runs one command line and gives its exit code: 0 nothing wrong, 1 findings, 2 could not run, 3 inconclusive. Never throws. */
export async function main(argv: readonly string[]): Promise<number> {
  keepHeapSmall();
  quietOnClosedPipe();
  endOnSignals();
  process.once('uncaughtException', error => {
    printError(error);
    process.exit(2);
  });
  const code = await run(argv);
  releaseProcess();
  return code;
}

async function run(argv: readonly string[]): Promise<number> {
  try {
    if (argv.length === 1 && (argv[0] === '--version' || argv[0] === '-V')) {
      process.stdout.write(`${readVersion()}\n`);
      return 0;
    }
    const { runProgram } = await import('./program.ts');
    return await runProgram(argv, readVersion());
  } catch (error) {
    printError(error);
    return 2;
  }
}

function readVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('package.json', packageFolder), 'utf8'));
  if (typeof manifest === 'object' && manifest !== null && 'version' in manifest && typeof manifest.version === 'string') return manifest.version;
  throw new BadhopError('internal', 'package.json holds no version');
}
