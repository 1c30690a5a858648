/**
 * `npm start`: diagnoses this machine. Where no proxy runs on it, the recorded host of a real incident
 * follows, so that a newcomer sees a whole diagnosis. Arguments are handed on: `npm start -- --verbose`.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ensureDependencies, ensureProgram, root, runMain, say } from './setup.mjs';

const program = join(root, 'dist/cli/bin.js');
const recorded = 'test/scenarios/promotion-day';

await runMain(() => {
  ensureDependencies();
  ensureProgram();
  const args = process.argv.slice(2);
  const code = diagnose(args);
  if (proxyRunsHere() || !existsSync(join(root, recorded))) return exitCode(code);
  say('');
  say('No proxy runs on this machine. What follows is the diagnosis of a recorded host: a real incident,');
  say(`recorded in the lab (${recorded}).`);
  say('');
  return exitCode(diagnose(['--bundle', recorded, ...args]));
});

/** Asked without probes, so that the backends of a busy host are not asked twice. */
function proxyRunsHere() {
  const result = spawnSync(process.execPath, [program, 'diagnose', '--format', 'json', '--no-probe'], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 256 * 1024 * 1024,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  try {
    return JSON.parse(result.stdout).host.nginx.some(name => !name.endsWith('(not running)'));
  } catch {
    return false;
  }
}

function diagnose(args) {
  const result = spawnSync(process.execPath, [program, 'diagnose', ...args], { cwd: root, stdio: 'inherit' });
  return result.status ?? 2;
}

/** Findings (1) and "cannot tell" (3) are a diagnosis that was shown; npm would print them as its own failure. */
function exitCode(code) {
  return code === 1 || code === 3 ? 0 : code;
}
