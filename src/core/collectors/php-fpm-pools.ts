import { askAll, defineCollector } from '../model/collector.ts';
import type { Request } from '../model/collector.ts';
import { known, valueOr } from '../model/fact.ts';
import type { Known } from '../model/fact.ts';
import type { PhpFpmPool, Sourced } from '../model/facts/backend.ts';
import type { ProcessInfo, SystemdUnit } from '../model/facts/system.ts';
import { parseExecStart, recogniseCommand } from '../parsers/backend-command.ts';
import { resolvePath } from '../parsers/listen-address.ts';
import { phpFpmMasterConfig } from '../parsers/php-fpm-config.ts';
import { isRefusal } from './shared/answers.ts';
import { pidsInContainers } from './shared/containers.ts';
import { expandGlobs } from './glob.ts';
import { readPhpFpmTree } from './php-fpm-files.ts';
import type { PhpFpmTree } from './php-fpm-files.ts';

/** Where the packages of Debian, Red Hat, Remi, Alpine, the Docker image and Bitnami put it. */
const installedPatterns = [
  '/etc/php/*/fpm/php-fpm.conf',
  '/etc/php-fpm.conf',
  '/etc/php[0-9]*/php-fpm.conf',
  '/etc/opt/remi/php*/php-fpm.conf',
  '/etc/opt/rh/*/php-fpm.conf',
  '/usr/local/etc/php-fpm.conf',
  '/usr/local/php*/etc/php-fpm.conf',
  '/opt/*/php/etc/php-fpm.conf',
  '/opt/php*/etc/php-fpm.conf',
];

const maxMains = 30;

interface Main {
  readonly path: string;
  readonly master?: ProcessInfo;
}

export default defineCollector({
  id: 'php-fpm-pools',
  title: 'php-fpm pools, running and configured',
  needs: ['processes', 'systemd-units'],
  *collect(facts) {
    const mains = new Map<string, Main>();
    const problems: string[] = [];
    const masters = valueOr(facts.processes, []).filter(process => phpFpmMasterConfig((process.argv[0] ?? '').trim()) !== undefined);
    const contained = yield* pidsInContainers(masters.map(master => master.pid));
    if (contained.size > 0) problems.push(`${contained.size} php-fpm masters run in containers and were left out (run badhop there to see them)`);
    for (const process of masters) {
      const named = phpFpmMasterConfig((process.argv[0] ?? '').trim());
      if (named === undefined || contained.has(process.pid)) continue;
      const path = resolvePath(named, process.cwd);
      if (!mains.has(path)) mains.set(path, { path, master: process });
    }
    for (const path of valueOr(facts['systemd-units'], []).flatMap(unitConfig)) if (!mains.has(path)) mains.set(path, { path });
    for (const glob of yield* expandGlobs(installedPatterns)) for (const path of glob.paths) if (!mains.has(path)) mains.set(path, { path });
    if (mains.size > maxMains) problems.push(`Only the first ${maxMains} of ${mains.size} php-fpm configurations were read.`);

    const pools: PhpFpmPool[] = [];
    const unread: { path: string; why: string }[] = [];
    const globals: Record<string, Readonly<Record<string, Sourced<string>>>> = {};
    const read: { main: Main; tree: PhpFpmTree }[] = [];
    for (const main of [...mains.values()].slice(0, maxMains)) {
      const tree = yield* readPhpFpmTree(main.path);
      if (tree === undefined) {
        if (main.master !== undefined) unread.push({ path: main.path, why: 'the running master names this file, and it is not there' });
        continue;
      }
      read.push({ main, tree });
      globals[main.path] = tree.globals;
      unread.push(...tree.unread);
      problems.push(...tree.problems);
      pools.push(...tree.pools.map(pool => (main.master === undefined ? pool : { ...pool, masterPid: main.master.pid })));
    }
    problems.push(...(yield* testRunning(read)));
    for (const file of unread) problems.push(`${file.path}: ${file.why} (run as root to read it)`);
    return known({ pools, unread, globals }, problems);
  },
});

/** The main file that a unit's ExecStart names (`-y`, `--fpm-config`). */
function unitConfig(unit: SystemdUnit): readonly string[] {
  const argv = parseExecStart(unit.execStart ?? '');
  const command = recogniseCommand(argv, 'unit');
  if (command?.service !== 'php-fpm') return [];
  const at = command.args.findIndex(arg => arg === '-y' || arg === '--fpm-config');
  const joined = command.args.find(arg => arg.startsWith('--fpm-config='));
  const path = joined?.slice('--fpm-config='.length) ?? (at < 0 ? undefined : command.args[at + 1]);
  return path === undefined || !path.startsWith('/') ? [] : [path];
}

/**
 * What php-fpm itself says about the files of its running masters. The test opens the error log for writing, so it
 * is left out where that file would be made by it.
 */
function* testRunning(read: readonly { readonly main: Main; readonly tree: PhpFpmTree }[]): Generator<readonly Request[], string[], readonly Known<unknown>[]> {
  const testable = read.filter(({ main }) => main.master?.exe !== undefined && !main.master.exe.endsWith(' (deleted)'));
  const logs = yield* askAll(testable.map(({ tree }) => ({ kind: 'stat', path: tree.globals['error_log']?.value ?? '/' }) as const));
  const safe = testable.filter((_, index) => logs[index]?.state === 'known');
  const answers = yield* askAll(
    safe.map(({ main }) => ({ kind: 'exec', argv: [main.master?.exe ?? '', '-y', main.path, '-tt'], options: { timeoutMs: 3000 } }) as const),
  );
  const problems: string[] = [];
  for (const [index, { main }] of safe.entries()) {
    const answer = answers[index];
    if (answer?.state !== 'known' || answer.value.code === 0) continue;
    const lines = answer.value.stderr.split('\n').filter(line => /\b(?:ERROR|ALERT|EMERGENCY)\b/.test(line.slice(0, 200)));
    if (lines.length > 0 && !lines.some(isRefusal)) problems.push(`php-fpm -tt refuses ${main.path}: ${lines.slice(0, 3).join(' ').slice(0, 600)}`);
  }
  return problems;
}
