/**
 * What `npm start` and `npm test` need before anything else can run. Plain JavaScript that runs on the
 * system's Node with nothing installed.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));
const minimum = [20, 11];

/** Node 24 from the dev dependencies: it strips types, so it runs the `.ts` files of the repository. */
export const devNode = join(root, 'node_modules/.bin/node');

/** Dependencies in the versions of the lock file. Says what it does only where it does something. */
export function ensureDependencies() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major < minimum[0] || (major === minimum[0] && minor < minimum[1])) {
    throw new Error(`badhop needs Node.js ${minimum.join('.')} or later; this is ${process.versions.node}.`);
  }
  if (dependenciesMatchLock()) return;
  say('Installing the dependencies (npm ci) …');
  run(...npm('ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'));
  if (!existsSync(devNode)) throw new Error('npm did not install the `node` dev dependency: its install script was not allowed to run.');
}

/** Checks and bundles the program and what it stands on. Up to date, it costs about a second. */
export function ensureProgram() {
  if (!existsSync(join(root, 'dist/cli/bin.js'))) say('Building …');
  run(devNode, [join(root, 'node_modules/typescript/bin/tsc'), '-b', 'src/cli']);
  run(devNode, [join(root, 'scripts/finish-build.mjs')]);
}

/** Progress goes to stderr; stdout is for the report. */
export function say(line) {
  process.stderr.write(`${line}\n`);
}

/** Runs quietly, and shows the whole output where it fails. */
export function run(command, args) {
  const result = spawnSync(command, args, { cwd: root, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  if (result.status === 0) return;
  throw new Error(`${[command, ...args].join(' ')} failed${result.error ? `: ${result.error.message}` : ''}\n${result.stdout ?? ''}${result.stderr ?? ''}`);
}

/** Runs `main`; what it throws is said in full and ends the process with 2. */
export async function runMain(main) {
  try {
    process.exitCode = await main();
  } catch (error) {
    say(error instanceof Error ? error.message : String(error));
    process.exitCode = 2;
  }
}

/** The npm that started us, or the one in PATH. */
export function npm(...args) {
  const path = process.env.npm_execpath;
  return path?.endsWith('.js') ? [process.execPath, [path, ...args]] : ['npm', args];
}

/** By content, not by file times: a checkout gives every file a new time. */
function dependenciesMatchLock() {
  const installed = packagesOf(join(root, 'node_modules/.package-lock.json'));
  const wanted = packagesOf(join(root, 'package-lock.json'));
  if (installed === undefined || wanted === undefined || !existsSync(devNode)) return false;
  return Object.entries(wanted).every(
    ([path, wish]) => path === '' || (wish.optional === true && installed[path] === undefined) || installed[path]?.version === wish.version,
  );
}

function packagesOf(file) {
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).packages : undefined;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await runMain(() => {
    ensureDependencies();
    return 0;
  });
}
